"""`__torch_dispatch__`, torch's layer below autograd: modes, and what tensors that wrap others need."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self

from rushlight.core.state import state
from rushlight.core.tensor import TensorBase
from rushlight.overriding.below import Mode, tensors_in
from rushlight.overriding.functions import hold, release

__all__ = ["TorchDispatchMode", "is_traceable_wrapper_subclass"]


class TorchDispatchMode:
    """A block in which `__torch_dispatch__` is asked for every operator of ATen.

    >>> import rushlight as torch
    >>> class Names(TorchDispatchMode):
    ...     def __torch_dispatch__(self, func, types, args=(), kwargs=None):
    ...         print(func)
    ...         return func(*args, **(kwargs or {}))
    >>> with Names():
    ...     y = torch.ones(2).exp() + 1
    aten.ones.default
    aten.exp.default
    aten.add.Tensor
    """

    def __init__(self, _dispatch_key: Any = None) -> None:
        pass

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """What is answered for an operator."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        # One object may be entered again within its own block.
        self.__dict__.setdefault("_blocks", []).append(Mode(self).__enter__())
        hold()
        return self

    def __exit__(self, *exception: object) -> None:
        self.__dict__["_blocks"].pop().__exit__()
        release()

    @classmethod
    def push(cls, *args: Any, **kwargs: Any) -> Self:
        """A mode, to be entered."""
        return cls(*args, **kwargs)


BaseTorchDispatchMode = TorchDispatchMode


def is_traceable_wrapper_subclass(t: Any) -> bool:
    """Whether a tensor says of which tensors it consists, by `__tensor_flatten__` and its inverse."""
    return (
        isinstance(t, TensorBase) and t._dispatches_ and is_traceable_wrapper_subclass_type(type(t))
    )


def is_traceable_wrapper_subclass_type(t: type) -> bool:
    """The same, of a class."""
    return hasattr(t, "__tensor_flatten__") and hasattr(t, "__tensor_unflatten__")


def transform_subclass(t: Any, callback: Callable[[str, Any], Any], *geometry: Any) -> Any:
    """A tensor whose parts, by the names that it gives them, are what callback makes of them."""
    names, context = t.__tensor_flatten__()
    parts = {name: callback(name, getattr(t, name)) for name in names}
    size, stride = geometry[:2] if geometry else (t.size(), t.stride())
    return type(t).__tensor_unflatten__(parts, context, size, stride)


def _get_current_dispatch_mode_stack() -> list[Any]:
    """The modes of this thread, the innermost last."""
    return [one.mode for one in state.interpreters if isinstance(one, Mode)]


def _get_current_dispatch_mode() -> Any:
    """The innermost mode; None if there is none."""
    return next(reversed(_get_current_dispatch_mode_stack()), None)


def _len_torch_dispatch_stack() -> int:
    """How many modes there are."""
    return len(_get_current_dispatch_mode_stack())


@contextlib.contextmanager
def _disable_current_modes() -> Iterator[list[Any]]:
    """A block in which no mode is asked."""
    before = state.interpreters
    modes = _get_current_dispatch_mode_stack()
    state.interpreters = tuple(one for one in before if not isinstance(one, Mode))
    try:
        yield modes
    finally:
        state.interpreters = before


@contextlib.contextmanager
def _pop_mode_temporarily(k: Any = None) -> Iterator[Any]:
    """A block in which the innermost mode is not asked."""
    before = state.interpreters
    place = max(n for n, one in enumerate(before) if isinstance(one, Mode))
    state.interpreters = before[:place] + before[place + 1 :]
    try:
        yield before[place].mode
    finally:
        state.interpreters = before


def is_in_torch_dispatch_mode(include_infra_modes: bool = True) -> bool:
    """Whether there is a mode."""
    return bool(_get_current_dispatch_mode_stack())


def return_and_correct_aliasing(func: Any, args: Any, kwargs: Any, out: Any) -> Any:
    """out, but for operators that change their first argument: then that, as they return it."""
    name = getattr(func, "__name__", "").partition(".")[0]
    changes = name[-1:] == "_" and name[-2:] != "__"
    given = next(tensors_in((*args, *(kwargs or {}).values())), None) if changes else None
    return out if given is None else given
