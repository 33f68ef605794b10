"""Batch norm over the batches of all processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight._tensor import Tensor
from rushlight.autograd.state import no_grad
from rushlight.distributed.groups import _resolve, is_initialized
from rushlight.distributed.nn.functional import all_reduce


def normalized(module: Any, input: Tensor, alone: Callable[[Tensor], Tensor]) -> Tensor:
    """What module, a SyncBatchNorm, makes of input; alone(input) where there is nobody to ask.

    The mean and then the mean square distance from it are sums over all elements of all processes, which may
    have batches of different sizes; the gradients go back through the same sums.
    """
    counts = module.training or module.running_mean is None
    if not counts or not is_initialized() or _resolve(module.process_group).size() == 1:
        return alone(input)
    module._check_input_dim(input)
    dims = [d for d in range(input.dim()) if d != 1]
    shape = [1, -1] + [1] * (input.dim() - 2)
    own = input.new_full((1,), input.numel() // input.shape[1])
    count = all_reduce(own, group=module.process_group)
    mean = all_reduce(input.sum(dims), group=module.process_group) / count
    apart = input - mean.view(shape)
    variance = all_reduce((apart * apart).sum(dims), group=module.process_group) / count
    _remember(module, mean.detach(), variance.detach() * (count / (count - 1)))
    result = apart * (variance + module.eps).rsqrt().view(shape)
    if module.weight is not None:
        result = result * module.weight.view(shape)
    return result if module.bias is None else result + module.bias.view(shape)


def _remember(module: Any, mean: Tensor, variance: Tensor) -> None:
    if not module.training or not module.track_running_stats:
        return
    with no_grad():
        module.num_batches_tracked += 1
        share = module.momentum
        if share is None:
            share = 1.0 / float(module.num_batches_tracked)
        module.running_mean.lerp_(mean.to(module.running_mean.dtype), share)
        module.running_var.lerp_(variance.to(module.running_var.dtype), share)
