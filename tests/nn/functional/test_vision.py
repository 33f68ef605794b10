"""Padding, resampling and rearranging of images."""

import pytest
from tests.nn.functional.programs import derivatives, errors
from tests.parity import parity

IMAGE = "torch.randn(2, 4, 5, 6)"


@pytest.mark.parametrize(
    "pad",
    ["(1, 2)", "(1, 0, 2, 3)", "(-1, 2, 0, -2)", "(2, 2, 1, 1), 'reflect'", "(-1, 2, 2, -1), 'reflect'",
     "(1, 3, 2, 0), 'replicate'", "(3, 2, 1, 5), 'circular'", "(-2, 1, 1, -1), 'circular'",
     "(0, 0, 0, 0), 'replicate'", "(1, 2, 1, 1, 1, 0)", "(1, 1), 'constant', 2.5",
     "(1, 1, 0, 1, 2, 1), 'reflect'", "(-4, 6, 1, 1), 'replicate'"],
)  # fmt: skip
def test_pad(pad):
    derivatives(f"F.pad(x, {pad})", x=IMAGE)


def test_pad_forms():
    parity(
        """
        a = F.pad(torch.arange(3), (1, 1), value=7), F.pad(torch.ones(2, dtype=torch.bool), (1, 0))
        b = F.pad(torch.arange(4.0).reshape(1, 4), (2, 1), "reflect"), F.pad(torch.ones(2, 3), (1, 1), "circular")
        c = F.pad(torch.arange(8.0).reshape(1, 1, 2, 2, 2), (1, 1, 1, 1, 1, 1), "replicate"), F.pad(torch.ones(2), [])
        d = torch.constant_pad_nd(torch.ones(2, 2), (1, -1), 3.0)
        """
    )


NEAREST = ["size=(3, 9)", "scale_factor=2", "scale_factor=(1.7, 0.6)", "size=7"]


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "area"])
@pytest.mark.parametrize("how", NEAREST)
def test_nearest(mode, how):
    derivatives(f"F.interpolate(x, {how}, mode='{mode}')", x=IMAGE)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("align", [True, False])
@pytest.mark.parametrize("how", [*NEAREST, "scale_factor=1.7, recompute_scale_factor=True"])
def test_smooth(mode, align, how):
    derivatives(f"F.interpolate(x, {how}, mode='{mode}', align_corners={align})", x=IMAGE)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("size", ["(2, 3)", "(9, 4)"])
def test_antialias(mode, size):
    derivatives(f"F.interpolate(x, {size}, mode='{mode}', antialias=True)", x=IMAGE, twice=False)


def test_other_ranks():
    derivatives("F.interpolate(x, 7, mode='linear')", x="torch.randn(2, 3, 4)")
    derivatives(
        "F.interpolate(x, scale_factor=1.5, mode='trilinear', align_corners=True)",
        x="torch.randn(1, 2, 3, 4, 3)",
    )
    derivatives("F.interpolate(x, 5)", x="torch.randn(1, 2, 3, 4, 3)")
    derivatives("F.interpolate(x, scale_factor=3)", x="torch.randn(1, 2, 3)")


def test_old_names():
    parity(
        """
        import warnings
        x = torch.randn(1, 2, 3, 4)
        with warnings.catch_warnings(record=True) as _seen:
            warnings.simplefilter("always")
            a = F.upsample(x, 5), F.upsample_nearest(x, scale_factor=2), F.upsample_bilinear(x, (4, 6))
        count = len(_seen)
        bytes = F.interpolate((x * 9 + 99).to(torch.uint8), scale_factor=2)
        """
    )


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("align", [True, False])
def test_grid_sample(mode, padding, align):
    derivatives(
        f"F.grid_sample(x, g, '{mode}', '{padding}', {align})",
        x=IMAGE,
        g="torch.randn(2, 3, 4, 2) * 1.3",
        twice=mode == "bilinear" and padding != "reflection",
    )
    if mode != "bicubic":
        derivatives(
            f"F.grid_sample(x, g, '{mode}', '{padding}', {align})",
            x="torch.randn(1, 2, 3, 4, 5)",
            g="torch.randn(1, 2, 3, 2, 3)",
            twice=False,
        )


