"""What is measured, under ATen's names: programs look for `aten::addmm`, and so do people who know torch.

A call is named after the public function. What it did is named after ATen's operations where these do the
same in the same place: a row `linear` within `linear` is `aten::addmm`. Where ATen takes several steps for one
row, the last of the steps has the time. What ATen does besides (`aten::empty`, `aten::resolve_conj`) is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from math import prod
from typing import Any

from rushlight.overriding.functions import records

Shape = tuple[int, ...]

# Operations that torch shows though they do nothing: no row runs.
ALWAYS = {"detach", "item", "to"}

_TO = "bfloat16 bool byte cdouble cfloat char double float half int long short type type_as"
# Public names that have others in ATen.
_RENAMED = dict.fromkeys(_TO.split(), "to") | {
    "T.__get__": "numpy_T", "H.__get__": "matrix_H", "mT.__get__": "mT", "mH.__get__": "mH",
    "real.__get__": "real", "imag.__get__": "imag", "cross_entropy": "cross_entropy_loss",
    "nll_loss": "nll_loss_nd", "logsigmoid": "log_sigmoid", "norm": "linalg_vector_norm",
    "tensor": "lift_fresh", "unique": "_unique2", "__eq__": "eq", "__rsub__": "rsub", "__rpow__": "pow",
    "__floordiv__": "floor_divide", "__rfloordiv__": "floor_divide", "__invert__": "bitwise_not",
    "__rmatmul__": "matmul", "__rmod__": "remainder", "__and__": "__and__", "__or__": "__or__", "__xor__": "__xor__",
    "__iand__": "__iand__", "__ior__": "__ior__", "__ixor__": "__ixor__", "__lshift__": "__lshift__",
    "__rshift__": "__rshift__", "lu": "_lu_with_info",
}  # fmt: skip
_BY_PLACE = {"torch.nn.functional.unfold": "im2col", "torch.nn.functional.fold": "col2im"}
# What torch writes in Python, of which the profiler sees the parts; and what is no operation.
_IN_PYTHON = """
    apply_ asarray as_tensor backward dropout1d dropout2d dropout3d fold frombuffer gaussian_nll_loss grad
    gumbel_softmax interpolate linear_cross_entropy local_response_norm lp_pool1d lp_pool2d lp_pool3d map2_ map_
    multi_head_attention_forward multilabel_soft_margin_loss new new_tensor normalize numpy pca_lowrank
    register_hook share_memory_ softmin softsign storage svd_lowrank tanhshrink tolist
    triplet_margin_with_distance_loss unravel_index untyped_storage upsample upsample_bilinear upsample_nearest
