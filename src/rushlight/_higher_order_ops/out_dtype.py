"""An operator of ATen whose sums are kept in a wider type than its numbers."""

from __future__ import annotations

from typing import Any

from rushlight._tensor import Tensor
from rushlight.dtypes import dtype

__all__ = ["out_dtype"]

_OPERATORS = {
    f"aten.{name}"
    for name in ("linear.default", "mm.default", "convolution.default", "mul.Tensor", "mul.Scalar", "div.Tensor")
}  # fmt: skip


def out_dtype(op: Any, output_dtype: dtype, /, *args: Any) -> Any:
    """op(*args) for an operator as `torch.ops.aten.mm.default`, computed and given in output_dtype.

    >>> import rushlight as torch
    >>> x = torch.tensor([[100, 20]], dtype=torch.int8)
    >>> out_dtype(torch.ops.aten.mm.default, torch.int32, x, x.mT)
    tensor([[10400]], dtype=torch.int32)
    """
    if not hasattr(op, "overloadpacket"):
        raise ValueError("out_dtype's first argument must be an OpOverload")
    if str(op) not in _OPERATORS:
        raise ValueError(
            f"out_dtype only allows the following operators: {sorted(_OPERATORS)}; not {op}"
        )
    wide = [value.to(output_dtype) if isinstance(value, Tensor) else value for value in args]
    return op(*wide).to(output_dtype)
