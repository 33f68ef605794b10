"""A step of an optimizer as a function of lists: parameters, gradients and state, by the rule of the class."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from rushlight._tensor import Tensor
from rushlight.autograd.state import no_grad

# What the functions take one by one and the classes as pairs.
_PAIRS = {"betas": ("beta1", "beta2"), "etas": ("etaminus", "etaplus")}
_PAIRS["step_sizes"] = ("step_size_min", "step_size_max")
# What concerns kernels of other devices.
_ASIDE = ("has_complex", "has_sparse_grad", "grad_scale", "found_inf")


def on_lists(kind: Any, state: str, options: str) -> Callable[..., None]:
    """The function for a class: its lists of state after those of gradients, then `options`, as torch orders them.

    >>> import rushlight as torch
    >>> from rushlight.optim.sgd import sgd
    >>> w, g = torch.ones(2), torch.ones(2)
    >>> rest = {"momentum": 0, "dampening": 0, "weight_decay": 0, "nesterov": False, "maximize": False}
    >>> sgd([w], [g], [None], lr=0.5, **rest); w
    tensor([0.5000, 0.5000])
    """
    keys, order = state.split(), options.split()
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(kind.__init__).parameters.items()
        if parameter.default is not parameter.empty
    }

    if "decoupled_weight_decay" not in defaults:
        # AdamW is told by its class alone.
        defaults["decoupled_weight_decay"] = kind.__name__ == "AdamW"

    def step(params: list[Tensor], grads: list[Any], *lists: Any, **given: Any) -> None:
        given = dict(zip(order, lists[len(keys) :], strict=False)) | given
        group = {**defaults, **{k: v for k, v in given.items() if k not in _ASIDE}}
        for pair, (first, second) in _PAIRS.items():
            if first in group:
                group[pair] = group.pop(first), group.pop(second)
        optimizer = object.__new__(kind)
        optimizer.defaults = group
        with nullcontext() if group.get("differentiable") else no_grad():
            for i, p in enumerate(params):
                held = {key: values[i] for key, values in zip(keys, lists, strict=False) if values}
                optimizer.state = {p: held}
                own, p._grad = p._grad, grads[i]
                try:
                    optimizer._update_group({**group, "params": [p]})
                finally:
                    p._grad = own
                for key, values in zip(keys, lists, strict=False):
                    if values:
                        values[i] = held[key]

    step.__name__ = step.__qualname__ = kind.__name__.lower()
    step.__doc__ = f"One step of `{kind.__name__}` on lists of parameters, gradients and state."
    return step
