"""The attributes of layers, at the nodes that call them."""

from __future__ import annotations

from typing import Any

from rushlight.fx.graph_module import GraphModule
from rushlight.fx.naming import module_of
from rushlight.nn import modules as layers

__all__ = ["default_matching", "extract_attrs_for_lowering", "lift_lowering_attrs_to_nodes"]


def default_matching(name: str, target_version: int) -> str:
    """The attribute has the same name in every version."""
    return name


_POOL = ["kernel_size", "stride", "padding", "dilation", "return_indices", "ceil_mode"]
_CONV = ["weight", "bias", "kernel_size", "stride", "padding", "dilation", "groups", "padding_mode"]
module_fetch_book: dict[type, tuple[int, list[str], Any]] = {
    layers.Linear: (1, ["weight", "bias"], default_matching),
    layers.Conv2d: (1, _CONV, default_matching),
    layers.BatchNorm2d: (
        2,
        ["weight", "bias", "running_mean", "running_var", "eps"],
        default_matching,
    ),
    layers.AdaptiveAvgPool2d: (1, [], default_matching),
    layers.MaxPool2d: (1, _POOL, default_matching),
    layers.ReLU: (1, ["inplace"], default_matching),
}


def extract_attrs_for_lowering(mod: Any) -> dict[str, Any]:
    """The attributes of a layer that `module_fetch_book` lists."""
    name = f"{module_of(type(mod))}.{type(mod).__name__}"
    if type(mod) not in module_fetch_book:
        raise RuntimeError(f"{name} is not in the module_fetch_book yet: add it there")
    _, names, matching = module_fetch_book[type(mod)]
    version = getattr(mod, "_version", 1)
    return {"name": name, **{attr: getattr(mod, matching(attr, version)) for attr in names}}


def lift_lowering_attrs_to_nodes(fx_module: GraphModule) -> None:
    """Note the attributes of every layer at the nodes that call it."""
    for node in fx_module.graph.nodes:
        if node.op == "call_module":
            module: Any = fx_module.get_submodule(node.target)
            if isinstance(module, GraphModule):
                lift_lowering_attrs_to_nodes(module)
            else:
                node.attrs_for_lowering = extract_attrs_for_lowering(module)
