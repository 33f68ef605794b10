"""Nested containers taken apart into leaves and put together again; torch's name for it is `_pytree`.

>>> leaves, spec = tree_flatten({"a": 1, "b": (2, [3, None])})
>>> leaves
[1, 2, 3, None]
>>> tree_unflatten([10, 20, 30, 40], spec)
{'a': 10, 'b': (20, [30, 40])}
"""

from __future__ import annotations

import dataclasses
import functools
import types
from collections import OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from rushlight.later import later
from rushlight.return_types import ReturnType
from rushlight.size import Size

if TYPE_CHECKING:
    from rushlight.utils import treekeys
    from rushlight.utils.treekeys import KeyPath
else:
    treekeys = later("rushlight.utils.treekeys")

PyTree = Any
Context = Any
DumpableContext = Any
IsLeaf = Callable[[Any], bool] | None
# Takes a container apart into its children and what else is needed; puts it together again.
FlattenFn = Callable[[Any], tuple[list[Any], Any]]
UnflattenFn = Callable[[Iterable[Any], Any], Any]
ToDumpableContextFn = Callable[[Any], Any]
FromDumpableContextFn = Callable[[Any], Any]
FlattenWithKeysFn = Callable[[Any], tuple[list[tuple[Any, Any]], Any]]
# Their older names.
FlattenFunc, UnflattenFunc, FlattenWithKeysFunc = FlattenFn, UnflattenFn, FlattenWithKeysFn
ToStrFunc = Callable[["TreeSpec", list[str]], str]
MaybeFromStrFunc = Callable[[str], Any]


class NodeDef(NamedTuple):
    """How containers of a type are taken apart and put together."""

    type: type[Any]
    flatten_fn: FlattenFn
    unflatten_fn: UnflattenFn
    # The children with their keys.
    flatten_with_keys_fn: FlattenWithKeysFn | None = None
    # The name of the type in files, and how a context comes into one and out again.
    serialized_type_name: str | None = None
    to_dumpable_context: ToDumpableContextFn | None = None
    from_dumpable_context: FromDumpableContextFn | None = None


SUPPORTED_NODES: dict[Any, NodeDef] = {}
BUILTIN_TYPES = frozenset({tuple, list, dict, OrderedDict, defaultdict, deque})


def register_pytree_node(
    cls: type[Any],
    flatten_fn: FlattenFn,
    unflatten_fn: UnflattenFn,
    *,
    serialized_type_name: str | None = None,
    to_dumpable_context: ToDumpableContextFn | None = None,
    from_dumpable_context: FromDumpableContextFn | None = None,
    flatten_with_keys_fn: FlattenWithKeysFn | None = None,
) -> None:
    """Make instances of cls containers: flatten_fn(x) gives (children, context).

    With a serialized_type_name, trees with them can be written by `treespec_dumps`; the other two say
    how, if the context is nothing that JSON knows. flatten_with_keys_fn gives (key, child) pairs.
    """
    if cls in SUPPORTED_NODES:
        raise ValueError(f"{cls} is already registered as pytree node.")
    if (to_dumpable_context is None) != (from_dumpable_context is None):
        raise ValueError(
            f"Both to_dumpable_context and from_dumpable_context for {cls} must be None or registered."
        )
    SUPPORTED_NODES[cls] = NodeDef(
        cls,
        flatten_fn,
        unflatten_fn,
        flatten_with_keys_fn,
        serialized_type_name,
        to_dumpable_context,
        from_dumpable_context,
    )


def _register_pytree_node(
    cls: type[Any], flatten_fn: FlattenFn, unflatten_fn: UnflattenFn, **options: Any
) -> None:
    """`register_pytree_node` by its older name."""
    if cls not in SUPPORTED_NODES:
        register_pytree_node(cls, flatten_fn, unflatten_fn, **options)


def _deregister_pytree_node(cls: type[Any]) -> None:
    """Make instances of cls leaves again."""
    del SUPPORTED_NODES[cls]


