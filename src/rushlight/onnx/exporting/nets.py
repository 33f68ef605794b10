"""Rows that networks are made of: products, convolutions, pooling, normalization, losses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight.onnx.exporting.moves import padded, reshaped
from rushlight.onnx.exporting.pointwise import Translator
from rushlight.onnx.exporting.story import Step, Var, varies
from rushlight.onnx.exporting.writer import Writer

Shape = tuple[int, ...]


# ---- products ------------------------------------------------------------------------------------


def transposed(w: Writer, x: Any, dims: Sequence[int]) -> str:
    """A matrix turned: there and then if it is a constant."""
    known = w.known(x)
    if known is not None and w.fold:
        return w.graph.constant(np.ascontiguousarray(known.transpose(dims)))
    return w.graph.transpose(w.name(x), dims)


def _linear(w: Writer, step: Step) -> str:
    x, weight, bias = (*step.inputs, None)[:3]
    g, name = w.graph, w.name(x)
    if (
        x.rank == 2
        and weight.rank == 2
        and (bias is None or bias.rank <= 2)
        and x.dtype.kind in "fV"
    ):
        return g.op("Gemm", name, w.name(weight), None if bias is None else w.name(bias), transB=1)
    turned = transposed(w, weight, (1, 0)) if weight.rank == 2 else w.name(weight)
    made = g.op("MatMul", name, turned)
    return made if bias is None else g.op("Add", made, w.name(bias))


def _matmul(w: Writer, step: Step) -> str:
    x, y = (w.operand(part, step.outs[0].dtype) for part in step.inputs)
    return w.graph.op("MatMul", x, y)


def _inner(w: Writer, step: Step) -> str:
    x, y = map(w.name, step.inputs)
    return w.graph.reduce("ReduceSum", w.graph.op("Mul", x, y), step.static["dims"], True)


def _banded(w: Writer, step: Step) -> str:
    x, y, _ = step.inputs
    dim = step.static["dim"] % x.rank
    if dim == x.rank - 2:
        return w.graph.op("MatMul", w.name(y), w.name(x))
    order = [*(d for d in range(x.rank) if d != dim), dim]
    back = [order.index(d) for d in range(x.rank)]
    made = w.graph.op("MatMul", w.graph.transpose(w.name(x), order), transposed(w, y, (1, 0)))
    return w.graph.transpose(made, back)


# ---- convolutions --------------------------------------------------------------------------------


def _convolution(w: Writer, step: Step) -> str:
    x, weight, bias = (*step.inputs, None)[:3]
    s = w.fixed(step.static, "a convolution")
    kernel = [int(n) for n in w.fixed(weight.shape, "the kernel")[2:]]
    padding = s["padding"]
    pads = (
        [*padding, *padding]
        if isinstance(padding[0], int)
        else [p[i] for i in (0, 1) for p in padding]
    )
    return w.graph.op(
        "Conv", w.name(x), w.name(weight), None if bias is None else w.name(bias), kernel_shape=kernel,
        strides=list(s["stride"]), pads=pads, dilations=list(s["dilation"]), group=s["groups"],
    )  # fmt: skip


def _convolution_transpose(w: Writer, step: Step) -> str:
    x, weight, bias = (*step.inputs, None)[:3]
    s = step.static
    stride, padding, dilation = s["stride"], s["padding"], s["dilation"]
    kernel = [int(n) for n in w.fixed(weight.shape, "the kernel")[2:]]
    plain = [
        w.each(
            lambda n, d=d: (n - 1) * stride[d] - 2 * padding[d] + dilation[d] * (kernel[d] - 1) + 1,
            x.shape[2 + d],
        )
        for d in range(len(kernel))
    ]
    more = [
        w.each(lambda a, b: a - b, size, least)
        for size, least in zip(s["size"], plain, strict=True)
    ]
    more = w.fixed(more, "the padding of the output")
    return w.graph.op(
        "ConvTranspose", w.name(x), w.name(weight), None if bias is None else w.name(bias),
        kernel_shape=kernel, strides=list(stride), pads=[*padding, *padding], dilations=list(dilation),
        group=s["groups"], output_padding=list(more),
    )  # fmt: skip


# ---- pooling -------------------------------------------------------------------------------------


class Window:
    """A pooling window in ONNX's words: its attributes, for images that may have no batch."""

    def __init__(
        self, w: Writer, x: Var, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape,
        out_size: Sequence[Any],
    ) -> None:  # fmt: skip
        n = len(kernel)
        self.writer, self.x, self.bare = w, x, n + 2 - x.rank
        sizes: tuple[Any, ...] = x.shape[x.rank - n :]
        ends, ceil = list(padding), 0
        for d in range(n):
            plain = w.each(
                lambda m, d=d: (
                    (m + 2 * padding[d] - dilation[d] * (kernel[d] - 1) - 1) // stride[d] + 1
                ),
                sizes[d],
            )
            if plain != out_size[d]:
                ceil = 1
        if ceil and not varies(sizes) and not varies(tuple(out_size)):
            # As written padding at the end: the versions round up differently.
            ends = [
                max(
                    0,
                    (out_size[d] - 1) * stride[d]
                    + dilation[d] * (kernel[d] - 1)
                    + 1
                    - sizes[d]
                    - padding[d],
                )
                for d in range(n)
            ]
            ceil = 0
        self.ends, self.padding = ends, list(padding)
        self.attributes: dict[str, Any] = {
            "kernel_shape": list(kernel), "strides": list(stride), "pads": [*padding, *ends],
            "ceil_mode": ceil or None,
        }  # fmt: skip
        if any(d != 1 for d in dilation):
            self.attributes["dilations"] = list(dilation)

    def source(self) -> str:
        """The images, with batch and channels."""
        name = self.writer.name(self.x)
        return self.writer.graph.unsqueeze(name, *range(self.bare)) if self.bare > 0 else name

    def result(self, name: str) -> str:
        """What came out, as the images were."""
        return self.writer.graph.squeeze(name, *range(self.bare)) if self.bare > 0 else name


