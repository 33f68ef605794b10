"""Attention, recognised where it is composed: two products with a softmax between them, and what is behind it.

The rows of a softmax's scores become one statement with the products before and after it, and so do the rows
of its backward, if nobody else looks at what is between: scores and weights are then nowhere in memory but
for the weights that backward reads, in an order of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.compiler.graph import Attention, Place
from rushlight.compiler.kernels.attention import Heads, fits, pitch
from rushlight.compiler.kernels.target import Target
from rushlight.compiler.recording.entries import Constant, Operation, Write
from rushlight.compiler.recording.program import Program
from rushlight.compiler.recording.values import Value

if TYPE_CHECKING:
    from rushlight.compiler.lowering.program import Lowering

# What stands for an entry; None: nothing does, another entry does all.
Plan = dict[int, "Callable[[Lowering], None] | None"]

_SINGLE = np.dtype(np.float32)


def planned(program: Program, target: Target) -> Plan:
    """By the number of an entry, what is done in its place."""
    return _Finder(program, target).plan()


@dataclass(frozen=True)
class _Use:
    """An entry that reads a value, itself or a view of it."""

    number: int
    entry: Operation
    # As which operand, and what it is given there.
    at: int
    value: Value


class _NoMatch(Exception):
    """It is something else."""


def _check(holds: bool) -> None:
    if not holds:
        raise _NoMatch


class _Finder:
    def __init__(self, program: Program, target: Target) -> None:
        self.entries, self.target = program.entries, target
        self.makers: dict[int, int] = {}
        self.readers: dict[int, list[int]] = {}
        for number, entry in enumerate(self.entries):
            for out in entry.outs:
                self.makers[out.index] = number
            for x in entry.reads():
                self.readers.setdefault(x.index, []).append(number)
        # What Python sees afterwards, or something writes into.
        self.seen = {r.value.index for r in program.lasting() if r.value is not None}
        self.seen |= {e.target.index for e in self.entries if isinstance(e, Write)}

    def plan(self) -> Plan:
        """All of them."""
        found: Plan = {}
        for number, entry in enumerate(self.entries):
            if isinstance(entry, Operation) and entry.row.name == "softmax":
                try:
                    found |= _Match(self, number, entry).plan()
                except _NoMatch:
                    continue
        return found

    def made_by(self, value: Any, *rows: str) -> tuple[int, Operation]:
        """The entry of one of these rows that makes a value."""
        _check(isinstance(value, Value))
        number = self.makers.get(value.index, -1)
        entry = self.entries[number] if number >= 0 else None
        _check(isinstance(entry, Operation) and entry.row.name in rows)
        return number, entry  # type: ignore[return-value]

    def uses(self, value: Value, views: set[int]) -> list[_Use]:
        """What reads a value that nobody sees, or a view of it; the numbers of these views are noted."""
        _check(value.index not in self.seen)
        found: list[_Use] = []
        for number in self.readers.get(value.index, ()):
            entry = self.entries[number]
            if not isinstance(entry, Operation):
                raise _NoMatch
            if entry.row.view and all(out.base is not None for out in entry.outs):
                views.add(number)
                for out in entry.outs:
                    found += self.uses(out, views)
            else:
                at = [i for i, x in enumerate(entry.inputs) if x is value]
                _check(bool(at))
                found += [_Use(number, entry, i, value) for i in at]
        return found

    def only(self, value: Value, count: int) -> list[_Use]:
        """The same, of what has no views and so many uses."""
        views: set[int] = set()
        found = self.uses(value, views)
        _check(not views and len(found) == count)
        return found

    def undisturbed(self, numbers: set[int]) -> None:
        """Between these entries nothing is written."""
        between = self.entries[min(numbers) : max(numbers)]
        _check(all(isinstance(entry, Operation | Constant) for entry in between))


class _Match:
    """What is around one softmax."""

    def __init__(self, finder: _Finder, number: int, softmax: Operation) -> None:
        self.finder = finder
        (scores,) = softmax.inputs
        (self.weights,) = softmax.outs
        shape = self.weights.shape
        _check(len(shape) >= 2 and softmax.static["dim"] == len(shape) - 1)
        gone = {number}
        causal = False
        made, entry = finder.made_by(scores, "matmul", "add")
        finder.only(scores, 1)
        if entry.row.name == "add":
            gone.add(made)
            scores, mask = entry.inputs
            causal = self._is_causal(mask, shape)
            made, entry = finder.made_by(scores, "matmul")
            finder.only(scores, 1)
        gone.add(made)
        self.query, self.keys = entry.inputs
        self.views: set[int] = set()
        uses = finder.uses(self.weights, self.views)
        products = [
            use
            for use in uses
            if use.entry.row.name == "matmul" and use.at == 0 and use.value is self.weights
        ]
        _check(len(products) == 1)
        (self.means,) = products
        self.value = self.means.entry.inputs[1]
        (self.out,) = self.means.entry.outs
        finder.undisturbed(gone | {self.means.number})
        self.gone = gone
        rest = [u for u in uses if u is not self.means]
        self.heads = Heads(shape[-2], shape[-1], _last(self.query), _last(self.out), causal)
        _check(fits(self.heads, finder.target))
        _check(
            all(
                x.__class__ is Value and x.dtype == _SINGLE and len(x.shape) <= len(shape)
                for x in (self.query, self.keys, self.value, self.weights, self.out)
            )
        )
        for x in (self.query, self.value, self.out):
            _along(x, -1)
        _along(self.keys, -2)
        self.backward = _Backward(self, rest) if rest else None
        self._scale(made)

    def _scale(self, product: int) -> None:
        """Queries that are only multiplied by a number before: scores may be so after."""
        finder, backward = self.finder, self.backward
        try:
            made, entry = finder.made_by(self.query, "mul")
            scale = _factor(entry)
            views: set[int] = set()
            readers = {use.number for use in finder.uses(self.query, views)}
            _check(readers == {product} | ({backward.two} if backward is not None else set()))
            _along(entry.inputs[0], -1)
            heads = replace(self.heads, scale=scale)
            _check(fits(heads, finder.target))
            if backward is not None:
                backward.scale(self.query, entry.inputs[0], scale)
        except _NoMatch:
            return
        self.heads, self.query = heads, entry.inputs[0]
        self.gone |= {made} | views

    def _is_causal(self, mask: Any, shape: tuple[int, ...]) -> bool:
        """That a mask which is added hides what comes after the diagonal, and nothing else."""
        _check(isinstance(mask, Value) and mask.shape == shape[-2:])
        number = self.finder.makers.get(mask.index, -1)
        entry = self.finder.entries[number] if number >= 0 else None
        _check(isinstance(entry, Constant))
        array = entry.array  # type: ignore[union-attr]
        hidden = np.triu(np.ones(mask.shape, np.bool_), 1)
        _check(bool((array[hidden] == -np.inf).all() and (array[~hidden] == 0).all()))
        return True

    def plan(self) -> Plan:
        """What is done in the place of the entries."""
        plan: Plan = dict.fromkeys(self.gone)
        plan[self.means.number] = self.forward
        if self.backward is not None:
            plan |= dict.fromkeys(self.backward.gone | self.views)
            plan[self.backward.last] = self.backward.run
        return plan

    def forward(self, lowering: Lowering) -> None:
        """The statement in the place of the last product."""
        batch = self.weights.shape[:-2]
        q, k, v = (_over(lowering.place(x), batch) for x in (self.query, self.keys, self.value))
        outs = [lowering.out(self.out)]
        if self.backward is not None:
            shape = (*batch, self.heads.rows, pitch(self.heads, self.finder.target))
            self.backward.weights = lowering.temporary(shape, _SINGLE, self.weights.name)
            outs.append(self.backward.weights)
        inputs = q, _turned(k), v
        lowering.add(Attention(lowering.where, self.heads, False, inputs, tuple(outs)))


class _Backward:
    """What is behind a softmax's weights: of a gradient g of the means, those of queries, keys and values."""

    weights: Place
    # The queries as they were before they were multiplied by a number, if scores are so instead.
    straight: Value | None = None

    def __init__(self, match: _Match, uses: list[_Use]) -> None:
        finder = match.finder
        self.heads = match.heads
        by_row = {use.entry.row.name: use for use in uses}
        _check(len(uses) == 3 == len(by_row) and by_row.keys() == {"matmul", "inner", "mul"})
        product, inner, scaled = (by_row[name] for name in ("matmul", "inner", "mul"))
        # Those of the values: w' g.
        _check(product.at == 0 and product.value is not match.weights)
        self._turns(product.value, match.weights)
        self.g = product.entry.inputs[1]
        (self.values,) = product.entry.outs
        # w * (s - inner(s, w)), s = g v'.
        _check(inner.value is match.weights is scaled.value)
        slopes = inner.entry.inputs[1 - inner.at]
        _check(inner.entry.static.get("dims") == (len(match.weights.shape) - 1,))
        less, subtracted = finder.made_by(scaled.entry.inputs[1 - scaled.at], "sub")
        finder.only(subtracted.outs[0], 1)
        (total,) = inner.entry.outs
        _check(subtracted.inputs[0] is slopes and subtracted.inputs[1] is total)
        finder.only(total, 1)
        finder.only(slopes, 2)
        first, entry = finder.made_by(slopes, "matmul")
        _check(entry.inputs[0] is self.g)
        self.value = entry.inputs[1]
        # Those of the queries: of what came out the product with keys; and of the keys, turned: q' times it.
        views: set[int] = set()
        products = finder.uses(scaled.entry.outs[0], views)
        _check(not views and sorted(use.at for use in products) == [0, 1])
        _check(all(use.entry.row.name == "matmul" for use in products))
        one, two = sorted(products, key=lambda use: use.at)
        self.keys, self.query = one.entry.inputs[1], two.entry.inputs[0]
        (self.queries,), (self.turned,) = one.entry.outs, two.entry.outs
        self.two, self.finder = two.number, finder
        numbers = {use.number for use in (*uses, *products)} | {first, less}
        finder.undisturbed(numbers)
        self.gone, self.last = numbers, max(numbers)
        outs = self.queries, self.turned, self.values
        for out in outs:
            _check(min(finder.readers.get(out.index, [self.last + 1])) > self.last)
        operands = self.g, self.value, self.keys, self.query
        _check(all(x.__class__ is Value and x.dtype == _SINGLE for x in operands))
        _check(all(out.shape[:-2] == match.weights.shape[:-2] for out in outs))
        for x in (self.g, self.keys, self.queries, self.values):
            _along(x, -1)
        for x in (self.value, self.query):
            _along(x, -2)
        _check(_last(self.g) == self.heads.values and _last(self.keys) == self.heads.width)

    def scale(self, scaled: Value, query: Value, scale: float) -> None:
        """Slopes are multiplied by the number, instead of queries before and of their gradients after."""
        self._turns(self.query, scaled)
        (use,) = self.finder.only(self.queries, 1)
        _check(use.entry.row.name == "mul" and _factor(use.entry) == scale)
        (out,) = use.entry.outs
        _check(out.dtype == _SINGLE and out.shape == self.queries.shape)
        _along(out, -1)
        self.gone.add(use.number)
        self.queries, self.straight, self.heads = out, query, replace(self.heads, scale=scale)

    @staticmethod
    def _turns(view: Value, of: Value) -> None:
        """That a view shows all of a value, its last two dimensions exchanged."""
        *rest, down, along = of.strides
        *shape, rows, columns = of.shape
        _check(view.offset == 0 and view.shape == (*shape, columns, rows))
        _check(view.strides == (*rest, along, down))

    def run(self, lowering: Lowering) -> None:
        """The statement in the place of the last of the products."""
        batch = self.weights.shape[:-2]
        g, k, v = (_over(lowering.place(x), batch) for x in (self.g, self.keys, self.value))
        if self.straight is not None:
            q = _over(lowering.place(self.straight), batch)
        else:
            q = _turned(_over(lowering.place(self.query), batch))
        dq, turned, dv = map(lowering.out, (self.queries, self.turned, self.values))
        # Rows of keys lie along memory, although the product that is recorded gives columns.
        dk = lowering.temporary(_turned(turned).shape, _SINGLE, self.turned.name)
        inputs = g, q, k, _turned(v), self.weights
        lowering.add(Attention(lowering.where, self.heads, True, inputs, (dq, dk, dv)))
        lowering.loop(turned, lowering.element(_turned(dk), turned.shape))


def _factor(entry: Operation) -> float:
    """By which number of Python's a value is multiplied."""
    x, factor = entry.inputs
    _check(x.__class__ is Value and x.dtype == _SINGLE and factor.__class__ is float)
    return float(factor)


def _last(x: Any) -> int:
    _check(x.__class__ is Value and len(x.shape) >= 2)
    return int(x.shape[-1])


def _along(x: Value, dim: int) -> None:
    """That memory lies along a dimension."""
    _check(len(x.shape) >= 2 and x.strides[dim] == x.dtype.itemsize)


def _over(x: Place, batch: tuple[int, ...]) -> Place:
    return x.spread((*batch, *x.shape[-2:]))


def _turned(x: Place) -> Place:
    rank = len(x.shape)
    return x.permuted((*range(rank - 2), rank - 1, rank - 2))


__all__ = ["Plan", "planned"]
