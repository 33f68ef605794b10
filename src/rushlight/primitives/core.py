"""One primitive, one row; and `apply`, the one place through which every operation passes.

A row says, for one operation: its forward on arrays; its derivative, written in differentiable
operations, whose parameter names declare what is saved; its rule for shapes and dtypes, which is
also where its error messages live; its C; its samples for the tests.

Names that the rules of `vjp` may ask for, besides the static parameters of the forward:

- `g`: the gradient of the output; for several outputs a list, with None where nothing flowed;
- `out`: the output (a list for several outputs; `out1` is only the second of them), `x`, `y`, ...:
  an input by the forward's name;
- `x_shape`: only the shape of the input x; `out_shape`: that of the output;
- for a forward with `*xs`: `xs` is the tuple of these inputs, `xs_shapes` the tuple of their shapes;
- `needs`: which inputs want a gradient (for rules that return all gradients at once).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from rushlight.autograd.hooks import retain
from rushlight.autograd.node import PrimitiveNode, SavedOutput, SavedOutputs
from rushlight.autograd.state import State, state
from rushlight.errors import no_memory
from rushlight.memory import address, root
from rushlight.primitives.placement import Layout
from rushlight.tensor_base import (
    CUSTOM,
    INFERRED,
    ORDINARY,
    SEVERAL,
    UNRECORDED,
    Array,
    TensorBase,
    Untracked,
    View,
    held,
    inference,
    turn,
    turned,
    wants_grad,
    wrap,
)

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

Rule = Callable[..., Any]
_ndarray = np.ndarray
# The type of nearly all arrays, asked for by identity: to read a dtype's kind takes longer.
_FLOAT = np.dtype(np.float32)
Spec = tuple[tuple[int, ...], np.dtype[Any]]

INPUT, REST, SHAPE, REST_SHAPES, OUT, OUT_PART, OUT_SHAPE, NEEDS, STATIC = range(9)

TABLE: dict[str, Primitive] = {}


@dataclass(frozen=True)
class Sample:
    """One call of a row for the tests: arrays, static parameters, and what is expected to hold."""

    arrays: tuple[Any, ...]
    static: dict[str, Any] = field(default_factory=dict)


class Plan:
    """What a node of this row must keep when these inputs want gradients.

    A rule comes with the places, in what is kept, of its arguments after g; None means all of it.
    """

    __slots__ = ("row", "gather", "rules", "joint", "saves", "saves_out")

    def __init__(self, row: Primitive, wants: int) -> None:
        self.row = row
        self.gather: list[tuple[int, Any]] = []
        self.rules: list[tuple[Rule, list[int] | None] | None] = []
        self.joint: Rule | None = None
        if callable(row.vjp):
            self.joint = row.vjp
            self._places(row.vjp)
        else:
            rules = row.vjp or ()
            for i in range(wants.bit_length()):
                rule = rules[i] if i < len(rules) else None
                if wants >> i & 1 and rule is not None:
                    self.rules.append((rule, self._places(rule)))
                else:
                    self.rules.append(None)
            everything = list(range(len(self.gather)))
            self.rules = [
                (entry[0], None) if entry is not None and entry[1] == everything else entry
                for entry in self.rules
            ]
        # Numbers count as well as tensors: torch saves both.
        kinds = {kind for kind, _ in self.gather}
        self.saves = row.once or not kinds.isdisjoint((INPUT, REST, OUT, OUT_PART))
        self.saves_out = any(kind in (OUT, OUT_PART) for kind, _ in self.gather)

    def _places(self, rule: Rule) -> list[int]:
        places = []
        for name in list(inspect.signature(rule).parameters)[1:]:
            source = self.row.source(name)
            if source not in self.gather:
                self.gather.append(source)
            places.append(self.gather.index(source))
        return places


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
    # A C expression for elementwise rows, else the kind of loop the compiler will emit.
    c: str
    samples: Callable[[], Iterable[Sample]]
    # Names of the array inputs; "*xs" for any number of them. Read off the forward if not given.
    inputs: tuple[str, ...] = ()
    # Brings the inputs to the types that the forward computes in.
    promote: Callable[[list[Any]], list[Any]] | None = None
    # The output shares memory with the first input (where NumPy can).
    view: bool = False
    # It is that memory as it is, to be read conjugated or negated.
    turns: bool = False
    # How the result lies in memory where an input is not in row order; None: the forward sees to it.
    layout: Layout | None = None
    # Backward goes through it one time only, although it saves nothing.
    once: bool = False
    # The forward is not a ufunc: how its result lies cannot be told from the first operand.
    loose: bool = field(init=False, repr=False)
    # What torch prints as grad_fn, if it is not the name in camel case; may depend on the parameters.
    label: str | Callable[[PrimitiveNode], str] | None = None
    plans: dict[int, Plan] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.loose = self.forward.__class__ is not np.ufunc
        if not self.inputs:
            self.inputs = _array_parameters(self.forward)
        if self.name in TABLE:
            raise ValueError(f"two rows are called {self.name!r}")
        TABLE[self.name] = self

    def __call__(self, *inputs: Any, **static: Any) -> Any:
        """Run a primitive on tensors (or Python numbers where the row promotes) and record it."""
        if _watching and (watchers := state.interpreters):
            return watchers[-1].takes(watchers, self, inputs, static)
        if self.view:
            return _view(self, inputs[0], static, state.grad)
        try:
            # One and two inputs are spelled out: they are nearly all calls, and this is the hot path.
            if len(inputs) == 1:
                a = inputs[0]._data
                if self.promote is not None and a.dtype is not _FLOAT and a.dtype.kind != "f":
                    (a,) = self.promote([a])
                if self.layout is not None and not a.flags.c_contiguous:
                    result = self.layout(self.forward, (a,), static)
                else:
                    result = self.forward(a, **static) if static else self.forward(a)
            elif len(inputs) == 2:
                a, b = inputs
                if isinstance(a, TensorBase):
                    a = a._data
                if isinstance(b, TensorBase):
                    b = b._data
                if self.promote is not None and not (
                    a.__class__ is b.__class__ is _ndarray
                    and (dtype := a.dtype) is b.dtype
                    and (dtype is _FLOAT or dtype.kind == "f")
                ):
                    a, b = self.promote([a, b])
                # Where the first operand is in row order and is not spread, a ufunc's result is, too; and
                # where it is spread, it goes by the second, as torch does.
                if self.layout is not None and (
                    not (a if a.__class__ is _ndarray else b).flags.c_contiguous
                    or (self.loose and b.__class__ is _ndarray and not b.flags.c_contiguous)
                ):
                    result = self.layout(self.forward, (a, b), static)
                else:
                    result = self.forward(a, b, **static) if static else self.forward(a, b)
            else:
                arrays = [t._data if isinstance(t, TensorBase) else t for t in inputs]
                if self.promote is not None:
                    arrays = self.promote(arrays)
                if self.layout is not None:
                    for a in arrays:
                        if a.__class__ is _ndarray and not a.flags.c_contiguous:
                            result = self.layout(self.forward, arrays, static)
                            break
                    else:
                        result = self.forward(*arrays, **static)
                else:
                    result = self.forward(*arrays, **static)
        except (ValueError, IndexError, TypeError) as error:
            raise _explained(self, inputs, static, error) from None
        except MemoryError as error:
            raise no_memory(error) from None
        if result.__class__ is _ndarray:
            out: Any = wrap(result)
        elif result.__class__ is tuple:
            out = tuple([wrap(np.asarray(r)) for r in result])
        else:
            out = wrap(np.asarray(result))
        if self.vjp is not None and state.grad:
            attach(self, inputs, static, out)
        return out

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
            if own + "_shape" == name:
                return (SHAPE, i)
            if own == "*" + name.removesuffix("_shapes"):
                return (REST_SHAPES, i)
        return (STATIC, name)

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


# How many interpreters there are, in all threads: nearly always none, and then nobody is asked.
_watching = 0


class Interpreter:
    """Takes the calls of `apply` in this thread while its block is open.

    Interpreters nest: each is asked with those around it in force, so that to pass a call on is to
    call `apply` again.

    >>> import rushlight as torch
    >>> class Names(Interpreter):
    ...     def apply(self, row, inputs, static):
    ...         print(row.name)
    ...         return super().apply(row, inputs, static)
    >>> with Names():
    ...     torch.ones(2).exp() + 1
    exp
    add
    tensor([3.7183, 3.7183])
    """

    def apply(self, row: Primitive, inputs: tuple[Any, ...], static: dict[str, Any]) -> Any:
        """Run a row: here as those around this interpreter do."""
        return row(*inputs, **static)

    def takes(
        self,
        watchers: tuple[Interpreter, ...],
        row: Primitive,
        inputs: tuple[Any, ...],
        static: dict[str, Any],
    ) -> Any:
        """A call that reached the last of watchers, which is this one."""
        state.interpreters = watchers[:-1]
        try:
            return self.apply(row, inputs, static)
        finally:
            state.interpreters = watchers

    def __enter__(self) -> Self:
        global _watching
        state.interpreters = (*state.interpreters, self)
        _watching += 1
        return self

    def __exit__(self, *exception: object) -> None:
        global _watching
        state.interpreters = tuple(i for i in state.interpreters if i is not self)
        _watching -= 1

    def stay(self) -> None:
        """Be asked in every thread, after all others, from now on."""
        global _watching
        State.interpreters = state.interpreters = (self, *state.interpreters)
        _watching += 1


# The one place through which every operation passes, by its usual name: apply(row, *inputs, **static).
apply = Primitive.__call__


def _array_parameters(forward: Callable[..., Any]) -> tuple[str, ...]:
    """The positional parameters of a function, read off its code: `inspect` takes 20 times longer."""
    code = inspect.unwrap(forward).__code__
    names = code.co_varnames[: code.co_argcount]
    if code.co_flags & inspect.CO_VARARGS:
        names += ("*" + code.co_varnames[code.co_argcount + code.co_kwonlyargcount],)
    return names


def _view(row: Primitive, source: TensorBase, static: dict[str, Any], recording: bool) -> Any:
    """Run a row whose output, or outputs, lie in the memory of its input."""
    turning = row.turns
    if source._turned:
        array, turning = held(source), not turning
    else:
        array = source._data
    try:
        result = array[...] if row.turns else row.forward(array, **static)
    except (ValueError, IndexError, TypeError) as error:
        raise _explained(row, (source,), static, error) from None
    if result.__class__ is tuple:
        made = SEVERAL if recording else UNRECORDED
        out: Any = tuple(_part(row, part, array, source, turning, made) for part in result)
    else:
        made = ORDINARY if recording else UNRECORDED
        out = _part(row, result, array, source, turning, made)
    if recording and row.vjp is not None and wants_grad(source):
        attach(row, (source,), static, out)
    return out


def _part(
    row: Primitive, part: Array, owner: Array, source: TensorBase, turning: bool, made: int
) -> Tensor:
    """A tensor on part, which lies in the memory of source's array or is a copy of it."""
    if part.__class__ is not _ndarray:
        part = np.asarray(part)
    memory = part.base
    if part is not owner and (
        memory is None
        or not (memory is owner or memory is owner.base or np.may_share_memory(part, owner))
    ):
        return wrap(turned(part) if turning else part)
    out = wrap(part)
    if turning:
        turn(out)
    changes = source._changes
    if changes.__class__ is not list:
        out._changes = changes if changes.__class__ is Untracked else Untracked((0, None))
        return out
    if inference.on:
        if row.vjp is None:
            return out
        made = INFERRED
    # A view counts changes together with its base, and finds the base again.
    out._changes = changes
    if row.vjp is not None:
        view = source._view
        if view is None:
            out._view = View(source, changes[0], made)
        else:
            out._view = View(view.base, changes[0], made or view.made)
    return out


