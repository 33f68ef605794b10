"""Rows that multiply and sum: the matrix products."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, threads
from rushlight.arrays import contiguous
from rushlight.core.row import Primitive, Sample, Spec
from rushlight.core.tensor import Array
from rushlight.heavy import warm
from rushlight.primitives.families import broadcast_shapes, draw
from rushlight.primitives.kernel import laid_out
from rushlight.primitives.matvec import SMALL, product
from rushlight.primitives.placement import in_format
from rushlight.primitives.pointwise import conj
from rushlight.primitives.reduce import sum
from rushlight.threads import share

if TYPE_CHECKING:
    from rushlight.core.node import PrimitiveNode

# Multiplications that are worth another thread: a few hundred microseconds of them.
_HEAVY = 1 << 24
# From which on C that was written for them alone, with BLAS's bits, is quicker than BLAS: products of
# two matrices, and of batches whose second matrices lie transposed.
_MATRICES_IN_C, _TURNED_IN_C = 1 << 23, 1 << 22
# Elements of a product of a column with a row that are worth a call of BLAS.
_LARGE_OUTER = 1 << 14
_FLAG, _FLOAT = np.dtype(bool), np.dtype(np.float32)


def same_dtype(name: str, *arrays: Array) -> None:
    """Products want one type on both sides, as in torch."""
    for other in arrays[1:]:
        if other.dtype != arrays[0].dtype:
            first, second = dtypes.of(arrays[0].dtype), dtypes.of(other.dtype)
            raise RuntimeError(
                f"{name}: expected m1 and m2 to have the same dtype, but got: {first} != {second}. "
                f"Convert one of them: .to({first!r})"
            )


def _flat(x: Array) -> Array:
    """All rows of x, one below the other."""
    return x if x.ndim == 2 else x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def _product(x: Array, y: Array, bias: Array | None = None) -> Array:
    """The product of two matrices; of a few numbers with a vector, in torch's order."""
    rows, columns = len(x), y.shape[1]
    if (
        (rows == 1 or columns == 1)
        and x.size + y.size <= 2 * SMALL
        and x.shape[1] == len(y)
        and (bias is None or bias.shape == (columns,))
    ):
        if rows == 1:
            out = product(y.T, x[0], False, bias)
        else:
            out = product(x, y[:, 0], True, bias)
        if out is not None:
            return out.reshape(rows, columns)
    # For two matrices dot is matmul without the half microsecond of a ufunc; the method spares another
    # tenth, in which the function looks for arrays of other libraries.
    out = x.dot(y) if x.size * columns < _MATRICES_IN_C else _large_product(x, y)
    if bias is not None:
        out += bias
    return out


def _large(x: Array, y: Array) -> Array:
    """The product of two matrices that is worth more than a call of NumPy's."""
    if x.ndim == 2 and x.size * y.shape[1] > _HEAVY and threads.started():
        return _shared_product(x, y)
    return np.matmul(x, y, order="C")


def _shared_product(x: Array, y: Array) -> Array:
    """The product of two large matrices, in stripes along the longer side of the result."""
    rows, columns = len(x), y.shape[1]
    out = np.empty((rows, columns), x.dtype, like=x)

    def across(dealt: Iterator[slice]) -> None:
        for part in dealt:
            np.matmul(x[part], y, out=out[part])

    def down(dealt: Iterator[slice]) -> None:
        for part in dealt:
            np.matmul(x, y[:, part], out=out[:, part])

    share(across if rows >= columns else down, threads.ranges(max(rows, columns), 1))
    return out


def _outer(x: Array, y: Array) -> Array:
    """Products of columns with rows, in a batch: einsum writes them at the speed of memory."""
    if x.ndim == 3 and len(x) == len(y) and x.shape[1] * y.shape[2] > _LARGE_OUTER:
        # And BLAS a quarter quicker, where there is enough for each of its calls.
        out = np.empty((len(x), x.shape[1], y.shape[2]), x.dtype, like=x)
        for column, row, part in zip(x, y, out, strict=True):
            np.dot(column, row, out=part)
        return out
    return np.einsum("...i,...j->...ij", x[..., 0], y[..., 0, :], order="C")


