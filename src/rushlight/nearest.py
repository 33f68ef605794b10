"""What is said of a name that is not there: which, and what is nearest to it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any

# Where a name may stand that was looked for elsewhere.
_NAMESPACES = (
    *("torch", "torch.nn", "torch.nn.functional", "torch.linalg", "torch.special", "torch.fft"),
    *("torch.optim", "torch.optim.lr_scheduler", "torch.utils.data", "torch.nn.init"),
    *("torch.nn.utils", "torch.autograd", "torch.random", "torch.Tensor"),
)
# NumPy's and Python's words for what torch calls otherwise.
_WORDS = {
    "array": "torch.tensor", "astype": "torch.Tensor.to", "average": "torch.mean",
    "cast": "torch.Tensor.to", "choice": "torch.multinomial", "conjugate": "torch.conj",
    "copy": "torch.clone", "degrees": "torch.rad2deg", "expand_dims": "torch.unsqueeze",
    "invert": "torch.bitwise_not", "len": "torch.numel", "mod": "torch.remainder",
    "ndarray": "torch.Tensor", "permutation": "torch.randperm", "power": "torch.pow",
    "product": "torch.prod", "ptp": "torch.aminmax", "radians": "torch.deg2rad",
    "rint": "torch.round", "shuffle": "torch.randperm", "size": "torch.numel",
}  # fmt: skip


_NONE: Mapping[str, str] = {}


class _MissingName(AttributeError):
    """A module lacks a name; what is nearest is looked for only when somebody reads the error."""

    def __init__(self, place: str, name: str, known: Iterable[str]) -> None:
        super().__init__(place, name)
        self.known = known

    def __str__(self) -> str:
        place, name = self.args
        return f"rushlight has no {place}.{name}{nearest(place, name, self.known)}"


# Python shows an error under its class's name, and to a program it is no other than this.
_MissingName.__module__, _MissingName.__qualname__ = "builtins", "AttributeError"


def missing(
    place: str, known: Iterable[str], late: Mapping[str, str] = _NONE
) -> Callable[[str], Any]:
    """What a module that goes by the name of place, and has these names, answers for another.

    Those in late are found in modules that are not loaded before somebody asks.

    >>> import rushlight as torch
    >>> torch.zeross
    Traceback (most recent call last):
    AttributeError: rushlight has no torch.zeross; nearest: torch.zeros
    """

    def __getattr__(name: str) -> Any:
        if name in late:
            module, _, other = late[name].partition(":")
            return getattr(import_module(module), other or name)
        # With a name and an object, Python would add its own guess to ours.
        raise _MissingName(place, name, known)

    return __getattr__


def nearest(place: str, name: str, known: Iterable[str]) -> str:
    """The end of an error message: what could have been meant, if anything comes near."""
    own = [f"{place}.{other}" for other in known if other[0] != "_"]
    found = _meant(place, name, own)
    return f"; nearest: {', '.join(found[:3])}" if found else ""


def _meant(place: str, name: str, own: list[str]) -> list[str]:
    """The name but for capitals and underscores, or elsewhere, or with more words, or misspelled."""
    plain = _plain(name)
    same = [where for where in own if _plain(where) == plain]
    if same or (place == "torch" and name in _WORDS):
        return same or [_WORDS[name]]
    elsewhere = [where for other in _NAMESPACES if other != place for where in _names(other)]
    same = [where for where in elsewhere if where.endswith(f".{name}")]
    if same:
        return same
    longer = [where for where in own if _begins_with(where.rpartition(".")[2], name)]
    same = sorted(longer, key=len)[:2] + [where for where in elsewhere if _plain(where) == plain]
    return same or _alike(plain, own) or _alike(plain, elsewhere)


def _begins_with(other: str, name: str) -> bool:
    """Whether the first words of another name are this one: `mse_loss` for mse."""
    after = other[len(name) : len(name) + 1]
    return other.lower().startswith(name.lower()) and (after == "_" or after.isupper())


def _plain(where: str) -> str:
    return where.rpartition(".")[2].replace("_", "").lower()


def _names(place: str) -> list[str]:
    torch: Any = sys.modules.get("rushlight")
    if place == "torch.Tensor":
        holder = getattr(torch, "Tensor", None)
    else:
        holder = sys.modules.get(f"rushlight{place.removeprefix('torch')}")
    return [f"{place}.{name}" for name in dir(holder) if name[0] != "_"]


def _alike(plain: str, offered: list[str]) -> list[str]:
    """Those with the fewest letters changed, at most one in four."""
    near = {where: _changes(plain, _plain(where)) for where in offered}
    fewest = min(near.values(), default=0)
    if fewest > max(1, len(plain) // 4):
        return []
    return [where for where, changes in near.items() if changes == fewest]


def _changes(a: str, b: str) -> int:
    """How many letters are to be put in, left out, replaced or swapped with the next one."""
    if abs(len(a) - len(b)) > max(1, len(a) // 4):
        return len(a) + len(b)
    before, row = list[int](), list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        earlier, before, row = before, row, [i]
        for j, other in enumerate(b, 1):
            least = min(before[j] + 1, row[-1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and (letter, a[i - 2]) == (b[j - 2], other):
                least = min(least, earlier[j - 2] + 1)
            row.append(least)
    return row[-1]
