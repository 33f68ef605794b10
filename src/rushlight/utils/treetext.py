"""Shapes of trees as text: JSON as torch writes it, and for readers."""

from __future__ import annotations

import json
from collections import namedtuple
from importlib import import_module
from typing import Any

from rushlight.utils import trees

# The version of the format that is written and read.
_PROTOCOL = 1


def _named_class(name: str) -> Any:
    module, _, cls = name.rpartition(".")
    return getattr(import_module(module), cls)


def _context_of(spec: Any) -> str:
    known = trees.SUPPORTED_NODES.get(spec.type)
    if known is None:
        return json.dumps(f"{spec.context.__module__}.{spec.context.__qualname__}")
    if known.to_dumpable_context is not None:
        return json.dumps(known.to_dumpable_context(spec.context))
    try:
        return json.dumps(spec.context)
    except TypeError:
        raise TypeError(
            "Unable to serialize context. Please make the context json dump-able, or register a custom "
            "serializer using register_pytree_node."
        ) from None


def _schema(spec: Any) -> dict[str, Any]:
    if spec.is_leaf():
        return {"type": None, "context": None, "children_spec": []}
    known = trees.SUPPORTED_NODES.get(spec.type)
    name = "collections.namedtuple" if known is None else known.serialized_type_name
    if name is None:
        raise NotImplementedError(
            f"No registered serialization name for {spec.type} found. Please update your "
            "register_pytree_node call with a `serialized_type_name` kwarg."
        )
    children = [_schema(child) for child in spec.children_specs]
    return {"type": name, "context": _context_of(spec), "children_spec": children}


def treespec_dumps(treespec: Any, protocol: int | None = None) -> str:
    """The shape of a tree as JSON.

    >>> treespec_dumps(trees.tree_structure([]))
    '[1, {"type": "builtins.list", "context": "null", "children_spec": []}]'
    """
    if not isinstance(treespec, trees.TreeSpec):
        raise TypeError(
            "treespec_dumps(treespec, protocol): Expected `treespec` to be instance of PyTreeSpec but "
            f"got item of type {type(treespec)}."
        )
    if protocol not in (None, _PROTOCOL):
        raise ValueError(f"Unknown protocol {protocol}. Available protocols: [{_PROTOCOL}]")
    return json.dumps((_PROTOCOL, _schema(treespec)))


def _from_schema(schema: dict[str, Any]) -> Any:
    if schema["type"] is None:
        return trees._LEAF
    children = [_from_schema(child) for child in schema["children_spec"]]
    if schema["type"] == "collections.namedtuple":
        return trees.TreeSpec(namedtuple, _named_class(json.loads(schema["context"])), children)
    for known in trees.SUPPORTED_NODES.values():
        if known.serialized_type_name == schema["type"]:
            context = json.loads(schema["context"])
            if known.from_dumpable_context is not None:
                context = known.from_dumpable_context(context)
            return trees.TreeSpec(known.type, context, children)
    raise NotImplementedError(f"Deserializing {schema['type']} in pytree is not registered.")


def treespec_loads(serialized: str) -> Any:
    """The shape of a tree that `treespec_dumps` wrote."""
    protocol, schema = json.loads(serialized)
    if protocol != _PROTOCOL:
        raise ValueError(f"Unknown protocol {protocol}. Available protocols: [{_PROTOCOL}]")
    return _from_schema(schema)


class _Star:
    def __repr__(self) -> str:
        return "*"


def treespec_pprint(treespec: Any) -> str:
    """The tree with a star for every leaf, as Python prints it."""
    return repr(treespec.unflatten([_Star()] * treespec.num_leaves))
