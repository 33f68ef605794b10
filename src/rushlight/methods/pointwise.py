"""Elementwise functions that are also methods."""

from __future__ import annotations

import numpy as np

from rushlight.ops import inplace, pointwise
from rushlight.ops.inplace import arithmetic
from rushlight.primitives import pointwise as rows


class PointwiseMethods:
    """Mixed into Tensor."""

    __slots__ = ()

    abs = pointwise.abs
    add = pointwise.add
    add_ = arithmetic(rows.add, np.add, pointwise.add)
    div = pointwise.div
    div_ = arithmetic(rows.div, np.true_divide, pointwise.div)
    eq = pointwise.eq
    exp = pointwise.exp
    log = pointwise.log
    mul = pointwise.mul
    mul_ = arithmetic(rows.mul, np.multiply, pointwise.mul)
    pow = pointwise.pow
    relu = pointwise.relu
    sigmoid = pointwise.sigmoid
    sub = pointwise.sub
    sub_ = arithmetic(rows.sub, np.subtract, pointwise.sub)
    tanh = pointwise.tanh

    copy_ = inplace.copy_
    fill_ = inplace.fill_
    zero_ = inplace.zero_
