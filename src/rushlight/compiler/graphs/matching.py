"""Whether a graph that was handed over before does what has just been written down."""

from __future__ import annotations

from typing import Any

from rushlight import dtypes
from rushlight.compiler.graphs.symbols import Real, Term, Whole
from rushlight.compiler.graphs.tracing import Tracing
from rushlight.compiler.graphs.written import Call, Value
from rushlight.core.tensor import TensorBase


class Differs(Exception):
    """They do not fit."""


def pattern(tracing: Tracing, outs: list[Value], symbols: set[str], numbers: dict[int, int]) -> Any:
    """What was written down, comparable: values by number, and numbers that follow from `symbols` as terms.

    numbers: what a value's number is here, as a thing of this one graph.
    """

    def inner(value: Any) -> Any:
        if isinstance(value, Value):
            return "%", numbers[value.number]
        if isinstance(value, Whole | Real):
            kind = int if isinstance(value, Whole) else float
            return kind, value.term if value.term.symbols() <= symbols else kind(value)
        if isinstance(value, tuple | list):
            return (type(value).__name__, *map(inner, value))
        if isinstance(value, dict):
            return ("dict", *((k, inner(v)) for k, v in value.items()))
        if isinstance(value, slice):
            return "slice", inner(value.start), inner(value.stop), inner(value.step)
        return _bare(value)

    given = [_kind(tracing, value.tensor, symbols) for value in tracing.inputs]
    calls = [(call.target, inner(call.args), inner(call.kwargs)) for call in tracing.calls]
    return (
        (tracing.modes_before, dtypes.get_default_dtype()),
        tuple(given),
        tuple(calls),
        tuple(numbers[value.number] for value in outs),
    )


def _bare(value: Any) -> Any:
    kind = type(value)
    try:
        hash(value)
    except TypeError:
        return kind, id(value)
    return kind, value


def _kind(tracing: Tracing, tensor: Any, symbols: set[str]) -> Any:
    known = tracing.sized.get(id(tensor))
    shape = tuple(tensor.shape)
    sizes = shape
    if known is not None:
        sizes = tuple(Term(s) if s in symbols else n for n, s in zip(shape, known, strict=True))
    strides = "plain" if tensor.is_contiguous() else tensor.stride()
    return type(tensor), tensor.dtype, tensor.requires_grad, sizes, strides, tensor.device


def fits(old: Any, now: Any, symbols: dict[str, Any], given: dict[str, Any]) -> bool:
    """Whether `now`, a pattern without terms, is `old` for some values of symbols, which are put there.

    given: the values of symbols that stand for numbers among the arguments.
    """
    symbols.update(given)
    try:
        _fit(old, now, symbols)
    except Differs:
        return False
    return True


def _fit(old: Any, now: Any, symbols: dict[str, Any]) -> None:
    if isinstance(old, Term):
        if isinstance(now, bool) or not isinstance(now, int | float):
            raise Differs
        if old.operator is None and old.name not in symbols:
            if now < 2:
                raise Differs
            symbols[old.name] = now
        elif old.value(symbols) != now:
            raise Differs
    elif isinstance(old, tuple) and isinstance(now, tuple):
        if len(old) != len(now):
            raise Differs
        for a, b in zip(old, now, strict=True):
            _fit(a, b, symbols)
    elif old is not now and (isinstance(old, TensorBase) or old != now):
        raise Differs


__all__ = ["Call", "fits", "pattern"]
