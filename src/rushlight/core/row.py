"""One primitive, one row.

A row says, for one operation: its forward on arrays; its derivative, written in differentiable
operations, whose parameter names declare what is saved; its rule for shapes and dtypes, which is
also where its error messages live; its C; its samples for the tests.

Names that the rules of `vjp` may ask for, besides the static parameters of the forward:

- `g`: the gradient of the output; for several outputs a list, with None where nothing flowed;
- `out`: the output (a list of several; `out1`: only the second), `x`, `y`, ...: an input by its name;
- `x_shape`, `x_strides`: only those of the input x; `out_shape`: the shape of the output;
- for a forward with `*xs`: `xs` is the tuple of these inputs, `xs_shapes` the tuple of their shapes;
- `needs`: which inputs want a gradient (for rules that return all gradients at once).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.core.doors import apply
from rushlight.core.node import PrimitiveNode
from rushlight.core.table import (
    INPUT,
    NEEDS,
    OUT,
    OUT_PART,
    OUT_SHAPE,
    REST,
    REST_SHAPES,
    SHAPE,
    STATIC,
    STEPS,
    TABLE,
)
from rushlight.dtypes import SELDOM
from rushlight.heavy import HEAVY, HEAVY_NARROW, warm
from rushlight.memory import placed
from rushlight.narrow import once_rounded

if TYPE_CHECKING:
    from rushlight.primitives.placement import Layout

Rule = Callable[..., Any]
# Takes a rule's arguments after g out of what is kept.
Pick = Callable[[Sequence[Any]], Sequence[Any]]
Spec = tuple[tuple[int, ...], np.dtype[Any]]


@dataclass(frozen=True)
class Sample:
    """One call of a row for the tests: arrays, static parameters, and what is expected to hold."""

    arrays: tuple[Any, ...]
    static: dict[str, Any] = field(default_factory=dict)


class Plan:
    """What a node of this row must keep when these inputs want gradients, and the rules for it."""

    __slots__ = ("row", "gather", "inputs", "others", "rules", "joint", "saves", "saves_out")

    def __init__(self, row: Primitive, wants: int) -> None:
        self.row = row
        given = row.vjp or ()
        rules: list[Rule | None] = []
        if callable(given):
            rules.append(given)
        else:
            for i in range(wants.bit_length()):
                rules.append(given[i] if wants >> i & 1 and i < len(given) else None)
        asked = [self._sources(rule) for rule in rules]
        # The inputs first: `attach` saves them in one go.
        found = dict.fromkeys(source for sources in asked for source in sources)
        self.gather: list[tuple[int, Any]] = sorted(found, key=lambda source: source[0] != INPUT)
        self.inputs: list[int] = [i for kind, i in self.gather if kind == INPUT]
        self.others = self.gather[len(self.inputs) :]
        # Nearly all rules ask for all that is kept.
        self.rules: list[tuple[Rule | None, Pick | None]] = []
        for rule, sources in zip(rules, asked, strict=True):
            places = list(map(self.gather.index, sources))
            start = places[0] if places else 0
            if places == list(range(len(self.gather))):
                self.rules.append((rule, None))
            elif places == list(range(start, start + len(places))):
                self.rules.append((rule, itemgetter(slice(start, start + len(places)))))
            else:
                self.rules.append((rule, itemgetter(*places)))
        # One rule for all of the gradients.
        self.joint = callable(given)
        # Numbers count as well as tensors: torch saves both.
        kinds = {kind for kind, _ in self.gather}
        self.saves = row.once or not kinds.isdisjoint((INPUT, REST, OUT, OUT_PART))
        self.saves_out = any(kind in (OUT, OUT_PART) for kind, _ in self.gather)

    def part(self, wanted: Sequence[bool]) -> Plan:
        """The plan for some of its gradients, from the same things kept."""
        plan = copy(self)
        pairs = zip(self.rules, wanted, strict=False)
        plan.rules = [(rule if want else None, pick) for (rule, pick), want in pairs]
        return plan

    def _sources(self, rule: Rule | None) -> list[tuple[int, Any]]:
        names = [] if rule is None else list(inspect.signature(rule).parameters)[1:]
        return [self.row.source(name) for name in names]


@dataclass(eq=False)
class Primitive:
    """A row of the table; calling it applies it."""

    name: str
    family: str
    forward: Callable[..., Any]
    # One rule per input (None: no gradient), or one rule that returns all gradients; None: constant.
    vjp: tuple[Rule | None, ...] | Rule | None
    # (*arrays, **static) -> (shape, dtype) of the output or a list of them; raises the user's error.
    rule: Callable[..., Spec | list[Spec]]
    # The C of an element (compiler/emit/expressions.py), else the kind of loop that the compiler emits.
    c: Any
    samples: Callable[[], Iterable[Sample]]
    # Names of the array inputs; "*xs" for any number of them. Read off the forward if not given.
    inputs: tuple[str, ...] = ()
    # Brings the inputs to the types that the forward computes in.
    promote: Callable[[list[Any]], list[Any]] | None = None
    # Its promotion leaves a number as it is beside an array of floats.
    numbers: bool = False
    # The output shares memory with the first input (where NumPy can).
    view: bool = False
    # It is that memory as it is, to be read conjugated or negated.
    turns: bool = False
    # How the result lies in memory where an input is not in row order; None: the forward sees to it.
    layout: Layout | None = None
    # Backward goes through it one time only, although it saves nothing.
    once: bool = False
    # The forward takes narrow floats as they are: it moves them, or rounds in a way of its own.
    as_is: bool = False
    # The forward for narrow floats: they are computed in float32 and rounded once.
    narrow: Callable[..., Any] = field(init=False, repr=False)
    # It is linear in its floating inputs together: applied to their tangents it is its own derivative.
    linear: bool = False
    backwards: bool = False  # Where hooks see leaves, its last comes first, as in torch.
    # What torch prints as grad_fn, if it is not the name in camel case; may depend on the parameters.
    label: str | Callable[[PrimitiveNode], str] | None = None
    plans: dict[int, Plan] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        narrow = once_rounded(self.name, self.forward, self.as_is, self.rule)
        self.narrow = warm(self, narrow, HEAVY_NARROW)
        if self.name in HEAVY:
            self.forward = warm(self, self.forward, HEAVY[self.name])
        self.linear = self.linear or self.view
        if not self.inputs:
            self.inputs = _array_parameters(self.forward)
        if self.name in TABLE:
            raise ValueError(f"two rows are called {self.name!r}")
        TABLE[self.name] = self

    # Calling a row applies it.
    __call__ = apply

    def source(self, name: str) -> tuple[int, Any]:
        """Where a rule's parameter comes from: a kind, and which one of that kind."""
        if name in ("out", "out_shape", "needs"):
            return ({"out": OUT, "out_shape": OUT_SHAPE, "needs": NEEDS}[name], 0)
        if name.startswith("out") and name[3:].isdigit():
            return (OUT_PART, int(name[3:]))
        for i, own in enumerate(self.inputs):
            if own == name:
                return (INPUT, i)
            if own == "*" + name:
                return (REST, i)
            if name in (own + "_shape", own + "_strides"):
                return (SHAPE if name.endswith("shape") else STEPS, i)
            if own == "*" + name.removesuffix("_shapes"):
                return (REST_SHAPES, i)
        return (STATIC, name)

    def settled(self, arrays: Sequence[Any]) -> tuple[Callable[..., Any], Layout | None]:
        """The forward and the layout that promoted arrays ask for, as `apply` decides it."""
        narrow = not self.view and any(a.dtype in SELDOM for a in arrays)
        odd = self.layout is not None and any(map(placed, arrays))
        return (self.narrow if narrow else self.forward), (self.layout if odd else None)

    def plan(self, wants: int) -> Plan:
        """The plan for the inputs whose bits are set in wants, made once."""
        plan = self.plans.get(wants)
        if plan is None:
            plan = self.plans[wants] = Plan(self, wants)
        return plan

    def grad_name(self, node: PrimitiveNode) -> str:
        """torch's name of the backward function: `AddBackward0`."""
        if self.label is None:
            return "".join(part.capitalize() for part in self.name.split("_")) + "Backward0"
        return self.label if isinstance(self.label, str) else self.label(node)


def _array_parameters(forward: Callable[..., Any]) -> tuple[str, ...]:
    """The positional parameters of a function, read off its code: `inspect` takes 20 times longer."""
    code = inspect.unwrap(forward).__code__
    names = code.co_varnames[: code.co_argcount]
    if code.co_flags & inspect.CO_VARARGS:
        names += ("*" + code.co_varnames[code.co_argcount + code.co_kwonlyargcount],)
    return names
