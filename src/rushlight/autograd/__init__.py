"""Reverse-mode differentiation of recorded operations, to any order."""

from typing import Any as _Any

from rushlight.autograd.accumulate import enforce_grad_layout_policy
from rushlight.autograd import anomaly as anomaly_mode
from rushlight.autograd import forward_ad, functional, grad_mode, graph
from rushlight.autograd.anomaly import (
    detect_anomaly,
    is_anomaly_check_nan_enabled,
    is_anomaly_enabled,
    set_anomaly_enabled,
    set_detect_anomaly,
)
from rushlight.autograd import api as _api
from rushlight.autograd.function import (
    Function,
    FunctionCtx,
    NestedIOFunction,
    once_differentiable,
)
from rushlight.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck
from rushlight.autograd.state import (
    _unsafe_preserve_version_counter as _unsafe_preserve_version_counter,
)
from rushlight.autograd.state import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
    set_multithreading_enabled,
)
from rushlight.autograd.variable import Variable
from rushlight.later import later
from rushlight.overriding.functions import public as _public

backward = _public(_api.backward, "rushlight.autograd", "backward", "spelled")
grad = _public(_api.grad, "rushlight.autograd", "grad", "spelled")

__all__ = [
    "Function",
    "FunctionCtx",
    "GradcheckError",
    "NestedIOFunction",
    "Variable",
    "anomaly_mode",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "enforce_grad_layout_policy",
    "forward_ad",
    "functional",
    "grad",
    "grad_mode",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "is_anomaly_check_nan_enabled",
    "is_anomaly_enabled",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "no_grad",
    "once_differentiable",
    "profiler",
    "set_anomaly_enabled",
    "set_detect_anomaly",
    "set_grad_enabled",
    "set_multithreading_enabled",
]

profiler = later("rushlight.autograd.profiler")


def _profiler_enabled() -> bool:
    """Whether torch's older profiler runs: it is not there, and `torch.profiler` is asked elsewhere."""
    return False


def _disable_profiler() -> list[_Any]:
    """What that profiler has seen: nothing."""
    return []


def kineto_available() -> bool:
    """Whether `torch.profiler` can be used."""
    return True
