"""`rearrange`: dimensions by name, split, merged and put into another order.

The language is that of einops (Rogozhnikov, "Einops: Clear and Reliable Tensor Manipulations", 2022).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from rushlight._tensor import Tensor
from rushlight.ops.joining import stack

__all__ = ["rearrange"]

_ELLIPSIS, _BARE = "...", "... alone"


def _parsed(side: str) -> list[list[str]]:
    """The groups of a side; what stands alone is a group of one, and 1 a group of none."""
    groups: list[list[str]] = []
    opened: list[str] | None = None
    for word in re.findall(r"\.\.\.|\w+|[()]|[^\s\w()]", side):
        if word == "(":
            if opened is not None:
                raise ValueError("brackets inside of brackets are not allowed")
            opened = []
        elif word == ")":
            if opened is None:
                raise ValueError(f"brackets are not balanced in {side.strip()!r}")
            groups.append(opened)
            opened = None
        elif word == "1":
            if opened is None:
                groups.append([])
        elif word == _ELLIPSIS or (word.isidentifier() and word[0] != "_" and word[-1] != "_"):
            if opened is None:
                # The dots alone stay the dimensions that they are; in brackets they are merged.
                groups.append([_BARE if word == _ELLIPSIS else word])
            else:
                opened.append(word)
        else:
            raise ValueError(f"Invalid axis identifier: {word}")
    if opened is not None:
        raise ValueError(f"brackets are not balanced in {side.strip()!r}")
    return groups


def _names(groups: list[list[str]]) -> list[str]:
    names = [_ELLIPSIS if name == _BARE else name for group in groups for name in group]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"Indexing expression contains duplicate dimension {name!r}")
    return names


def rearrange(
    tensor: Tensor | list[Tensor] | tuple[Tensor, ...], pattern: str, **axes_lengths: int
) -> Tensor:
    """A tensor whose dimensions are named, in another order; (a b) is one dimension made of two.

    Several tensors are stacked first. axes_lengths gives sizes that the tensor alone does not tell.

    >>> import rushlight as torch
    >>> torch.func.rearrange(torch.arange(6), "(a b) -> b a", a=2)
    tensor([[0, 3],
            [1, 4],
            [2, 5]])
    """
    if not isinstance(tensor, Tensor):
        tensor = stack(tensor)
    if pattern.count("->") != 1:
        raise ValueError("Pattern must contain a single '->' separator")
    left, right = (_parsed(side) for side in pattern.split("->"))
    before, after = _names(left), _names(right)
    alone = set(before) ^ set(after)
    if alone:
        raise ValueError(
            f"Identifiers only on one side of rearrange expression (should be on both): {alone}"
        )
    unknown = set(axes_lengths) - set(before)
    if unknown:
        raise ValueError(f"Identifiers not found in rearrange expression: {unknown}")
    split, sizes = _taken_apart(tensor, left, axes_lengths)
    order = [place for name in after for place in sizes[name][0]]
    result = split.permute(order)
    shape: list[int] = []
    for group in right:
        if group == [_BARE]:
            shape += sizes[_ELLIPSIS][1]
        else:
            shape.append(math.prod(s for name in group for s in sizes[name][1]))
    return result.reshape(shape)


def _taken_apart(
    tensor: Tensor, groups: list[list[str]], given: dict[str, int]
) -> tuple[Tensor, dict[str, tuple[Sequence[int], list[int]]]]:
    """The tensor with a dimension for each name; where these are, and their sizes."""
    dotted = [_BARE] in groups
    rest = tensor.ndim - len(groups) + dotted
    if rest < 0 or (rest and not dotted):
        raise ValueError(
            f"Number of dimensions in pattern ({len(groups)}) must be equal to the number of dimensions "
            f"in the tensor ({tensor.ndim})"
        )
    shape: list[int] = []
    found: dict[str, tuple[Sequence[int], list[int]]] = {}
    dim = 0
    for group in groups:
        if group == [_BARE]:
            own = list(tensor.shape[dim : dim + rest])
            found[_ELLIPSIS] = (range(len(shape), len(shape) + rest), own)
            shape += own
            dim += rest
            continue
        size = int(tensor.shape[dim])
        open_ones = [name for name in group if name not in given]
        if len(open_ones) > 1:
            raise ValueError(
                f"cannot infer the sizes of {len(open_ones)} dimensions at once: {open_ones}"
            )
        known = math.prod(given[name] for name in group if name in given)
        if known == 0 or size % known or (not open_ones and known != size):
            raise ValueError(
                f"dimension {dim} of size {size} is not made of {tuple(given.get(n, '?') for n in group)}"
            )
        for name in group:
            own_size = given.get(name, size // known)
            found[name] = ([len(shape)], [own_size])
            shape.append(own_size)
        dim += 1
    return tensor.reshape(shape), found
