"""Activations under torch's names: those of `torch` and, below them, what `nn.functional` shares."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rushlight import dtypes, random
from rushlight.autograd.pretended import remember
from rushlight.core.doors import apply, draw
from rushlight.errors import warn
from rushlight.kernels import refusal
from rushlight.ops.arguments import (
    fitting_factor,
    need_real,
    need_real_gradient,
    need_real_scalar,
    need_scalar,
    need_tensor,
    need_unrecorded,
    numpy_names,
    one_dim,
    relabel,
    write_out,
)
from rushlight.ops.conversion import alike, in_rows
from rushlight.ops.inplace import ask, assign
from rushlight.ops.outputs import write_underived
from rushlight.ops.precision import in_half
from rushlight.ops.writable import admit, check_memory
from rushlight.primitives import activation as rows
from rushlight.primitives import pointwise
from rushlight.primitives import softmax as softmax_rows
from rushlight.primitives.families import FLOAT, supported
from rushlight.primitives.kernel import entering

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

# G. Klambauer et al., "Self-Normalizing Neural Networks", 2017.
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


# Of these torch keeps what was written, and not the old values, for their derivative.
_BY_RESULT = {"celu", "elu", "leaky_relu", "rrelu", "selu"}


def _admitted(
    name: str, function: Callable[..., Tensor], input: Tensor, *args: Any, **kwargs: Any
) -> bool:
    """Whether a change in place is recorded; of its target's memory torch asks first, of inference mode last."""
    try:
        return admit(input)
    except RuntimeError:
        check_memory(name, input._data_)
        ask(function, input, args, kwargs)
        raise


def in_place(function: Callable[..., Tensor], input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Write function(input, ...) into input; what backward needs of the old values is kept."""
    name = function.__name__.strip("_")
    need_tensor(f"{name}_", "input", 1, input)
    recorded = _admitted(name, function, input, *args, **kwargs)
    check_memory(name, input._data_)
    before = input.clone() if recorded else input
    result = function(before, *args, **kwargs)
    if name in _BY_RESULT:
        remember(result, result)
    return assign(input, result, f"{name}_")


def relu_(input: Tensor) -> Tensor:
    """max(x, 0), written into the input."""
    need_tensor("relu_", "input", 1, input)
    _admitted("relu", pointwise.relu, input)
    check_memory("relu", input._data_)
    return assign(input, apply(pointwise.relu, input), "relu_")


def celu(input: Tensor, alpha: float = 1.0) -> Tensor:
    """max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0)."""
    need_tensor("celu", "input", 1, input)
    alpha = need_real_scalar("celu", "alpha", 2, alpha)
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    result: Tensor = apply(rows.elu, input, alpha=float(alpha), scale=1.0, rate=1.0 / float(alpha))
    return relabel(result, "CeluBackward0")


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """`celu`, written into the input."""
    return in_place(celu, input, alpha)


def selu(input: Tensor) -> Tensor:
    """The self-normalising ELU: `elu` with the alpha and scale of Klambauer et al., 2017."""
    need_tensor("selu", "input", 1, input)
    return apply(rows.elu, input, alpha=SELU_ALPHA, scale=SELU_SCALE, rate=1.0)


def selu_(input: Tensor) -> Tensor:
    """`selu`, written into the input."""
    return in_place(selu, input)


def rrelu(
    input: Tensor,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    generator: random.Generator | None = None,
) -> Tensor:
    """Leaky ReLU whose slope is drawn between lower and upper; their mean when not training."""
    need_tensor("rrelu", "input", 1, input)
    lower = need_real_scalar("rrelu", "lower", 2, lower)
    upper = need_real_scalar("rrelu", "upper", 3, upper)
    if lower > upper:
        raise RuntimeError(f"Lower bound should be less than or equal to the upper bound: "
                           f"got {lower} and {upper}")  # fmt: skip
    if not training:
        plain = in_rows(apply(rows.leaky_relu, input, slope=(lower + upper) / 2))
        return relabel(plain, "RreluWithNoiseBackward0")
    supported("rrelu_with_noise_out_cpu", FLOAT, [input._data_])
    if input.dtype is dtypes.float16:
        raise refusal("rrelu_with_noise_out_cpu", input.dtype)
    noise = draw(random.rrelu_noise, generator, input.detach(), lower=lower, upper=upper)
    result = in_rows(entering(input, lies="rows") * noise)
    return relabel(result, "RreluWithNoiseBackward0")


def rrelu_(
    input: Tensor,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    generator: random.Generator | None = None,
) -> Tensor:
    """`rrelu`, written into the input."""
    return in_place(rrelu, input, lower, upper, training, generator)


@in_half
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x above 0, weight * x below, with one weight or one per channel (dimension 1)."""
    need_tensor("prelu", "input", 1, input)
    need_tensor("prelu", "weight", 2, weight)
    shape, count = input._data_.shape, weight._data_.size
    if input._data_.dtype != weight._data_.dtype:
        raise RuntimeError(
            f"prelu: Type promoting not supported. Got {input.dtype} and {weight.dtype}"
        )
    if weight._data_.ndim > 1:
        raise RuntimeError(
            "prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = "
            f"{weight._data_.ndim}"
        )
    if count != 1 or weight._data_.ndim:
        if len(shape) == 0 and count != 1:
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = shape[1] if len(shape) > 1 else 1
        if count != 1 and count != channels:
            raise RuntimeError(
                f"Mismatch of parameter numbers and input channel size. Found parameter numbers = "
                f"{count} and channel size = {channels}: give one weight, or one per channel"
            )
        spread = (1, -1, *(1,) * (len(shape) - 2)) if len(shape) > 1 else (1,) * len(shape)
        weight = weight.reshape(spread)
    supported("prelu_cpu", FLOAT, [input._data_])
    x, slope = entering(input, weight), entering(weight, input)
    result = pointwise.where(pointwise.gt(input, 0), x, slope * x)
    return remember(relabel(alike(result, input), "PreluKernelBackward0"), input, weight)


