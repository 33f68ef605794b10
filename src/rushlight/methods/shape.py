"""Views, joins and turns that are also methods."""

from __future__ import annotations

from rushlight.ops import shape


class ShapeMethods:
    """Mixed into Tensor."""

    __slots__ = ()

    contiguous = shape.contiguous
    expand = shape.expand
    flip = shape.flip
    narrow = shape.narrow
    permute = shape.permute
    reshape = shape.reshape
    select = shape.select
    squeeze = shape.squeeze
    t = shape.t
    transpose = shape.transpose
    unbind = shape.unbind
    unsqueeze = shape.unsqueeze
    mT = property(shape.matrix_transpose)
