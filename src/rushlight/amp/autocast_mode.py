"""`autocast`: within it, `ops.precision` brings arguments to the types that operations compute in."""

from __future__ import annotations

import collections.abc
import functools
import threading
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.core.state import state
from rushlight.errors import warn

__all__ = ["autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]

# torch's types of devices that have an autocast, and the type that each lowers to by itself.
_DEVICES: dict[str, Any] = {
    "cpu": dtypes.bfloat16, "cuda": dtypes.float16, "xpu": dtypes.float16,
    "mps": dtypes.float16, "hpu": dtypes.bfloat16, "ipu": dtypes.float16,
    "xla": dtypes.bfloat16, "mtia": dtypes.float16, "maia": dtypes.bfloat16,
    "privateuseone": dtypes.float16,
}  # fmt: skip
_OTHERS = ("meta", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga", "lazy", "vulkan")


class _Setting(threading.local):
    """What is set in this thread; `state.autocast` is what operations see of it."""

    def __init__(self) -> None:
        self.enabled = dict.fromkeys(_DEVICES, False)
        self.dtypes = dict(_DEVICES)
        self.caching = True
        self.depth = 0


_setting = _Setting()


def _device(device_type: str) -> str:
    kind = device_type.partition(":")[0]
    if kind not in _DEVICES:
        raise RuntimeError(
            f"unknown device type for autocast: {device_type!r}: expected one of "
            f"{', '.join(_DEVICES)}"
        )
    return kind


def _apply() -> None:
    """Let operations see the setting for the CPU."""
    on = _setting.enabled["cpu"]
    state.autocast = np.dtype(_setting.dtypes["cpu"].numpy) if on else None
    if not _setting.caching:
        state.autocast_cache = None
    elif state.autocast_cache is None and _setting.depth:
        state.autocast_cache = {}


# ---- the functions of torch's namespace ---------------------------------------------------------


def is_autocast_available(device_type: str) -> bool:
    """Whether torch has an autocast for this type of device."""
    if device_type not in _DEVICES and device_type not in _OTHERS:
        _device(device_type)
    return device_type in _DEVICES


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Whether autocast is on for this type of device."""
    return _setting.enabled[_device(device_type)]


def set_autocast_enabled(device_type: Any, enabled: bool | None = None) -> None:
    """Turn autocast on or off for a type of device."""
    if enabled is None:
        device_type, enabled = "cuda", device_type
    _setting.enabled[_device(device_type)] = bool(enabled)
    _apply()


def get_autocast_dtype(device_type: str) -> Any:
    """The type that autocast lowers to on this type of device."""
    return _setting.dtypes[_device(device_type)]


def set_autocast_dtype(device_type: str, dtype: Any) -> None:
    """Set the type that autocast lowers to on this type of device."""
    if not isinstance(dtype, dtypes.dtype):
        raise TypeError(f"set_autocast_dtype(): argument 'dtype' must be torch.dtype, not {dtype}")
    _setting.dtypes[_device(device_type)] = dtype
    _apply()


def is_autocast_cache_enabled() -> bool:
    """Whether a weight is converted once only."""
    return _setting.caching


def set_autocast_cache_enabled(enabled: bool) -> None:
    """Whether a weight is to be converted once only."""
    _setting.caching = bool(enabled)
    _apply()


def clear_autocast_cache() -> None:
    """Forget the converted weights."""
    if state.autocast_cache is not None:
        state.autocast_cache = {} if _setting.depth else None


def autocast_increment_nesting() -> int:
    """Count one more block that has been entered."""
    _setting.depth += 1
    return _setting.depth


def autocast_decrement_nesting() -> int:
    """Count one block less."""
    _setting.depth -= 1
    return _setting.depth


def older(device: str, old: str, new: str) -> None:
    """Tell that a name of `torch.cpu.amp` or `torch.cuda.amp` is one of old."""
    warn(
        f"`torch.{device}.amp.{old}(args...)` is deprecated. Please use `torch.amp.{new}` instead.",
        FutureWarning,
    )


def _deprecated(old: str, new: str) -> None:
    warn(f"torch.{old} is deprecated. Please use torch.{new} instead.", DeprecationWarning)


def is_autocast_cpu_enabled() -> bool:
    """`is_autocast_enabled("cpu")`."""
    _deprecated("is_autocast_cpu_enabled()", "is_autocast_enabled('cpu')")
    return is_autocast_enabled("cpu")


def set_autocast_cpu_enabled(enabled: bool) -> None:
    """`set_autocast_enabled("cpu", enabled)`."""
    _deprecated("set_autocast_cpu_enabled(enabled)", "set_autocast_enabled('cpu', enabled)")
    set_autocast_enabled("cpu", enabled)


def get_autocast_cpu_dtype() -> Any:
    """`get_autocast_dtype("cpu")`."""
    _deprecated("get_autocast_cpu_dtype()", "get_autocast_dtype('cpu')")
    return get_autocast_dtype("cpu")


def set_autocast_cpu_dtype(dtype: Any) -> None:
    """`set_autocast_dtype("cpu", dtype)`."""
    _deprecated("set_autocast_cpu_dtype(dtype)", "set_autocast_dtype('cpu', dtype)")
    set_autocast_dtype("cpu", dtype)


def get_autocast_gpu_dtype() -> Any:
    """`get_autocast_dtype("cuda")`."""
    _deprecated("get_autocast_gpu_dtype()", "get_autocast_dtype('cuda')")
    return get_autocast_dtype("cuda")


def set_autocast_gpu_dtype(dtype: Any) -> None:
    """`set_autocast_dtype("cuda", dtype)`."""
    _deprecated("set_autocast_gpu_dtype(dtype)", "set_autocast_dtype('cuda', dtype)")
    set_autocast_dtype("cuda", dtype)


# ---- the context manager ------------------------------------------------------------------------


class autocast:
    """In the block, or the decorated function, products are computed in dtype.

    On the CPU: matrix products, convolutions and attention lower their floating arguments to dtype,
    losses and decompositions raise them to float32, everything else computes in what it is given.

    >>> import rushlight as torch
    >>> with torch.autocast("cpu"):
    ...     (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
    torch.bfloat16
    """

    def __init__(
        self,
        device_type: str,
        dtype: Any = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(
                f"Expected `device_type` of type `str`, got: `{type(device_type)}`: write "
                'autocast("cpu")'
            )
        self.fast_dtype = get_autocast_dtype(device_type) if dtype is None else dtype
        self.device = _device(device_type)
        self._cache_enabled = _setting.caching if cache_enabled is None else cache_enabled
        self._enabled = enabled and self._usable()

    def _usable(self) -> bool:
        """Whether there is such a device, and it lowers to this type; else a warning says so."""
        name, dtype = self.device.upper(), self.fast_dtype
        if self.device == "cuda":
            words = "CUDA is not available or torch_xla is imported. Disabling autocast."
        elif dtype not in (dtypes.bfloat16, dtypes.float16):
            words = (
                f"In {name} autocast, but the target dtype is not supported. Disabling autocast.\n"
                f"{name} Autocast only supports dtypes of torch.bfloat16, torch.float16 currently."
            )
        else:
            return True
        warn(words)
        return False

    def __enter__(self) -> autocast:
        self._before = (
            _setting.enabled[self.device], _setting.dtypes[self.device], _setting.caching
        )  # fmt: skip
        self._set(self._enabled, self.fast_dtype, self._cache_enabled, 1)
        return self

    def __exit__(self, *exception: Any) -> Literal[False]:
        if _setting.depth == 1:
            state.autocast_cache = None
        self._set(*self._before, -1)
        return False

    def _set(self, enabled: bool, dtype: Any, caching: bool, deeper: int) -> None:
        _setting.depth += deeper
        _setting.enabled[self.device], _setting.dtypes[self.device] = enabled, dtype
        _setting.caching = caching
        _apply()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, which runs under autocast."""
        if not callable(function):
            raise TypeError(
                f"autocast()(func) requires a callable, but got {type(function).__name__}. Did you "
                "mean to use autocast as a context manager? For example:\n"
                "    with torch.autocast(device_type=...):\n        output = model(input)"
            )

        @functools.wraps(function)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return decorated


# ---- a user's own functions ---------------------------------------------------------------------


def _cast(value: Any, device_type: str, dtype: Any) -> Any:
    """Floating tensors in dtype, also those within containers; float64 stays."""
    if isinstance(value, Tensor):
        floats = value.is_floating_point() and value.dtype is not dtypes.float64
        return value.to(dtype) if floats and device_type == "cpu" else value
    if isinstance(value, (str, bytes, np.ndarray)):
        return value
    if isinstance(value, collections.abc.Mapping):
        return {
            _cast(k, device_type, dtype): _cast(v, device_type, dtype) for k, v in value.items()
        }
    if isinstance(value, collections.abc.Iterable):
        items = (_cast(v, device_type, dtype) for v in value)
        return type(value)(items) if isinstance(value, (list, tuple)) else items
    return value


def _check_device(device_type: Any) -> None:
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")


def custom_fwd(
    fwd: Callable[..., Any] | None = None, *, device_type: str, cast_inputs: Any = None
) -> Callable[..., Any]:
    """Decorate the forward of a Function: with cast_inputs it runs in that type, outside autocast.

    `custom_bwd` then runs its backward as the forward was run.
    """
    _check_device(device_type)
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)
    forward = fwd

    @functools.wraps(forward)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        args[0]._dtype = get_autocast_dtype(device_type)
        on = is_autocast_enabled(device_type)
        args[0]._fwd_used_autocast = on and cast_inputs is None
        if cast_inputs is None or not on:
            return forward(*args, **kwargs)
        with autocast(device_type, enabled=False):
            return forward(
                *_cast(args, device_type, cast_inputs), **_cast(kwargs, device_type, cast_inputs)
            )

    return decorated


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str) -> Callable[..., Any]:
    """Decorate the backward of a Function whose forward has `custom_fwd`."""
    _check_device(device_type)
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)
    backward = bwd

    @functools.wraps(backward)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        context = args[0]
        with autocast(device_type, context._dtype, context._fwd_used_autocast):
            return backward(*args, **kwargs)

    return decorated


# ---- the same in graphs --------------------------------------------------------------------------


def _enter_autocast(*vals: Any) -> Any:
    """A block of `autocast(*vals)` begins; what it gives ends it."""
    mode = autocast(*vals)
    mode.__enter__()
    return mode


def _exit_autocast(mode: Any) -> None:
    """A block ends that `_enter_autocast` began."""
    mode.__exit__(None, None, None)