def _matmul(x: Array, y: Array) -> Any:
    if x.dtype is not y.dtype:
        same_dtype("matmul", x, y)
    if x.dtype is _FLAG:
        shape, dtype = _matmul_rule(x, y)
        if x.size and y.size:
            raise NotImplementedError(
                "\"addmm_impl_cpu_\" not implemented for 'Bool': use .float()"
            )
        return np.zeros(shape, dtype, like=x)
    if x.dtype is not _FLOAT and x.dtype.kind in "iu":
        # BLAS has nothing for whole numbers.
        return _whole_product(x, y)
    return _multiplied(x, y)


def _multiplied(x: Array, y: Array) -> Any:
    if y.ndim != 2:
        if x.shape[-1] == 1 == y.shape[-2]:
            return _outer(x, y)
        if x.size * y.shape[-1] >= _TURNED_IN_C and y.strides[-1] != y.itemsize:
            return _large_product(x, y)
        return np.matmul(x, y, order="C")
    out = _product(x if x.ndim == 2 else _flat(x), y)
    return out if x.ndim == 2 else out.reshape(*x.shape[:-1], y.shape[1])


def _matmul_rule(x: Array, y: Array) -> Spec:
    same_dtype("matmul", x, y)
    if x.shape[-1] != y.shape[-2]:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({x.shape[-2]}x{x.shape[-1]} and "
            f"{y.shape[-2]}x{y.shape[-1]}): the last size of the first must equal the second last of "
            f"the second; the operands have shapes {list(x.shape)} and {list(y.shape)}"
        )
    batch = broadcast_shapes([x.shape[:-2], y.shape[:-2]])
    return (*batch, x.shape[-2], y.shape[-1]), x.dtype


def _matmul_samples() -> Iterable[Sample]:
    for left, right in (
        ((2, 3), (3, 4)),
        ((5, 2, 3), (5, 3, 1)),
        ((2, 1, 2, 3), (4, 3, 2)),
        ((0, 3), (3, 2)),
    ):
        yield Sample((draw(1, left), draw(2, right)))


def _in_columns(shape: tuple[int, ...], strides: tuple[int, ...], g: Any) -> bool:
    """Whether a matrix lay column after column: as in torch, its gradient does so too."""
    if len(shape) != 2:
        return False
    item = g._data_.dtype.itemsize
    return strides[0] == item and strides[1] == item * shape[0]


def _matmul_x(g: Any, x_shape: tuple[int, ...], x_strides: tuple[int, ...], y: Any) -> Any:
    if _in_columns(x_shape, x_strides, g) and g._data_.ndim == y._data_.ndim == 2:
        return matmul(conj(y), g.mT).mT
    return matmul(g, conj(y).mT)


def _matmul_y(g: Any, x: Any, y_shape: tuple[int, ...], y_strides: tuple[int, ...]) -> Any:
    if len(y_shape) == 2 and x._data_.ndim > 2:
        # One product over all rows, instead of one per batch and their sum.
        rows = math.prod(x._data_.shape[:-1])
        x, g = x.reshape(rows, x.shape[-1]), g.reshape(rows, g.shape[-1])
    if _in_columns(y_shape, y_strides, g) and g._data_.ndim == x._data_.ndim == 2:
        return matmul(g.mT, conj(x)).mT
    return matmul(conj(x).mT, g)


def _matmul_label(node: PrimitiveNode) -> str:
    rank = len(node._shape)
    return {2: "MmBackward0", 3: "BmmBackward0"}.get(rank, "UnsafeViewBackward0")


matmul: Primitive = Primitive(
    "matmul", "contract", _matmul, (_matmul_x, _matmul_y), _matmul_rule, "gemm", _matmul_samples,
    label=_matmul_label,
)  # fmt: skip
_whole_product = warm(matmul, _multiplied, 1 << 10)
_large_product = warm(matmul, _large, 0, exact=True)


def _band(x: Array, y: Array, dim: int) -> Array:
    """y times the lines of x along dim, which is counted from the end."""
    if dim == -1:
        return np.matmul(x, contiguous(y.T))
    shape = x.shape
    columns = x.reshape((*shape[: dim + 1], math.prod(shape[dim + 1 :])))
    return np.matmul(y, columns).reshape((*shape[:dim], len(y), *shape[dim + 1 :]))


