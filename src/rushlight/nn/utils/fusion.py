"""A batch norm in evaluation is a scale and a shift: fold them into the layer before it."""

from __future__ import annotations

import copy
from typing import Any, TypeVar

from rushlight._tensor import Tensor
from rushlight.nn.modules.batchnorm import _BatchNorm
from rushlight.nn.modules.module import Module
from rushlight.nn.parameter import Parameter

__all__ = [
    "fuse_conv_bn_eval",
    "fuse_conv_bn_weights",
    "fuse_linear_bn_eval",
    "fuse_linear_bn_weights",
]

Layer = TypeVar("Layer", bound=Module)
Optional = Tensor | None


def _fused(
    weight: Tensor,
    bias: Optional,
    mean: Any,
    var: Any,
    eps: float,
    scale: Optional,
    shift: Optional,
    axis: int,
) -> tuple[Parameter, Parameter]:
    factor = (var + eps).rsqrt()
    if scale is not None:
        factor = factor * scale
    offset = -mean * factor if bias is None else (bias - mean) * factor
    if shift is not None:
        offset = offset + shift
    shape = [1] * weight.dim()
    shape[axis] = -1
    wanted = bool(weight.requires_grad)
    wanted_bias = bias is not None and bool(bias.requires_grad)
    fused = (weight * factor.reshape(shape)).to(weight.dtype)
    return Parameter(fused, wanted), Parameter(offset.to(weight.dtype), wanted_bias)


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Optional,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Optional,
    bn_b: Optional,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the one convolution that does what both layers did."""
    return _fused(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, int(transpose))


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Optional,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Optional,
    bn_b: Optional,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the one linear layer that does what both layers did."""
    return _fused(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, 0)


def _fold(layer: Layer, bn: _BatchNorm, axis: int) -> Layer:
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval! Call .eval() on both modules first.")
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("Fusion needs the running statistics of the batch norm")
    fused: Any = copy.deepcopy(layer)
    fused.weight, fused.bias = _fused(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, axis
    )
    return fused


def fuse_conv_bn_eval(conv: Layer, bn: _BatchNorm, transpose: bool = False) -> Layer:
    """One convolution in the place of a convolution and a batch norm, both in evaluation.

    >>> import rushlight as torch
    >>> conv, bn = torch.nn.Conv2d(1, 2, 3).eval(), torch.nn.BatchNorm2d(2).eval()
    >>> torch.nn.utils.fuse_conv_bn_eval(conv, bn)
    Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1))
    """
    return _fold(conv, bn, int(transpose))


def fuse_linear_bn_eval(linear: Layer, bn: _BatchNorm) -> Layer:
    """One linear layer in the place of a linear layer and a batch norm, both in evaluation."""
    return _fold(linear, bn, 0)