def register_dataclass(
    cls: type[Any],
    *,
    field_names: list[str] | None = None,
    drop_field_names: list[str] | None = None,
    serialized_type_name: str | None = None,
) -> None:
    """Make instances of a dataclass containers of the values of their fields; None is no value."""
    dropped = set(drop_field_names or ())
    names = field_names or [
        f.name for f in dataclasses.fields(cls) if f.init and f.name not in dropped
    ]

    def keyed(obj: Any) -> tuple[list[tuple[Any, Any]], Any]:
        given = [name for name in names if getattr(obj, name) is not None]
        missing = [name for name in names if name not in given]
        return [(treekeys.GetAttrKey(name), getattr(obj, name)) for name in given], [given, missing]

    def parts(obj: Any) -> tuple[list[Any], Any]:
        pairs, context = keyed(obj)
        return [child for _, child in pairs], context

    def made(children: Iterable[Any], context: Any) -> Any:
        given, missing = context
        return cls(**dict(zip(given, children, strict=True)), **dict.fromkeys(missing))

    register_pytree_node(
        cls,
        parts,
        made,
        serialized_type_name=serialized_type_name or f"{cls.__module__}.{cls.__qualname__}",
        flatten_with_keys_fn=keyed,
    )


def register_constant(cls: type[Any]) -> None:
    """Make instances of cls containers without children: they belong to the shape of a tree."""
    known: Any = cls
    if known.__eq__ is object.__eq__ or known.__hash__ is object.__hash__:
        raise TypeError(
            f"register_constant(cls) expects `cls` to have __eq__ and __hash__, not {cls}"
        )
    register_pytree_node(
        cls, lambda x: ([], x), lambda _, x: x, flatten_with_keys_fn=lambda x: ([], x)
    )


def _by_index(parts: FlattenFn) -> FlattenWithKeysFn:
    def keyed(tree: Any) -> tuple[list[tuple[Any, Any]], Any]:
        children, context = parts(tree)
        return [(treekeys.SequenceKey(i), child) for i, child in enumerate(children)], context

    return keyed


def _by_key(parts: FlattenFn) -> FlattenWithKeysFn:
    def keyed(tree: Any) -> tuple[list[tuple[Any, Any]], Any]:
        children, context = parts(tree)
        return list(zip(map(treekeys.MappingKey, tree), children, strict=True)), context

    return keyed


def _dict_parts(d: Any) -> tuple[list[Any], Any]:
    return list(d.values()), list(d)


def _default_parts(d: Any) -> tuple[list[Any], Any]:
    return list(d.values()), [d.default_factory, list(d)]


def _plain(t: Any) -> tuple[list[Any], Any]:
    return list(t), None


def _zipped(kind: Any, children: Iterable[Any], names: Any) -> Any:
    return kind(zip(names, children, strict=True))


_BUILTIN: list[tuple[type[Any], FlattenFn, UnflattenFn, bool]] = [
    (tuple, _plain, lambda parts, _: tuple(parts), False),
    (list, lambda x: (x, None), lambda parts, _: list(parts), False),
    (dict, _dict_parts, functools.partial(_zipped, dict), True),
    (OrderedDict, _dict_parts, functools.partial(_zipped, OrderedDict), True),
    (
        defaultdict,
        _default_parts,
        lambda parts, made: defaultdict(made[0], zip(made[1], parts, strict=True)),
        True,
    ),
    (deque, lambda d: (list(d), d.maxlen), lambda parts, longest: deque(parts, longest), False),
]
for _cls, _parts_of, _whole_of, _named in _BUILTIN:
    _name = _cls.__name__ if _cls.__module__ == "builtins" else f"{_cls.__module__}.{_cls.__name__}"
    register_pytree_node(
        _cls,
        _parts_of,
        _whole_of,
        serialized_type_name=f"builtins.{_name}" if _cls.__module__ == "builtins" else _name,
        flatten_with_keys_fn=_by_key(_parts_of) if _named else _by_index(_parts_of),
    )
register_pytree_node(
    Size, _plain, lambda parts, _: tuple(parts), serialized_type_name="torch.Size",
    flatten_with_keys_fn=_by_index(_plain),
)  # fmt: skip


# ---- classes of tuples with names ----------------------------------------------------------------


def is_namedtuple_class(cls: Any) -> bool:
    """Whether it is a class made by `namedtuple`, or a subclass of one."""
    return isinstance(cls, type) and issubclass(cls, tuple) and hasattr(cls, "_fields")


def is_namedtuple_instance(obj: Any) -> bool:
    """Whether it is a named tuple."""
    return is_namedtuple_class(type(obj)) and not isinstance(obj, ReturnType)


def is_namedtuple(obj: Any) -> bool:
    """Whether it is a named tuple or a class of them."""
    return is_namedtuple_class(obj) if isinstance(obj, type) else is_namedtuple_instance(obj)


def is_structseq_class(cls: Any) -> bool:
    """Whether it is the class of what an operation with several results returns, or a like one."""
    if not isinstance(cls, type) or not issubclass(cls, tuple):
        return False
    return issubclass(cls, ReturnType) or (hasattr(cls, "n_fields") and cls.__bases__ == (tuple,))