def attach(row: Primitive, inputs: Sequence[Any], static: dict[str, Any], out: Any) -> None:
    """Give `out` its node, row applied to inputs, if one of these wants a gradient.

    Whole numbers and flags have no derivative.
    """
    wants, bit = 0, 1
    edges: list[Any] = []
    numbers: list[int] | None = None
    for t in inputs:
        edge: Any = None
        if isinstance(t, TensorBase):
            wanted = t._requires_grad
            if (view := t._view) is not None:
                if t._changes[0] != view.version:
                    refresh(t)
                wanted = t._requires_grad or view.base._requires_grad
            if wanted:
                wants |= bit
                edge = t._node
                if edge is None:
                    # A view that wants a gradient only because its base does hands none on, as in torch.
                    edge = t if t._requires_grad else None
                elif t._output_nr:
                    if numbers is None:
                        numbers = [0] * len(inputs)
                    numbers[len(edges)] = t._output_nr
        edges.append(edge)
        bit += bit
    if not wants:
        return
    plan = row.plans.get(wants) or row.plan(wants)
    if out.__class__ is tuple:
        node = PrimitiveNode(edges, numbers, plan, static)
        node._metas = [(o._data.shape, o._data.dtype) for o in out]
        for number, o in enumerate(out):
            if o._data.dtype.kind in "fc":
                o._node = node
                o._requires_grad = True
                if number:
                    o._output_nr = number
    else:
        data = out._data
        dtype = data.dtype
        if dtype is not _FLOAT and dtype.kind not in "fc":
            return
        node = PrimitiveNode(edges, numbers, plan, static)
        node._out_shape = data.shape
        node._out_dtype = dtype
        out._node = node
        out._requires_grad = True
    kept: list[Any] = []
    versions: list[Any] = []
    for kind, i in plan.gather:
        if kind == INPUT:
            t = inputs[i] if i < len(inputs) else None
            if isinstance(t, TensorBase):
                changes = t._changes
                if changes.__class__ is not list:
                    raise RuntimeError(_NOT_SAVED)
                versions.append(changes)
                versions.append(changes[0])
            kept.append(t)
        elif kind == SHAPE:
            t = inputs[i]
            kept.append(t._data.shape if isinstance(t, TensorBase) else ())
        elif kind == STATIC:
            kept.append(static[i])
        elif kind == OUT:
            kept.append(_keep_outputs(out, versions))
        elif kind == OUT_PART:
            part = out[i]
            versions += part._changes, part._changes[0]
            kept.append(SavedOutput(part._data, i))
        elif kind == OUT_SHAPE:
            kept.append(out._data.shape)
        elif kind == NEEDS:
            kept.append(tuple([edge is not None for edge in edges]))
        elif kind == REST:
            rest = tuple(inputs[i:])
            for t in rest:
                if t._changes.__class__ is not list:
                    raise RuntimeError(_NOT_SAVED)
                versions += t._changes, t._changes[0]
            kept.append(rest)
        else:
            kept.append(tuple([t._data.shape for t in inputs[i:]]))
    node.kept = kept
    node.versions = versions


