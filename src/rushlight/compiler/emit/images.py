"""Convolutions and pooling in the file: which kernel, and how images lie that it is given."""

from __future__ import annotations

from dataclasses import dataclass

from rushlight.compiler.graph import Images, NoC, Place, c_type, in_rows
from rushlight.compiler.kernels import convolution, pooling
from rushlight.compiler.kernels.images import Border
from rushlight.compiler.kernels.images import Images as Layout
from rushlight.compiler.kernels.kernel import Kernel
from rushlight.compiler.kernels.target import Target


@dataclass(frozen=True)
class Call:
    """A kernel, what prepares and finishes it, and how many units of work there are."""

    kernel: Kernel
    count: int
    pack: Kernel | None = None
    packed: int = 0
    finish: Kernel | None = None
    sums: int = 0
    work: int = 0


def kernel_of(statement: Images, target: Target) -> Call:
    """The kernel for a convolution or a pooling of images that lie as they do."""
    T = c_type(statement.images()[0].dtype)
    laid = [layout_of(place) for place in statement.images()]
    form, way = statement.form, statement.way
    if way == "maximum":
        made = pooling.maximum(form, laid[0], laid[1], target, T)
        return Call(made, laid[1].batch * laid[1].height)
    if way == "scattered":
        made, count = pooling.scattered(form, laid[0], laid[2], target, T)
        return Call(made, count)
    if way == "forward":
        plan = convolution.forward(form, laid[0], laid[1], target, T)
    elif way == "input":
        plan = convolution.input_gradient(form, laid[0], laid[1], target, T)
    else:
        plan = convolution.weight_gradient(form, laid[0], laid[1], target, T)
    return Call(
        plan.kernel, plan.count, plan.pack, plan.packed, plan.finish, plan.sums, 2 * form.products
    )


def layout_of(place: Place) -> Layout:
    """How images lie in memory."""
    n, c, h, w = place.shape
    if c > 1 and place.strides == in_rows(place.shape):
        return Layout(n, c, h, w, planes=True)
    row, pixel = place.strides[2], place.strides[3]
    if c == 1 and place.strides == in_rows(place.shape):
        return Layout(n, c, h, w)
    if place.strides[1] != 1:
        raise NoC("images in another order")
    lines, columns = place.strides[0] // row, row // pixel
    top, left = divmod(place.offset, row)
    left //= pixel
    border = Border(top, lines - h - top, left, columns - w - left)
    return Layout(n, c, h, w, border, pitch=0 if pixel == c else pixel)
