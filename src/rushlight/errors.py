"""Errors that are not one of Python's own, and the messages several rooms share."""

from __future__ import annotations

import importlib
from types import ModuleType


class MissingExtraError(ImportError):
    """An optional package is not installed; the message says which extra brings it."""


def require(package: str, extra: str) -> ModuleType:
    """Import an optional package, or say how to install it.

    >>> require("json", extra="demo").dumps([1])
    '[1]'
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != package.partition(".")[0]:
            raise
        message = (
            f"this needs the package {package.partition('.')[0]!r}, which is not installed. "
            f'It comes with: python -m pip install "rushlight[{extra}]"'
        )
        raise MissingExtraError(message) from None


def no_memory(error: Exception) -> RuntimeError:
    """What torch raises where an array cannot be allocated."""
    return RuntimeError(f"DefaultCPUAllocator: can't allocate memory: {error}")


class AcceleratorError(RuntimeError):
    """What went wrong on another device; no such device is here."""


class FatalError(Exception):
    """What torch raises of itself where a program cannot go on; nothing here does."""


class OutOfMemoryError(RuntimeError):
    """An array did not fit into memory."""
