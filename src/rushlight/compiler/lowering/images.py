"""Convolutions of images, of two dimensions or one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rushlight.compiler.graph import Images, NoC, Place, in_rows
from rushlight.compiler.kernels.geometry import Form
from rushlight.compiler.lowering.program import Lowering, rule
from rushlight.compiler.lowering.reductions import floating
from rushlight.compiler.recording.entries import Operation


def pair(numbers: Any, missing: int) -> tuple[int, int]:
    """Two numbers, of which one is that of a dimension of size 1."""
    pair = tuple(numbers)
    if len(pair) == 1:
        return missing, pair[0]
    if len(pair) != 2:
        raise NoC("three dimensions")
    return pair[0], pair[1]


def flat_images(entry: Operation, *places: Place) -> tuple[Place, ...]:
    """Batches of images of two dimensions."""
    return tuple(_batch(place, len(entry.static["stride"])) for place in places)


def _batch(place: Place, rank: int) -> Place:
    """A batch of images of two dimensions: a line is an image of height 1, and one image a batch."""
    if place.dtype.name not in ("float32", "float64", "uint8", "int32"):
        raise NoC(f"images of {place.dtype}")
    shape, strides = place.shape, place.strides
    if len(shape) == rank + 1:
        shape, strides = (1, *shape), (shape[0] * strides[0], *strides)
    if len(shape) != rank + 2 or rank > 2:
        raise NoC("images of other dimensions")
    if rank == 1:
        shape, strides = (
            (*shape[:2], 1, shape[2]),
            (*strides[:2], shape[2] * strides[2], strides[2]),
        )
    return replace(place, shape=shape, strides=strides)


def _form(images: Place, weight: Place, result: Place, size: Any, static: dict[str, Any]) -> Form:
    """The convolution that makes result of images of a size."""
    floating(images)
    form = Form(
        images.shape[0], weight.shape[1] * static["groups"], weight.shape[0], pair(size, 1),
        pair(weight.shape[2:], 1), pair(static["stride"], 1), pair(static["padding"], 0),
        pair(static["dilation"], 1), static["groups"],
    )  # fmt: skip
    if form.result != pair(result.shape[2:], 1):
        raise NoC("a transposed convolution with more around it")
    return form


def _weights(lowering: Lowering, weight: Place) -> Place:
    """Weights in row order."""
    if weight.strides == in_rows(weight.shape):
        return weight
    copy = lowering.temporary(weight.shape, weight.dtype, "weights")
    lowering.loop(copy, lowering.element(weight, weight.shape))
    return copy


def _biased(lowering: Lowering, out: Place, bias: Any) -> None:
    if bias is None:
        return
    place = lowering.place(bias)
    along = (place.strides[0], *(0,) * (len(out.shape) - 2))
    spread = replace(place, shape=(out.shape[1], *(1,) * (len(out.shape) - 2)), strides=along)
    total = lowering.compute(
        out.dtype,
        "{x} + {b}",
        x=lowering.element(out, out.shape),
        b=lowering.element(spread, out.shape),
    )
    lowering.loop(out, total)


@rule("convolution", "convolution_transpose")
def _convolution(lowering: Lowering, entry: Operation) -> None:
    x, weight = map(lowering.place, entry.inputs[:2])
    out = lowering.out(entry.outs[0])
    weight = _weights(lowering, weight)
    forward = entry.row.name == "convolution"
    images, result = (x, out) if forward else (out, x)
    form = _form(images, weight, result, images.shape[2:], entry.static)
    way = "forward" if forward else "input"
    inputs = (*flat_images(entry, x), weight)
    lowering.add(Images(lowering.where, way, form, inputs, flat_images(entry, out)))
    _biased(lowering, out, entry.inputs[2] if len(entry.inputs) > 2 else None)


@rule("convolution_weight")
def _convolution_weight(lowering: Lowering, entry: Operation) -> None:
    x, g = map(lowering.place, entry.inputs)
    out = lowering.out(entry.outs[0])
    form = _form(x, out, g, x.shape[2:], entry.static)
    rows = out
    if out.strides != in_rows(out.shape):
        rows = lowering.temporary(out.shape, out.dtype, "weights")
    lowering.add(Images(lowering.where, "weight", form, flat_images(entry, x, g), (rows,)))
    if rows is not out:
        lowering.loop(out, lowering.element(rows, out.shape))
