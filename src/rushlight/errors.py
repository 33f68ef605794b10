"""Errors that are not one of Python's own, and the messages several rooms share."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.caller import stacklevel

if TYPE_CHECKING:
    from rushlight.core.row import Primitive


CUT = (
    "Trying to use a saved tensor that has been detached in-place, i.e. with .detach_(). This is not supported: "
    "use out-of-place .detach() instead"
)
FREED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they "
    "have already been freed). Saved intermediate values of the graph are freed when you call "
    ".backward() or autograd.grad(). Specify retain_graph=True if you need to backward through the "
    "graph a second time or if you need to access saved tensors after calling backward."
)

NOT_SAVED = (
    "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference "
    "mode in computation tracked by autograd. To work around this, you can make a clone to get a "
    "normal tensor and use it in autograd, or use `torch.no_grad()` instead of "
    "`torch.inference_mode()`."
)


def stale(what: str, version: list[Any], count: int) -> str:
    """That something saved for backward, at version count, was changed in place since: by what, and where."""
    operation, (file, line) = version[1] or ("an in-place operation", ("?", "?"))
    return (
        "one of the variables needed for gradient computation has been modified by an inplace "
        f"operation: {what} is at version {version[0]}; expected version {count} instead. It was changed "
        f"by {operation} at {file}:{line}. Write the out-of-place form there, or .clone() it before."
    )


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
    warnings.warn(message, category, stacklevel=stacklevel())


_told: set[str] = set()


def warn_once(message: str, kind: str = "") -> None:
    """torch's warnings that come once in a process; kind: those that differ in what they name."""
    if (kind or message) not in _told:
        _told.add(kind or message)
        warn(message)


def no_method(name: str, value: object) -> TypeError:
    """What torch raises for a method of tensors, by its name there, that is asked of something else."""
    return TypeError(
        f"descriptor '{name.split('.')[2]}' for 'torch._C.TensorBase' objects doesn't apply to a "
        f"'{type(value).__name__}' object"
    )


def no_memory(error: Exception) -> RuntimeError:
    """What torch raises where an array cannot be allocated."""
    return RuntimeError(f"DefaultCPUAllocator: can't allocate memory: {error}")


def explained(
    row: Primitive, arrays: Sequence[Any], static: dict[str, Any], error: Exception
) -> Exception:
    """The row's own message for bad arguments, if its rule has one; else NumPy's, with the op's name."""
    try:
        row.rule(*arrays, **static)
    except Exception as better:
        return better
    if isinstance(error, IndexError | TypeError):
        return error
    shapes = ", ".join(str(list(np.shape(a))) for a in arrays)
    return RuntimeError(f"{row.name}: {error} (shapes: {shapes})")


class AcceleratorError(RuntimeError):
    """What went wrong on another device; no such device is here."""


class FatalError(Exception):
    """What torch raises of itself where a program cannot go on; nothing here does."""


class OutOfMemoryError(RuntimeError):
    """An array did not fit into memory."""
