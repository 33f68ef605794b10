"""A row and its rule, read as formulas: the rule runs on a sample, under an interpreter that puts symbols down.

An `Expression` is an operation on expressions; what is used more than once and is not small gets a name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd.state import no_grad
from rushlight.core.doors import Interpreter
from rushlight.core.tensor import TensorBase, wrap
from rushlight.visual.formulas import parts
from rushlight.visual.formulas.from_c import from_c, symbol
from rushlight.visual.formulas.notation import DEFINITIONS, NOTATION, TRANSPARENT
from rushlight.visual.formulas.parts import ATOM, PRODUCT, Text

if TYPE_CHECKING:
    from rushlight.core.row import Primitive, Sample

# A formula longer than this is none that one reads.
_LONG = 700
_SMALL = 14
# Static parameters that are numbers to reckon with, though samples give whole ones.
_NUMBERS = ("correction",)


@dataclass(eq=False)
class Expression:
    """An operation on expressions, or a symbol if it has no row."""

    text: Text | None = None
    row: Primitive | None = None
    operands: list[Any] = field(default_factory=list)
    static: dict[str, Any] = field(default_factory=dict)


class Parameter(float):
    """A number that knows by which parameter it came in, through Python's arithmetic."""

    text: Text

    def __new__(cls, value: float, text: Text) -> Parameter:
        """The number with its name."""
        made = super().__new__(cls, value)
        made.text = text
        return made

    def __mul__(self, other: Any) -> Any:
        return self._with(float.__mul__, parts.multiplied, other)

    def __rmul__(self, other: Any) -> Any:
        return self._with(float.__rmul__, lambda a, b: parts.multiplied(b, a), other)

    def __truediv__(self, other: Any) -> Any:
        return self._with(float.__truediv__, parts.divided, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self._with(float.__rtruediv__, lambda a, b: parts.divided(b, a), other)

    def __add__(self, other: Any) -> Any:
        return self._with(float.__add__, parts.added, _counted(other))

    def __sub__(self, other: Any) -> Any:
        return self._with(float.__sub__, lambda a, b: parts.added(a, b, "-"), _counted(other))

    def __rsub__(self, other: Any) -> Any:
        return self._with(float.__rsub__, lambda a, b: parts.added(b, a, "-"), _counted(other))

    def __neg__(self) -> Any:
        return Parameter(float.__neg__(self), parts.negated(self.text))

    def _with(self, compute: Any, write: Callable[[Text, Text], Text], other: Any) -> Any:
        value = compute(self, other)
        if value is NotImplemented:
            return value
        text = other.text if isinstance(other, Parameter) else parts.number(other)
        return Parameter(value, write(self.text, text))


def _counted(number: Any) -> Any:
    """A whole number that is divided by or taken from: beyond 2 it is how many elements there are."""
    return Parameter(number, Text("n")) if number.__class__ is int and number > 2 else number


class _Symbols(Interpreter):
    """Knows for each array of what it was made."""

    def __init__(self, folds: bool) -> None:
        self.known: dict[int, Any] = {}
        # Whether whole numbers say of how many elements something is made.
        self.folds = folds
        # Nothing ends while a rule runs, so that an address names one array.
        self.alive: list[Any] = []

    def name(self, tensor: TensorBase, expression: Expression) -> None:
        self.alive.append(tensor._data_)
        self.known[id(tensor._data_)] = expression

    def of(self, operand: Any) -> Any:
        if isinstance(operand, Parameter):
            return Expression(operand.text)
        if not isinstance(operand, TensorBase):
            return operand
        known = self.known.get(id(operand._data_))
        if known is not None:
            return known
        # A tensor made of a number, or one that came past the doors.
        data = operand._data_
        same = data.size and data.min() == data.max()
        return Expression(parts.number(data.flat[0].item()) if same else Text(r"\square"))

    def apply(self, row: Primitive, inputs: tuple[Any, ...], static: dict[str, Any]) -> Any:
        """Run a row, and remember of what its outputs were made."""
        if row.name == "div" and self.folds:
            inputs = (inputs[0], _counted(inputs[1]))
        operands = [self.of(operand) for operand in inputs]
        out = super().apply(row, inputs, static)
        for number, part in enumerate(out if isinstance(out, tuple) else (out,)):
            if row.name in TRANSPARENT and isinstance(operands[0], Expression):
                expression = operands[0]
            else:
                expression = Expression(None, row, operands, {**static, "output": number})
            self.name(part, expression)
        return out


def output_symbol(row: Primitive) -> str:
    """What stands for the output of a row."""
    return "z" if "y" in row.inputs else "y"


def definition(row: Primitive) -> str:
    """What a row computes, as an equation."""
    known = DEFINITIONS.get(row.name)
    if known is not None:
        return known
    column = next(iter(row.c.values())) if isinstance(row.c, dict) else row.c
    result = None
    if isinstance(column, str) and "{" in column:
        try:
            result = from_c(column, {name: Text(symbol(name)) for name in row.inputs})
        except ValueError:
            result = None
    if result is None or result.latex == symbol(row.inputs[0] if row.inputs else ""):
        result = _call(row)
    return f"{output_symbol(row)} = {result.latex}"


def _call(row: Primitive) -> Text:
    """A row by its name, of inputs by their symbols."""
    names = [
        Text(symbol(name.removeprefix("*")) + (r"_{1}, \ldots" if name[0] == "*" else ""))
        for name in row.inputs
    ]
    return parts.called(row.name, *names)


def read_rule(row: Primitive) -> dict[str, list[str]]:
    """By input the gradient that the row's rule gives, as equations; nothing where it cannot be read."""
    if row.vjp is None:
        return {}
    sample = _sample(row)
    if sample is None:
        return {}
    static = {
        name: Parameter(value, Text(symbol(name)))
        if value.__class__ is float or (name in _NUMBERS and value.__class__ is int)
        else value
        for name, value in sample.static.items()
    }
    try:
        gradients = _run(row, sample, static)
    except Exception:
        # Its rule needs what a sample alone does not give: the source is there to be read.
        return {}
    found = {}
    for name, gradient in gradients.items():
        equations = _written(row, name, gradient)
        if equations is not None:
            found[name] = equations
    return found


def _sample(row: Primitive) -> Sample | None:
    """The sample with the most inputs that are there; of several the first that has dimensions."""
    best: tuple[tuple[int, bool, bool], Sample] | None = None
    for sample in row.samples():
        arrays = [a for a in sample.arrays if isinstance(a, np.ndarray)]
        if not arrays or any(a.size == 0 for a in arrays) or arrays[0].dtype.kind not in "fciub":
            continue
        rank = (len(arrays), arrays[0].dtype.kind != "c", all(a.ndim > 0 for a in arrays))
        if best is None or rank > best[0]:
            best = rank, sample
    return None if best is None else best[1]


def _names(row: Primitive, count: int) -> list[str]:
    """A name for each of the inputs that were given."""
    names = []
    for i in range(count):
        name = row.inputs[min(i, len(row.inputs) - 1)]
        first = len(row.inputs) - 1
        names.append(f"{name[1:]}_{i - first + 1}" if name.startswith("*") else name)
    return names


def _run(row: Primitive, sample: Sample, static: dict[str, Any]) -> dict[str, Any]:
    symbols = _Symbols(folds=row.family != "unary")
    names = _names(row, len(sample.arrays))
    inputs = []
    for name, array in zip(names, sample.arrays, strict=True):
        if isinstance(array, np.ndarray):
            tensor = wrap(array.copy(), array.dtype.kind in "fc")
            symbols.name(tensor, Expression(Text(symbol(name))))
            inputs.append(tensor)
        else:
            inputs.append(array)
    out = row(*inputs, **static)
    outs = out if isinstance(out, tuple) else (out,)
    own = output_symbol(row)
    for number, part in enumerate(outs, 1):
        symbols.name(part, Expression(Text(own if len(outs) == 1 else f"{own}_{{{number}}}")))
    node = outs[0]._node_
    g = wrap(np.full(outs[0]._data_.shape, 0.7, outs[0]._data_.dtype))
    symbols.name(g, Expression(Text("g")))
    with no_grad(), symbols:
        gradients = node._gradients([g, *[None] * (len(outs) - 1)] if len(outs) > 1 else g)
    return {
        name: symbols.of(gradient)
        for name, gradient, edge in zip(names, gradients, node._edges, strict=False)
        if gradient is not None and edge is not None
    }


def _written(own: Primitive, name: str, gradient: Any) -> list[str] | None:
    """The equation of a gradient, those of what it uses more than once, and what the rows in it mean."""
    writer = _Writer()
    writer.count(gradient)
    right = writer.text(gradient, whole=True)
    equations = [rf"\frac{{\partial L}}{{\partial {symbol(name)}}} = {right.latex}"]
    equations += [f"{part} = {text.latex}" for part, text in writer.abbreviations]
    if sum(map(len, equations)) > _LONG:
        return None
    return equations + [
        rf"{_call(row).latex}: \quad {definition(row)}" for row in writer.called if row is not own
    ]


class _Writer:
    """Expressions as LaTeX, each that is used more than once by a name."""

    def __init__(self) -> None:
        self.uses: dict[int, int] = {}
        self.written: dict[int, Text] = {}
        self.abbreviations: list[tuple[str, Text]] = []
        # Rows that stand there by names that are defined here alone.
        self.called: dict[Primitive, None] = {}

    def count(self, expression: Any) -> None:
        if not isinstance(expression, Expression):
            return
        self.uses[id(expression)] = self.uses.get(id(expression), 0) + 1
        if self.uses[id(expression)] == 1:
            for operand in expression.operands:
                self.count(operand)

    def text(self, expression: Any, whole: bool = False) -> Text:
        if not isinstance(expression, Expression):
            return parts.number(expression)
        if expression.row is None:
            return expression.text or Text(r"\cdot")
        done = self.written.get(id(expression))
        if done is None:
            operands = [self.text(operand) for operand in expression.operands]
            done = applied(expression.row, operands, expression.static)
            name = expression.row.name
            if name in DEFINITIONS and done.latex.startswith(parts.named(name)):
                self.called[expression.row] = None
            if self.uses.get(id(expression), 0) > 1 and not whole and len(done.latex) > _SMALL:
                own = f"q_{{{len(self.abbreviations) + 1}}}"
                self.abbreviations.append((own, done))
                done = Text(own)
            self.written[id(expression)] = done
        return done


_PLACE = re.compile(r"([#@!])(\w+)")
_BINARY: dict[str, Callable[[Text, Text], Text]] = {
    "add": parts.added,
    "sub": lambda a, b: parts.added(a, b, "-"),
    "mul": parts.multiplied,
    "div": parts.divided,
}
_NAMED = {"relu", "silu", "softplus", "mish", "log_sigmoid", "erf", "erfc"}


def applied(row: Primitive, operands: Sequence[Text], static: dict[str, Any]) -> Text:
    """A row applied to operands, as it is written within a formula."""
    name = row.name
    if name == "where":
        return parts.chosen(*operands)
    if name in _BINARY:
        return _BINARY[name](operands[0], operands[1])
    if name in ("sum", "mean", "inner"):
        inner = operands[0]
        if name == "inner":
            inner = parts.multiplied(operands[0], operands[1], r"\odot")
        share = r"\frac{1}{n}" if name == "mean" else ""
        return Text(rf"{share}\sum {inner.within(PRODUCT)}", PRODUCT)
    if name == "permute":
        dims = static.get("dims", ())
        turned = [*range(len(dims) - 2), len(dims) - 1, len(dims) - 2]
        if list(dims) == turned:
            return Text(f"{operands[0].within(ATOM)}^{{\\top}}", PRODUCT)
    if name in NOTATION:
        template, level = NOTATION[name]
        by_name = dict(zip(row.inputs, operands, strict=False))
        bind = {"#": 0, "@": PRODUCT, "!": ATOM}

        def put(place: re.Match[str]) -> str:
            return by_name[place[2]].within(bind[place[1]])

        return Text(_PLACE.sub(put, template), level)
    column = next(iter(row.c.values())) if isinstance(row.c, dict) else row.c
    if isinstance(column, str) and "{" in column and "?" not in column and name not in _NAMED:
        values = {key: parts.number(value) for key, value in static.items()}
        try:
            return from_c(column, {**values, **dict(zip(row.inputs, operands, strict=False))})
        except ValueError:
            pass
    shown = parts.called(name, *operands)
    if static.get("output"):
        return Text(f"{shown.latex}_{{{static['output'] + 1}}}")
    return shown
