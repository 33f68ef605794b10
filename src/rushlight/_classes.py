"""`torch.classes`: classes of TorchScript that compiled libraries bring, of which there are none."""

from __future__ import annotations

from types import ModuleType
from typing import Any, NoReturn

__all__ = ["classes"]


class _ClassNamespace(ModuleType):
    def __init__(self, name: str) -> None:
        super().__init__(f"torch.classes{name}")
        self.name = name

    def __getattr__(self, attr: str) -> NoReturn:
        if attr.startswith("__"):
            raise AttributeError(attr)
        raise RuntimeError(
            f"Tried to instantiate class '{self.name}.{attr}', but it does not exist! Ensure that it is registered "
            "via torch::class_"
        )


class _Classes(ModuleType):
    __file__ = "_classes.py"

    def __getattr__(self, name: str) -> _ClassNamespace:
        if name.startswith("__"):
            raise AttributeError(name)
        space = _ClassNamespace(name)
        setattr(self, name, space)
        return space

    @property
    def loaded_libraries(self) -> set[str]:
        """None: they are compiled for torch's own core."""
        return set()

    def load_library(self, path: str) -> NoReturn:
        """Refused."""
        raise OSError(
            f"Could not load this library: {path}. Libraries of classes are compiled for PyTorch's core, which is "
            "not here"
        )


classes: Any = _Classes("torch.classes")