def window(w: Writer, step: Step, x: Var) -> Window:
    """The window of a row that pools."""
    s = step.static
    form = w.fixed({n: s[n] for n in ("kernel", "stride", "padding", "dilation")}, "a window")
    return Window(w, x, **form, out_size=s["out_size"])


def _max_pool(w: Writer, step: Step) -> tuple[str, ...]:
    (x,) = step.inputs
    form = window(w, step, x)
    if len(step.outs) == 1:
        return (form.result(w.graph.op("MaxPool", form.source(), **form.attributes)),)
    found, places = w.graph.several("MaxPool", 2, form.source(), **form.attributes)
    w.aside["places", step.outs[1].number] = form.result(places)
    return (form.result(found),)


def _pool_positions(w: Writer, step: Step) -> str:
    (winner,) = step.inputs
    places = w.aside.get(("places", winner.number))
    if places is None:
        w.refuse("it asks where the maximum stood of what was not pooled here")
    size = w.each(math.prod, tuple(step.static["size"]))
    return w.graph.op("Mod", places, w.graph.squeeze(w.sizes.dim(size), 0), fmod=0)


def _window_sum(w: Writer, step: Step) -> str:
    (x,) = step.inputs
    form = window(w, step, x)
    count = math.prod(step.static["kernel"])
    source, attributes = form.source(), form.attributes
    if form.ends != form.padding or attributes.get("ceil_mode"):
        widths = [(0, 0), (0, 0), *zip(form.padding, form.ends, strict=True)]
        source = padded(w, source, Var(-1, x.dtype, (0,) * len(widths)), widths, "constant")
        attributes = {**attributes, "pads": None}
    mean = w.graph.op("AveragePool", source, **attributes, count_include_pad=1)
    return form.result(w.graph.op("Mul", mean, w.graph.number(count, x.dtype)))


