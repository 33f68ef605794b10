"""Nested containers taken apart into leaves and put together again, under torch's private names.

Programs import them for functions on "whatever the model returns".

>>> leaves, spec = tree_flatten({"a": 1, "b": (2, [3, None])})
>>> leaves
[1, 2, 3, None]
>>> tree_unflatten([10, 20, 30, 40], spec)
{'a': 10, 'b': (20, [30, 40])}
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rushlight.return_types import ReturnType

__all__ = [
    "PyTree", "TreeSpec", "register_pytree_node", "tree_all", "tree_any", "tree_flatten",
    "tree_iter", "tree_leaves", "tree_map", "tree_map_", "tree_map_only", "tree_structure",
    "tree_unflatten",
]  # fmt: skip

PyTree = Any
IsLeaf = Callable[[Any], bool] | None
# Takes a container apart into its children and what else is needed; puts it together again.
Flatten = Callable[[Any], tuple[list[Any], Any]]
Unflatten = Callable[[Iterable[Any], Any], Any]


def _dict_parts(d: Any) -> tuple[list[Any], Any]:
    return list(d.values()), list(d)


def _defaultdict_parts(d: Any) -> tuple[list[Any], Any]:
    return list(d.values()), (d.default_factory, list(d))


_KINDS: dict[type, tuple[Flatten, Unflatten]] = {
    tuple: (lambda t: (list(t), None), lambda parts, _: tuple(parts)),
    list: (lambda x: (x, None), lambda parts, _: list(parts)),
    dict: (_dict_parts, lambda parts, names: dict(zip(names, parts, strict=True))),
    OrderedDict: (_dict_parts, lambda parts, names: OrderedDict(zip(names, parts, strict=True))),
    defaultdict: (
        _defaultdict_parts,
        lambda parts, made: defaultdict(made[0], zip(made[1], parts, strict=True)),
    ),
    deque: (lambda d: (list(d), d.maxlen), lambda parts, longest: deque(parts, longest)),
}


def register_pytree_node(cls: type, flatten_fn: Flatten, unflatten_fn: Unflatten, **_: Any) -> None:
    """Make instances of cls containers: flatten_fn(x) gives (children, context)."""
    if cls in _KINDS:
        raise ValueError(f"{cls} is already registered as pytree node")
    _KINDS[cls] = (flatten_fn, unflatten_fn)


def _is_named(tree: Any) -> bool:
    return isinstance(tree, tuple) and hasattr(type(tree), "_fields")


def _parts(tree: Any, is_leaf: IsLeaf) -> tuple[type, list[Any], Any] | None:
    """Kind, children and context of a container; None for a leaf."""
    if is_leaf is not None and is_leaf(tree):
        return None
    kind = type(tree)
    if isinstance(tree, ReturnType):
        return kind, list(tree), None
    if kind in _KINDS:
        children, context = _KINDS[kind][0](tree)
        return kind, list(children), context
    return (kind, list(tree), None) if _is_named(tree) else None


@dataclass(frozen=True)
class TreeSpec:
    """The shape of a tree; type None is that of a leaf."""

    type: Any
    context: Any = None
    children_specs: list[TreeSpec] = field(default_factory=list)

    @property
    def num_leaves(self) -> int:
        """The number of leaves of a tree of this shape."""
        return 1 if self.type is None else sum(c.num_leaves for c in self.children_specs)

    def is_leaf(self) -> bool:
        """Whether the tree is only a leaf."""
        return self.type is None

    def build(self, leaves: Iterator[Any]) -> Any:
        """A tree of this shape, its leaves taken from an iterator."""
        if self.type is None:
            return next(leaves)
        children = [child.build(leaves) for child in self.children_specs]
        if self.type in _KINDS:
            return _KINDS[self.type][1](children, self.context)
        return self.type(children) if issubclass(self.type, ReturnType) else self.type(*children)


def tree_flatten(tree: PyTree, is_leaf: IsLeaf = None) -> tuple[list[Any], TreeSpec]:
    """The leaves of a tree, and its shape for `tree_unflatten`."""
    parts = _parts(tree, is_leaf)
    if parts is None:
        return [tree], TreeSpec(None)
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
    given = list(leaves)
    if len(given) != treespec.num_leaves:
        raise ValueError(
            f"tree_unflatten(leaves, treespec): `leaves` has length {len(given)} but the spec refers to "
            f"a pytree that holds {treespec.num_leaves} items"
        )
    return treespec.build(iter(given))


def tree_iter(tree: PyTree, is_leaf: IsLeaf = None) -> Iterator[Any]:
    """The leaves of a tree, one by one."""
    return iter(tree_flatten(tree, is_leaf)[0])


def tree_leaves(tree: PyTree, is_leaf: IsLeaf = None) -> list[Any]:
    """The leaves of a tree."""
    return tree_flatten(tree, is_leaf)[0]


def tree_structure(tree: PyTree, is_leaf: IsLeaf = None) -> TreeSpec:
    """The shape of a tree."""
    return tree_flatten(tree, is_leaf)[1]


def tree_map(
    func: Callable[..., Any], tree: PyTree, *rests: PyTree, is_leaf: IsLeaf = None
) -> PyTree:
    """The tree with func of every leaf (and of the same leaves of the other trees) in its place.

    >>> tree_map(lambda x, y: x + y, [1, (2, 3)], [10, (20, 30)])
    [11, (22, 33)]
    """
    leaves, spec = tree_flatten(tree, is_leaf)
    columns = [leaves, *(_matching(spec, rest) for rest in rests)]
    return tree_unflatten([func(*row) for row in zip(*columns, strict=True)], spec)


def _matching(spec: TreeSpec, tree: PyTree) -> list[Any]:
    """What stands in a tree where the leaves of another, of this shape, stand."""
    if spec.type is None:
        return [tree]
    parts = _parts(tree, None)
    if parts is None or parts[0] is not spec.type or len(parts[1]) != len(spec.children_specs):
        raise ValueError(
            f"tree_map: the trees differ: {spec.type.__name__} of {len(spec.children_specs)} in the first "
            f"stands where another has {tree!r}"
        )
    if isinstance(tree, dict):
        names = spec.context[1] if spec.type is defaultdict else spec.context
        if set(names) != set(tree):
            raise ValueError(f"tree_map: the trees differ in keys: {names} and {list(tree)}")
        children = [tree[name] for name in names]
    else:
        children = parts[1]
    pairs = zip(spec.children_specs, children, strict=True)
    return [leaf for child, below in pairs for leaf in _matching(child, below)]


def tree_map_(
    func: Callable[..., Any], tree: PyTree, *rests: PyTree, is_leaf: IsLeaf = None
) -> PyTree:
    """Call func on every leaf for what it does; returns the tree."""
    tree_map(func, tree, *rests, is_leaf=is_leaf)
    return tree


def tree_map_only(
    kind: Any, func: Callable[[Any], Any], tree: PyTree, is_leaf: IsLeaf = None
) -> PyTree:
    """`tree_map` that leaves alone what is not of this type (or of these, or fails this test)."""
    chosen = kind if not isinstance(kind, (type, tuple)) else lambda x: isinstance(x, kind)
    return tree_map(lambda x: func(x) if chosen(x) else x, tree, is_leaf=is_leaf)


def tree_all(pred: Callable[[Any], bool], tree: PyTree, is_leaf: IsLeaf = None) -> bool:
    """Whether pred holds for all leaves."""
    return all(map(pred, tree_iter(tree, is_leaf)))


def tree_any(pred: Callable[[Any], bool], tree: PyTree, is_leaf: IsLeaf = None) -> bool:
    """Whether pred holds for any leaf."""
    return any(map(pred, tree_iter(tree, is_leaf)))
