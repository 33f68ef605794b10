"""Modules as functions: called with other parameters, or with those of many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rushlight.core.tensor import TensorBase
from rushlight.nn.modules.batchnorm import _BatchNorm
from rushlight.nn.modules.module import Module
from rushlight.nn.utils import stateless
from rushlight.ops.joining import stack


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Any,
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """module(*args, **kwargs) with the tensors of a dictionary, or of several, in the place of its own.

    >>> import rushlight as torch
    >>> layer = torch.nn.Linear(2, 1)
    >>> new = {"weight": torch.ones(1, 2), "bias": torch.zeros(1)}
    >>> torch.func.functional_call(layer, new, torch.tensor([1.0, 2.0]))
    tensor([3.])
    """
    given = parameter_and_buffer_dicts
    if isinstance(given, Mapping):
        merged = dict(given)
    elif isinstance(given, Sequence):
        if not all(isinstance(part, Mapping) for part in given):
            raise ValueError(
                "Expected all elements of parameter_and_buffer_dicts to be dictionaries"
            )
        names = [name for part in given for name in part]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(
                f"{twice} appeared in multiple dictionaries; behavior of functional call is ambiguous"
            )
        merged = {name: value for part in given for name, value in part.items()}
    else:
        raise ValueError(
            "Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got "
            f"{type(given)}"
        )
    return stateless.called(module, merged, args, kwargs, tie_weights, strict)


def stack_module_state(models: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters and the buffers of modules of one kind, stacked: what vmap runs them all with.

    >>> import rushlight as torch
    >>> parameters, _ = torch.func.stack_module_state([torch.nn.Linear(2, 3) for _ in range(4)])
    >>> parameters["weight"].shape
    torch.Size([4, 3, 2])
    """
    listed = list(models)
    if not listed:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if any(model.training is not listed[0].training for model in listed):
        raise RuntimeError(
            "stack_module_state: Expected all models to have the same training/eval mode."
        )
    if any(type(model) is not type(listed[0]) for model in listed):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    parameters = _stacked([dict(model.named_parameters()) for model in listed], "parameters")
    buffers = _stacked([dict(model.named_buffers()) for model in listed], "buffers")
    return parameters, buffers


def _stacked(states: list[dict[str, Any]], what: str) -> dict[str, Any]:
    """Leaves of their own, which want a gradient as the tensors that they are made of do."""
    found = {}
    for name in states[0]:
        tensors: list[TensorBase] = [state[name] for state in states]
        flags = {t._requires_grad_ for t in tensors}
        if len(flags) > 1:
            raise RuntimeError(
                f"Expected {what} {name} from each model to have the same .requires_grad"
            )
        found[name] = stack(tensors).detach().requires_grad_(flags.pop())  # type: ignore[arg-type]
    return found


def replace_all_batch_norm_modules_(root: Module) -> Module:
    """Let every batch norm in root go without running statistics, which vmap cannot write.

    >>> import rushlight as torch
    >>> net = torch.nn.Sequential(torch.nn.BatchNorm1d(3))
    >>> torch.func.replace_all_batch_norm_modules_(net)[0].running_mean is None
    True
    """
    for module in root.modules():
        if isinstance(module, _BatchNorm):
            module.running_mean = None
            module.running_var = None
            module.num_batches_tracked = None
            module.track_running_stats = False
    return root
