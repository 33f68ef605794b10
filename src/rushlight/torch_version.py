"""A version that is compared as versions are, with strings, tuples and versions."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["TorchVersion"]

_PARTS = re.compile(r"v?(\d+(?:\.\d+)*)(?:[._-]?(a|b|rc|alpha|beta|dev|post)[._-]?(\d*))?", re.I)
# Before and after the release itself.
_ORDER = {"dev": -4, "a": -3, "alpha": -3, "b": -2, "beta": -2, "rc": -1, "post": 1}


class TorchVersion(str):
    """A string that is compared as a version; its local label does not count unless the other has one.

    >>> TorchVersion("2.13.0") > "2.9", TorchVersion("2.13.0") >= (2, 13)
    (True, True)
    """

    def __lt__(self, other: Any) -> bool:
        return self._compare(other) < 0

    def __le__(self, other: Any) -> bool:
        return self._compare(other) <= 0

    def __gt__(self, other: Any) -> bool:
        return self._compare(other) > 0

    def __ge__(self, other: Any) -> bool:
        return self._compare(other) >= 0

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other) or (_key(other) is not None and self._compare(other) == 0)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__

    def _compare(self, other: Any) -> int:
        own, theirs = _key(self), _key(other)
        if own is None or theirs is None:
            return (str(self) > str(other)) - (str(self) < str(other))
        return (own > theirs) - (own < theirs)


def _key(version: Any) -> Any:
    """What versions are ordered by, or None for a word that is none."""
    if isinstance(version, tuple | list):
        version = ".".join(map(str, version))
    public, _, local = str(version).partition("+")
    found = _PARTS.fullmatch(public.strip())
    if found is None:
        return None
    numbers = [int(part) for part in found[1].split(".")]
    while len(numbers) > 1 and not numbers[-1]:
        numbers.pop()
    word = (found[2] or "").lower()
    return numbers, (_ORDER.get(word, 0), int(found[3] or 0) if word else 0), local