"""
_PARTS_ALONE = set(_IN_PYTHON.split())
# How many arguments operations have; of two figures the first where one alone is given.
_COUNTS = """
1: abs ceil cos detach erf exp floor item log log_sigmoid neg numpy_T real reciprocal relu rsqrt sigmoid sin sqrt
1: square t tanh zero_ _local_scalar_dense
2: _reshape_alias _unsafe_view bmm cat clamp_max clamp_min clone contiguous eq expand_as fill_ floor_divide ge gelu
2: gt index le leaky_relu lt matmul mm mul mul_ ne one_hot permute pow reshape stack tril triu unbind unsqueeze view
3: _log_softmax _softmax add add_ amax amin argmax argmin bernoulli_ chunk clamp copy_ cumprod cumsum dropout einsum
3: expand flatten index_select l1_loss linear log_softmax masked_fill masked_fill_ mse_loss rsub select softmax
3: softplus sort split sub sub_ threshold_backward transpose
4: as_strided elu gather linalg_cross nansum narrow normal_ pad random_ scatter_add smooth_l1_loss std uniform_ var
5: addmm allclose arange baddbmm binary_cross_entropy_with_logits embedding eye linalg_vector_norm native_layer_norm
5: nll_loss nll_loss_forward nll_loss_nd ones rand randn slice to topk zeros
6: cross_entropy_loss empty empty_like full group_norm layer_norm max_pool2d max_pool2d_with_indices ones_like
6: zeros_like
7: _to_copy avg_pool2d conv1d conv2d conv3d full_like mkldnn_convolution randint
8: native_batch_norm native_group_norm scaled_dot_product_attention
9: _batch_norm_impl_index batch_norm convolution
12: _convolution
2 4: mean prod sum
1 3: all any max min
1 2: squeeze
"""
_ARGUMENTS = {
    name: tuple(map(int, counts.split()))
    for counts, _, names in (line.partition(":") for line in _COUNTS.strip().splitlines())
    for name in names.split()
}

# What an operation consists of, where one row does it all: each within the one before.
_STEPS = {
    name: tuple(steps.split())
    for name, steps in {
        "relu": "clamp_min", "softmax": "_softmax", "log_softmax": "_log_softmax",
        "conv1d": "convolution _convolution mkldnn_convolution",
        "conv2d": "convolution _convolution mkldnn_convolution",
        "conv3d": "convolution _convolution mkldnn_convolution",
        "max_pool2d": "max_pool2d_with_indices", "max_pool3d": "max_pool3d_with_indices",
        "nll_loss_nd": "nll_loss nll_loss_forward", "t": "transpose as_strided", "transpose": "as_strided",
        "permute": "as_strided", "numpy_T": "permute as_strided", "expand": "as_strided", "select": "as_strided",
        "slice": "as_strided", "unsqueeze": "as_strided", "squeeze": "as_strided", "reshape": "view",
        "flatten": "view", "embedding": "index_select", "stack": "cat", "randn": "normal_", "rand": "uniform_",
        "randint": "random_", "contiguous": "clone", "to": "_to_copy", "log_sigmoid": "log_sigmoid_forward",
        "item": "_local_scalar_dense", "pad": "constant_pad_nd",
        **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), "convolution _convolution"),
    }.items()
}  # fmt: skip
_FILLED = {
    "zeros": "zero_",
    "ones": "fill_",
    "full": "fill_",
    "zeros_like": "zero_",
    "ones_like": "fill_",
}
# Rows, kernels and draws that ATen calls otherwise.
_ROWS = {
    "reshape": "view", "softmax": "_softmax", "log_softmax": "_log_softmax", "squared_distance": "mse_loss",
    "cross_entropy": "cross_entropy_loss", "nll": "nll_loss_forward", "normalize": "native_norm",
    "convert": "_to_copy", "compact": "clone", "triangle": "tril", "window_sum": "avg_pool2d",
    "max_pool_from": "max_pool2d_with_indices", "order": "sort", "top": "topk", "inner": "linalg_vecdot",
    "integers_": "random_", "dropout_noise_": "bernoulli_", "copy_region_": "copy_", "linear": "addmm",
    "linear_weight": "mm", "laid_out": "clone", "relu_backward": "threshold_backward",
    "vector_norm": "linalg_vector_norm",
}  # fmt: skip
# Rows that are all of what the operation does which asks for them, and go by its name.
OWN = {"rounded_distance"}
# What the rules of one row are together, in ATen.
_BACKWARD = {
    "SoftmaxBackward0": "_softmax_backward_data", "LogSoftmaxBackward0": "_log_softmax_backward_data",
    "ReluBackward0": "threshold_backward", "ConvolutionBackward0": "convolution_backward",
    "SigmoidBackward0": "sigmoid_backward", "TanhBackward0": "tanh_backward", "GeluBackward0": "gelu_backward",
    "NllLossBackward0": "nll_loss_backward", "MseLossBackward0": "mse_loss_backward",
    "EmbeddingBackward0": "embedding_backward", "NativeLayerNormBackward0": "native_layer_norm_backward",
    "NativeBatchNormBackward0": "native_batch_norm_backward", "EluBackward0": "elu_backward",
    "MaxPool2DWithIndicesBackward0": "max_pool2d_with_indices_backward",
    "AvgPool2DBackward0": "avg_pool2d_backward", "LeakyReluBackward0": "leaky_relu_backward",
    "SiluBackward0": "silu_backward", "SoftplusBackward0": "softplus_backward",
    "HuberLossBackward0": "huber_loss_backward", "SmoothL1LossBackward0": "smooth_l1_loss_backward",
    "BinaryCrossEntropyBackward0": "binary_cross_entropy_backward", "HardtanhBackward0": "hardtanh_backward",
    "NativeGroupNormBackward0": "native_group_norm_backward",
}  # fmt: skip


def called(record: str) -> str | None:
    """ATen's name for a public function, as `torch.Tensor.add`; None if it is no operation of its own."""
    if record in _BY_PLACE:
        return _BY_PLACE[record]
    name = record.removeprefix("torch.Tensor.").rpartition(".")[2]
    if "__" in record:
        name = record.removeprefix("torch.Tensor.")
        return _RENAMED.get(name)
    if name in _PARTS_ALONE or name.endswith("_with_indices") or name[0] == "_":
        return None
    return _RENAMED.get(name, name)


