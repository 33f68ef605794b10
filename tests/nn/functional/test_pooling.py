"""Pooling."""

import pytest
from tests.nn.functional.programs import derivatives, errors
from tests.parity import parity

FORMS = ["2", "3, 1, 1", "2, 3", "3, 2, 1, 1, True", "2, 2, 1, 2, True"]


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("form", FORMS)
def test_max(dims, form):
    size = (2, 2, *(7, 6, 5)[:dims])
    derivatives(f"F.max_pool{dims}d(x, {form})", x=f"torch.randn({size})")
    derivatives(
        f"F.max_pool{dims}d(x, {form}, return_indices=True)[0]"
        if form.count(",") != 3
        else f"F.max_pool{dims}d_with_indices(x, {form})[0]",
        x=f"torch.randn({size[1:]})",
    )


def test_indices():
    parity(
        """
        x = torch.randn(2, 3, 6, 7)
        a = F.max_pool2d(x, 2, return_indices=True)
        b = F.max_pool2d(x, 3, 2, 1, return_indices=True)
        c = F.max_pool2d(x, (2, 3), 1, (1, 0), (1, 2), True, return_indices=True)
        d = F.max_pool1d(x[0], 2, return_indices=True)
        e = F.max_pool3d(x[None], 2, return_indices=True)
        ties = F.max_pool2d(torch.zeros(1, 1, 4, 4), 2, 1, return_indices=True)
        whole = F.max_pool2d((x * 9).long(), 3, 2, 1)
        low = F.max_pool2d(torch.full((1, 1, 3, 3), -float("inf")), 2, 1, 1, return_indices=True)
        broken = F.max_pool1d(torch.tensor([[1.0, float("nan"), 3.0, 0.0]]), 2, return_indices=True)
        torchs = torch.max_pool1d_with_indices(x[0], 2), torch.max_pool2d(x, 2), torch.max_pool1d(x[0], 3)
        """
    )


def test_wide_windows():
    # More elements than a byte counts.
    parity(
        """
        x = torch.randn(1, 2, 40, 40, requires_grad=True)
        y, where = F.max_pool2d(x, 17, 5, return_indices=True)
        y.square().sum().backward()
        """
    )


def test_ties_share_nothing():
    parity(
        """
        x = torch.zeros(1, 1, 4, 4, requires_grad=True)
        F.max_pool2d(x, 2).sum().backward()
        y = torch.zeros(1, 1, 4, 4, requires_grad=True)
        F.max_pool2d(y, 3, 1, 1).sum().backward()
        """
    )


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize(
    "form", ["2", "3, 1, 1", "2, 3", "3, 2, 1, True", "3, 2, 1, True, False", "1"]
)
def test_avg(dims, form):
    derivatives(f"F.avg_pool{dims}d(x, {form})", x=f"torch.randn({(2, 2, *(7, 6, 5)[:dims])})")


def test_avg_options():
    derivatives("F.avg_pool2d(x, 2, 2, 1, divisor_override=3)", x="torch.randn(1, 2, 4, 4)")
    derivatives("torch.avg_pool1d(x, 2)", x="torch.randn(2, 5)")
    parity(
        """
        whole = F.avg_pool2d(torch.arange(-8, 8).reshape(1, 1, 4, 4), 2), F.avg_pool1d(torch.arange(6).reshape(1, 6), 4)
        into = torch.empty(1, 1, 2, 2)
        same = F.avg_pool2d(torch.ones(1, 1, 4, 4), 2, out=into) is into
        """
    )


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 9])
def test_adaptive(dims, size):
    shape = (2, 2, *(6, 5, 4)[:dims])
    derivatives(f"F.adaptive_avg_pool{dims}d(x, {size})", x=f"torch.randn({shape})")
    derivatives(f"F.adaptive_max_pool{dims}d(x, {size})", x=f"torch.randn({shape})")


def test_adaptive_forms():
    parity(
        """
        x = torch.randn(2, 3, 5, 6)
        a = F.adaptive_avg_pool2d(x, (None, 4)), F.adaptive_avg_pool2d(x, (0, 3)), F.adaptive_avg_pool2d(x[0], 2)
        b = F.adaptive_max_pool2d(x, (3, None), return_indices=True), F.adaptive_max_pool2d(x[0], 2, True)
        c = F.adaptive_max_pool1d_with_indices(x[0], 4), torch.adaptive_max_pool1d(x[0], 4)
        d = F.adaptive_max_pool2d(x, (0, 3)), F.adaptive_max_pool2d(x[:0], 2), torch.adaptive_avg_pool1d(x[0], 4)
        """
    )


