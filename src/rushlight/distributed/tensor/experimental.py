"""Attention over several processes: refused; plain tensors as whole ones: a block; functions of the parts."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from rushlight.absent import refused
from rushlight.distributed.tensor.dispatch import implicit_replication
from rushlight.distributed.tensor.dtensor import DTensor
from rushlight.distributed.tensor.placement_types import Replicate
from rushlight.utils._pytree import tree_flatten, tree_unflatten

__all__ = ["context_parallel", "implicit_replication", "local_map", "register_sharding"]

context_parallel = refused(
    "context_parallel", "sequences are not cut between processes; leave it away", __name__
)
register_sharding = refused(
    "register_sharding", "redistribute what the operator is called with", __name__
)


def local_map(
    func: Callable[..., Any] | None = None,
    out_placements: Any = None,
    in_placements: Any = None,
    in_grad_placements: Any = None,
    device_mesh: Any = None,
    *,
    redistribute_inputs: bool = False,
) -> Any:
    """The function, called with the parts that are here; its results are parts of DTensors, as out_placements says.

    out_placements: placements for all results, or a tuple of such. in_placements: how each argument must lie
    (None for what is no DTensor); what lies otherwise is a ValueError, or moved with redistribute_inputs.
    """
    if func is None:
        return functools.partial(
            local_map, out_placements=out_placements, in_placements=in_placements,
            in_grad_placements=in_grad_placements, device_mesh=device_mesh, redistribute_inputs=redistribute_inputs,
        )  # fmt: skip

    @functools.wraps(func)
    def called(*args: Any, **kwargs: Any) -> Any:
        values, form = tree_flatten(args)
        if in_placements is not None and len(in_placements) != len(values):
            raise AssertionError(
                f"in_placements length {len(in_placements)} does not match the number of input args {len(values)}!"
            )
        mesh, parts = device_mesh, []
        for place, value in enumerate(values):
            if isinstance(value, DTensor):
                mesh = value.device_mesh if mesh is None else mesh
                if in_placements is not None:
                    value = _as_wanted(value, in_placements[place], mesh, redistribute_inputs)
                gradients = in_grad_placements and in_grad_placements[place]
                value = value.to_local(grad_placements=gradients)
            parts.append(value)
        result = func(*tree_unflatten(parts, form), **kwargs)
        if not any(isinstance(value, DTensor) for value in values):
            return result
        found, shape = tree_flatten(result)
        wanted = out_placements if isinstance(out_placements, tuple) else (out_placements,)
        if len(wanted) != len(found):
            raise AssertionError(
                "local_map requires one PlacementType be provided for each output value, "
                f"received {len(wanted)} out_placements but {len(found)} is expected!"
            )
        whole = [Replicate()] * mesh.ndim
        return tree_unflatten(
            [
                DTensor.from_local(part, mesh, lies or whole, run_check=False)
                for part, lies in zip(found, wanted, strict=True)
            ],
            shape,
        )

    return called


def _as_wanted(value: DTensor, wanted: Any, mesh: Any, move: bool) -> DTensor:
    if wanted is None:
        raise AssertionError(f"DTensor input {value} expects placements but received None!")
    if tuple(wanted) == tuple(value.placements):
        return value
    if not move:
        raise ValueError(
            f"arg {value} in local_map has a mismatched placements: it is {value.placements} and should be "
            f"{tuple(wanted)}; redistribute it, or give redistribute_inputs=True"
        )
    return value.redistribute(mesh, wanted)
