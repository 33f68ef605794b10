"""Activations."""

from __future__ import annotations

from typing import Any

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.errors import warn
from rushlight.nn import functional as F
from rushlight.nn import init as initial
from rushlight.nn.modules.attention import MultiheadAttention
from rushlight.nn.modules.module import Module
from rushlight.nn.modules.utils import new_parameter
from rushlight.public.torch import sigmoid, tanh

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "SELU",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "MultiheadAttention",
    "PReLU",
    "RReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softmax2d",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
]


class _Inplace(Module):
    """An activation without parameters that may write into its input."""

    __shown__ = "inplace?"

    inplace: bool

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


class ReLU(_Inplace):
    """max(0, x), elementwise.

    >>> import rushlight as torch
    >>> torch.nn.ReLU()(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    __constants__ = ["inplace"]

    def forward(self, input: Tensor) -> Tensor:
        """The positive part."""
        return F.relu(input, inplace=self.inplace)


class ReLU6(_Inplace):
    """min(max(0, x), 6), elementwise."""

    __constants__ = ["min_val", "max_val", "inplace"]

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(inplace)
        # As in torch, where these are attributes: files have them.
        self.min_val, self.max_val = 0.0, 6.0

    def forward(self, input: Tensor) -> Tensor:
        """The input between 0 and 6."""
        return F.relu6(input, inplace=self.inplace)


class SELU(_Inplace):
    """Scaled ELU, which keeps mean 0 and variance 1 (Klambauer et al. 2017)."""

    __constants__ = ["inplace"]

    def forward(self, input: Tensor) -> Tensor:
        """scale * (max(0, x) + min(0, alpha * (exp(x) - 1)))."""
        return F.selu(input, inplace=self.inplace)


class SiLU(_Inplace):
    """x * sigmoid(x), elementwise; also called swish."""

    __constants__ = ["inplace"]

    def forward(self, input: Tensor) -> Tensor:
        """x * sigmoid(x)."""
        return F.silu(input, inplace=self.inplace)


class Mish(_Inplace):
    """x * tanh(softplus(x)), elementwise (Misra 2019)."""

    __constants__ = ["inplace"]

    def forward(self, input: Tensor) -> Tensor:
        """x * tanh(softplus(x))."""
        return F.mish(input, inplace=self.inplace)


class Hardsigmoid(_Inplace):
    """relu6(x + 3) / 6, elementwise."""

    __constants__ = ["inplace"]

    __shown__ = ""

    def forward(self, input: Tensor) -> Tensor:
        """relu6(x + 3) / 6."""
        return F.hardsigmoid(input, self.inplace)


class Hardswish(_Inplace):
    """x * relu6(x + 3) / 6, elementwise (Howard et al. 2019)."""

    __constants__ = ["inplace"]

    __shown__ = ""

    def forward(self, input: Tensor) -> Tensor:
        """x * relu6(x + 3) / 6."""
        return F.hardswish(input, self.inplace)


class Sigmoid(Module):
    """1 / (1 + exp(-x)), elementwise."""

    def forward(self, input: Tensor) -> Tensor:
        """1 / (1 + exp(-x))."""
        return sigmoid(input)


class Tanh(Module):
    """The hyperbolic tangent, elementwise."""

    def forward(self, input: Tensor) -> Tensor:
        """tanh(x)."""
        return tanh(input)


class LogSigmoid(Module):
    """log(1 / (1 + exp(-x))), elementwise, without overflow."""

    def forward(self, input: Tensor) -> Tensor:
        """log(sigmoid(x))."""
        return F.logsigmoid(input)


class Softsign(Module):
    """x / (1 + |x|), elementwise."""

    def forward(self, input: Tensor) -> Tensor:
        """x / (1 + |x|)."""
        return F.softsign(input)


class Tanhshrink(Module):
    """x - tanh(x), elementwise."""

    def forward(self, input: Tensor) -> Tensor:
        """x - tanh(x)."""
        return F.tanhshrink(input)


class Threshold(Module):
    """x where it is above threshold, else value."""

    __constants__ = ["threshold", "value", "inplace"]

    __shown__ = "threshold value inplace?"

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold = threshold
        self.value = value
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """x if x > threshold else value."""
        return F.threshold(input, self.threshold, self.value, self.inplace)


class RReLU(Module):
    """Leaky ReLU whose slope is drawn between lower and upper while training (Xu et al. 2015)."""

    __constants__ = ["lower", "upper", "inplace"]

    __shown__ = "lower upper inplace?"

    def __init__(
        self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False
    ) -> None:
        super().__init__()
        self.lower = lower
        self.upper = upper
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """x if x >= 0 else slope * x."""
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)


class Hardtanh(Module):
    """The input cut off at min_val and max_val."""

    __constants__ = ["min_val", "max_val", "inplace"]

    __shown__ = "min_val max_val inplace?"

    def __init__(
        self,
        min_val: float = -1.0,
        max_val: float = 1.0,
        inplace: bool = False,
        min_value: float | None = None,
        max_value: float | None = None,
    ) -> None:
        super().__init__()
        for name, old in (("min_val", min_value), ("max_val", max_value)):
            if old is not None:
                warn(
                    f"keyword argument `{name}ue` is deprecated and renamed to `{name}`",
                    FutureWarning,
                )
        self.min_val = min_val if min_value is None else min_value
        self.max_val = max_val if max_value is None else max_value
        self.inplace = inplace
        if self.max_val <= self.min_val:
            raise AssertionError(
                f"max_val ({self.max_val}) must be greater than min_val ({self.min_val})"
            )

    def forward(self, input: Tensor) -> Tensor:
        """min(max(x, min_val), max_val)."""
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)


class ELU(Module):
    """x where it is positive, else alpha * (exp(x) - 1) (Clevert et al. 2016)."""

    __constants__ = ["alpha", "inplace"]

    __shown__ = "alpha inplace?"

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """x if x > 0 else alpha * (exp(x) - 1)."""
        return F.elu(input, self.alpha, self.inplace)


class CELU(ELU):
    """x where it is positive, else alpha * (exp(x / alpha) - 1) (Barron 2017)."""

    __constants__ = ["alpha", "inplace"]

    def forward(self, input: Tensor) -> Tensor:
        """x if x > 0 else alpha * (exp(x / alpha) - 1)."""
        return F.celu(input, self.alpha, self.inplace)


class LeakyReLU(Module):
    """x where it is positive, else negative_slope * x."""

    __constants__ = ["inplace", "negative_slope"]

    __shown__ = "negative_slope inplace?"

    def __init__(self, negative_slope: float = 1e-2, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """x if x > 0 else negative_slope * x."""
        return F.leaky_relu(input, self.negative_slope, self.inplace)


class PReLU(Module):
    """Leaky ReLU whose slope, one in all or one per channel, is learned (He et al. 2015)."""

    __constants__ = ["num_parameters"]

    __shown__ = "num_parameters"

    def __init__(
        self,
        num_parameters: int = 1,
        init: float = 0.25,
        device: Any = None,
        dtype: dtypes.dtype | None = None,
    ) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = new_parameter(num_parameters, device=device, dtype=dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set every slope to init."""
        initial.constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        """x if x > 0 else weight * x."""
        return F.prelu(input, self.weight)


