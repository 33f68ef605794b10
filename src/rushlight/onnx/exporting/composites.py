"""Public functions for which ONNX has an operator, although here they are several rows.

Each is given the writer and the arguments by name, and gives the names of the results; None leaves the
function to the rows that it is made of.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.onnx.exporting.moves import padded
from rushlight.onnx.exporting.nets import Window
from rushlight.onnx.exporting.story import Size, Var, Varying, varies
from rushlight.onnx.exporting.writer import Writer

Composite = Callable[..., Any]


def _batch_norm(
    w: Writer, input: Var, running_mean: Any, running_var: Any, weight: Any, bias: Any, training: bool,
    momentum: Any, eps: float, **_: Any,
) -> str | None:  # fmt: skip
    if input.rank < 2 or isinstance(input.shape[1], Varying):
        return None
    w.called = "getitem"
    g, dtype = w.graph, input.dtype
    channels = input.shape[1]
    one = g.constant(np.ones(channels, dtype)) if weight is None else w.name(weight)
    zero = g.constant(np.zeros(channels, dtype)) if bias is None else w.name(bias)
    kept = 0.9 if momentum is None else 1 - float(momentum)
    x = w.name(input)
    if running_mean is None or running_var is None:
        axes = (0, *range(2, input.rank))
        mean = g.reduce("ReduceMean", x, axes, False)
        apart = g.op("Sub", x, g.reduce("ReduceMean", x, axes, True))
        spread = g.reduce("ReduceMean", g.op("Mul", apart, apart), axes, False)
        return g.op(
            "BatchNormalization", x, one, zero, mean, spread, epsilon=float(eps), momentum=kept
        )
    names = (x, one, zero, _before(w, running_mean), _before(w, running_var))
    if training and w.training and g.opset >= 14:
        return g.several(
            "BatchNormalization", 3, *names, epsilon=float(eps), momentum=kept, training_mode=1
        )[0]
    return g.op("BatchNormalization", *names, epsilon=float(eps), momentum=kept)


def _before(w: Writer, statistic: Var) -> str:
    """A running statistic as it was before the call, which may have moved it."""
    if statistic.made_by is None and isinstance(statistic.array, np.ndarray):
        return w._constant(statistic)
    return w.name(statistic)


def _instance_norm(
    w: Writer, input: Var, running_mean: Any, running_var: Any, weight: Any, bias: Any,
    use_input_stats: bool, momentum: Any, eps: float, **_: Any,
) -> str | None:  # fmt: skip
    w.called = "instance_norm"
    if not use_input_stats and running_mean is not None:
        return _batch_norm(w, input, running_mean, running_var, weight, bias, False, momentum, eps)
    return None


def _dropout(
    w: Writer, input: Var, p: float, training: bool, inplace: bool, **_: Any
) -> str | None:
    if not training or inplace or w.graph.opset < 12:
        return None
    g = w.graph
    return g.op("Dropout", w.name(input), g.number(p, np.float32), g.constant(True))


def _rms_norm(
    w: Writer, input: Var, normalized_shape: Any, weight: Any, eps: Any, **_: Any
) -> str | None:
    g, dtype, count = w.graph, input.dtype, len(normalized_shape)
    eps = float(np.finfo(dtype).eps if eps is None else eps) if dtype.kind == "f" else eps
    if eps is None:
        return None
    if g.opset >= 23:
        shape = [int(n) for n in w.fixed(input.shape[input.rank - count :], "the shape")]
        scale = g.constant(np.ones(shape, dtype)) if weight is None else w.operand(weight, dtype)
        return g.op("RMSNormalization", w.name(input), scale, axis=-count, epsilon=eps)
    w.called = "type_as"
    name = w.name(input)
    square = g.op("Pow", name, g.number(2, dtype))
    mean = g.reduce("ReduceMean", square, tuple(range(input.rank - count, input.rank)), True)
    root = g.op("Reciprocal", g.op("Sqrt", g.op("Add", mean, g.number(eps, dtype))))
    made = g.op("Mul", name, root)
    return made if weight is None else g.op("Mul", made, w.operand(weight, dtype))


def _known_as(name: str) -> Composite:
    """What is left to its rows, and called by this name."""

    def translate(w: Writer, **_: Any) -> None:
        w.called = name

    return translate


def _convolution(n: int) -> Composite:
    def translate(w: Writer, padding: Any = 0, **_: Any) -> None:
        w.called = "convolution" if isinstance(padding, str) else f"conv{n}d"

    return translate


# ---- resizing ------------------------------------------------------------------------------------

_MODES = {
    "nearest": "nearest", "nearest-exact": "nearest", "linear": "linear", "bilinear": "linear",
    "trilinear": "linear", "bicubic": "cubic",
}  # fmt: skip


def _interpolate(
    w: Writer, input: Var, size: Any, scale_factor: Any, mode: str, align_corners: Any = None,
    recompute_scale_factor: Any = None, antialias: bool = False, **_: Any,
) -> str | None:  # fmt: skip
    g, n = w.graph, input.rank - 2
    w.called = f"upsample_{mode}{n}d"
    if mode not in _MODES or g.opset < 11 or (antialias and g.opset < 18):
        return None
    attributes: dict[str, Any] = {"mode": _MODES[mode]}
    if mode == "nearest":
        attributes |= {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    elif mode == "nearest-exact":
        attributes |= {
            "coordinate_transformation_mode": "half_pixel",
            "nearest_mode": "round_prefer_ceil",
        }
    else:
        how = (
            "align_corners"
            if align_corners
            else "half_pixel"
            if mode == "bicubic"
            else "pytorch_half_pixel"
        )
        if how == "pytorch_half_pixel" and not _shrinks_to_one(w, input, size, scale_factor, n):
            how = "half_pixel"
        attributes["coordinate_transformation_mode"] = how
    if mode == "bicubic":
        attributes["cubic_coeff_a"] = -0.75 if not antialias else -0.5
    if antialias:
        # At the borders the weights of what is there add up to one.
        attributes |= {"antialias": 1, "exclude_outside": 1}
    if size is None and not recompute_scale_factor:
        factors = (
            [scale_factor] * n if isinstance(scale_factor, int | float) else list(scale_factor)
        )
        scales = g.constant(np.array([1, 1, *w.fixed(factors, "the factor")], np.float32))
        return g.op("Resize", w.name(input), _region(w), scales, **attributes)
    if size is None:
        factors = (
            [scale_factor] * n if isinstance(scale_factor, int | float) else list(scale_factor)
        )
        size = [
            w.each(lambda m, f: math.floor(m * f), m, f)
            for m, f in zip(input.shape[2:], factors, strict=True)
        ]
    sizes = [size] * n if isinstance(size, int | Varying) else list(size)
    wanted = w.sizes.dims((*input.shape[:2], *sizes), (input,))
    if g.opset < 13:
        none = g.constant(np.zeros(0, np.float32))
        return g.op("Resize", w.name(input), _region(w), none, wanted, **attributes)
    return g.op("Resize", w.name(input), None, None, wanted, **attributes)


def _region(w: Writer) -> str | None:
    """The region of interest, of which there is none, but which versions 11 and 12 want."""
    return w.graph.constant(np.zeros(0, np.float32)) if w.graph.opset < 13 else None


def _shrinks_to_one(w: Writer, input: Var, size: Any, factor: Any, n: int) -> bool:
    """Whether some dimension becomes 1: torch then takes its first element."""
    if size is not None:
        sizes = [size] * n if isinstance(size, int) else list(size)
        return any(s == 1 for s in sizes)
    factors = [factor] * n if isinstance(factor, int | float) else list(factor)
    return any(
        not isinstance(m, Varying) and math.floor(m * f) == 1
        for m, f in zip(input.shape[2:], factors, strict=True)
    )


def _upsample(
    w: Writer, input: Var, size: Any, scale_factor: Any, mode: str = "nearest", align_corners: Any = None,
    **_: Any,
) -> str | None:  # fmt: skip
    return _interpolate(w, input, size, scale_factor, mode, align_corners)


# ---- pooling -------------------------------------------------------------------------------------


def _ints(value: Any, n: int) -> tuple[int, ...]:
    if isinstance(value, int):
        return (value,) * n
    return tuple(value) * n if len(value) == 1 else tuple(value)


def _avg_pool(n: int) -> Composite:
    def translate(
        w: Writer, input: Var, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
        count_include_pad: bool = True, divisor_override: Any = None, **_: Any,
    ) -> str | None:  # fmt: skip
        if divisor_override is not None or varies((kernel_size, stride, padding)):
            return None
        kernel = _ints(kernel_size, n)
        hop = kernel if stride is None or stride == [] else _ints(stride, n)
        pads = _ints(padding, n)
        sizes: tuple[Any, ...] = input.shape[input.rank - n :]
        plain = [
            w.each(lambda m, d=d: (m + 2 * pads[d] - kernel[d]) // hop[d] + 1, m)
            for d, m in enumerate(sizes)
        ]
        if ceil_mode and (varies(plain) or any(
            (m + 2 * pads[d] - kernel[d]) % hop[d] for d, m in enumerate(sizes)
        )):  # fmt: skip
            # What lies past the padding counts in torch's way, and the versions of ONNX differ.
            return None
        form = Window(w, input, kernel, hop, pads, (1,) * n, plain)
        made = w.graph.op(
            "AveragePool",
            form.source(),
            **form.attributes,
            count_include_pad=int(bool(count_include_pad)),
        )
        return form.result(made)

    return translate


def _cells(w: Writer, input: Var, n: int, wanted: list[Any]) -> Window | None:
    """The windows of adaptive pooling where all are of one size."""
    sizes: tuple[Any, ...] = input.shape[input.rank - n :]
    goal: list[Any] = [m if s is None else s for s, m in zip(wanted, sizes, strict=True)]
    if any(m % s for m, s in zip(sizes, goal, strict=True)):
        return None
    kernel = tuple(m // s for m, s in zip(sizes, goal, strict=True))
    return Window(w, input, kernel, kernel, (0,) * n, (1,) * n, goal)


def _adaptive_avg_pool(n: int) -> Composite:
    def translate(w: Writer, input: Var, output_size: Any, **_: Any) -> str | None:
        wanted = list(output_size) if isinstance(output_size, tuple | list) else [output_size] * n
        if all(s in (1,) for s in wanted) or varies(input.shape[-n:]) or varies(wanted):
            return None
        form = _cells(w, input, n, wanted)
        if form is None:
            return None
        return form.result(w.graph.op("AveragePool", form.source(), **form.attributes))

    return translate


def _adaptive_max_pool(n: int) -> Composite:
    def translate(
        w: Writer, input: Var, output_size: Any, return_indices: bool = False, **_: Any
    ) -> str | None:
        wanted = list(output_size) if isinstance(output_size, tuple | list) else [output_size] * n
        if return_indices or varies(input.shape[-n:]) or varies(wanted):
            return None
        form = _cells(w, input, n, wanted)
        if form is None:
            w.refuse(
                "windows of several sizes have no operator: let the size be a multiple of the output's"
            )
        return form.result(w.graph.op("MaxPool", form.source(), **form.attributes))

    return translate


# ---- attention -----------------------------------------------------------------------------------


def _attention(
    w: Writer, query: Var, key: Var, value: Var, attn_mask: Any, dropout_p: float, is_causal: bool,
    scale: Any, enable_gqa: bool = False, **_: Any,
) -> str | None:  # fmt: skip
    g, dtype = w.graph, query.dtype
    if dropout_p or enable_gqa or dtype.kind != "f" or key.rank < 2:
        return None
    width = query.shape[-1]
    if isinstance(width, Varying) or (attn_mask is not None and attn_mask.dtype.kind == "b"):
        return None
    factor = 1 / math.sqrt(width) if scale is None else float(scale)
    if g.opset >= 23 and query.rank == key.rank == value.rank == 4:
        return g.op(
            "Attention", w.name(query), w.name(key), w.name(value),
            None if attn_mask is None else w.operand(attn_mask, dtype),
            is_causal=int(bool(is_causal)) or None, scale=None if scale is None else factor,
        )  # fmt: skip
    if factor < 0 or (is_causal and varies((query.shape[-2], key.shape[-2]))):
        return None
    *batch, length, depth = key.shape
    order = [*range(key.rank - 2), key.rank - 1, key.rank - 2]
    if varies(key.shape) or key.rank < 4:
        turned = g.transpose(w.name(key), order)
    else:
        flat = g.reshape(w.name(key), -1, int(length), int(depth))  # type: ignore[arg-type]
        turned = g.transpose(flat, (0, 2, 1))
        turned = g.reshape(turned, *batch, depth, length)  # type: ignore[arg-type]
    root = g.number(math.sqrt(factor), dtype)
    scores = g.op("MatMul", g.op("Mul", w.name(query), root), g.op("Mul", turned, root))
    if is_causal:
        rows, columns = int(query.shape[-2]), int(length)  # type: ignore[arg-type]
        hidden = np.where(np.tri(rows, columns, dtype=bool), 0.0, -np.inf).astype(dtype)
        scores = g.op("Add", scores, g.constant(hidden))
    if attn_mask is not None:
        scores = g.op("Add", scores, w.operand(attn_mask, dtype))
    rank = max(query.rank, key.rank)
    return g.op(
        "MatMul",
        g.softmax("Softmax", scores, rank - 1 if g.opset < 13 else -1, rank),
        w.name(value),
    )


# ---- others --------------------------------------------------------------------------------------


def _prelu(w: Writer, input: Var, weight: Var, **_: Any) -> str:
    known = w.known(weight)
    ones = (1,) * max(0, input.rank - 2)
    if weight.shape == (1,) and input.rank < 2:
        slope = w.name(weight)
    elif known is not None and w.fold:
        slope = w.graph.constant(known.reshape(1, -1, *ones) if input.rank > 1 else known)
    else:
        slope = w.graph.reshape(w.name(weight), 1, -1, *ones)
    return w.graph.op("PRelu", w.name(input), slope)


def _glu(w: Writer, input: Var, dim: int = -1, **_: Any) -> str | None:
    dim = dim % input.rank
    size = input.shape[dim]
    if isinstance(size, Varying):
        return None
    first, gate = w.graph.split(w.name(input), [size // 2] * 2, dim)
    return w.graph.op("Mul", first, w.graph.op("Sigmoid", gate))


def _softsign(w: Writer, input: Var, **_: Any) -> str:
    return w.graph.op("Softsign", w.name(input))


def _pixel_shuffle(op: str) -> Composite:
    def translate(w: Writer, input: Var, **rest: Any) -> str | None:
        factor = rest.get("upscale_factor", rest.get("downscale_factor"))
        if input.rank != 4 or not isinstance(factor, int):
            return None
        if op == "DepthToSpace":
            return w.graph.op(op, w.name(input), blocksize=factor, mode="CRD")
        return None

    return translate


def _pad(
    w: Writer, input: Var, pad: Any, mode: str = "constant", value: Any = None, **_: Any
) -> str | None:
    names = {"reflect": "reflect", "replicate": "edge"}
    if mode not in names and not (mode == "circular" and w.graph.opset >= 19):
        return None
    pairs = [(pad[2 * i], pad[2 * i + 1]) for i in range(len(pad) // 2)]
    widths = [(0, 0)] * (input.rank - len(pairs)) + pairs[::-1]
    return padded(w, w.name(input), input, widths, names.get(mode, "wrap"))


def _grid_sample(
    w: Writer, input: Var, grid: Var, mode: str = "bilinear", padding_mode: str = "zeros",
    align_corners: Any = None, **_: Any,
) -> str | None:  # fmt: skip
    g = w.graph
    if g.opset < 16 or (input.rank != 4 and g.opset < 20):
        return None
    if g.opset >= 20:
        mode = {"bilinear": "linear", "bicubic": "cubic"}.get(mode, mode)
    return g.op(
        "GridSample", w.name(input), w.name(grid), mode=mode, padding_mode=padding_mode,
        align_corners=int(bool(align_corners)),
    )  # fmt: skip


def _local_response_norm(
    w: Writer, input: Var, size: int, alpha: float, beta: float, k: float, **_: Any
) -> str | None:
    if size % 2 == 0:
        # ONNX puts the larger half behind, torch before.
        return None
    return w.graph.op("LRN", w.name(input), size=size, alpha=alpha, beta=beta, bias=k)


def _einsum(w: Writer, **named: Any) -> str | None:
    given: list[Any] = []
    for value in named.values():
        given += value if isinstance(value, tuple | list) else [value]
    if not given or not isinstance(given[0], str) or w.graph.opset < 12:
        return None
    arrays = list(given[1]) if len(given) == 2 and isinstance(given[1], tuple | list) else given[1:]
    if not arrays or not all(isinstance(x, Var) for x in arrays):
        return None
    names = [w.operand(x, arrays[0].dtype) for x in arrays]
    return w.graph.op("Einsum", *names, equation=given[0].replace(" ", ""))


def _normalize(w: Writer, input: Var, p: float, dim: Any, eps: float, **_: Any) -> str | None:
    if p != 2 or not isinstance(dim, int):
        return None
    g, name = w.graph, w.name(input)
    length = g.reduce("ReduceL2", name, (dim % input.rank,), True)
    return g.op("Div", name, g.clip(length, eps, None, input.dtype))


def _one_hot(
    w: Writer, tensor: Var | None = None, num_classes: Size = -1, **named: Any
) -> str | None:
    places = tensor if tensor is not None else named.get("input")
    if not isinstance(places, Var) or not isinstance(num_classes, int) or num_classes < 1:
        return None
    g = w.graph
    depth, values = g.ints(num_classes), g.constant(np.array([0, 1], np.int64))
    return g.op("OneHot", w.name(places), depth, values, axis=-1)


def _isin(
    w: Writer, elements: Any, test_elements: Any, assume_unique: Any = False, invert: bool = False, **_: Any
) -> str | None:  # fmt: skip
    if not isinstance(elements, Var) or not isinstance(test_elements, Var):
        return None
    g = w.graph
    dtype = np.promote_types(elements.dtype, test_elements.dtype)
    given, wanted = (w.operand(x, dtype) or "" for x in (elements, test_elements))
    equal = g.op("Equal", g.unsqueeze(given, elements.rank), g.reshape(wanted, -1))
    most = g.reduce("ReduceMax", g.cast(equal, np.int32), (elements.rank,), False)
    found = g.cast(most, np.bool_)
    return g.op("Not", found) if invert else found


def _embedding_bag(
    w: Writer, input: Var, weight: Var, offsets: Any = None, max_norm: Any = None, norm_type: float = 2.0,
    scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False, per_sample_weights: Any = None,
    include_last_offset: bool = False, padding_idx: Any = None,
) -> str | None:  # fmt: skip
    """Each place belongs to a bag, which is a row of ones and zeros that multiplies what is looked up."""
    if max_norm is not None or padding_idx is not None or not isinstance(input.shape[0], int):
        return None
    g, dtype = w.graph, weight.dtype
    w.called = "embedding_bag"
    rows = g.op("Gather", w.name(weight), w.name(input), axis=0)
    if per_sample_weights is not None:
        rows = g.op("Mul", rows, g.unsqueeze(w.name(per_sample_weights), input.rank))
    if input.rank == 2:
        how = {"sum": "ReduceSum", "mean": "ReduceMean", "max": "ReduceMax"}[mode]
        return g.reduce(how, rows, (1,), False)
    starts = w.operand(offsets, np.int64) or ""
    if include_last_offset:
        starts = g.slice(starts, 0, 0, -1)
    places = g.constant(np.arange(input.shape[0], dtype=np.int64)[None])
    begun = g.op("Not", g.op("Less", places, g.unsqueeze(starts, 1)))
    # A place is in the last bag that has begun: in one more than the bags behind it know of.
    count = g.cast(begun, np.float32)
    last = g.reduce("ReduceSum", count, (0,), True)
    number = g.op("CumSum", g.op("Add", g.op("Mul", count, g.number(0, np.float32)), g.number(1, np.float32)),
                  g.constant(np.int64(0)))  # fmt: skip
    inside = g.op("Equal", number, last)
    if mode == "max":
        low = g.number(np.finfo(dtype).min, dtype)
        spread = g.op("Where", g.unsqueeze(inside, 2), g.unsqueeze(rows, 0), low)
        most = g.reduce("ReduceMax", spread, (1,), False)
        some = g.reduce("ReduceMax", g.cast(inside, np.int32), (1,), True)
        return g.op("Where", g.cast(some, np.bool_), most, g.number(0, dtype))
    ones = g.cast(inside, dtype)
    summed = g.op("MatMul", ones, rows)
    if mode == "sum":
        return summed
    return g.op("Div", summed, g.clip(g.reduce("ReduceSum", ones, (1,), True), 1, None, dtype))


# ---- as many as there are ------------------------------------------------------------------------


def _nonzero(w: Writer, input: Var, as_tuple: bool = False, **_: Any) -> Any:
    if not input.rank:
        return None
    g = w.graph
    found = g.op("NonZero", w.name(input))
    if not as_tuple:
        return g.transpose(found, (1, 0))
    return tuple(g.op("Gather", found, g.constant(d, np.int64), axis=0) for d in range(input.rank))


def _where(w: Writer, condition: Var, input: Any = None, other: Any = None, **_: Any) -> Any:
    return _nonzero(w, condition, True) if input is None and other is None else None


def _unique(
    w: Writer, input: Var, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False,
    dim: int | None = None,
) -> Any:  # fmt: skip
    g = w.graph
    how = {} if dim is None else {"axis": dim}
    found = g.several("Unique", 4, w.name(input), sorted=1, **how)
    wanted = [found[0]]
    if return_inverse:
        inverse = found[2]
        if dim is None and input.rank != 1:
            inverse = g.op("Reshape", inverse, g.op("Shape", w.name(input)))
        wanted.append(inverse)
    return (*wanted, found[3]) if return_counts else tuple(wanted)


_F = "torch.nn.functional."
COMPOSITES: dict[str, Composite] = {
    _F + "batch_norm": _batch_norm, "torch.batch_norm": _batch_norm, _F + "instance_norm": _instance_norm,
    _F + "dropout": _dropout, _F + "rms_norm": _rms_norm, "torch.rms_norm": _rms_norm,
    _F + "interpolate": _interpolate, _F + "upsample": _upsample,
    "torch.avg_pool1d": _avg_pool(1), _F + "avg_pool2d": _avg_pool(2), _F + "avg_pool3d": _avg_pool(3),
    "torch.adaptive_avg_pool1d": _adaptive_avg_pool(1), _F + "adaptive_avg_pool2d": _adaptive_avg_pool(2),
    _F + "adaptive_avg_pool3d": _adaptive_avg_pool(3), _F + "adaptive_max_pool1d": _adaptive_max_pool(1),
    _F + "adaptive_max_pool2d": _adaptive_max_pool(2), _F + "adaptive_max_pool3d": _adaptive_max_pool(3),
    _F + "scaled_dot_product_attention": _attention, "torch.prelu": _prelu, _F + "glu": _glu,
    _F + "softsign": _softsign, "torch.pixel_shuffle": _pixel_shuffle("DepthToSpace"), _F + "pad": _pad,
    _F + "grid_sample": _grid_sample, _F + "local_response_norm": _local_response_norm,
    "torch.conv1d": _convolution(1), "torch.conv2d": _convolution(2), "torch.conv3d": _convolution(3),
    _F + "group_norm": _known_as("group_norm"),
    "torch.functional.einsum": _einsum, _F + "normalize": _normalize, _F + "one_hot": _one_hot,
    "torch.isin": _isin, _F + "embedding_bag": _embedding_bag, "torch.nonzero": _nonzero,
    "torch.Tensor.nonzero": _nonzero, "torch.argwhere": _nonzero, "torch.Tensor.argwhere": _nonzero,
    "torch.where": _where, "torch.functional.unique": _unique, "torch.Tensor.unique": _unique,
}  # fmt: skip
