"""Strips: what goes over the same rows one after the other goes over some of them at a time.

A product of so many rows, the loops over its result, the next product: each is run for the first strip of
rows, then each for the second, and so on, and what one hands to the next is still near when it is read.
That is allowed where a strip of each needs of what the others write nothing but what strips up to the
same one have written. What needs all rows (a weight's gradient) waits until the end where it can.

Several threads share the strips out among them, and meet at the end only: there no strip may touch what
another writes. Sums over all rows are made by each thread for its own, and added up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod

from rushlight.compiler.graph import Attention, Graph, Guard, Memory, Number, Place, Product
from rushlight.compiler.kernels.attention import operations
from rushlight.compiler.kernels.target import Target
from rushlight.compiler.passes.fuse import Group, conflict

# More strips than that are too thin.
MOST = 64
# Loops over so few elements are rather run before.
_SMALL = 4096
# What a run should take for several threads, in nanoseconds; and a step of a product, an access of a loop.
_WORTH, _STEP, _ACCESS = 20_000, 0.01, 0.03


@dataclass(frozen=True)
class _Walk:
    """What a group touches of some memory: at row i of `count` the elements from i * step on, `extent` of them."""

    memory: Memory
    offset: int
    count: int
    step: int
    extent: int
    writes: bool

    def strip(self, parts: int) -> tuple[int, int]:
        """How far strips are from each other, and how many elements one reaches over."""
        rows = self.count // parts
        return rows * self.step, (rows - 1) * self.step + self.extent

    def bytes(self) -> int:
        """Of what is cut in strips."""
        touched = self.count * min(self.step, self.extent)
        return touched * self.memory.dtype.itemsize


@dataclass
class Run:
    """Groups that go together, in so many strips; one by itself is not cut."""

    groups: list[Group]
    strips: int = 1
    # By number, the memory that lives from its strip's first group to its last, and the elements of a strip:
    # all strips use the same ones, which stay near.
    near: dict[int, int] = field(default_factory=dict)


@dataclass
class _Open:
    """A run that may go on, and what waits for its end."""

    parts: list[int]
    groups: list[Group] = field(default_factory=list)
    walks: list[list[_Walk]] = field(default_factory=list)
    waiting: list[Group] = field(default_factory=list)
    # All of them as they came.
    order: list[Group] = field(default_factory=list)
    shared: float = 0.0


def strips(
    graph: Graph,
    groups: list[Group],
    target: Target,
    granule: Callable[[Product], int],
    threads: int = 1,
) -> list[Run]:
    """The groups in runs, in an order in which they can run; granule: rows that a product computes together."""
    result: list[Run] = []
    # Each thread has as many.
    possible = [parts for parts in range(2, MOST + 1) if parts % threads == 0]
    open_ = _Open(possible)
    in_order = _in_order if threads == 1 else _apart

    def close() -> None:
        nonlocal open_
        result.extend(_closed(open_, target, threads))
        open_ = _Open(possible)

    for group in groups:
        walks = _walks(group) if threads == 1 or _adds_up(group) else None
        if (
            open_.groups
            and _is_small(group)
            and not any(conflict(before, group) for before in open_.order)
        ):
            # What it makes is there for all strips.
            result.append(Run([group]))
            continue
        if walks is None:
            if open_.groups and _may_wait(group):
                open_.waiting.append(group)
                open_.order.append(group)
            else:
                close()
                result.append(Run([group]))
            continue
        shared = _shared(group, target)
        parts = _parts(open_, group, walks, granule, in_order)
        if open_.groups and not parts and group.kind == "single" and _may_wait(group):
            # A sum over all rows, as a weight's gradient: whatever comes next may go on meanwhile.
            open_.waiting.append(group)
            open_.order.append(group)
            continue
        if (
            not parts
            or open_.shared + shared > target.l2 * 3 // 8
            or any(conflict(waiting, group) for waiting in open_.waiting)
        ):
            close()
            parts = _parts(open_, group, walks, granule, in_order)
        if not parts:
            result.append(Run([group]))
            continue
        open_.groups.append(group)
        open_.walks.append(walks)
        open_.parts = parts
        open_.order.append(group)
        open_.shared += shared
    close()
    _stay_near(graph, result)
    return result


def _stay_near(graph: Graph, runs: list[Run]) -> None:
    """Find temporaries that only one strip knows at a time."""
    users: dict[int, set[int]] = {}
    for number, run in enumerate(runs):
        for group in run.groups:
            for place in (*group.reads(), *group.writes()):
                users.setdefault(place.memory.number, set()).add(number)
    wanted = {graph.places[i].memory.number for i in graph.wanted if i in graph.places}
    for number, run in enumerate(runs):
        if run.strips == 1:
            continue
        walks: dict[int, list[_Walk]] = {}
        for walk in (walk for group in run.groups for walk in _walks(group) or ()):
            walks.setdefault(walk.memory.number, []).append(walk)
        for memory, its in walks.items():
            (first, *_) = its
            own = first.memory.kind == "own" and not first.memory.bordered
            if not own or memory in wanted or users[memory] != {number}:
                continue
            step, _ = first.strip(run.strips)
            if all(_is_within(walk, run.strips, step) for walk in its):
                run.near[memory] = step


def _is_within(walk: _Walk, strips: int, step: int) -> bool:
    """Whether each strip stays within so many elements, from the strip's first on."""
    own, extent = walk.strip(strips)
    return 0 < step == own and walk.offset >= 0 and walk.offset + extent <= step


