"""All the beginnings of a sequence, combined by an operation that is associative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.ops.arguments import one_dim
from rushlight.public.torch import cat, stack
from rushlight.utils._pytree import tree_flatten, tree_unflatten

__all__ = ["associative_scan"]


def associative_scan(
    combine_fn: Callable[[Any, Any], Any],
    xs: Any,
    dim: int,
    reverse: bool = False,
    combine_mode: str = "pointwise",
) -> Any:
    """x[0], x[0] * x[1], x[0] * x[1] * x[2], ... along dim, where a * b is combine_fn(a, b).

    xs: a tensor, or any tree of them that combine_fn takes and returns. Pairs are combined first, as in
    G. E. Blelloch, "Prefix sums and their applications", 1990: 2 log n calls for n elements.

    >>> import operator, rushlight as torch
    >>> associative_scan(operator.mul, torch.arange(1, 5), 0, combine_mode="generic")
    tensor([ 1,  2,  6, 24])
    """
    if not callable(combine_fn):
        raise ValueError(f"Combine_fn must be a callable, but got {combine_fn}")
    if combine_mode not in ("pointwise", "generic"):
        raise ValueError(
            f"Combine_mode must either 'pointwise' or 'generic', but got {combine_mode}"
        )
    leaves, tree = tree_flatten(xs)
    if not leaves:
        raise ValueError("associative_scan: xs must hold at least one tensor")
    if combine_mode == "pointwise":
        raise ValueError(
            "For combine_mode='pointwise', all input tensors need to be on CUDA or XPU"
        )
    place = one_dim(dim, leaves[0].dim())

    def combined(left: list[Any], right: list[Any]) -> list[Any]:
        return tree_flatten(combine_fn(tree_unflatten(left, tree), tree_unflatten(right, tree)))[0]

    first = [leaf.movedim(place, 0) for leaf in leaves]
    if reverse:
        first = [leaf.flip(0) for leaf in first]
    scanned = _scan(combined, first)
    if reverse:
        scanned = [leaf.flip(0) for leaf in scanned]
    return tree_unflatten([leaf.movedim(0, place) for leaf in scanned], tree)


def _scan(combined: Callable[[list[Any], list[Any]], list[Any]], xs: list[Any]) -> list[Any]:
    """Of rows: those of odd number are the scan of pairs, and each other one adds its own to the one before."""
    length = len(xs[0])
    if length < 2:
        return xs
    odd = _scan(combined, combined([x[0:-1:2] for x in xs], [x[1::2] for x in xs]))
    rest = [x[2::2] for x in xs]
    even = combined([x[: len(y)] for x, y in zip(odd, rest, strict=True)], rest)
    even = [cat([x[:1], y]) for x, y in zip(xs, even, strict=True)]
    pairs = [stack([x[: len(y)], y], 1).flatten(0, 1) for x, y in zip(even, odd, strict=True)]
    return [cat([p, x[-1:]]) for p, x in zip(pairs, even, strict=True)] if length % 2 else pairs
