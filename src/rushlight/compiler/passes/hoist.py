"""Let numbers and guards come as early as they can, once: so a program stops before it has written."""

from __future__ import annotations

from rushlight.compiler.graph import Graph, Guard, Number, Outside, Place, Statement
from rushlight.compiler.recording.entries import Draw, Operation, Perform


def hoist(graph: Graph) -> None:
    """Move each number and guard to behind the last statement that it needs."""
    order: list[Statement] = []
    # Of each: whether Python runs there, which number it makes, and into which memories it writes.
    about: list[tuple[bool, int | None, set[int]]] = []
    asked: list[Guard] = []
    for statement in graph.statements:
        if isinstance(statement, Guard):
            if any(_is_same(statement, one) for one in asked) and _is_asked(statement, order):
                continue
            asked.append(statement)
        at = len(order)
        if isinstance(statement, Number | Guard):
            needed = {figure.index for figure in statement.numbers_read()}
            read = list(statement.reads())
            memories = {id(place.memory) for place in read}
            while at:
                outside, made, written = about[at - 1]
                near = outside or made in needed or not memories.isdisjoint(written)
                if near and _needs(order[at - 1], needed, read):
                    break
                at -= 1
            # Those that are there already stay before it.
            while at < len(order) and isinstance(order[at], Number | Guard):
                at += 1
        order.insert(at, statement)
        about.insert(at, _about(statement))
    graph.statements = order


def _about(statement: Statement) -> tuple[bool, int | None, set[int]]:
    made = statement.number_written()
    written = {id(place.memory) for place in statement.writes()}
    return isinstance(statement, Outside), None if made is None else made.index, written


def _is_same(a: Guard, b: Guard) -> bool:
    return a.shape == b.shape and a.condition == b.condition


def _is_asked(guard: Guard, order: list[Statement]) -> bool:
    """Whether the same has been asked before, of the same elements: a backward asks what its call asked."""
    read = list(guard.reads())
    for before in reversed(order):
        if isinstance(before, Guard):
            if _is_same(before, guard):
                return True
        elif isinstance(before, Outside) and isinstance(before.entry, Perform):
            # Python's code may write whatever it finds.
            return False
        elif any(place.overlaps(other) for place in read for other in before.writes()):
            return False
    return False


def _needs(before: Statement, needed: set[int], read: list[Place]) -> bool:
    if isinstance(before, Outside):
        made_there = {out.index for out in before.entry.outs}
        if not needed.isdisjoint(made_there):
            return True
        if not isinstance(before.entry, Operation | Draw):
            # Python's code may write whatever it finds.
            return bool(read)
    made = before.number_written()
    if made is not None and made.index in needed:
        return True
    return any(place.overlaps(other) for place in read for other in before.writes())