def threshold(
    input: Tensor, threshold: float, value: float, *, out: Tensor | None = None
) -> Tensor:
    """x where it is above the threshold, else value."""
    need_tensor("threshold", "input", 1, input)
    supported("threshold_cpu", "iufV", [input._data_])
    limits = {"threshold": threshold, "value": value}
    for position, (name, number) in enumerate(limits.items(), 2):
        number = need_scalar("threshold", name, position, number)
        limits[name] = dtypes.number_in(number, input._data_.dtype).item()
    return write_out(out, apply(rows.threshold, input, **limits))


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """`threshold`, written into the input."""
    return in_place(_threshold, input, threshold, value)


_threshold = threshold


def hardshrink(input: Tensor, lambd: float = 0.5, *, out: Tensor | None = None) -> Tensor:
    """x where it lies outside [-lambd, lambd], else 0."""
    need_tensor("hardshrink", "input", 1, input)
    lambd = need_real("hardshrink", "lambd", 2, lambd)
    supported("hardshrink_cpu", FLOAT, [input._data_])
    result: Tensor = apply(rows.hardshrink, input, lambd=fitting_factor(lambd, input._data_.dtype))
    return result if out is None else write_out(out, result, same=True)


# ---- softmax ------------------------------------------------------------------------------------


def _along(name: str, row: Any, input: Tensor, dim: int | None, dtype: Any) -> Tensor:
    need_tensor(name, "input", 1, input)
    if dim is None:
        dim = implicit_dim(name, input._data_.ndim)
    if dtype is not None:
        input = input.to(dtype)
    axis = one_dim(dim, input._data_.ndim)
    if not input._data_.size:
        need_real_gradient(f"_{name}", input)
    if not input._data_.ndim:
        return relabel(
            apply(row, input.reshape((1,)), dim=0).reshape(()),
            f"{row.name.title().replace('_', '')}Backward0",
        )
    return apply(row, input, dim=axis)


def implicit_dim(name: str, ndim: int) -> int:
    """torch's guess where no dimension was given, with its warning."""
    warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X "
        "as an argument."
    )
    return 0 if ndim in (0, 1, 3) else 1


@numpy_names
def softmax(
    input: Tensor, dim: int, dtype: dtypes.dtype | None = None, *, out: Tensor | None = None
) -> Tensor:
    """exp(x) / sum(exp(x)) along dim, computed without overflow.

    >>> import rushlight as torch
    >>> torch.softmax(torch.tensor([0.0, 0.0]), 0)
    tensor([0.5000, 0.5000])
    """
    need_unrecorded(out)
    result = _along("softmax", softmax_rows.softmax, input, dim, dtype)
    return result if out is None else write_underived(out, result, "softmax", input)


@numpy_names
def log_softmax(
    input: Tensor, dim: int, dtype: dtypes.dtype | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The logarithm of `softmax`, computed without taking a logarithm of something near 0."""
    need_unrecorded(out)
    result = _along("log_softmax", softmax_rows.log_softmax, input, dim, dtype)
    return result if out is None else write_underived(out, result, "log_softmax", input)


def softplus(
    input: Tensor, beta: float = 1.0, threshold: float = 20.0, *, out: Tensor | None = None
) -> Tensor:
    """log(1 + exp(beta * x)) / beta; x itself where beta * x is above the threshold."""
    need_tensor("softplus", "input", 1, input)
    beta = need_real("softplus", "beta", 2, beta)
    threshold = need_real("softplus", "threshold", 3, threshold)
    return write_out(out, apply(rows.softplus, input, beta=beta, threshold=threshold))


def logsigmoid(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """log(1 / (1 + exp(-x)))."""
    need_tensor("log_sigmoid", "input", 1, input)
    return write_out(out, apply(rows.log_sigmoid, input))


def gelu(input: Tensor, *, approximate: str = "none", out: Tensor | None = None) -> Tensor:
    """x times the normal distribution function of x, or of the usual tanh that comes near it.

    D. Hendrycks and K. Gimpel, "Gaussian Error Linear Units", 2016.
    """
    need_tensor("gelu", "input", 1, input)
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    result: Tensor = apply(rows.gelu, input, approximate=approximate)[0]
    return result if out is None else write_out(out, result)
