"""Random tensors of any type."""

from __future__ import annotations

import math
from typing import Any

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.ops.arguments import as_sizes
from rushlight.ops.complex import view_as_real
from rushlight.ops.creation import empty
from rushlight.ops.sampling import randint


def make_tensor(
    *shape: Any,
    dtype: dtypes.dtype,
    device: Any = "cpu",
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A tensor of uniform numbers from low (included) to high (excluded).

    By default floats and complex parts lie between -9 and 9, whole numbers from -9 to 9 (0 to 9 if
    unsigned), and booleans are any. With noncontiguous every second element of the memory is
    skipped, with exclude_zero the smallest positive number stands for zero.

    >>> import rushlight as torch
    >>> torch.testing.make_tensor(2, 3, dtype=torch.int32, low=0, high=5).shape
    torch.Size([2, 3])
    """
    sizes = as_sizes(shape)
    kind = dtype.numpy.kind
    bounds = {"b": (0, 2), "u": (0, 10), "i": (-9, 10)}.get(kind, (-9, 9))
    start: Any = bounds[0] if low is None else low
    stop: Any = bounds[1] if high is None else high
    if not start < stop and not (start == stop and kind in "fcV"):
        raise ValueError(
            f"make_tensor: `low` must be less than `high`, but got {start} >= {stop} for {dtype}"
        )
    if requires_grad and kind not in "fcV":
        raise ValueError(
            f"`requires_grad=True` is not supported for boolean and integral dtypes, but got {dtype=}"
        )
    wide = (*sizes[:-1], 2 * sizes[-1]) if noncontiguous and sizes else sizes
    if kind in "biu":
        result = randint(math.ceil(start), math.ceil(stop), wide, dtype=dtype)
    else:
        result = empty(wide, dtype=dtype)
        (view_as_real(result) if kind == "c" else result).uniform_(start, stop)
    if noncontiguous and sizes:
        result = result[..., ::2]
    if exclude_zero:
        result[result == 0] = dtypes.finfo(dtype).tiny if kind in "fcV" else 1
    if memory_format is not None:
        result = result.clone(memory_format=memory_format)
    return result.requires_grad_(requires_grad)
