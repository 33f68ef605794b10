"""Layouts: the operators' samples with inputs that lie in memory in many ways.

Programs go on with `.view()`, or change a result in place through a view of it: whether the results
have torch's strides is a question like that for their values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.conformance import operators
from tests.conformance.agreement import Score, expect
from tests.conformance.exchange import Carrier, Library
from tests.conformance.operators import RUSHLIGHT, TORCH, Run

Array = np.ndarray


def ordered(array: Array, dims: tuple[int, ...]) -> Array:
    """A copy whose memory has these dimensions from the outermost to the innermost."""
    return array.transpose(dims).copy(order="C").transpose(np.argsort(dims))


def transposed(array: Array) -> Array:
    """The last two dimensions change places in memory."""
    n = array.ndim
    return (
        ordered(array, (*range(n - 2), n - 1, n - 2)) if n > 1 else ordered(array, tuple(range(n)))
    )


def reversed_(array: Array) -> Array:
    """The first dimension lies innermost."""
    return ordered(array, tuple(reversed(range(array.ndim))))


def rotated(array: Array) -> Array:
    """The first dimension lies innermost, the others keep their order: channels last, of images."""
    n = array.ndim
    return ordered(array, (*range(1, n), *range(min(n, 1))))


def channels_last(array: Array) -> Array:
    """The second dimension lies innermost."""
    n = array.ndim
    return ordered(array, (0, *range(2, n), 1) if n > 2 else tuple(range(n)))


def sliced(array: Array) -> Array:
    """Every second element of a row."""
    if not array.ndim:
        return array.copy()
    return np.repeat(array, 2, axis=-1)[..., ::2]


def spaced(array: Array) -> Array:
    """Every second row, of memory that is transposed."""
    if not array.ndim:
        return array.copy()
    return transposed(np.repeat(array, 2, axis=0))[::2]


def expanded(array: Array) -> Array:
    """One slice for all of the first dimension."""
    if array.ndim < 2 or not array.shape[0]:
        return array.copy(order="C")
    one = array[:1].copy(order="C")
    return np.ndarray(array.shape, array.dtype, one, 0, (0, *one.strides[1:]))


def plain(array: Array) -> Array:
    """Row after row."""
    return array.copy(order="C")


# Which layout the first tensor of a call gets, and which the others.
LAYOUTS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "contiguous": (plain, plain),
    "transposed": (transposed, transposed),
    "reversed": (reversed_, reversed_),
    "rotated": (rotated, rotated),
    "channels last": (channels_last, channels_last),
    "sliced": (sliced, sliced),
    "spaced": (spaced, spaced),
    "expanded": (expanded, expanded),
    "first transposed": (transposed, plain),
    "others transposed": (plain, transposed),
    "first channels last": (channels_last, plain),
    "others reversed": (plain, reversed_),
}


class LaidOut(Carrier):
    """Takes tensors over with their values in another layout."""

    def __init__(self, library: Library, layout: str) -> None:
        super().__init__(library)
        self.layout = layout

    def placed(self, array: Array) -> Array:
        """The values in the layout of this place in the call."""
        return LAYOUTS[self.layout][bool(self.known)](array)


class RunLaidOut(Run):
    """One call of an operator in one library, its tensors in a layout."""

    def __init__(self, library: Library, op: Any, sample: Any, layout: str) -> None:
        self.layout = layout
        super().__init__(library, op, sample, "")

    def carrier(self, library: Library) -> Carrier:
        """What takes the arguments over."""
        return LaidOut(library, self.layout)


# Each sample is asked in every layout: fewer of them say as much.
MOST_SAMPLES = 8


def ask(op: Any, count: int) -> Score:
    """Whether the results of samples, in the layouts, have torch's strides."""
    score = Score()
    for number, sample in enumerate(operators.samples(op, min(count, MOST_SAMPLES))):
        # Of few samples each gets half of the layouts.
        for layout in list(LAYOUTS) if count >= 4 else list(LAYOUTS)[number % 2 :: 2]:
            try:
                expected = RunLaidOut(TORCH, op, sample, layout)
            except Exception:
                continue  # Not every sample fits every layout.
            with score.question(layout):
                actual = RunLaidOut(RUSHLIGHT, op, sample, layout)
                pairs = zip(
                    TORCH.tensors(expected.result), RUSHLIGHT.tensors(actual.result), strict=True
                )
                for a, b in pairs:
                    expect(_same_strides(a, b), "other strides")
    return score


def _same_strides(a: Any, b: Any) -> bool:
    # Strides of nothing are steps to nowhere.
    return not a.numel() or (tuple(a.stride()) == tuple(b.stride()))
