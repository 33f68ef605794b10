"""What is not finite stays where it is, a constant hands on zeros, and a zero has its sign."""

import pytest

from tests.parity import parity

# Functions of x, [1, 2, 5, 6]: where a nan or an infinity in it, or in the gradient, may be seen.
LOCAL = {
    "adaptive_avg_pool": "F.adaptive_avg_pool2d(x, 3)",
    "avg_pool": "F.avg_pool2d(x, 2)",
    "max_pool": "F.max_pool2d(x, 2)",
    "max_pool overlapping": "F.max_pool2d(x, 3, 1, 1)",
    "conv": "F.conv2d(x, torch.ones(1, 2, 3, 3), padding=1)",
    "bilinear": "F.interpolate(x, scale_factor=2, mode='bilinear')",
    "bilinear aligned": "F.interpolate(x, size=(7, 4), mode='bilinear', align_corners=True)",
    "bilinear down": "F.interpolate(x, size=(3, 3), mode='bilinear', antialias=True)",
    "area": "F.interpolate(x, size=(3, 3), mode='area')",
    "linear": "F.interpolate(x[0], size=13, mode='linear')",
    "grid_sample": (
        "F.grid_sample(x, torch.linspace(-1.2, 1.2, 24).view(1, 3, 4, 2), align_corners=False)"
    ),
    "grid_sample nearest": (
        "F.grid_sample(x, torch.linspace(-1.2, 1.2, 24).view(1, 3, 4, 2), mode='nearest', "
        "align_corners=False)"
    ),
    "amax": "x.amax(1)",
    "multi_margin_loss": "F.multi_margin_loss(x.flatten(0, 2), torch.arange(10) % 6, reduction='none')",
}


@pytest.mark.parametrize("place", [0, 37])
@pytest.mark.parametrize("name", LOCAL)
def test_stays_where_it_is(name: str, place: int) -> None:
    parity(
        f"""
        seen = []
        for stray in (float("nan"), float("inf")):
            x = torch.randn(1, 2, 5, 6)
            x.view(-1)[{place}] = stray
            seen.append({LOCAL[name]}.isfinite())
            x = torch.randn(1, 2, 5, 6, requires_grad=True)
            y = {LOCAL[name]}
            g = torch.ones_like(y)
            g.view(-1)[{place} % g.numel()] = stray
            if y.dim() > 1:
                y.backward(g)
                seen.append(x.grad.isfinite())
        del x, y
        """
    )


CONSTANT = {
    "ceil": "x.ceil()",
    "round": "x.round()",
    "round at decimals": "x.round(decimals=1)",
    "sign": "x.sign()",
    "floor of a quotient": "torch.div(x, 2.0, rounding_mode='floor')",
    "trunc of a quotient": "torch.div(x, x, rounding_mode='trunc')",
    "angle": "x.angle()",
    "sign taken over": "torch.copysign(torch.ones(3), x)",
    "normal_": "(x * 1).normal_()",
    "bernoulli_": "(x * 1).bernoulli_()",
    "normal": "torch.normal(x, 1.0)",
    "fill_": "(x * 1).fill_(2.0)",
    "nan_to_num": "x.nan_to_num()",
    "copysign": "torch.copysign(x, torch.ones(3))",
    "xlogy": "torch.xlogy(x, x)",
    "kl_div": "F.kl_div(x, x, reduction='none')",
    "mse_loss": "F.mse_loss(torch.ones(3), x, reduction='none') * x.detach()",
}


@pytest.mark.parametrize("arriving", ["-1.0", "0.0", "float('nan')"])
@pytest.mark.parametrize("name", CONSTANT)
def test_gradients_of_constants(name: str, arriving: str) -> None:
    parity(
        f"""
        x = torch.tensor([1.3, -0.7, 0.0], requires_grad=True)
        y = {CONSTANT[name]}
        g = torch.full_like(y, {arriving}).requires_grad_()
        (found,) = torch.autograd.grad(y, x, g, create_graph=True)
        told = found.requires_grad, found.signbit() & found.eq(0)
        """
    )


@pytest.mark.parametrize("name", ["maximum", "minimum", "fmax", "fmin", "max", "min"])
def test_the_first_of_equal_zeros(name: str) -> None:
    parity(
        f"""
        zero = torch.zeros(7)
        signs = [torch.{name}(a, b).signbit() for a, b in ((zero, -zero), (-zero, zero))]
        limits = [(-zero).clamp(min=0.0).signbit(), zero.clamp(max=-0.0).signbit()]
        padded = F.pad(zero, (1, 1), value=-0.0).signbit()
        """
    )


@pytest.mark.parametrize("exponent", ["0", "1", "2", "0.5", "-1", "0.25", "2j", "1j - 1"])
def test_powers_of_complex_zeros(exponent: str) -> None:
    parity(
        f"""
        x = torch.tensor([0, 1, -1, 2 + 1j], dtype=torch.complex128)
        powers = (x ** ({exponent})).isnan(), (x ** ({exponent}))[1:]
        tensors = torch.pow(x, torch.full((4,), {exponent})).isnan()
        """
    )


def test_a_determinant_of_zero() -> None:
    parity(
        """
        signs = [torch.linalg.det(torch.full((3, 3), v)).signbit() for v in (-1.5, 1.5)]
        swapped = torch.linalg.det(torch.tensor([[0.0, 1.0], [0.0, 3.0]])).signbit()
        """
    )


def test_lengths_of_one_element() -> None:
    parity(
        """
        x = torch.tensor([[0.5], [-2.0]])
        found = [torch.linalg.vector_norm(x, p, dim=1) for p in (300, -300, 0, 0.5, 2, 1e-3)]
        """
    )
