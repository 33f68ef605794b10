"""How tensors go to other processes."""

from collections.abc import Callable
from multiprocessing.reduction import ForkingPickler
from typing import Any

from rushlight.ops.shared_memory import send_between_processes as init_reductions

__all__ = ["ForkingPickler", "init_reductions", "reduce_tensor"]


def reduce_tensor(tensor: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """A function that makes the tensor in another process, and its arguments."""
    init_reductions()
    made: Any = ForkingPickler._extra_reducers[type(tensor)](tensor)  # type: ignore[attr-defined]
    return made[:2]
