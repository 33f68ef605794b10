"""Activations: functions of single elements, and softmax with its kin."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rushlight import dtypes
from rushlight.core.doors import apply
from rushlight.core.tensor import TensorBase
from rushlight.errors import warn
from rushlight.layout import contiguous_format
from rushlight.ops import activation as ops
from rushlight.ops import pointwise
from rushlight.ops.activation import (
    implicit_dim,
    in_place,
    relu_,
)
from rushlight.ops.arguments import (
    fitting_factor,
    need_real,
    need_real_gradient,
    need_scalar,
    need_tensor,
    one_dim,
    relabel,
    rounded_once,
    write_out,
)
from rushlight.ops.creation import empty_like
from rushlight.ops.sampling import exponential_
from rushlight.overriding.functions import ask_late, met_late
from rushlight.primitives import activation as rows
from rushlight.primitives.families import FLOAT, supported
from rushlight.primitives.join import split

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def _choose(function: Callable[..., Tensor], inplace: bool, input: Tensor, *args: Any) -> Tensor:
    return in_place(function, input, *args) if inplace else function(input, *args)


# ---- piecewise linear ---------------------------------------------------------------------------


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0).

    >>> import rushlight as torch
    >>> torch.nn.functional.relu(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    try:
        return relu_(input) if inplace else pointwise.relu(input)
    except met_late():
        return ask_late()


def hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """x, but at least min_val and at most max_val."""
    min_val = need_scalar("hardtanh", "min_val", 2, min_val)
    max_val = need_scalar("hardtanh", "max_val", 3, max_val)
    if min_val > max_val:
        raise ValueError(f"min_val cannot be greater than max_val: got {min_val} and {max_val}")
    return _choose(_hardtanh, inplace, input, min_val, max_val)


def _hardtanh(input: Tensor, min_val: float, max_val: float) -> Tensor:
    need_tensor("hardtanh", "input", 1, input)
    if input._data_.dtype.kind == "b":
        raise RuntimeError("Bool inputs not supported for hardtanh")
    if input._data_.dtype.kind == "u" and int(min_val) < 0:
        raise RuntimeError("cannot do hardtanh on an unsigned type with negative limits")
    for limit in (min_val, max_val):
        fitting_factor(limit, input._data_.dtype)
    return apply(rows.hardtanh, input, low=min_val, high=max_val)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """`hardtanh`, written into the input."""
    return in_place(_hardtanh, input, min_val, max_val)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(x, 0), 6)."""
    return _choose(_hardtanh, inplace, input, 0, 6)


def _leaky_relu(input: Tensor, negative_slope: float) -> Tensor:
    need_tensor("leaky_relu", "input", 1, input)
    return apply(
        rows.leaky_relu, input, slope=need_real("leaky_relu", "negative_slope", 2, negative_slope)
    )


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x above 0, negative_slope * x below."""
    return _choose(_leaky_relu, inplace, input, negative_slope)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """`leaky_relu`, written into the input."""
    return in_place(_leaky_relu, input, negative_slope)


def rrelu(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Tensor:
    """Leaky ReLU with a slope drawn between lower and upper for each element; else their mean."""
    return _choose(ops.rrelu, inplace, input, lower, upper, training)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x where it is above the threshold, else value."""
    return _choose(ops.threshold, inplace, input, threshold, value)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """x / 6 + 1 / 2, but at least 0 and at most 1."""
    return _choose(_row(rows.hardsigmoid), inplace, input)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """x * hardsigmoid(x).

    A. Howard et al., "Searching for MobileNetV3", 2019.
    """
    return _choose(_row(rows.hardswish), inplace, input)


def _row(row: Any) -> Callable[..., Tensor]:
    def function(input: Tensor) -> Tensor:
        need_tensor(row.name, "input", 1, input)
        return apply(row, input)

    function.__name__ = row.name
    return function


def softshrink(input: Tensor, lambd: float = 0.5, *, out: Tensor | None = None) -> Tensor:
    """x moved towards 0 by lambd, and 0 where it would cross it."""
    need_tensor("softshrink", "input", 1, input)
    supported("softshrink_check", FLOAT, [input._data_])
    lambd = need_real("softshrink", "lambd", 2, lambd)
    largest = float(dtypes.finfo(input.dtype).max)
    if not 0 <= lambd <= largest:
        raise RuntimeError(
            f"lambda must be in range [0, {largest:g}] for input dtype {input.dtype.word}, but found {lambd:g}"
        )
    result: Tensor = apply(rows.softshrink, input, lambd=float(lambd))
    return result if out is None else write_out(out, result)


