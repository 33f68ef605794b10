"""Rules of many operations that are one kernel in C once they have been asked often: see `heavy.py`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.core.state import state
from rushlight.core.tensor import TensorBase, wrap
from rushlight.heavy import Kinds, switch

if TYPE_CHECKING:
    from rushlight.compiler.single import Kernel


def warm_gradient(least: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`warm_rule` for rules that give one gradient, from `least` elements of it on."""

    def of(rule: Callable[..., Any]) -> Callable[..., Any]:
        fast = warm_rule(lambda *given: [rule(*given)])

        @functools.wraps(rule)
        def run(g: Any, *saved: Any) -> Any:
            first = g[0] if g.__class__ is list else g
            if first is None or first._data_.size < least or state.grad:
                return rule(g, *saved)
            return fast(g, *saved)[0]

        return run

    return of


def warm_rule(rule: Callable[..., Any]) -> Callable[..., Any]:
    """A rule of many operations, which is one kernel where nobody differentiates it again."""
    kinds = Kinds()

    @functools.wraps(rule)
    def run(*given: Any) -> Any:
        if state.grad or state.interpreters or not switch.enabled:
            return rule(*given)
        tensors: list[Any] = []
        form = tuple([_form(part, tensors) for part in given])
        if any(t._data_.__class__ is not np.ndarray for t in tensors):
            return rule(*given)

        def begin() -> Callable[[], Kernel]:
            from rushlight.compiler.single import kernel_of, program_of_rule

            program = program_of_rule(rule, form)
            return lambda: kernel_of(program)

        kernel = kinds.kernel(form, begin, [t._data_ for t in tensors])
        made = None if kernel is None else kernel([t._data_ for t in tensors])
        if made is None:
            return rule(*given)
        return [None if number is None else wrap(made[number]) for number in kernel.gives]  # type: ignore[union-attr]

    return run


class Form(tuple[Any, ...]):
    """Shape, strides and type of a tensor among the arguments of a rule."""


def _form(part: Any, tensors: list[Any]) -> Any:
    """An argument of a rule, what it holds of tensors taken out of it."""
    if isinstance(part, TensorBase):
        tensors.append(part)
        data = part._data_
        return Form((data.shape, data.strides, data.dtype))
    if part.__class__ in (tuple, list):
        return tuple([_form(one, tensors) for one in part])
    return part
