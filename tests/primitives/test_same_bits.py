"""Results that must be torch's to the last bit: powers, and small products with a vector."""

import zlib

import numpy as np
import pytest
import torch

import rushlight
from rushlight.primitives.matvec import product
from rushlight.primitives.power import power


def normal(seed, *shape):
    return np.random.RandomState(seed).randn(*shape).astype(np.float32)


def same(ours, theirs):
    """Whether arrays agree bit for bit, nan with any nan."""
    return ours.dtype == theirs.dtype and bool(
        np.all((ours == theirs) & (np.signbit(ours) == np.signbit(theirs)) | (ours != ours) & (theirs != theirs))
    )  # fmt: skip


# ---- powers -------------------------------------------------------------------------------------

vectorised = pytest.mark.skipif(
    torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"),
    reason="torch raises to powers with other code on this processor",
)

EXPONENTS = [4, 5, 6, 7, 8, 9, 10, -3, -4, 1.5, 2.5, 0.3, -0.7, 30.5, 100]
ODD_ONES = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 1e-40, -1e-40, 3e38, -3e38, 2.0, -1.5]


@vectorised
@pytest.mark.parametrize("exponent", EXPONENTS)
def test_powers(exponent):
    x = normal(1, 1 << 17)
    x[-32 * len(ODD_ONES) :] = np.repeat(np.float32(ODD_ONES), 32)
    assert same(power(x, exponent), (torch.from_numpy(x) ** exponent).numpy())


@vectorised
@pytest.mark.parametrize("exponent", [4, 9, -5])
def test_powers_that_are_nearly_zero(exponent):
    tiny = np.exp(np.random.RandomState(2).uniform(-103, -86, 4096) / exponent).astype(np.float32)
    assert same(power(tiny, exponent), (torch.from_numpy(tiny) ** exponent).numpy())


@vectorised
@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 100, 1 << 15, (1 << 15) + 33])
def test_what_is_left_of_whole_vectors(count):
    x = normal(3, count)
    assert same(power(x, 5), (torch.from_numpy(x) ** 5).numpy())


@vectorised
def test_layouts_of_powers():
    x = normal(4, 40, 24)
    for view in (x, x.T, x[::2], x[:, ::3], x.reshape(10, 4, 24).transpose(1, 0, 2), x[3, 5, None]):
        ours = power(view, 4)
        assert same(ours, (torch.from_numpy(view) ** 4).numpy())
        assert ours.strides == np.power(view, 4).strides
    assert same(power(x[0, 0].reshape(()), 4), (torch.tensor(x[0, 0]) ** 4).numpy())


@vectorised
def test_the_gradient_of_a_power():
    x = normal(5, 64)
    gradients = []
    for library in (torch, rushlight):
        leaf = library.from_numpy(x.copy()).requires_grad_()
        (leaf**7).sum().backward()
        gradients.append(leaf.grad.numpy())
    assert same(gradients[1], gradients[0])


def test_powers_of_other_types_are_numpys():
    for x in (normal(6, 64).astype(np.float64), np.arange(64)):
        assert np.array_equal((rushlight.from_numpy(x) ** 4).numpy(), np.power(x, 4))
    assert (rushlight.ones(3) ** 0).tolist() == [1, 1, 1]
    assert (rushlight.tensor([-2.5]) ** 1).item() == -2.5


# ---- products with a vector ---------------------------------------------------------------------


def crc(*arrays):
    value = 0
    for array in arrays:
        value = zlib.crc32(np.ascontiguousarray(array).tobytes(), value)
    return value


def linear_results(library, batch, features, out):
    """A linear layer forward and backward, with and without a bias."""
    linear, tensor = library.nn.functional.linear, library.from_numpy
    x, w = tensor(normal(1, batch, features)), tensor(normal(2, out, features))
    x.requires_grad_(), w.requires_grad_()
    y = linear(x, w, tensor(normal(3, out)))
    y.backward(tensor(normal(4, batch, out)))
    return [y.detach(), x.grad, w.grad, linear(x, w).detach()]


