"""What is left out of networks at random: whole branches, and blocks of feature maps."""

from __future__ import annotations

from typing import Any

from rushlight import nn
from rushlight._tensor import Tensor
from rushlight.nn.functional import max_pool2d, max_pool3d, pad


def _need_probability(p: float, end: str = "") -> None:
    if p < 0.0 or p > 1.0:
        raise ValueError(f"drop probability has to be between 0 and 1, but got {p}{end}")


def stochastic_depth(input: Tensor, p: float, mode: str, training: bool = True) -> Tensor:
    """The whole input ("batch"), or its rows ("row"), zero with probability p; scaled up else.

    G. Huang and others, "Deep networks with stochastic depth", 2016.
    """
    _need_probability(p)
    if mode not in ("batch", "row"):
        raise ValueError(f"mode has to be either 'batch' or 'row', but got {mode}")
    if not training or p == 0.0:
        return input
    kept = 1.0 - p
    rows = input.shape[0] if mode == "row" else 1
    noise = input.new_empty((rows, *(1,) * (input.ndim - 1))).bernoulli_(kept)
    return input * (noise.div_(kept) if kept > 0.0 else noise)


class StochasticDepth(nn.Module):
    """`stochastic_depth` as a module."""

    def __init__(self, p: float, mode: str) -> None:
        super().__init__()
        self.p, self.mode = p, mode

    def forward(self, input: Tensor) -> Tensor:
        """input: of any shape."""
        return stochastic_depth(input, self.p, self.mode, self.training)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p}, mode={self.mode})"


def _drop_block(
    input: Any, dims: int, p: float, block_size: int, inplace: bool, eps: float, training: bool
) -> Any:
    _need_probability(p, ".")
    if input.ndim != dims + 2:
        raise ValueError(f"input should be {dims + 2} dimensional. Got {input.ndim} dimensions.")
    if not training or p == 0.0:
        return input
    sizes = input.shape[2:]
    block = min(block_size, *sizes)
    if block % 2 == 0:
        raise ValueError(f"block size should be odd. Got {block} which is even.")
    inner = [size - block + 1 for size in sizes]
    whole, room = 1, 1
    for size, left in zip(sizes, inner, strict=True):
        whole, room = whole * size, room * left
    # So many centres that about a share p is covered by blocks.
    noise = input.new_empty((*input.shape[:2], *inner))
    noise.bernoulli_(p * whole / (block**dims * room))
    noise = pad(noise, [block // 2] * (2 * dims), value=0)
    pooled = (max_pool2d if dims == 2 else max_pool3d)(noise, block, 1, block // 2)
    kept = 1 - pooled
    scale = kept.numel() / (eps + kept.sum())
    return input.mul_(kept).mul_(scale) if inplace else input * kept * scale


def drop_block2d(
    input: Tensor,
    p: float,
    block_size: int,
    inplace: bool = False,
    eps: float = 1e-6,
    training: bool = True,
) -> Tensor:
    """Squares of maps (n, c, h, w) zero, of about a share p; the rest scaled up.

    G. Ghiasi, T. Lin, Q. Le, "DropBlock", 2018.
    """
    return _drop_block(input, 2, p, block_size, inplace, eps, training)


def drop_block3d(
    input: Tensor,
    p: float,
    block_size: int,
    inplace: bool = False,
    eps: float = 1e-6,
    training: bool = True,
) -> Tensor:
    """Cubes of volumes (n, c, d, h, w) zero, of about a share p; the rest scaled up."""
    return _drop_block(input, 3, p, block_size, inplace, eps, training)


class DropBlock2d(nn.Module):
    """`drop_block2d` as a module."""

    dims = 2

    def __init__(self, p: float, block_size: int, inplace: bool = False, eps: float = 1e-6) -> None:
        super().__init__()
        self.p, self.block_size, self.inplace, self.eps = p, block_size, inplace, eps

    def forward(self, input: Tensor) -> Any:
        """input: (n, c, h, w), or (n, c, d, h, w)."""
        options = self.p, self.block_size, self.inplace, self.eps, self.training
        return _drop_block(input, self.dims, *options)

    def __repr__(self) -> str:
        shown = f"p={self.p}, block_size={self.block_size}, inplace={self.inplace}"
        return f"{type(self).__name__}({shown})"


class DropBlock3d(DropBlock2d):
    """`drop_block3d` as a module."""

    dims = 3
