"""Parts of `nn.functional` that attention layers of other libraries take, under torch's names."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from rushlight import dtypes
from rushlight.nn.functional.attention import _check_heads, canonical_mask
from rushlight.nn.functional.linear import linear

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def _in_projection_packed(
    q: Tensor, k: Tensor, v: Tensor, w: Tensor, b: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values by the three parts of one weight; of one input by one product."""
    if q is k is v:
        width = q.shape[-1]
        joint = linear(q, w, b)
        parts: Any = tuple(joint.narrow(-1, i * width, width).contiguous() for i in range(3))
        return parts
    biases = (None,) * 3 if b is None else b.chunk(3)
    return _in_projection(q, k, v, *w.chunk(3), *biases)


def _in_projection(
    q: Tensor, k: Tensor, v: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor, b_q: Tensor | None = None,
    b_k: Tensor | None = None, b_v: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Queries, keys and values, each by a weight of its own."""
    return linear(q, w_q, b_q), linear(k, w_k, b_k), linear(v, w_v, b_v)


def _canonical_mask(
    mask: Tensor | None, mask_name: str, other_type: dtypes.dtype | None, other_name: str,
    target_type: dtypes.dtype, check_other: bool = True,
) -> Tensor | None:  # fmt: skip
    """A mask to be added."""
    return canonical_mask(mask, mask_name, target_type)


def _none_or_dtype(input: Tensor | None) -> dtypes.dtype | None:
    """The type of a tensor that may be None."""
    return None if input is None else input.dtype


def _mha_shape_check(
    query: Tensor, key: Tensor, value: Tensor, key_padding_mask: Tensor | None, attn_mask: Tensor | None,
    num_heads: int,
) -> bool:  # fmt: skip
    """Whether there is a batch; an AssertionError where the shapes do not fit."""
    _check_heads(query, key, value, num_heads, key_padding_mask, attn_mask)
    return query.dim() == 3


def _verify_batch_size(size: Any) -> None:
    """A ValueError where a batch norm would have one value for each channel."""
    if size[0] * prod(size[2:]) == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {size}"
        )


def _verify_spatial_size(size: Any) -> None:
    """A ValueError where an instance norm would have one value for each channel."""
    if prod(size[2:]) == 1:
        raise ValueError(
            f"Expected more than 1 spatial element when training, got input size {size}"
        )
