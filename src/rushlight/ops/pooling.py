"""Pooling in any number of dimensions, and torch's own names for some of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.pretended import remember, reusable
from rushlight.core.doors import apply, literal
from rushlight.core.state import state
from rushlight.core.tensor import Array, TensorBase
from rushlight.kernels import refusal
from rushlight.narrow import need_wide
from rushlight.ops.arguments import (
    as_sizes,
    need_flag,
    need_tensor,
    relabel,
    rounded_once,
    size_at,
    type_name,
    whole_numbers,
)
from rushlight.ops.conversion import following, in_rows
from rushlight.primitives import pooling as rows
from rushlight.primitives.contract import banded
from rushlight.primitives.families import FLOAT, supported
from rushlight.primitives.index import ARRAY, index, slice_
from rushlight.primitives.kernel import closed, entering

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

Ints = int | Sequence[int]
Sizes = int | Sequence[int | None] | None
Shape = tuple[int, ...]


def as_ints(name: str, argument: str, value: Any, dims: int) -> Shape:
    """One integer for all dimensions, or one for each."""
    return whole_numbers(
        name, argument, value, dims,
        lambda given: f"{name}: {argument} must either be a single int, or a tuple of {dims} ints, got {given}",
    )  # fmt: skip


def _form(
    name: str, dims: int, kernel_size: Ints, stride: Ints | None, padding: Ints, dilation: Ints
) -> dict[str, Shape]:
    given = (kernel_size, stride, padding, dilation)
    try:
        # Equal to a cache, floats are refused all the same.
        plain = (as_sizes((p,)) if isinstance(p, (tuple, list)) else p for p in given)
        return dict(_checked_form(name, dims, *plain))
    except TypeError:
        return _checked_form.__wrapped__(name, dims, *given)


@lru_cache(maxsize=256, typed=True)
def _checked_form(
    name: str, dims: int, kernel_size: Ints, stride: Ints | None, padding: Ints, dilation: Ints
) -> dict[str, Shape]:
    kernel = as_ints(name, "kernel_size", kernel_size, dims)
    given = stride is not None and not (isinstance(stride, (tuple, list)) and not len(stride))
    form = {
        "kernel": kernel,
        "stride": as_ints(name, "stride", stride, dims) if given else kernel,
        "padding": as_ints(name, "padding", padding, dims),
        "dilation": as_ints(name, "dilation", dilation, dims),
    }
    for word in ("kernel", "stride", "dilation"):
        if min(form[word]) <= 0:
            what = "kernel size" if word == "kernel" else word
            raise RuntimeError(
                f"{name}: {what} should be greater than zero, but got {list(form[word])}"
            )
    for p, k, d in zip(form["padding"], kernel, form["dilation"], strict=True):
        if p < 0:
            raise RuntimeError(f"{name}: pad must be non-negative, but got pad: {p}")
        if 2 * p > k:
            raise RuntimeError(
                f"{name}: pad should be at most half of kernel size, but got pad={p}, "
                f"kernel_size={k} and dilation={d}"
            )
    return form


def _check_input(name: str, input: Tensor, dims: int, empty: int) -> None:
    """Ranks, and that no dimension but the first `empty` ones is empty."""
    need_tensor(name, "input", 1, input)
    shape = input._data_.shape
    if len(shape) not in (dims + 1, dims + 2) or 0 in shape[len(shape) - dims - 1 + empty :]:
        raise RuntimeError(
            f"{name}: Expected {dims + 1}D or {dims + 2}D (batch mode) tensor with optional 0 dim "
            f"batch size for input, but got: {list(shape)}"
        )


def _need_line(name: str, input: Tensor) -> None:
    need_tensor(name, "input", 1, input)
    if input._data_.ndim not in (2, 3):
        raise RuntimeError(
            f"Expected 2 to 3 dimensions, but got {input._data_.ndim}-dimensional tensor for "
            f"argument #1 'self' (while checking arguments for {name})"
        )


def _out_size(name: str, size: Shape, form: dict[str, Shape], ceil_mode: bool) -> Shape:
    sizes = rows.pooled_sizes(size, **form, ceil_mode=ceil_mode)
    if min(sizes) < 1:
        raise RuntimeError(
            f"{name}: Given input size: {list(size)}. Calculated output size: {list(sizes)}. Output "
            "size is too small"
        )
    return sizes


# ---- maximum ------------------------------------------------------------------------------------


def max_pool(
    name: str, dims: int, input: Tensor, kernel_size: Ints, stride: Ints | None = None,
    padding: Ints = 0, dilation: Ints = 1, ceil_mode: bool = False, *, with_indices: bool = False,
) -> Any:  # fmt: skip
    """The largest element of every window, and on request where in its plane it stands."""
    _check_input(name, input, dims, 0)
    need_flag(name, "ceil_mode", 6, ceil_mode)
    supported(name, FLOAT if dims == 1 else "iufV", [input._data_])
    form: dict[str, Any] = _form(name, dims, kernel_size, stride, padding, dilation)
    form["out_size"] = _out_size(name, input._data_.shape[-dims:], form, ceil_mode)
    if not (with_indices or state.interpreters or (state.grad and input.requires_grad)):
        return apply(rows.max_pool, input, **form)
    out, winner = apply(rows.max_pool_from, input, **form)
    if dims == 1:
        out = _line(out)
    if not with_indices:
        return out
    places = apply(rows.pool_positions, winner, size=input._data_.shape[-dims:], **form)
    return remember(out, places), _line(places) if dims == 1 else places


def _line(pooled: Tensor) -> Tensor:
    """What was pooled of lines, which torch pools as images of one row: a view of those, without that."""
    return relabel(apply(slice_, pooled, index=(Ellipsis,)), "SqueezeBackward1")


def max_pool1d(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
    dilation: Ints = 1, ceil_mode: bool = False,
) -> Tensor:  # fmt: skip
    """The largest element of every window of [N, C, L] or [C, L]."""
    return max_pool("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool1d_with_indices(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
    dilation: Ints = 1, ceil_mode: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """`max_pool1d`, and the positions of the largest elements."""
    return max_pool(
        "max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, with_indices=True
    )


def max_pool2d(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
    dilation: Ints = 1, ceil_mode: bool = False,
) -> Tensor:  # fmt: skip
    """The largest element of every window of [N, C, H, W] or [C, H, W].

    >>> import rushlight as torch
    >>> torch.max_pool2d(torch.arange(16.0).reshape(1, 4, 4), 2)
    tensor([[[ 5.,  7.],
             [13., 15.]]])
    """
    return max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool3d(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
    dilation: Ints = 1, ceil_mode: bool = False,
) -> Tensor:  # fmt: skip
    """The largest element of every window of [N, C, D, H, W] or [C, D, H, W]."""
    return max_pool("max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode)


def at_positions(input: Tensor, flat: Tensor, dims: int) -> Tensor:
    """The elements of each plane of [N, C, ...] at flat positions [N, C, ...]."""
    shape = input._data_.shape
    size = int(np.prod(shape[len(shape) - dims :]))
    planes = input.reshape((*shape[: len(shape) - dims], size))
    lead = flat._data_.shape[: len(shape) - dims]
    picks = [
        literal(np.arange(n).reshape(-1, *(1,) * (flat._data_.ndim - 1 - d)))
        for d, n in enumerate(lead)
    ]
    return apply(index, planes, *picks, flat, spec=(ARRAY,) * (len(lead) + 1))


# ---- averages -----------------------------------------------------------------------------------


def avg_pool(
    name: str, dims: int, input: Tensor, kernel_size: Ints, stride: Ints | None = None,
    padding: Ints = 0, ceil_mode: bool = False, count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:  # fmt: skip
    """The mean of every window: its sum divided by the number of elements, or by divisor_override."""
    need_tensor(name, "input", 1, input)
    need_flag(name, "ceil_mode", 5, ceil_mode)
    need_flag(name, "count_include_pad", 6, count_include_pad)
    if dims == 1:
        _need_line(name, input)
    if divisor_override == 0 and dims == 2:
        raise RuntimeError(f"{name}: divisor must be not zero")
    if dims == 2:
        size_at(input, -3)
    _check_input(name, input, dims, 0)
    supported(name, "iufV", [input._data_])
    if input._data_.dtype.kind in "iu" and input._data_.dtype != np.int64:
        raise refusal(name, input.dtype)
    if divisor_override == 0:
        raise RuntimeError(f"{name}: divisor must be not zero")
    label = f"AvgPool{max(dims, 2)}DBackward0"
    if input._data_.dtype in dtypes.NARROW:
        if dims == 3:
            need_wide("avg_pool3d_out_frame", input._data_)
        wide = partial(
            avg_pool, name, dims, kernel_size=kernel_size, stride=stride, padding=padding,
            ceil_mode=ceil_mode, count_include_pad=count_include_pad,
            divisor_override=divisor_override,
        )  # fmt: skip
        return relabel(rounded_once(wide, input), label)
    form: dict[str, Any] = _form(name, dims, kernel_size, stride, padding, 1)
    size = input._data_.shape[-dims:]
    form["out_size"] = out_size = _out_size(name, size, form, ceil_mode)
    sums: Tensor = apply(rows.window_sum, entering(input, lies="images"), **form)
    dtype = input._data_.dtype
    if divisor_override is not None:
        divisor: Any = float(divisor_override) if dtype.kind in "fV" else divisor_override
    else:
        divisor = _counts(
            size,
            out_size,
            form["kernel"],
            form["stride"],
            form["padding"],
            count_include_pad,
            dtype,
        )
        if divisor.__class__ is np.ndarray:
            divisor = literal(divisor)
    if dtype.kind not in "fV":
        return sums.div(divisor, rounding_mode="trunc")
    if divisor.__class__ is float and divisor == 1:
        return sums
    return relabel(sums / divisor, label)


@lru_cache(maxsize=256)
def _counts(
    size: Shape, out_size: Shape, kernel: Shape, stride: Shape, padding: Shape, with_padding: bool,
    dtype: np.dtype[Any],
) -> Any:  # fmt: skip
    """By how much every window's sum is to be divided: a number if it is the same for all."""
    counts: Array = np.ones((), np.int64)
    for n, o, k, s, p in zip(size, out_size, kernel, stride, padding, strict=True):
        starts = np.arange(o) * s - p
        # A window that begins inside and ends beyond the padding is cut there.
        ends = np.minimum(starts + k, n + p)
        if not with_padding:
            starts, ends = np.maximum(starts, 0), np.minimum(ends, n)
        counts = counts[..., None] * (ends - starts)
    if counts.min() == counts.max():
        return counts.astype(dtype).flat[0].item()
    counts = counts.astype(dtype)
    counts.flags.writeable = False
    return counts


