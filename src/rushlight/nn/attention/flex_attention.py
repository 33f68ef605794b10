"""Attention whose scores a function changes, and of which a mask leaves some out: computed as it is written."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from rushlight._tensor import Tensor
from rushlight.nn.functional import softmax
from rushlight.ops.comparison import where
from rushlight.ops.creation import scalar_tensor
from rushlight.ops.ranges import arange
from rushlight.ops.reduction import logsumexp

__all__ = [
    "BlockMask",
    "and_masks",
    "create_block_mask",
    "create_mask",
    "flex_attention",
    "noop_mask",
    "or_masks",
]

_DEFAULT_SPARSE_BLOCK_SIZE = 128
_mask_mod_signature = _score_mod_signature = Callable[..., Any]


class AuxRequest(NamedTuple):
    """What else is asked for."""

    lse: bool = False
    max_scores: bool = False


class AuxOutput(NamedTuple):
    """What else was asked for: the logarithm of the sums, and the largest scores."""

    lse: Any = None
    max_scores: Any = None


def noop_mask(batch: Any, head: Any, token_q: Any, token_kv: Any) -> Any:
    """Nothing is left out."""
    return token_q == token_q


def and_masks(*mask_mods: Callable[..., Any]) -> Callable[..., Any]:
    """What all masks leave in."""

    def mask(*places: Any) -> Any:
        kept = mask_mods[0](*places)
        for other in mask_mods[1:]:
            kept = kept & other(*places)
        return kept

    return mask


def or_masks(*mask_mods: Callable[..., Any]) -> Callable[..., Any]:
    """What one of the masks leaves in."""

    def mask(*places: Any) -> Any:
        kept = mask_mods[0](*places)
        for other in mask_mods[1:]:
            kept = kept | other(*places)
        return kept

    return mask


def _places(batch: int, heads: int, queries: int, keys: int) -> tuple[Any, ...]:
    """The four indices of a score, which spread over each other."""
    sizes = (batch, heads, queries, keys)
    return tuple(
        arange(n).reshape([-1 if i == j else 1 for j in range(4)]) for i, n in enumerate(sizes)
    )


class BlockMask:
    """Which scores count; torch knows of whole blocks that do not."""

    def __init__(
        self, mask_mod: Callable[..., Any], shape: tuple[int, int, int, int], block_size: Any
    ) -> None:
        self.mask_mod = mask_mod
        self.shape = shape
        self.BLOCK_SIZE = (block_size, block_size) if isinstance(block_size, int) else block_size
        self.seq_lengths = shape[2:]

    def numel(self) -> int:
        """How many scores there are."""
        return math.prod(self.shape)

    def sparsity(self) -> float:
        """How many in a hundred do not count."""
        kept = create_mask(self.mask_mod, *self.shape)
        return float(100 * (1 - kept.float().mean()))

    def to(self, device: Any) -> BlockMask:
        """The mask itself."""
        return self

    def __repr__(self) -> str:
        return f"BlockMask(shape={self.shape}, block_size={self.BLOCK_SIZE})"


def create_mask(
    mod_fn: Callable[..., Any],
    B: int | None,
    H: int | None,
    Q_LEN: int,
    KV_LEN: int,
    device: Any = None,
) -> Any:
    """A tensor of bools: which scores count."""
    shape = (B or 1, H or 1, Q_LEN, KV_LEN)
    return mod_fn(*_places(*shape)).expand(shape)


def create_block_mask(
    mask_mod: Callable[..., Any],
    B: int | None,
    H: int | None,
    Q_LEN: int,
    KV_LEN: int,
    device: Any = None,
    BLOCK_SIZE: Any = _DEFAULT_SPARSE_BLOCK_SIZE,
    **options: Any,
) -> BlockMask:
    """A mask of the scores of which mask_mod(batch, head, query, key) is true."""
    return BlockMask(mask_mod, (B or 1, H or 1, Q_LEN, KV_LEN), BLOCK_SIZE)


def flex_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    score_mod: Callable[..., Any] | None = None,
    block_mask: BlockMask | None = None,
    scale: float | None = None,
    enable_gqa: bool = False,
    return_lse: bool = False,
    kernel_options: Any = None,
    *,
    return_aux: AuxRequest | None = None,
) -> Any:
    """softmax(score_mod(query @ key.mT * scale)) @ value, of (batch, heads, length, width).

    score_mod(score, batch, head, query, key) is called once, with indices that spread over each other.

    >>> import rushlight as torch
    >>> q, k, v = torch.randn(3, 1, 2, 4, 8)
    >>> out = flex_attention(q, k, v, lambda s, b, h, i, j: torch.where(i >= j, s, -torch.inf))
    >>> torch.allclose(out, torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True), atol=1e-6)
    True
    """
    q, k, v = query, key, value
    if enable_gqa:
        group = q.shape[1] // k.shape[1]
        k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
    scores: Any = q @ k.mT * (1 / math.sqrt(q.shape[-1]) if scale is None else scale)
    places = _places(*scores.shape)
    if score_mod is not None:
        scores = score_mod(scores, *places)
    if block_mask is not None:
        scores = where(
            block_mask.mask_mod(*places), scores, scalar_tensor(-math.inf, dtype=scores.dtype)
        )
    # A query without keys has no weights, and gives 0.
    out = softmax(scores, -1).nan_to_num(0.0) @ v
    if return_aux is not None:
        most = scores.amax(-1) if return_aux.max_scores else None
        return out, AuxOutput(logsumexp(scores, -1) if return_aux.lse else None, most)
    return (out, logsumexp(scores, -1)) if return_lse else out
