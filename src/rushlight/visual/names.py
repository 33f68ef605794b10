"""What the user calls things: modules and their tensors by path, tensors by the variable that holds them."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from types import FrameType
from typing import Any, NamedTuple

from rushlight.caller import HERE
from rushlight.core.tensor import TensorBase
from rushlight.nn import Module

PARAMETER, BUFFER, LEAF, INPUT, CONSTANT, RESULT = (
    "parameter", "buffer", "leaf", "input", "constant", "result",
)  # fmt: skip


class Name(NamedTuple):
    """What a tensor of a module is called there, and whether it is a parameter or a buffer."""

    path: str
    kind: str


def users_frame(frame: FrameType | None) -> FrameType | None:
    """The innermost frame from here outward that is not rushlight's own."""
    while frame is not None and frame.f_code.co_filename.startswith(HERE):
        frame = frame.f_back
    return frame


def variables(frame: FrameType | None) -> Iterator[tuple[str, Any]]:
    """The variables of a frame and of those around it, the innermost first; attributes of `self`, too."""
    while frame is not None:
        if not frame.f_code.co_filename.startswith(HERE):
            scope = frame.f_locals
            yield from list(scope.items())
            owner = scope.get("self")
            if owner is not None and not isinstance(owner, Module):
                yield from list(getattr(owner, "__dict__", {}).items())
            if scope is not frame.f_globals:
                yield from list(frame.f_globals.items())
        frame = frame.f_back


def variable_of(
    tensor: TensorBase, frame: FrameType | None, everywhere: bool = False
) -> str | None:
    """The name of a local variable of a frame that holds this tensor.

    everywhere: or of a global one, or, before both, of a frame around it: what the program gave to a function, and
    not what the function calls it.
    """
    found = None
    while frame is not None:
        for scope in (frame.f_locals, frame.f_globals if everywhere and found is None else {}):
            name = next((n for n, v in list(scope.items()) if v is tensor and n[0] != "_"), None)
            if name is not None:
                found = name
                break
        if not everywhere or frame.f_code.co_name == "<module>":
            break
        frame = users_frame(frame.f_back)
    return found


class Names:
    """The paths of modules and of their tensors, learned when a module is first called.

    The first module with parameters gives plain paths (`layer1.0.conv1`), if no other one is in sight; what belongs
    to one of several has the name of the variable before it (`critic.layers.0`).
    """

    def __init__(self) -> None:
        self._modules: dict[int, tuple[weakref.ref[Any], str]] = {}
        self._tensors: dict[int, tuple[weakref.ref[Any], Name]] = {}
        self._first = True
        # The module whose paths are plain, and the variable that holds it.
        self.first: tuple[weakref.ref[Any], str] | None = None

    def learn(self, module: Module, frame: FrameType | None) -> None:
        """Name all within the largest module in sight of frame that holds this one."""
        if self.path(module) is not None:
            return
        root, variable, size = module, type(module).__name__.lower(), 0
        seen = [
            (n, v) for n, v in variables(frame) if isinstance(v, Module) and not n.startswith("_")
        ]
        for name, value in seen:
            inside = list(value.modules())
            if len(inside) > size and any(m is module for m in inside):
                root, variable, size = value, name, len(inside)
        self._first = self._first and not any(_beside(root, value) for _, value in seen)
        self.add(root, variable)

    def add(self, root: Module, variable: str) -> None:
        """Name all within a module that a variable holds."""
        owns = next(root.parameters(), None) is not None
        prefix = "" if self._first and owns else variable
        if self._first and owns:
            self.first = weakref.ref(root), variable
        self._first = self._first and not owns
        for path, module in root.named_modules():
            self._modules.setdefault(id(module), (weakref.ref(module), _joined(prefix, path)))
        for kind, named in ((PARAMETER, root.named_parameters()), (BUFFER, root.named_buffers())):
            for path, tensor in named:
                name = Name(_joined(prefix, path), kind)
                self._tensors.setdefault(id(tensor), (weakref.ref(tensor), name))

    def path(self, module: Module) -> str | None:
        """The path of a module, if it is known; that of the first root is empty."""
        known = self._modules.get(id(module))
        return known[1] if known is not None and known[0]() is module else None

    def modules(self) -> Iterator[tuple[str, Module]]:
        """The known modules that are alive, by path."""
        for ref, path in list(self._modules.values()):
            if (module := ref()) is not None:
                yield path, module

    def tensor(self, tensor: TensorBase) -> Name | None:
        """What a tensor of a known module is called."""
        known = self._tensors.get(id(tensor))
        return known[1] if known is not None and known[0]() is tensor else None


def _beside(root: Module, other: Module) -> bool:
    """Whether other is a network of its own: it has parameters, and none of root's."""
    own = {id(p) for p in other.parameters()}
    return bool(own) and not any(id(p) in own for p in root.parameters())


def _joined(prefix: str, path: str) -> str:
    return f"{prefix}.{path}" if prefix and path else prefix or path
