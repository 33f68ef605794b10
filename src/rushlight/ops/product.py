"""Products that sum: matmul and its relatives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rushlight.ops.arguments import need_tensor, write_out
from rushlight.primitives import contract as rows
from rushlight.primitives.core import apply

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

__all__ = [
    "matmul",
]


def matmul(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The matrix product; 1-d operands count as a row or a column, leading dimensions broadcast.

    >>> import rushlight as torch
    >>> torch.eye(2) @ torch.tensor([1.0, 2.0])
    tensor([1., 2.])
    """
    need_tensor("matmul", "input", 1, input)
    need_tensor("matmul", "other", 2, other)
    left, right = input._data.ndim, other._data.ndim
    result: Tensor
    if left >= 2 and right >= 2:
        result = apply(rows.matmul, input, other)
    elif left == 0 or right == 0:
        raise RuntimeError(
            f"both arguments to matmul need to be at least 1D, but they are {left}D and {right}D"
        )
    elif left == 1 and right == 1:
        result = apply(rows.dot, input, other)
    elif left == 1:
        result = apply(rows.matmul, input.unsqueeze(0), other).squeeze(-2)
    else:
        result = apply(rows.matmul, input, other.unsqueeze(1)).squeeze(-1)
    return result if out is None else write_out(out, result)
