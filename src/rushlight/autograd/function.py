"""`Function`: an operation whose forward and backward the user writes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd.node import FREED, Node, SavedOutput
from rushlight.autograd.state import no_grad, state
from rushlight.primitives.core import refresh
from rushlight.tensor_base import TensorBase, alias, wants_grad, wrap

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


class FunctionCtx:
    """What forward hands to backward: saved tensors, flags, and any attribute of the user's."""

    needs_input_grad: tuple[bool, ...] = ()

    def __init__(self) -> None:
        self._to_save: tuple[Any, ...] = ()
        self._saved: list[tuple[Any, Any, int]] | None = []
        self._dirty: tuple[TensorBase, ...] = ()
        self._constant: tuple[TensorBase, ...] = ()
        self._materialize = True
        self._node: FunctionNode | None = None

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep inputs or outputs (or None) for `saved_tensors` in backward."""
        for t in tensors:
            if t is not None and not isinstance(t, TensorBase):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument is of type "
                    f"{type(t).__name__}: keep other values as attributes, ctx.{type(t).__name__} = ..."
                )
        self._to_save = tensors

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What save_for_backward kept; an error if one was changed in place since."""
        if self._saved is None:
            raise RuntimeError(FREED)
        result = []
        for kept, version, count in self._saved:
            if kept is not None and version[0] != count:
                operation, file, line = version[1] or ("an operation", "?", 0)
                raise RuntimeError(
                    "one of the variables needed for gradient computation has been modified by an "
                    f"inplace operation: a tensor saved by {self._node!r} is at version {version[0]}; "
                    f"expected version {count} instead. It was changed by {operation} at {file}:{line}."
                )
            if isinstance(kept, SavedOutput) and self._node is not None:
                kept = kept.restore(self._node)
            result.append(kept)
        return tuple(result)

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Say which inputs forward changed in place."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say which outputs carry no gradient."""
        self._constant = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether backward gets zeros (the default) or None for outputs that nobody used."""
        self._materialize = value


class FunctionNode(Node):
    """The node of a user's function; it shows what forward stored in ctx, which in torch it is itself."""

    __slots__ = ("function", "context", "arguments", "__dict__")

    # arguments: positions among the arguments of the tensors, which the edges stand for.
    def __init__(
        self,
        function: type[Function],
        context: FunctionCtx,
        edges: tuple[Any, ...],
        numbers: tuple[int, ...] | None,
        arguments: list[int],
    ) -> None:
        super().__init__(edges, numbers)
        self.function = function
        self.context = context
        self.arguments = arguments
        self.__dict__ = context.__dict__

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What save_for_backward kept."""
        before, self.context._node = self.context._node, self
        try:
            return self.context.saved_tensors
        finally:
            self.context._node = before

    def name(self) -> str:
        """The user's class and `Backward`."""
        return self.function.__name__ + "Backward"

    def gradients(self, g: Any) -> Sequence[Tensor | None]:
        """What the user's backward returns, for the arguments that are tensors."""
        several = isinstance(self.metas, list)
        parts = list(g) if several else [g]
        if self.context._materialize:
            for i, part in enumerate(parts):
                if part is None:
                    shape, dtype = self.meta(i)
                    parts[i] = wrap(np.zeros(shape, dtype))
        self.context._node = self
        try:
            results = self.function.backward(self.context, *parts)
        finally:
            self.context._node = None
        if not isinstance(results, tuple):
            results = (results,)
        expected = len(self.context.needs_input_grad)
        if (len(results) > expected and any(r is not None for r in results[expected:])) or (
            len(results) < expected
        ):
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients (expected {expected}, "
                f"got {len(results)}): backward returns one gradient, or None, for each argument of forward"
            )
        wanted = [results[i] for i in self.arguments]
        for r in wanted:
            if r is not None and not isinstance(r, TensorBase):
                raise TypeError(
                    f"expected Variable or None (got {type(r).__name__}) from {self.name()}"
                )
        return wanted

    def release(self) -> None:
        """Forget the saved tensors."""
        if self.context._to_save:
            self.context._saved = None


class Function:
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

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Run forward and record the call."""
        context = FunctionCtx()
        wants = tuple(isinstance(a, TensorBase) and wants_grad(a) for a in args)
        recording = state.grad and any(wants)
        context.needs_input_grad = wants
        before = state.grad
        state.grad = False
        try:
            if cls.setup_context is Function.setup_context:
                outputs = cls.forward(context, *args)
            else:
                outputs = cls.forward(*args)
                cls.setup_context(context, args, outputs)
        finally:
            state.grad = before
        if not recording:
            return outputs
        results = outputs if isinstance(outputs, tuple) else (outputs,)
        if not any(isinstance(r, TensorBase) for r in results):
            return outputs
        node = _record(cls, context, args)
        placed = _place(node, context, args, results)
        return placed if isinstance(outputs, tuple) else placed[0]


def _record(cls: type[Function], context: FunctionCtx, args: tuple[Any, ...]) -> FunctionNode:
    positions = [i for i, a in enumerate(args) if isinstance(a, TensorBase)]
    edges: list[Any] = []
    numbers: list[int] = []
    for i in positions:
        t = args[i]
        if t._view is not None:
            refresh(t)
        edges.append(t if t._node is None and t._requires_grad else t._node)
        numbers.append(t._output_nr)
    return FunctionNode(
        cls, context, tuple(edges), tuple(numbers) if any(numbers) else None, positions
    )


def _place(
    node: FunctionNode, context: FunctionCtx, args: tuple[Any, ...], results: tuple[Any, ...]
) -> tuple[Any, ...]:
    """Give the outputs their node, and turn what was saved into something without a cycle."""
    placed: list[Any] = []
    metas: list[Any] = []
    number = 0
    for r in results:
        if not isinstance(r, TensorBase):
            placed.append(r)
            continue
        if any(r is a for a in args) and not any(r is d for d in context._dirty):
            r = alias(r)
        metas.append((r._data.shape, r._data.dtype))
        if r._data.dtype.kind in "fc" and not any(r is c for c in context._constant):
            r._node, r._requires_grad = node, True
            if number:
                r._output_nr = number
        number += 1
        placed.append(r)
    node.metas = metas if len(metas) > 1 else metas[0]
    saved: list[tuple[Any, Any, int]] = []
    for t in context._to_save:
        if t is None:
            saved.append((None, None, 0))
        elif t._node is node:
            saved.append((SavedOutput(t._data, t._output_nr), t._changes, t._changes[0]))
        else:
            saved.append((t, t._changes, t._changes[0]))
    context._saved = saved
    return tuple(placed)


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a backward that is not itself differentiable: a second derivative is then an error."""

    @functools.wraps(backward)
    def wrapper(ctx: Any, *grads: Any) -> Any:
        recording = state.grad and any(
            isinstance(g, TensorBase) and g._requires_grad for g in grads
        )
        with no_grad():
            results = backward(ctx, *grads)
        if not recording:
            return results
        listed = results if isinstance(results, tuple) else (results,)
        marked = tuple(_Once.apply(r, *grads) if isinstance(r, TensorBase) else r for r in listed)
        return marked if isinstance(results, tuple) else marked[0]

    return wrapper


class _Once(Function):
    @staticmethod
    def forward(ctx: Any, result: Any, *grads: Any) -> Any:
        return alias(result)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise RuntimeError(
            "trying to differentiate twice a function that was marked with @once_differentiable"
        )
