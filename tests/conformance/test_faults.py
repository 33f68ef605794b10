"""What is not asked because torch is wrong: that it is, and that rushlight is not."""

import numpy as np
import pytest
import scipy.special
import torch

import rushlight
from tests.conformance.databases import FAULTS


def quadrature(order, x):
    """Bessel's integral by the midpoint rule, which converges exponentially: periodic integrand."""
    angle = (np.arange(400) + 0.5) * np.pi / 400
    return np.cos(order * angle - x[:, None] * np.sin(angle)).mean(1)


def second_kind(order, x):
    """The Wronskian J1 Y0 - J0 Y1 = 2 / (pi x), solved for one Y by SciPy's other."""
    j0, j1 = quadrature(0, x), quadrature(1, x)
    if order == 0:
        return (2 / (np.pi * x) + j0 * scipy.special.y1(x)) / j1
    return (j1 * scipy.special.y0(x) - 2 / (np.pi * x)) / j0


def airy(x):
    """Ai(-x) by Bessel functions of order 1/3 (Abramowitz & Stegun 10.4.15)."""
    z = 2 / 3 * x**1.5
    return np.sqrt(x) / 3 * (scipy.special.jv(1 / 3, z) + scipy.special.jv(-1 / 3, z))


@pytest.mark.parametrize(
    ("name", "sign", "truth"),
    [
        ("bessel_j0", 1, lambda x: quadrature(0, x)),
        ("bessel_j1", 1, lambda x: quadrature(1, x)),
        ("bessel_y0", 1, lambda x: second_kind(0, x)),
        ("bessel_y1", 1, lambda x: second_kind(1, x)),
        ("airy_ai", -1, airy),
    ],
)
def test_digits(name, sign, truth):
    x = np.linspace(2.05, 11.9, 300)
    want = truth(x)

    def error(library):
        got = getattr(library.special, name)(library.from_numpy(sign * x)).numpy()
        return np.median(np.abs(got - want)), np.abs(got - want).max()

    assert error(rushlight)[0] < 1e-14
    assert error(rushlight)[1] < 1e-11
    assert error(torch)[1] > 1e-7


def test_as_strided_scatter():
    def gradient(library):
        x = library.zeros(3, 3, requires_grad=True)
        y = library.as_strided_scatter(x, library.ones(2, 2), (2, 2), (3, 1), 1)
        y.sum().backward()
        return x.grad.numpy(), y.detach().numpy()

    right, covered = gradient(rushlight)
    assert np.array_equal(right, 1 - covered)
    assert np.array_equal(gradient(torch)[0], covered)


@pytest.mark.parametrize("name", ["ihfft2", "ihfftn"])
def test_out_of_one_dimension(name):
    def written(library):
        x = library.arange(8.0)
        out = library.zeros(5, dtype=library.complex64)
        getattr(library.fft, name)(x, dim=(0,), out=out)
        return (out - getattr(library.fft, name)(x, dim=(0,))).abs().max().item()

    assert written(rushlight) == 0
    assert written(torch) > 3


def test_linear_cross_entropy():
    def second(library, chunked):
        x = library.tensor([[0.5, -1.0]], dtype=library.float64, requires_grad=True)
        weight = library.tensor([[1.0, 2.0], [0.3, -0.7]], dtype=library.float64)
        options = library.nn.LinearCrossEntropyOptions(allow_retain_graph=True, batch_chunk_size=1)
        more = {"options": options} if chunked else {}
        loss = library.nn.functional.linear_cross_entropy(x, weight, library.tensor([0]), **more)
        (g,) = library.autograd.grad(
            loss, x, library.ones_like(loss).requires_grad_(), create_graph=True
        )
        (h,) = library.autograd.grad(g.sum(), x, allow_unused=True)
        return h

    right = second(rushlight, True).numpy()
    assert np.abs(right).min() > 0.01
    assert np.allclose(right, second(torch, False).numpy())
    assert second(torch, True) is None


def test_layer_norm_of_one_element():
    def gradient(library):
        x = library.linspace(-9, 9, 50).reshape(50, 1).requires_grad_()
        weight = library.tensor([4.4938])
        out = library.native_layer_norm(x, (1,), weight, None, 1e-5)[0]
        out.backward(library.linspace(0.1, 2, 50).reshape(50, 1))
        return x.grad.abs().max().item()

    assert gradient(rushlight) == 0
    assert gradient(torch) > 1e-4


def test_all_faults_are_shown():
    shown = {"as_strided_scatter", "nn.functional.linear_cross_entropy[chunked]"}
    shown.add("native_layer_norm")
    shown |= {"fft.ihfft2", "fft.ihfftn", "special.airy_ai"}
    shown |= {f"special.bessel_{kind}" for kind in ("j0", "j1", "y0", "y1")}
    assert set(FAULTS) == shown