class GLU(Module):
    """Half of the input times the sigmoid of the other half (Dauphin et al. 2017)."""

    __constants__ = ["dim"]

    __shown__ = "dim"

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """a * sigmoid(b) for the halves a and b along dim."""
        return F.glu(input, self.dim)


class GELU(Module):
    """x times the normal distribution function of x (Hendrycks and Gimpel 2016).

    approximate: "none" or "tanh".
    """

    __constants__ = ["approximate"]

    __shown__ = "approximate!r"

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        """x * Phi(x)."""
        return F.gelu(input, approximate=self.approximate)


class Softplus(Module):
    """log(1 + exp(beta * x)) / beta; x itself where beta * x is above threshold."""

    __constants__ = ["beta", "threshold"]

    __shown__ = "beta threshold"

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Tensor) -> Tensor:
        """log(1 + exp(beta * x)) / beta."""
        return F.softplus(input, self.beta, self.threshold)


class Hardshrink(Module):
    """x where |x| > lambd, else 0."""

    __constants__ = ["lambd"]

    __shown__ = "*lambd"

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        """x if |x| > lambd else 0."""
        return F.hardshrink(input, self.lambd)


class Softshrink(Hardshrink):
    """x moved towards 0 by lambd, and 0 where |x| <= lambd."""

    __constants__ = ["lambd"]

    def forward(self, input: Tensor) -> Tensor:
        """sign(x) * max(|x| - lambd, 0)."""
        return F.softshrink(input, self.lambd)


class _OverDim(Module):
    __shown__ = "dim"

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim


class Softmax(_OverDim):
    """exp(x), divided by its sum along dim.

    >>> import rushlight as torch
    >>> torch.nn.Softmax(dim=1)(torch.zeros(1, 4))
    tensor([[0.2500, 0.2500, 0.2500, 0.2500]])
    """

    __constants__ = ["dim"]

    def forward(self, input: Tensor) -> Tensor:
        """exp(x) / sum(exp(x))."""
        return F.softmax(input, self.dim, _stacklevel=5)


class Softmin(_OverDim):
    """The softmax of -x along dim."""

    __constants__ = ["dim"]

    def forward(self, input: Tensor) -> Tensor:
        """softmax(-x)."""
        return F.softmin(input, self.dim, _stacklevel=5)


class LogSoftmax(_OverDim):
    """The logarithm of the softmax along dim, without overflow."""

    __constants__ = ["dim"]

    def forward(self, input: Tensor) -> Tensor:
        """x - log(sum(exp(x)))."""
        return F.log_softmax(input, self.dim, _stacklevel=5)


class Softmax2d(Module):
    """The softmax over the channels of (N, C, H, W) or (C, H, W)."""

    def forward(self, input: Tensor) -> Tensor:
        """softmax(x, dim=-3)."""
        if input.dim() not in (3, 4):
            raise ValueError(
                f"Softmax2d: expected input to be 3D or 4D, got {input.dim()}D instead"
            )
        return F.softmax(input, -3, _stacklevel=5)