# ---- exponentials -------------------------------------------------------------------------------


def _elu(input: Tensor, alpha: float) -> Tensor:
    need_tensor("elu", "input", 1, input)
    return apply(rows.elu, input, alpha=need_real("elu", "alpha", 2, alpha), scale=1.0, rate=1.0)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x above 0, alpha * (exp(x) - 1) below."""
    return _choose(_elu, inplace, input, alpha)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """`elu`, written into the input."""
    return in_place(_elu, input, alpha)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """The self-normalising ELU of G. Klambauer et al., 2017."""
    return _choose(ops.selu, inplace, input)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0)."""
    return _choose(ops.celu, inplace, input, alpha)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x * sigmoid(x), also called swish."""
    if isinstance(input, TensorBase):
        need_real_gradient("silu", input)
    return _choose(_row(rows.silu), inplace, input)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x * tanh(softplus(x)).

    D. Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", 2019.
    """
    return _choose(_row(rows.mish), inplace, input)


def softsign(input: Tensor) -> Tensor:
    """x / (1 + |x|)."""
    need_tensor("softsign", "input", 1, input)
    return input / (input.abs() + 1)


def tanhshrink(input: Tensor) -> Tensor:
    """x - tanh(x)."""
    need_tensor("tanhshrink", "input", 1, input)
    return input - input.tanh()


def glu(input: Tensor, dim: int = -1, *, out: Tensor | None = None) -> Tensor:
    """The first half along dim times the sigmoid of the second half.

    Y. N. Dauphin et al., "Language Modeling with Gated Convolutional Networks", 2017.
    """
    need_tensor("glu", "input", 1, input)
    if not input._data_.ndim:
        raise RuntimeError("glu does not support 0-dimensional tensors")
    axis = one_dim(dim, input._data_.ndim)
    size = input._data_.shape[axis]
    if size % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {axis} is size {size}")
    supported("glu_cpu", FLOAT, [input._data_])
    half = size // 2
    # One split, whose gradient is joined: two parts cut out would be added, to zeros whose sign wins.
    x, gate = apply(split, input, sizes=(half, half), dim=axis)
    result = rounded_once(lambda x, gate: x * gate.sigmoid(), x, gate)
    result = relabel(result, "GluBackward0")
    return result if out is None else write_out(out, result)


# ---- softmax ------------------------------------------------------------------------------------


def softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: dtypes.dtype | None = None
) -> Tensor:
    """exp(x) / sum(exp(x)) along dim; with dtype, converted to it first.

    >>> import rushlight as torch
    >>> torch.nn.functional.softmax(torch.zeros(1, 4), dim=1)
    tensor([[0.2500, 0.2500, 0.2500, 0.2500]])
    """
    need_tensor("nn.functional.softmax", "input", 1, input)
    return ops.softmax(input, dim, dtype)  # type: ignore[arg-type]


def softmin(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: dtypes.dtype | None = None
) -> Tensor:
    """softmax(-x) along dim."""
    if dim is None:
        need_tensor("softmin", "input", 1, input)
        dim = implicit_dim("softmin", input._data_.ndim)
    return softmax(-input, dim, dtype=dtype)


def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: dtypes.dtype | None = None
) -> Tensor:
    """The logarithm of softmax along dim, without the loss of accuracy of doing both in turn."""
    need_tensor("nn.functional.log_softmax", "input", 1, input)
    return ops.log_softmax(input, dim, dtype)  # type: ignore[arg-type]


def gumbel_softmax(
    logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1
) -> Tensor:
    """A sample from the Gumbel-softmax distribution; with hard, one-hot with the soft gradient.

    E. Jang et al., "Categorical Reparameterization with Gumbel-Softmax", 2016.
    """
    need_tensor("gumbel_softmax", "logits", 1, logits)
    if eps != 1e-10:
        warn("`eps` parameter is deprecated and has no effect.")
    noise = exponential_(empty_like(logits.detach(), memory_format=contiguous_format))
    soft = ops.softmax((logits - noise.log()) / tau, dim)
    if not hard:
        return soft
    axis = one_dim(dim, soft._data_.ndim)
    best = soft.argmax(axis, keepdim=True)
    one_hot = (soft * 0).detach().scatter(axis, best, 1.0)
    return one_hot - soft.detach() + soft


# ---- methods of tensors --------------------------------------------------------------------------


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(-x)): the tensor's method."""
    return input.sigmoid()


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent: the tensor's method."""
    return input.tanh()
