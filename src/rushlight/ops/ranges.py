"""New tensors that are counted: `arange`, `linspace`, `logspace`, `eye`, indices of triangles."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.core.doors import literal, read
from rushlight.core.state import state
from rushlight.core.tensor import Array, TensorBase
from rushlight.device import choices
from rushlight.errors import warn
from rushlight.kernels import refusal
from rushlight.narrow import need_common, need_signed
from rushlight.ops.arguments import (
    need_int,
    need_real_scalar,
    need_scalar,
    need_whole,
    numpy_dtype,
)
from rushlight.ops.creation import Dtype, default_float, finish, made_type
from rushlight.primitives.constant import computed

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def _plain_number(value: Any) -> Any:
    if isinstance(value, TensorBase):
        value = read(value, "the bounds of a range")
    return value.item() if isinstance(value, np.ndarray | np.generic) else value


def arange(*bounds: Any, dtype: Dtype = None, **options: Any) -> Tensor:
    """Numbers from start (0) up to, without, end, by step (1).

    `arange(end)`, `arange(start, end)` or `arange(start, end, step)`; int64 if all of them are
    integers, else the default dtype.

    >>> import rushlight as torch
    >>> torch.arange(1, 2.5, 0.5)
    tensor([1.0000, 1.5000, 2.0000])
    """
    plain = dtype is None and not options and len(bounds) == 1
    if plain and not choices.made and bounds[0].__class__ is int and 0 <= bounds[0] < 2**63:
        return literal(np.arange(bounds[0]))
    start, end, step = _bounds("arange", bounds, options)
    storage = _counted_dtype("arange", (start, end, step), dtype, options)
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if storage == np.int64:
        start, end, step = int(start), int(end), int(step)
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError(
            f"upper bound and lower bound inconsistent with step sign: from {start} to {end} by "
            f"{step}"
        )
    exact = isinstance(start, int) and isinstance(end, int) and isinstance(step, int)
    count = -(-(end - start) // step) if exact else math.ceil((end - start) / step)
    return finish(_steps(start, step, count, storage), **options)


def range(*bounds: Any, dtype: Dtype = None, **options: Any) -> Tensor:
    """Deprecated: numbers from start up to and with end; use `arange`."""
    warn(
        "torch.range is deprecated and will be removed in a future release because its behavior is "
        "inconsistent with Python's range builtin. Instead, use torch.arange, which produces "
        "values in [start, end)."
    )
    start, end, step = _bounds("range", bounds, options)
    storage = _counted_dtype("range", (0.0,), dtype, options)
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    return finish(_steps(start, step, int((end - start) / step) + 1, storage), **options)


def _bounds(name: str, bounds: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, Any, Any]:
    """(start, end, step), given by position or by name."""
    order = ("end",) if len(bounds) == 1 and "end" not in options else ("start", "end", "step")
    given = dict(zip(order, bounds, strict=False))
    for key in ("start", "end", "step"):
        if key in options:
            given[key] = options.pop(key)
    if "end" not in given or len(bounds) > 3:
        raise TypeError(f"{name}() takes end, or start and end, or start, end and step")
    standard = (("start", 0), ("end", 0), ("step", 1))
    start, end, step = (
        _plain_number(need_real_scalar(name, key, place, _no_flag(given.get(key, number))))
        for place, (key, number) in enumerate(standard, 1)
    )
    return start, end, step


def _no_flag(value: Any) -> Any:
    # torch takes NumPy's flags for numbers with a fraction.
    return float(value) if isinstance(value, np.bool_) else value


def _counted_dtype(
    name: str, numbers: tuple[Any, ...], dtype: Dtype, options: dict[str, Any]
) -> np.dtype[Any]:
    whole = all(isinstance(n, int) for n in numbers)
    storage = made_type(dtype, np.dtype(np.int64) if whole else default_float(), options)
    if storage.kind not in "iufV":
        raise NotImplementedError(f'"{name}_cpu" not implemented for {dtypes.of(storage).word!r}')
    need_common(f"{name}_cpu", np.empty(0, storage))
    return storage


# How many elements of a type torch computes at once, and so from one base.
_LANES = {4: 8, 8: 4}


def _steps(start: Any, step: Any, count: int, dtype: np.dtype[Any]) -> Array:
    """start + i * step, rounded as torch rounds it."""
    i = np.arange(count)
    if dtype.kind in "iu":
        return (int(start) + int(step) * i).astype(dtype, copy=False)
    # Whole pairs of vectors are counted on from their first element, the rest from start.
    lanes = _LANES.get(dtype.itemsize, 8)
    full = count // (2 * lanes) * (2 * lanes)
    counted = np.empty(count, dtype)
    first = _along(start, step, i[:full:lanes], dtype).astype(np.float64)[:, None]
    counted[:full] = _along(first, step, i[:lanes], dtype).reshape(-1)
    counted[full:] = _along(start, step, i[full:], dtype)
    return counted


def _along(start: Any, step: Any, i: Array, dtype: np.dtype[Any]) -> Array:
    # One rounding for product and sum, as by torch's fused multiply-add.
    wide: Any = np.longdouble if dtype.itemsize == 8 else np.float64
    return (wide(start) + wide(step) * i.astype(wide)).astype(dtype)


def linspace(start: Any, end: Any, steps: int, *, dtype: Dtype = None, **options: Any) -> Tensor:
    """steps numbers from start to end, both included, in equal distances.

    >>> import rushlight as torch
    >>> torch.linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    if state.interpreters and (isinstance(start, TensorBase) or isinstance(end, TensorBase)):
        return _from_tensors(linspace, (start, end), steps, dtype, options)
    steps = need_whole("linspace", "steps", 3, steps)
    for end_point in (start, end):
        if isinstance(end_point, TensorBase) and end_point._data_.ndim:
            raise RuntimeError("linspace only supports 0-dimensional start and end tensors")
    start, end = need_scalar("linspace", "start", 1, start), need_scalar("linspace", "end", 2, end)
    first, last, storage = _ends("linspace", start, end, steps, dtype, options)
    return finish(_between(first, last, steps, storage), **options)


