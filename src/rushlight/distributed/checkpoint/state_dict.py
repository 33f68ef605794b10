"""State dicts of models and optimizers by the names of parameters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from rushlight._tensor import Tensor
from rushlight.distributed.collectives import broadcast
from rushlight.distributed.groups import get_rank, is_initialized
from rushlight.distributed.objects import broadcast_object_list
from rushlight.distributed.sharding import shard_of
from rushlight.distributed.tensor.dtensor import distribute_tensor
from rushlight.nn.modules.module import Module
from rushlight.ops.creation import empty, tensor
from rushlight.optim.optimizer import Optimizer
from rushlight.public.torch import zeros_like

FQNS_T: TypeAlias = set[str]
PrimitiveType: TypeAlias = Tensor | int | float | str
ValueType: TypeAlias = (
    PrimitiveType | list[PrimitiveType] | tuple[PrimitiveType, ...] | dict[str, "ValueType"]
)
DictValueType: TypeAlias = dict[str, ValueType]
ListDictValueType: TypeAlias = list[DictValueType]
OptimizerStateType: TypeAlias = dict[str, DictValueType | ListDictValueType]


@dataclass
class StateDictOptions:
    """What a state dict is to hold."""

    full_state_dict: bool = False
    cpu_offload: bool = False
    ignore_frozen_params: bool = False
    keep_submodule_prefixes: bool = True
    strict: bool = True
    broadcast_from_rank0: bool = False
    flatten_optimizer_state_dict: bool = False
    dsd_fqn_modifiers: str = "_fqn_modifiers"


def _bare(model: Module) -> Module:
    from rushlight.nn.parallel import DataParallel, DistributedDataParallel

    return model.module if isinstance(model, DataParallel | DistributedDataParallel) else model


def _names(model: Module) -> dict[Any, str]:
    return {parameter: name for name, parameter in _bare(model).named_parameters()}


def _optimizers(optimizers: Optimizer | Iterable[Optimizer]) -> list[Optimizer]:
    return [optimizers] if isinstance(optimizers, Optimizer) else list(optimizers)


def get_model_state_dict(
    model: Module, *, submodules: Any = None, options: StateDictOptions | None = None
) -> dict[str, Any]:
    """The state of the model, without what wrappers add to names."""
    options = options or StateDictOptions()
    bare = _bare(model)
    frozen = {n for n, p in bare.named_parameters() if not p.requires_grad}
    state = bare.state_dict()
    kept = {n: v for n, v in state.items() if not (options.ignore_frozen_params and n in frozen)}
    return cast(dict[str, Any], _as_asked(kept, options))


def set_model_state_dict(
    model: Module, model_state_dict: dict[str, Any], *, options: StateDictOptions | None = None
) -> Any:
    """Load a state into the model; a full one is shared out as the model's is, or comes from the first process."""
    options = options or StateDictOptions()
    bare = _bare(model)
    if options.full_state_dict or options.broadcast_from_rank0:
        own = bare.state_dict()
        given, names = model_state_dict, own if options.broadcast_from_rank0 else model_state_dict
        model_state_dict = {
            n: _shared_out(given.get(n), own[n], options) if n in own else given[n] for n in names
        }
    return bare.load_state_dict(model_state_dict, strict=options.strict)


def get_optimizer_state_dict(
    model: Module,
    optimizers: Optimizer | Iterable[Optimizer],
    *,
    submodules: Any = None,
    options: StateDictOptions | None = None,
) -> dict[str, Any]:
    """The state of optimizers, by the names of the parameters.

    >>> import rushlight as torch
    >>> model = torch.nn.Linear(1, 1)
    >>> get_optimizer_state_dict(model, torch.optim.SGD(model.parameters(), lr=1))["param_groups"][0]["params"]
    ['weight', 'bias']
    """
    names = _names(model)
    state: dict[str, Any] = {}
    groups: list[Any] = []
    for optimizer in _optimizers(optimizers):
        _begin(optimizer)
        own = optimizer.state_dict()
        named = [names[p] for group in optimizer.param_groups for p in group["params"]]
        state |= {named[int(i)]: values for i, values in own["state"].items()}
        groups += [{**g, "params": [named[i] for i in g["params"]]} for g in own["param_groups"]]
    result = _as_asked({"state": state, "param_groups": groups}, options or StateDictOptions())
    if not result:
        return {}
    return _flat(result) if options and options.flatten_optimizer_state_dict else result