def _signed(out: Array, x: Array, y: Array, reach: Array, dim: int) -> Array:
    """The result, a zero in it negative where all that y reaches for it is."""
    zero, negative = out == 0, np.signbit(x)
    if not zero.any() or not negative.any():
        return out
    below, there = np.signbit(y), reach > 0
    count = _band((~negative).astype(y.dtype), (there & ~below).astype(y.dtype), dim)
    count += _band(negative.astype(y.dtype), (there & below).astype(y.dtype), dim)
    return np.where(zero & (count == 0), out.dtype.type(-0.0), out)


def _banded(x: Array, y: Array, reach: Array, *, dim: int, added: bool = False) -> Array:
    """With `added` the products are added to 0, and without each sum begins with its first one."""
    out = _band(x, y, dim)
    if np.isfinite(out).all():
        return out if added else _signed(out, x, y, reach, dim)
    # 0 * nan is nan, and 0 * infinity: what y does not reach must not come in.
    finite = np.isfinite(x)
    out = _band(np.where(finite, x, x.dtype.type(0)), y, dim)
    lines, known, filled = (np.moveaxis(a, dim, -1) for a in (x, finite, out))
    for column in np.flatnonzero(~known.all(axis=tuple(range(x.ndim - 1)))):
        rows = np.flatnonzero(reach[:, column])
        there = ~known[..., column]
        part = filled[there]
        weights = np.where(reach[rows, column] > 1, y.dtype.type(np.nan), y[rows, column])
        part[:, rows] += lines[there, column][:, None] * weights
        filled[there] = part
    return out if added else _signed(out, x, y, reach, dim)


def _banded_rule(x: Array, y: Array, reach: Array, *, dim: int, added: bool = False) -> Spec:
    shape = list(x.shape)
    shape[dim] = len(y)
    return tuple(shape), x.dtype


def _banded_samples() -> Iterable[Sample]:
    band = np.array([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    for dim in (-1, -2):
        yield Sample((draw(1, (2, 3, 3)), band, band != 0), {"dim": dim})


# A dimension multiplied by a constant matrix [new size, old size], of which `reach` says what counts: 1; 2 where
# several weights are one in it of which one is 0, or whose signs differ: they make nan of what is infinite.
banded: Primitive = Primitive(
    "banded", "contract", _banded,
    (lambda g, y, reach, dim: banded(g, y.mT, reach.mT, dim=dim, added=True), None, None), _banded_rule,
    "gemm", _banded_samples, layout=in_format,
)  # fmt: skip


def _dot(x: Array, y: Array) -> Any:
    same_dtype("dot", x, y)
    if x.ndim != 1 or y.ndim != 1 or x.dtype.kind == "b":
        _dot_rule(x, y)
        raise NotImplementedError("\"dot\" not implemented for 'Bool': use .float()")
    return np.dot(x, y)


def _dot_rule(x: Array, y: Array) -> Spec:
    same_dtype("dot", x, y)
    if x.ndim != 1 or y.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {x.ndim}D and {y.ndim}D tensors")
    if x.shape != y.shape:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{x.size}] and src [{y.size}] to have the same "
            f"number of elements, but got {x.size} and {y.size} elements respectively"
        )
    return (), x.dtype


dot: Primitive = Primitive(
    "dot", "contract", _dot, (lambda g, y: g * conj(y), lambda g, x: g * conj(x)), _dot_rule, "dot",
    lambda: [Sample((draw(1, (3,)), draw(2, (3,))))],
)  # fmt: skip


def _linear(x: Array, weight: Array, bias: Array | None = None) -> Any:
    if x.dtype is not weight.dtype:
        same_dtype("linear", x, weight)
    if bias is not None and bias.dtype is not weight.dtype:
        same_dtype("linear", weight, bias)
    if not x.ndim or not weight.ndim or (x.dtype is _FLAG and x.size and weight.size):
        _linear_rule(x, weight, bias)
        raise NotImplementedError("\"addmm_impl_cpu_\" not implemented for 'Bool': use .float()")
    out = _product(x if x.ndim == 2 else _flat(x), weight.T, bias)
    return out if x.ndim == 2 else out.reshape(*x.shape[:-1], weight.shape[0])


