"""Gradients of each example of a batch, left in `grad_sample` of the parameters."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from rushlight._tensor import Tensor
from rushlight.autograd.function import Function
from rushlight.nn.modules.module import Module


class _Sampled(Function):
    """A parameter once for each example: what comes back for them is kept beside it, and goes no further."""

    @staticmethod
    def forward(ctx: Any, parameter: Any, size: int, scale: int) -> Tensor:
        ctx.parameter, ctx.scale = parameter, scale
        return parameter.detach().expand(size, *parameter.shape).clone()

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        sample = grad * ctx.scale
        held = getattr(ctx.parameter, "grad_sample", None)
        ctx.parameter.grad_sample = sample if held is None else held + sample
        return None, None, None


def call_for_per_sample_grads(
    module: Module,
    *,
    batch_size: int | None = None,
    loss_reduction: str = "sum",
    batch_first: bool = True,
) -> Callable[..., Any]:
    """The module's forward; backward puts the gradient of each example into `grad_sample` of its parameters.

    loss_reduction: "sum", or "mean" where the loss is the mean over the examples.

    >>> import rushlight as torch
    >>> layer = torch.nn.Linear(4, 3)
    >>> call_for_per_sample_grads(layer)(torch.ones(5, 4)).sum().backward()
    >>> layer.weight.grad_sample.shape, layer.weight.grad
    (torch.Size([5, 3, 4]), None)
    """
    from rushlight.func import functional_call, vmap
    from rushlight.utils._pytree import arg_tree_leaves, tree_map, tree_map_only

    if loss_reduction not in ("sum", "mean"):
        raise RuntimeError(
            f"Expected loss_reduction argument to be sum or mean, got {loss_reduction}"
        )
    if not isinstance(module, Module):
        raise RuntimeError(f"Module passed must be nn.Module, got {type(module).__name__}")
    if not (batch_size is None or isinstance(batch_size, int)):
        raise RuntimeError(
            f"Batch size passed must be None or an integer, got {type(batch_size).__name__}"
        )
    if batch_size is not None and batch_size < 1:
        raise RuntimeError(f"Batch size must be positive, got {batch_size}")
    for weight in module.parameters():
        if getattr(weight, "grad_sample", None) is not None:
            raise RuntimeError(
                "gradients of examples would be added to those that are there: set grad_sample of the "
                "parameters to None first"
            )
    along = 0 if batch_first else 1

    @functools.wraps(module.forward)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        sizes = {t.shape[along] for t in arg_tree_leaves(*args, **kwargs) if isinstance(t, Tensor)}
        if batch_size is None and len(sizes) != 1:
            raise RuntimeError(
                f"the batch sizes of the arguments are {sorted(sizes)}: specify it with batch_size="
            )
        size = next(iter(sizes)) if batch_size is None else batch_size
        scale = size if loss_reduction == "mean" else 1
        own = dict(module.named_parameters())
        given = {n: _Sampled.apply(p, size, scale) for n, p in own.items() if p.requires_grad}
        dims = tree_map(lambda t: along if isinstance(t, Tensor) else None, (args, kwargs))

        def one(weights: Any, inputs: Any) -> Any:
            # An example is a batch of one: layers see as many dimensions as they do without.
            args, kwargs = tree_map_only(Tensor, lambda t: t.unsqueeze(along), inputs)
            out = functional_call(module, weights, args, kwargs)
            return tree_map_only(Tensor, lambda t: t.squeeze(along), out)

        mapped = vmap(one, (dict.fromkeys(given, 0), dims), along, randomness="different")
        return mapped(given, (args, kwargs))

    return wrapper
