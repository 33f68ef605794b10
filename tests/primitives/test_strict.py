"""The array module comes from the array: every row, on arrays of another library."""

import importlib
import pkgutil
from typing import Any

import numpy as np
import pytest

import rushlight as torch
import rushlight.primitives
from rushlight.core.doors import apply
from rushlight.core.table import TABLE
from rushlight.core.tensor import wrap
from tests.primitives.checks import Differentiated, reseed, samples
from tests.primitives.strict import Strict, plain, strict

for _module in pkgutil.iter_modules(rushlight.primitives.__path__):
    importlib.import_module(f"rushlight.primitives.{_module.name}")

# These stay with NumPy: SciPy hands on LAPACK's functions for NumPy's arrays alone, and NumPy has no
# functions of its own, which a library could answer, for what they do.
NUMPY_ONLY = {
    "cholesky_solve": "potrs",
    "linalg_ldl_factor_ex": "sytrf",
    "linalg_ldl_solve": "sytrs",
    "linalg_lu_factor_ex": "getrf",
    "linalg_matrix_exp": "SciPy's expm",
    "linalg_solve_triangular": "trtrs",
}
# And the gradients of these, which are solved for with triangles.
NUMPY_GRADIENT = {"linalg_cholesky_ex", "linalg_qr"}


def run(row: Any, sample: Any, bring: Any) -> tuple[list[Any], list[Any]]:
    """Outputs of a row and the gradients of its inputs, on arrays as bring makes them."""
    reseed(sample)
    known = Differentiated(row, sample)
    reseed(sample)
    given = [wrap(bring(a)) if isinstance(a, np.ndarray) else a for a in sample.arrays]
    for place in known.places:
        given[place]._requires_grad_ = True
    out = apply(row, *given, **sample.static)
    outs = list(out) if isinstance(out, tuple) else [out]
    values = [o._data_ for o in outs]
    pairs = [
        (o, wrap(bring(np.array(c, o._data_.dtype, copy=True))))
        for o, c in zip(outs, known.cotangents, strict=True)
        if c is not None and o.requires_grad
    ]
    if not pairs or row.name in NUMPY_GRADIENT:
        return values, []
    found = torch.autograd.grad(
        [o for o, _ in pairs],
        [given[i] for i in known.places],
        [c for _, c in pairs],
        allow_unused=True,
    )
    return values, [None if g is None else g._data_ for g in found]


@pytest.mark.parametrize("name", [name for name in TABLE if name not in NUMPY_ONLY])
def test_row(name):
    row = TABLE[name]
    for sample in samples(row):
        expected, gradients = run(row, sample, lambda a: a.copy("K"))
        values, found = run(row, sample, strict)
        for want, got in zip(expected + gradients, values + found, strict=True):
            if want is None:
                assert got is None
                continue
            assert isinstance(got, Strict)
            np.testing.assert_array_equal(plain(got), want)
            assert got.dtype == want.dtype
            assert got.strides == want.strides or not want.size


@pytest.mark.parametrize("name", NUMPY_ONLY)
def test_a_row_that_stays_with_numpy_says_so(name):
    for sample in samples(TABLE[name]):
        with pytest.raises(RuntimeError, match="LAPACK, which SciPy hands on"):
            apply(TABLE[name], *map(wrap, strict(sample.arrays)), **sample.static)


def test_the_array_is_strict():
    array, numbers = Strict(np.ones((2, 3))), np.ones((2, 3))
    for refused in (
        lambda: np.asarray(array), lambda: array + numbers, lambda: numbers + array,
        lambda: np.concatenate([array, numbers]), lambda: float(array), lambda: bool(array),
        lambda: memoryview(array), lambda: numbers[array], lambda: array[numbers > 0],
    ):  # fmt: skip
        with pytest.raises((TypeError, IndexError)):
            refused()
    assert not hasattr(array, "__array_interface__")
    assert isinstance(np.exp(array), Strict)
    assert isinstance(np.zeros(2, like=array), Strict)
    assert bool(array.sum() == 6)


def test_what_numpy_holds_is_brought_to_the_other_library():
    given, numbers = wrap(Strict(np.ones((2, 3), "f4"))), torch.arange(3.0)
    for result in (
        given + numbers,
        numbers + given,
        given * torch.tensor(2.0, dtype=torch.float64),
    ):
        assert isinstance(result._data_, Strict)
        assert result.dtype is torch.float32
    given.add_(numbers, alpha=2)
    np.testing.assert_array_equal(given._data_.get(), [[1, 3, 5]] * 2)
    # But a tensor of NumPy's never becomes one of another library's in place.
    with pytest.raises(TypeError):
        numbers.add_(given[0])


def test_a_failed_call_explains_itself():
    with pytest.raises(RuntimeError, match="must match the size of tensor b"):
        wrap(Strict(np.ones(2))) + wrap(Strict(np.ones(3)))