def _window_spread(w: Writer, step: Step) -> str:
    (x,) = step.inputs
    s = w.fixed(step.static, "a window")
    kernel, stride, padding, dilation = (s[n] for n in ("kernel", "stride", "padding", "dilation"))
    n, g = len(kernel), w.graph
    sizes = w.fixed(x.shape[x.rank - n :], "the size of the images")
    more = [
        size - ((sizes[d] - 1) * stride[d] - 2 * padding[d] + dilation[d] * (kernel[d] - 1) + 1)
        for d, size in enumerate(s["size"])
    ]
    ones = g.constant(np.ones((1, 1, *kernel), x.dtype))
    flat = g.reshape(w.name(x), -1, 1, *sizes)
    made = g.op(
        "ConvTranspose", flat, ones, strides=list(stride), pads=[*padding, *padding],
        dilations=list(dilation), output_padding=more,
    )  # fmt: skip
    return reshaped(w, made, step.outs[0], step.outs[0].shape)


def _windows(w: Writer, step: Step) -> str:
    """Every element of a window is a convolution of its own, with one 1 in the kernel."""
    (x,) = step.inputs
    s = w.fixed(step.static, "a window")
    kernel, g = s["kernel"], w.graph
    count = math.prod(kernel)
    taps = g.constant(np.eye(count, dtype=x.dtype).reshape(count, 1, *kernel))
    sizes = w.fixed(x.shape[2:], "the size of the images")
    made = g.op(
        "Conv", g.reshape(w.name(x), -1, 1, *sizes), taps, strides=list(s["stride"]),
        pads=[*s["padding"], *s["padding"]], dilations=list(s["dilation"]),
    )  # fmt: skip
    channels = w.fixed(x.shape[1], "the number of channels")
    return g.reshape(made, -1, channels, *w.fixed(step.outs[0].shape[2:], "the windows"))


def _windows_sum(w: Writer, step: Step) -> str:
    (x,) = step.inputs
    s = w.fixed(step.static, "a window")
    w.graph.needs(18, "fold")
    flat = w.graph.reshape(w.name(x), 0, w.fixed(x.shape[1] * x.shape[2], "the channels"), -1)
    padding = s["padding"]
    return w.graph.op(
        "Col2Im", flat, w.graph.ints(*s["size"]), w.graph.ints(*s["kernel"]), strides=list(s["stride"]),
        pads=[*padding, *padding], dilations=list(s["dilation"]),
    )  # fmt: skip


# ---- normalization -------------------------------------------------------------------------------


def _normalize(w: Writer, step: Step) -> tuple[str | None, ...]:
    x, weight, bias = (*step.inputs, None, None)[:3]
    if all(w.story.last_use.get(out.number) is None for out in step.outs[1:]):
        for way in (_layer_norm, _per_channel):
            made = way(w, step, x, weight, bias)
            if made is not None:
                return (made,)
    return _by_statistics(w, step, x, weight, bias)


def _layer_norm(w: Writer, step: Step, x: Var, weight: Any, bias: Any) -> str | None:
    view, dims = step.static["view"], step.static["dims"]
    if len(view) != 2 or dims != (1,) or w.graph.opset < 17 or varies(view[1]):
        return None
    count = 0
    for axis in range(x.rank - 1, -1, -1):
        tail = x.shape[axis:]
        if not varies(tail) and math.prod(tail) == view[1]:  # type: ignore[arg-type]
            count = x.rank - axis
            break
    if not count:
        return None
    shape = [int(n) for n in x.shape[x.rank - count :]]  # type: ignore[arg-type]
    scale = (
        w.graph.constant(np.ones(shape, x.dtype)) if weight is None else w.operand(weight, x.dtype)
    )
    shift = None if bias is None else w.operand(bias, x.dtype)
    eps = float(step.static["eps"])
    return w.graph.op("LayerNormalization", w.name(x), scale, shift, axis=-count, epsilon=eps)


