"""Errors that are not one of Python's own, and the messages several rooms share."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from types import ModuleType

_HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "")


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


def warn(message: str | Warning, category: type[Warning] = UserWarning) -> None:
    """Warn at the line of the user's that led here: the first outside of rushlight's files."""
    frame, depth = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
        # Python does not count the frames of its own imports either.
        depth += "importlib" not in frame.f_code.co_filename
    warnings.warn(message, category, stacklevel=depth)


_told: set[str] = set()


def warn_once(message: str) -> None:
    """torch's warnings that come once in a process."""
    if message not in _told:
        _told.add(message)
        warn(message)


def no_memory(error: Exception) -> RuntimeError:
    """What torch raises where an array cannot be allocated."""
    return RuntimeError(f"DefaultCPUAllocator: can't allocate memory: {error}")


class AcceleratorError(RuntimeError):
    """What went wrong on another device; no such device is here."""


class FatalError(Exception):
    """What torch raises of itself where a program cannot go on; nothing here does."""


class OutOfMemoryError(RuntimeError):
    """An array did not fit into memory."""