def _begin(optimizer: Optimizer) -> None:
    """Let an optimizer that has made no step yet have its state, by a step that changes nothing."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    if optimizer.state or any(p.grad is not None for p in parameters):
        return
    for parameter in parameters:
        if parameter.requires_grad:
            parameter.grad = zeros_like(parameter)
    rates = [group["lr"] for group in optimizer.param_groups]
    for group in optimizer.param_groups:
        group["lr"] = tensor(0.0) if isinstance(group["lr"], Tensor) else 0.0
    optimizer.step(closure=None)
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate
    optimizer.zero_grad(set_to_none=True)


def _as_asked(value: Any, options: StateDictOptions) -> Any:
    """With full_state_dict what is whole; with cpu_offload as well, only on the first process."""
    if not options.full_state_dict:
        return value
    kept = not options.cpu_offload or not is_initialized() or get_rank() == 0
    return _whole(value, kept)


def _whole(value: Any, kept: bool) -> Any:
    if isinstance(value, dict):
        found = {key: _whole(v, kept) for key, v in value.items()}
        return found if kept else {}
    if isinstance(value, list | tuple):
        return type(value)(_whole(v, kept) for v in value)
    return value if shard_of(value) is None else value.full_tensor()


def _shared_out(value: Any, like: Any, options: StateDictOptions) -> Any:
    """A whole value of a full state, as the value that it is to replace lies."""
    if not isinstance(like, Tensor):
        return like if value is None else value
    first = options.broadcast_from_rank0
    if shard_of(like) is not None:
        spec = cast(Any, like)._spec
        if value is None:
            value = empty(tuple(like.shape), dtype=like.dtype)
        return distribute_tensor(
            value, spec.mesh, spec.placements, src_data_rank=0 if first else None
        )
    if first and is_initialized():
        value = like.clone() if value is None else value.clone()
        broadcast(value, 0)
    return value


def _flat(state_dict: dict[str, Any]) -> dict[str, Any]:
    flat = {
        f"state.{name}.{key}": value
        for name, values in state_dict["state"].items()
        for key, value in values.items()
    }
    for group in state_dict["param_groups"]:
        options = {k: v for k, v in group.items() if k != "params"}
        flat |= {f"param_groups.{n}.{k}": v for n in group["params"] for k, v in options.items()}
    return flat


def set_optimizer_state_dict(
    model: Module,
    optimizers: Optimizer | Iterable[Optimizer],
    optim_state_dict: dict[str, Any],
    *,
    options: StateDictOptions | None = None,
) -> None:
    """Load a state by the names of parameters into optimizers."""
    names, options = _names(model), options or StateDictOptions()
    if options.broadcast_from_rank0:
        told = [optim_state_dict if get_rank() == 0 else None]
        broadcast_object_list(told, 0)
        optim_state_dict = cast(dict[str, Any], told[0])
    for optimizer in _optimizers(optimizers):
        _begin(optimizer)
        named = [names[p] for group in optimizer.param_groups for p in group["params"]]
        own = optimizer.state_dict()
        if "state" in optim_state_dict:
            state = {
                i: optim_state_dict["state"][n]
                for i, n in enumerate(named)
                if n in optim_state_dict["state"]
            }
            by_name = {n: g for g in optim_state_dict["param_groups"] for n in g["params"]}
            groups = [
                {**(by_name[named[g["params"][0]]] if g["params"] else g), "params": g["params"]}
                for g in own["param_groups"]
            ]
        else:
            state = {i: _below(optim_state_dict, f"state.{n}.") for i, n in enumerate(named)}
            groups = [
                {k: optim_state_dict.get(f"param_groups.{named[g['params'][0]]}.{k}", v) if k != "params" else v
                 for k, v in g.items()}
                for g in own["param_groups"]
            ]  # fmt: skip
        if options.full_state_dict or options.broadcast_from_rank0:
            here = StateDictOptions(full_state_dict=True)
            state = {
                i: {
                    key: _shared_out(value, own["state"].get(i, {}).get(key, value), here)
                    for key, value in values.items()
                }
                for i, values in state.items()
            }
        optimizer.load_state_dict({"state": state, "param_groups": groups})


def _below(flat: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {k.removeprefix(prefix): v for k, v in flat.items() if k.startswith(prefix)}


def get_state_dict(
    model: Module,
    optimizers: Optimizer | Iterable[Optimizer],
    *,
    submodules: Any = None,
    options: StateDictOptions | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The state of the model and of its optimizers."""
    return (
        get_model_state_dict(model, options=options),
        get_optimizer_state_dict(model, optimizers, options=options),
    )


def set_state_dict(
    model: Module,
    optimizers: Optimizer | Iterable[Optimizer],
    *,
    model_state_dict: dict[str, Any],
    optim_state_dict: dict[str, Any],
    options: StateDictOptions | None = None,
) -> Any:
    """Load the state of the model and of its optimizers."""
    set_optimizer_state_dict(model, optimizers, optim_state_dict, options=options)
    return set_model_state_dict(model, model_state_dict, options=options)
