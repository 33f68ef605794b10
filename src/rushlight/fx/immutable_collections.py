"""Lists and dicts that cannot be changed: what nodes keep their arguments in.

A node counts its uses when arguments are assigned to it, so a list among them must not change behind its back.

>>> from rushlight.fx.immutable_collections import immutable_list
>>> immutable_list([1, 2]) == [1, 2]
True
"""

from __future__ import annotations

from typing import Any, NoReturn

from rushlight.utils._pytree import register_pytree_node

__all__ = ["immutable_dict", "immutable_list"]

_ADVICE = """
If you are attempting to modify the kwargs or args of a torch.fx.Node object,
instead create a new copy of it and assign the copy to the node:

    new_args = ...  # copy and mutate args
    node.args = new_args
""".strip()


def _refuse(self: Any, *args: Any, **options: Any) -> NoReturn:
    raise TypeError(f"{type(self).__name__!r} object does not support mutation. {_ADVICE}")


class immutable_list(list[Any]):
    """A list that refuses to be changed."""

    __delitem__ = __iadd__ = __imul__ = __setitem__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (tuple(self),)


class immutable_dict(dict[Any, Any]):
    """A dict that refuses to be changed."""

    __delitem__ = __ior__ = __setitem__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (tuple(self.items()),)


register_pytree_node(
    immutable_list,
    lambda x: (list(x), None),
    lambda parts, _: immutable_list(parts),
    serialized_type_name="torch.fx.immutable_collections.immutable_list",
)
register_pytree_node(
    immutable_dict,
    lambda d: (list(d.values()), list(d)),
    lambda parts, names: immutable_dict(zip(names, parts, strict=True)),
    serialized_type_name="torch.fx.immutable_collections.immutable_dict",
)