def test_lp():
    derivatives("F.lp_pool1d(x, 2, 2)", x="torch.rand(2, 2, 6) + 0.1")
    derivatives("F.lp_pool2d(x, 3.0, (2, 3), 1, True)", x="torch.rand(2, 2, 5, 5) + 0.1")
    derivatives("F.lp_pool3d(x, 1.0, 2)", x="torch.rand(1, 2, 4, 4, 4) + 0.1")


def test_fractional():
    parity(
        """
        x = torch.randn(2, 3, 9, 8, requires_grad=True)
        a = F.fractional_max_pool2d(x, 2, output_size=(5, 4), return_indices=True)
        a[0].square().sum().backward()
        b = F.fractional_max_pool2d(x[0], (3, 2), output_ratio=(0.5, 0.7))
        c = F.fractional_max_pool3d(x.unsqueeze(0), 2, output_size=(1, 4, 3), return_indices=True)
        d = F.fractional_max_pool2d(x, 2, output_size=3, _random_samples=torch.full((2, 3, 2), 0.3))
        """
    )


def test_unpool():
    derivatives(
        "F.max_unpool2d(x, _where, 2, output_size=(7, 6))",
        x="torch.randn(2, 3, 3, 3)",
        more="_where = F.max_pool2d(torch.randn(2, 3, 6, 6), 2, return_indices=True)[1]",
    )
    derivatives(
        "F.max_unpool1d(x, _where, 2, 1)",
        x="torch.randn(3, 3)",
        more="_where = F.max_pool1d(torch.randn(3, 4), 2, 1, return_indices=True)[1]",
        twice=False,
    )
    derivatives(
        "F.max_unpool3d(x, _where, 2)",
        x="torch.randn(1, 3, 2, 2, 2)",
        more="_where = F.max_pool3d(torch.randn(1, 3, 4, 4, 4), 2, return_indices=True)[1]",
    )


def test_one_cell_is_the_mean_of_any_number_of_dimensions():
    parity("""
        x = torch.randn(2, 2, 2, 2, 3, 4, dtype=torch.float64)
        pages = F.adaptive_avg_pool2d(x[0, 0, 0, 0], 1), F.adaptive_avg_pool2d(x[0], (1, 1))
        blocks = F.adaptive_avg_pool3d(x[0, 0, 0], 1), F.adaptive_avg_pool3d(x, [1, 1, 1])
    """)


def test_errors():
    errors(
        "F.max_pool2d(x, 7)", "F.max_pool2d(x, 2, 0)", "F.max_pool2d(x, 2, padding=2)",
        "F.max_pool2d(x, (2, 2, 2))", "F.max_pool2d(x[0, 0], 2)", "F.max_pool2d(x, 0)",
        "F.max_pool2d(x, 2, dilation=0)", "F.max_pool1d(x, 2)", "F.max_pool2d(x[:, :0], 2)",
        "F.max_pool1d(x[0].long(), 2)", "F.max_pool2d(x.bool(), 2)", "F.max_pool2d(x, 2, -1)",
        "F.max_pool2d(x, 2, padding=-1)", "F.avg_pool2d(x, 7)", "F.avg_pool2d(x, 2, padding=2)",
        "F.avg_pool2d(x, 2, divisor_override=0)", "F.avg_pool1d(x, 2)", "F.avg_pool1d(torch.ones(5), 2)",
        "F.adaptive_avg_pool2d(x, -1)", "F.adaptive_avg_pool2d(torch.ones(5, 5), 2)",
        "F.adaptive_avg_pool1d(x[0], (2, 2))", "F.adaptive_avg_pool2d(x, (2, 2, 2))",
        "F.adaptive_avg_pool2d(torch.ones(1, 2, 0, 3), 2)", "F.adaptive_avg_pool1d(x[0].long(), 2)",
        "F.adaptive_max_pool2d(x.long(), 2)", "F.fractional_max_pool2d(x, 2)",
        "F.fractional_max_pool2d(x, 2, output_size=6)", "F.max_unpool2d(o, i, 2, output_size=(9, 9))",
        "F.max_unpool2d(o, i + 100, 2)", "F.max_unpool2d(o, i[:, :, :2], 2)", "F.max_unpool2d(o, i.int(), 2)",
        "F.max_unpool2d(o, i, 2, output_size=(7,))", "F.adaptive_avg_pool2d(torch.ones(2, 3), (1, 1))",
        "F.adaptive_max_pool2d(torch.ones(3), [2, 2])", "F.adaptive_max_pool3d(x[0], (1, None, 2))",
        "F.adaptive_avg_pool3d(x[0, 0], 1)", "F.adaptive_avg_pool2d(torch.ones(3), 1)",
        more="x = torch.randn(2, 3, 6, 6); o, i = F.max_pool2d(x, 2, return_indices=True)",
    )  # fmt: skip
