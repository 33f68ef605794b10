"""A loop over the rows of tensors that carries something along."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.ops.arguments import one_dim
from rushlight.public.torch import stack
from rushlight.utils._pytree import tree_flatten, tree_unflatten

__all__ = ["scan"]


def scan(
    combine_fn: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any,
    *,
    dim: int = 0,
    reverse: bool = False,
) -> tuple[Any, Any]:
    """What is carried at the end, and what each step gave: `carry, y = combine_fn(carry, x)`.

    init: what is carried at the beginning; xs: what the steps take, one slice along dim each. All are trees
    of tensors; what the steps gave is stacked along dim, in the order of xs.

    >>> import rushlight as torch
    >>> scan(lambda total, x: (total + x, total * x), torch.tensor(0.0), torch.arange(1.0, 4.0))
    (tensor(6.), tensor([0., 2., 9.]))
    """
    if not callable(combine_fn):
        raise RuntimeError(f"Combine_fn must be a callable, but got {combine_fn}")
    leaves, tree = tree_flatten(xs)
    if not leaves:
        return init, []
    rows = [leaf.movedim(one_dim(dim, leaf.dim()), 0) for leaf in leaves]
    given: list[Any] = []
    shape: Any = None
    steps = range(len(rows[0]))
    for step in reversed(steps) if reverse else steps:
        init, y = combine_fn(init, tree_unflatten([row[step] for row in rows], tree))
        leaves, shape = tree_flatten(y)
        given.append(leaves)
    if reverse:
        given.reverse()
    parts = [stack(part) for part in zip(*given, strict=True)]
    return init, tree_unflatten(
        [part.movedim(0, min(dim, part.dim() - 1)) for part in parts], shape
    )
