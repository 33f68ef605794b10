"""The functions of networks that torch has in C++."""

from __future__ import annotations

from typing import Any

from rushlight._tensor import Tensor
from rushlight.device import device as Device
from rushlight.dtypes import dtype as Dtype
from rushlight.nn.functional import (
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    avg_pool2d,
    avg_pool3d,
    binary_cross_entropy,
    elu,
    elu_,
    gelu,
    glu,
    hardsigmoid,
    hardswish,
    hardtanh,
    hardtanh_,
    huber_loss,
    leaky_relu,
    leaky_relu_,
    linear,
    mish,
    mse_loss,
    one_hot,
    pad,
    relu6,
    scaled_dot_product_attention,
    silu,
    smooth_l1_loss,
    softplus,
    softshrink,
)
from rushlight.nn.functional import (
    logsigmoid as log_sigmoid,
)

__all__ = [
    "_parse_to", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "avg_pool2d", "avg_pool3d",
    "binary_cross_entropy", "elu", "elu_", "gelu", "glu", "hardsigmoid", "hardswish", "hardtanh", "hardtanh_",
    "huber_loss", "leaky_relu", "leaky_relu_", "linear", "log_sigmoid", "mish", "mse_loss", "one_hot", "pad",
    "relu6", "scaled_dot_product_attention", "silu", "smooth_l1_loss", "softplus", "softshrink",
]  # fmt: skip


def _parse_to(*args: Any, **kwargs: Any) -> tuple[Any, Any, bool, Any]:
    """(device, dtype, non_blocking, memory_format) of the arguments of `Tensor.to`.

    >>> _parse_to("cpu")
    (device(type='cpu'), None, False, None)
    """
    found = {
        "device": None,
        "dtype": None,
        "non_blocking": False,
        "copy": False,
        "memory_format": None,
    }
    places = ["device", "dtype", "non_blocking", "copy"]
    args_left = list(args)
    if args_left and isinstance(args_left[0], Tensor):
        other = args_left.pop(0)
        found |= {"device": other.device, "dtype": other.dtype}
        places = places[2:]
    elif args_left and isinstance(args_left[0], Dtype):
        places = places[1:]
    for name, value in zip(places, args_left, strict=False):
        found[name] = value
    for name, value in kwargs.items():
        if name not in found:
            raise TypeError(
                f"to() received an invalid combination of arguments: {name} is none of them"
            )
        found[name] = value
    where = found["device"]
    device = where if where is None or isinstance(where, Device) else Device(where)
    return device, found["dtype"], bool(found["non_blocking"]), found["memory_format"]