def parts(name: str, shapes: Sequence[Any], doors: Sequence[str]) -> list[tuple[str, ...]] | None:
    """The steps that stand for what a call asked for, each list from the outside in; None: that itself."""
    if name == "linear":
        # A bias is the third tensor, or what was given in its place.
        biased = len(shapes) > 2 and shapes[2] is not None
        return [TURNED, ("addmm",) if biased else ("matmul", "mm")]
    if name in ("matmul", "__matmul__") and len(shapes) > 1 and set(doors) <= _PRODUCTS:
        return [(product(shapes[0], shapes[1]),)]
    if name == "cross_entropy_loss" and "cross_entropy" in doors:
        return [("log_softmax", "_log_softmax"), ("nll_loss_nd", "nll_loss", "nll_loss_forward")]
    if name in _WHOLE:
        return [tuple(chain.split()) for chain in _WHOLE[name].split(",") if chain]
    if name == "scaled_dot_product_attention" and shapes and len(shapes[0] or ()) == 4:
        return [("_scaled_dot_product_flash_attention_for_cpu",)]
    if name in _FILLED and not doors:
        return [(_FILLED[name],)]
    if len(doors) == 1:
        return [_STEPS[name]] if name in _STEPS else []
    return None


# The weight of a linear layer is turned over before it multiplies, which takes no time.
TURNED = ("t", "transpose", "as_strided")


# A product of more than two dimensions is one of two, between views.
_BETWEEN_VIEWS = {"ViewBackward0": "AddmmBackward0", "UnsafeViewBackward0": "MmBackward0"}
# Rows that are one operation of ATen's together with the mean or the sum of their results.
REDUCED = {"squared_distance", "rounded_distance", "binary_cross_entropy"}


def around(
    row: str, name: str, wants: Sequence[bool]
) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """The nodes that torch has before and after the one that does the work of a row, and what that is called.

    name: what the node of the row is called; wants: which of its inputs want gradients.
    """
    if row == "cross_entropy" and name == "NllLossBackward0":
        return (), name, ("LogSoftmaxBackward0",)
    if row != "linear":
        return (), name, ()
    after = ("TBackward0",) if wants[1] else ()
    if name not in _BETWEEN_VIEWS:
        return (), name, after
    return (name,), _BETWEEN_VIEWS[name], (*after, "ViewBackward0") if wants[0] else after


# What ATen does in one place, and rushlight in several: steps from the outside in, and what comes one after another.
_WHOLE = {
    "batch_norm": "_batch_norm_impl_index native_batch_norm", "layer_norm": "native_layer_norm",
    "instance_norm": "batch_norm _batch_norm_impl_index native_batch_norm", "group_norm": "native_group_norm",
    "outer": "mul", "prelu": "_prelu_kernel", "glu": "narrow,narrow", "roll": "narrow,narrow,cat",
    "dropout": "bernoulli_,div_,mul", "pixel_shuffle": "contiguous clone", "hstack": "atleast_1d,cat",
    "vstack": "atleast_2d,cat", "adaptive_avg_pool2d": "_adaptive_avg_pool2d",
    **dict.fromkeys(
        ("addmm", "baddbmm", "im2col", "sort", "topk", "avg_pool2d", "one_hot", "std", "var", "index", "max", "min",
         "adaptive_max_pool2d"), "",
    ),
}  # fmt: skip
# What ATen always does within an operation of which nothing else is known to be within.
_INSIDE = {
    name: tuple(steps.split())
    for name, steps in {
        "mean": "sum div_", "narrow": "slice", "sort": "arange", "argsort": "sort", "masked_fill": "clone masked_fill_",
        "isnan": "ne", "mT": "transpose", "swapaxes": "transpose", "swapdims": "transpose", "movedim": "permute",
        "rsub": "sub", "relu6": "hardtanh", "selu": "elu", "new_zeros": "new_empty", "new_ones": "new_empty",
        "rand_like": "uniform_", "randn_like": "normal_", "bernoulli": "bernoulli_",
        "linalg_norm": "linalg_vector_norm", "log_sigmoid": "log_sigmoid_forward",
        "embedding_backward": "embedding_dense_backward",
        # These are asked for once more, for a result that was made.
        **{name: name for name in ("abs", "arange", "eye", "hardtanh", "linspace", "logical_and", "logical_or",
                                   "logical_xor", "logical_not", "deg2rad", "rad2deg", "mse_loss_backward",
                                   "huber_loss_backward", "smooth_l1_loss_backward")},
    }.items()
}  # fmt: skip


def inside(name: str) -> tuple[str, ...]:
    """What stands within an operation of ATen's, one after another; nothing for most."""
    return _INSIDE.get(name, ())


_PRODUCTS = {"matmul", "dot", "reshape", "squeeze", "unsqueeze"}


