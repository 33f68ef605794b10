"""Rows between complex numbers and their parts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.arrays import as_array
from rushlight.core.row import Primitive, Sample, Spec
from rushlight.core.tensor import Array
from rushlight.memory import address, beside, laid, root
from rushlight.primitives.families import SHAPES, binary, draw, unary
from rushlight.primitives.placement import in_rows, of_kind, pointwise
from rushlight.primitives.pointwise import abs, eq, sgn, where, zeros_like


def _complex_samples() -> Iterable[Sample]:
    for seed, shape in enumerate(SHAPES):
        yield Sample((np.asarray(draw(seed, shape) + 1j * draw(seed + 70, shape)),))


# ---- views --------------------------------------------------------------------------------------


def _view_as_real(x: Array) -> Array:
    part = np.dtype(f"f{x.itemsize // 2}")
    return x[..., None].view(part)


def _view_as_real_rule(x: Array) -> Spec:
    return (*x.shape, 2), np.empty(0, x.dtype).real.dtype


view_as_real = Primitive(
    "view_as_real", "view", _view_as_real,
    (lambda g: view_as_complex(g.contiguous()),), _view_as_real_rule, "view", _complex_samples,
    view=True,
)  # fmt: skip


def _view_as_complex(x: Array) -> Array:
    # Steps that are never taken may be no whole numbers of the pairs.
    pair = 2 * x.itemsize
    strides = tuple(s - s % pair for s in x.strides[:-1])
    return beside(x, x.shape[:-1], strides, dtype=np.dtype(f"c{pair}"))


def _view_as_complex_rule(x: Array) -> Spec:
    if x.dtype.char not in "fd":
        raise RuntimeError(
            f"view_as_complex is only supported for floating point tensors, but got a tensor of "
            f"scalar type: {dtypes.of(x.dtype).word}"
        )
    if not x.ndim or x.shape[-1] != 2:
        raise RuntimeError(
            f"Tensor must have a last dimension of size 2 for the real and the imaginary part, got "
            f"shape {list(x.shape)}"
        )
    strides = laid(x).strides
    if strides[-1] != x.itemsize:
        raise RuntimeError("Tensor must have a last dimension with stride 1: use .contiguous()")
    pair = 2 * x.itemsize
    if any(n != 1 and s % pair for n, s in zip(x.shape[:-1], strides, strict=False)):
        raise RuntimeError(
            "Tensor must have a stride divisible by 2 for all but last dimension: use .contiguous()"
        )
    if x.size and (address(x) - address(root(x))) % pair:
        raise RuntimeError(
            "Tensor must have a storage_offset divisible by 2: .clone() it, as complex numbers lie in pairs"
        )
    return x.shape[:-1], np.dtype(f"c{pair}")


view_as_complex: Primitive = Primitive(
    "view_as_complex", "view", _view_as_complex, (lambda g: view_as_real(g.contiguous().resolve_conj()),),
    _view_as_complex_rule, "view", lambda: [Sample((draw(3, (3, 2)),)), Sample((draw(4, (2,)),))],
    view=True,
)  # fmt: skip

# ---- parts --------------------------------------------------------------------------------------


def _join(x: Array, y: Array) -> Array:
    out = np.empty(np.broadcast_shapes(x.shape, y.shape), np.dtype(f"c{2 * x.itemsize}"), like=x)
    out.real = x
    out.imag = y
    return out


def _promote_join(arrays: list[Any]) -> list[Any]:
    x, y = arrays
    if x.dtype.char not in "efd" or y.dtype.char not in "efd":
        raise RuntimeError(
            f"Expected both inputs to be Half, Float or Double tensors but got "
            f"{dtypes.of(x.dtype).word} and {dtypes.of(y.dtype).word}"
        )
    if x.itemsize == 2:
        raise NotImplementedError("NumPy has no complex numbers of half precision: use .float()")
    if x.dtype != y.dtype:
        raise RuntimeError(
            f"Expected object of scalar type {dtypes.of(x.dtype).word} but got scalar type "
            f"{dtypes.of(y.dtype).word} for second argument"
        )
    return arrays


join = binary(
    "complex", _join, (lambda g: g.real, lambda g: g.imag), "joined({x}, {y})", promote=_promote_join
)  # fmt: skip


def _polar(x: Array, y: Array) -> Array:
    return _join(as_array(x * np.cos(y)), as_array(x * np.sin(y)))


def _polar_vjp(g: Any, out: Any) -> list[Any]:
    # By the direction of the result, which is the opposite one for a negative length, as in torch.
    back = g.conj()
    return [(back * sgn(out)).real, (back * (out * 1j)).real]


polar = Primitive(
    "polar", "binary", _polar, _polar_vjp, join.rule, "joined({x} * cos({y}), {x} * sin({y}))",
    lambda: [Sample((draw(seed, n, 0.1, 2.0), draw(seed + 50, n))) for seed, n in enumerate(SHAPES)],
    inputs=("x", "y"), promote=_promote_join, layout=pointwise,
)  # fmt: skip

# The memory stays as it is, and whoever reads it turns it (`core.turned`).
conj_view: Primitive = Primitive(
    "conj_view", "view", np.conjugate, (lambda g: conj_view(g),), lambda x: (x.shape, x.dtype),
    "conj({x})", _complex_samples, inputs=("x",), view=True, turns=True, label="ConjBackward0",
)  # fmt: skip
neg_view = Primitive(
    "neg_view", "view", np.negative, (lambda g: -g,), lambda x: (x.shape, x.dtype), "-{x}",
    lambda: [Sample((draw(5, (2, 3)),))], inputs=("x",), view=True, turns=True,
)  # fmt: skip


def _angle(x: Array) -> Any:
    if x.dtype.kind == "c":
        return np.angle(x)
    turned = np.where(x < 0, x.dtype.type(np.pi), x.dtype.type(0))
    return np.where(np.isnan(x), x, turned)


def _angle_vjp(g: Any, x: Any) -> Any:
    if x._data_.dtype.kind != "c":
        return zeros_like(x.detach())
    size = abs(x)
    turning = g * x * 1j / (size * size)
    return where(eq(size, 0), 0, turning)


angle = unary("angle", _angle, _angle_vjp, "angle({x})", layout=of_kind("c", in_rows))