def _linear_rule(x: Array, weight: Array, bias: Array | None = None) -> Spec:
    if not x.ndim or not weight.ndim:
        raise RuntimeError(
            f"both arguments to linear need to be at least 1D, but they are {x.ndim}D and {weight.ndim}D"
        )
    same_dtype("linear", x, weight, *(() if bias is None else (bias,)))
    if weight.ndim != 2 or x.ndim < 1 or x.shape[-1] != weight.shape[-1]:
        rows = int(np.prod(x.shape[:-1])) if x.ndim else 1
        columns = x.shape[-1] if x.ndim else 1
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({rows}x{columns} and "
            f"{weight.shape[-1]}x{weight.shape[0]}): linear needs an input of shape [..., in_features] "
            f"and a weight of [out_features, in_features], got {list(x.shape)} and {list(weight.shape)}"
        )
    return (*x.shape[:-1], weight.shape[0]), x.dtype


def _linear_samples() -> Iterable[Sample]:
    yield Sample((draw(1, (4, 3)), draw(2, (2, 3)), draw(3, (2,))))
    yield Sample((draw(1, (2, 2, 3)), draw(2, (2, 3))))
    yield Sample((draw(1, (3,)), draw(2, (2, 3)), draw(3, (2,))))


def _linear_weight(g_in: Array, x: Array) -> Array:
    if x.ndim != 2:
        g_in, x = _flat(g_in), _flat(x)
    return _product(g_in.T, x)


def _linear_weight_rule(g_in: Array, x: Array) -> Spec:
    return (g_in.shape[-1], x.shape[-1]), x.dtype


# What a weight gets: the rows of g times those of x, over all leading dimensions.
linear_weight: Primitive = Primitive(
    "linear_weight", "contract", _linear_weight,
    (lambda g, x: linear(conj(x), g), lambda g, g_in: _back(conj(g_in), conj(g))),
    _linear_weight_rule, "gemm",
    lambda: [Sample((draw(1, (4, 2)), draw(2, (4, 3)))), Sample((draw(1, (2, 2, 2)), draw(2, (2, 2, 3))))],
    inputs=("g_in", "x"), label="MmBackward0",
)  # fmt: skip


def _back(g: Any, weight: Any) -> Any:
    if g._data_.ndim == 1:
        return matmul(g.reshape(1, -1), conj(weight)).reshape(-1)
    return matmul(g, conj(weight))


def _linear_x(g: Any, x_shape: tuple[int, ...], x_strides: tuple[int, ...], weight: Any) -> Any:
    if _in_columns(x_shape, x_strides, g):
        return _matmul_x(g, x_shape, x_strides, weight.mT)
    return _back(g, weight)


def _linear_weight_of(
    g: Any, x: Any, weight_shape: tuple[int, ...], weight_strides: tuple[int, ...]
) -> Any:
    # Only the gradient of a weight that lies row after row does so, too. NumPy's arrays of nothing have no strides.
    wide, item = weight_shape[-1], g._data_.dtype.itemsize
    if weight_strides == (wide * item, item) or (wide and not any(weight_strides)):
        return linear_weight(g, conj(x))
    return linear_weight(conj(x), g).mT


def _linear_label(node: PrimitiveNode) -> str:
    biased = len(node._edges) == 3
    if len(node._shape) == 2:
        return "AddmmBackward0" if biased else "MmBackward0"
    if len(node._shape) == 1:
        return "ViewBackward0" if biased else "SqueezeBackward4"
    return "ViewBackward0" if biased else "UnsafeViewBackward0"


def _linear_bias(g: Any) -> Any:
    leading = g._data_.ndim - 1
    if leading or g._data_.flags.c_contiguous:
        return sum(g, dim=tuple(range(leading)), keepdim=False) if leading else g
    return laid_out(g, strides=None)


linear: Primitive = Primitive(
    "linear", "contract", _linear,
    (_linear_x, _linear_weight_of, _linear_bias),
    _linear_rule, "gemm", _linear_samples, label=_linear_label, backwards=True,
)  # fmt: skip
