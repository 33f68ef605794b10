"""Rows for discrete Fourier transforms: complex, of real signals, and back to real ones.

`scale` is "none", "root" (1/sqrt(n)) or "n" (1/n), with n the number of points transformed. Without
it a transform is a symmetric matrix W of roots of unity, and the gradient is the transform the other
way round: the conjugate of W.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from rushlight.core.doors import literal
from rushlight.core.row import Primitive, Sample, Spec
from rushlight.core.tensor import Array
from rushlight.primitives.families import draw
from rushlight.primitives.placement import empty_in, empty_like, rows_of
from rushlight.primitives.view import pad

Dims = tuple[int, ...]

# NumPy says for which direction it scales; these are its words for ours.
FORWARD: dict[str, Any] = {"none": "backward", "root": "ortho", "n": "forward"}
INVERSE: dict[str, Any] = {"none": "forward", "root": "ortho", "n": "backward"}


def _complex(x: Array) -> np.dtype[Any]:
    return np.result_type(x.dtype, np.complex64)


def _order(x: Array, dims: Dims, last: bool) -> Dims:
    """The dimensions of the result, outermost in memory first: those transformed are the inner ones.

    Each group goes by the strides of x, but for the last of dims, which stays last if `last`. Where strides
    are equal, the outer ones stand as `std::partition` leaves them: each gap is filled from the far end.
    """
    moving = dims[:-1] if last else dims
    left = deque(range(x.ndim))
    outer = []
    while left:
        if (d := left.popleft()) not in dims:
            outer.append(d)
        else:
            while left and (d := left.pop()) in dims:
                pass
            if d not in dims:
                outer.append(d)

    def inward(d: int) -> int:
        return -x.strides[d]

    return (*sorted(outer, key=inward), *sorted(moving, key=inward), *dims[len(moving) :])


def _room(x: Array, shape: Dims, dtype: np.dtype[Any], order: Dims) -> Array | None:
    """Memory for the result where it does not lie in row order."""
    return None if order == tuple(range(x.ndim)) else empty_in(shape, dtype, order, x)


def _c2c(x: Array, *, dims: Dims, scale: str, forward: bool) -> Array:
    out: Any = _room(x, x.shape, _complex(x), _order(x, dims, False))
    if forward:
        result = np.fft.fftn(x, axes=dims, norm=FORWARD[scale], out=out)
    else:
        result = np.fft.ifftn(x, axes=dims, norm=INVERSE[scale], out=out)
    if not np.all(turned := np.any(x.imag, axis=dims, keepdims=True)):
        _settle(result, x.shape, dims, ~turned)
    return rows_of(result) if out is None else out


def _c2c_samples() -> list[Sample]:
    x = draw(1, (3, 4)) + 1j * draw(2, (3, 4))
    return [
        Sample((x,), {"dims": (1,), "scale": "none", "forward": True}),
        Sample((x,), {"dims": (0, 1), "scale": "n", "forward": False}),
        Sample((x,), {"dims": (0,), "scale": "root", "forward": True}),
    ]


c2c: Primitive = Primitive(
    "fft_c2c", "fourier", _c2c,
    (lambda g, dims, scale, forward: c2c(g, dims=dims, scale=scale, forward=not forward),),
    lambda x, *, dims, scale, forward: (x.shape, x.dtype), "fft", _c2c_samples,
    label="FftC2CBackward0", as_is=True, linear=True,
)  # fmt: skip


def _r2c(x: Array, *, dims: Dims, scale: str, half: bool) -> Array:
    shape, dtype = _r2c_rule(x, dims=dims, scale=scale, half=half)
    if not dims:
        return x.astype(dtype)
    # In torch a copy in complex numbers is transformed where there is more than one dimension.
    order = _order(x if half or len(dims) == 1 else empty_like(x), dims, half)
    out: Any = _room(x, shape, dtype, order)
    transform = np.fft.rfftn if half else np.fft.fftn
    result = transform(x, axes=dims, norm=FORWARD[scale], out=out)
    _settle(result, x.shape, dims)
    return rows_of(result) if out is None else out


def _settle(result: Array, shape: Dims, dims: Dims, real: Any = True) -> None:
    """Of real numbers, a transform is real where it is its own conjugate, in torch to the last bit."""
    if dims and 0 not in shape:
        alone = [slice(0, None, n // 2 if n % 2 == 0 else n) for n in shape]
        part = result[tuple(s if d in dims else slice(None) for d, s in enumerate(alone))]
        np.copyto(part.imag, 0, where=real)


def _r2c_rule(x: Array, *, dims: Dims, scale: str, half: bool) -> Spec:
    shape = list(x.shape)
    if half:
        shape[dims[-1]] = shape[dims[-1]] // 2 + 1
    return tuple(shape), _complex(x)


def _r2c_vjp(g: Any, x_shape: Dims, dims: Dims, scale: str, half: bool) -> Any:
    if half:
        missing = x_shape[dims[-1]] - g.shape[dims[-1]]
        widths = tuple((0, missing if d == dims[-1] else 0) for d in range(len(x_shape)))
        g = pad(g, widths=widths, value=0)
    return c2c(g, dims=dims, scale=scale, forward=False).real


r2c: Primitive = Primitive(
    "fft_r2c", "fourier", _r2c, (_r2c_vjp,), _r2c_rule, "fft",
    lambda: [Sample((draw(1, (3, 4)),), {"dims": (1,), "scale": "none", "half": True}),
             Sample((draw(1, (3, 5)),), {"dims": (0, 1), "scale": "root", "half": True}),
             Sample((draw(1, (3, 2)),), {"dims": (1, 0), "scale": "n", "half": False})],
    label="FftR2CBackward0", as_is=True, linear=True,
)  # fmt: skip


def _c2r(x: Array, *, dims: Dims, scale: str, last: int) -> Array:
    sizes = [*(x.shape[d] for d in dims[:-1]), last]
    shape, dtype = _c2r_rule(x, dims=dims, scale=scale, last=last)
    out: Any = _room(x, shape, dtype, _order(x, dims, True))
    result = np.fft.irfftn(x, s=sizes, axes=dims, norm=INVERSE[scale], out=out)
    return rows_of(result) if out is None else out


def _c2r_rule(x: Array, *, dims: Dims, scale: str, last: int) -> Spec:
    shape = list(x.shape)
    shape[dims[-1]] = last
    return tuple(shape), np.empty(0, x.dtype).real.dtype


def _c2r_vjp(g: Any, dims: Dims, scale: str, last: int) -> Any:
    half = r2c(g, dims=dims, scale=scale, half=True)
    # All but the first and, for an even number, the middle one stand for two frequencies.
    weights = np.full(last // 2 + 1, 2.0, g._data_.dtype)
    weights[0] = 1
    if last % 2 == 0:
        weights[-1] = 1
    return half * literal(weights).reshape((-1,) + (1,) * (half._data_.ndim - 1 - dims[-1]))


def _c2r_samples() -> list[Sample]:
    x = draw(1, (2, 3)) + 1j * draw(2, (2, 3))
    return [
        Sample((x,), {"dims": (1,), "scale": "n", "last": 4}),
        Sample((x,), {"dims": (0, 1), "scale": "none", "last": 5}),
        Sample((x,), {"dims": (1, 0), "scale": "root", "last": 2}),
    ]


# The input holds last // 2 + 1 points along the last of the dimensions.
c2r: Primitive = Primitive(
    "fft_c2r", "fourier", _c2r, (_c2r_vjp,), _c2r_rule, "fft", _c2r_samples,
    label="FftC2RBackward0", as_is=True, linear=True,
)  # fmt: skip
