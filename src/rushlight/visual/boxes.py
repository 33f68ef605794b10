"""What is drawn: boxes in groups. Of the same group several times over, one is drawn, with its count.

Readers (`tape`, `recorded`) make boxes of what they read and say in which modules each ran; what is here knows
neither tensors nor pictures.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

# What repeats in a picture is at most so many things long.
_LONGEST = 12
# So many layers in a row are drawn once.
_MANY = 4
# What is written at an edge that only keeps boxes in order.
UNSEEN = "unseen"
# Kinds of what belongs to a module.
OWNED = frozenset({"parameter", "buffer", "constant"})


class Fact(NamedTuple):
    """A smaller line of a box: words, and numbers behind them in which repeated boxes may differ."""

    words: str
    numbers: tuple[float, ...] = ()

    @property
    def text(self) -> str:
        """The line; of several numbers the least and the largest."""
        if not self.numbers:
            return self.words
        odd = [n for n in self.numbers if not math.isfinite(n)]
        low, high = (odd[0], odd[0]) if odd else (min(self.numbers), max(self.numbers))
        shown = f"{low:.6g}" if low == high or odd else f"{low:.3g} … {high:.3g}"
        return f"{self.words} {shown}"

    @property
    def alarming(self) -> bool:
        """Whether a number is not finite."""
        return not all(map(math.isfinite, self.numbers))


@dataclass(eq=False)
class Box:
    """An operation, a tensor or a module.

    what: that it is, whatever it is called; reads: the boxes whose output it takes, and what is written
    at the edge; parameters, elements: how many of them there
    are in it; operations: how many it stands for.
    """

    kind: str
    title: str
    what: str = ""
    facts: list[Fact] = field(default_factory=list)
    reads: list[tuple[Box, str]] = field(default_factory=list)
    tooltip: str = ""
    elements: int = 0
    parameters: int = 0
    operations: int = 0

    @property
    def likeness(self) -> Any:
        """Equal for boxes that show the same but for names and numbers."""
        return self.kind, self.what, tuple(fact.words for fact in self.facts)


class Step(NamedTuple):
    """A module around an operation: which call of it, what it is called, its class, and if that is a layer of ours."""

    key: Any
    name: str
    what: str
    layer: bool = False


@dataclass(eq=False)
class Group:
    """What ran in one call of a module; several calls in a row that are alike are one group with a count."""

    name: str
    what: str
    layer: bool = False
    items: list[Box | Group] = field(default_factory=list)
    count: int = 1
    last: str = ""

    @property
    def likeness(self) -> Any:
        """Equal for groups that show the same but for names and numbers."""
        return self.what, self.count, tuple(item.likeness for item in self.items)

    @property
    def is_layer(self) -> bool:
        """Whether it is one of the layers that come with us, with operations alone in it."""
        return self.layer and all(isinstance(item, Box) for item in self.items)

    @property
    def title(self) -> str:
        """Its name, or the first and the last, and the count."""
        name = f"{self.name} … {self.last}" if self.last and self.last != self.name else self.name
        times = f"× {self.count}" if self.count > 1 else ""
        return " ".join(filter(None, (name, self.what, times)))


Item = Box | Group


def boxes_in(items: Iterable[Item]) -> Iterator[Box]:
    """All boxes, in order."""
    for item in items:
        if isinstance(item, Box):
            yield item
        else:
            yield from boxes_in(item.items)


def grouped(placed: Iterable[tuple[Box, Sequence[Step]]]) -> list[Item]:
    """Boxes in the order in which they ran, each with the modules around it: those in groups."""
    top: list[Item] = []
    open_: list[tuple[Step, Group]] = []
    for box, path in placed:
        depth = 0
        while depth < min(len(open_), len(path)) and open_[depth][0].key == path[depth].key:
            depth += 1
        del open_[depth:]
        for step in path[depth:]:
            group = Group(step.name, step.what, step.layer)
            (open_[-1][1].items if open_ else top).append(group)
            open_.append((step, group))
        (open_[-1][1].items if open_ else top).append(box)
    return top


def with_leaves(items: list[Item], leaves: Sequence[Box]) -> list[Item]:
    """The items with leaves before them; what modules own in the innermost group around who read it, before these."""
    ways: dict[Box, list[tuple[Group, ...]]] = {leaf: [] for leaf in leaves if leaf.kind in OWNED}
    _note_readers(items, (), ways)
    waiting: dict[Group | None, list[Box]] = {}
    for leaf, found in ways.items():
        shared = _shared(found)
        waiting.setdefault(shared[-1] if shared else None, []).append(leaf)
    for group, inside in waiting.items():
        own = items if group is None else group.items
        for leaf in inside:
            at = next(
                (i for i, item in enumerate(own) if any(_reads(b, leaf) for b in boxes_in([item]))),
                0,
            )
            own.insert(at, leaf)
    return [*(leaf for leaf in leaves if leaf.kind not in OWNED), *items]


def _reads(box: Box, leaf: Box) -> bool:
    return any(source is leaf for source, _ in box.reads)


def _note_readers(
    items: Iterable[Item], way: tuple[Group, ...], ways: dict[Box, list[tuple[Group, ...]]]
) -> None:
    for item in items:
        if isinstance(item, Group):
            _note_readers(item.items, (*way, item), ways)
            continue
        for source, _ in item.reads:
            if source in ways:
                ways[source].append(way)


def _shared(ways: list[tuple[Group, ...]]) -> tuple[Group, ...]:
    shared = ways[0] if ways else ()
    for way in ways:
        while shared and way[: len(shared)] != shared:
            shared = shared[:-1]
    return shared


# ---- less than all ---------------------------------------------------------------------------------


class Drawn:
    """Items, and for boxes that are not drawn the one that stands for them."""

    def __init__(self, items: list[Item]) -> None:
        self.items = items
        self.instead: dict[Box, Box] = {}

    def stands_for(self, box: Box) -> Box:
        """The box that is drawn for a box."""
        while box in self.instead:
            box = self.instead[box]
        return box

    def edges(self) -> list[tuple[Box, Box, str]]:
        """(from, to, what is written there), each once; a group that repeats is not shown to feed itself."""
        place = {box: number for number, box in enumerate(boxes_in(self.items))}
        found = []
        for box, own in place.items():
            seen = set()
            for read, words in box.reads:
                source = self.stands_for(read)
                if source not in place or place[source] >= own:
                    continue
                if source is not read:
                    if (source, words) in seen:
                        continue
                    seen.add((source, words))
                found.append((source, box, words))
        return found

    # ---- modules as boxes ---------------------------------------------------------------------------

    def close(self, depth: int) -> None:
        """Draw groups as one box each: those so deep, and layers."""
        self.items = self._closed(self.items, depth, "")
        read = {source for box in boxes_in(self.items) for source, _ in box.reads}
        every = boxes_in(self.items)
        self.items = _without(self.items, {b for b in every if b.kind in OWNED and b not in read})

    def open_layers(self) -> None:
        """Draw the operations of layers without a frame around them."""
        self.items = _opened(self.items)

    def _closed(self, items: list[Item], depth: int, within: str) -> list[Item]:
        kept: list[Item] = []
        for item in items:
            if isinstance(item, Box):
                kept.append(item)
            elif depth <= 0 or item.is_layer:
                kept.append(self._one(item, within))
            else:
                item.items = self._closed(item.items, depth - 1, item.name)
                kept.append(item)
        return kept

    def _one(self, group: Group, within: str) -> Box:
        """One box for all that is in a group: what it reads from outside, and its parameters as lines."""
        inside = list(boxes_in(group.items))
        name = group.name.removeprefix(f"{within}.") if within else group.name
        what = group.what or next((b.title for b in reversed(inside) if b.operations), "")
        box = Box("module" if group.name else "operation", name or what, what)
        own = set(inside)
        read: dict[tuple[Box, str], None] = {}
        owned: dict[Box, None] = {}
        for inner in inside:
            if inner.kind in OWNED:
                owned[inner] = None
            for source, words in inner.reads:
                if source not in own:
                    if source.kind in OWNED:
                        owned[source] = None
                    else:
                        read[source, words] = None
            self.instead[inner] = box
        box.reads = list(read)
        box.operations = sum(inner.operations for inner in inside)
        box.facts = _lines_of(owned, group.name) + _result(inside, "→ " if group.name else "")
        head = f"{group.name}: {what}" if group.name else what
        said = [inner.tooltip for inner in inside if inner.operations]
        box.tooltip = "\n".join([head, *dict.fromkeys(said[:_LONGEST])])
        return box

    # ---- repetitions --------------------------------------------------------------------------------

    def fold(self) -> None:
        """Draw groups that come several times in a row, alike and joined alike, once."""
        self.items = self._folded(self.items)

    def _folded(self, items: list[Item]) -> list[Item]:
        for item in items:
            if isinstance(item, Group):
                item.items = self._folded(item.items)
        if len(items) < 2 or not any(map(_is_module, items)):
            return items
        alike = [item.likeness for item in items]
        kept: list[Item] = []
        at = 0
        while at < len(items):
            period, times = self._repeats(items, alike, at)
            if times < 2:
                kept.append(items[at])
                at += 1
                continue
            kept += self._stacked(
                [items[at + i * period : at + (i + 1) * period] for i in range(times)]
            )
            at += period * times
        return kept

    def _repeats(self, items: list[Item], alike: list[Any], at: int) -> tuple[int, int]:
        """The length of what repeats from here on, and how often it comes."""
        for period in range(1, min(_LONGEST, (len(items) - at) // 2) + 1):
            segment = items[at : at + period]
            if not any(map(_is_module, segment)):
                continue
            times, older, before = 1, _Places([]), _Places(segment)
            while alike[(start := at + times * period) : start + period] == alike[at : at + period]:
                now = _Places(items[start : start + period])
                if not self._joined_alike(older, before, now, times == 1):
                    break
                older, before = before, now
                times += 1
            if times > 1 and (times >= _MANY or _is_worth_it(segment, items[at + period])):
                return period, times
        return 1, 1

    def _joined_alike(self, older: _Places, before: _Places, now: _Places, first: bool) -> bool:
        """Whether a repetition reads as the one before it: within itself, from that one, and from outside.

        The first one reads what it begins with where the others read the one before them.
        """
        for one, two in zip(before.boxes, now.boxes, strict=True):
            was = self._reads(one, older, before)
            is_ = self._reads(two, before, now)
            if was[0] != is_[0] or not (first or was[1] == is_[1]):
                return False
            left = list(was[2])
            for source in is_[2]:
                if source not in left:
                    return False
                left.remove(source)
            if left and not first:
                return False
        return True

    def _reads(
        self, box: Box, before: _Places, own: _Places
    ) -> tuple[list[int], list[int], list[Any]]:
        """The places in its own repetition and in the one before that a box reads, and what else."""
        inner, carried, outer = [], [], []
        for read, _ in box.reads:
            source = self.stands_for(read)
            if source in own.at:
                inner.append(own.at[source])
            elif source in before.at:
                carried.append(before.at[source])
            else:
                outer.append("its own" if source.kind in OWNED else source)
        return inner, carried, outer

    def _stacked(self, segments: list[list[Item]]) -> list[Item]:
        first = list(boxes_in(segments[0]))
        for other in segments[1:]:
            for box, twin in zip(first, boxes_in(other), strict=True):
                self.instead[twin] = box
                box.elements += twin.elements
                box.operations += twin.operations
                box.facts = [
                    Fact(a.words, a.numbers + b.numbers)
                    for a, b in zip(box.facts, twin.facts, strict=True)
                ]
        if len(segments[0]) == 1 and isinstance(group := segments[0][0], Group):
            last = segments[-1][0]
            group.last = getattr(last, "last", "") or getattr(last, "name", "")
            group.count *= len(segments)
            return [group]
        return [Group("", "", items=segments[0], count=len(segments))]

    def cut(self, limit: int) -> int:
        """Leave out all but the last boxes that compute something; how many were left out."""
        working = [box for box in boxes_in(self.items) if box.operations]
        gone = set(working[: max(0, len(working) - limit)])
        if gone:
            omitted = Box("omitted", "")
            kept = {s for b in working if b not in gone for s, _ in b.reads}
            gone_leaves = {
                box
                for box in boxes_in(self.items)
                if not box.operations and box.kind != "output" and box not in kept
            }
            self.items = _without(self.items, gone | gone_leaves)
            self.instead.update(dict.fromkeys(gone, omitted))
            count = sum(box.operations for box in gone)
            omitted.title = f"… {counted(count, 'earlier operation')} left out"
            self.items.insert(0, omitted)
            return count
        return 0


class _Places:
    """The boxes of a repetition, and where each stands in it."""

    def __init__(self, items: Iterable[Item]) -> None:
        self.boxes = list(boxes_in(items))
        self.at = {box: place for place, box in enumerate(self.boxes)}


def _is_module(item: Item) -> bool:
    return isinstance(item, Group) or item.kind == "module"


def _is_worth_it(segment: Sequence[Item], again: Item) -> bool:
    """Whether two of them are one too many: modules with something in them, or the same layer called again."""
    first = segment[0]
    same = isinstance(first, Box) and isinstance(again, Box) and first.title == again.title
    return any(isinstance(item, Group) for item in segment) or same


def _opened(items: list[Item]) -> list[Item]:
    kept: list[Item] = []
    for item in items:
        if isinstance(item, Group):
            item.items = _opened(item.items)
            if item.is_layer:
                kept += item.items
                continue
        kept.append(item)
    return kept


def _without(items: list[Item], gone: set[Box]) -> list[Item]:
    kept: list[Item] = []
    for item in items:
        if isinstance(item, Box):
            if item not in gone:
                kept.append(item)
        else:
            item.items = _without(item.items, gone)
            if item.items:
                kept.append(item)
    return kept


def _lines_of(parameters: Iterable[Box], owner: str) -> list[Fact]:
    """A line for each parameter of a module, or one for many."""
    own = [box for box in parameters if box.kind == "parameter"]
    if len(own) > 4:
        elements = sum(box.elements for box in own)
        return [Fact(f"{counted(len(own), 'parameter')} ({counted(elements, 'element')})")]
    lines = []
    for box in own:
        shape = box.facts[0].words if box.facts else ""
        grads = [fact for fact in box.facts[1:] if fact.words.startswith("grad")]
        words = f"{_short(box.title, owner)} {shape}"
        lines.append(
            Fact(f"{words} · {grads[0].words}", grads[0].numbers) if grads else Fact(words)
        )
    return lines


def _short(name: str, owner: str) -> str:
    return name.removeprefix(f"{owner}.") if owner else name


def _result(inside: Sequence[Box], arrow: str) -> list[Fact]:
    """What the last operation of a module gives, and the gradient that came to it."""
    last = next((box for box in reversed(inside) if box.operations and box.facts), None)
    if last is None:
        return []
    given = [fact for fact in last.facts if fact.words.startswith("with ")]
    first, *rest = last.facts[len(given) :]
    alone = sum(bool(box.operations) for box in inside) == 1
    return [*(given if alone else ()), Fact(arrow + first.words, first.numbers), *rest]


def counted(count: int, what: str) -> str:
    """Words for so many things."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"
