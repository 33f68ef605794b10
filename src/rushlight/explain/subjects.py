"""Which operation, module, optimizer or schedule a name means: torch's name, ours, or a misspelled one."""

from __future__ import annotations

import difflib
import inspect
import sys
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any

from rushlight.core.table import TABLE
from rushlight.overriding import functions

OPERATION, MODULE, OPTIMIZER, SCHEDULE, ROW = "operation", "module", "optimizer", "schedule", "row"
CLASS, ATTRIBUTE, NAMESPACE = "class", "attribute", "namespace"

# Where names are looked for, in this order, and how users write the place.
_PLACES = {
    "": "torch", "nn.functional": "torch.nn.functional", "Tensor": "torch.Tensor", "nn": "torch.nn",
    "optim": "torch.optim", "optim.lr_scheduler": "torch.optim.lr_scheduler", "linalg": "torch.linalg",
    "fft": "torch.fft", "special": "torch.special", "nn.utils": "torch.nn.utils", "nn.init": "torch.nn.init",
}  # fmt: skip
# Where there is more that has a docstring, and no formula.
_ELSEWHERE = (
    "", "nn", "autograd", "utils.data", "distributions", "func", "amp", "utils.checkpoint", "profiler", "library",
)  # fmt: skip
# What Python's operators are called.
_OPERATORS = {
    "+": "add", "-": "sub", "*": "mul", "/": "div", "@": "matmul", "**": "pow", "//": "floor_divide",
    "%": "remainder", "==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "&": "bitwise_and",
    "|": "bitwise_or", "^": "bitwise_xor", "~": "bitwise_not",
}  # fmt: skip
_SHORT = {"F": "nn.functional", "functional": "nn.functional", "lr_scheduler": "optim.lr_scheduler"}


@dataclass
class Subject:
    """What is explained: its kind, the object, and the names by which torch has it."""

    name: str
    kind: str
    value: Any
    names: list[str] = field(default_factory=list)


class UnknownNameError(LookupError):
    """There is no such name; `nearest` are those that come near."""

    def __init__(self, name: str, nearest: list[str]) -> None:
        super().__init__(name)
        self.name, self.nearest = name, nearest

    def __str__(self) -> str:
        if not self.nearest:
            return f"there is no operation, module, optimizer or schedule {self.name!r}"
        return f"there is no {self.name!r}: is {' or '.join(self.nearest)} meant?"


def subject(name: str) -> Subject:
    """What a name means; UnknownNameError if nothing.

    >>> subject("softmax").names[:2]
    ['torch.softmax', 'torch.nn.functional.softmax']
    >>> subject("torch.nn.Linear").kind, subject("adamw").name
    ('module', 'AdamW')
    """
    for prefix in ("torch.", "rushlight.", "aten::"):
        name = name.removeprefix(prefix)
    name = _OPERATORS.get(name, name)
    place, _, last = name.rpartition(".")
    place = _SHORT.get(place, place)
    found = _in(place, last) if place else None
    if not place:
        # Of two forms, that of nn.functional has fewer arguments.
        order = ("nn.functional", *_PLACES)
        hits = [hit for where in order if (hit := _in(where, name))]
        # One that only hands on to another, as nn.functional.tanh does, has nothing to show.
        shown = (hit for hit in hits if hit.kind != OPERATION or can_be_tried(hit.value))
        found = next(shown, hits[0] if hits else None)
        if found is None and name in TABLE:
            found = Subject(name, ROW, TABLE[name])
        found = found or _in("Tensor", name) or _elsewhere(name) or _namespace(name)
        found = found or _whatever_case(name)
    found = found or _elsewhere(name) or _namespace(name)
    if found is None:
        raise UnknownNameError(name, _near(last))
    found.names = found.names or _names_of(found)
    return found


def _elsewhere(name: str) -> Subject | None:
    """What is a class or function of another room, and has a docstring."""
    place, _, last = name.rpartition(".")
    for where in _ELSEWHERE if not place else [w for w in _ELSEWHERE if w == place]:
        value = getattr(import_module(f"rushlight.{where}".rstrip(".")), last, None)
        if callable(value) and last[:1] != "_" and inspect.getdoc(value):
            home = f"torch.{where}".rstrip(".")
            kind = CLASS if inspect.isclass(value) else OPERATION
            return Subject(last, kind, value, [f"{home}.{last}"])
    return None