def _keep_outputs(out: Any, versions: list[Any]) -> Any:
    if out.__class__ is not tuple:
        versions += out._changes, out._changes[0]
        return SavedOutput(out._data, 0)
    for o in out:
        versions += o._changes, o._changes[0]
    return SavedOutputs(tuple(SavedOutput(o._data, n) for n, o in enumerate(out)))


_NOT_SAVED = (
    "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference "
    "mode in computation tracked by autograd. To work around this, you can make a clone to get a "
    "normal tensor and use it in autograd, or use `torch.no_grad()` instead of "
    "`torch.inference_mode()`."
)


def refresh(tensor: TensorBase) -> None:
    """A view whose memory was changed since: find its place in the graph anew."""
    view = tensor._view
    if view is None or tensor._changes[0] == view.version:
        return
    base = view.base
    if tensor._node is None and not base._requires_grad:
        return
    if view.made:
        raise RuntimeError(refusal(tensor, "its base or another view of its base has been"))
    view.version = tensor._changes[0]
    before, tensor._node = tensor._node, None
    tensor.__dict__.pop("_output_nr", None)
    if tensor._data.dtype.kind not in "fc":
        return
    attach_part(base, tensor)
    if tensor._retains_grad:
        retain(tensor, before)


def refusal(tensor: TensorBase, what: str = "is being") -> str:
    """Why a view that was not made in the ordinary way cannot be changed in place and recorded."""
    view, node = tensor._view, tensor._node
    made = ORDINARY if view is None else view.made
    mode = {INFERRED: "inference", UNRECORDED: "no_grad"}.get(made)
    told = f"Output {tensor._output_nr} of {node.name()}" if node is not None else "A view"
    if mode is not None or node is None:
        kind = " is a view of a view which was" if node is not None else " was"
        told = f"{told}{kind} created in {mode or 'no_grad'} mode and {what} modified inplace "
        told += "in normal mode. " if mode == "inference" else "with grad mode enabled. "
        return told + (
            "Which of the two was meant is not clear: make the view and the change both inside the "
            f"{mode or 'no_grad'} block (the change is not recorded) or both outside (it is)."
        )
    told = f"{told} is a view and {what} modified inplace. "
    if made == CUSTOM:
        return told + (
            "It was made inside a custom Function (or handed through one), whose backward the change "
            "would bypass: .clone() the output of the Function first."
        )
    return told + (
        "It is one of several views that a single function returned, and these cannot be changed in "
        "place while recording: use the out-of-place form."
    )


