"""The graph of loops as text, group by group: what is done in one go, under the lines from which it came."""

from __future__ import annotations

import os
from collections.abc import Iterator

from rushlight.compiler.emit.terms import bracketed, expression_text
from rushlight.compiler.graph import (
    Attention,
    Drawing,
    Expression,
    Guard,
    Images,
    Load,
    Loop,
    Number,
    Outside,
    Pick,
    Place,
    Product,
    Statement,
)
from rushlight.compiler.passes.fuse import Group
from rushlight.compiler.recording.errors import source
from rushlight.compiler.recording.values import Figure

_KINDS = {
    "nest": "together, row by row",
    "straight": "one after the other",
    "single": "by itself",
    "outside": "in Python",
}


def graph_text(groups: list[Group]) -> str:
    """The groups in order; `t[i]` is an element of t, at the place of the loop."""
    return "\n".join(line for group in groups for line in _group(group))


def _group(group: Group) -> Iterator[str]:
    how = _KINDS[group.kind]
    if group.kind == "nest":
        how = f"together, for each of {group.rows} rows" if group.rows else "together"
    yield f"{how}:"
    shown = None
    for statement in group.statements:
        if statement.where != shown:
            shown = statement.where
            (file, number), back = shown
            yield (
                f"  # {'backward of ' if back else ''}{os.path.basename(file)}:{number}  "
                f"{source((file, number))}"
            )
        yield f"  {_statement(statement)}"


def _statement(statement: Statement) -> str:
    if isinstance(statement, Loop):
        out = statement.out.memory.name
        sizes = f"  for i in {list(statement.shape)}" if statement.shape else ""
        at = "[i]" if statement.shape and statement.fold is None else ""
        if statement.indices is not None:
            at = f"[{', '.join(map(_text, statement.indices))}]"
        if statement.fold is not None:
            kept = [d for d, stride in enumerate(statement.out.strides) if stride]
            at = f"[{', '.join(f'i{d}' for d in kept)}]" if kept else ""
            return f"{out}{at} {statement.fold.kind}= {_text(statement.value)}{sizes}"
        return f"{out}{at} = {_text(statement.value)}{sizes}"
    if isinstance(statement, Product):
        more = "+" if statement.accumulate else ""
        return f"{_place(statement.c)} {more}= {_place(statement.a)} @ {_place(statement.b)}"
    if isinstance(statement, Attention):
        given = ", ".join(map(_place, statement.inputs))
        name = "attention_backward" if statement.backward else "attention"
        return f"{', '.join(map(_place, statement.outs))} = {name}({given}): {statement.heads}"
    if isinstance(statement, Images):
        given = ", ".join(map(_place, statement.inputs))
        form = str(statement.form)
        return f"{', '.join(map(_place, statement.outs))} = {statement.way}({given}): {form}"
    if isinstance(statement, Drawing):
        given = ", ".join(statement.parameters)
        return f"{_place(statement.out)} = {statement.function}({given})"
    if isinstance(statement, Number):
        return f"{statement.figure.name} = {_text(statement.value)}"
    if isinstance(statement, Guard):
        return f"stop unless {_text(statement.condition)}"
    if isinstance(statement, Outside):
        return f"{statement.entry.text()}  ({statement.reason})"
    return type(statement).__name__


def _place(place: Place) -> str:
    return f"{place.memory.name}{list(place.shape)}"


def _text(x: Expression) -> str:
    return expression_text(x, _load, lambda dim: f"i{dim}", _number)


def _load(x: Expression) -> str:
    if isinstance(x, Pick):
        return f"{x.place.memory.name}[{', '.join(map(_text, x.indices))}]"
    if isinstance(x, Load):
        name = x.place.memory.name
        return f"{name}[i]" if any(x.place.strides) else name
    return bracketed(str(x))


def _number(figure: Figure) -> str:
    return figure.name
