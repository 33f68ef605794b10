"""`__torch_dispatch__`, torch's layer below autograd: there is none here, and what would need it says so."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self

from rushlight.core.tensor import TensorBase
from rushlight.overriding.asking import disabled_torch_dispatch, refused

__all__ = ["TorchDispatchMode", "is_traceable_wrapper_subclass"]


class TorchDispatchMode:
    """May be defined, and not entered: operations of ATen are not told to anybody."""

    def __init__(self, _dispatch_key: Any = None) -> None:
        pass

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        raise NotImplementedError

    def __enter__(self) -> Self:
        raise NotImplementedError(refused(type(self)))

    def __exit__(self, *exception: object) -> None:
        pass


BaseTorchDispatchMode = TorchDispatchMode


def is_traceable_wrapper_subclass(t: Any) -> bool:
    """Whether a tensor says of which tensors it consists, by `__tensor_flatten__` and its inverse."""
    return (
        isinstance(t, TensorBase)
        and type(t).__torch_dispatch__ is not disabled_torch_dispatch  # type: ignore[attr-defined]
        and hasattr(t, "__tensor_flatten__")
        and hasattr(t, "__tensor_unflatten__")
    )


def is_traceable_wrapper_subclass_type(t: type) -> bool:
    """The same, of a class."""
    return hasattr(t, "__tensor_flatten__") and hasattr(t, "__tensor_unflatten__")


def _get_current_dispatch_mode() -> None:
    """The innermost mode: there never is one."""


def _get_current_dispatch_mode_stack() -> list[Any]:
    """The modes: none."""
    return []


def _len_torch_dispatch_stack() -> int:
    """How many modes there are: none."""
    return 0


@contextlib.contextmanager
def _disable_current_modes() -> Iterator[list[Any]]:
    yield []


def return_and_correct_aliasing(func: Any, args: Any, kwargs: Any, out: Any) -> Any:
    """out, as it is."""
    return out