def _is_small(group: Group) -> bool:
    """Whether a group of loops is not worth being cut."""
    return group.kind == "nest" and sum(piece.size for piece in group.pieces) <= _SMALL


def _closed(run: _Open, target: Target, threads: int) -> list[Run]:
    """A run at its end: cut in strips that stay near, if that pays, or that threads share."""
    largest = max((_bytes(walks) for walks in run.walks), default=0)
    products = sum(group.kind == "single" for group in run.groups)
    if threads == 1:
        pays = largest > target.l2 // 4
    else:
        pays = sum(map(_work, run.groups)) > _WORTH
    if len(run.groups) < 2 or not products or not pays:
        return [Run([group]) for group in run.order]
    wanted = -(-largest // (target.l2 // 2))
    strips = min(
        run.parts, key=lambda parts: (parts < wanted, parts if parts >= wanted else -parts)
    )
    return [Run(run.groups, strips), *(Run([group]) for group in run.waiting)]


def _work(group: Group) -> float:
    """Nanoseconds that a group takes, roughly."""
    total = sum(piece.size * len(piece.accesses) * _ACCESS for piece in group.pieces)
    for statement in group.statements:
        if isinstance(statement, Product):
            total += statement.c.size * statement.a.shape[-1] * _STEP
        elif isinstance(statement, Attention):
            many = prod(statement.inputs[0].shape[:-2])
            steps = operations(statement.heads, many, backward=statement.backward) / 2
            total += steps * 3 * _STEP
    return total


def _bytes(walks: list[_Walk]) -> int:
    """What a group touches of memory that is cut in strips."""
    largest: dict[int, int] = {}
    for walk in walks:
        if walk.step:
            key = id(walk.memory)
            largest[key] = max(largest.get(key, 0), walk.bytes())
    return sum(largest.values())


def _shared(group: Group, target: Target) -> float:
    """Bytes that each strip reads again: the second factor of a product."""
    total = 0.0
    for statement in group.statements:
        if isinstance(statement, Product) and not statement.c.shape[:-2]:
            size = statement.b.size * statement.b.dtype.itemsize
            total += size * (1.5 if target.matrices else 1.0)
    return total


def _may_wait(group: Group) -> bool:
    """Whether a group may run later than it stands."""
    return group.kind in ("nest", "single") and not any(
        isinstance(statement, Guard | Number) for statement in group.statements
    )


def _parts(
    run: _Open,
    group: Group,
    walks: list[_Walk],
    granule: Callable[[Product], int],
    in_order: Callable[[list[_Walk], list[_Walk], int], bool],
) -> list[int]:
    """In how many strips a run can be cut with one more group."""
    multiple = 1
    (first, *_) = group.statements
    rows = group.rows or group.size
    if isinstance(first, Attention):
        rows = prod(first.inputs[0].shape[:-2])
    elif isinstance(first, Product):
        multiple, rows = granule(first), prod(first.c.shape[:-1])
    return [
        parts
        for parts in run.parts
        if rows % parts == 0
        and rows // parts % multiple == 0
        and all(walk.count % parts == 0 for walk in walks)
        and all(in_order(walks, before, parts) for before in run.walks)
    ]


def _in_order(later: list[_Walk], before: list[_Walk], parts: int) -> bool:
    """Whether strips of one group may run before further strips of an earlier one."""
    for y in later:
        for x in before:
            if x.memory is not y.memory or not (x.writes or y.writes):
                continue
            (step_x, _), (step_y, extent_y) = x.strip(parts), y.strip(parts)
            if step_x != step_y or not step_x:
                return False
            # The strip meets no later one of what came before.
            if y.offset + extent_y > x.offset + step_x:
                return False
    return True


def _apart(later: list[_Walk], before: list[_Walk], parts: int) -> bool:
    """Whether no strip of one group meets another strip of an earlier one."""
    for y in later:
        for x in before:
            if x.memory is not y.memory or not (x.writes or y.writes):
                continue
            (step_x, extent_x), (step_y, extent_y) = x.strip(parts), y.strip(parts)
            end = max(x.offset + extent_x, y.offset + extent_y)
            if step_x != step_y or end - min(x.offset, y.offset) > step_x:
                return False
    return True


def _adds_up(group: Group) -> bool:
    """Whether all that a nest makes of all its rows are sums."""
    return all(
        piece.loop.fold is not None and piece.loop.fold.kind == "+" and access.span(piece)
        for piece in group.pieces
        for access in piece.accesses
        if group.rows and access.writes and not any(access.strides[:1])
    )


def _walks(group: Group) -> list[_Walk] | None:
    """What a group touches, row by row; None if it is not cut."""
    if group.kind == "nest":
        return _of_nest(group)
    (statement,) = group.statements[:1]
    if group.kind == "single" and isinstance(statement, Product):
        return _of_product(statement)
    if group.kind == "single" and isinstance(statement, Attention):
        return _of_attention(statement)
    return None


def _of_nest(group: Group) -> list[_Walk] | None:
    if group.rows == 1:
        return None
    result = []
    for piece in group.pieces:
        if piece.loop.indices is not None:
            return None
        for access in piece.accesses:
            steps = list(zip(piece.dims, access.strides, strict=True))
            if any(step < 0 for _, step in steps) or (group.rows and not piece.outer):
                return None
            (count, step), *rest = steps or [(group.size, 0)]
            extent = 1 + access.reach + sum((n - 1) * s for n, s in rest)
            result.append(_Walk(access.memory, access.offset, count, step, extent, access.writes))
    return result


def _of_attention(statement: Attention) -> list[_Walk] | None:
    result = []
    places = [(place, False) for place in statement.inputs] + [(p, True) for p in statement.outs]
    for place, writes in places:
        dims = list(zip(place.shape, place.strides, strict=True))
        if len(dims) < 3 or any(step < 0 for _, step in dims):
            return None
        count, step = dims.pop(0)
        extent = 1 + sum((n - 1) * s for n, s in dims)
        result.append(_Walk(place.memory, place.offset, count, step, extent, writes))
    return result


def _of_product(statement: Product) -> list[_Walk] | None:
    batch = len(statement.c.shape) - 2
    places: list[tuple[Place, bool, bool]] = [
        (statement.a, False, True), (statement.b, False, batch > 0), (statement.c, True, True),
    ]  # fmt: skip
    result = []
    for place, writes, by_rows in places:
        dims = list(zip(place.shape, place.strides, strict=True))
        if any(step < 0 for _, step in dims):
            return None
        # A batch of one item would leave nothing to cut.
        count, step = dims.pop(0) if by_rows else (statement.c.shape[0], 0)
        extent = 1 + sum((n - 1) * s for n, s in dims)
        result.append(_Walk(place.memory, place.offset, count, step, extent, writes))
    return result
