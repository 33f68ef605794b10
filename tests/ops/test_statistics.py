"""Covariance, correlation, numerical derivatives and renorm, as in torch."""

import pytest
import torch
from tools.write_names import read

import rushlight
from tests.parity import parity


def test_covariance():
    parity(
        """
        x = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)
        often = torch.tensor([1, 2, 0, 1, 3])
        much = torch.tensor([0.5, 1.0, 2.0, 0.1, 0.3], dtype=torch.float64)
        forms = [torch.cov(x), x.cov(correction=0), x[0].cov(), torch.cov(x, fweights=often)]
        forms += [torch.cov(x, aweights=much), x.cov(fweights=often, aweights=much, correction=2)]
        forms += [torch.corrcoef(x), x[0].corrcoef()]
        sum((f * f).sum() for f in forms).backward()
        whole = torch.cov(torch.tensor([[1, 2, 4], [0, 3, 3]]))
        z = torch.cov(torch.tensor([[1 + 1j, 2.0, 3j], [0.5, 1j, 2.0]]))
        w = torch.corrcoef(torch.tensor([[1 + 1j, 2.0, 3j], [0.5, 1j, 2.0]]))
        errors = [attempt(lambda: torch.cov(torch.ones(1, 1, 2))), attempt(lambda: (x > 0).cov())]
        errors += [attempt(lambda: x.cov(fweights=much)), attempt(lambda: x.cov(aweights=often))]
        errors += [attempt(lambda: x.cov(aweights=much[:2]))]
        errors += [attempt(lambda: x.cov(aweights=-much))]
        errors += [attempt(lambda: torch.corrcoef(torch.ones(1, 1, 2)))]
        """,
        rtol=1e-6,
    )


@pytest.mark.parametrize("order", [1, 2])
def test_numerical_derivatives(order):
    parity(
        f"""
        x = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
        places = torch.tensor([0.0, 0.5, 1.5, 2.0], dtype=torch.float64)
        how = {{"edge_order": {order}}}
        forms = [*torch.gradient(x, **how), *torch.gradient(x, spacing=0.5, dim=1, **how)]
        forms += [*torch.gradient(x, spacing=[2.0, 0.1], **how)]
        forms += [*torch.gradient(x, spacing=(places,), dim=0, **how)]
        forms += [*torch.gradient(x[:3, :3], dim=(-1, 0), **how)]
        sum((f * f).sum() for f in forms).backward()
        errors = [attempt(lambda: torch.gradient(x, spacing=[1.0, 1.0, 1.0]))]
        errors += [attempt(lambda: torch.gradient(x[:1]))]
        errors += [attempt(lambda: torch.gradient(x, edge_order=3))]
        errors += [attempt(lambda: torch.gradient(x, spacing=(places[:2],), dim=0))]
        errors += [attempt(lambda: torch.gradient(x, dim=(0, 0)))]
        """
    )


def test_renorm():
    parity(
        """
        x = torch.tensor([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]], requires_grad=True)
        forms = [x.renorm(2, 0, 1.0), torch.renorm(x, 1, 1, 2.0), x.renorm(float("inf"), -2, 0.5)]
        sum((f * f).sum() for f in forms).backward()
        y = torch.ones(2, 2)
        same = y.renorm_(2, 0, 1.0) is y
        errors = [attempt(lambda: x[0].renorm(2, 0, 1.0)), attempt(lambda: x.renorm(-1, 0, 1.0))]
        errors += [attempt(lambda: x.renorm(2, 0, -1.0)), attempt(lambda: x.renorm(2, 5, 1.0))]
        """,
        rtol=1e-5,
    )


def test_in_place_functions():
    """Those that torch has, and each does what the method does."""
    forms = [e.shown for e in read() if e.place == "torch" and e.room == "ops.overwriting"]
    for name in [*forms, "abs_", "fill_", "zero_"]:
        assert hasattr(torch, name)
        values = [1, 2] if name in ("gcd_", "lcm_") else [0.25, 0.75]
        second = {"gcd_": [4], "lcm_": [4], "ldexp_": [2], "xlogy_": [2], "fill_": [2.0]}
        second["addmv_"] = [[[1.0, 2.0], [3.0, 4.0]], [1.0, 2.0]]
        x, y = rushlight.tensor(values), rushlight.tensor(values)
        bounds = {"clamp_": [0, 1], "clip_": [0, 1], "clamp_min_": [0.5], "clamp_max_": [0.5]}
        others = [rushlight.tensor(v) for v in second.get(name, [])] or bounds.get(name, [])
        assert getattr(rushlight, name)(x, *others) is x
        getattr(y, name)(*others)
        assert rushlight.allclose(x * 1.0, y * 1.0, equal_nan=True)
