"""Padding layers: a mode and a rank each."""

from __future__ import annotations

from collections.abc import Sequence

from rushlight._tensor import Tensor
from rushlight.nn import functional as F
from rushlight.nn.modules.module import Module
from rushlight.nn.modules.utils import _ntuple, _pair, _quadruple

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]

Padding = int | Sequence[int]

_both_sides = {1: _pair, 2: _quadruple, 3: _ntuple(6)}


class _Pad(Module):
    """Pads the last dimensions; padding is one number, or (left, right, top, bottom, ...)."""

    __shown__ = "*padding"

    rank: int
    mode: str
    padding: tuple[int, ...]

    def __init__(self, padding: Padding) -> None:
        super().__init__()
        self.padding = _both_sides[self.rank](padding)

    def forward(self, input: Tensor) -> Tensor:
        """The input with margins."""
        return F.pad(input, self.padding, self.mode)


class _CircularPadNd(_Pad):
    __constants__ = ["padding"]
    mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        """The input with margins taken from the other side."""
        if input.dim() not in (self.rank + 1, self.rank + 2):
            raise ValueError(
                f"expected {self.rank + 1}D or {self.rank + 2}D input (got {input.dim()}D input)"
            )
        return super().forward(input)


class CircularPad1d(_CircularPadNd):
    """Margins of (N, C, L) from the opposite side.

    >>> import rushlight as torch
    >>> torch.nn.CircularPad1d(1)(torch.tensor([[1.0, 2.0, 3.0]]))
    tensor([[3., 1., 2., 3., 1.]])
    """

    rank = 1


class CircularPad2d(_CircularPadNd):
    """Margins of (N, C, H, W) from the opposite side."""

    rank = 2


class CircularPad3d(_CircularPadNd):
    """Margins of (N, C, D, H, W) from the opposite side."""

    rank = 3


class _ConstantPadNd(_Pad):
    __constants__ = ["padding", "value"]
    __shown__ = "padding value"
    mode = "constant"
    value: float

    def __init__(self, padding: Padding, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        """The input with margins of value."""
        return F.pad(input, self.padding, "constant", self.value)


class ConstantPad1d(_ConstantPadNd):
    """Margins of (N, C, L) with one value."""

    rank = 1


class ConstantPad2d(_ConstantPadNd):
    """Margins of (N, C, H, W) with one value."""

    __constants__ = ["padding", "value"]

    rank = 2


class ConstantPad3d(_ConstantPadNd):
    """Margins of (N, C, D, H, W) with one value."""

    rank = 3


class _ReflectionPadNd(_Pad):
    __constants__ = ["padding"]
    mode = "reflect"


class ReflectionPad1d(_ReflectionPadNd):
    """Margins of (N, C, L) that mirror the input, without its edge."""

    rank = 1


class ReflectionPad2d(_ReflectionPadNd):
    """Margins of (N, C, H, W) that mirror the input, without its edge."""

    rank = 2


class ReflectionPad3d(_ReflectionPadNd):
    """Margins of (N, C, D, H, W) that mirror the input, without its edge."""

    rank = 3


class _ReplicationPadNd(_Pad):
    __constants__ = ["padding"]
    mode = "replicate"


class ReplicationPad1d(_ReplicationPadNd):
    """Margins of (N, C, L) that repeat the edge."""

    rank = 1


class ReplicationPad2d(_ReplicationPadNd):
    """Margins of (N, C, H, W) that repeat the edge."""

    rank = 2


class ReplicationPad3d(_ReplicationPadNd):
    """Margins of (N, C, D, H, W) that repeat the edge."""

    rank = 3


class _ZeroPadNd(_ConstantPadNd):
    __shown__ = "*padding"

    def __init__(self, padding: Padding) -> None:
        super().__init__(padding, 0.0)


class ZeroPad1d(_ZeroPadNd):
    """Margins of (N, C, L) with zeros."""

    rank = 1


class ZeroPad2d(_ZeroPadNd):
    """Margins of (N, C, H, W) with zeros."""

    __constants__ = ["padding", "value"]

    rank = 2


class ZeroPad3d(_ZeroPadNd):
    """Margins of (N, C, D, H, W) with zeros."""

    rank = 3
