"""Affine and bilinear maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rushlight.core.doors import apply
from rushlight.core.state import state
from rushlight.ops.arguments import need_tensor, write_out
from rushlight.ops.precision import lowered
from rushlight.overriding.functions import ask_late, met_late
from rushlight.primitives import contract

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def linear(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, *, out: Tensor | None = None
) -> Tensor:
    """input @ weight.T + bias: [*, in_features] with weight [out_features, in_features].

    >>> import rushlight as torch
    >>> torch.nn.functional.linear(torch.tensor([1.0, 2.0]), torch.eye(2), torch.ones(2))
    tensor([2., 3.])
    """
    try:
        need_tensor("linear", "input", 1, input)
        need_tensor("linear", "weight", 2, weight)
        if bias is not None:
            need_tensor("linear", "bias", 3, bias)
        if state.autocast is not None:
            input, weight, bias = lowered(input, weight, bias)
        if weight._data_.ndim == 1:
            # torch takes a vector for a map to numbers, one of which may be added to.
            if bias is not None and (bias._data_.ndim or input._data_.ndim != 1):
                raise RuntimeError(
                    "mat2 must be a matrix, got 1-D tensor: beside a bias, linear takes a weight of "
                    "[out_features, in_features]"
                )
            result = input @ weight if bias is None else input @ weight + bias
        elif bias is None:
            result = apply(contract.linear, input, weight)
        elif (
            bias._data_.dtype is not input._data_.dtype
            and input._data_.ndim != 2
            and not input._data_.flags.c_contiguous
        ):
            # In torch a product and a sum, to which anything can be added.
            result = apply(contract.linear, input, weight).add_(bias)
        else:
            result = apply(contract.linear, input, weight, bias)
        return result if out is None else write_out(out, result)
    except met_late():
        return ask_late()
