"""`Function`: an operation whose forward and backward the user writes."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from rushlight.autograd import nodes, saved
from rushlight.autograd.anomaly import where
from rushlight.autograd.marks import among, check_marks, check_saved, need_tensors
from rushlight.autograd.state import no_grad, transformed
from rushlight.core.doors import literal
from rushlight.core.node import Node, SavedOutput
from rushlight.core.state import state
from rushlight.core.tape import refresh
from rushlight.core.tensor import (
    CUSTOM,
    SEVERAL,
    TensorBase,
    View,
    is_inference,
    wants_grad,
)
from rushlight.core.turned import alias
from rushlight.errors import FREED, NOT_SAVED, stale, warn
from rushlight.memory import placed
from rushlight.primitives.view import reshape

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


class FunctionCtx:
    """What forward hands to backward: saved tensors, flags, and any attribute of the user's."""

    needs_input_grad: tuple[bool, ...] = ()
    # What forward asked for; None until it does.
    to_save: tuple[Any, ...] | None = None
    dirty_tensors: tuple[Any, ...] | None = None
    non_differentiable: tuple[Any, ...] | None = None
    materialize_grads: bool = True
    saved_for_forward: tuple[Any, ...] | None = None

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep inputs or outputs (or None) for `saved_tensors` in backward."""
        self.to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Keep tensors (or None) for `saved_tensors` in jvp."""
        self.saved_for_forward = tensors
        for tensor in tensors:
            if tensor is not None and not isinstance(tensor, TensorBase):
                raise AssertionError(
                    "save_for_forward expects all arguments to be tensors; you should save non-tensors "
                    "as attributes on ctx."
                )

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Say which inputs forward changed in place."""
        self.dirty_tensors = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say which outputs carry no gradient."""
        self.non_differentiable = tensors

    def mark_shared_storage(self, *pairs: Any) -> None:
        """Deprecated, without effect."""
        warn(
            "mark_shared_storage is deprecated. Tensors with shared storages are automatically tracked.",
            FutureWarning,
        )

    def set_materialize_grads(self, value: bool) -> None:
        """Whether backward gets zeros (the default) or None for outputs that nobody used."""
        if not isinstance(value, bool):
            raise TypeError(
                f"set_materialize_grads takes True or False, not a {type(value).__name__}"
            )
        self.materialize_grads = value


class _FunctionBase:
    """What torch has in C of functions and their contexts: nothing here."""

    __module__ = "rushlight._C"
    __slots__ = ()


class _HookMixin:
    """What torch has of hooks in functions: nothing here, they hang at nodes."""

    __slots__ = ()


