"""Functions on the bits and divisors of whole numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rushlight.core.doors import apply
from rushlight.ops.arguments import Dim, many_dims, need_tensor, numpy_names, write_out
from rushlight.ops.builders import binary, unary
from rushlight.primitives import bitwise as rows
from rushlight.primitives import reduce

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

bitwise_and = binary(rows.bitwise_and, "The bits set in both.", numbers="either")
bitwise_or = binary(rows.bitwise_or, "The bits set in either.", numbers="either")
bitwise_xor = binary(rows.bitwise_xor, "The bits set in exactly one.", numbers="either")
bitwise_not = unary(rows.bitwise_not, "All bits turned; logical not for booleans.", same=True)
bitwise_left_shift = binary(
    rows.bitwise_left_shift, "The bits moved up: input * 2 ** other.", numbers="either"
)
bitwise_right_shift = binary(
    rows.bitwise_right_shift, "The bits moved down: floor(input / 2 ** other).", numbers="either"
)
gcd = binary(rows.gcd, "The greatest common divisor.", numbers="neither")
lcm = binary(rows.lcm, "The least common multiple.", numbers="neither")


@numpy_names
def hash_tensor(
    input: Tensor, dim: Dim = (), *, keepdim: bool = False, mode: int = 0,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The exclusive or of the elements' bits, as float64 or int64: tells whether two tensors differ.

    >>> import rushlight as torch
    >>> torch.hash_tensor(torch.tensor([1, 2, 4]))
    tensor(7, dtype=torch.uint64)
    """
    need_tensor("hash_tensor", "input", 1, input)
    if mode != 0:
        raise RuntimeError(
            f"Unknown hash_tensor mode: {mode}: 0, the exclusive or, is all there is"
        )
    dims = many_dims(dim, input._data_.ndim)
    result: Tensor = apply(reduce.hash_tensor, input, dim=dims, keepdim=keepdim)
    if out is not None and out._data_.dtype != np.uint64:
        raise RuntimeError(
            f"hash_tensor: Expected result to be of dtype uint64, but got {out.dtype}"
        )
    return write_out(out, result)