@pytest.mark.parametrize("align", [True, False])
def test_affine_grid(align):
    derivatives(f"F.affine_grid(t, (2, 1, 3, 4), {align})", t="torch.randn(2, 2, 3)")
    derivatives(f"F.affine_grid(t, (1, 1, 2, 1, 3), {align})", t="torch.randn(1, 3, 4)")


def test_shuffles():
    derivatives("F.pixel_shuffle(x, 2)", x=IMAGE)
    derivatives("F.pixel_unshuffle(x, 3)", x="torch.randn(2, 2, 6, 9)")
    derivatives("F.channel_shuffle(x, 2)", x=IMAGE)
    parity(
        """
        a = F.pixel_shuffle(torch.arange(8.0).reshape(8, 1, 1), 2)
        b = torch.channel_shuffle(torch.arange(6).reshape(1, 6, 1), 3)
        """
    )


def test_errors():
    errors(
        "F.pad(x, (1,))", "F.pad(x, (7, 7), 'reflect')", "F.pad(x, (6, 6, 0, 0), 'reflect')",
        "F.pad(x, (7, 6, 0, 0), 'circular')", "F.pad(x, (1, 1, 1, 1), 'foo')",
        "F.pad(x, (1, 1, 1, 1), 'reflect', value=1.0)", "F.pad(x, (-7, 0))", "F.pad(x, (1,) * 10)",
        "F.pad(torch.ones(3), (1, 1), 'reflect')", "F.interpolate(x)", "F.interpolate(x, size=3, scale_factor=2)",
        "F.interpolate(x, size=(3, 3, 3))", "F.interpolate(x, size=3, mode='foo')",
        "F.interpolate(x, size=3, mode='linear')", "F.interpolate(x, size=3, align_corners=True)",
        "F.interpolate(x, scale_factor=(2.0,), mode='bilinear')", "F.interpolate(x, size=0)",
        "F.interpolate(x.long(), size=3)", "F.interpolate(x, size=3, recompute_scale_factor=True)",
        "F.interpolate(x[0, 0], size=3)", "F.interpolate(x, size=3, antialias=True)",
        "F.interpolate(x[:, :0], size=3)", "F.interpolate(x, size=3.5)", "F.grid_sample(x, g, mode='foo')",
        "F.grid_sample(x, g, padding_mode='foo')", "F.grid_sample(x, g[:1], align_corners=True)",
        "F.grid_sample(x, g[..., :1], align_corners=True)", "F.grid_sample(x, g.double(), align_corners=True)",
        "F.grid_sample(x, g[0], align_corners=True)", "F.affine_grid(t, (2, 1, 0, 4), True)",
        "F.affine_grid(t[0], (2, 1, 3, 4), True)", "F.affine_grid(t, (3, 1, 3, 4), True)",
        "F.affine_grid(t.long(), (2, 1, 3, 4), True)", "F.affine_grid(t, (2, 1, 3, 4, 5, 6), True)",
        "F.pixel_shuffle(x, 3)", "F.pixel_shuffle(x[0, 0], 2)", "F.pixel_shuffle(x, 0)",
        "F.pixel_unshuffle(x, 4)", "F.pixel_unshuffle(x, -1)", "F.channel_shuffle(x, 3)",
        "F.channel_shuffle(x, 0)", "F.channel_shuffle(x[0, 0], 2)",
        more="x = torch.randn(2, 4, 6, 6); g = torch.zeros(2, 5, 5, 2); t = torch.ones(2, 2, 3)",
    )  # fmt: skip


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("antialias", [True, False])
def test_images_of_bytes(mode, antialias):
    """Weights of 16 bits, and a rounding after each dimension."""
    parity(
        """
        _x = torch.randint(0, 256, (2, 3, 20, 31), dtype=torch.uint8)
        sizes = [(10, 12), (33, 40), (20, 9), (7, 31)]
        plain = [F.interpolate(_x, s, mode=mode, antialias=antialias) for s in sizes]
        aligned = [F.interpolate(_x, s, mode=mode, antialias=antialias, align_corners=True) for s in sizes]
        last = _x.contiguous(memory_format=torch.channels_last)
        apart = [F.interpolate(last, s, mode=mode, antialias=antialias).stride() for s in sizes]
        """,
        given={"mode": mode, "antialias": antialias},
    )
