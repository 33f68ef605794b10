"""Convolutions, their transposes, windows."""

import itertools

import pytest
from tests.nn.functional.programs import derivatives, errors
from tests.parity import parity

# (dims, sizes, in, out, kernel, stride, padding, dilation, groups)
FORMS = [
    (1, (7,), 2, 3, (3,), 1, 0, 1, 1),
    (1, (9,), 4, 6, (2,), 3, 2, 2, 2),
    (1, (1,), 1, 1, (1,), 1, 0, 1, 1),
    (2, (5, 6), 2, 3, (3, 3), 1, 1, 1, 1),
    (2, (6, 5), 3, 3, (3, 2), (2, 1), (1, 0), 1, 3),
    (2, (8, 7), 2, 2, (3, 3), 2, (2, 3), (2, 1), 1),
    (2, (4, 4), 4, 2, (1, 1), 1, 0, 1, 2),
    (2, (5, 5), 1, 2, (1, 1), 2, 1, 1, 1),
    (2, (2, 3), 1, 2, (2, 3), 4, 0, 1, 1),
    (2, (3, 4), 2, 4, (4, 1), 1, (3, 0), 1, 1),
    (3, (3, 4, 5), 2, 2, (2, 2, 3), (1, 2, 1), (1, 0, 1), 1, 2),
    (3, (4, 3, 3), 1, 2, (2, 1, 2), 1, 1, (1, 1, 2), 1),
]


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_convolution(form):
    dims, size, channels, outputs, kernel, stride, padding, dilation, groups = form
    derivatives(
        f"F.conv{dims}d(x, w, b, {stride}, {padding}, {dilation}, {groups})",
        x=f"torch.randn({(2, channels, *size)})",
        w=f"torch.randn({(outputs, channels // groups, *kernel)})",
        b=f"torch.randn({outputs})",
    )


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_transpose(form):
    dims, size, channels, outputs, kernel, stride, padding, dilation, groups = form
    padding = 0 if dims == 2 and size in ((4, 4), (5, 5), (3, 4)) else padding
    derivatives(
        f"F.conv_transpose{dims}d(x, w, b, {stride}, {padding}, 0, {groups}, {dilation})",
        x=f"torch.randn({(2, outputs, *size)})",
        w=f"torch.randn({(outputs, channels // groups, *kernel)})",
        b=f"torch.randn({channels})",
    )


@pytest.mark.parametrize(
    ("stride", "dilation", "extra"),
    [((2, 3), (1, 1), (1, 2)), ((1, 1), (3, 2), (2, 1)), ((2, 2), (1, 3), (0, 2))],
)
def test_output_padding(stride, dilation, extra):
    derivatives(
        f"F.conv_transpose2d(x, w, None, {stride}, 1, {extra}, 1, {dilation})",
        x="torch.randn(1, 2, 3, 4)",
        w="torch.randn(2, 2, 2, 3)",
    )


@pytest.mark.parametrize(
    ("padding", "kernel"), list(itertools.product(["'same'", "'valid'"], [(3, 3), (2, 4)]))
)
def test_named_padding(padding, kernel):
    derivatives(
        f"F.conv2d(x, w, padding={padding}, dilation=(1, 2))",
        x="torch.randn(2, 2, 7, 9)",
        w=f"torch.randn({(2, 2, *kernel)})",
    )


def test_unbatched():
    derivatives(
        "F.conv1d(x, w, b)", x="torch.randn(2, 6)", w="torch.randn(3, 2, 2)", b="torch.randn(3)"
    )
    derivatives("F.conv3d(x, w)", x="torch.randn(1, 3, 3, 3)", w="torch.randn(2, 1, 2, 2, 2)")
    derivatives(
        "F.conv_transpose2d(x, w, stride=2)", x="torch.randn(3, 2, 2)", w="torch.randn(3, 2, 2, 2)"
    )


