"""torch.nn.grad: the gradients of convolutions as functions of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rushlight._tensor import Tensor
from rushlight.autograd.api import grad
from rushlight.autograd.state import enable_grad, is_grad_enabled
from rushlight.nn import functional as F
from rushlight.ops.arguments import relabel

__all__ = [
    "conv1d_input",
    "conv1d_weight",
    "conv2d_input",
    "conv2d_weight",
    "conv3d_input",
    "conv3d_weight",
]


def _of_input(convolution: Callable[..., Tensor], dims: int) -> Callable[..., Tensor]:
    def gradient(
        input_size: Sequence[int],
        weight: Tensor,
        grad_output: Tensor,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:
        form = None, stride, padding, dilation, groups
        return _gradient(lambda x: convolution(x, weight, *form), input_size, grad_output)

    return _told(gradient, dims, "input", "weight")


def _of_weight(convolution: Callable[..., Tensor], dims: int) -> Callable[..., Tensor]:
    def gradient(
        input: Tensor,
        weight_size: Sequence[int],
        grad_output: Tensor,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:
        form = None, stride, padding, dilation, groups
        return _gradient(lambda w: convolution(input, w, *form), weight_size, grad_output)

    return _told(gradient, dims, "weight", "input")


def _told(gradient: Any, dims: int, of: str, other: str) -> Callable[..., Tensor]:
    """A function with its name and its words."""
    gradient.__name__ = gradient.__qualname__ = f"conv{dims}d_{of}"
    gradient.__doc__ = f"""The gradient of a {dims}d convolution with respect to its {of}, of shape {of}_size.

    {other} and grad_output as the convolution has them; the result can be differentiated with respect to both.
    """
    return gradient


def _gradient(call: Callable[[Tensor], Tensor], size: Sequence[int], grad_output: Tensor) -> Tensor:
    """The gradient of a linear function with respect to what it is given, of this size."""
    wanted = is_grad_enabled()
    given = grad_output.new_zeros(tuple(size)).requires_grad_()
    with enable_grad():
        out = call(given)
    found: Any = grad(out, given, grad_output, create_graph=wanted)
    return relabel(found[0], "ConvolutionBackwardBackward0")


conv1d_input, conv1d_weight = _of_input(F.conv1d, 1), _of_weight(F.conv1d, 1)
conv2d_input, conv2d_weight = _of_input(F.conv2d, 2), _of_weight(F.conv2d, 2)
conv3d_input, conv3d_weight = _of_input(F.conv3d, 3), _of_weight(F.conv3d, 3)
