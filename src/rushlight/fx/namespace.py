"""Names that are given once: for the results of nodes, and for what generated code asks from outside."""

from __future__ import annotations

import builtins
import keyword
import math
import re
from importlib import import_module
from typing import Any, NamedTuple

from rushlight.device import device
from rushlight.fx.naming import torch
from rushlight.utils import _pytree as pytree


class _CustomBuiltin(NamedTuple):
    """A name that every generated function may use, and the line that imports it."""

    import_str: str
    obj: Any


# How some values print, and what generated code calls by a short name.
_custom_builtins: dict[str, _CustomBuiltin] = {
    "inf": _CustomBuiltin("from math import inf", math.inf),
    "nan": _CustomBuiltin("from math import nan", math.nan),
    "NoneType": _CustomBuiltin("NoneType = type(None)", type(None)),
    "torch": _CustomBuiltin("import torch", torch()),
    "device": _CustomBuiltin("from torch import device", device),
    "fx_pytree": _CustomBuiltin(
        "import torch.fx._pytree as fx_pytree", import_module("rushlight.fx._pytree")
    ),
    "pytree": _CustomBuiltin("import torch.utils._pytree as pytree", pytree),
}
# No result may be called so.
_illegal_names: dict[str, Any] = {
    **{word: object() for word in keyword.kwlist},
    **vars(builtins),
    **{name: builtin.obj for name, builtin in _custom_builtins.items()},
}


def _register_custom_builtin(name: str, import_str: str, obj: Any) -> None:
    _custom_builtins[name] = _CustomBuiltin(import_str, obj)
    _illegal_names[name] = obj


_NUMBERED = re.compile(r"^([a-zA-Z_][0-9a-zA-Z_]*?)(?:_(\d+))?$")
_ILLEGAL = re.compile("[^0-9a-zA-Z_]+")
_WORD_ENDS = re.compile(r"(?<=[a-z])([A-Z])")


def _snake_case(text: str) -> str:
    """`getAttr` as `get_attr`."""
    return _WORD_ENDS.sub(r"_\1", text).lower()


class _Namespace:
    """Gives every object one name and no name to two; builtins keep theirs."""

    def __init__(self) -> None:
        self._obj_to_name: dict[Any, str] = {}
        self._used_names: set[str] = set()
        self._base_count: dict[str, int] = {}

    def create_name(self, candidate: str, obj: Any | None) -> str:
        """A name like the candidate that nobody has; with obj its name, now and later."""
        if obj is not None and obj in self._obj_to_name:
            return self._obj_to_name[obj]
        match = _NUMBERED.match(candidate)
        if match is None:
            candidate = _ILLEGAL.sub("_", candidate) or "_unnamed"
            if candidate[0].isdigit():
                candidate = f"_{candidate}"
            match = _NUMBERED.match(candidate)
        base, number = match.groups() if match else (candidate, None)
        if number is None or candidate in self._used_names:
            count = self._base_count.get(base, 0)
            if _illegal_names.get(candidate, obj) is not obj:
                count += 1
                candidate = f"{base}_{count}"
        else:
            count = int(number)
        while candidate in self._used_names:
            count += 1
            candidate = f"{base}_{count}"
        self._used_names.add(candidate)
        self._base_count[base] = count
        if obj is not None:
            self._obj_to_name[obj] = candidate
        return candidate

    def associate_name_with_obj(self, name: str, obj: Any) -> None:
        """Let a name that was created for nobody be obj's."""
        if self._obj_to_name.setdefault(obj, name) is not name:
            raise AssertionError("obj is already associated")

    def _rename_object(self, obj: Any, name: str) -> None:
        if obj not in self._obj_to_name:
            raise AssertionError(f"Object {obj} is not in _obj_to_name")
        self._obj_to_name[obj] = name
        self._used_names.add(name)
