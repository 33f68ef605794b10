"""Operators that networks are made of: products, convolutions, pooling, normalization, losses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rushlight.nn import functional as F
from rushlight.onnx.loading.operator import (
    Handler,
    Operator,
    array_of,
    dtype_of,
    ints,
    number,
    tensor_of,
    torch_type,
)
from rushlight.onnx.loading.shapes import padded
from rushlight.onnx.proto import dtype_of as proto_type
from rushlight.public import linalg
from rushlight.public import torch as T

# ---- products ------------------------------------------------------------------------------------


def _gemm(op: Operator, a: Any, b: Any, c: Any = None) -> Any:
    a = a.t() if op.get("transA", 0) else a
    plain = op.get("alpha", 1.0) == 1 and op.get("beta", 1.0) == 1
    if plain and op.get("transB", 0) and (c is None or c._data_.ndim == 1):
        return F.linear(a, b, c)
    b = b.t() if op.get("transB", 0) else b
    alpha, beta = op.get("alpha", 1.0), op.get("beta", 1.0)
    made = T.matmul(a, b)
    if alpha != 1:
        made = (made * alpha).to(made.dtype)
    if c is None or not beta:
        return made
    return made + (c if beta == 1 else (c * beta).to(c.dtype))


def _einsum(op: Operator, *inputs: Any) -> Any:
    return T.einsum(op.get("equation"), *inputs)


def _det(op: Operator, x: Any) -> Any:
    return linalg.det(x)


# ---- convolutions --------------------------------------------------------------------------------


def _ends(
    op: Operator, sizes: list[int], kernel: list[int], stride: list[int], dilation: list[int]
) -> list[tuple[int, int]]:
    """The padding of each dimension, before and behind."""
    n, auto = len(sizes), op.get("auto_pad", "NOTSET")
    if auto in ("NOTSET", "", "VALID"):
        pads = [0] * 2 * n if auto == "VALID" else ints(op.get("pads") or [0] * 2 * n)
        return list(zip(pads[:n], pads[n:], strict=True))
    found = []
    for d in range(n):
        out = -(-sizes[d] // stride[d])
        total = max((out - 1) * stride[d] + dilation[d] * (kernel[d] - 1) + 1 - sizes[d], 0)
        less = total // 2
        found.append((less, total - less) if auto == "SAME_UPPER" else (total - less, less))
    return found


def _even(
    op: Operator, x: Any, ends: list[tuple[int, int]], fill: Any = 0
) -> tuple[Any, list[int]]:
    """(x, padding): what is not the same on both sides is put round x first."""
    if all(a == b and a >= 0 for a, b in ends):
        return x, [a for a, _ in ends]
    return padded(x, {2 + d: pair for d, pair in enumerate(ends)}, fill=fill), [0] * len(ends)


_CONV = (T.conv1d, T.conv2d, T.conv3d)
_CONV_TRANSPOSE = (T.conv_transpose1d, T.conv_transpose2d, T.conv_transpose3d)


def _conv(op: Operator, x: Any, weight: Any, bias: Any = None) -> Any:
    n = x.ndim - 2
    kernel = list(weight.shape[2:])
    stride, dilation = op.get("strides") or [1] * n, op.get("dilations") or [1] * n
    x, padding = _even(op, x, _ends(op, list(x.shape[2:]), kernel, stride, dilation))
    return _CONV[n - 1](x, weight, bias, stride, padding, dilation, op.get("group", 1))


def _conv_transpose(op: Operator, x: Any, weight: Any, bias: Any = None) -> Any:
    n = x.ndim - 2
    kernel, sizes = list(weight.shape[2:]), list(x.shape[2:])
    stride, dilation = op.get("strides") or [1] * n, op.get("dilations") or [1] * n
    more = op.get("output_padding") or [0] * n
    whole = [
        (sizes[d] - 1) * stride[d] + more[d] + dilation[d] * (kernel[d] - 1) + 1 for d in range(n)
    ]
    auto, wanted = op.get("auto_pad", "NOTSET"), op.get("output_shape")
    if wanted is not None:
        wanted = list(wanted)[-n:]
    elif auto in ("SAME_UPPER", "SAME_LOWER"):
        wanted = [sizes[d] * stride[d] for d in range(n)]
    if wanted is None:
        pads = ints(op.get("pads") or [0] * 2 * n)
        cuts = list(zip(pads[:n], pads[n:], strict=True))
    else:
        cuts = []
        for d in range(n):
            total = whole[d] - wanted[d]
            less = total // 2
            # The specification's halves, where the sum is odd.
            cuts.append((less, total - less) if auto == "SAME_UPPER" else (total - less, less))
    made = _CONV_TRANSPOSE[n - 1](x, weight, None, stride, 0, 0, op.get("group", 1), dilation)
    # Cut, or widened, to what is asked for.
    pairs = {2 + d: (-cuts[d][0], more[d] - cuts[d][1]) for d in range(n)}
    made = padded(made, pairs)
    return made if bias is None else made + bias.reshape(-1, *(1,) * n)


def _causal_conv(op: Operator, x: Any, weight: Any, bias: Any = None, past: Any = None) -> Any:
    reach = weight.shape[-1] - 1
    if past is None:
        past = T.zeros((*x.shape[:2], reach), dtype=x.dtype)
    whole = T.cat((past, x), -1)
    made = T.conv1d(whole, weight, bias, 1, 0, 1, x.shape[1])
    if op.get("activation", "none") in ("silu", "swish"):
        made = F.silu(made)
    return made if op.count < 2 else (made, whole.narrow(-1, whole.shape[-1] - reach, reach))


def _deform(
    op: Operator, x: Any, weight: Any, offset: Any, bias: Any = None, mask: Any = None
) -> Any:
    from rushlight.vision.ops.deform_conv import deform_conv2d

    stride, dilation = op.get("strides") or [1, 1], op.get("dilations") or [1, 1]
    x, padding = _even(
        op, x, _ends(op, list(x.shape[2:]), list(weight.shape[2:]), stride, dilation)
    )
    return deform_conv2d(
        x, offset, weight, bias, tuple(stride), tuple(padding), tuple(dilation), mask
    )


def _col2im(op: Operator, x: Any, image: Any, block: Any) -> Any:
    size, kernel = ints(image), ints(block)
    n = len(size)
    stride, dilation = op.get("strides") or [1] * n, op.get("dilations") or [1] * n
    pads = op.get("pads") or [0] * 2 * n
    if n == 2 and pads[:n] == pads[n:]:
        return F.fold(x, size, kernel, dilation, pads[:n], stride)
    # Every element is added at its place among all.
    whole = [size[d] + pads[d] + pads[n + d] for d in range(n)]
    outs = [(whole[d] - dilation[d] * (kernel[d] - 1) - 1) // stride[d] + 1 for d in range(n)]
    places = np.arange(math.prod(whole)).reshape(whole)
    rows = []
    for tap in np.ndindex(*kernel):
        index = tuple(
            slice(t * dilation[d], t * dilation[d] + (outs[d] - 1) * stride[d] + 1, stride[d])
            for d, t in enumerate(tap)
        )
        rows.append(places[index].reshape(-1))
    at = np.stack(rows)
    batch, channels = x.shape[0], x.shape[1] // math.prod(kernel)
    flat = x.reshape(batch * channels, -1)
    zero = T.zeros((batch * channels, math.prod(whole)), dtype=x.dtype)
    made = zero.index_add(1, tensor_of(at.reshape(-1).astype(np.int64)), flat).reshape(
        batch, channels, *whole
    )
    return padded(made, {2 + d: (-pads[d], -pads[n + d]) for d in range(n)})


# ---- pooling -------------------------------------------------------------------------------------


class _Window:
    """A pooling window: the ends of the padding, what rounding up adds behind them, and the size of the result."""

    def __init__(self, op: Operator, sizes: list[int]) -> None:
        n = len(sizes)
        self.kernel = ints(op.get("kernel_shape"))
        self.stride = ints(op.get("strides") or [1] * n)
        self.dilation = ints(op.get("dilations") or [1] * n)
        self.ends = _ends(op, sizes, self.kernel, self.stride, self.dilation)
        self.out, self.more = [], []
        for d in range(n):
            reach = self.dilation[d] * (self.kernel[d] - 1) + 1
            span = sizes[d] + sum(self.ends[d]) - reach
            steps = -(-span // self.stride[d]) if op.get("ceil_mode", 0) else span // self.stride[d]
            if op.get("ceil_mode", 0) and steps * self.stride[d] >= sizes[d] + self.ends[d][0]:
                # The last window has to begin on something.
                steps -= 1
            self.out.append(steps + 1)
            self.more.append(max(steps * self.stride[d] + reach - sizes[d] - sum(self.ends[d]), 0))

    def around(self, x: Any, fill: Any, more: bool = True) -> Any:
        """x with the padding, and with what rounding up adds."""
        pairs = {
            2 + d: (a, b + (self.more[d] if more else 0)) for d, (a, b) in enumerate(self.ends)
        }
        return padded(x, pairs, fill=fill)

    def folded(self, x: Any, fold: Any) -> Any:
        """What fold(x, dim) makes of each window of an x that is padded, dimension by dimension."""
        for d, (kernel, stride, dilation, out) in enumerate(
            zip(self.kernel, self.stride, self.dilation, self.out, strict=True)
        ):
            dim = 2 + d
            places = np.arange(out)[:, None] * stride + np.arange(kernel) * dilation
            x = x.index_select(dim, tensor_of(places.reshape(-1).astype(np.int64)))
            x = fold(x.reshape(*x.shape[:dim], out, kernel, *x.shape[dim + 1 :]), dim + 1)
        return x


_MAX_POOL = (F.max_pool1d, F.max_pool2d, F.max_pool3d)


def _max_pool(op: Operator, x: Any) -> Any:
    sizes = list(x.shape[2:])
    n, w, dtype = len(sizes), _Window(op, sizes), dtype_of(x)
    if dtype.kind in "iu":
        # torch pools floats alone.
        made = w.folded(w.around(x, int(np.iinfo(dtype).min)), lambda y, dim: T.amax(y, dim))
        return made if op.count < 2 else (made, op.refuse("the places of whole numbers"))
    around = w.around(x, -math.inf)
    if op.count < 2:
        return _MAX_POOL[n - 1](around, w.kernel, w.stride, 0, w.dilation)
    made, places = _MAX_POOL[n - 1](around, w.kernel, w.stride, 0, w.dilation, return_indices=True)
    at = np.unravel_index(array_of(places), tuple(around.shape[2:]))
    inside = [at[d] - w.ends[d][0] for d in range(n)]
    if op.get("storage_order", 0):
        inside, shape = inside[::-1], sizes[::-1]
    else:
        shape = sizes
    flat = np.ravel_multi_index(tuple(inside), tuple(shape))
    planes = np.arange(math.prod(x.shape[:2])).reshape(*x.shape[:2], *(1,) * n)
    return made, tensor_of((flat + planes * math.prod(sizes)).astype(np.int64))


def _sum_of(x: Any, dim: int) -> Any:
    return T.sum(x, dim)


_AVERAGE = (T.avg_pool1d, F.avg_pool2d, F.avg_pool3d)


def _average_pool(op: Operator, x: Any) -> Any:
    w, n = _Window(op, list(x.shape[2:])), x.ndim - 2
    include = bool(op.get("count_include_pad", 0))
    if not any(w.more) and max(w.dilation) == 1 and all(
        a == b and 2 * a <= k for (a, b), k in zip(w.ends, w.kernel, strict=True)
    ):  # fmt: skip
        return _AVERAGE[n - 1](x, w.kernel, w.stride, [a for a, _ in w.ends], False, include)
    total = w.folded(w.around(x, 0), _sum_of)
    ones = T.ones((1, 1, *x.shape[2:]), dtype=x.dtype)
    counted = w.around(ones, 1, more=False) if include else w.around(ones, 0, more=False)
    counted = padded(counted, {2 + d: (0, m) for d, m in enumerate(w.more)})
    return total / w.folded(counted, _sum_of)


def _lp_pool(op: Operator, x: Any) -> Any:
    w, p = _Window(op, list(x.shape[2:])), op.get("p", 2)
    return w.folded(w.around(T.abs(x) ** p, 0), _sum_of) ** (1 / p)


def _whole(fold: Any) -> Handler:
    return lambda op, x: fold(op, x, tuple(range(2, x.ndim)))


def _global_lp(op: Operator, x: Any, dims: Any) -> Any:
    p = op.get("p", 2)
    return T.sum(T.abs(x) ** p, dims, keepdim=True) ** (1 / p)


def _max_unpool(op: Operator, x: Any, places: Any, shape: Any = None) -> Any:
    n = x.ndim - 2
    kernel, stride = op.get("kernel_shape"), op.get("strides") or [1] * n
    pads = op.get("pads") or [0] * 2 * n
    plain = [(x.shape[2 + d] - 1) * stride[d] - pads[d] - pads[n + d] + kernel[d] for d in range(n)]
    size = ints(shape)[2:] if shape is not None else plain
    whole = (*x.shape[:2], *size)
    # Places count in the tensor that was pooled.
    flat = array_of(places).reshape(-1)
    at = np.unravel_index(flat, (*x.shape[:2], *plain))
    flat = np.ravel_multi_index(at, whole)
    made = T.zeros(math.prod(whole), dtype=x.dtype).scatter(
        0, tensor_of(flat.astype(np.int64)), x.reshape(-1)
    )
    return made.reshape(whole)


def _roi_align(op: Operator, x: Any, rois: Any, batch: Any) -> Any:
    from rushlight.vision.ops.regions import roi_align

    if op.get("mode", "avg") != "avg":
        raise op.refuse("regions by their maximum")
    standard = "half_pixel" if op.version >= 16 else "output_half_pixel"
    half = op.get("coordinate_transformation_mode", standard) == "half_pixel"
    boxes = T.cat((batch.to(rois.dtype).reshape(-1, 1), rois), 1)
    size = (op.get("output_height", 1), op.get("output_width", 1))
    return roi_align(
        x, boxes, size, op.get("spatial_scale", 1.0), op.get("sampling_ratio", 0) or -1, half
    )


def _grid_sample(op: Operator, x: Any, grid: Any) -> Any:
    mode = {"linear": "bilinear", "cubic": "bicubic"}.get(
        op.get("mode", "bilinear"), op.get("mode", "bilinear")
    )
    return F.grid_sample(
        x, grid, mode, op.get("padding_mode", "zeros"), bool(op.get("align_corners", 0))
    )


# ---- normalization -------------------------------------------------------------------------------


def _batch_norm(op: Operator, x: Any, scale: Any, bias: Any, mean: Any, var: Any) -> Any:
    eps, keep = op.get("epsilon", 1e-5), op.get("momentum", 0.9)
    if op.get("training_mode", 0):
        dims = [d for d in range(x.ndim) if d != 1]
        now, spread = T.mean(x, dims), T.var(x, dims, correction=0)
        made = F.batch_norm(x, now, spread, scale, bias, False, 0.0, eps)
        rest = (mean * keep + now * (1 - keep), var * keep + spread * (1 - keep))
        return (made, *rest)[: op.count] if op.count > 1 else made
    train = op.training()
    # Exporters keep one of arrays that are equal: what is a weight, too, is no running statistic to write into.
    mean, var = (v.detach().clone() if v.requires_grad else v for v in (mean, var))
    # In training the statistics are those of the batch, and the running ones, buffers, follow.
    made = F.batch_norm(x, mean, var, scale, bias, train, 1 - keep, eps)
    return made if op.count < 2 else (made, *[None] * (op.count - 1))


def _instance_norm(op: Operator, x: Any, scale: Any, bias: Any) -> Any:
    return F.instance_norm(x, None, None, scale, bias, True, 0.1, op.get("epsilon", 1e-5))


def _layer_norm(op: Operator, x: Any, scale: Any, bias: Any = None) -> Any:
    axis, eps = op.get("axis", -1) % x.ndim, op.get("epsilon", 1e-5)
    shape = tuple(x.shape[axis:])
    if (
        op.count < 2
        and tuple(scale.shape) == shape
        and (bias is None or tuple(bias.shape) == shape)
    ):
        return F.layer_norm(x, shape, scale, bias, eps)
    dims = tuple(range(axis, x.ndim))
    wide = x.float() if x.dtype.itemsize < 4 else x
    mean = T.mean(wide, dims, keepdim=True)
    center = wide - mean
    root = T.rsqrt(T.mean(center * center, dims, keepdim=True) + eps)
    made = (center * root).to(x.dtype) * scale
    made = made if bias is None else made + bias
    return (made, mean, root)[: op.count] if op.count > 1 else made


def _group_norm(op: Operator, x: Any, scale: Any, bias: Any) -> Any:
    groups, eps = op.get("num_groups"), op.get("epsilon", 1e-5)
    if op.version < 21:
        each = x.shape[1] // groups
        scale, bias = (v.repeat_interleave(each) for v in (scale, bias))
    return F.group_norm(x, groups, scale, bias, eps)


def _rms_norm(op: Operator, x: Any, scale: Any) -> Any:
    axis = op.get("axis", -1) % x.ndim
    wide = x.float() if x.dtype.itemsize < 4 else x
    mean = T.mean(wide * wide, tuple(range(axis, x.ndim)), keepdim=True)
    return (wide * T.rsqrt(mean + op.get("epsilon", 1e-5))).to(x.dtype) * scale


def _lrn(op: Operator, x: Any) -> Any:
    size, alpha, beta = op.get("size"), op.get("alpha", 1e-4), op.get("beta", 0.75)
    before = (size - 1) // 2
    square = padded(x * x, {1: (before, size - 1 - before)})
    total = T.zeros_like(x)
    for i in range(size):
        total = total + square.narrow(1, i, x.shape[1])
    return x / (op.get("bias", 1.0) + alpha / size * total) ** beta


def _lp_normalization(op: Operator, x: Any) -> Any:
    axis, p = op.get("axis", -1), op.get("p", 2)
    length = (
        T.sum(T.abs(x), axis, keepdim=True) if p == 1 else T.sqrt(T.sum(x * x, axis, keepdim=True))
    )
    return T.where(
        length == 0, T.zeros_like(x), x / T.where(length == 0, T.ones_like(length), length)
    )


def _mean_variance(op: Operator, x: Any) -> Any:
    dims = op.get("axes") or [0, 2, 3]
    center = x - T.mean(x, dims, keepdim=True)
    return center / (T.sqrt(T.mean(center * center, dims, keepdim=True)) + 1e-9)


def _dropout(op: Operator, x: Any, ratio: Any = None, mode: Any = None) -> Any:
    rate = op.get("ratio", 0.5) if op.version < 12 or ratio is None else float(number(ratio))
    train = op.training() or (mode is not None and bool(number(mode)))
    if op.version < 7 and not op.get("is_test", 0):
        train = True
    if not train or not rate:
        return x if op.count < 2 else (x, T.ones_like(x, dtype=torch_type(np.bool_)))
    keep = T.bernoulli(T.full(tuple(x.shape), 1 - rate))
    made = x * (keep / (1 - rate)).to(x.dtype)
    return made if op.count < 2 else (made, keep.bool())


# ---- losses --------------------------------------------------------------------------------------


def _nll(op: Operator, x: Any, target: Any, weight: Any = None) -> Any:
    ignored = op.get("ignore_index")
    return F.nll_loss(
        x, target.long(), weight, reduction=op.get("reduction", "mean"),
        ignore_index=-(2**40) if ignored is None else ignored,
    )  # fmt: skip


def _cross_entropy(op: Operator, x: Any, target: Any, weight: Any = None) -> Any:
    scores = T.log_softmax(x, 1)
    loss = _nll(op, scores, target, weight)
    return loss if op.count < 2 else (loss, scores)


# ---- random numbers ------------------------------------------------------------------------------


def _random(normal: bool, like: bool) -> Handler:
    def draw(op: Operator, x: Any = None) -> Any:
        kind = op.get("dtype")
        dtype = x.dtype if like and kind is None else torch_type(proto_type(kind or 1))
        shape = list(x.shape) if like else op.get("shape")
        wide = torch_type(np.float32)
        if normal:
            made = T.randn(shape, dtype=wide) * op.get("scale", 1.0) + op.get("mean", 0.0)
        else:
            low = op.get("low", 0.0)
            made = T.rand(shape, dtype=wide) * (op.get("high", 1.0) - low) + low
        return made.to(dtype)

    return draw


def _bernoulli(op: Operator, p: Any) -> Any:
    kind = op.get("dtype")
    made = T.bernoulli(p)
    return made if kind is None else made.to(torch_type(proto_type(kind)))


def _multinomial(op: Operator, x: Any) -> Any:
    made = T.multinomial(T.softmax(x, -1), op.get("sample_size", 1), replacement=True)
    return made.to(torch_type(proto_type(op.get("dtype", 6))))


NETS: dict[str, Handler] = {
    "MatMul": lambda op, a, b: T.matmul(a, b), "Gemm": _gemm, "Einsum": _einsum, "Det": _det, "Conv": _conv,
    "ConvTranspose": _conv_transpose, "DeformConv": _deform, "CausalConvWithState": _causal_conv,
    "Col2Im": _col2im, "MaxPool": _max_pool,
    "AveragePool": _average_pool, "LpPool": _lp_pool, "MaxUnpool": _max_unpool, "RoiAlign": _roi_align,
    "GlobalAveragePool": _whole(lambda op, x, dims: T.mean(x, dims, keepdim=True)),
    "GlobalMaxPool": _whole(lambda op, x, dims: T.amax(x, dims, keepdim=True)),
    "GlobalLpPool": _whole(_global_lp), "GridSample": _grid_sample, "BatchNormalization": _batch_norm,
    "InstanceNormalization": _instance_norm, "LayerNormalization": _layer_norm, "GroupNormalization": _group_norm,
    "RMSNormalization": _rms_norm, "LRN": _lrn, "LpNormalization": _lp_normalization,
    "MeanVarianceNormalization": _mean_variance, "Dropout": _dropout, "NegativeLogLikelihoodLoss": _nll,
    "SoftmaxCrossEntropyLoss": _cross_entropy, "RandomNormal": _random(True, False),
    "RandomNormalLike": _random(True, True), "RandomUniform": _random(False, False),
    "RandomUniformLike": _random(False, True), "Bernoulli": _bernoulli, "Multinomial": _multinomial,
}  # fmt: skip
