"""Sizes that may be others than in the example: `Dim("batch", min=1, max=64)`."""

from __future__ import annotations

from typing import Any, ClassVar

__all__ = ["Dim"]


class _Hint:
    """A size that is not named."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"Dim.{self.name}"


class Dim:
    """A size by name, the same wherever the name stands; or `Dim.AUTO`, `Dim.DYNAMIC`, `Dim.STATIC`."""

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

    def __repr__(self) -> str:
        return f"Dim('{self.__name__}', min={self.min or 0}" + (
            ")" if self.max is None else f", max={self.max})"
        )
