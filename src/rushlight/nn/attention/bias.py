"""Causal masks that know which corner they are aligned with."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.errors import warn
from rushlight.nn import functional as F
from rushlight.ops.creation import ones

__all__ = ["CausalBias", "CausalVariant", "causal_lower_right", "causal_upper_left"]


class CausalVariant(IntEnum):
    """The corner in which the diagonal of a causal mask ends that is not square."""

    UPPER_LEFT = 1
    LOWER_RIGHT = 2


class CausalBias(Tensor):
    """A mask for `scaled_dot_product_attention` that says where it comes from; it is made when it is looked at.

    >>> causal_lower_right(2, 3)
    tensor([[ True,  True, False],
            [ True,  True,  True]])
    """

    variant: CausalVariant
    seq_len_q: int
    seq_len_kv: int

    def __init__(self, variant: CausalVariant, seq_len_q: int, seq_len_kv: int) -> None:
        if not isinstance(variant, CausalVariant):
            raise AssertionError(f"variant must be a CausalVariant, got {type(variant).__name__}")
        self.variant = variant
        self.seq_len_q = seq_len_q
        self.seq_len_kv = seq_len_kv
        if seq_len_q > seq_len_kv and variant is CausalVariant.LOWER_RIGHT:
            warn(
                "Lower right causal bias will produce NaNs in the output when seq_len_q > seq_len_kv!"
            )

    def _materialize(self, device: Any = None) -> Tensor:
        """The mask as an ordinary tensor of truth values."""
        lower = self.variant is CausalVariant.LOWER_RIGHT
        offset = self.seq_len_kv - self.seq_len_q if lower else 0
        return ones(self.seq_len_q, self.seq_len_kv, dtype=dtypes.bool_, device=device).tril(offset)

    @classmethod
    def __torch_function__(
        cls, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__name__", "") != "scaled_dot_product_attention":
            return super().__torch_function__(func, types, args, kwargs)
        return _attend(*args, **kwargs)

    def __repr__(self, *, tensor_contents: str | None = None) -> str:  # type: ignore[override]
        return repr(self._materialize())


def _attend(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Any = None, dropout_p: float = 0.0,
    is_causal: bool = False, scale: float | None = None, enable_gqa: bool = False,
) -> Any:  # fmt: skip
    if is_causal:
        raise ValueError("CausalBias should not be used with causal=True")
    square = attn_mask.seq_len_q == attn_mask.seq_len_kv
    causal = square or attn_mask.variant is CausalVariant.UPPER_LEFT
    mask = None if causal else attn_mask._materialize(query.device)
    return F.scaled_dot_product_attention(
        query, key, value, mask, dropout_p, causal, scale, enable_gqa
    )


def causal_upper_left(*size: int) -> CausalBias:
    """The mask of shape (rows, columns) whose diagonal begins at the upper left corner."""
    return CausalBias(CausalVariant.UPPER_LEFT, *_two(size))


def causal_lower_right(*size: int) -> CausalBias:
    """The mask of shape (rows, columns) whose diagonal ends at the lower right corner."""
    return CausalBias(CausalVariant.LOWER_RIGHT, *_two(size))


def _two(size: tuple[int, ...]) -> tuple[int, int]:
    if len(size) != 2:
        raise AssertionError(f"causal masks only support 2D tensors, got {len(size)}D")
    return size[0], size[1]