def test_others():
    derivatives(
        "torch.conv_tbc(x, w, b, 1)",
        x="torch.randn(5, 2, 3)",
        w="torch.randn(3, 3, 4)",
        b="torch.randn(4)",
    )
    derivatives(
        "torch.convolution(x, w, None, [2], [1], [1], True, [1], 1)",
        x="torch.randn(2, 3, 4)",
        w="torch.randn(3, 2, 3)",
    )


def test_types_and_empty():
    parity(
        """
        whole = F.conv2d(torch.arange(16).reshape(1, 1, 4, 4), torch.ones(1, 1, 2, 2, dtype=torch.int64))
        half = F.conv1d(torch.ones(1, 1, 4).half(), torch.ones(1, 1, 2).half())
        wave = F.conv1d(torch.tensor([[[1j, 2.0, -1j]]]), torch.tensor([[[1.0, 1j]]]))
        empty = F.conv2d(torch.ones(0, 3, 4, 4), torch.ones(2, 3, 2, 2))
        x = torch.randn(2, 3, 5, 5)[:, :, ::2].transpose(2, 3)
        strided = F.conv2d(x, torch.randn(3, 3, 4, 4).permute(1, 0, 2, 3)[..., :2])
        """
    )


def test_wide():
    # More columns than one piece of the work holds.
    parity(
        """
        x = torch.randn(3, 4, 70, 60, requires_grad=True)
        w = torch.randn(5, 4, 3, 3, requires_grad=True)
        y = F.conv2d(x, w, stride=1, padding=1)
        y.square().mean().backward()
        """,
        rtol=1e-4,
        atol=1e-4,
    )


def test_errors():
    errors(
        "F.conv2d(x, w, stride=(1, 1, 1))", "F.conv2d(x, w, stride=0)", "F.conv2d(x, w, padding='foo')",
        "F.conv2d(x, w.double())", "F.conv2d(x, None)", "F.conv2d(x, w, padding=-1)",
        "F.conv2d(x, torch.ones(2, 3, 5, 5))", "F.conv2d(x, torch.ones(2, 2, 2, 2))",
        "F.conv2d(x[0, 0], w)", "F.conv2d(x, w, torch.ones(3))", "F.conv2d(x, w, groups=2)",
        "F.conv2d(x, torch.ones(3, 1, 2, 2), groups=0)", "F.conv2d(x, w, padding='same', stride=2)",
        "F.conv_transpose2d(x, torch.ones(3, 2, 2, 2), output_padding=1)",
        "F.conv_transpose2d(x, torch.ones(2, 2, 2, 2))", "F.conv2d(x, torch.ones(0, 3, 2, 2))",
        "F.conv_transpose2d(x, torch.ones(3, 2, 2, 2), padding=9)", "F.conv2d(x, w, dilation=0)",
        "F.unfold(x, 5)", "F.unfold(torch.ones(3, 3), 2)", "F.unfold(x, (2, 2, 2))",
        "F.fold(torch.ones(1, 12, 9), (4, 4), 3)", "F.fold(torch.ones(1, 12, 8), (4, 4), 2)",
        "F.unfold(x, 2, stride=0)", "F.unfold(x, 2, padding=-1)",
        more="x = torch.ones(1, 3, 4, 4); w = torch.ones(2, 3, 2, 2)",
    )  # fmt: skip


@pytest.mark.parametrize("form", ["2", "(2, 3), 1, (1, 0), 2", "2, 2, 1, (2, 1)"])
def test_windows(form):
    derivatives(f"F.unfold(x, {form})", x="torch.randn(2, 3, 5, 6)")
    derivatives(f"F.fold(F.unfold(x, {form}), (5, 6), {form})", x="torch.randn(2, 3, 5, 6)")


def test_windows_of_one():
    parity("a = F.unfold(torch.arange(9.0).reshape(1, 3, 3), 2); b = F.fold(a, (3, 3), 2)")
