"""Products of rows that were looked up in a table: the table is multiplied, and what comes out is looked up.

An embedding of few symbols, and a layer behind it, multiply the same few rows over and over. So with what is
behind them: gradients of the same symbol are added up first, and products of these sums, one row for a symbol,
give the gradients of the layer's weight and of the table.

Rows of the table that nobody looked up add nothing, whatever they hold: where an infinity or a NaN of theirs would
meet the zeros that stand for their sums, zeros stand in their place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from rushlight.compiler.graph import (
    Compute,
    Dtype,
    Expression,
    Fold,
    Graph,
    Literal,
    Load,
    Loop,
    Memory,
    Outside,
    Pick,
    Place,
    Position,
    Product,
    Shape,
    Statement,
    Where,
    in_rows,
    mapped,
    walk,
)
from rushlight.compiler.passes.copies import place_in
from rushlight.compiler.passes.dead import drop_dead

# So many times each row of the table is looked up, on the average, where it pays; and how wide rows are at least.
_OFTEN, _WIDE = 2, 32
_LONG = np.dtype(np.int64)


def multiply_tables(graph: Graph) -> None:
    """Find such products, and write them anew."""
    lookups = _Lookups(graph)
    if lookups.picked or lookups.added:
        lookups.run()
        drop_dead(graph)


@dataclass(frozen=True)
class _Lookup:
    """Rows of a table that are picked, or added to, by numbers, and where the other rows lie, one for each number."""

    at: int
    table: Place
    index: Expression
    shape: Shape
    # For each dimension of the numbers, how many rows the next one is away.
    steps: Shape

    @property
    def rows(self) -> int:
        return prod(self.shape)

    def numbers(self, shape: Shape) -> Expression:
        """The number of a row, for each element of a shape."""

        def resized(x: Expression) -> Expression | None:
            if not isinstance(x, Load):
                return None
            strides = (*x.place.strides[: len(self.shape)], 0)[: len(shape)]
            return Load(x.dtype, replace(x.place, shape=shape, strides=strides))

        return mapped(self.index, resized)

    def index_of(self, width: int) -> tuple[Expression, Expression]:
        """Where an element lies in a table whose rows are so wide."""
        return self.numbers((*self.shape, width)), Position(_LONG, len(self.shape))

    def laid(self, rows: Place) -> Place:
        """A matrix with a row for each number, in the dimensions of the numbers."""
        strides = (*(step * rows.strides[0] for step in self.steps), rows.strides[1])
        return replace(rows, shape=(*self.shape, rows.shape[1]), strides=strides)

    def reads(self) -> list[Place]:
        """Where the numbers lie."""
        return [x.place for x in walk(self.index) if isinstance(x, Load)]


def _lookup(at: int, table: Place, indices: tuple[Expression, ...], rows: Place) -> _Lookup | None:
    """Whole rows of a table by numbers, beside rows that are all of their memory; None: it is something else."""
    width = rows.shape[-1] if rows.shape else 0
    if (
        len(table.shape) != 2
        or table.dtype != rows.dtype
        or rows.dtype.kind != "f"
        or rows.dtype.itemsize < 4
        or table.shape[1] != width
        or width < _WIDE
        or len(rows.shape) < 2
        or table.shape[0] * _OFTEN * width > rows.size
        or indices[1] != Position(_LONG, len(rows.shape) - 1)
        or rows.offset
        or rows.memory.size != rows.size
        or rows.strides[-1] != 1
        or any(step % width for step in rows.strides[:-1])
    ):
        return None
    parts = list(walk(indices[0]))
    loads = [part.place for part in parts if isinstance(part, Load)]
    if any(isinstance(part, Pick | Position) for part in parts) or any(
        p.strides[-1] for p in loads
    ):
        return None
    # In the order in which the rows lie.
    order = sorted(range(len(rows.shape) - 1), key=lambda d: -rows.strides[d])

    def turned(x: Expression) -> Expression | None:
        every = [*order, len(order)]
        return Load(x.dtype, x.place.permuted(every)) if isinstance(x, Load) else None

    shape, steps = zip(*((rows.shape[d], rows.strides[d] // width) for d in order), strict=True)
    return _Lookup(at, table, mapped(indices[0], turned), shape, steps)


class _Lookups:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        # What stands before each statement anew, and what stands in its place.
        self.before: dict[int, list[Statement]] = defaultdict(list)
        self.instead: dict[int, list[Statement]] = {}
        self.readers: dict[int, list[int]] = defaultdict(list)
        self.writers: dict[int, list[int]] = defaultdict(list)
        for at, statement in enumerate(graph.statements):
            for place in statement.reads():
                self.readers[id(place.memory)].append(at)
            for place in statement.writes():
                self.writers[id(place.memory)].append(at)
        # By the memory of the rows that lie beside a table: what was picked from it, what is added to it.
        self.picked: dict[int, _Lookup] = {}
        self.added: dict[int, _Lookup] = {}
        for at, statement in enumerate(graph.statements):
            if isinstance(statement, Loop):
                self._find(at, statement)
        # By what they are of: sums of rows with the same number, and which numbers there are; each with where
        # it was made.
        self.sums: dict[tuple[Place, Expression], tuple[int, Place]] = {}
        self.seen: dict[tuple[int, Expression], tuple[int, Place]] = {}

    def _find(self, at: int, loop: Loop) -> None:
        value, fold = loop.value, loop.fold
        if isinstance(value, Pick) and len(value.indices) == 2:
            memory = loop.out.memory
            if not fold and loop.indices is None and self.writers[id(memory)] == [at]:
                found = _lookup(at, value.place, value.indices, loop.out)
                if found is not None and memory.kind in ("own", "saved"):
                    self.picked[id(memory)] = found
        elif isinstance(value, Load) and loop.indices is not None and len(loop.indices) == 2:
            memory = value.place.memory
            alone = self.readers[id(memory)] == [at] and memory.kind == "own"
            if fold and fold.kind == "+" and alone:
                found = _lookup(at, loop.out, loop.indices, value.place)
                if found is not None:
                    self.added[id(memory)] = found

    def run(self) -> None:
        """All products, in order."""
        statements = self.graph.statements
        for at, statement in enumerate(statements):
            if isinstance(statement, Product) and len(statement.c.shape) == 2:
                self._forward(at, statement)
                self._weight(at, statement)
                self._table(at, statement)
        self.graph.statements = [
            one
            for at, statement in enumerate(statements)
            for one in (*self.before[at], *self.instead.get(at, [statement]))
        ]

    def _same(self, places: Sequence[Place], since: int, at: int) -> bool:
        """Whether nothing writes to places between two statements."""
        memories = [self.writers[id(place.memory)] for place in places]
        return not any(
            isinstance(statement, Outside) for statement in self.graph.statements[since:at]
        ) and not any(since <= number < at for numbers in memories for number in numbers)

    def _beside(self, found: dict[int, _Lookup], place: Place) -> _Lookup | None:
        """The lookup whose rows are all of a matrix, in order."""
        lookup = found.get(id(place.memory))
        if lookup is None or not place.is_whole() or place.shape[0] != lookup.rows:
            return None
        return lookup

    def _own(self, name: str, shape: Shape, dtype: Dtype) -> Place:
        return Place(self.graph.own(name, dtype, prod(shape)), 0, shape, in_rows(shape))

    def _forward(self, at: int, product: Product) -> None:
        """The table times the second factor, looked up."""
        lookup = self._beside(self.picked, product.a)
        if lookup is None or product.accumulate:
            return
        if not self._same([lookup.table, *lookup.reads()], lookup.at + 1, at):
            return
        width = product.c.shape[1]
        made = self._own("multiplied", (lookup.table.shape[0], width), product.c.dtype)
        out = lookup.laid(product.c)
        value = Pick(product.c.dtype, made, lookup.index_of(width))
        self.instead[at] = [replace(product, a=lookup.table, c=made)]
        if not self._read_there(at, lookup, product.c, made):
            self.instead[at].append(Loop(product.where, out.shape, out, value))

    def _read_there(self, at: int, lookup: _Lookup, c: Place, made: Place) -> bool:
        """Let loops that read what would be looked up look it up themselves, if there are no others."""
        memory, known = c.memory, self.graph.places
        users = sorted({*self.readers[id(memory)], *self.writers[id(memory)]} - {at})
        if memory.kind != "own" or not c.is_whole() or not users:
            return False
        if any(known[i].memory is memory for i in self.graph.wanted if i in known):
            return False
        if not self._same(lookup.reads(), at, users[-1] + 1):
            return False
        changed: dict[int, Statement] = {}
        for number in users:
            loop = self.graph.statements[number]
            if not isinstance(loop, Loop) or loop.indices is not None or number in self.instead:
                return False
            new = None
            if number not in self.writers[id(memory)]:
                new = _looking_up(loop, memory, lookup, made)
            elif all(before in self.writers[id(memory)] for before in users if before < number):
                new = _of_the_table(loop, c, made)
            if new is None:
                return False
            changed[number] = new
        self.instead |= {number: [loop] for number, loop in changed.items()}
        return True

    def _weight(self, at: int, product: Product) -> None:
        """The gradient of a weight: columns times what was looked up."""
        lookup = self._beside(self.picked, product.b)
        if lookup is None or product.a.shape[0] < _WIDE:
            return
        if not self._same([lookup.table, *lookup.reads()], lookup.at + 1, at):
            return
        sums = self._sums(at, product.where, lookup, product.a.permuted((1, 0)))
        table = self._own("seen_rows", lookup.table.shape, lookup.table.dtype)
        self.before[at].append(
            self._where_seen(at, product.where, lookup, table, lookup.table, None)
        )
        self.instead[at] = [replace(product, a=sums.permuted((1, 0)), b=table)]

    def _table(self, at: int, product: Product) -> None:
        """The gradient of a table: rows with the same number are added up before they are multiplied."""
        lookup = self._beside(self.added, product.c)
        if lookup is None or product.accumulate or product.a.shape[1] < _WIDE:
            return
        if self.writers[id(product.c.memory)] != [at] or not self._same(
            lookup.reads(), at, lookup.at
        ):
            return
        sums = self._sums(at, product.where, lookup, product.a)
        made = self._own("summed", lookup.table.shape, product.c.dtype)
        self.instead[at] = [replace(product, a=sums, c=made)]
        where = self.graph.statements[lookup.at].where
        out = lookup.table
        self.instead[lookup.at] = [self._where_seen(at, where, lookup, out, made, out)]

    def _sums(self, at: int, where: Where, lookup: _Lookup, rows: Place) -> Place:
        """The sums of rows with the same number."""
        width, count = rows.shape[1], lookup.table.shape[0]
        laid, index = lookup.laid(rows), lookup.index_of(width)
        key = laid, index[0]
        since, sums = self.sums.get(key, (-1, None))
        if sums is None or not self._same([rows, *lookup.reads()], since, at):
            sums = self._own("sums", (count, width), rows.dtype)
            self.before[at] += [
                Loop(where, sums.shape, sums, Literal(sums.dtype, 0)),
                Loop(where, laid.shape, sums, Load(laid.dtype, laid), Fold("+", "0"), index),
            ]
            self.sums[key] = at, sums
        return sums

    def _where_seen(
        self, at: int, where: Where, lookup: _Lookup, out: Place, x: Place, more: Place | None
    ) -> Loop:
        """Rows of x that somebody looked up, zeros for the others; more: what they are added to."""
        count, numbers = lookup.table.shape[0], lookup.numbers(lookup.shape)
        since, seen = self.seen.get((count, numbers), (-1, None))
        if seen is None or not self._same(lookup.reads(), since, at):
            seen = self._own("seen", (count,), x.dtype)
            self.before[at] += [
                Loop(where, seen.shape, seen, Literal(seen.dtype, 0)),
                Loop(where, lookup.shape, seen, Literal(seen.dtype, 1), None, (numbers,)),
            ]
            self.seen[count, numbers] = at, seen
        column = replace(seen, shape=x.shape, strides=(1, 0))
        parts = {"seen": Load(seen.dtype, column), "x": Load(x.dtype, x)}
        text = "({seen} != 0 ? {x} : 0)"
        if more is not None:
            parts["more"], text = Load(more.dtype, more), "{more} + " + text
        value = Compute(x.dtype, text, tuple(parts), tuple(parts.values()))
        return Loop(where, x.shape, out, value)


def _of_the_table(loop: Loop, rows: Place, table: Place) -> Loop | None:
    """What a loop does to each of many rows alike, done to those of the table; None: it does something else."""
    if loop.fold is not None or loop.out != rows or loop.shape != rows.shape:
        return None

    def there(x: Expression) -> Expression | None:
        if isinstance(x, Load):
            place = table if x.place == rows else replace(x.place, shape=table.shape)
            return Load(x.dtype, place)
        return None

    for part in walk(loop.value):
        if isinstance(part, Pick | Position):
            return None
        if isinstance(part, Load) and part.place != rows:
            alike = part.place.memory is not rows.memory and not part.place.strides[0]
            if not alike:
                return None
    return replace(loop, shape=table.shape, out=table, value=mapped(loop.value, there))


def _looking_up(loop: Loop, memory: Memory, lookup: _Lookup, table: Place) -> Loop | None:
    """A loop that looks up itself what it read of the rows in a memory; None: it cannot say where they are."""
    width = table.shape[1]
    layout = [(n, s, d) for d, (n, s) in enumerate(zip(lookup.shape, lookup.steps, strict=True))]
    failed = False

    def picked(x: Expression) -> Expression | None:
        nonlocal failed
        if isinstance(x, Pick):
            failed |= x.place.memory is memory
        if not isinstance(x, Load) or x.place.memory is not memory:
            return None
        place = x.place
        first, column = divmod(place.offset, width)
        along = [d for d, step in enumerate(place.strides) if step % width]
        if len(along) != 1 or place.strides[along[0]] != 1:
            failed = True
            return None
        reach = place.shape[along[0]]
        steps = tuple(step // width for step in place.strides)
        rows = replace(place, offset=first, strides=steps)

        def number(x: Expression) -> Expression | None:
            nonlocal failed
            if not isinstance(x, Load):
                return None
            found = place_in(rows, x.place, layout)
            failed |= found is None or column + reach > width
            return Load(x.dtype, found or x.place)

        there = replace(table, offset=table.offset + column, shape=(table.shape[0], reach))
        index = mapped(lookup.numbers(lookup.shape), number)
        return Pick(x.dtype, there, (index, Position(_LONG, along[0])))

    made = replace(loop, value=mapped(loop.value, picked))
    return None if failed else made