def _namespace(name: str) -> Subject | None:
    """A namespace as a whole: torch, or one of those in it."""
    place = "" if name in ("torch", "rushlight") else _SHORT.get(name, name)
    if (place not in _PLACES and place not in _ELSEWHERE) or place == "Tensor" or not name:
        return None
    return Subject(
        name,
        NAMESPACE,
        import_module(f"rushlight.{place}".rstrip(".")),
        [f"torch.{place}".rstrip(".")],
    )


def _holder(place: str) -> Any:
    torch: Any = import_module("rushlight")
    if not place:
        return torch
    if place == "Tensor":
        return torch.Tensor
    if place not in _PLACES:
        return None
    return import_module(f"rushlight.{place}")


def _in(place: str, name: str) -> Subject | None:
    holder = _holder(place)
    value = getattr(holder, name, None) if holder is not None and name[:1] != "_" else None
    if isinstance(value, property):
        return Subject(name, ATTRIBUTE, value.fget, [f"{_PLACES[place]}.{name}"])
    kind = None if value is None else kind_of(value)
    return None if kind is None else Subject(name, kind, value)


def kind_of(value: Any) -> str | None:
    """What kind of thing it is; None if it is none that can be explained."""
    if inspect.isclass(value):
        torch: Any = import_module("rushlight")
        schedules = import_module("rushlight.optim.lr_scheduler")
        for base, kind in (
            (torch.nn.Module, MODULE),
            (torch.optim.Optimizer, OPTIMIZER),
            (schedules.LRScheduler, SCHEDULE),
        ):
            if issubclass(value, base):
                return kind
        return SCHEDULE if value is schedules.ReduceLROnPlateau else None
    return OPERATION if inspect.isroutine(value) or inspect.isfunction(value) else None


@cache
def known() -> dict[str, str]:
    """All names that can be explained, each with the place where it stands."""
    found: dict[str, str] = {}
    for place in _PLACES:
        holder = _holder(place)
        for name in dir(holder):
            if name[0] != "_" and name not in found and _in(place, name) is not None:
                found[name] = place
    return found | {name: "" for name in TABLE if name not in found}


def _whatever_case(name: str) -> Subject | None:
    plain = name.replace("_", "").lower()
    for other, place in known().items():
        if other.replace("_", "").lower() == plain:
            return _in(place, other) or Subject(other, ROW, TABLE[other])
    return None


def _near(name: str) -> list[str]:
    """The known names that come nearest, those in the same case first."""
    cased = {
        other.lower(): other
        for other in sorted(known(), key=lambda o: o.islower() is name.islower())
    }
    close = difflib.get_close_matches(name.lower(), cased, n=3, cutoff=0.6)
    return [cased[other] for other in close]


def _names_of(found: Subject) -> list[str]:
    """By which names torch has it."""
    if found.kind == ROW:
        return []
    if found.kind != OPERATION:
        places = (p for p in _PLACES if getattr(_holder(p), found.name, None) is found.value)
        return [f"{_PLACES[p]}.{found.name}" for p in places][:1]
    same = {
        f"{_home(twin, home)}.{name}"
        for twin, function, home, name, _ in functions._declared
        if _plain(function) is _plain(found.value) or name == found.name
    }
    for place, shown in _PLACES.items():
        if callable(getattr(_holder(place), found.name, None)):
            same.add(f"{shown}.{found.name}")
    order = [*_PLACES.values()]
    return sorted(same, key=lambda n: (_rank(n, order), n))[:6]


def _rank(name: str, order: list[str]) -> int:
    place = name.rpartition(".")[0]
    return order.index(place) if place in order else len(order)


@cache
def _operations() -> frozenset[int]:
    """The public functions that are operations on tensors, and no switches or makers of files."""
    return frozenset(id(twin) for twin, *_ in functions._declared)


def can_be_tried(value: Any) -> bool:
    """Whether a call of it does no more than compute."""
    return id(value) in _operations()


def _home(twin: Any, home: str) -> str:
    if twin.__qualname__.startswith("Tensor."):
        return "torch.Tensor"
    return home.replace("rushlight", "torch", 1)


def _plain(function: Any) -> Any:
    return inspect.unwrap(function) if callable(function) else function


def source_of(value: Any) -> tuple[str, int, str]:
    """(file, line, text) of a function's definition."""
    value = _plain(value)
    lines, start = inspect.getsourcelines(value)
    file = inspect.getsourcefile(value) or ""
    here = sys.modules["rushlight"].__path__[0]
    return file.removeprefix(here).lstrip("/\\"), start, inspect.cleandoc("\n" + "".join(lines))
