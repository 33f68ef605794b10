"""Pooling layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rushlight._tensor import Tensor
from rushlight.nn import functional as F
from rushlight.nn.modules.module import Module
from rushlight.nn.modules.utils import _ntuple, _pair, _single, _triple

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "FractionalMaxPool2d",
    "FractionalMaxPool3d",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
]

Size = int | Sequence[int]


class _MaxPoolNd(Module):
    """The largest element under a window; with return_indices also where it was."""

    __constants__ = [
        "kernel_size",
        "stride",
        "padding",
        "dilation",
        "return_indices",
        "ceil_mode",
    ]

    __shown__ = "kernel_size stride padding dilation ceil_mode"

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def _pool(self, function: Callable[..., Any], input: Tensor) -> Any:
        return function(
            input, self.kernel_size, self.stride, self.padding, self.dilation,
            ceil_mode=self.ceil_mode, return_indices=self.return_indices,
        )  # fmt: skip


class MaxPool1d(_MaxPoolNd):
    """The maximum of windows of (N, C, L) or (C, L)."""

    def forward(self, input: Tensor) -> Any:
        """(N, C, L) to (N, C, L')."""
        return self._pool(F.max_pool1d, input)


class MaxPool2d(_MaxPoolNd):
    """The maximum of windows of (N, C, H, W) or (C, H, W).

    >>> import rushlight as torch
    >>> torch.nn.MaxPool2d(2)(torch.ones(1, 3, 8, 8)).shape
    torch.Size([1, 3, 4, 4])
    """

    def forward(self, input: Tensor) -> Any:
        """(N, C, H, W) to (N, C, H', W')."""
        return self._pool(F.max_pool2d, input)


class MaxPool3d(_MaxPoolNd):
    """The maximum of windows of (N, C, D, H, W) or (C, D, H, W)."""

    def forward(self, input: Tensor) -> Any:
        """(N, C, D, H, W) to (N, C, D', H', W')."""
        return self._pool(F.max_pool3d, input)


class _MaxUnpoolNd(Module):
    """Puts maxima back to where they were; zeros elsewhere."""

    __shown__ = "kernel_size stride padding"

    each = staticmethod(_single)
    unpool: Callable[..., Tensor]

    def __init__(self, kernel_size: Size, stride: Size | None = None, padding: Size = 0) -> None:
        super().__init__()
        self.kernel_size = self.each(kernel_size)
        self.stride = self.each(kernel_size if stride is None else stride)
        self.padding = self.each(padding)

    def forward(
        self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None
    ) -> Tensor:
        """Each element of input to the place that its index names."""
        return self.unpool(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool1d(_MaxUnpoolNd):
    """Undoes MaxPool1d with the indices that it returned: (N, C, L) to (N, C, L')."""

    unpool = staticmethod(F.max_unpool1d)


class MaxUnpool2d(_MaxUnpoolNd):
    """Undoes MaxPool2d with the indices that it returned: (N, C, H, W) to (N, C, H', W')."""

    each = staticmethod(_pair)
    unpool = staticmethod(F.max_unpool2d)


class MaxUnpool3d(_MaxUnpoolNd):
    """Undoes MaxPool3d with the indices that it returned: (N, C, D, H, W) to (N, C, D', H', W')."""

    each = staticmethod(_triple)
    unpool = staticmethod(F.max_unpool3d)


class _AvgPoolNd(Module):
    __constants__ = ["kernel_size", "stride", "padding", "ceil_mode", "count_include_pad"]
    __shown__ = "kernel_size stride padding"
    kernel_size: Any
    stride: Any
    padding: Any


class AvgPool1d(_AvgPoolNd):
    """The mean of windows of (N, C, L) or (C, L)."""

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = _single(kernel_size)
        self.stride = _single(kernel_size if stride is None else stride)
        self.padding = _single(padding)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, L) to (N, C, L')."""
        return F.avg_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode,
            self.count_include_pad,
        )  # fmt: skip


class AvgPool2d(_AvgPoolNd):
    """The mean of windows of (N, C, H, W) or (C, H, W)."""

    __constants__ = [
        "kernel_size",
        "stride",
        "padding",
        "ceil_mode",
        "count_include_pad",
        "divisor_override",
    ]

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        # An empty stride means the kernel size too: old programs write stride=().
        self.stride = kernel_size if stride is None or stride == () else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def _pool(self, function: Callable[..., Any], input: Tensor) -> Tensor:
        return function(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode,
            self.count_include_pad, self.divisor_override,
        )  # fmt: skip

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W')."""
        return self._pool(F.avg_pool2d, input)


class AvgPool3d(AvgPool2d):
    """The mean of windows of (N, C, D, H, W) or (C, D, H, W)."""

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, D, H, W) to (N, C, D', H', W')."""
        return self._pool(F.avg_pool3d, input)


class _FractionalMaxPoolNd(Module):
    """The maximum of windows whose places are drawn at random (Graham 2014)."""

    rank: int
    __constants__ = ["kernel_size", "return_indices", "output_size", "output_ratio"]

    def __init__(
        self,
        kernel_size: Size,
        output_size: Size | None = None,
        output_ratio: float | Sequence[float] | None = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        each = _ntuple(self.rank)
        name = type(self).__name__
        if (isinstance(kernel_size, int) and kernel_size <= 0) or (
            not isinstance(kernel_size, int) and any(size <= 0 for size in kernel_size)
        ):
            raise ValueError(f"kernel_size must be greater than zero, but got {kernel_size}")
        self.kernel_size = each(kernel_size)
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = None if output_size is None else each(output_size)
        self.output_ratio = None if output_ratio is None else each(output_ratio)
        if self.output_size is None and self.output_ratio is None:
            raise ValueError(
                f"{name} requires specifying either an output size, or a pooling ratio"
            )
        if self.output_size is not None and self.output_ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        if self.output_ratio is not None and not all(0 < r < 1 for r in self.output_ratio):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")

    def _pool(self, function: Callable[..., Any], input: Tensor) -> Any:
        return function(
            input, self.kernel_size, self.output_size, self.output_ratio, self.return_indices,
            _random_samples=self._random_samples,
        )  # fmt: skip


class FractionalMaxPool2d(_FractionalMaxPoolNd):
    """The maximum of randomly placed windows of (N, C, H, W)."""

    rank = 2

    def forward(self, input: Tensor) -> Any:
        """(N, C, H, W) to (N, C, H', W')."""
        return self._pool(F.fractional_max_pool2d, input)


class FractionalMaxPool3d(_FractionalMaxPoolNd):
    """The maximum of randomly placed windows of (N, C, D, H, W)."""

    rank = 3

    def forward(self, input: Tensor) -> Any:
        """(N, C, D, H, W) to (N, C, D', H', W')."""
        return self._pool(F.fractional_max_pool3d, input)


class _LPPoolNd(Module):
    """The p-norm of windows."""

    __constants__ = ["norm_type", "kernel_size", "stride", "ceil_mode"]

    __shown__ = "norm_type kernel_size stride ceil_mode"

    def __init__(
        self,
        norm_type: float,
        kernel_size: Size,
        stride: Size | None = None,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def _pool(self, function: Callable[..., Any], input: Tensor) -> Tensor:
        return function(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


class LPPool1d(_LPPoolNd):
    """The p-norm of windows of (N, C, L)."""

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, L) to (N, C, L')."""
        return self._pool(F.lp_pool1d, input)


class LPPool2d(_LPPoolNd):
    """The p-norm of windows of (N, C, H, W)."""

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W')."""
        return self._pool(F.lp_pool2d, input)


class LPPool3d(_LPPoolNd):
    """The p-norm of windows of (N, C, D, H, W)."""

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, D, H, W) to (N, C, D', H', W')."""
        return self._pool(F.lp_pool3d, input)


class _AdaptiveAvgPoolNd(Module):
    """Means of windows that are laid out to give this output size."""

    __constants__ = ["output_size"]

    __shown__ = "output_size"

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size


class AdaptiveAvgPool1d(_AdaptiveAvgPoolNd):
    """Means of (N, C, L), output_size of them."""

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, L) to (N, C, output_size)."""
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd):
    """Means of (N, C, H, W) in an output_size grid; None keeps a dimension.

    >>> import rushlight as torch
    >>> torch.nn.AdaptiveAvgPool2d((None, 1))(torch.ones(1, 3, 8, 9)).shape
    torch.Size([1, 3, 8, 1])
    """

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, *output_size)."""
        return F.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveAvgPool3d(_AdaptiveAvgPoolNd):
    """Means of (N, C, D, H, W) in an output_size grid; None keeps a dimension."""

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, D, H, W) to (N, C, *output_size)."""
        return F.adaptive_avg_pool3d(input, self.output_size)


class _AdaptiveMaxPoolNd(Module):
    """Maxima of windows that are laid out to give this output size."""

    __constants__ = ["output_size", "return_indices"]

    __shown__ = "output_size"

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices


class AdaptiveMaxPool1d(_AdaptiveMaxPoolNd):
    """Maxima of (N, C, L), output_size of them."""

    def forward(self, input: Tensor) -> Any:
        """(N, C, L) to (N, C, output_size)."""
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd):
    """Maxima of (N, C, H, W) in an output_size grid; None keeps a dimension."""

    def forward(self, input: Tensor) -> Any:
        """(N, C, H, W) to (N, C, *output_size)."""
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd):
    """Maxima of (N, C, D, H, W) in an output_size grid; None keeps a dimension."""

    def forward(self, input: Tensor) -> Any:
        """(N, C, D, H, W) to (N, C, *output_size)."""
        return F.adaptive_max_pool3d(input, self.output_size, self.return_indices)