def logspace(
    start: Any, end: Any, steps: int, base: float = 10.0, *, dtype: Dtype = None, **options: Any
) -> Tensor:
    """base to the power of steps numbers from start to end, both included.

    >>> import rushlight as torch
    >>> torch.logspace(0, 3, 4, base=2)
    tensor([1., 2., 4., 8.])
    """
    if state.interpreters and (isinstance(start, TensorBase) or isinstance(end, TensorBase)):
        return _from_tensors(logspace, (start, end), steps, dtype, {"base": base, **options})
    steps = need_whole("logspace", "steps", 3, steps)
    start, end = need_scalar("logspace", "start", 1, start), need_scalar("logspace", "end", 2, end)
    first, last, storage = _ends("logspace", start, end, steps, dtype, options)
    exact = storage if storage.kind in "fcV" else np.dtype(np.float32)
    if storage.kind in "iub":
        first, last = dtypes.number_in(first, storage), dtypes.number_in(last, storage)
    powers = _between(first, last, steps, exact)
    wide = np.complex128 if exact.kind == "c" else np.float64
    return finish(np.power(wide(base), powers.astype(wide)).astype(storage), **options)


def _from_tensors(
    function: Callable[..., Tensor], ends: tuple[Any, Any], steps: int, dtype: Dtype, options: Any
) -> Tensor:
    """linspace or logspace for whoever watches: the values of the ends are not looked at here."""
    given = [
        literal(np.asarray(_plain_number(t))) if not isinstance(t, TensorBase) else t for t in ends
    ]

    def numbers(first: Array, last: Array) -> Array:
        made = function(first.item(), last.item(), steps, dtype=dtype, **options)
        return read(made, "the numbers of a range")

    return computed(numbers, *given)