def is_structseq_instance(obj: Any) -> bool:
    """Whether it is the tuple that an operation with several results returns, or a like one."""
    return is_structseq_class(type(obj))


def is_structseq(obj: Any) -> bool:
    """Whether it is such a tuple or a class of them."""
    return is_structseq_class(obj if isinstance(obj, type) else type(obj))


_NAMED = NodeDef(tuple, _plain, lambda parts, kind: kind(*parts))


def _named_keys(tree: Any) -> tuple[list[tuple[Any, Any]], Any]:
    return [(treekeys.GetAttrKey(name), getattr(tree, name)) for name in tree._fields], type(tree)


# ---- the shape of a tree -------------------------------------------------------------------------


def _get_node_type(tree: Any) -> Any:
    """The type under which a container is known: that of all named tuples is `namedtuple`."""
    kind = type(tree)
    if kind not in SUPPORTED_NODES and is_namedtuple_instance(tree):
        return namedtuple
    return kind


def _parts(tree: Any, is_leaf: IsLeaf) -> tuple[Any, list[Any], Any] | None:
    """Kind, children and context of a container; None for a leaf."""
    if is_leaf is not None and is_leaf(tree):
        return None
    kind = type(tree)
    if isinstance(tree, ReturnType):
        return kind, list(tree), None
    if kind in SUPPORTED_NODES:
        children, context = SUPPORTED_NODES[kind].flatten_fn(tree)
        return kind, list(children), context
    return (_get_node_type(tree), list(tree), kind) if is_namedtuple_instance(tree) else None


def _keys(tree: Any) -> list[Any]:
    """The keys of the children of a container."""
    if type(tree) in SUPPORTED_NODES:
        keyed = SUPPORTED_NODES[type(tree)].flatten_with_keys_fn
        if keyed is None:
            raise ValueError(
                f"Did not find a flatten_with_keys_fn for type: {type(tree)}. Please pass a "
                "flatten_with_keys_fn argument to register_pytree_node."
            )
        return [key for key, _ in keyed(tree)[0]]
    if isinstance(tree, ReturnType):
        return [treekeys.SequenceKey(i) for i in range(len(tree))]
    return [key for key, _ in _named_keys(tree)[0]]


class TreeSpec:
    """The shape of a tree: the type, the context and the shapes of the children; type None is a leaf's."""

    __slots__ = ("type", "context", "children_specs", "num_nodes", "num_leaves", "num_children")

    num_nodes: int
    num_leaves: int

    def __init__(
        self, type: Any, context: Any = None, children_specs: Iterable[TreeSpec] = ()
    ) -> None:
        self.type = type
        self.context = context
        self.children_specs = list(children_specs)
        self.num_children = len(self.children_specs)
        self.num_nodes = 1 + sum(child.num_nodes for child in self.children_specs)
        below = sum(child.num_leaves for child in self.children_specs)
        self.num_leaves = 1 if type is None else below

    def is_leaf(self) -> bool:
        """Whether the tree is only a leaf."""
        return self.type is None

    def children(self) -> list[TreeSpec]:
        """The shapes of the children."""
        return list(self.children_specs)

    def child(self, index: int) -> TreeSpec:
        """The shape of one child."""
        return self.children_specs[index]

    def unflatten(self, leaves: Iterable[Any]) -> PyTree:
        """The tree of this shape with these leaves."""
        given = list(leaves)
        if len(given) != self.num_leaves:
            raise ValueError(
                f"treespec.unflatten(leaves): `leaves` has length {len(given)} but the spec refers to a "
                f"pytree that holds {self.num_leaves} items ({self})."
            )
        return self._build(iter(given))

    def _build(self, leaves: Iterator[Any]) -> Any:
        if self.type is None:
            return next(leaves)
        children = [child._build(leaves) for child in self.children_specs]
        if self.type in SUPPORTED_NODES:
            return SUPPORTED_NODES[self.type].unflatten_fn(children, self.context)
        if is_structseq_class(self.type):
            return self.type(children)
        return self.context(*children)

    def flatten_up_to(self, tree: PyTree) -> list[Any]:
        """What stands in a tree where the leaves of one of this shape stand."""
        if self.type is None:
            return [tree]
        parts = _parts(tree, None)
        kind = type(tree) if parts is None else parts[0]
        mappings = (dict, OrderedDict, defaultdict)
        if parts is None or (kind is not self.type and not {kind, self.type} <= set(mappings)):
            raise ValueError(
                f"Type mismatch; expected {self.type!r}, but got {kind!r}: the trees differ"
            )
        children, context = parts[1], parts[2]
        if len(children) != self.num_children:
            raise ValueError(
                f"Node arity mismatch; expected {self.num_children}, but got {len(children)}."
            )
        if self.type in mappings:
            names = self.context[1] if self.type is defaultdict else self.context
            if set(names) != set(tree):
                raise ValueError(f"Node keys mismatch: expected {names}, got {list(tree)}")
            children = [tree[name] for name in names]
        elif self.type is not deque and context != self.context:
            raise ValueError(
                f"Node context mismatch for node type {self.type!r}: {self.context} and {context}"
            )
        pairs = zip(self.children_specs, children, strict=True)
        return [leaf for child, below in pairs for leaf in child.flatten_up_to(below)]

    def __repr__(self, indent: int = 0) -> str:
        if self.type is None:
            return "*"
        inner = indent + 2
        shown = [child.__repr__(inner) for child in self.children_specs]
        text = "".join(shown[:1])
        text += "".join(f",\n{' ' * inner}{child}" for child in shown[1:])
        return f"TreeSpec({self.type.__name__}, {self.context}, [{text}])"

    def _key(self) -> tuple[Any, ...]:
        return self.type, self.context, self.children_specs

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, TreeSpec) and self._key() == other._key())

    def __hash__(self) -> int:
        context = tuple(self.context) if isinstance(self.context, list) else self.context
        try:
            own = hash(context)
        except TypeError:
            own = hash(str(context))
        return hash((self.type, own, tuple(self.children_specs)))


