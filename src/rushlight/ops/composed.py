"""Composites that become two kernels in C, one of them for gradients, once they have been called often.

As rows and rules are (`heavy.py`, `primitives/warm.py`), and only where nobody looks at what they consist
of. A gradient is computed from what the composite took, as torch's kernels do; where it is to be
differentiated in its turn, the composite runs once more, as it is written.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rushlight.autograd.api import grad
from rushlight.autograd.function import Function
from rushlight.autograd.state import enable_grad, no_grad
from rushlight.core.state import state
from rushlight.core.tensor import Array, result_class, wrap
from rushlight.heavy import Kinds, switch
from rushlight.memory import strided_view
from rushlight.primitives.warm import Form

if TYPE_CHECKING:
    from rushlight._tensor import Tensor
    from rushlight.compiler.single import Kernel

Composite = Callable[..., Any]
_ndarray = np.ndarray


class _Made(NamedTuple):
    """The kernels for a kind of call, and how the result lies that the second takes the gradient of."""

    forward: Kernel
    backward: Kernel | None
    form: Form


def composed(name: str, least: int) -> Callable[[Composite], Composite]:
    """For a function of tensors, and of static parameters by keyword, that gives one tensor.

    name: torch's of its node; least: from how many elements of the first tensor on.
    """

    def of(function: Composite) -> Composite:
        kinds = Kinds()
        node = _function_of(name, function)

        @functools.wraps(function)
        def run(*tensors: Tensor, **static: Any) -> Any:
            if tensors[0]._data_.size < least or not _is_plain(tensors):
                return function(*tensors, **static)
            needs = tuple([state.grad and t._requires_grad_ for t in tensors])
            arrays = [t._data_ for t in tensors]
            forms = tuple([Form((a.shape, a.strides, a.dtype)) for a in arrays])

            def begin() -> Callable[[], Any]:
                return _made(functools.partial(function, **static), forms, needs)

            made: Any = kinds.kernel((forms, needs, *static.items()), begin, arrays)
            if made is None:
                return function(*tensors, **static)
            if any(needs):
                return node.apply(made, static, *tensors)
            result = made.forward(arrays)
            return function(*tensors, **static) if result is None else wrap(result[0])

        return run

    return of


def _is_plain(tensors: Sequence[Tensor]) -> bool:
    """Whether these are tensors and arrays of no class of their own, and nobody watches."""
    if state.interpreters or state.anomaly is not None or not switch.enabled:
        return False
    known = result_class()
    return all(
        (t.__class__ is known or t.__class__.__name__ == "Parameter")
        and t._data_.__class__ is _ndarray
        and not t._turned_
        for t in tensors
    )


def _made(function: Composite, forms: tuple[Form, ...], needs: Sequence[bool]) -> Callable[[], Any]:
    from rushlight.compiler.single import NotInC, kernel_of, program_of_rule

    forward = program_of_rule(lambda *given: [function(*given)], forms)
    value = forward.results[0].value
    if value is None:
        raise NotInC("a composite that gives what it was given")
    form = Form((value.shape, value.strides, value.dtype))
    if not any(needs):
        return lambda: _Made(kernel_of(forward), None, form)
    back = program_of_rule(lambda g, *given: _gradients(function, needs, g, given), (form, *forms))
    return lambda: _Made(kernel_of(forward), kernel_of(back), form)


def _gradients(
    function: Composite, needs: Sequence[bool], g: Tensor, given: Sequence[Tensor]
) -> list[Any]:
    """What a call's tensors get, which runs for it once more."""
    again = state.grad
    if not again:
        given = [t.detach()._want_grad(need) for t, need in zip(given, needs, strict=True)]
    with enable_grad():
        out = function(*given)
    wanted = [t for t, need in zip(given, needs, strict=True) if need]
    found = iter(grad(out, wanted, g, create_graph=again, allow_unused=True))
    return [next(found) if need else None for need in needs]


def _laid(array: Array, form: Form) -> Array:
    """The array as the result lies of which it is the gradient."""
    shape, strides, dtype = form
    if array.strides == strides and array.__class__ is _ndarray:
        return array
    made = strided_view(np.empty(array.size, dtype), shape, strides)
    made[...] = array
    return made


def _function_of(name: str, function: Composite) -> type[Function]:
    """The node of a composite on the tape."""

    class Composed(Function):
        @staticmethod
        def forward(ctx: Any, made: _Made, static: dict[str, Any], *tensors: Tensor) -> Any:
            ctx.save_for_backward(*tensors)
            ctx.made, ctx.static = made, static
            result = made.forward([t._data_ for t in tensors])
            return function(*tensors, **static) if result is None else wrap(result[0])

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> Any:
            tensors, needs = ctx.saved_tensors, ctx.needs_input_grad[2:]
            made: _Made = ctx.made
            if made.backward is not None and not state.grad and _is_plain(tensors):
                with no_grad():
                    arrays = [_laid(g._data_, made.form), *(t._data_ for t in tensors)]
                    found = made.backward(arrays)
                if found is not None:
                    gives = made.backward.gives
                    return (None, None, *(None if n is None else wrap(found[n]) for n in gives))
            call = functools.partial(function, **ctx.static)
            return (None, None, *_gradients(call, needs, g, tensors))

    Composed._node_class.__name__ = Composed._node_class.__qualname__ = name
    return Composed