class FunctionNode(nodes.Node, Node, _FunctionBase, FunctionCtx, _HookMixin):
    """One call of a user's function: the ctx of its forward, and the node of its outputs."""

    __slots__ = ("_arguments", "_saved", "__dict__")

    # The class that the user wrote; each has a class of nodes of its own.
    _forward_cls: ClassVar[type[Function]]
    runs_without = True

    # Positions among the arguments of the tensors, which the edges stand for.
    _arguments: list[int]
    # (what is kept, shared version list, count when it was saved); None once it is freed.
    _saved: list[tuple[Any, Any, int]] | None

    def __init__(self, args: tuple[Any, ...]) -> None:
        self._arguments = [i for i, a in enumerate(args) if isinstance(a, TensorBase)]
        edges: list[Any] = []
        numbers: list[int] = []
        for i in self._arguments:
            t = args[i]
            if t._view_ is not None and state.grad:
                refresh(t)
            edges.append(t if t._node_ is None and t._requires_grad_ else t._node_)
            numbers.append(t._output_nr_)
        super().__init__(tuple(edges), tuple(numbers) if any(numbers) else None)
        self.needs_input_grad = tuple(isinstance(a, TensorBase) and wants_grad(a) for a in args)
        self._saved = []

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What save_for_backward kept; an error if one was changed in place since."""
        if self._saved is None:
            raise RuntimeError(FREED)
        result = []
        for kept, version, count in self._saved:
            if version is not None and version[0] != count:
                raise RuntimeError(stale(f"a tensor saved by {self.name()}", version, count))
            result.append(
                kept if kept is None or isinstance(kept, TensorBase) else kept.restore(self)
            )
        return tuple(result)

    @property
    def saved_variables(self) -> tuple[Any, ...]:
        """What `saved_tensors` was called."""
        warn("'saved_variables' is deprecated; use 'saved_tensors'", DeprecationWarning)
        return self.saved_tensors

    @property
    def _raw_saved_tensors(self) -> tuple[SavedTensor, ...]:
        if self._saved is None:
            raise RuntimeError(FREED)
        return tuple(SavedTensor(self, i) for i in range(len(self._saved)))

    def apply(self, *gradients: Any) -> Any:
        """What the user's backward returns for these gradients."""
        return self._backward()(self, *gradients)

    def __call__(self, *gradients: Any) -> Any:
        """Refused, as in torch, where only nodes of its own operations are called."""
        raise TypeError(f"'{self.name()}' object is not callable: call its apply")

    def name(self) -> str:
        """The user's class and `Backward`."""
        return type(self).__name__

    def maybe_clear_saved_tensors(self) -> None:
        """Forget the saved tensors."""
        self._release()

    def _gradients(self, g: Any) -> Sequence[Tensor | None]:
        """What the user's backward returns, for the arguments that are tensors."""
        if self._metas is not None:
            parts = [None] * len(self._metas) if g is None else list(g)
        else:
            parts = [g]
        if self.materialize_grads:
            for i, part in enumerate(parts):
                meta = self._meta(i)
                if part is None and meta is not None:
                    parts[i] = literal(np.zeros(*meta))
        results = self._backward()(self, *parts)
        if not isinstance(results, tuple):
            results = (results,)
        expected = len(self.needs_input_grad)
        if len(results) > expected and all(r is None for r in results[expected:]):
            results = results[:expected]
        if len(results) != expected:
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients (expected {expected}, "
                f"got {len(results)}): backward returns one gradient, or None, for each argument of forward"
            )
        for position, r in enumerate(results):
            if r is not None and position not in self._arguments:
                raise RuntimeError(
                    f"function {self.name()} returned a gradient different from None at position "
                    f"{position + 1}, but the corresponding forward input was not a Variable"
                )
            if r is not None and not isinstance(r, TensorBase):
                raise RuntimeError(
                    f"expected Variable or None (got {type(r).__name__}): {self.name()} returns a tensor "
                    "or None for each argument"
                )
        return [
            _checked(self, number, edge, results[position])
            for number, (edge, position) in enumerate(
                zip(self._edges, self._arguments, strict=True)
            )
        ]

    def _backward(self) -> Callable[..., Any]:
        cls = self._forward_cls
        own, vjp = cls.backward is not Function.backward, cls.vjp is not Function.vjp
        if own and vjp:
            raise RuntimeError(
                "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should "
                "only implement one of them."
            )
        return cls.vjp if vjp else cls.backward

    def _release(self) -> None:
        """Forget the saved tensors."""
        self._saved = None

    __repr__ = object.__repr__


BackwardCFunction = FunctionNode


class SavedTensor(saved.SavedTensor):
    """One of the tensors that forward saved."""

    node: FunctionNode

    def _list(self) -> Any:
        return None if self.node._saved is None else [kept for kept, _, _ in self.node._saved]

    def _replace(self, packed: Any) -> None:
        self.node._saved[self.index] = (packed, None, 0)  # type: ignore[index]


def _checked(node: FunctionNode, number: int, edge: Any, g: Any) -> Any:
    """A gradient that can be brought to the shape and type of the input it is for."""
    if g is None or edge is None:
        return None
    if isinstance(edge, Node):
        at = 0 if node._edge_outputs is None else node._edge_outputs[number]
        shape, dtype = edge._meta(at)
    else:
        shape, dtype = edge._data_.shape, edge._data_.dtype
    theirs = g._data_.shape
    if theirs != shape:
        padded = (1,) * (len(theirs) - len(shape)) + shape
        if len(theirs) < len(shape) or any(
            ours not in (1, n) for ours, n in zip(padded, theirs, strict=True)
        ):
            raise RuntimeError(
                f"Function {node.name()} returned an invalid gradient at index {number} - got "
                f"{list(theirs)} but expected shape compatible with {list(shape)}"
            )
    if (g._data_.dtype.kind == "c" and dtype.kind != "c") or (
        g._data_.dtype.kind not in "fcV" and dtype.kind == "c"
    ):
        raise RuntimeError(
            f"Function {node.name()} returned an invalid gradient at index {number} - got {g.dtype}, "
            f"which cannot be the gradient of an input of type {dtype}"
        )
    return g


class FunctionMeta(type):
    """The class of functions."""


class _SingleLevelFunction(_FunctionBase, FunctionCtx, _HookMixin, metaclass=FunctionMeta):
    """What torch calls functions that know of no transforms."""