PyTreeSpec = TreeSpec
_LEAF = TreeSpec(None)


class _LeafMeta(type):
    def __call__(cls) -> Any:
        return _LEAF

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, TreeSpec) and instance.is_leaf()


class LeafSpec(metaclass=_LeafMeta):
    """The shape of a leaf."""


def treespec_leaf() -> TreeSpec:
    """The shape of a leaf."""
    return _LEAF


# ---- apart, and together again -------------------------------------------------------------------


def tree_is_leaf(tree: PyTree, is_leaf: IsLeaf = None) -> bool:
    """Whether a tree is no container."""
    return _parts(tree, is_leaf) is None


def tree_flatten(tree: PyTree, is_leaf: IsLeaf = None) -> tuple[list[Any], TreeSpec]:
    """The leaves of a tree, and its shape for `tree_unflatten`."""
    parts = _parts(tree, is_leaf)
    if parts is None:
        return [tree], _LEAF
    kind, children, context = parts
    leaves: list[Any] = []
    specs = []
    for child in children:
        below, spec = tree_flatten(child, is_leaf)
        leaves += below
        specs.append(spec)
    return leaves, TreeSpec(kind, context, specs)


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> PyTree:
    """The tree of this shape with these leaves."""
    if not isinstance(treespec, TreeSpec):
        raise TypeError(
            "tree_unflatten(leaves, treespec): Expected `treespec` to be instance of PyTreeSpec but got "
            f"item of type {type(treespec)}."
        )
    return treespec.unflatten(leaves)


def tree_iter(tree: PyTree, is_leaf: IsLeaf = None) -> Iterator[Any]:
    """The leaves of a tree, one by one."""
    return iter(tree_flatten(tree, is_leaf)[0])


def tree_leaves(tree: PyTree, is_leaf: IsLeaf = None) -> list[Any]:
    """The leaves of a tree."""
    return tree_flatten(tree, is_leaf)[0]


def arg_tree_leaves(*args: PyTree, **kwargs: PyTree) -> list[Any]:
    """The leaves of all arguments of a call."""
    return [leaf for tree in (*args, *kwargs.values()) for leaf in tree_leaves(tree)]


def tree_structure(tree: PyTree, is_leaf: IsLeaf = None) -> TreeSpec:
    """The shape of a tree."""
    return tree_flatten(tree, is_leaf)[1]