def product(x: Any, y: Any) -> str:
    """What multiplies tensors of these shapes."""
    ranks = tuple(len(s) if isinstance(s, tuple) else 2 for s in (x, y))
    if ranks == (1, 1):
        return "dot"
    if ranks[1] == 1:
        return "mv"
    return "bmm" if min(ranks) > 2 else "mm"


def door(name: str, shapes: Sequence[Any], out: Any) -> str:
    """ATen's name for a row, a kernel or a draw."""
    if name == "matmul" and len(shapes) > 1:
        return product(shapes[0], shapes[1])
    if name == "slice" and shapes and shapes[0] is not None and out is not None:
        return "select" if len(out) < len(shapes[0]) else "slice"
    if name == "permute" and shapes and shapes[0] is not None and len(shapes[0]) == 2:
        return "transpose"
    return _ROWS.get(name, name)


@cache
def _known() -> frozenset[str]:
    """The names that are ATen's."""
    public = (called(record.name) for record in records())
    tables = (
        _STEPS,
        _INSIDE,
        {name: steps.replace(",", " ").split() for name, steps in _WHOLE.items()},
    )
    steps = (step for table in tables for chain in table.values() for step in chain)
    more = (*_ROWS.values(), *_ARGUMENTS, *_FILLED.values(), *_BACKWARD.values(), *steps)
    return frozenset({name for name in public if name} | set(more) | {"mv", "dot"})


def space(name: str) -> str:
    """Whose operation it is: `aten`, or `rushlight` for a row that ATen has not."""
    return "aten" if name in _known() else "rushlight"


def within(name: str) -> str | None:
    """The operation of ATen that is all of a node's work."""
    return _BACKWARD.get(name)


FILLING = {"bernoulli_", "fill_", "normal_", "random_", "uniform_", "zero_"}


def of_kernel(name: str, shapes: Sequence[Any], out: Any) -> list[Any]:
    """The shapes that a step is given, from those of the operation that it stands for."""
    if name in FILLING and not any(shapes):
        return [out]
    if name in ("addmm", "mm") and len(shapes) > 1 and shapes[0] and shapes[1]:
        x, y = shapes[0], shapes[1]
        rows = prod(x[:-1])
        if name == "addmm":
            return [shapes[2] if len(shapes) > 2 else y[:1], (rows, x[-1]), y[::-1]]
        inner = y[::-1] if len(shapes) > 2 or y[0] != x[-1] else y
        return [(rows, x[-1]), inner]
    if name in ("log_softmax", "_log_softmax"):
        return list(shapes[:1])
    if name == "matmul" and len(shapes) == 3 and shapes[1]:
        return [shapes[0], shapes[1][::-1]]
    if name == "index_select" and len(shapes) > 1:
        return [shapes[0], None, shapes[1]]
    if name == "bmm" and len(shapes) > 1:
        return [(prod(s[:-2]), *s[-2:]) for s in shapes[:2]]
    return list(shapes)


def in_order(name: str, shapes: list[Any]) -> list[Any]:
    """The shapes as ATen is given them, where a row turns the first factor over or torch's function both."""
    if name == "linear_weight":
        return [shapes[0][::-1], shapes[1]]
    return [*shapes[1::-1], *shapes[2:]] if name == "embedding" else shapes


def filled(name: str, shapes: Sequence[Any]) -> list[list[int]]:
    """Shapes as torch gives them: one for each argument that the operation has, empty for numbers."""
    listed = [[] if shape is None else list(shape) for shape in shapes]
    if name == "index":
        listed = [*listed[:1], []]
    counts = _ARGUMENTS.get(name, (len(listed),))
    count = counts[0] if len(listed) <= 1 else counts[-1]
    return listed[:count] + [[]] * (count - len(listed))


def flops(name: str, shapes: Sequence[Any]) -> int:
    """Operations of arithmetic, where torch counts them."""
    formula = _FLOPS.get(name)
    try:
        return formula(shapes) if formula else 0
    except (IndexError, TypeError):
        return 0


def _of_product(x: Shape, y: Shape) -> int:
    return 2 * prod(x) * y[-1]


_FLOPS: dict[str, Callable[[Any], int]] = {
    "mm": lambda s: _of_product(s[0], s[1]),
    "bmm": lambda s: _of_product(s[0], s[1]),
    "addmm": lambda s: _of_product(s[1], s[2]),
    "baddbmm": lambda s: _of_product(s[1], s[2]),
    "mul": lambda s: prod(s[0]),
    "add": lambda s: prod(s[0]),
}


def of_convolution(shapes: Sequence[Any], out: Any) -> int:
    """Those of a convolution: for each number that comes out, as many products as a filter has weights."""
    if out is None or len(shapes) < 2 or shapes[1] is None:
        return 0
    return 2 * prod(out) * prod(shapes[1][1:])
