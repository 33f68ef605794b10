"""What it means that two results agree, and the score that is kept of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from tests.conformance.exchange import Library, MissingName, leaves

# Relative tolerance by type of element, for values; ten times wider for each order of derivative.
TOLERANCE = {
    "float16": 1e-3,
    "float32": 2e-5,
    "complex64": 2e-5,
    "float64": 1e-8,
    "complex128": 1e-8,
}


class Disagreement(Exception):
    """A result that differs from torch's; its text is the class of the reason."""


class Score:
    """For each kind of question about one subject: its first failure, or None."""

    def __init__(self) -> None:
        self.failures: dict[str, str | None] = {}

    @contextmanager
    def question(self, kind: str) -> Iterator[None]:
        """Ask within the block; whatever it raises is the failure."""
        self.failures.setdefault(kind, None)
        try:
            yield
        except Exception as error:
            self.failures[kind] = self.failures[kind] or _reason(error)

    @property
    def failed(self) -> list[str]:
        """The kinds of question that were not answered well; an entry never asked fails too."""
        return (
            ["everything"]
            if not self.failures
            else [kind for kind, failure in self.failures.items() if failure is not None]
        )


def _reason(error: Exception) -> str:
    if isinstance(error, Disagreement):
        return str(error)
    if isinstance(error, MissingName):
        return "missing name"
    return "not implemented" if isinstance(error, NotImplementedError) else "exception"


def expect(condition: bool, reason: str) -> None:
    """Raise a disagreement unless the condition holds."""
    if not condition:
        raise Disagreement(reason)


def agree_in_form(torch: Library, expected: Any, rushlight: Library, actual: Any) -> None:
    """The same nesting, the same field names, and tensors of the same types and shapes."""
    for name in getattr(type(expected), "__match_args__", ()):
        expect(hasattr(actual, name), "wrong structure")
    wanted, got = list(leaves(expected)), list(leaves(actual))
    expect(len(wanted) == len(got), "wrong structure")
    for a, b in zip(wanted, got, strict=True):
        if isinstance(a, torch.module.Tensor):
            expect(isinstance(b, rushlight.module.Tensor), "wrong structure")
            expect(str(a.dtype) == str(b.dtype), "wrong dtype")
            expect(tuple(a.shape) == tuple(b.shape), "wrong shape")
        elif a is not None and not isinstance(a, torch.module.dtype):
            expect(isinstance(b, type(a)), "wrong structure")


def agree_in_values(
    torch: Library, expected: Any, rushlight: Library, actual: Any, order: int = 0
) -> None:
    """The same numbers within the tolerance for this order of derivative."""
    wanted, got = list(leaves(expected)), list(leaves(actual))
    expect(len(wanted) == len(got), "wrong structure")
    for a, b in zip(wanted, got, strict=True):
        if isinstance(a, torch.module.Tensor):
            close(torch.array(a), rushlight.array(b), order)
        elif isinstance(a, bool | int | float | complex):
            close(np.asarray(a), np.asarray(b), order)


def agree_in_gradients(
    torch: Library,
    expected: Sequence[Any],
    rushlight: Library,
    actual: Sequence[Any],
    order: int,
) -> None:
    """Gradients of the same shapes and values; none counts as zeros, as in torch's gradcheck."""
    expect(len(expected) == len(actual), "wrong structure")
    for a, b in zip(expected, actual, strict=True):
        if a is not None and b is not None:
            expect(str(a.dtype) == str(b.dtype), "wrong dtype")
        given = [library.array(t) for library, t in ((torch, a), (rushlight, b)) if t is not None]
        if given:
            zeros = np.zeros_like(given[0])
            want, got = (zeros if t is None else given.pop(0) for t in (a, b))
            close(want, got, order)


def close(want: np.ndarray, got: np.ndarray, order: int = 0) -> None:
    """The same shape and numbers; for floats within the tolerance of their magnitude."""
    expect(want.shape == got.shape, "wrong shape")
    tolerance = TOLERANCE.get(want.dtype.name, 0.0) * 10.0**order
    if tolerance:
        finite = np.abs(want[np.isfinite(want)])
        scale = max(1.0, float(finite.max(initial=0.0)))
        same = np.isclose(got, want, rtol=tolerance, atol=tolerance * scale, equal_nan=True).all()
    else:
        same = np.array_equal(want, got)
    expect(bool(same), "wrong value")
