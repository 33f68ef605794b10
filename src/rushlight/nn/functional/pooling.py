"""Pooling: windows of one, two and three dimensions reduced to their maximum, mean or p-norm."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import random
from rushlight.core.doors import apply, check, draw, literal
from rushlight.ops import pooling as ops
from rushlight.ops.arguments import need_tensor, size_at, write_out
from rushlight.ops.conversion import following
from rushlight.ops.pooling import (
    Ints,
    Sizes,
    as_ints,
)
from rushlight.ops.precision import in_single
from rushlight.primitives.families import FLOAT, supported
from rushlight.primitives.index import ARRAY, put
from rushlight.primitives.kernel import entering
from rushlight.primitives.pooling import fractional_positions
from rushlight.settings import alert_not_deterministic

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

# What differs between one, two and three dimensions is a number, so each function here is made
# from that number.


def assert_int_or_pair(arg: list[int], arg_name: str, message: str) -> None:
    """Raise an AssertionError with the message unless arg is a number or two."""
    if not (isinstance(arg, int) or len(arg) == 2):
        raise AssertionError(message.format(arg_name))


def _named(function: Callable[..., Any], name: str, what: str) -> Callable[..., Any]:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = what
    return in_single(function) if name in _IN_SINGLE else function


# What autocast computes in float32, as in torch.
_IN_SINGLE = {
    "adaptive_avg_pool3d", "adaptive_max_pool3d", "avg_pool3d", "fractional_max_pool2d",
    "fractional_max_pool3d", "max_pool3d", "max_unpool1d", "max_unpool2d", "max_unpool3d",
}  # fmt: skip


_LAYOUT = {1: "[N, C, L] or [C, L]", 2: "[N, C, H, W] or [C, H, W]",
           3: "[N, C, D, H, W] or [C, D, H, W]"}  # fmt: skip


def _max_pool(dims: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    name = f"max_pool{dims}d"

    def with_indices(
        input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
        dilation: Ints = 1, ceil_mode: bool = False, return_indices: bool = False,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        return ops.max_pool(
            name, dims, input, kernel_size, stride, padding, dilation, ceil_mode, with_indices=True
        )

    def pool(
        input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
        dilation: Ints = 1, ceil_mode: bool = False, return_indices: bool = False,
    ) -> Any:  # fmt: skip
        return ops.max_pool(
            name, dims, input, kernel_size, stride, padding, dilation, ceil_mode,
            with_indices=return_indices,
        )  # fmt: skip

    what = f"The largest element of every window of {_LAYOUT[dims]}"
    return (
        _named(pool, name, f"{what}; with return_indices also where in its plane it stands."),
        _named(with_indices, f"{name}_with_indices", f"{what}, and where in its plane it stands."),
    )


max_pool1d, max_pool1d_with_indices = _max_pool(1)
max_pool2d, max_pool2d_with_indices = _max_pool(2)
max_pool3d, max_pool3d_with_indices = _max_pool(3)


def _avg_pool(dims: int) -> Callable[..., Tensor]:
    name = f"avg_pool{dims}d"

    def pool(
        input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
        ceil_mode: bool = False, count_include_pad: bool = True,
        divisor_override: int | None = None, *, out: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        result = ops.avg_pool(
            name, dims, input, kernel_size, stride, padding, ceil_mode, count_include_pad,
            divisor_override,
        )  # fmt: skip
        return result if out is None else write_out(out, result)

    return _named(pool, name, f"The mean of every window of {_LAYOUT[dims]}.")


avg_pool2d, avg_pool3d = _avg_pool(2), _avg_pool(3)


def _adaptive_avg_pool(dims: int) -> Callable[..., Tensor]:
    name = f"adaptive_avg_pool{dims}d"

    def pool(input: Tensor, output_size: Sizes) -> Tensor:
        return ops.adaptive_avg_pool(name, dims, input, output_size)

    what = f"The means of cells that divide {_LAYOUT[dims]} into output_size; None keeps a size."
    return _named(pool, name, what)


adaptive_avg_pool2d, adaptive_avg_pool3d = _adaptive_avg_pool(2), _adaptive_avg_pool(3)


def _adaptive_max_pool(dims: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    name = f"adaptive_max_pool{dims}d"

    def with_indices(
        input: Tensor, output_size: Sizes, return_indices: bool = False
    ) -> tuple[Tensor, Tensor]:
        return ops.adaptive_max_pool(name, dims, input, output_size)

    def pool(input: Tensor, output_size: Sizes, return_indices: bool = False) -> Any:
        both = ops.adaptive_max_pool(name, dims, input, output_size)
        return both if return_indices else both[0]

    what = f"The largest elements of cells that divide {_LAYOUT[dims]} into output_size"
    return (
        _named(pool, name, f"{what}; with return_indices also where they stand."),
        _named(with_indices, f"{name}_with_indices", f"{what}, and where they stand."),
    )


adaptive_max_pool1d, adaptive_max_pool1d_with_indices = _adaptive_max_pool(1)
adaptive_max_pool2d, adaptive_max_pool2d_with_indices = _adaptive_max_pool(2)
adaptive_max_pool3d, adaptive_max_pool3d_with_indices = _adaptive_max_pool(3)


def _lp_pool(dims: int) -> Callable[..., Tensor]:
    name = f"lp_pool{dims}d"

    def pool(
        input: Tensor, norm_type: float, kernel_size: Ints, stride: Ints | None = None,
        ceil_mode: bool = False,
    ) -> Tensor:  # fmt: skip
        # torch multiplies the kernel's sizes before any pooling sees them.
        sizes = len(kernel_size) if isinstance(kernel_size, Sequence) else dims
        if dims == 1 == sizes and isinstance(kernel_size, Sequence):
            raise TypeError(f"{name}(): kernel_size must be int, not {type(kernel_size).__name__}")
        if 1 < dims != sizes:
            raise ValueError(
                f"{name}(): kernel_size must be an int or {dims} of them, got {kernel_size}"
            )
        if norm_type == float("inf"):
            return ops.max_pool(name, dims, input.abs(), kernel_size, stride, ceil_mode=ceil_mode)
        need_tensor(name, "input", 1, input)
        powers = input**norm_type
        mean = ops.avg_pool(f"avg_pool{dims}d", dims, powers, kernel_size, stride, 0, ceil_mode)
        elements = float(np.prod(as_ints(name, "kernel_size", kernel_size, dims)))
        return (mean.sign() * mean.abs().relu() * elements) ** (1.0 / norm_type)

    what = f"The norm_type-norm of every window of {_LAYOUT[dims]}, without taking absolute values."
    return _named(pool, name, what)


lp_pool1d, lp_pool2d, lp_pool3d = _lp_pool(1), _lp_pool(2), _lp_pool(3)

# ---- fractional ---------------------------------------------------------------------------------


def _fractional(
    name: str, dims: int, input: Tensor, kernel_size: Ints, output_size: Any, output_ratio: Any,
    samples: Tensor | None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    need_tensor(name, "input", 1, input)
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    if output_size is None and dims == 2 and not isinstance(output_ratio, Sequence):
        raise TypeError(f"object of type '{type(output_ratio).__name__}' has no len()")
    size_at(input, -1 - dims)
    shape = input._data_.shape
    if len(shape) not in (dims + 1, dims + 2) or 0 in shape[1:]:
        raise RuntimeError(
            f"{name}(): Expected {dims + 1}D or {dims + 2}D tensor with non-empty planes, but got: "
            f"{list(shape)}"
        )
    supported(name, FLOAT, [input._data_])
    kernel, size = as_ints(name, "kernel_size", kernel_size, dims), shape[-dims:]
    if output_size is None:
        ratios = (
            tuple(output_ratio) if isinstance(output_ratio, Sequence) else (output_ratio,) * dims
        )
        if any(not 0 < ratio < 1 for ratio in ratios):
            raise RuntimeError(f"{name}: output_ratio must be between 0 and 1 (got {output_ratio})")
        output_size = tuple(int(n * ratio) for n, ratio in zip(size, ratios, strict=True))
    counts = as_ints(name, "output_size", output_size, dims)
    for n, k, count in zip(size, kernel, counts, strict=True):
        # In three dimensions torch wants one more element than the windows take.
        if count + k - 1 > n - (dims == 3):
            raise RuntimeError(
                f"{name}(): pool size {k} too large relative to input size {n}: {count} windows of "
                "that size do not fit"
            )
    input = entering(input)
    batched = input if len(shape) == dims + 2 else input.unsqueeze(0)
    lead = (*batched._data_.shape[:2], dims)
    if samples is not None and batched is not input:
        samples = samples[:1]
    if samples is None:
        samples = draw(random.uniform, None, shape=lead, dtype=input._data_.dtype)
    elif samples._data_.shape != lead:
        raise RuntimeError(
            f"{name}: Expect _random_samples of shape {list(lead)}, got {list(samples._data_.shape)}"
        )
    elif samples._data_.dtype != input._data_.dtype:
        raise RuntimeError(
            f"{name}: Expect _random_samples to have the same dtype as input, got {samples.dtype}"
        )
    positions = []
    for d, (n, k, count) in enumerate(zip(size, kernel, counts, strict=True)):
        # In two dimensions the first sample is that of the width, in three that of the depth.
        sample = samples.select(2, 1 - d if dims == 2 else d)
        positions.append(apply(fractional_positions, sample, size=n, count=count, kernel=k))
    return ops.pick_maxima(input, batched, positions, f"FractionalMaxPool{dims}DBackward0")


def _fractional_max_pool(dims: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    name = f"fractional_max_pool{dims}d"

    def with_indices(
        input: Tensor, kernel_size: Ints, output_size: Any = None, output_ratio: Any = None,
        return_indices: bool = False, _random_samples: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        return _fractional(
            name, dims, input, kernel_size, output_size, output_ratio, _random_samples
        )

    def pool(
        input: Tensor, kernel_size: Ints, output_size: Any = None, output_ratio: Any = None,
        return_indices: bool = False, _random_samples: Tensor | None = None,
    ) -> Any:  # fmt: skip
        both = _fractional(
            name, dims, input, kernel_size, output_size, output_ratio, _random_samples
        )
        return both if return_indices else both[0]

    what = f"The largest element of windows of {_LAYOUT[dims]} at random steps to a given size"
    source = 'B. Graham, "Fractional Max-Pooling", 2014.'
    return (
        _named(pool, name, f"{what}.\n\n    {source}\n    "),
        _named(with_indices, f"{name}_with_indices", f"{what}, and where they stand."),
    )


fractional_max_pool2d, fractional_max_pool2d_with_indices = _fractional_max_pool(2)
fractional_max_pool3d, fractional_max_pool3d_with_indices = _fractional_max_pool(3)

# ---- back to where the maxima were --------------------------------------------------------------


def _unpooled_size(
    size: tuple[int, ...], kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int],
    output_size: Sequence[int] | None,
) -> tuple[int, ...]:  # fmt: skip
    natural = tuple(
        (n - 1) * s - 2 * p + k for n, k, s, p in zip(size, kernel, stride, padding, strict=True)
    )
    if output_size is None:
        return natural
    dims, wanted = len(kernel), tuple(output_size)
    if len(wanted) == dims + 2:
        wanted = wanted[2:]
    if len(wanted) != dims:
        raise ValueError(
            f"output_size should be a sequence containing {dims} or {dims + 2} elements, but it has a "
            f"length of '{len(wanted)}'"
        )
    for d, (w, n, s) in enumerate(zip(wanted, natural, stride, strict=True)):
        if not n - s < w < n + s:
            raise ValueError(
                f'invalid output_size "{wanted}" (dim {d} must be between {n - s} and {n + s})'
            )
    return wanted


def _max_unpool(dims: int) -> Callable[..., Tensor]:
    name = f"max_unpool{dims}d"

    def unpool(
        input: Tensor, indices: Tensor, kernel_size: Ints, stride: Ints | None = None,
        padding: Ints = 0, output_size: Sequence[int] | None = None,
    ) -> Tensor:  # fmt: skip
        need_tensor(name, "input", 1, input)
        need_tensor(name, "indices", 2, indices)
        kernel = as_ints(name, "kernel_size", kernel_size, dims)
        steps = kernel if stride is None else as_ints(name, "stride", stride, dims)
        margin = as_ints(name, "padding", padding, dims)
        shape = input._data_.shape
        if len(shape) not in (dims + 1, dims + 2):
            raise RuntimeError(
                f"Input to {name} should be a {dims + 1}d or {dims + 2}d Tensor, but got a tensor "
                f"with {len(shape)} dimensions"
            )
        alert_not_deterministic(f"max_unpooling{max(dims, 2)}d_forward_out")
        size = _unpooled_size(shape[-dims:], kernel, steps, margin, output_size)
        if indices._data_.dtype != np.int64:
            raise RuntimeError(f"elements in indices should be type int64 but got: {indices.dtype}")
        if indices._data_.shape != shape:
            raise RuntimeError(
                "Expected shape of indices to be same as that of the input tensor "
                f"({list(shape)}) but got indices tensor with shape: {list(indices._data_.shape)}"
            )
        places = int(np.prod(size))
        flat = check(indices, "that the places are there")
        if flat.size and (flat.min() < 0 or flat.max() >= places):
            wrong = flat[(flat < 0) | (flat >= places)].flat[0]
            raise RuntimeError(
                f"Found an invalid max index: {wrong} (output volumes are of size "
                f"{'x'.join(map(str, size))})"
            )
        lead = shape[: len(shape) - dims]
        picks = [
            literal(np.arange(n).reshape(-1, *(1,) * (len(shape) - 1 - d)))
            for d, n in enumerate(lead)
        ]
        empty = literal(np.zeros((*lead, places), input._data_.dtype))
        spec = (ARRAY,) * (len(lead) + 1)
        out = apply(put, empty, input, *picks, indices, spec=spec, accumulate=False)
        result: Tensor = out.reshape((*lead, *size))
        return following(result, input) if dims == 2 else result

    what = f"The partial inverse of max_pool{dims}d: the maxima where they stood, zeros elsewhere."
    return _named(unpool, name, what)


max_unpool1d, max_unpool2d, max_unpool3d = _max_unpool(1), _max_unpool(2), _max_unpool(3)
