"""Every row, recorded on its samples and replayed on other values: the same bits, laid out the same.

What `apply` decides each time by types and strides, an entry decides once; here the two are compared.
"""

import numpy as np
import pytest

import rushlight as torch
from rushlight.compiler import Changed, record
from rushlight.core.doors import apply
from rushlight.core.table import TABLE

# What they give depends on more than their operands: memory that is not filled.
LEFT_OUT = {"blank"}


def lies(tensor: torch.Tensor) -> object:
    array = tensor.detach().resolve_conj().resolve_neg()._data_
    return array.dtype.str, array.shape, array.strides, np.ascontiguousarray(array).tobytes()


@pytest.mark.parametrize("name", sorted(TABLE.keys() - LEFT_OUT))
def test_row(name):
    row = TABLE[name]
    for number, sample in enumerate(list(row.samples())[:3]):
        places = [i for i, x in enumerate(sample.arrays) if isinstance(x, np.ndarray | np.generic)]

        def run(*tensors, sample=sample, places=places):
            inputs = list(sample.arrays)
            for place, tensor in zip(places, tensors, strict=True):
                inputs[place] = tensor
            return apply(row, *inputs, **sample.static)

        # Every second sample in the order of columns.
        order = "F" if number % 2 else "C"
        given = [np.array(sample.arrays[i], order=order) for i in places]
        expected = outcome(run, given)
        if not isinstance(expected, list):
            continue
        result, program = record(run, *map(torch.from_numpy, given))
        assert told(result) == expected
        mixed = [mix(array) for array in given]
        found = outcome(program, mixed)
        assert found is Changed or found == outcome(run, mixed)


def outcome(function, arrays):
    """What comes of arrays: bits and layout, or the type of the error."""
    try:
        return told(function(*map(torch.from_numpy, arrays)))
    except Exception as error:
        return type(error)


def mix(array: np.ndarray) -> np.ndarray:
    """Other values of the same type, laid out alike."""
    mixed = np.empty_like(array)
    mixed[...] = array.reshape(-1)[::-1].reshape(array.shape)
    return mixed


def told(result: object) -> list[object]:
    return [lies(part) for part in (result if isinstance(result, tuple) else (result,))]
