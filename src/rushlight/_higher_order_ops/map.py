"""A function of each row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.public.torch import stack
from rushlight.utils._pytree import tree_flatten, tree_unflatten

__all__ = ["map"]


def map(f: Callable[..., Any], xs: Any, *args: Any) -> Any:
    """f(x, *args) for each row x of a tensor, or of a tree of them, stacked in a new first dimension.

    >>> import rushlight as torch
    >>> map(lambda x, y: x * y, torch.arange(3.0), torch.tensor(2.0))
    tensor([0., 2., 4.])
    """
    leaves, tree = tree_flatten(xs)
    if not leaves or not len(leaves[0]):
        raise RuntimeError(
            "map() cannot be called without rows: xs has no elements along dimension 0"
        )
    given = [
        tree_flatten(f(tree_unflatten(list(row), tree), *args)) for row in zip(*leaves, strict=True)
    ]
    parts = zip(*(flat for flat, _ in given), strict=True)
    return tree_unflatten([stack(part) for part in parts], given[0][1])
