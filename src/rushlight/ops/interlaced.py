"""Changes in place of views whose windows share elements, as `unfold` and `as_strided` make them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rushlight.core.tensor import TensorBase
from rushlight.memory import outermost

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

# What looks at more than one element at a time, and is computed before anything is written.
WHOLE = {
    "addbmm", "addmm", "addmv", "addr", "baddbmm", "cumprod", "cumsum", "index_fill", "index_reduce",
    "masked_scatter", "put", "renorm", "scatter_reduce", "tril", "triu",
}  # fmt: skip


def in_turn(
    method: Callable[..., Tensor], target: Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Tensor:
    """A change in place of windows that share elements: window after window, each sees what the last left."""
    dim, before, shape = outermost(target._data_), target._changes_[0], target._data_.shape

    def part(x: Any, i: int) -> Any:
        spread: Any = x
        return spread.expand(shape).select(dim, i) if isinstance(x, TensorBase) else x

    for i in range(shape[dim]):
        method(
            part(target, i),
            *(part(x, i) for x in args),
            **{k: part(x, i) for k, x in kwargs.items()},
        )
    target._changes_[0] = before + 1
    return target