def _with_paths(tree: Any, is_leaf: IsLeaf, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    parts = _parts(tree, is_leaf)
    if parts is None:
        yield path, tree
        return
    for key, child in zip(_keys(tree), parts[1], strict=True):
        yield from _with_paths(child, is_leaf, (*path, key))


def tree_leaves_with_path(tree: PyTree, is_leaf: IsLeaf = None) -> list[tuple[KeyPath, Any]]:
    """The leaves of a tree, each with its path."""
    return list(_with_paths(tree, is_leaf, ()))


def tree_flatten_with_path(
    tree: PyTree, is_leaf: IsLeaf = None
) -> tuple[list[tuple[KeyPath, Any]], TreeSpec]:
    """The leaves of a tree, each with its path, and its shape."""
    return tree_leaves_with_path(tree, is_leaf), tree_structure(tree, is_leaf)


# ---- functions of leaves -------------------------------------------------------------------------


def tree_map(
    func: Callable[..., Any], tree: PyTree, *rests: PyTree, is_leaf: IsLeaf = None
) -> PyTree:
    """The tree with func of every leaf (and of the same leaves of the other trees) in its place.

    >>> tree_map(lambda x, y: x + y, [1, (2, 3)], [10, (20, 30)])
    [11, (22, 33)]
    """
    leaves, spec = tree_flatten(tree, is_leaf)
    columns = [leaves, *(spec.flatten_up_to(rest) for rest in rests)]
    return spec.unflatten([func(*row) for row in zip(*columns, strict=True)])


def tree_map_with_path(
    func: Callable[..., Any], tree: PyTree, *rests: PyTree, is_leaf: IsLeaf = None
) -> PyTree:
    """`tree_map` of func(path, leaf, ...)."""
    pairs, spec = tree_flatten_with_path(tree, is_leaf)
    columns = [list(column) for column in zip(*pairs, strict=True)] or [[], []]
    columns += [spec.flatten_up_to(rest) for rest in rests]
    return spec.unflatten([func(*row) for row in zip(*columns, strict=True)])


def tree_map_(
    func: Callable[..., Any], tree: PyTree, *rests: PyTree, is_leaf: IsLeaf = None
) -> PyTree:
    """Call func on every leaf for what it does; returns the tree."""
    tree_map(func, tree, *rests, is_leaf=is_leaf)
    return tree


def _chosen(kind: Any) -> Callable[[Any], bool]:
    if isinstance(kind, type | tuple | types.UnionType):
        return lambda x: isinstance(x, kind)
    if not callable(kind):
        raise TypeError("Argument must be a type, a tuple of types, or a callable.")
    return kind


def map_only(kind: Any, /) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """A decorator: the function for what is of this type (or of these, or passes this test), else itself."""
    chosen = _chosen(kind)
    return lambda func: lambda x: func(x) if chosen(x) else x


def tree_map_only(
    kind: Any, /, func: Callable[[Any], Any], tree: PyTree, is_leaf: IsLeaf = None
) -> PyTree:
    """`tree_map` that leaves alone what is not of this type (or of these, or fails this test)."""
    return tree_map(map_only(kind)(func), tree, is_leaf=is_leaf)


def tree_map_only_(
    kind: Any, /, func: Callable[[Any], Any], tree: PyTree, is_leaf: IsLeaf = None
) -> PyTree:
    """`tree_map_` of what is of this type."""
    return tree_map_(map_only(kind)(func), tree, is_leaf=is_leaf)


def tree_all(pred: Callable[[Any], bool], tree: PyTree, is_leaf: IsLeaf = None) -> bool:
    """Whether pred holds for all leaves."""
    return all(map(pred, tree_iter(tree, is_leaf)))


def tree_any(pred: Callable[[Any], bool], tree: PyTree, is_leaf: IsLeaf = None) -> bool:
    """Whether pred holds for any leaf."""
    return any(map(pred, tree_iter(tree, is_leaf)))


def tree_all_only(
    kind: Any, /, pred: Callable[[Any], bool], tree: PyTree, is_leaf: IsLeaf = None
) -> bool:
    """Whether pred holds for all leaves of this type."""
    return all(pred(x) for x in tree_iter(tree, is_leaf) if isinstance(x, kind))


def tree_any_only(
    kind: Any, /, pred: Callable[[Any], bool], tree: PyTree, is_leaf: IsLeaf = None
) -> bool:
    """Whether pred holds for any leaf of this type."""
    return any(pred(x) for x in tree_iter(tree, is_leaf) if isinstance(x, kind))


def _broadcast_to_and_flatten(
    tree: PyTree, treespec: TreeSpec, is_leaf: IsLeaf = None
) -> list[Any] | None:
    """The leaves of a tree that may end earlier than the shape, each as often as it stands for; or None."""
    parts = _parts(tree, is_leaf)
    if parts is None:
        return [tree] * treespec.num_leaves
    kind, children, context = parts
    if (
        kind != treespec.type
        or context != treespec.context
        or len(children) != treespec.num_children
    ):
        return None
    found: list[Any] = []
    for child, spec in zip(children, treespec.children_specs, strict=True):
        below = _broadcast_to_and_flatten(child, spec, is_leaf)
        if below is None:
            return None
        found += below
    return found
