"""What a Trainer refuses before any work: settings, parts and files that cannot be meant so."""

from __future__ import annotations

import functools
import inspect
import math
import operator
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

# What a whole number must be at least, where one belongs.
WHOLE = {
    "epochs": 1,
    "batch_size": 1,
    "validate_every": 1,
    "accumulate": 1,
    "num_workers": 0,
    "checkpoint_every": 1,
    "patience": 1,
}
_OPTIONAL = ("checkpoint_every", "clip_grad_norm", "clip_grad_value")


def settings(where: str, **given: Any) -> None:
    """Raise one error about all settings that make no sense: TypeError if it is their types alone.

    >>> settings("fit", epochs=0, batch_size=8, clip_grad_norm=-1.0)
    Traceback (most recent call last):
    ValueError: fit: epochs must be 1 or more, got 0; clip_grad_norm must be positive, got -1.0
    """
    types, values = [], []
    for name, value in given.items():
        if value is None and name in _OPTIONAL:
            continue
        if name in ("shuffle", "drop_last"):
            if not isinstance(value, bool | np.bool_):
                types.append(f"{name} must be True or False, got {value!r}")
        elif not _is_number(value):
            kind = "a whole number" if name in WHOLE else "a number"
            types.append(f"{name} must be {kind}, got {value!r}")
        elif name not in WHOLE:
            if not value > 0:
                values.append(f"{name} must be positive, got {value}")
        elif not hasattr(value, "__index__"):
            values.append(f"{name} must be a whole number, got {value!r}")
        elif value < WHOLE[name]:
            values.append(f"{name} must be {WHOLE[name]} or more, got {value}")
    if types or values:
        raise (ValueError if values else TypeError)(f"{where}: " + "; ".join(types + values))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def number(what: str, value: Any, least: float = -math.inf) -> None:
    """Raise unless value is a number, and no smaller than least."""
    if not _is_number(value):
        raise TypeError(f"{what} must be a number, got {value!r}")
    if not value >= least:
        below = "negative" if least == 0 else f"less than {least}"
        raise ValueError(f"{what} must not be {below}, got {value}")


def whole(what: str, value: Any, least: int) -> int:
    """A whole number that is no smaller than least."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{what} must be a whole number, got {value!r}")
    if value < least:
        raise ValueError(f"{what} must be {least} or more, got {value}")
    return operator.index(value)


def file(what: str, path: Any) -> None:
    """Raise unless a file could be written at path."""
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"{what} must be the path of a file, got {path!r}")
    place = Path(os.fspath(path))
    if not os.fspath(path) or place.is_dir():
        raise RuntimeError(
            f"{what}: {os.fspath(path)!r} is a folder: name a file in it, such as "
            f"{str(place / 'run.pt')!r}"
        )
    if not place.parent.is_dir():
        raise RuntimeError(f"{what}: Parent directory {place.parent} does not exist.")


def existing(what: str, path: Any) -> None:
    """Raise unless there is a file at path."""
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"{what} must be the path of a checkpoint, got {path!r}")
    if Path(path).is_dir():
        raise IsADirectoryError(f"{what}: {os.fspath(path)!r} is a folder: name the file in it")
    if not Path(path).is_file():
        raise FileNotFoundError(f"{what}: there is no file {os.fspath(path)!r}")


def items(what: str, given: Any, kind: type[Any]) -> list[Any]:
    """A list of objects of a kind; one that is a class, or of another kind, is a TypeError."""
    if given is None:
        return []
    name = kind.__name__
    if isinstance(given, kind):
        raise TypeError(f"{what} must be a list: write {what}=[...] around the {name}")
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise TypeError(f"{what} must be a list of {name}s, got {given!r}")
    found = list(given)
    for item in found:
        if isinstance(item, type) and issubclass(item, kind):
            raise TypeError(f"{what} has the class {item.__name__}: make one, {item.__name__}()")
        if not isinstance(item, kind):
            raise TypeError(f"{what} must be {name}s, got {item!r}: write a subclass of {name}")
    return found


def functions(what: str, given: Any) -> list[Any]:
    """A function, or a list of functions, as a list."""
    if callable(given):
        return [given]
    if given is None:
        return []
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise TypeError(f"{what} must be a function or a list of functions, got {given!r}")
    found = list(given)
    for item in found:
        if not callable(item):
            raise TypeError(f"{what} must be functions, got {item!r}")
    return found


def made(kind: str, thing: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """What a class or function makes of arguments; if they do not fit, that is said with its name."""
    try:
        return thing(*arguments, **options)
    except TypeError as error:
        name = getattr(thing, "__name__", type(thing).__name__)
        raise TypeError(
            f"{kind}: {name} cannot be made with the options {options}: {error}"
        ) from error


def takes(
    kind: str, function: Callable[..., Any], arguments: int, options: Mapping[str, Any]
) -> None:
    """Raise TypeError if a function cannot be called with so many arguments and these options."""
    inner = function.func if isinstance(function, functools.partial) else function
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return  # It does not say.
    try:
        signature.bind(*[None] * arguments, **options)
    except TypeError as error:
        name = getattr(inner, "__name__", type(inner).__name__)
        known = ", ".join(signature.parameters)
        raise TypeError(
            f"{kind}: {name}({known}) does not take what it is given: {error}"
        ) from None
