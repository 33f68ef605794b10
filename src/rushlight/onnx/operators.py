"""torch.onnx.operators: shapes as tensors."""

from __future__ import annotations

from rushlight._tensor import Tensor
from rushlight.ops.internal import _shape_as_tensor

__all__ = ["reshape_from_tensor_shape", "shape_as_tensor"]


def shape_as_tensor(x: Tensor) -> Tensor:
    """The sizes of x.

    >>> import rushlight as torch
    >>> shape_as_tensor(torch.ones(2, 3))
    tensor([2, 3])
    """
    return _shape_as_tensor(x)


def reshape_from_tensor_shape(x: Tensor, shape: Tensor) -> Tensor:
    """x in a shape that a tensor holds."""
    return x.reshape(tuple(int(n) for n in shape))