def _ends(
    name: str, start: Any, end: Any, steps: Any, dtype: Dtype, options: dict[str, Any]
) -> tuple[Any, Any, np.dtype[Any]]:
    for end_ in (start, end):
        if isinstance(end_, TensorBase) and end_._data_.ndim:
            raise RuntimeError(
                f"{name} only supports 0-dimensional start and end tensors, but got a tensor of "
                f"shape {list(end_._data_.shape)}"
            )
    if steps < 0:
        raise RuntimeError(f"number of steps must be non-negative, not {steps}")
    first, last = _plain_number(start), _plain_number(end)
    kind = dtypes.get_default_dtype()
    if isinstance(first, complex) or isinstance(last, complex):
        kind = dtypes.complex_of(kind)
    storage = made_type(dtype, kind.numpy, options)
    if kind.is_complex and storage.kind != "c":
        raise RuntimeError(f"{name}(): complex start or end, but dtype {dtypes.of(storage)}")
    if storage.kind == "b":
        raise refusal(f"{name}_cpu", dtypes.of(storage))
    if steps > 1:
        need_common(f"{name}_cpu", np.empty(0, storage))
    return first, last, storage


def _between(first: Any, last: Any, steps: int, dtype: np.dtype[Any]) -> Array:
    """Equal steps from both ends to the middle, each with one rounding, as torch counts them."""
    real = np.empty(0, dtype).real.dtype
    wide: Any = np.longdouble if real.itemsize == 8 else np.float64
    narrow: Any = np.float64 if dtype.kind in "iu" else dtype.type
    if dtype.kind == "c":
        wide = np.clongdouble if real.itemsize == 8 else np.complex128
    if dtype.kind in "iub":
        wide = np.float64
        first, last = dtypes.number_in(first, dtype), dtypes.number_in(last, dtype)
    if steps < 2:
        return np.full(steps, first).astype(dtype)
    first, last = narrow(first), narrow(last)
    step = wide(narrow((last - first) / narrow(steps - 1)))
    i = np.arange(steps)
    middle = steps // 2
    low = wide(first) + step * i[:middle]
    high = wide(last) - step * (steps - 1 - i[middle:])
    return np.concatenate([low, high]).astype(dtype)


def eye(n: int, m: int | None = None, *, dtype: Dtype = None, **options: Any) -> Tensor:
    """Ones on the diagonal of an n x m matrix (n x n), zeros elsewhere.

    >>> import rushlight as torch
    >>> torch.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    rows = need_int("eye", "n", 1, n)
    columns = rows if m is None else need_int("eye", "m", 2, m)
    for name, size in (("n", rows), ("m", columns)):
        if size < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {size}")
    kind = made_type(dtype, default_float(), options)
    need_signed("eye", np.empty(0, kind))
    return finish(np.eye(rows, columns, dtype=kind), **options)


def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: Dtype = None, **options: Any
) -> Tensor:
    """Rows and columns (2 x N, int64) of the lower triangle of a row x col matrix."""
    return _triangle(np.tril_indices, "tril_indices", row, col, offset, dtype, options)


def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: Dtype = None, **options: Any
) -> Tensor:
    """Rows and columns (2 x N, int64) of the upper triangle of a row x col matrix."""
    return _triangle(np.triu_indices, "triu_indices", row, col, offset, dtype, options)


def _triangle(
    where: Any, name: str, row: int, col: int, offset: int, dtype: Dtype, options: dict[str, Any]
) -> Tensor:
    row, col = need_whole(name, "row", 1, row), need_whole(name, "col", 2, col)
    offset = need_whole(name, "offset", 3, offset)
    for what, size in (("row", row), ("col", col)):
        if size < 0:
            raise RuntimeError(f"{name}: {what} must be non-negative, got {size}")
    storage = numpy_dtype(dtype, np.dtype(np.int64))
    if storage not in (np.int32, np.int64):
        raise RuntimeError(f"{name}(): dtype must be torch.int32 or torch.int64, not {dtype}")
    return finish(np.stack(where(row, offset, col)).astype(storage, copy=False), **options)
