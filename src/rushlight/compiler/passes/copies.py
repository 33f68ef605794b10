"""Copies that need not be made: what is only laid out anew is written where it is wanted, or read where it is.

A copy of a temporary goes if all that writes the one can as well write to the places of the other (so a
product of attention heads writes what the next layer reads, or its part of what is put beside each other), or
if all that reads the other can as well read the one. Copies in the same order between loops stay: these become
one loop, and what they hand on need not be in memory at all.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rushlight.compiler.graph import (
    Attention,
    Graph,
    Load,
    Loop,
    Memory,
    Place,
    Product,
    Statement,
    in_rows,
)
from rushlight.compiler.passes.layout import placed
from rushlight.memory import strided_view

# Rows so many bytes apart push each other out of the first cache.
_PAGE = 4096


def drop_copies(graph: Graph) -> None:
    """Let go of the copies that need not be made."""
    _Copies(graph).run()


class _Copies:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.statements: list[Statement | None] = list(graph.statements)
        # By memory, where in the program it is touched.
        self.touched: dict[int, set[int]] = {}
        for at, statement in enumerate(graph.statements):
            for place in (*statement.reads(), *statement.writes()):
                self.touched.setdefault(id(place.memory), set()).add(at)
        self.wanted = {id(graph.places[i].memory) for i in graph.wanted if i in graph.places}

    def run(self) -> None:
        """All copies, in order; and again, as one that is gone may have been in the way of another."""
        while any([self._drop(at) for at in range(len(self.statements))]):
            pass
        self.graph.statements = [s for s in self.statements if s is not None]

    def _drop(self, at: int) -> bool:
        """Let go of a statement, if it is a copy that need not be made."""
        now = self.statements[at]
        if not isinstance(now, Loop) or not _is_copy(now):
            return False
        return (
            self._made_before(at, now)
            or self._written_there(at, now)
            or self._read_there(at, now)
            or self._continued(at, now)
        )

    def _free(self, memory: Memory) -> bool:
        """Whether a temporary may lie elsewhere: nobody takes it as it lies."""
        return (
            memory.kind == "own"
            and id(memory) not in self.wanted
            and not any(s.as_they_lie for _, s in self._users(memory))
        )

    def _users(self, memory: Memory) -> list[tuple[int, Statement]]:
        found = sorted(self.touched.get(id(memory), ()))
        return [(at, s) for at in found if (s := self.statements[at]) is not None]

    def _pays(self, copy: Loop, memory: Memory) -> bool:
        """Whether more is saved than a line of a loop."""
        (source,) = copy.reads()
        dims = range(len(copy.shape))
        turns = sorted(dims, key=lambda d: source.strides[d]) != sorted(
            dims, key=lambda d: copy.out.strides[d]
        )
        return turns or any(isinstance(s, Attention | Product) for _, s in self._users(memory))

    def _made_before(self, at: int, copy: Loop) -> bool:
        """Let what reads a copy read an earlier one of the same."""
        (source,) = copy.reads()
        for number, other in reversed(self._users(source.memory)):
            if number >= at:
                continue
            if any(p.overlaps(source) for p in other.writes()):
                return False
            if (
                isinstance(other, Loop)
                and _is_copy(other)
                and [source] == list(other.reads())
                and other.out.strides == copy.out.strides
            ):
                twice = replace(copy, value=Load(copy.out.dtype, other.out))
                return self._read_there(at, twice, number)
        return False

    def _written_there(self, at: int, copy: Loop) -> bool:
        """Let what makes the original write to the copy."""
        (source,) = copy.reads()
        if not self._free(source.memory) or copy.out.memory.kind != "own":
            return False
        if not self._pays(copy, source.memory):
            return False
        if any(s.as_they_lie for _, s in self._users(copy.out.memory)):
            return False
        for number, statement in self._users(source.memory):
            if number >= at and any(p.memory is source.memory for p in statement.writes()):
                return False
        for number, statement in self._users(copy.out.memory):
            others = [*statement.writes(), *(statement.reads() if number < at else ())]
            if number != at and any(_meet(copy.out, p) for p in others):
                return False
        return self._move(at, source, copy.out)

    def _read_there(self, at: int, copy: Loop, since: int | None = None) -> bool:
        """Let what reads the copy read the original, which is as it was since then."""
        since = at if since is None else since
        (source,) = copy.reads()
        if not self._free(copy.out.memory) or source.memory.kind != "own":
            return False
        if since == at and not self._pays(copy, copy.out.memory):
            return False
        users = self._users(copy.out.memory)
        if any(p.memory is copy.out.memory for n, s in users if n != at for p in s.writes()):
            return False
        last = max(number for number, _ in users)
        for number, statement in self._users(source.memory):
            if statement.as_they_lie:
                return False
            if since < number <= last and any(p.overlaps(source) for p in statement.writes()):
                return False
        return self._move(at, copy.out, source)

    def _continued(self, at: int, copy: Loop) -> bool:
        """Let all of the original lie where a copy of its first part ends a memory, which goes on behind it.

        So lie states of a recurrent layer, and what each step had before it.
        """
        (source,) = copy.reads()
        old, new, size = source.memory, copy.out.memory, copy.out.size
        if not (self._free(old) and self._free(new)) or source.offset:
            return False
        if any(place.strides != in_rows(place.shape) for place in (source, copy.out)):
            return False
        if copy.out.offset + size != new.size or old.size <= size:
            return False
        for number, statement in self._users(old):
            if number >= at and any(place.memory is old for place in statement.writes()):
                return False
        for number, statement in self._users(new):
            others = [*statement.writes(), *(statement.reads() if number < at else ())]
            if number != at and any(place.overlaps(copy.out) for place in others):
                return False

        def moved(place: Place) -> Place:
            if place.memory is not old:
                return place
            return replace(place, memory=new, offset=place.offset + copy.out.offset)

        for number, statement in self._users(old):
            self.statements[number] = placed(statement, moved)
        self.statements[at] = None
        self.touched[id(new)] |= self.touched.pop(id(old))
        self.graph.places.update({i: moved(place) for i, place in self.graph.places.items()})
        new.size += old.size - size
        return True

    def _move(self, at: int, old: Place, new: Place) -> bool:
        """Let all places in the memory of one be places in the other, and the copy be gone."""
        layout = _layout(old)
        if layout is None:
            return False

        def moved(place: Place) -> Place:
            if place.memory is not old.memory:
                return place
            found = place_in(place, new, layout)
            if found is None:
                raise _NoPlace
            return found

        changed: dict[int, Statement] = {}
        try:
            for number, statement in self._users(old.memory):
                if number != at:
                    changed[number] = placed(statement, moved)
                    if not _is_good(statement, changed[number]):
                        return False
        except _NoPlace:
            return False
        for number, statement in changed.items():
            self.statements[number] = statement
        self.statements[at] = None
        self.touched.setdefault(id(new.memory), set()).update(changed)
        self.touched.pop(id(old.memory), None)
        for index, place in list(self.graph.places.items()):
            if place.memory is old.memory:
                found = place_in(place, new, layout)
                if found is None:
                    del self.graph.places[index]
                else:
                    self.graph.places[index] = found
        return True


class _NoPlace(Exception):
    """It cannot be said as a place elsewhere."""


def _is_copy(loop: Loop) -> bool:
    """Whether a loop only lays something out anew."""
    value = loop.value
    return (
        isinstance(value, Load)
        and loop.fold is None
        and loop.indices is None
        and loop.shape == loop.out.shape == value.place.shape
        and value.place.memory is not loop.out.memory
        and value.dtype == loop.out.dtype
        and all(s for p in (loop.out, value.place) for n, s in zip(p.shape, p.strides, strict=True) if n > 1)
    )  # fmt: skip


def _layout(place: Place) -> list[tuple[int, int, int]] | None:
    """Size, step and number of each dimension, the widest first, of what is all of its memory; None: it is not."""
    dims = sorted(
        (
            (n, s, d)
            for d, (n, s) in enumerate(zip(place.shape, place.strides, strict=True))
            if n > 1
        ),
        key=lambda dim: -dim[1],
    )
    step = place.memory.size
    for n, s, _ in dims:
        if n * s != step:
            return None
        step = s
    return dims if step == 1 and place.offset == 0 else None


def place_in(place: Place, new: Place, layout: list[tuple[int, int, int]]) -> Place | None:
    """A place in memory of that layout, where the same elements lie in that of `new`."""
    starts, rest, offset = [], place.offset, new.offset
    for _, step, d in layout:
        start, rest = divmod(rest, step)
        starts.append(start)
        offset += start * new.strides[d]
    strides = []
    for size, stride in zip(place.shape, place.strides, strict=True):
        if size == 1 or not stride:
            strides.append(stride)
            continue
        at = next(i for i, (_, step, _) in enumerate(layout) if step <= stride)
        n, step, d = layout[at]
        times, odd = divmod(stride, step)
        if odd:
            return None
        strides.append(times * new.strides[d])
        # A dimension may go on in the next wider one, if both are one run there, too.
        while starts[at] + times * (size - 1) >= n:
            wider = new.strides[d] * n
            if times != 1 or starts[at] or size % n or not at:
                return None
            size //= n
            at -= 1
            n, _, d = layout[at]
            if new.strides[d] != wider:
                return None
        starts[at] += times * (size - 1)
    return replace(place, memory=new.memory, offset=offset, strides=tuple(strides))


def _is_good(before: Statement, after: Statement) -> bool:
    """Whether a statement runs as well on its new places: along memory, and rows not a page apart."""
    if isinstance(after, Product):
        for name in "abc":
            was, now = getattr(before, name), getattr(after, name)
            if was == now:
                continue
            rows = [s for n, s in zip(now.shape[-2:], now.strides[-2:], strict=True) if n > 1]
            page = [s * now.dtype.itemsize % _PAGE == 0 for s in rows]
            if 1 not in now.strides[-2:] or (len(rows) > 1 and any(page)):
                return False
        return True
    if isinstance(after, Loop) and _is_copy(after):
        # One that went across memory may go along it now.
        (source,) = after.reads()
        return all(
            s == 1 for s, to in zip(source.strides, after.out.strides, strict=True) if to == 1
        )
    if not isinstance(after, Attention | Loop):
        return False
    pairs = zip((*before.writes(), *before.reads()), (*after.writes(), *after.reads()), strict=True)
    return all(
        s == 1
        for was, now in pairs
        for n, old, s in zip(was.shape, was.strides, now.strides, strict=True)
        if old == 1 and n > 1
    )


def _meet(a: Place, b: Place) -> bool:
    """Whether two places share an element."""
    if not a.overlaps(b):
        return False
    memory = a.memory
    hit = np.zeros(memory.size, np.bool_)
    strided_view(hit, a.shape, a.strides, a.offset, hit.dtype)[...] = True
    return bool(strided_view(hit, b.shape, b.strides, b.offset, hit.dtype).any())
