"""`torch.utils._pytree`: functions on nested containers, which programs import for "whatever the model returns"."""

from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterable
from typing import Any

from rushlight.utils.treekeys import (
    GetAttrKey,
    KeyEntry,
    KeyPath,
    MappingKey,
    SequenceKey,
    key_get,
    keystr,
)
from rushlight.utils.trees import (
    BUILTIN_TYPES,
    SUPPORTED_NODES,
    Context,
    DumpableContext,
    FlattenFn,
    FlattenFunc,
    FlattenWithKeysFn,
    FlattenWithKeysFunc,
    FromDumpableContextFn,
    LeafSpec,
    MaybeFromStrFunc,
    NodeDef,
    PyTree,
    PyTreeSpec,
    ToDumpableContextFn,
    ToStrFunc,
    TreeSpec,
    UnflattenFn,
    UnflattenFunc,
    arg_tree_leaves,
    is_namedtuple,
    is_namedtuple_class,
    is_namedtuple_instance,
    is_structseq,
    is_structseq_class,
    is_structseq_instance,
    map_only,
    register_constant,
    register_dataclass,
    register_pytree_node,
    tree_all,
    tree_all_only,
    tree_any,
    tree_any_only,
    tree_flatten,
    tree_flatten_with_path,
    tree_is_leaf,
    tree_iter,
    tree_leaves,
    tree_leaves_with_path,
    tree_map,
    tree_map_,
    tree_map_only,
    tree_map_only_,
    tree_map_with_path,
    tree_structure,
    tree_unflatten,
    treespec_leaf,
)
from rushlight.utils.trees import (
    _broadcast_to_and_flatten as _broadcast_to_and_flatten,
)
from rushlight.utils.trees import (
    _deregister_pytree_node as _deregister_pytree_node,
)
from rushlight.utils.trees import (
    _get_node_type as _get_node_type,
)
from rushlight.utils.trees import (
    _register_pytree_node as _register_pytree_node,
)
from rushlight.utils.treetext import treespec_dumps, treespec_loads, treespec_pprint

__all__ = [
    "BUILTIN_TYPES",
    "SUPPORTED_NODES",
    "Context",
    "DumpableContext",
    "FlattenFn",
    "FlattenFunc",
    "FlattenWithKeysFn",
    "FlattenWithKeysFunc",
    "FromDumpableContextFn",
    "GetAttrKey",
    "KeyEntry",
    "KeyPath",
    "LeafSpec",
    "MappingKey",
    "MaybeFromStrFunc",
    "NodeDef",
    "PyTree",
    "PyTreeSpec",
    "SequenceKey",
    "ToDumpableContextFn",
    "ToStrFunc",
    "TreeSpec",
    "UnflattenFn",
    "UnflattenFunc",
    "_namedtuple_flatten",
    "_namedtuple_unflatten",
    "arg_tree_leaves",
    "is_namedtuple",
    "is_namedtuple_class",
    "is_namedtuple_instance",
    "is_structseq",
    "is_structseq_class",
    "is_structseq_instance",
    "key_get",
    "keystr",
    "map_only",
    "register_constant",
    "register_dataclass",
    "register_pytree_node",
    "tree_all",
    "tree_all_only",
    "tree_any",
    "tree_any_only",
    "tree_flatten",
    "tree_flatten_with_path",
    "tree_is_leaf",
    "tree_iter",
    "tree_leaves",
    "tree_leaves_with_path",
    "tree_map",
    "tree_map_",
    "tree_map_only",
    "tree_map_only_",
    "tree_map_with_path",
    "tree_structure",
    "tree_unflatten",
    "treespec_dumps",
    "treespec_leaf",
    "treespec_loads",
    "treespec_pprint",
]

# What takes the containers of Python apart and puts them together, by torch's names.
_tuple_flatten, _tuple_unflatten, _tuple_flatten_with_keys = SUPPORTED_NODES[tuple][1:4]
_list_flatten, _list_unflatten, _list_flatten_with_keys = SUPPORTED_NODES[list][1:4]
_dict_flatten, _dict_unflatten, _dict_flatten_with_keys = SUPPORTED_NODES[dict][1:4]
_ordereddict_flatten, _ordereddict_unflatten, _ordereddict_flatten_with_keys = SUPPORTED_NODES[
    OrderedDict
][1:4]
_defaultdict_flatten, _defaultdict_unflatten, _defaultdict_flatten_with_keys = SUPPORTED_NODES[
    defaultdict
][1:4]
_deque_flatten, _deque_unflatten, _deque_flatten_with_keys = SUPPORTED_NODES[deque][1:4]


def _namedtuple_flatten(d: Any) -> tuple[list[Any], Any]:
    """What is in a named tuple, and its class."""
    return list(d), type(d)


def _namedtuple_unflatten(values: Iterable[Any], context: Any) -> Any:
    """The named tuple of this class."""
    return context(*values)
