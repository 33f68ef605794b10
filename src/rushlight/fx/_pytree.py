"""The arguments of a function with containers among them, taken apart as its graph wants them."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any

from rushlight.utils._pytree import PyTree, TreeSpec, tree_flatten

FlattenFuncSpec = Callable[[PyTree, TreeSpec], list[Any]]
FlattenFuncExactMatchSpec = Callable[[PyTree, TreeSpec], bool]

SUPPORTED_NODES: dict[Any, FlattenFuncSpec] = {}
SUPPORTED_NODES_EXACT_MATCH: dict[Any, FlattenFuncExactMatchSpec | None] = {}


def register_pytree_flatten_spec(
    cls: type[Any],
    flatten_fn_spec: FlattenFuncSpec,
    flatten_fn_exact_match_spec: FlattenFuncExactMatchSpec | None = None,
) -> None:
    """Say how containers of a class are taken apart where a graph expects one."""
    SUPPORTED_NODES[cls] = flatten_fn_spec
    SUPPORTED_NODES_EXACT_MATCH[cls] = flatten_fn_exact_match_spec


def tree_flatten_spec(pytree: PyTree, spec: TreeSpec) -> list[Any]:
    """The leaves of a tree that has (at least) the shape of spec."""
    if spec.is_leaf():
        return [pytree]
    if spec.type in SUPPORTED_NODES:
        children = SUPPORTED_NODES[spec.type](pytree, spec)
        pairs = zip(children, spec.children_specs, strict=False)
        return [leaf for child, below in pairs for leaf in tree_flatten_spec(child, below)]
    leaves, real = tree_flatten(pytree)
    if spec != real:
        raise RuntimeError(
            f"Real spec {real} of object {pytree} is different from expected spec {spec}."
        )
    return leaves


def _items(tree: Any, spec: TreeSpec) -> list[Any]:
    return [tree[i] for i in range(len(spec.children_specs))]


def _same_length(tree: Any, spec: TreeSpec) -> bool:
    return len(tree) == len(spec.children_specs)


register_pytree_flatten_spec(dict, lambda d, spec: [d[k] for k in spec.context], _same_length)
for _kind in (list, tuple):
    register_pytree_flatten_spec(_kind, _items, _same_length)
register_pytree_flatten_spec(namedtuple, _items)  # type: ignore[arg-type]
