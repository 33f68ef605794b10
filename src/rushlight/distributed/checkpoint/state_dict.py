"""State dicts of models and optimizers by the names of parameters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from rushlight._tensor import Tensor
from rushlight.nn.modules.module import Module
from rushlight.optim.optimizer import Optimizer

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
    return {n: v for n, v in state.items() if not (options.ignore_frozen_params and n in frozen)}


def set_model_state_dict(
    model: Module, model_state_dict: dict[str, Any], *, options: StateDictOptions | None = None
) -> Any:
    """Load a state into the model."""
    options = options or StateDictOptions()
    return _bare(model).load_state_dict(model_state_dict, strict=options.strict)


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
        own = optimizer.state_dict()
        named = [names[p] for group in optimizer.param_groups for p in group["params"]]
        state |= {named[int(i)]: values for i, values in own["state"].items()}
        groups += [{**g, "params": [named[i] for i in g["params"]]} for g in own["param_groups"]]
    result = {"state": state, "param_groups": groups}
    return _flat(result) if options and options.flatten_optimizer_state_dict else result


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
    names = _names(model)
    for optimizer in _optimizers(optimizers):
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