def _per_channel(w: Writer, step: Step, x: Var, weight: Any, bias: Any) -> str | None:
    """Instance norm, and group norm by way of it."""
    view, dims, eps = step.static["view"], step.static["dims"], float(step.static["eps"])
    if len(view) != 4 or dims != (2, 3) or x.rank < 3 or varies(view[1]):
        return None
    g, groups = w.graph, view[1]
    if step.static.get("batch") and x.shape[1] == groups:
        one = g.constant(np.ones(groups, x.dtype)) if weight is None else w.operand(weight, x.dtype)
        zero = g.constant(np.zeros(groups, x.dtype)) if bias is None else w.operand(bias, x.dtype)
        return g.op("InstanceNormalization", w.name(x), one, zero, epsilon=eps)
    flat = g.reshape(w.name(x), 0, groups, -1)
    one, zero = g.constant(np.ones(groups, x.dtype)), g.constant(np.zeros(groups, x.dtype))
    name = g.op("InstanceNormalization", flat, one, zero, epsilon=eps)
    name = reshaped(w, name, Var(-1, x.dtype, (view[0], groups, -1)), x.shape)
    ones = [1] * (x.rank - 2)
    for part, op in ((weight, "Mul"), (bias, "Add")):
        if part is not None:
            known = w.known(part)
            spread = (
                g.constant(known.reshape(-1, *ones)) if known is not None and w.fold
                else g.reshape(w.operand(part, x.dtype) or "", -1, *ones)
            )  # fmt: skip
            name = g.op(op, name, spread)
    return name


def _by_statistics(w: Writer, step: Step, x: Var, weight: Any, bias: Any) -> tuple[str | None, ...]:
    s, g = step.static, w.graph
    view, dims = s["view"], s["dims"]
    flat = reshaped(w, w.name(x), x, view)
    mean = g.reduce("ReduceMean", flat, dims, True)
    center = g.op("Sub", flat, mean)
    spread = g.reduce("ReduceMean", g.op("Mul", center, center), dims, True)
    deviation = g.op("Sqrt", g.op("Add", spread, g.number(s["eps"], x.dtype)))
    name = g.op("Div", center, deviation)
    for part, op in ((weight, "Mul"), (bias, "Add")):
        if part is not None:
            name = g.op(op, name, reshaped(w, w.operand(part, x.dtype) or "", part, s["broadcast"]))
    seen = Var(-1, x.dtype, view)
    rest = (mean, g.op("Reciprocal", deviation), spread)
    return reshaped(w, name, seen, x.shape), *rest


def _softmax(op: str) -> Translator:
    def translate(w: Writer, step: Step) -> str:
        (x,) = step.inputs
        g, name = w.graph, w.name(x)
        if not x.rank:
            # Of one number it is 1, and its logarithm 0; nan of what is not finite.
            zero = g.op("Sub", name, name)
            return zero if op == "LogSoftmax" else g.op("Exp", zero)
        dim = step.static["dim"]
        made = g.softmax(op, name, dim, x.rank)
        if not step.static.get("masked"):
            return made
        # A line of nothing but -inf gives zeros.
        top = g.reduce("ReduceMax", name, (dim,), True)
        nothing = g.op("Equal", top, g.number(-math.inf, x.dtype))
        return g.op("Where", nothing, g.number(0, x.dtype), made)

    return translate


# ---- losses, embeddings --------------------------------------------------------------------------


def _embedding(w: Writer, step: Step) -> str:
    weight, places = step.inputs
    return w.graph.op("Gather", w.name(weight), w.name(places), axis=0)


def _loss(op: str) -> Translator:
    def translate(w: Writer, step: Step) -> tuple[str | None, ...]:
        x, target, weight = (*step.inputs, None)[:3]
        w.graph.needs(12, step.name)
        return (
            w.graph.op(
                op, w.name(x), w.operand(target, np.int64), None if weight is None else w.name(weight),
                reduction=step.static["reduction"], ignore_index=int(step.static["ignore_index"]),
            ),
        )  # fmt: skip

    return translate


NETS: dict[str, Translator] = {
    "linear": _linear, "matmul": _matmul, "dot": _matmul, "inner": _inner, "banded": _banded,
    "convolution": _convolution, "convolution_transpose": _convolution_transpose, "max_pool": _max_pool,
    "max_pool_from": _max_pool, "pool_positions": _pool_positions, "window_sum": _window_sum,
    "window_spread": _window_spread, "windows": _windows, "windows_sum": _windows_sum, "normalize": _normalize,
    "softmax": _softmax("Softmax"), "log_softmax": _softmax("LogSoftmax"), "embedding": _embedding,
    "cross_entropy": _loss("SoftmaxCrossEntropyLoss"), "nll": _loss("NegativeLogLikelihoodLoss"),
}  # fmt: skip
