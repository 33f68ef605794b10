"""Convolutions and pooling in the file: which kernel, and how images lie that it is given."""

from __future__ import annotations

from dataclasses import dataclass

from rushlight.compiler.emit.sharing import WORTH
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
    # How often the sums are there: a weight's gradient is added up in so many parts of the batch.
    parts: int = 1
    cost: float = 0.0


def kernel_of(statement: Images, target: Target, threads: int) -> Call:
    """The kernel for a convolution or a pooling of images that lie as they do."""
    T = c_type(statement.images()[0].dtype)
    laid = [layout_of(place) for place in statement.images()]
    form, way = statement.form, statement.way
    if way == "maximum":
        made = pooling.maximum(form, laid[0], laid[1], target, T)
        return Call(made, laid[1].batch * laid[1].height, cost=laid[0].size * 0.3)
    if way == "scattered":
        made, count = pooling.scattered(form, laid[0], laid[2], target, T)
        return Call(made, count, cost=laid[2].size * 0.5)
    if way == "forward":
        plan = convolution.forward(form, laid[0], laid[1], target, T)
    elif way == "input":
        plan = convolution.input_gradient(form, laid[0], laid[1], target, T)
    else:
        cost = form.products / target.lanes(4) / target.flops / target.ghz
        parts = threads if cost > WORTH else 1
        plan = convolution.weight_gradient(form, laid[0], laid[1], target, T, parts=parts)
        return Call(
            plan.kernel, plan.count, finish=plan.finish, sums=plan.sums, parts=parts, cost=cost
        )
    cost = plan.cycles / target.ghz
    return Call(plan.kernel, plan.count, plan.pack, plan.packed, cost=cost)


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
