"""Parameters become their mean over processes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rushlight._tensor import Tensor
from rushlight.autograd.state import no_grad
from rushlight.distributed.collectives import all_reduce
from rushlight.distributed.groups import _outside, _resolve
from rushlight.ops.joining import cat

__all__ = [
    "average_parameters",
    "average_parameters_or_parameter_groups",
    "get_params_to_average",
]


def average_parameters(params: Iterable[Tensor], process_group: Any) -> None:
    """Let parameters be their means, in one all-reduce."""
    if _outside(process_group, "average_parameters"):
        return
    group, listed = _resolve(process_group), list(params)
    if not listed:
        return
    with no_grad():
        flat = cat([parameter.detach().reshape(-1) for parameter in listed]).div_(group.size())
        all_reduce(flat, group=group)
        sizes = [parameter.numel() for parameter in listed]
        for parameter, mean in zip(listed, flat.split(sizes), strict=True):
            parameter.detach().copy_(mean.view(parameter.shape))


def get_params_to_average(params: Iterable[Any]) -> list[Tensor]:
    """Of parameters, or an optimizer's groups of them, those that have a gradient."""
    listed: list[Tensor] = []
    for each in params:
        if not isinstance(each, Tensor | dict):
            raise NotImplementedError(f"Parameter input of type {type(each)} is not supported")
        listed += each["params"] if isinstance(each, dict) else [each]
    return [parameter for parameter in listed if parameter.grad is not None]


def average_parameters_or_parameter_groups(params: Iterable[Any], process_group: Any) -> None:
    """`average_parameters` of those that have a gradient."""
    average_parameters(get_params_to_average(params), process_group)
