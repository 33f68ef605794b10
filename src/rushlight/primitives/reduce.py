"""Rows that fold dimensions away: sums, products, extremes, moments, norms."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from rushlight.arrays import as_array, brought
from rushlight.autograd.state import is_differentiated
from rushlight.core.doors import read_each
from rushlight.core.row import Primitive, Sample, Spec
from rushlight.core.state import state
from rushlight.core.tensor import Array
from rushlight.narrow import is_narrow
from rushlight.primitives.families import REAL, draw, is_empty, promote_float, taking
from rushlight.primitives.index import unsqueezed
from rushlight.primitives.inner import ones
from rushlight.primitives.join import cat
from rushlight.primitives.kernel import laid_out, lying_like
from rushlight.primitives.placement import in_rows
from rushlight.primitives.pointwise import abs, conj, eq, exp, ne, sgn, where
from rushlight.primitives.scan import cumprod
from rushlight.primitives.view import expand

Dims = tuple[int, ...] | None

# NumPy's own annotations know these only with a literal keepdims.
_ADD: Any = np.add.reduce
_MULTIPLY: Any = np.multiply.reduce
_MAXIMUM: Any = np.maximum.reduce
_MINIMUM: Any = np.minimum.reduce
_OR: Any = np.logical_or.reduce
_AND: Any = np.logical_and.reduce


def reduced_shape(shape: tuple[int, ...], dim: Dims, keepdim: bool) -> tuple[int, ...]:
    """The shape after folding dim (None: all), which are normalised dimensions."""
    folded = range(len(shape)) if dim is None else dim
    if keepdim:
        return tuple(1 if i in folded else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in folded)


def folded_size(shape: tuple[int, ...], dim: Dims) -> int:
    """How many elements are folded into one."""
    return math.prod(shape if dim is None else (shape[d] for d in dim))


def _cases(**more: Any) -> Callable[[], Iterable[Sample]]:
    def samples() -> Iterable[Sample]:
        for shape, dim, keepdim in (
            ((2, 3), None, False), ((2, 3), (0,), False), ((2, 3, 4), (0, 2), True),
            ((0, 2), (1,), False), ((), None, False),
        ):  # fmt: skip
            if shape or "correction" not in more:
                yield Sample((draw(3, shape, 0.3, 2.0),), {"dim": dim, "keepdim": keepdim, **more})

    return samples


_samples = _cases()


def _same_dtype(x: Array, *, dim: Dims, keepdim: bool, **_: Any) -> Spec:
    return reduced_shape(x.shape, dim, keepdim), x.dtype


def _real_dtype(x: Array, *, dim: Dims, keepdim: bool, **_: Any) -> Spec:
    return reduced_shape(x.shape, dim, keepdim), np.empty(0, x.dtype).real.dtype


def unfold_gradient(g: Any, shape: tuple[int, ...], dim: Dims, keepdim: bool) -> Any:
    """G of a reduction, with the folded dimensions put back as 1 so that it broadcasts."""
    if keepdim or g._data_.ndim == len(shape):
        return g
    return unsqueezed(g, reduced_shape(shape, dim, True), range(len(shape)) if dim is None else dim)


def _spread(g: Any, shape: tuple[int, ...], dim: Dims, keepdim: bool) -> Any:
    """The same g for all that was folded into one."""
    if g._data_.ndim or (dim and 1 in shape):
        g = unfold_gradient(g, shape, dim, keepdim)
    return expand(g, size=shape)


def _numbered(name: str) -> Any:
    # torch has one backward for the fold of everything and another for that along dimensions.
    return lambda node: f"{name}Backward{0 if node.static['dim'] is None else 1}"


# ---- sums and products --------------------------------------------------------------------------


# From so many elements on, sums along memory go through BLAS, three times as fast as NumPy's.
_MANY = 16384
_BLOCK = 1024


def _total(x: Array, dim: Dims, keepdim: bool) -> Any:
    """The sum of float32 or float64 numbers."""
    if dim == (0,) and x.ndim == 2 and x.shape[1] > 1 and 0 < len(x) <= 8 * _BLOCK:
        # BLAS adds rows several times as fast as NumPy.
        total = brought(ones(len(x), x.dtype), x).dot(x)
        return total.reshape(1, -1) if keepdim else total
    if x.size < _MANY or not x.flags.c_contiguous:
        return _ADD(x, axis=dim, keepdims=keepdim)
    if dim is None:
        # Sums of blocks, and NumPy's pairwise sum over these.
        flat = x.reshape(-1)
        whole = flat.size - flat.size % _BLOCK
        parts = flat[:whole].reshape(-1, _BLOCK) @ brought(ones(_BLOCK, x.dtype), x)
        total = _ADD(parts) + _ADD(flat[whole:])
    else:
        first = x.ndim - len(dim)
        size = math.prod(x.shape[first:])
        if not dim or dim[0] != first or not 32 <= size <= 8 * _BLOCK:
            return _ADD(x, axis=dim, keepdims=keepdim)
        total = x.reshape(-1, size) @ brought(ones(size, x.dtype), x)
    return as_array(total).reshape(reduced_shape(x.shape, dim, keepdim))


def _sum(x: Array, *, dim: Dims, keepdim: bool) -> Any:
    kind = x.dtype.kind
    if kind in "fV":
        return _total(x, dim, keepdim)
    return _ADD(x, axis=dim, keepdims=keepdim, dtype=None if kind == "c" else np.int64)


def _sum_rule(x: Array, *, dim: Dims, keepdim: bool) -> Spec:
    dtype = x.dtype if x.dtype.kind in "fcV" else np.dtype(np.int64)
    return reduced_shape(x.shape, dim, keepdim), dtype


def _sum_vjp(g: Any, x_shape: tuple[int, ...], dim: Dims, keepdim: bool) -> Any:
    return _spread(g, x_shape, dim, keepdim)


sum = Primitive(
    "sum", "reduce", _sum, (_sum_vjp,), _sum_rule, "reduce:+", _samples, label=_numbered("Sum"),
    layout=in_rows, linear=True,
)  # fmt: skip


def _prod(x: Array, *, dim: Dims, keepdim: bool) -> Any:
    if is_narrow(x) and x.size:
        # torch rounds after every factor.
        lines, axis = (x.reshape(-1), 0) if dim is None else (x, dim[0] if dim else 0)
        if dim is None or dim:
            product = np.multiply.accumulate(lines, axis=axis).take(-1, axis=axis)
            return product.reshape(reduced_shape(x.shape, dim, keepdim))
    dtype = None if x.dtype.kind in "fcV" else np.int64
    return _MULTIPLY(x, axis=dim, keepdims=keepdim, dtype=dtype)


def _prod_vjp(g: Any, x: Any, out: Any, dim: Dims, keepdim: bool) -> Any:
    """Out / x; where that may divide by zero, the product of the others from both sides."""
    if not x.ndim:
        return g
    g = unfold_gradient(g, x.shape, dim, keepdim)
    if not read_each((x == 0).any(), "whether a factor is zero").any():
        return g * conj(unfold_gradient(out, x.shape, dim, keepdim) / x)
    if folded_size(x.shape, dim) == 1:
        return g
    if dim is None:
        if (
            not is_differentiated()
            and read_each((x == 0).sum() > 1, "whether there are more").all()
        ):
            return x.new_zeros(x.shape)
        return g * conj(_product_of_others(x.reshape(-1), 0).reshape(x.shape))
    return g * conj(_product_of_others(x, dim[0]) if dim else x * 0 + 1)


def _product_of_others(x: Any, dim: int) -> Any:
    size = x.shape[dim]
    if not size:
        return x
    one = x.new_ones((*x.shape[:dim], 1, *x.shape[dim + 1 :]))
    before = cumprod(cat(one, x.narrow(dim, 0, size - 1), dim=dim), dim=dim)
    others = x.narrow(dim, 1, size - 1).flip(dim)
    after = cumprod(cat(one, others, dim=dim), dim=dim).flip(dim)
    return before * after


def _prod_samples() -> Iterable[Sample]:
    for zeros in (0, 1, 2):
        x = draw(5, (3, 2))
        x.reshape(-1)[1 : 1 + 2 * zeros : 2] = 0
        for dim in (None, (0,)):
            yield Sample((x,), {"dim": dim, "keepdim": False})
    yield Sample((draw(6, (2, 0)),), {"dim": (1,), "keepdim": True})
    yield Sample((draw(6, ()),), {"dim": None, "keepdim": False})


prod = Primitive(
    "prod", "reduce", _prod, (_prod_vjp,), _sum_rule, "reduce:*", _prod_samples,
    label=_numbered("Prod"), layout=in_rows, as_is=True,
)  # fmt: skip


def _running_on(x: Array, out: Any, dim: Dims) -> Any:
    """The mean as torch finds it on the way to the variance: after what is not finite there is but nan."""
    if x.dtype.kind not in "fV" or np.isfinite(out).all():
        return out
    wide: Array = as_array(_mean(x.astype(np.float64), dim=dim, keepdim=True))
    dims = range(x.ndim) if dim is None else dim
    rest = [d for d in range(x.ndim) if d not in dims]
    lines = x.transpose(*rest, *dims).reshape(*(x.shape[d] for d in rest), -1)
    lost = ~np.isfinite(lines[..., :-1]).all(-1)
    wide[lost.reshape(wide.shape)] = np.nan
    return wide.astype(out.dtype).reshape(out.shape)


def _mean(x: Array, *, dim: Dims, keepdim: bool, running: bool = False) -> Any:
    if x.dtype.kind in "fV":
        total = _total(x, dim, keepdim)
    else:
        total = _ADD(x, axis=dim, keepdims=keepdim)
    out = total / folded_size(x.shape, dim)
    return _running_on(x, out, dim) if running else out


def _mean_vjp(g: Any, x_shape: tuple[int, ...], dim: Dims, keepdim: bool) -> Any:
    # In row order, and so it may be kept as it is: divided once it is spread, as by torch, or before it is.
    count = max(folded_size(x_shape, dim), 1)
    if state.grad or g._data_.ndim:
        return _spread(g, x_shape, dim, keepdim) / count
    return laid_out(_spread(g / count, x_shape, dim, keepdim), strides=None)


mean = Primitive(
    "mean", "reduce", _mean, (_mean_vjp,), _same_dtype, "reduce:+", _samples,
    label=_numbered("Mean"), layout=in_rows, linear=True,
)  # fmt: skip

# ---- extremes -----------------------------------------------------------------------------------


def _nonempty(name: str, shape: tuple[int, ...], dim: Dims) -> None:
    if 0 not in shape:
        return
    if dim is None:
        # torch's kinds of error, which differ for no reason.
        raise (IndexError if name.startswith("arg") else RuntimeError)(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
            f"reduction dim with the 'dim' argument; the input has shape {list(shape)}"
        )
    for d in dim:
        if shape[d] == 0:
            raise IndexError(f"{name}(): Expected reduction dim {d} to have non-zero size.")


def _extreme_rule(name: str) -> Callable[..., Spec]:
    def rule(x: Array, *, dim: Dims, keepdim: bool) -> Spec:
        _nonempty(name, x.shape, dim)
        return reduced_shape(x.shape, dim, keepdim), x.dtype

    return rule


def _amax(x: Array, *, dim: Dims, keepdim: bool) -> Any:
    return _MAXIMUM(x, axis=dim, keepdims=keepdim)


def _amin(x: Array, *, dim: Dims, keepdim: bool) -> Any:
    return _MINIMUM(x, axis=dim, keepdims=keepdim)


def _share_evenly(g: Any, hit: Any, dim: Dims) -> Any:
    count = sum(hit, dim=dim, keepdim=True)
    # A product, as in torch: nan goes everywhere, and what is beaten gets a zero of the sign of g.
    return g / count.astype(g._data_.dtype) * hit


def fill_evenly(g: Any, x: Any, out: Any) -> Any:
    """The gradient of one element out of all: torch fills zeros in row order where it is found."""
    hit = where(ne(out, out), ne(x, x), eq(x, out))
    share = g / sum(hit, dim=None, keepdim=False).astype(g._data_.dtype)
    return laid_out(where(hit, share, 0), strides=None)


def _extreme_vjp(g: Any, x: Any, out: Any, dim: Dims, keepdim: bool) -> Any:
    # Equal extremes share the gradient evenly.
    if dim is None:
        return fill_evenly(g, x, out)
    hit = eq(x, unfold_gradient(out, x.shape, dim, keepdim))
    return _share_evenly(unfold_gradient(g, x.shape, dim, keepdim), hit, dim)


amax = Primitive(
    "amax", "reduce", _amax, (_extreme_vjp,), _extreme_rule("amax"), "reduce:max", _samples,
    promote=taking("amax", REAL, list, idle=is_empty), layout=in_rows,
)  # fmt: skip
amin = Primitive(
    "amin", "reduce", _amin, (_extreme_vjp,), _extreme_rule("amin"), "reduce:min", _samples,
    promote=taking("amin", REAL, list, idle=is_empty), layout=in_rows,
)  # fmt: skip


def position_rule(name: str) -> Callable[..., Spec]:
    """The rule of a row that finds a position along a dimension, or in all."""

    def rule(x: Array, *, dim: int | None, keepdim: bool) -> Spec:
        dims = None if dim is None else (dim,) if x.ndim else ()
        _nonempty(name, x.shape, dims)
        return reduced_shape(x.shape, dims, keepdim), np.dtype(np.int64)

    return rule


def _argmax(x: Array, *, dim: int | None, keepdim: bool) -> Any:
    axis: Any = dim if x.ndim else None
    return x.argmax(axis=axis, keepdims=keepdim)


def _argmin(x: Array, *, dim: int | None, keepdim: bool) -> Any:
    axis: Any = dim if x.ndim else None
    return x.argmin(axis=axis, keepdims=keepdim)


def _position_samples() -> Iterable[Sample]:
    for shape, dim, keepdim in (((2, 3), None, False), ((2, 3), 0, False), ((2, 3, 4), 1, True)):
        yield Sample((draw(3, shape),), {"dim": dim, "keepdim": keepdim})


argmax = Primitive(
    "argmax", "reduce", _argmax, None, position_rule("argmax"), "reduce:argmax",
    _position_samples, promote=taking("argmax", REAL, list), layout=in_rows,
)  # fmt: skip
argmin = Primitive(
    "argmin", "reduce", _argmin, None, position_rule("argmin"), "reduce:argmin",
    _position_samples, promote=taking("argmin", REAL, list), layout=in_rows,
)  # fmt: skip

# ---- yes or no ----------------------------------------------------------------------------------


def _boolean(x: Array, *, dim: Dims, keepdim: bool) -> Spec:
    dtype = np.dtype(np.uint8 if x.dtype == np.uint8 else np.bool_)
    return reduced_shape(x.shape, dim, keepdim), dtype


def _any(x: Array, *, dim: Dims, keepdim: bool) -> Any:
    found = _OR(x, axis=dim, keepdims=keepdim)
    return found.astype(np.uint8) if x.dtype == np.uint8 else found


def _all(x: Array, *, dim: Dims, keepdim: bool) -> Any:
    held = _AND(x, axis=dim, keepdims=keepdim)
    return held.astype(np.uint8) if x.dtype == np.uint8 else held


any = Primitive("any", "reduce", _any, None, _boolean, "reduce:||", _samples, layout=in_rows)
all = Primitive("all", "reduce", _all, None, _boolean, "reduce:&&", _samples, layout=in_rows)

# ---- moments ------------------------------------------------------------------------------------

Correction = float


def _spread_out(x: Array, dim: Dims, keepdim: bool, correction: Correction) -> Any:
    """The variance; in double precision, as in torch, where it is too large for single precision."""
    count = folded_size(x.shape, dim)
    center = _ADD(x, axis=dim, keepdims=True) / max(count, 1)
    deviation = np.subtract(x, center, dtype=x.dtype)
    if x.dtype.kind == "c":
        squares = deviation.real * deviation.real + deviation.imag * deviation.imag
    else:
        squares = np.multiply(deviation, deviation)
    total = _ADD(squares, axis=dim, keepdims=keepdim)
    if x.dtype == np.float32 and not np.isfinite(total).all() and np.isfinite(x).any():
        wide = x.astype(np.float64)
        if dim is None:
            # torch takes the mean of all of them in their own type.
            distance = wide - center
            total = _ADD(distance * distance, axis=dim, keepdims=keepdim)
        else:
            return _spread_out(wide, dim, keepdim, correction)
    return np.true_divide(total, total.dtype.type(max(count - correction, 0)))


def _var(x: Array, *, dim: Dims, keepdim: bool, correction: Correction) -> Any:
    kept = np.empty(0, x.dtype).real.dtype
    return _spread_out(x, dim, keepdim, correction).astype(kept, copy=False)


def _along(g: Any, x: Any, dim: Dims, correction: Correction) -> Any:
    """The derivative of the variance: 2 / (n - correction) times the distance from the mean."""
    divisor = folded_size(x.shape, dim) - correction
    center = mean(x, dim=dim, keepdim=True)
    if divisor <= 0 and (dim is None or not x._data_.ndim):
        # What is left is no function of x any more.
        return g * where(eq(x, center), math.nan, math.inf)
    return (2 / divisor if divisor else math.inf) * g * (x - center)


def _var_vjp(g: Any, x: Any, dim: Dims, keepdim: bool, correction: Correction) -> Any:
    return _along(unfold_gradient(g, x.shape, dim, keepdim), x, dim, correction)


def _std(x: Array, *, dim: Dims, keepdim: bool, correction: Correction) -> Any:
    kept = np.empty(0, x.dtype).real.dtype
    return np.sqrt(_spread_out(x, dim, keepdim, correction)).astype(kept, copy=False)


def _std_vjp(g: Any, x: Any, out: Any, dim: Dims, keepdim: bool, correction: Correction) -> Any:
    twice = out * 2
    # Divided by infinity where there is no slope, and not left out: the rule is differentiated in g, too.
    slope = g / lying_like(where(eq(out, 0), np.inf, twice), twice)
    return _along(unfold_gradient(slope, x.shape, dim, keepdim), x, dim, correction)


var = Primitive(
    "var", "reduce", _var, (_var_vjp,), _real_dtype, "reduce:var", _cases(correction=1),
    inputs=("x",), layout=in_rows,
)  # fmt: skip
std = Primitive(
    "std", "reduce", _std, (_std_vjp,), _real_dtype, "reduce:std", _cases(correction=0),
    layout=in_rows,
)  # fmt: skip

# ---- norms --------------------------------------------------------------------------------------


def _logsumexp(x: Array, *, dim: Dims, keepdim: bool) -> Any:
    top = _MAXIMUM(x.real, axis=dim, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, top.dtype.type(0))
    total = np.log(_ADD(np.exp(x - top), axis=dim, keepdims=keepdim))
    return total + (top if keepdim else top.reshape(total.shape))


def _logsumexp_vjp(g: Any, x: Any, out: Any, dim: Dims, keepdim: bool) -> Any:
    share = exp(x - unfold_gradient(out, x.shape, dim, keepdim))
    return unfold_gradient(g, x.shape, dim, keepdim) * conj(share)


logsumexp = Primitive(
    "logsumexp", "reduce", _logsumexp, (_logsumexp_vjp,), _same_dtype, "reduce:logsumexp",
    _samples, inputs=("x",), promote=promote_float, layout=in_rows,
)  # fmt: skip


def _vector_norm(x: Array, *, dim: Dims, keepdim: bool, ord: float) -> Any:
    if ord != 0 and folded_size(x.shape, dim) == 1 and (x.ndim or dim is None):
        # Of one element it is that element, which its powers might leave the range of.
        return np.abs(x).reshape(reduced_shape(x.shape, dim, keepdim))
    if ord == 2:
        if x.dtype.kind == "c":
            squares = x.real * x.real + x.imag * x.imag
        elif dim is None and not keepdim:
            flat = x.reshape(-1)
            return np.sqrt(np.dot(flat, flat))
        else:
            squares = np.multiply(x, x)
        return np.sqrt(_ADD(squares, axis=dim, keepdims=keepdim))
    size = np.abs(x)
    if ord == math.inf:
        return _MAXIMUM(size, axis=dim, keepdims=keepdim)
    if ord == -math.inf:
        return _MINIMUM(size, axis=dim, keepdims=keepdim)
    if ord == 0:
        return _ADD(size != 0, axis=dim, keepdims=keepdim, dtype=size.dtype)
    if ord == 1:
        return _ADD(size, axis=dim, keepdims=keepdim)
    total = _ADD(np.power(size, ord), axis=dim, keepdims=keepdim)
    return np.power(total, 1 / ord)


def _vector_norm_vjp(g: Any, x: Any, out: Any, dim: Dims, keepdim: bool, ord: float) -> Any:
    if ord == 0:
        return None
    g = unfold_gradient(g, x.shape, dim, keepdim)
    out = unfold_gradient(out, x.shape, dim, keepdim)
    if ord == 1:
        return sgn(x) * g
    # At a zero norm the gradient is 0. As in torch, its own derivative is nan there: the quotients
    # are masked after they are made, and the mask does not reach what they were made of.
    if ord == 2:
        ratio = x / out
        return g * lying_like(where(eq(out, 0), 0, ratio), ratio)
    if math.isinf(ord):
        size = abs(x)
        return sgn(x) * _share_evenly(g, where(ne(size, size), True, eq(size, out)), dim)
    if ord < 2:
        powers = sgn(x) * where(eq(x, 0), 0, abs(x) ** (ord - 1))
    else:
        powers = x * abs(x) ** (ord - 2)
    # Grouped as in torch: in float16 the powers may leave the range, and where they do shows.
    if ord < 1:
        return powers * (g * out ** (1 - ord))
    return powers * where(eq(out, 0), 0, g / out ** (ord - 1))


def _norm_rule(x: Array, *, dim: Dims, keepdim: bool, ord: float) -> Spec:
    if (ord < 0 or ord == math.inf) and 0 in x.shape:
        dims = range(x.ndim) if dim is None else dim
        if 0 in [x.shape[d] for d in dims]:
            raise RuntimeError(
                f"linalg.vector_norm cannot compute the {ord:g} norm on an empty tensor because "
                f"the operation does not have an identity; the input has shape {list(x.shape)}"
            )
    return _real_dtype(x, dim=dim, keepdim=keepdim)


def _norm_samples() -> Iterable[Sample]:
    for ord in (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, math.inf, -math.inf):
        yield Sample((draw(7, (2, 3)),), {"ord": ord, "dim": None, "keepdim": False})
        yield Sample((draw(8, (2, 3)),), {"ord": ord, "dim": (1,), "keepdim": True})


vector_norm = Primitive(
    "vector_norm", "reduce", _vector_norm, (_vector_norm_vjp,), _norm_rule, "reduce:norm",
    _norm_samples, inputs=("x",), label="LinalgVectorNormBackward0", layout=in_rows,
)  # fmt: skip

# ---- bits ---------------------------------------------------------------------------------------

_XOR: Any = np.bitwise_xor.reduce


def _hash_tensor(x: Array, *, dim: Dims, keepdim: bool) -> Any:
    if x.dtype.kind == "c":
        raise NotImplementedError("hash_tensor: not of complex numbers: use torch.view_as_real")
    _nonempty("hash_tensor", x.shape, dim)
    wide = x.astype(np.float64 if x.dtype.kind in "fV" else np.int64)
    return _XOR(wide.view(np.uint64), axis=dim, keepdims=keepdim)


def _hash_rule(x: Array, *, dim: Dims, keepdim: bool) -> Spec:
    _nonempty("hash_tensor", x.shape, dim)
    return reduced_shape(x.shape, dim, keepdim), np.dtype(np.uint64)


hash_tensor = Primitive(
    "hash_tensor", "reduce", _hash_tensor, None, _hash_rule, "reduce:xor",
    # Numbers that single precision holds exactly: the bits of all others change with it.
    lambda: [Sample((np.arange(-2.0, 4.0).reshape(2, 3),), {"dim": dim, "keepdim": keepdim})
             for dim, keepdim in ((None, False), ((1,), True))],
    inputs=("x",), layout=in_rows, as_is=True,
)  # fmt: skip
