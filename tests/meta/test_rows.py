"""Every row gives, without elements, what it gives with them: shapes, types and strides."""

import numpy as np
import pytest

from rushlight.core.doors import apply
from rushlight.core.table import TABLE
from rushlight.core.tensor import wrap
from rushlight.outline import Outline, outlined

# Where the result lies for inputs that are not in row order is known to the forward alone.
BY_FORWARD = {
    "as_strided_sum", "index", "cross_entropy_grad", "fft_c2c", "fft_c2r", "fft_r2c", "gru", "inner", "label_masks",
    "lstm", "normalize_grad", "order", "put", "rnn", "signed_sum",
}  # fmt: skip


def turned(array):
    """The same in columns, as a view."""
    if isinstance(array, np.ndarray) and array.ndim > 1:
        return np.asfortranarray(array).view()
    return array


def parts(result):
    return result if isinstance(result, tuple) else (result,)


@pytest.mark.parametrize("name", sorted(TABLE))
def test_row(name):
    row = TABLE[name]
    for sample in row.samples():
        given = [np.asarray(a) if isinstance(a, np.generic) else a for a in sample.arrays]
        for change in (np.asarray, turned):
            arrays = [change(a) if isinstance(a, np.ndarray) else a for a in given]
            if name == "index" and any(a.dtype == bool for a in arrays):
                continue  # How many elements a mask picks is not known.

            def run(shape_of, arrays=arrays, static=sample.static):
                tensors = [wrap(shape_of(a)) if isinstance(a, np.ndarray) else a for a in arrays]
                return parts(apply(row, *tensors, **static))

            try:
                expected = run(lambda a: a)
            except (RuntimeError, ValueError, TypeError, IndexError):
                continue
            found = run(outlined)
            assert len(found) == len(expected)
            for ours, theirs in zip(found, expected, strict=True):
                assert ours._data_.__class__ is Outline
                assert ours.shape == theirs.shape
                assert ours.dtype == theirs.dtype
                assert ours.stride() == theirs.stride() or name in BY_FORWARD
