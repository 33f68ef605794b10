"""Resize and Upsample: along each dimension a choice of elements, or a product with a matrix.

The coordinates and weights are those of the ONNX specification: where an element of the result stands in the
input, and how much its neighbours count.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.core.tensor import Array
from rushlight.onnx.loading.operator import Handler, Operator, array_of, ints, tensor_of
from rushlight.public import torch as T


def _resize(op: Operator, x: Any, roi: Any = None, scales: Any = None, sizes: Any = None) -> Any:
    if op.version < 11:
        roi, scales = None, roi if scales is None else scales
        standard = "asymmetric"
    else:
        standard = "half_pixel"
    axes = [a % x.ndim for a in op.get("axes") or range(x.ndim)]
    old = [x.shape[a] for a in axes]
    factors = [] if scales is None else [float(v) for v in array_of(scales).reshape(-1)]
    if factors:
        new = [math.floor(n * f) for n, f in zip(old, factors, strict=True)]
    else:
        new = ints(sizes)
        factors = [m / n for m, n in zip(new, old, strict=True)]
        policy = op.get("keep_aspect_ratio_policy", "stretch")
        if policy != "stretch":
            factor = min(factors) if policy == "not_larger" else max(factors)
            factors = [factor] * len(old)
            new = [math.floor(n * factor + 0.5) for n in old]
    how = op.get("coordinate_transformation_mode", standard)
    regions = [] if roi is None else [float(v) for v in array_of(roi).reshape(-1)]
    outside: list[tuple[int, Array]] = []
    for i, axis in enumerate(axes):
        region = (regions[i], regions[i + len(axes)]) if regions else (0.0, 1.0)
        if (
            new[i] == old[i]
            and factors[i] == 1
            and (how != "tf_crop_and_resize" or region == (0.0, 1.0))
        ):
            continue
        at = coordinates(how, old[i], new[i], factors[i], region, given=scales is not None)
        if how == "tf_crop_and_resize":
            outside.append((axis, (at < 0) | (at > old[i] - 1)))
        x = _along(op, x, axis, at, factors[i])
    for axis, away in outside:
        if away.any():
            mask = tensor_of(away).reshape(*(1,) * axis, -1, *(1,) * (x.ndim - axis - 1))
            x = T.where(mask, T.full_like(x, op.get("extrapolation_value", 0.0)), x)
    return x


def coordinates(
    how: str, old: int, new: int, factor: float, region: tuple[float, float], given: bool = False
) -> Array:
    """Where the elements of the result stand in the input; given: the factor was, and not the size."""
    at = np.arange(new, dtype=np.float64)
    if how == "asymmetric":
        return at / factor
    if how == "align_corners":
        # The corners are those of the size that the factor would give, were it whole.
        size = factor * old if given else new
        return at * (old - 1) / (size - 1) if size > 1 else np.zeros(new)
    if how == "pytorch_half_pixel" and new <= 1:
        return np.zeros(new)
    if how == "tf_half_pixel_for_nn":
        return (at + 0.5) / factor
    if how == "tf_crop_and_resize":
        start, end = region
        if new > 1:
            return start * (old - 1) + at * (end - start) * (old - 1) / (new - 1)
        return np.full(new, 0.5 * (start + end) * (old - 1))
    center = (at + 0.5) / factor - 0.5
    if how == "half_pixel_symmetric":
        adjustment = new / (factor * old)
        return old / 2 * (1 - adjustment) + center
    return center


_NEAREST: dict[str, Callable[[Array], Array]] = {
    "round_prefer_floor": lambda v: np.ceil(v - 0.5),
    "round_prefer_ceil": lambda v: np.floor(v + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}


def _along(op: Operator, x: Any, axis: int, at: Array, factor: float) -> Any:
    mode, old = op.get("mode", "nearest"), x.shape[axis]
    if mode == "nearest":
        standard = "round_prefer_floor" if op.version >= 11 else "floor"
        places = _NEAREST[op.get("nearest_mode", standard)](at)
        places = np.clip(places, 0, old - 1).astype(np.int64)
        return x.index_select(axis, tensor_of(places))
    matrix = tensor_of(weights(op, mode, at, old, factor).astype(x._data_.dtype))
    return T.matmul(x.movedim(axis, -1), matrix.t()).movedim(-1, axis)


def weights(op: Operator, mode: str, at: Array, old: int, factor: float) -> Array:
    """How much each element of the input counts in each of the result."""
    cubic = mode == "cubic"
    half = 2 if cubic else 1
    shrink = min(factor, 1.0) if op.get("antialias", 0) else 1.0
    start = math.floor(-half / shrink) + 1
    count = 2 * half - 2 * (start + half - 1) if shrink != 1 else 2 * half
    left = np.ceil(at) - 1
    rest = at - left
    steps = np.arange(start, start + count)
    away = np.abs((steps - rest[:, None]) * shrink)
    if cubic:
        a = op.get("cubic_coeff_a", -0.75)
        near = (a + 2) * away**3 - (a + 3) * away**2 + 1
        far = a * away**3 - 5 * a * away**2 + 8 * a * away - 4 * a
        parts = np.where(away <= 1, near, np.where(away < 2, far, 0.0))
    else:
        parts = np.clip(1 - away, 0, 1)
    places = (left[:, None] + steps).astype(np.int64)
    if op.get("exclude_outside", 0):
        parts = np.where((places < 0) | (places >= old), 0.0, parts)
    if shrink != 1 or op.get("exclude_outside", 0):
        parts = parts / parts.sum(1, keepdims=True)
    matrix = np.zeros((len(at), old))
    rows = np.broadcast_to(np.arange(len(at))[:, None], places.shape)
    np.add.at(matrix, (rows, np.clip(places, 0, old - 1)), parts)
    return matrix


def _upsample(op: Operator, x: Any, scales: Any = None) -> Any:
    factors = op.get("scales") if scales is None else [float(v) for v in array_of(scales)]
    if factors is None:
        factors = [1.0, 1.0, op.get("height_scale"), op.get("width_scale")]
    for axis, factor in enumerate(factors):
        new = math.floor(x.shape[axis] * factor)
        if new != x.shape[axis]:
            at = coordinates("asymmetric", x.shape[axis], new, factor, (0.0, 1.0))
            plain = Operator("Upsample", op.name, {"mode": op.get("mode", "nearest")}, 10, 1)
            plain.attributes["mode"] = "linear" if "linear" in plain.get("mode") else "nearest"
            x = _along(plain, x, axis, at, factor)
    return x


RESIZE: dict[str, Handler] = {"Resize": _resize, "Upsample": _upsample}
