"""What stands as `torch.ops`: namespaces of operators, made when they are first asked for."""

from __future__ import annotations

from typing import Any as _Any

from rushlight.library import operators as _operators

__all__ = ["load_library", "loaded_libraries"]

loaded_libraries: set[str] = set()


def load_library(path: str) -> None:
    """Refused: a compiled library of operators is made for torch's own core."""
    raise OSError(
        f"Could not load this library: {path}. Libraries of operators are compiled for PyTorch's core, which "
        "is not here; register the operator in Python with torch.library.custom_op"
    )


def __getattr__(name: str) -> _Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return _operators.namespace(name)