def avg_pool1d(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
    ceil_mode: bool = False, count_include_pad: bool = True,
) -> Tensor:  # fmt: skip
    """The mean of every window of [N, C, L] or [C, L].

    >>> import rushlight as torch
    >>> torch.avg_pool1d(torch.tensor([[1.0, 3.0, 5.0, 7.0]]), 2)
    tensor([[2., 6.]])
    """
    name = "avg_pool1d"
    return _line(
        avg_pool(name, 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad)
    )


# ---- to a given size ----------------------------------------------------------------------------


def _need_room(name: str, dims: int, input: Tensor, output_size: Sizes) -> None:
    need_tensor(name, "input", 1, input)
    least = len(output_size) + 1 if isinstance(output_size, (tuple, list)) else 0
    if dims > 1 and input._data_.ndim < least:
        got = list(input._data_.shape)
        raise ValueError(f"Input dimension should be at least {least}, but {name}() got {got}")


def _adaptive_size(name: str, dims: int, input: Tensor, output_size: Sizes) -> Shape:
    need_tensor(name, "input", 1, input)
    if output_size.__class__ is bool or not isinstance(output_size, (int, tuple, list)):
        raise TypeError(
            f"{name}(): output_size must be tuple of ints, not {type_name(output_size)}"
        )
    _need_room(name, dims, input, output_size)
    shape = input._data_.shape
    if len(shape) not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"{name}(): Expected {dims + 1}D or {dims + 2}D tensor, but got: {list(shape)}"
        )
    # Means in one or two dimensions may be those of no channels.
    first = len(shape) - dims if dims < 3 and "avg" in name else 1
    if 0 in shape[first:]:
        empty = shape.index(0, first)
        raise RuntimeError(
            f"{name}(): Expected input to have non-zero size for non-batch dimensions, but input has "
            f"sizes {list(shape)} with dimension {empty} being empty"
        )
    if isinstance(output_size, int):
        wanted: tuple[int | None, ...] = (output_size,) * dims
    else:
        wanted = tuple(output_size)
    if len(wanted) != dims:
        raise RuntimeError(
            f"{name}: output_size must be {dims}: one int, or one for each dimension, got "
            f"{list(wanted)}"
        )
    ends = shape[len(shape) - dims :]
    size = as_sizes((tuple(n if w is None else w for w, n in zip(wanted, ends, strict=True)),))
    if min(size) < 0:
        raise RuntimeError(
            f"{name}: elements of output_size must be greater than or equal to 0 but received "
            f"{list(size)}"
        )
    supported(name, FLOAT, [input._data_])
    return size


