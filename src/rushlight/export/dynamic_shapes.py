"""Sizes that may be others than in the example: `Dim("batch", min=1, max=64)`."""

from __future__ import annotations

from typing import Any, ClassVar

__all__ = ["Dim", "dims"]


class _Hint:
    """A size that is not named."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"DimHint({self.name})"


class Dim:
    """A size by name, the same wherever the name stands; or `Dim.AUTO`, `Dim.DYNAMIC`, `Dim.STATIC`.

    >>> batch = Dim("batch", max=8)
    >>> batch, 2 * batch - 1
    (Dim('batch', min=0, max=8), 2*batch - 1)
    """

    AUTO: ClassVar[Any] = _Hint("AUTO")
    DYNAMIC: ClassVar[Any] = _Hint("DYNAMIC")
    STATIC: ClassVar[Any] = _Hint("STATIC")

    def __init__(self, name: str, *, min: int | None = None, max: int | None = None) -> None:
        if not name.isidentifier():
            raise AssertionError(f"Dim name must be a valid identifier, got {name}")
        if min is not None and max is not None and max <= min:
            raise AssertionError(f"Cannot create Dim with inconsistent min={min}, max={max}")
        self.__name__ = name
        self.min, self.max = min, max
        # It is so many times the size of that name, and so much more.
        self.root, self.factor, self.offset = self, 1, 0

    def __repr__(self) -> str:
        # 2 is the smallest size of which nothing special is known: torch does not print it.
        low = [] if self.min == 2 else [f"min={self.min or 0}"]
        high = [] if self.max is None else [f"max={self.max}"]
        return f"Dim({', '.join([repr(self.__name__), *low, *high])})"

    def _derived(self, what: str, other: Any, factor: int, offset: int) -> Dim:
        if type(other) is not int or (what == "multiply" and other <= 0):
            raise NotImplementedError(
                f"Attempted to {what} {other} with {self.__name__}, where "
                f"{'a positive' if what == 'multiply' else 'an'} integer was expected. (Only increasing linear "
                "operations with integer coefficients are supported.)"
            )
        return _Derived(self.root, factor, offset)

    def __mul__(self, other: Any) -> Dim:
        whole = other if type(other) is int else 1
        return self._derived("multiply", other, self.factor * whole, self.offset * whole)

    def __add__(self, other: Any) -> Dim:
        more = other if type(other) is int else 0
        return self._derived("add", other, self.factor, self.offset + more)

    def __sub__(self, other: Any) -> Dim:
        less = other if type(other) is int else 0
        return self._derived("subtract", other, self.factor, self.offset - less)

    __rmul__, __radd__ = __mul__, __add__

    def of(self, size: int) -> int:
        """The size where that of the name is so large."""
        return self.factor * size + self.offset


class _Derived(Dim):
    """A multiple of a named size, and so much more."""

    def __init__(self, root: Dim, factor: int, offset: int) -> None:
        text = root.__name__ if factor == 1 else f"{factor}*{root.__name__}"
        self.__name__ = text + (f" {'+' if offset > 0 else '-'} {abs(offset)}" if offset else "")
        self.root, self.factor, self.offset = root, factor, offset
        self.min = self.max = None

    def __repr__(self) -> str:
        return self.__name__


def dims(*names: str, min: int | None = None, max: int | None = None) -> tuple[Dim, ...]:
    """Several sizes by name.

    >>> dims("height", "width")
    (Dim('height', min=0), Dim('width', min=0))
    """
    return tuple(Dim(name, min=min, max=max) for name in names)
