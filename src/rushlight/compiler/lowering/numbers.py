"""Python numbers: looked up in arrays, computed, compared."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.compiler.graph import Compute, Expression, Guard, Literal, NoC, Number, Scalar
from rushlight.compiler.recording.entries import Arithmetic, Checked, Decision, Look, Seen
from rushlight.compiler.recording.values import Figure

if TYPE_CHECKING:
    from rushlight.compiler.lowering.program import Lowering

_DOUBLE, _LONG, _BOOL = np.dtype(np.float64), np.dtype(np.int64), np.dtype(np.bool_)

# Python's arithmetic in C, in double precision. Division by zero raises in Python: a guard asks first.
_ARITHMETIC: dict[Any, str] = {
    operator.add: "{a} + {b}", operator.sub: "{a} - {b}", operator.mul: "{a} * {b}",
    operator.truediv: "{a} / {b}", operator.neg: "-{a}", operator.abs: "fabs({a})",
    operator.pow: "pow({a}, {b})", math.sqrt: "sqrt({a})",
}  # fmt: skip
_COMPARISONS: dict[Any, str] = {
    operator.lt: "{a} < {b}", operator.le: "{a} <= {b}", operator.gt: "{a} > {b}",
    operator.ge: "{a} >= {b}", operator.eq: "{a} == {b}", operator.ne: "{a} != {b}",
}  # fmt: skip


def _double(x: Any) -> Expression:
    """A number of Python's, as a double; a whole one that has no double is refused."""
    if x.__class__ is Figure:
        return Scalar(_DOUBLE, x)
    if isinstance(x, float) or (isinstance(x, bool | int) and _is_double(x)):
        return Literal(_DOUBLE, float(x))
    raise NoC(f"arithmetic with a {type(x).__name__}")


def _is_double(x: int) -> bool:
    return abs(x) < 2**1023 and int(float(x)) == x


def _is_whole(x: Any) -> bool:
    return x.kind is not float if x.__class__ is Figure else not isinstance(x, float)


def _look(lowering: Lowering, entry: Look) -> None:
    (figure,) = entry.outs
    place = lowering.place(entry.inputs[0])
    one = place.reshaped(())
    value = lowering.element(one, ())
    lowering.add(Number(lowering.where, figure, lowering.cast(value, _DOUBLE)))
    if place.dtype.kind in "iu" and place.dtype.itemsize == 8:
        _exact(lowering, figure)


def _arithmetic(lowering: Lowering, entry: Arithmetic) -> None:
    (figure,) = entry.outs
    operation = entry.operation
    template = _ARITHMETIC.get(operation)
    if template is None:
        raise NoC(f"{getattr(operation, '__name__', operation)} of numbers")
    if operation is operator.pow and all(map(_is_whole, entry.inputs)):
        raise NoC("a whole number to a whole power")
    inputs = [_double(x) for x in entry.inputs]
    names = ("a", "b")[: len(inputs)]
    if figure.kind is not float:
        # Whole numbers have one zero.
        template += " + 0.0"
    value = Compute(_DOUBLE, template, names, tuple(inputs))
    if operation in (operator.truediv, operator.pow, math.sqrt):
        _defined(lowering, operation, inputs, value, figure)
        return
    lowering.add(Number(lowering.where, figure, value))
    if figure.kind is not float:
        _exact(lowering, figure)


def _exact(lowering: Lowering, figure: Figure) -> None:
    """Whole numbers are doubles in C: the program stops where one is not exact."""
    made, limit = Scalar(_DOUBLE, figure), Literal(_DOUBLE, 2.0**53)
    condition = Compute(_BOOL, "fabs({a}) < {limit}", ("a", "limit"), (made, limit))
    lowering.add(Guard(lowering.where, (), condition))


def _defined(
    lowering: Lowering, operation: Any, inputs: list[Expression], value: Expression, figure: Figure
) -> None:
    """Arithmetic that may raise in Python: the program stops there, and Python says what is wrong."""
    if operation is operator.truediv:
        text, names, of = "{b} != 0", ("b",), (inputs[1],)
        lowering.add(Guard(lowering.where, (), Compute(_BOOL, text, names, of)))
    elif operation is math.sqrt:
        text, names, of = "{a} >= 0", ("a",), (inputs[0],)
        lowering.add(Guard(lowering.where, (), Compute(_BOOL, text, names, of)))
    lowering.add(Number(lowering.where, figure, value))
    if operation is operator.pow:
        made = Scalar(_DOUBLE, figure)
        lowering.add(Guard(lowering.where, (), Compute(_BOOL, "isfinite({a})", ("a",), (made,))))


def _decision(lowering: Lowering, entry: Decision) -> None:
    template = _COMPARISONS.get(entry.operation)
    if template is None:
        raise NoC("a comparison of another kind")
    inputs = tuple(_double(x) for x in entry.inputs)
    condition = Compute(_BOOL, template, ("a", "b"), inputs)
    if not entry.found:
        condition = Compute(_BOOL, "!{a}", ("a",), (condition,))
    lowering.add(Guard(lowering.where, (), condition, entry))


def _seen(lowering: Lowering, entry: Seen) -> None:
    if entry.inputs[0].__class__ is not Figure or not isinstance(entry.found, bool | int | float):
        raise NoC("Python looked at values")
    inputs = _double(entry.inputs[0]), _double(entry.found)
    # What is no number is never equal, and never was.
    if entry.found != entry.found:
        raise NoC("Python looked at nan")
    # There are two zeros.
    text = "{a} == {b} && !signbit({a}) == !signbit({b})" if not entry.found else "{a} == {b}"
    condition = Compute(_BOOL, text, ("a", "b"), inputs)
    lowering.add(Guard(lowering.where, (), condition, entry))


# What is asked of every element, by what it is asked for; what does not hold, Python says.
_CHECKS = {"that these are probabilities": "{x} >= 0 && {x} <= 1"}


def _checked(lowering: Lowering, entry: Checked) -> None:
    condition = _CHECKS.get(entry.why)
    if condition is None or len(entry.inputs) != 1:
        raise NoC("checked is Python's")
    x = lowering.place(entry.inputs[0])
    asked = Compute(_BOOL, condition, ("x",), (lowering.element(x, x.shape),))
    lowering.add(Guard(lowering.where, x.shape, asked))


NUMBERS: dict[type, Any] = {
    Look: _look, Arithmetic: _arithmetic, Decision: _decision, Seen: _seen,
    Checked: _checked,
}  # fmt: skip
