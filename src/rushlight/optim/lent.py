"""What optimizers of other libraries take from torch's own, under its names."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable
from typing import Any

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.autograd.state import set_grad_enabled
from rushlight.core.state import state as mode
from rushlight.ops.complex import view_as_real

# What optimizers take: tensors, groups of options, or pairs of names and tensors.
ParamsT = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]
_foreach_supported_types = [Tensor]

_foreach_doc = "foreach (bool, optional): accepted; parameters are updated one after the other."
_fused_doc = "fused (bool, optional): accepted; there is one implementation."
_capturable_doc = "capturable (bool, optional): for graphs of a GPU, which is not there."
_differentiable_doc = "differentiable (bool, optional): whether steps are recorded."
_maximize_doc = "maximize (bool, optional): whether steps go up."
_params_doc = "params (iterable): the parameters, or groups of them with options."


def _use_grad_for_differentiable(func: Callable[..., Any]) -> Callable[..., Any]:
    """A `step` that records what it does where the optimizer is differentiable."""

    @functools.wraps(func)
    def step(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = mode.grad
        set_grad_enabled(self.defaults["differentiable"])
        try:
            return func(self, *args, **kwargs)
        finally:
            set_grad_enabled(before)

    return step


def _disable_dynamo_if_unsupported(single_tensor_fn: Any = None) -> Callable[..., Any]:
    """A decorator that changes nothing."""
    return lambda func: func


def _get_value(x: Any) -> Any:
    return x.item() if isinstance(x, Tensor) else x


def _to_scalar(x: Any) -> Any:
    return x.squeeze() if isinstance(x, Tensor) and x.dim() else x


def _stack_if_compiling(x: Any) -> Any:
    return x


def _dispatch_sqrt(x: Any) -> Any:
    return x.sqrt() if isinstance(x, Tensor) else math.sqrt(x)


def _view_as_real(params: list[Any], *state_and_grads: list[Any]) -> None:
    """Complex parameters, and what belongs to them, as pairs of real numbers, in these lists."""
    for i, p in enumerate(params):
        if p.is_complex():
            params[i] = view_as_real(p)
            for values in state_and_grads:
                values[i] = view_as_real(values[i])


def _get_scalar_dtype(is_fused: bool | None = None) -> dtypes.dtype:
    """The type of step counts."""
    if is_fused or dtypes.get_default_dtype() is not dtypes.float64:
        return dtypes.float32
    return dtypes.float64


def _get_capturable_supported_devices(supports_xla: bool = True) -> list[str]:
    return ["cuda", "xpu", "hpu", "privateuseone", *(["xla"] if supports_xla else [])]


def _default_to_fused_or_foreach(
    params: list[Any], differentiable: bool, use_fused: bool = False
) -> tuple[bool, bool]:
    """(False, False): neither pays on a CPU."""
    return False, False


def _device_dtype_check_for_fused(p: Any, cuda_unsupported: bool = False) -> None:
    """A RuntimeError unless the parameter is of a floating type."""
    if not p.is_floating_point():
        raise RuntimeError(
            "`fused=True` requires all the params to be floating point Tensors of supported devices"
        )
    return None
