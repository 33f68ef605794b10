"""How far two runs of one program agree, and where they part."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from rushlight.verify.records import Event, events


@dataclass
class Row:
    """One backward or step, and how far both agree there: the largest differences, as parts of scale."""

    number: int
    kind: str
    losses: tuple[float | None, float | None] = (None, None)
    gradients: float | None = None
    values: float | None = None


@dataclass
class Parting:
    """The first difference that is more than rounding: in which event, in what, and both values."""

    number: int
    kind: str
    what: str
    ours: str
    theirs: str
    difference: float | None
    place: str
    optimizer: str = ""


@dataclass
class Comparison:
    """Two runs, side by side."""

    rows: list[Row] = field(default_factory=list)
    parting: Parting | None = None
    ends: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    counts: tuple[int, int] = (0, 0)
    # The elements of parameters whose gradients are nothing but rounding: what a step makes of them says nothing.
    noise: dict[str, Any] = field(default_factory=dict)
    # How large the gradients of each parameter have been: near a minimum what is left of them is rounding.
    tops: dict[str, float] = field(default_factory=dict)


def difference(ours: Any, theirs: Any, floor: float = 0.0) -> float:
    """The largest difference of two arrays, as a part of the scale of the second (or of floor)."""
    if ours.shape != theirs.shape:
        return float("inf")
    if not ours.size:
        return 0.0
    a, b = ours.astype(np.float64), theirs.astype(np.float64)
    with np.errstate(all="ignore"):
        apart = np.abs(a - b)
    apart = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, apart)
    worst = float(np.max(apart))
    if worst == 0:
        return 0.0
    if not np.isfinite(worst):
        return float("inf")
    finite = np.abs(b[np.isfinite(b)])
    scale = max(float(finite.max()) if finite.size else 0.0, floor)
    return worst / scale if scale > 0 else float("inf")


def largest(event: Event, start: str) -> float:
    """The largest finite number among arrays whose names begin so."""
    found = [
        np.abs(a[np.isfinite(a)]) for name, a in event.arrays.items() if name.startswith(start)
    ]
    return max((float(a.max()) for a in found if a.size), default=0.0)


def shown(ours: Any, theirs: Any) -> tuple[str, str]:
    """Both values where two arrays are furthest apart."""
    if ours.shape != theirs.shape:
        return f"shape {list(ours.shape)}", f"shape {list(theirs.shape)}"
    a, b = ours.astype(np.float64), theirs.astype(np.float64)
    with np.errstate(all="ignore"):
        apart = np.nan_to_num(np.abs(a - b), nan=np.inf, posinf=np.inf)
    apart = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, apart)
    at = np.unravel_index(int(np.argmax(apart)), apart.shape) if apart.ndim else ()
    where = f" at {list(map(int, at))}" if at else ""
    return f"{a[at]:.9g}{where}", f"{b[at]:.9g}{where}"


def compare(ours: Path, theirs: Path, tolerance: float) -> Comparison:
    """Read both files in step, until they part or end."""
    found = Comparison()
    for pair in zip_longest(_counted(ours), _counted(theirs)):
        a, b = (None if e is None or e.kind == "end" else e for e in pair)
        for side, event in enumerate(pair):
            if event is not None and event.kind == "end":
                found.ends = (
                    (event.facts, found.ends[1]) if side == 0 else (found.ends[0], event.facts)
                )
        counts = found.counts[0] + (a is not None), found.counts[1] + (b is not None)
        found.counts = counts
        if a is None or b is None or found.parting is not None:
            continue
        if a.kind != b.kind:
            number = a.facts["number"]
            found.parting = Parting(
                number, "order", "what comes next", a.kind, b.kind, None, a.place or b.place
            )
            continue
        _one(found, a, b, tolerance)
    return found


def _counted(path: Path) -> Iterator[Event]:
    return (event for event in events(path) if event.kind != "call")


def _one(found: Comparison, a: Event, b: Event, tolerance: float) -> None:
    row = Row(a.facts["number"], a.kind)
    found.rows.append(row)
    top = largest(b, "gradient")
    names = [*a.arrays, *(name for name in b.arrays if name not in a.arrays)]
    for name in names:
        x, y = a.arrays.get(name), b.arrays.get(name)
        parameter = name.partition(" of ")[2]
        if x is None or y is None:
            _part(found, a, name, "nothing" if x is None else "there", "nothing" if y is None else "there",
                  None)  # fmt: skip
            continue
        if name.startswith("loss"):
            apart = difference(x, y, 1e-3)
            if name == "loss" and x.size == 1:
                row.losses = float(x.reshape(-1)[0]), float(y.reshape(-1)[0])
        elif name.startswith("gradient"):
            noise = _rounding(x, y, 1e-5 * top)
            if noise.any():
                found.noise[parameter] = found.noise.get(parameter, False) | noise
            ever = found.tops[parameter] = max(found.tops.get(parameter, 0.0), top)
            apart = difference(x, y, 1e-3 * ever)
            row.gradients = max(row.gradients or 0.0, 0.0 if noise.all() else apart)
        else:
            noise = found.noise.get(parameter, np.False_)
            if noise.all():
                continue
            apart = difference(np.where(noise, y, x) if x.shape == noise.shape else x, y, 1e-3)
            row.values = max(row.values or 0.0, apart)
        if not apart <= tolerance:
            _part(found, a, name, *shown(x, y), apart)


def _rounding(ours: Any, theirs: Any, small: float) -> Any:
    """Which elements of a gradient are small beside all others, and nothing but rounding."""
    if ours.shape != theirs.shape or not ours.size:
        return np.False_
    size = np.maximum(np.abs(ours), np.abs(theirs))
    tiny = size < small
    return tiny if tiny.all() else tiny & (np.abs(ours - theirs) > 1e-3 * size)


def _part(
    found: Comparison, event: Event, what: str, ours: str, theirs: str, apart: float | None
) -> None:
    if found.parting is None:
        found.parting = Parting(
            event.facts["number"], event.kind, what, ours, theirs, apart, event.place,
            str(event.facts.get("optimizer", "")),
        )  # fmt: skip


# ---- the operation ---------------------------------------------------------------------------------


@dataclass
class Culprit:
    """The first operation whose result, or derivative, differs."""

    name: str
    place: str
    what: str
    ours: str
    theirs: str
    difference: float


def culprit(ours: Path, theirs: Path, tolerance: float) -> Culprit | None:
    """The operation at which two runs part that wrote down all of them."""
    a = [event for event in events(ours) if event.kind == "call"]
    b = [event for event in events(theirs) if event.kind == "call"]
    pairs = _aligned(a, b)
    for i, j in pairs:
        for name in a[i].arrays:
            if name.startswith("out") and name in b[j].arrays:
                found = _differs(a[i], b[j], name, tolerance, "result")
                if found is not None:
                    return found
    other = dict(pairs)
    # As in `_one`: beside the largest gradients of all, others are rounding.
    top = max((largest(event, "grad") for event in b), default=0.0)
    for i, j in reversed(pairs):
        for name in a[i].arrays:
            if name.startswith("grad") and name in b[j].arrays:
                apart = difference(a[i].arrays[name], b[j].arrays[name], 1e-3 * top)
                if apart > tolerance:
                    uses = [k for k in other if i in a[k].facts["inputs"]]
                    # What a custom Function calls gets no gradient itself, but has its lines.
                    uses = [k for k in uses if _came_back(a[k])] or uses
                    by = a[uses[-1]] if uses else a[i]
                    x, y = shown(a[i].arrays[name], b[j].arrays[name])
                    what = (
                        f"derivative (the gradient that it sends to {a[i].facts['name']})"
                        if uses
                        else "gradient that comes back to the result"
                    )
                    return Culprit(str(by.facts["name"]), by.place, what, x, y, apart)
    return None


def _came_back(event: Event) -> bool:
    """Whether a gradient came to what an operation gave; none does within a custom Function."""
    return any(name.startswith("grad") for name in event.arrays)


def _aligned(a: Sequence[Event], b: Sequence[Event]) -> list[tuple[int, int]]:
    """Operations of both runs that are the same, by their names in order."""
    names = [[str(e.facts["name"]) for e in side] for side in (a, b)]
    if names[0] == names[1]:
        return [(i, i) for i in range(len(a))]
    matcher = difflib.SequenceMatcher(None, names[0], names[1], autojunk=False)
    blocks = matcher.get_matching_blocks()
    return [(m.a + k, m.b + k) for m in blocks for k in range(m.size)]


def _differs(a: Event, b: Event, name: str, tolerance: float, what: str) -> Culprit | None:
    x, y = a.arrays[name], b.arrays[name]
    apart = difference(x, y, 1e-6)
    if apart <= tolerance:
        return None
    return Culprit(str(a.facts["name"]), a.place or b.place, what, *shown(x, y), apart)
