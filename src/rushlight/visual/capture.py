"""What a run did, written down: operations with their modules and lines, backward's visits, the updates.

`Capture` is an interpreter (`core/doors.py`), with hooks on modules, on the nodes of each backward and on
optimizers. It keeps no tensor alive and looks at arrays through `look` alone, which says what is kept of
them; while none is open nothing of this runs.

    events: Operation ─ Operation ─ … ─ Visit ─ Visit ─ … ─ Landing ─ … ─ Operation (the optimizer's)
               │ inputs, outputs: Value    │ operation, incoming, outgoing: Value
               └ module: Call, lines       └ rule: the operations that computed them
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from rushlight.autograd import engine
from rushlight.autograd import hooks as hooking
from rushlight.core.doors import Interpreter
from rushlight.core.node import Node, PrimitiveNode
from rushlight.core.state import state
from rushlight.core.tensor import Array, TensorBase
from rushlight.handles import RemovableHandle as Handle
from rushlight.memory import address, root
from rushlight.nn import Module
from rushlight.nn.modules.hooks import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)
from rushlight.nn.parameter import Parameter
from rushlight.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)
from rushlight.visual import functions
from rushlight.visual.keeping import its_end, kept, without_the_dead
from rushlight.visual.lines import Lines
from rushlight.visual.names import (
    BUFFER,
    CONSTANT,
    INPUT,
    LEAF,
    PARAMETER,
    RESULT,
    Names,
    variable_of,
)
from rushlight.visual.records import (
    BACKWARD,
    FORWARD,
    FUNCTION,
    RANDOM,
    ROW,
    UPDATE,
    WRITE,
    Call,
    Event,
    Landing,
    Line,
    Operation,
    Value,
    Visit,
)

if TYPE_CHECKING:
    from rushlight.core.row import Primitive

# Larger leaves are not copied to see how far a step moves them.
_LARGE = 4_000_000


class Capture(Interpreter):
    """Writes down what runs in its block, in this thread.

    look: called with each array that is met, once between two changes; what it returns is the value's
    `seen`. Without it shapes and types are all that is known.

    >>> import rushlight as torch
    >>> w = torch.ones(2, requires_grad=True)
    >>> with Capture() as run:
    ...     (w * 3).sum().backward()
    >>> [type(event).__name__ + " " + event.name for event in run.events if isinstance(event, Operation)]
    ['Operation mul', 'Operation sum', 'Operation expand', 'Operation mul']
    >>> [(visit.operation.name, len(visit.rule)) for visit in run.events if isinstance(visit, Visit)]
    [('sum', 1), ('mul', 1)]
    """

    def __init__(self, look: Callable[[Array], Any] | None = None) -> None:
        self.look = look
        self.names = Names()
        self.events: list[Event] = []
        self.calls: list[Call] = []
        self.roots: list[Value] = []
        # Before the first backward no more events than this are kept: those that lead to what is alive.
        self.most: int | None = None
        self._number = 0
        self._call: list[Call] = []
        self._visiting: list[Visit] = []
        # The user's Functions whose forward is under way.
        self._within: list[Operation] = []
        self._optimizer: str | None = None
        self._backward_lines: tuple[Line, ...] = ()
        # Values by array, and by the memory that an array shows; how often a memory was written, and by whom.
        self._known: dict[int, tuple[weakref.ref[Any], int, Value]] = {}
        self._places: dict[Any, tuple[weakref.ref[Any], int, Value]] = {}
        self._writes: dict[int, tuple[weakref.ref[Any], int, Operation]] = {}
        self._nodes: dict[int, tuple[weakref.ref[Node], Operation]] = {}
        # Leaves that a backward under way will reach, with what was in their `.grad` before.
        self._due: dict[int, tuple[weakref.ref[TensorBase], Value, Value | None]] = {}
        # Arrays of Python's numbers, which are looked at when they are first used.
        self._constants: dict[int, weakref.ref[Any]] = {}
        # Leaves as they were before the step under way.
        self._old: dict[int, tuple[weakref.ref[Any], Any]] = {}
        self._handles: list[Any] = []
        self._lines = Lines()

    # ---- begin and end --------------------------------------------------------------------------

    def __enter__(self) -> Self:
        super().__enter__()
        self._handles += (
            register_module_forward_pre_hook(self._enter_module),
            register_module_forward_hook(self._leave_module, always_call=True),
            register_optimizer_step_pre_hook(self._begin_step),
            register_optimizer_step_post_hook(self._end_step),
        )
        engine.observers.append(self._begin_backward)
        return self

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        engine.observers.remove(self._begin_backward)
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._land()

    # ---- the doors ------------------------------------------------------------------------------

    def apply(self, row: Primitive, inputs: tuple[Any, ...], static: dict[str, Any]) -> Any:
        """Run a row as without us, and write it down."""
        operation = self._operation(ROW, row.name, row, inputs, static)
        operation.code = row.forward
        try:
            out = super().apply(row, inputs, static)
        except Exception as error:
            self._failed(operation, error)
            raise
        outs = out if isinstance(out, tuple) else (out,)
        self._done(operation, outs)
        node = outs[0]._node_ if outs else None
        if node is not None:
            self._nodes[id(node)] = weakref.ref(node), operation
        return out

    def into(
        self,
        target: TensorBase,
        kernel: Callable[..., None],
        inputs: tuple[Any, ...],
        static: dict[str, Any],
    ) -> None:
        """Write into memory as without us, and write down what was there and what is now."""
        name = getattr(kernel, "__name__", type(kernel).__name__).strip("_")
        operation = self._operation(WRITE, name, None, (target, *inputs), static)
        operation.code = kernel
        old = self._before_step(operation, target)
        try:
            super().into(target, kernel, inputs, static)
        except Exception as error:
            self._failed(operation, error)
            raise
        before = operation.inputs[0]
        array = target._data_
        if array.__class__ is np.ndarray:
            owner = root(array)
            self._writes[id(owner)] = weakref.ref(owner), self._written(owner) + 1, operation
        after = self._new(array, before.kind, before.name, operation)
        self._remember(array, after)
        operation.outputs.append(after)
        if old is not None and (length := float(np.linalg.norm(old))) > 0:
            operation.moved = float(np.linalg.norm(array - old)) / length
        self._file(operation)

    def _before_step(self, operation: Operation, target: TensorBase) -> Any:
        """What a leaf was before the step that is about to change it."""
        array = target._data_
        if operation.phase != UPDATE or self.look is None or not target._requires_grad_:
            return None
        if array.__class__ is not np.ndarray or array.dtype.kind != "f" or array.size > _LARGE:
            return None
        known = self._old.get(id(array))
        if known is None or known[0]() is not array:
            known = self._old[id(array)] = weakref.ref(array), array.copy()
        return known[1]

    def draw(
        self,
        numbers: Callable[..., Any],
        generator: Any,
        inputs: tuple[Any, ...],
        static: dict[str, Any],
    ) -> Any:
        """Draw random numbers as without us, and write them down."""
        name = getattr(numbers, "__name__", type(numbers).__name__)
        operation = self._operation(RANDOM, name, None, inputs, static)
        operation.code = numbers
        out = super().draw(numbers, generator, inputs, static)
        self._done(operation, out if isinstance(out, tuple) else (out,))
        return out

    def function(self, cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A user's Function: one operation, with what runs inside of it."""
        if functions.is_rushlights(cls):
            return functions.run(self, cls, args, kwargs)
        tensors, rest = functions.parted(cls, args, kwargs)
        operation = self._operation(FUNCTION, cls.__name__, None, tensors, rest)
        operation.code, operation.asked = cls, ""
        self._within.append(operation)
        try:
            out = functions.run(self, cls, args, kwargs)
        except Exception as error:
            self._within.pop()
            self._failed(operation, error)
            raise
        self._within.pop()
        self._done(operation, out if isinstance(out, tuple) else (out,))
        return out

    def literal(self, tensor: TensorBase) -> None:
        """Remember that a tensor was made of Python's numbers."""
        super().literal(tensor)
        array = tensor._data_
        if array.__class__ is np.ndarray:
            self._constants[id(array)] = weakref.ref(array)

    # ---- modules, backward, optimizers ----------------------------------------------------------

    def _enter_module(self, module: Module, args: Any) -> None:
        if self not in state.interpreters:
            return
        self._settle()
        parent = self._call[-1] if self._call else None
        if parent is None or self.names.path(module) is None:
            self.names.learn(module, sys._getframe(1))
        path, kind = self.names.path(module) or "", type(module).__name__
        call = Call(len(self.calls), path, kind, parent)
        self.calls.append(call)
        self._call.append(call)

    def _leave_module(self, module: Module, args: Any, out: Any) -> None:
        if self._call and self in state.interpreters:
            self._call.pop()

    def _begin_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        if self in state.interpreters:
            self._settle()
            self._old.clear()
            self._optimizer = type(optimizer).__name__
            for number, group in enumerate(optimizer.param_groups):
                for place, p in enumerate(group["params"]):
                    if self.names.tensor(p) is None and self._value(p).name is None:
                        self._value(p).name = f"group {number}, parameter {place}"

    def _end_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        if self in state.interpreters:
            self._optimizer = None

    def _begin_backward(self, roots: Sequence[TensorBase]) -> None:
        """Hang hooks on all nodes that backward will come through."""
        if self not in state.interpreters:
            return
        if state.walk is None:
            self._settle()
            self._old.clear()
            self._visiting.clear()
        lines, frame, _ = self._lines.here(2)
        self._backward_lines = lines
        for r in roots:
            value = self._value(r)
            value.name = value.name or variable_of(r, frame) or "result"
            if value not in self.roots:
                self.roots.append(value)
        for node in nodes_behind(roots):
            operation = self.operation_of(node)
            hooks = hooking.at(node)
            self._handles += (
                Handle(hooks.before, _Before(self, operation)),
                Handle(hooks.after, _After(self, operation)),
            )
            for edge in node._edges:
                if isinstance(edge, TensorBase) and id(edge) not in self._due:
                    grad = edge._grad
                    before = None if grad is None or grad.is_sparse else self._value(grad)
                    self._due[id(edge)] = weakref.ref(edge), self._value(edge), before

    def visit_begins(self, operation: Operation, incoming: Sequence[Any]) -> None:
        """Backward is about to run the rule of an operation."""
        if self in state.interpreters:
            gradients = [None if g is None else self._value(g) for g in incoming]
            visit = Visit(self._next(), operation, gradients, self._backward_lines)
            while self._visiting and self._visiting[-1].done:
                self._visiting.pop()
            self._visiting.append(visit)
            self.events.append(visit)

    def visit_ends(self, operation: Operation, outgoing: Sequence[Any]) -> None:
        """The rule of an operation has run; what comes until the next one passes its gradients on."""
        while self._visiting and self in state.interpreters:
            visit = self._visiting[-1]
            if visit.operation is operation and not visit.done:
                visit.outgoing = [None if g is None else self._value(g) for g in outgoing]
                visit.done = True
                return
            self._visiting.pop()

    def _settle(self) -> None:
        """Between backward and what follows: see which gradients have landed."""
        if self._due and state.walk is None:
            self._land()

    def _land(self) -> None:
        due, self._due = self._due, {}
        for ref, value, before in due.values():
            leaf = ref()
            grad = None if leaf is None else leaf._grad
            if grad is None or grad.is_sparse:
                continue
            gradient = self._value(grad)
            if gradient is not before:
                gradient.name = gradient.name or f"{value.name or 'leaf'}.grad"
                value.gradient = gradient
                self.events.append(Landing(self._next(), value, gradient))

    @property
    def walking(self) -> bool:
        """Whether a backward is under way, within which another one begins."""
        return state.walk is not None

    # ---- operations -----------------------------------------------------------------------------

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _operation(
        self, kind: str, name: str, row: Any, inputs: Sequence[Any], static: dict[str, Any]
    ) -> Operation:
        """What is about to run, with its inputs as they are now."""
        self._settle()
        phase, owner, asked, frame = FORWARD, None, "", None
        if state.walk is not None:
            phase, lines = BACKWARD, self._backward_lines
        else:
            lines, frame, asked = self._lines.here(2)
            if self._optimizer is not None:
                phase, owner = UPDATE, self._optimizer
            elif self.roots and not state.grad and not self._call:
                phase = UPDATE
        taken = [self._value(t, frame) if isinstance(t, TensorBase) else t for t in inputs]
        module = self._call[-1] if self._call else None
        operation = Operation(
            self._next(), kind, name, row, phase, taken, dict(static), module, lines, asked
        )
        operation.owner = owner
        return operation

    def _done(self, operation: Operation, outs: Iterable[Any]) -> None:
        """It has run: its outputs are new values, whoever showed that memory before."""
        for out in outs:
            if not isinstance(out, TensorBase):
                thing = Value(self._next(), (), np.dtype(object), RESULT, None, operation)
                operation.outputs.append(thing)
                continue
            value = self._new(out._data_, RESULT, None, operation)
            self._remember(out._data_, value)
            operation.outputs.append(value)
            if operation.kind == FUNCTION and out._node_ is not None:
                self._nodes[id(out._node_)] = weakref.ref(out._node_), operation
        self._file(operation)

    def _failed(self, operation: Operation, error: Exception) -> None:
        operation.error = f"{type(error).__name__}: {error}"
        self._file(operation)

    def _file(self, operation: Operation) -> None:
        """Put an operation where it belongs: into the events, and into the visit that it is a part of."""
        if operation.phase == BACKWARD and self._visiting:
            visit = operation.visit = self._visiting[-1]
            (visit.passing if visit.done else visit.rule).append(operation)
        if self._within:
            self._within[-1].inside.append(operation)
            return
        self.events.append(operation)
        if self.most is not None and len(self.events) > self.most and not self.roots:
            self._forget()

    def _forget(self) -> None:
        """Before the first backward: keep what led to what is alive, and of a long way only its end."""
        for known in (self._known, self._places, self._writes, self._nodes, self._constants):
            without_the_dead(known)
        self.keep_only(known[2] for known in self._known.values())
        if self.most is not None:
            self.events = its_end(self.events, self.most // 2)

    def operation_of(self, node: Node) -> Operation:
        """The operation that left this node; one that came past the doors is read off the tape."""
        known = self._nodes.get(id(node))
        if known is not None and known[0]() is node:
            return known[1]
        return self.adopt(node)

    def adopt(self, node: Node) -> Operation:
        """An operation from its node alone: what the tape has kept of it."""
        row = node.plan.row if isinstance(node, PrimitiveNode) else None
        inputs: list[Any] = [None] * len(node._edges)
        for place, edge in enumerate(node._edges):
            if isinstance(edge, TensorBase):
                inputs[place] = self._value(edge)
            elif edge is not None:
                number = node._edge_outputs[place] if node._edge_outputs is not None else 0
                inputs[place] = self.operation_of(edge).outputs[number]
        static: dict[str, Any] = {}
        if isinstance(node, PrimitiveNode):
            static = dict(node.static)
            for at, kept in zip(node.plan.inputs, node.kept or (), strict=False):
                if at < len(inputs) and inputs[at] is None:
                    inputs[at] = self._value(kept) if isinstance(kept, TensorBase) else kept
        code = getattr(node, "_forward_cls", None)
        name = row.name if row is not None else node.name() if code is None else code.__name__
        kind = FUNCTION if row is None else ROW
        operation = Operation(
            self._next(), kind, name, row, FORWARD, inputs, static, None, (), "", code=code
        )  # fmt: skip
        for meta in node._metas if node._metas is not None else [_meta(node)]:
            # A Function gives other things than tensors as well.
            shape, dtype = meta or ((), np.dtype(object))
            operation.outputs.append(Value(self._next(), shape, dtype, RESULT, None, operation))
        self._nodes[id(node)] = weakref.ref(node), operation
        self.events.append(operation)
        return operation

    # ---- values ---------------------------------------------------------------------------------

    def _value(self, tensor: TensorBase, frame: FrameType | None = None) -> Value:
        """The value of a tensor as it is now."""
        array = tensor._data_
        value = self._found(array)
        if value is None:
            value = self._first_seen(tensor, array)
        elif value.kind not in (PARAMETER, BUFFER):
            # It was made while we looked, and has come into a module since.
            own = self.names.tensor(tensor)
            if own is not None:
                value.name, value.kind = own
        if value.name is None:
            own = self.names.tensor(tensor)
            if own is not None:
                value.name, value.kind = own
            else:
                value.name = variable_of(tensor, frame, everywhere=tensor._node_ is None)
        return value

    def _found(self, array: Any) -> Value | None:
        if array.__class__ is not np.ndarray:
            return None
        known = self._known.get(id(array))
        if known is None or known[0]() is not array:
            known = self._places.get(_place(array))
            if known is None or known[0]() is not root(array):
                return None
        return known[2] if known[1] == self._written(root(array)) else None

    def _first_seen(self, tensor: TensorBase, array: Any) -> Value:
        kind, name = INPUT, None
        if isinstance(tensor, Parameter):
            kind = PARAMETER
        elif tensor._node_ is None and tensor._requires_grad_:
            kind = LEAF
        elif (made := self._constants.get(id(array))) is not None and made() is array:
            kind = CONSTANT
        maker = None
        if array.__class__ is np.ndarray:
            written = self._writes.get(id(root(array)))
            if written is not None and written[0]() is root(array):
                maker = written[2]
                kind = RESULT if kind in (INPUT, CONSTANT) else kind
        if maker is None and tensor._node_ is not None:
            maker = self.operation_of(tensor._node_)
            kind = RESULT
        value = self._new(array, kind, name, maker)
        if maker is not None and tensor._node_ is not None and maker.kind == FUNCTION:
            maker.outputs[tensor._output_nr_] = value
        self._remember(array, value)
        return value

    def _new(self, array: Any, kind: str, name: str | None, maker: Operation | None) -> Value:
        real = array.__class__ is np.ndarray
        seen = self.look(array) if real and self.look is not None else None
        return Value(self._next(), tuple(array.shape), array.dtype, kind, name, maker, seen)

    def _remember(self, array: Any, value: Value) -> None:
        if array.__class__ is np.ndarray:
            owner = root(array)
            version = self._written(owner)
            self._known[id(array)] = weakref.ref(array), version, value
            self._places[_place(array)] = weakref.ref(owner), version, value

    def _written(self, owner: Any) -> int:
        """How often a memory was written since we look."""
        written = self._writes.get(id(owner))
        return written[1] if written is not None and written[0]() is owner else 0

    def value_of(self, tensor: TensorBase) -> Value:
        """What is written down of a tensor as it is now."""
        return self._value(tensor)

    def nodes(self) -> Iterator[tuple[Operation, Node]]:
        """The operations whose nodes are alive, with these."""
        for ref, operation in list(self._nodes.values()):
            if (node := ref()) is not None:
                yield operation, node

    # ---- what is kept ---------------------------------------------------------------------------

    def keep_only(self, roots: Iterable[Value]) -> None:
        """Forget operations of the forward that had no part in these values: what came before a step, say.

        Parameters are where it begins: how they were made is forgotten.
        """
        self.events, self.calls = kept(self.events, self.calls, self._call, roots)


class _Before:
    """A hook before a node runs, which torch's messages would call by its class."""

    def __init__(self, capture: Capture, operation: Operation) -> None:
        self.capture, self.operation = capture, operation

    def __call__(self, gradients: Any) -> None:
        self.capture.visit_begins(self.operation, gradients)


class _After(_Before):
    """A hook after a node has run."""

    def __call__(self, gradients: Any, incoming: Any = None) -> None:
        self.capture.visit_ends(self.operation, gradients)


def nodes_behind(roots: Sequence[TensorBase]) -> list[Node]:
    """The nodes of the graph behind roots, the oldest first."""
    stack = [r._node_ for r in roots if r._node_ is not None]
    seen = set(stack)
    while stack:
        for edge in stack.pop()._edges:
            if isinstance(edge, Node) and edge not in seen:
                seen.add(edge)
                stack.append(edge)
    return sorted(seen, key=lambda node: node._sequence)


def _meta(node: Node) -> tuple[tuple[int, ...], np.dtype[Any]]:
    shape = getattr(node, "_out_shape", ())
    return shape, getattr(node, "_out_dtype", np.dtype(np.float32))


def _place(array: Array) -> tuple[Any, ...]:
    return address(array), array.shape, array.strides, array.dtype