class Function(_SingleLevelFunction):
    """Subclass it with a static forward and backward, and call it through `apply`.

    forward(ctx, *args) computes without recording; backward(ctx, *grads) returns one gradient (or
    None) for each argument. Written in differentiable operations, backward can itself be
    differentiated.

    >>> import rushlight as torch
    >>> class Cube(torch.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x**3
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         (x,) = ctx.saved_tensors
    ...         return g * 3 * x**2
    >>> x = torch.tensor(2.0, requires_grad=True)
    >>> Cube.apply(x).backward(); x.grad
    tensor(12.)
    """

    _node_class: ClassVar[type[FunctionNode]]
    # By torch's name.
    _backward_cls: ClassVar[type[FunctionNode]]
    # Whether it is one of ours, of which the transforms of `torch.func` know.
    _inside: ClassVar[bool] = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        names = {"__slots__": (), "_forward_cls": cls, "__module__": __name__}
        cls._inside = cls.__module__.startswith(("rushlight.", "torch."))
        cls._backward_cls = cls._node_class = type(
            cls.__name__ + "Backward", (FunctionNode,), names
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warn(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so "
            "you should invoke them on the class itself: call its apply.",
            DeprecationWarning,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Refused: functions are called through `apply`."""
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style "
            "autograd function with static forward method, and call its apply."
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the outputs from the arguments."""
        raise NotImplementedError(
            "You must implement the forward function for custom autograd.Function."
        )

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Save what backward needs, when forward takes no ctx."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """The gradients of the arguments from those of the outputs."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to "
            "use it with backward mode AD."
        )

    vjp = backward

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """The tangents of the outputs from those of the arguments."""
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with forward mode "
            "AD."
        )

    # Whether vmap may run forward and backward on a batch as they are written; or how it is to run forward.
    generate_vmap_rule = False

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *args: Any) -> Any:
        """The outputs for a batch, and where the batch lies in them."""
        raise NotImplementedError(
            "To use autograd.Function with vmap, you must override the vmap method"
        )

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run forward and record the call."""
        if cls.forward is Function.forward:
            cls.forward(*args)
        if cls.setup_context is Function.setup_context:
            if not cls._inside and transformed():
                raise RuntimeError(
                    "In order to use an autograd.Function with functorch transforms (vmap, grad, jvp, "
                    "jacrev, ...), it must override the setup_context staticmethod."
                )
            args, kwargs = (_in_order(cls, args, kwargs) if kwargs else args), {}
        else:
            bound = inspect.signature(cls.forward).bind(*args, **kwargs)
            bound.apply_defaults()
            args, kwargs = bound.args, {}
        watchers = state.interpreters
        for place in reversed(range(len(watchers))):
            if hasattr(watchers[place], "function"):
                # Whoever has a way of its own with a custom Function, and those around it.
                try:
                    return watchers[place].take(
                        watchers[: place + 1], "function", cls, args, kwargs
                    )
                finally:
                    state.interpreters = watchers
        return record(cls, args, kwargs)[0]


def _in_order(cls: type[Function], args: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
    """The arguments of a forward that takes ctx, those given by name at their places."""
    code = cls.forward.__code__
    names = code.co_varnames[1 : code.co_argcount]
    for name in named:
        if name not in names:
            raise TypeError(f"forward() got an unexpected keyword argument '{name}'")
        if name in names[: len(args)]:
            raise TypeError(f"forward() got multiple values for argument '{name}'")
    wanted = names[len(args) : max(map(names.index, named)) + 1]
    for place, name in enumerate(wanted, len(args)):
        if name not in named:
            raise TypeError(f"forward() missing required argument: '{name}' (position {place})")
    return (*args, *(named[name] for name in wanted))


def record(
    cls: type[Function],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    run: Callable[..., Any] | None = None,
) -> tuple[Any, FunctionNode]:
    """The outputs of a call of cls, and its node; run: what computes them in the place of forward."""
    separate = cls.setup_context is not Function.setup_context
    node = cls._node_class(args)
    recording = state.grad and any(node.needs_input_grad)
    before, state.grad = state.grad, False
    try:
        if separate:
            outputs = (run or cls.forward)(*args)
            cls.setup_context(node, args, outputs)
        else:
            outputs = cls.forward(node, *args, **kwargs)
        results = outputs if isinstance(outputs, tuple) else (outputs,)
        if recording:
            need_tensors(node.to_save)
        if separate:
            check_saved(node, args, results)
        placed = _placed(node, args, results, recording)
        if recording:
            _save(node)
            if state.anomaly is not None:
                node._site = where()
        else:
            node._edges = ()
    finally:
        state.grad = before
        # An output kept here would be a cycle: the node, its ctx, the output, the node.
        node.to_save = node.dirty_tensors = node.non_differentiable = None
    return (placed if isinstance(outputs, tuple) else placed[0]), node


def _placed(
    node: FunctionNode, args: tuple[Any, ...], results: tuple[Any, ...], recording: bool
) -> tuple[Any, ...]:
    """The results, each at its place in the graph: an output of node, if anything is recorded."""
    check_marks(node, args, results, recording)
    node._metas = [
        (r._data_.shape, r._data_.dtype) if isinstance(r, TensorBase) else None  # type: ignore[misc]
        for r in results
    ]
    tensors = [r for r in results if isinstance(r, TensorBase)]
    placed: list[Any] = []
    for number, r in enumerate(results):
        if not isinstance(r, TensorBase):
            placed.append(r)
            continue
        given, changed = among(r, args), among(r, node.dirty_tensors)
        differentiable = (
            recording and r._data_.dtype.kind in "fcV" and not among(r, node.non_differentiable)
        )
        if not differentiable and wants_grad(r):
            if given:
                r = alias(r)
            elif r._view_ is None:
                r._node_, r._requires_grad_ = None, False
        elif changed:
            if differentiable:
                _transplant(r, node, number)
        else:
            if given:
                r = handed_back(r)
            if differentiable:
                stand(r, node, number)
            if r._view_ is not None:
                made = SEVERAL if len(tensors) > 1 and differentiable else CUSTOM
                r._view_ = View(r._view_.base, r._changes_[0], made)
        placed.append(r)
    if len(node._metas) == 1 and node._metas[0] is not None:
        (node._out_shape, node._out_dtype), node._metas = node._metas[0], None
    return tuple(placed)


def stand(tensor: TensorBase, node: Node, number: int) -> None:
    """Put tensor at output `number` of node."""
    tensor._node_, tensor._requires_grad_ = node, True
    if number or tensor._output_nr_:
        tensor._output_nr_ = number


def handed_back(tensor: TensorBase) -> Tensor:
    """A view of all of tensor, for an input that is returned as it is."""
    other = alias(tensor)
    if not tensor._turned_ and placed(tensor._data_):
        other._data_ = reshape.forward(tensor._data_, shape=tensor._data_.shape)
    base = tensor if tensor._view_ is None else tensor._view_.base
    other._view_ = View(base, tensor._changes_[0], CUSTOM)
    return other


def _transplant(tensor: TensorBase, node: FunctionNode, number: int) -> None:
    """An input that forward changed in place moves behind the node, and its base with it."""
    from rushlight.ops.inplace import rebase

    result = alias(tensor)
    stand(result, node, number)
    tensor._grad = None
    rebase(tensor, result)  # type: ignore[arg-type]


def _save(node: FunctionNode) -> None:
    """Keep what save_for_backward was given, in a form that makes no cycle with the node."""
    saved: list[tuple[Any, Any, int]] = []
    for t in node.to_save or ():
        if t is None:
            saved.append((None, None, 0))
            continue
        if is_inference(t):
            raise RuntimeError(NOT_SAVED)
        kept: Any = SavedOutput(t._data_, t._output_nr_) if t._node_ is node else t
        if state.packing is not None:
            saved.append((state.packing.pack(kept, node), None, 0))
        else:
            saved.append((kept, t._changes_, t._changes_[0]))
    node._saved = saved


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a backward that is not itself differentiable: a second derivative is then an error."""

    @functools.wraps(backward)
    def wrapper(ctx: Any, *grads: Any) -> Any:
        recording = state.grad and any(
            isinstance(g, TensorBase) and g._requires_grad_ for g in grads
        )
        with no_grad():
            results = backward(ctx, *grads)
        if not recording:
            return results
        listed = results if isinstance(results, tuple) else (results,)
        marked = tuple(
            _Once.apply(_unrelated(r)) if isinstance(r, TensorBase) else r for r in listed
        )
        return marked if isinstance(results, tuple) else marked[0]

    return wrapper


def _unrelated(result: TensorBase) -> Tensor:
    """A leaf of its values that wants a gradient, though none leads back: as torch, only who goes on from it errs."""
    leaf = alias(result)
    leaf._node_, leaf._requires_grad_ = None, True
    return leaf


class _Once(Function):
    @staticmethod
    def forward(ctx: Any, result: Any) -> Any:
        return alias(result)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise RuntimeError(
            "trying to differentiate twice a function that was marked with @once_differentiable"
        )


class InplaceFunction(Function):
    """A Function of the time when those that change their argument in place said so here."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


class NestedIOFunction(Function):
    """A Function of the time when only those of this class took tensors in containers."""