def _cells(size: int, count: int) -> tuple[Array, Array]:
    """Where the cells begin and end that divide `size` elements as evenly as whole numbers can."""
    cells = np.arange(count)
    return cells * size // count, -((cells + 1) * -size // count)


def adaptive_avg_pool(name: str, dims: int, input: Tensor, output_size: Sizes) -> Tensor:
    """The means of cells that divide the input into output_size."""
    _need_room(name, dims, input, output_size)
    if output_size in (1, [1] * dims, (1,) * dims):
        # torch takes the mean, of whatever has these dimensions.
        if dims == 1:
            _need_line(name, input)
        mean = input.mean(tuple(range(-dims, 0)), keepdim=True)
        return following(mean, input, lines=True)
    size = _adaptive_size(name, dims, input, output_size)
    before = input._data_.shape[-dims:]
    if input._data_.dtype in dtypes.NARROW and (dims == 3 or max(size) != 1):
        wide = partial(adaptive_avg_pool, name, dims, output_size=output_size)
        return relabel(rounded_once(wide, input), f"AdaptiveAvgPool{max(dims, 2)}DBackward0")
    if 0 not in (*size, *input._data_.shape[1:]) and all(
        n % o == 0 for n, o in zip(before, size, strict=True)
    ):
        kernel = tuple(n // o for n, o in zip(before, size, strict=True))
        result = avg_pool(f"avg_pool{dims}d", dims, input, kernel)
        result = result if result is not input else input.clone()
        return relabel(result, f"AdaptiveAvgPool{max(dims, 2)}DBackward0")
    result = entering(input, lies="images")
    for axis, (n, o) in enumerate(zip(before, size, strict=True)):
        result = along(result, axis - dims, _averages(n, o, input._data_.dtype))
    result = in_rows(result) if dims == 3 else following(result, input, lines=dims == 1)
    return relabel(_backward_of(name, result, dims), f"AdaptiveAvgPool{max(dims, 2)}DBackward0")


def _backward_of(name: str, result: Tensor, dims: int) -> Tensor:
    """The result; torch has no gradient of planes or channels that are none."""
    shape = list(result._data_.shape)
    if 0 not in shape[1:]:
        return result
    name = name.replace("1d", "2d")
    sizes = shape if dims > 1 else [*shape[:-1], 1, shape[-1]]
    reason = (
        f"{name}_backward(): Expected grad_output to have non-zero size for non-batch dimensions, but "
        f"grad_output has sizes {sizes} with dimension {sizes.index(0, 1)} being empty"
    )
    return closed(result, reason=reason, error=RuntimeError)


def _averages(size: int, count: int, dtype: np.dtype[Any]) -> Array:
    starts, ends = _cells(size, count)
    position = np.arange(size)
    member = (position >= starts[:, None]) & (position < ends[:, None])
    return (member / np.maximum(ends - starts, 1)[:, None]).astype(dtype)


def along(input: Tensor, dim: int, matrix: Array, reach: Array | None = None) -> Tensor:
    """Multiply dimension dim, counted from the end, by a constant matrix [new size, old size].

    reach: which elements of the matrix count, though they may be 0; those that are not, if not given.
    """
    reach = matrix != 0 if reach is None else reach
    return reusable(apply(banded, input, literal(matrix), literal(reach), dim=dim))


def adaptive_max_pool(
    name: str, dims: int, input: Tensor, output_size: Sizes
) -> tuple[Tensor, Tensor]:
    """The largest elements of cells that divide the input into output_size, and where they stand."""
    size = _adaptive_size(name, dims, input, output_size)
    input = entering(input, lies="images")
    batched = input if input._data_.ndim == dims + 2 else input.unsqueeze(0)
    positions = []
    for n, o in zip(input._data_.shape[-dims:], size, strict=True):
        starts, ends = _cells(n, o)
        width = int((ends - starts).max(initial=1))
        # Shorter cells repeat their last element.
        inside = np.minimum(starts[:, None] + np.arange(width), ends[:, None] - 1)
        positions.append(literal(inside[None, None]))
    label = f"AdaptiveMaxPool{max(dims, 2)}DBackward0"
    out, places = pick_maxima(input, batched, positions, label, follow=dims < 3)
    pair = relabel(_backward_of(name, out, dims), label), places
    return (_line(pair[0]), _line(pair[1])) if dims == 1 else pair


def pick_maxima(
    input: Tensor, batched: Tensor, positions: list[Tensor], label: str, follow: bool = False
) -> tuple[Tensor, Tensor]:
    """The largest elements of windows given by positions, and where in their planes they stand.

    With `follow` they lie in the memory format of the input.
    """
    dims = len(positions)
    if not batched._data_.size or any(not p._data_.size for p in positions):
        shape = (*batched._data_.shape[:2], *(p._data_.shape[2] for p in positions))
        flat = literal(np.zeros(shape, np.int64))
    else:
        flat = apply(rows.irregular_winner, batched.detach(), *positions)
    out = at_positions(batched, flat, dims)
    if follow:
        out, flat = (following(part, batched, lines=dims == 1) for part in (out, flat))
    out = relabel(out, label)
    if input is batched:
        return out, flat
    return relabel(out.squeeze(0), label), flat.squeeze(0)


def adaptive_avg_pool1d(input: Tensor, output_size: Ints) -> Tensor:
    """The means of output_size cells of [N, C, L] or [C, L]."""
    _one("adaptive_avg_pool1d", output_size)
    return _line(adaptive_avg_pool("adaptive_avg_pool1d", 1, input, output_size))


def adaptive_max_pool1d(input: Tensor, output_size: Ints) -> tuple[Tensor, Tensor]:
    """The largest elements of output_size cells of [N, C, L] or [C, L], and where they stand."""
    _one("adaptive_max_pool1d", output_size)
    return adaptive_max_pool("adaptive_max_pool1d", 1, input, output_size)


def _one(name: str, output_size: Any) -> None:
    if isinstance(output_size, TensorBase | str) or output_size is None:
        raise TypeError(
            f"{name}(): argument 'output_size' must be tuple of ints, not {type_name(output_size)}"
        )
    if not isinstance(output_size, int | np.integer) and len(output_size) != 1:
        raise RuntimeError(
            f"{name}() argument 'output_size' should contain one int (got {len(output_size)})"
        )
