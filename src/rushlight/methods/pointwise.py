"""Elementwise functions that are also methods."""

from __future__ import annotations

from rushlight.ops import inplace as inplace_room
from rushlight.ops import pointwise
from rushlight.ops.inplace import inplace


class PointwiseMethods:
    """Mixed into Tensor."""

    __slots__ = ()

    abs = pointwise.abs
    add = pointwise.add
    add_ = inplace(pointwise.add)
    div = pointwise.div
    div_ = inplace(pointwise.div)
    eq = pointwise.eq
    exp = pointwise.exp
    log = pointwise.log
    mul = pointwise.mul
    mul_ = inplace(pointwise.mul)
    pow = pointwise.pow
    relu = pointwise.relu
    sigmoid = pointwise.sigmoid
    sub = pointwise.sub
    sub_ = inplace(pointwise.sub)
    tanh = pointwise.tanh

    copy_ = inplace_room.copy_
    fill_ = inplace_room.fill_
    zero_ = inplace_room.zero_
