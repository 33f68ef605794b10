"""Sets that keep the order in which things came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableSet, Reversible
from typing import Any, TypeVar

T = TypeVar("T")

__all__ = ["OrderedSet"]


class OrderedSet(MutableSet[T], Reversible[T]):
    """A set that is gone through in the order in which its elements came.

    >>> OrderedSet([3, 1, 3]) | {2}
    OrderedSet([3, 1, 2])
    """

    __slots__ = ("_dict",)

    def __init__(self, iterable: Iterable[T] | None = None) -> None:
        self._dict: dict[T, None] = dict.fromkeys(iterable or ())

    def __contains__(self, elem: object) -> bool:
        return elem in self._dict

    def __iter__(self) -> Iterator[T]:
        return iter(self._dict)

    def __reversed__(self) -> Iterator[T]:
        return reversed(self._dict)

    def __len__(self) -> int:
        return len(self._dict)

    def __repr__(self) -> str:
        return f"OrderedSet({list(self)})"

    def add(self, elem: T) -> None:
        """Put it in, at the end unless it is there."""
        self._dict[elem] = None

    def discard(self, elem: T) -> None:
        """Take it out, if it is there."""
        self._dict.pop(elem, None)

    def clear(self) -> None:
        """Take all out."""
        self._dict.clear()

    def copy(self) -> OrderedSet[T]:
        """Another with the same elements."""
        return OrderedSet(self)

    def union(self, *others: Iterable[T]) -> OrderedSet[T]:
        """With the elements of others behind."""
        joined = self.copy()
        joined.update(*others)
        return joined

    def update(self, *others: Iterable[T]) -> None:
        """Put in the elements of others."""
        for other in others:
            self._dict.update(dict.fromkeys(other))

    def intersection(self, *others: Iterable[T]) -> OrderedSet[T]:
        """The elements that all have."""
        rest = [set(other) for other in others]
        return OrderedSet(e for e in self if all(e in other for other in rest))

    def difference(self, *others: Iterable[T]) -> OrderedSet[T]:
        """The elements that no other has."""
        rest = {e for other in others for e in other}
        return OrderedSet(e for e in self if e not in rest)

    def difference_update(self, *others: Iterable[T]) -> None:
        """Take out the elements of others."""
        for other in others:
            for elem in list(other):
                self.discard(elem)

    def symmetric_difference(self, other: Iterable[T]) -> OrderedSet[T]:
        """The elements of one of both."""
        theirs = OrderedSet(other)
        return self.difference(theirs).union(theirs.difference(self))

    def issubset(self, other: Iterable[T]) -> bool:
        """Whether all elements are in the other."""
        theirs = set(other)
        return all(elem in theirs for elem in self)

    def issuperset(self, other: Iterable[T]) -> bool:
        """Whether all elements of the other are here."""
        return all(elem in self for elem in other)

    def __getstate__(self) -> list[T]:
        return list(self)

    def __setstate__(self, state: Any) -> None:
        self._dict = dict.fromkeys(state)