def attach_part(base: TensorBase, part: TensorBase) -> None:
    """Give part, which lies in base's memory, its node."""
    strided, pairs = TABLE["as_strided"], TABLE["view_as_real"]
    whole, place = held(base), held(part)
    turning = base._turned is not part._turned
    # What stands in the graph where the part does, but for the conjugation or negation.
    straight: Any = wrap(place) if turning else part
    if (whole.dtype.kind == "c") == (place.dtype.kind == "c"):
        attach(strided, (base,), geometry(whole, place), straight)
    elif whole.dtype.kind == "c":
        real = attached(pairs, base)
        attach(strided, (real,), geometry(real._data, place), straight)
    else:
        real = wrap(pairs.forward(place))
        attach(strided, (base,), geometry(whole, real._data), real)
        attach(TABLE["view_as_complex"], (real,), {}, straight)
    if turning:
        attach(TABLE["conj_view" if place.dtype.kind == "c" else "neg_view"], (straight,), {}, part)


def attached(row: Primitive, source: TensorBase) -> Tensor:
    """The row applied to source and recorded, whether or not recording is on."""
    out = wrap(row.forward(source._data))
    attach(row, (source,), {}, out)
    return out


def geometry(base: Array, part: Array) -> dict[str, Any]:
    """Where a view lies relative to its base: sizes, strides and offset, counted in elements."""
    start = address(part) - address(base)
    memory, other = root(part), root(base)
    if memory is not other:
        # One of them moved since: as in torch, the places that they had in their memories count.
        start += address(other) - address(memory)
    return {
        "size": part.shape,
        "stride": tuple(s // part.itemsize for s in part.strides),
        "offset": start // part.itemsize,
        "layout": tuple(s // base.itemsize for s in base.strides),
    }


def _explained(
    row: Primitive, inputs: Sequence[Any], static: dict[str, Any], error: Exception
) -> Exception:
    """The row's own message for bad arguments, if its rule has one; else NumPy's, with the op's name."""
    arrays = [t._data if isinstance(t, TensorBase) else t for t in inputs]
    try:
        row.rule(*arrays, **static)
    except Exception as better:
        return better
    if isinstance(error, IndexError | TypeError):
        return error
    shapes = ", ".join(str(list(np.shape(a))) for a in arrays)
    return RuntimeError(f"{row.name}: {error} (shapes: {shapes})")
