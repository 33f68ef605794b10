"""Distances and similarities of vectors."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.pretended import remember
from rushlight.autograd.state import no_grad
from rushlight.core.doors import apply, literal
from rushlight.narrow import need_wide
from rushlight.ops.arguments import (
    need_float,
    need_tensor,
    need_whole,
    relabel,
)
from rushlight.ops.composed import composed
from rushlight.ops.precision import in_single
from rushlight.ops.reduction import norm
from rushlight.ops.shape import broadcast_tensors
from rushlight.primitives.index import ARRAY, index
from rushlight.primitives.kernel import entering

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between vectors along dim; norms count as at least eps.

    >>> import rushlight as torch
    >>> torch.cosine_similarity(torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 1.0]]))
    tensor([0.7071])
    """
    need_tensor("cosine_similarity", "x1", 1, x1)
    need_tensor("cosine_similarity", "x2", 2, x2)
    dim = need_whole("cosine_similarity", "dim", 3, dim)
    eps = need_float("cosine_similarity", "eps", 4, eps)
    common = dtypes.promote_types(x1.dtype, x2.dtype)
    if not common.is_floating_point:
        raise RuntimeError(
            f"expected common dtype to be floating point, yet common dtype is {common}"
        )
    # Each in its own type, so far as that is a float: they meet in the product.
    x1, x2 = broadcast_tensors(*(x if x.is_floating_point() else x.to(common) for x in (x1, x2)))
    # Each vector is scaled by itself, which keeps huge and tiny ones exact.
    lengths = [norm(x, 2, dim, keepdim=True).clone() for x in (x1, x2)]
    with no_grad():
        # As in torch, the gradient is that of the norm also where eps stands in its place.
        for length in lengths:
            length.clamp_(min=eps)
    return (x1 / lengths[0] * (x2 / lengths[1])).sum(dim)


def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """The p-norm of x1 - x2 + eps along the last dimension."""
    need_tensor("pairwise_distance", "x1", 1, x1)
    need_tensor("pairwise_distance", "x2", 2, x2)
    p = need_float("pairwise_distance", "p", 3, p)
    difference = x1 - x2 + eps
    last = difference._data_.ndim - 1 if difference._data_.ndim else 0
    return relabel(norm(difference, p, last, keepdim=keepdim), "NormBackward1")


_MODES = (None, "use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist",
          "donot_use_mm_for_euclid_dist")  # fmt: skip


@in_single
def cdist(
    x1: Tensor,
    x2: Tensor,
    p: float = 2.0,
    compute_mode: str | int | None = "use_mm_for_euclid_dist_if_necessary",
) -> Tensor:
    """The p-norm distance between every row of x1 [..., P, M] and every row of x2 [..., R, M].

    For p = 2 and many rows it is computed through a matrix product, as torch does by default; with
    compute_mode "donot_use_mm_for_euclid_dist" always from the differences.

    >>> import rushlight as torch
    >>> torch.cdist(torch.zeros(1, 2), torch.tensor([[3.0, 4.0]]))
    tensor([[5.]])
    """
    need_tensor("cdist", "x1", 1, x1)
    need_tensor("cdist", "x2", 2, x2)
    p = need_float("cdist", "p", 3, p)
    if compute_mode not in _MODES and compute_mode not in (0, 1, 2):
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode")
    first, second = x1._data_, x2._data_
    if first.ndim < 2 or second.ndim < 2:
        which, bad = ("X1", first) if first.ndim < 2 else ("X2", second)
        raise RuntimeError(f"cdist only supports at least 2D tensors, {which} got: {bad.ndim}D")
    for name, x in (("X1", x1), ("X2", x2)):
        if x._data_.dtype.kind not in "fV":
            raise RuntimeError(f"cdist only supports floating-point dtypes, {name} got: "
                               f"{dtypes.of(x._data_.dtype)}")  # fmt: skip
    if first.shape[-1] != second.shape[-1]:
        raise RuntimeError(
            "X1 and X2 must have the same number of columns. "
            f"X1: {first.shape[-1]} X2: {second.shape[-1]}"
        )
    if not p >= 0:
        raise RuntimeError("cdist only supports non-negative p values")
    if first.dtype != second.dtype:
        raise RuntimeError(
            f"expected scalar type {dtypes.of(first.dtype).word} but found "
            f"{dtypes.of(second.dtype).word}: X1 and X2 must have one dtype"
        )
    if first.size and second.size:
        need_wide("cdist", first)
    many = first.shape[-2] > 25 or second.shape[-2] > 25
    by_product = compute_mode in (_MODES[2], 1) or (compute_mode in (None, _MODES[1], 0) and many)
    if p == 2 and by_product and first.size and second.size:
        return _by_product(x1, x2)
    kernel: dict[str, Any] = {"refused": "_cdist_backward", "error": NotImplementedError}
    left, right = entering(x1, x2, **kernel), entering(x2, x1, **kernel)
    result = relabel(_length(left.unsqueeze(-2) - right.unsqueeze(-3), p), "CdistBackward0")
    return remember(result, x1, x2)


def _length(difference: Tensor, p: float) -> Tensor:
    """The p-norm along the last dimension, which may be empty; its gradient is 0 where p is."""
    if p == 0 or not difference._data_.shape[-1]:
        still = (difference * 0).sum(-1)
        return still if not difference._data_.shape[-1] else still + norm(difference, p, -1)
    return norm(difference, p, -1)


def _by_product(x1: Tensor, x2: Tensor) -> Tensor:
    """|a - b|**2 = |a|**2 + |b|**2 - 2 a b; the root's gradient at 0 is 0."""
    squares = (x1 * x1).sum(-1, keepdim=True) + (x2 * x2).sum(-1, keepdim=True).mT
    squares = (squares - 2 * (x1 @ x2.mT)).clamp(min=0)
    apart = squares > 0
    safe = squares.where(apart, literal(np.ones((), squares._data_.dtype)))
    return relabel(safe.sqrt() * apart, "EuclideanDistBackward0")


@functools.lru_cache(maxsize=8)
def _pairs(count: int) -> Any:
    return tuple(np.array(numbers) for numbers in np.triu_indices(count, 1))


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """The p-norm distances between all pairs of rows of [N, M]: (0, 1), (0, 2), ... (N - 2, N - 1).

    >>> import rushlight as torch
    >>> torch.pdist(torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]]))
    tensor([5.0000, 1.0000, 4.2426])
    """
    need_tensor("pdist", "input", 1, input)
    if input._data_.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input._data_.ndim}D")
    if input._data_.dtype.kind not in "fV":
        raise RuntimeError("pdist only supports floating-point dtypes")
    if not p >= 0:
        raise RuntimeError("pdist only supports non-negative p values")
    need_wide("pdist", input._data_)
    return _apart(input, p=p)


@composed("PdistBackward0", 1 << 7)
def _apart(input: Tensor, *, p: float) -> Tensor:
    input = entering(input, refused="_pdist_backward", error=NotImplementedError)
    # An array of its own for each call: a recorder knows others by the graphs that they lie in.
    first, second = (literal(numbers.view()) for numbers in _pairs(input._data_.shape[0]))
    left = apply(index, input, first, spec=(ARRAY,))
    right = apply(index, input, second, spec=(ARRAY,))
    return relabel(_length(left - right, p), "PdistBackward0")