def product_results(library, rows, columns):
    """Products of a matrix, in either layout, with a vector on either side."""
    matrix, vector = library.from_numpy(normal(5, rows, columns)), normal(6, columns)
    vector = library.from_numpy(vector)
    turned = matrix.t().contiguous().t()
    wide = library.cat([matrix, matrix], 1)[:, :columns]
    row = library.from_numpy(normal(7, 1, rows))
    results = [library.addmm(row, vector.unsqueeze(0), m.t()) for m in (matrix, wide)]
    for m in (matrix, turned, wide):
        results += [m.mv(vector), vector @ m.t(), m.mm(vector.unsqueeze(1))]
    return results


# What torch 2.13 computes on a processor of Intel's with AVX-512.
RECORDED = {
    ("linear", 32, 4, 1): 861443124,
    ("linear", 1, 4, 32): 3511340996,
    ("linear", 1, 100, 2): 3970560955,
    ("linear", 1, 20, 1): 662405749,
    ("linear", 9, 1, 1): 3537456042,
    ("product", 2, 9): 3908551066,
    ("product", 5, 32): 1537429187,
    ("product", 16, 8): 2617962482,
}
RESULTS = {"linear": linear_results, "product": product_results}


def digest(library, case):
    name, *sizes = case
    return crc(*(t.numpy() for t in RESULTS[name](library, *sizes)))


@pytest.mark.parametrize("case", RECORDED)
def test_products(case):
    assert digest(rushlight, case) == RECORDED[case]


@pytest.mark.skipif(
    any(digest(torch, case) != RECORDED[case] for case in RECORDED),
    reason="torch sums in another order on this processor",
)
def test_products_against_torch_itself():
    draw = np.random.RandomState(8)
    for _ in range(300):
        batch, features, out = draw.randint(1, 33), draw.randint(2, 16), draw.randint(2, 33)
        for case in ((batch, features, 1), (1, features, out)):
            for ours, theirs in zip(
                linear_results(rushlight, *case), linear_results(torch, *case), strict=True
            ):
                assert same(ours.numpy(), theirs.numpy()), case


def test_products_are_close_to_numpys():
    for rows, columns in ((1, 1), (3, 5), (17, 32), (64, 64), (5, 700)):
        for matrix in (normal(9, rows, columns), normal(9, columns, rows).T):
            vector, start = normal(10, columns), normal(11, rows)
            for by_rows in (True, False):
                ours = product(matrix, vector, by_rows, start)
                if ours is not None:
                    assert ours.dtype == np.float32
                    assert ours.shape == (rows,)
                    assert np.allclose(ours, matrix @ vector + start, rtol=1e-4, atol=1e-4)


def test_large_products_and_other_types_are_left_to_blas():
    assert product(normal(12, 100, 100), normal(13, 100), True) is None
    assert product(normal(12, 4, 90).T.copy().T, normal(13, 90), True) is None
    assert product(np.eye(3), np.ones(3), True) is None
    assert product(np.empty((0, 3), np.float32), np.ones(3, np.float32), True) is None


def test_products_of_numbers_that_are_not_finite():
    x = rushlight.tensor([[np.inf, 1.0], [np.nan, 1.0], [3e38, 3e38]])
    out = (x @ rushlight.tensor([1.0, 1.0])).tolist()
    assert out[0] == np.inf
    assert out[1] != out[1]
    assert out[2] == np.inf


def test_a_wrong_bias_is_an_error():
    x, w = rushlight.ones(3, 4), rushlight.ones(1, 4)
    with pytest.raises(RuntimeError):
        rushlight.nn.functional.linear(x, w, rushlight.ones(3))
    with pytest.raises(RuntimeError):
        rushlight.nn.functional.linear(x[:, :3], w)
    with pytest.raises(RuntimeError):
        x @ rushlight.ones(3, 1)
