"""Rows on arrays of another library, of which no more is asked than NumPy's protocols and methods.

What NumPy holds beside such arrays is brought to their library, as the `arange` of a program is: there
is no other place where a program says that it wants one. `docs/design.md` says what an array must have.
"""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

import numpy as np

from rushlight.arrays import brought, is_array, is_foreign
from rushlight.caller import HERE
from rushlight.device import CPU, META, device, gpu
from rushlight.memory import root
from rushlight.outline import NO_DATA, Outline, blank, outlined

_ndarray = np.ndarray


def computed(row: Any, arrays: Sequence[Any], static: dict[str, Any]) -> Any:
    """The forward of a row on promoted arrays of another library; its results are of that, too."""
    like = next(filter(is_foreign, arrays))
    if like.__class__ is Outline:
        return _told(row, arrays, static)
    if row.family != "index" and gpu.where(like) is not CPU:
        # An index may lie in memory.
        _need_one_device(arrays)
    arrays = gathered(arrays, like)
    forward, layout = row.settled([a for a in arrays if is_array(a)])
    result = layout(forward, arrays, static) if layout else forward(*arrays, **static)
    if result.__class__ is tuple:
        return tuple([_there(part, like) for part in result])
    return _there(result, like)


def gathered(arrays: Sequence[Any], like: Any) -> list[Any]:
    """Arrays of NumPy as those of the library of `like`; those without dimensions as numbers."""
    return [
        (brought(a, like) if a.ndim else a[()]) if a.__class__ is _ndarray else a for a in arrays
    ]


def _there(x: Any, like: Any) -> Any:
    return x if is_foreign(x) else np.asarray(x, like=like)


# ---- arrays without elements ------------------------------------------------------------------------

# Rows that look at no element, mostly.
_MOVING = {"unary", "move", "view", "index"}


# Whose operands must be on one device; CPU's numbers without dimensions go with any.
_TOGETHER = {"unary", "binary", "ternary", "join", "loss", "normalize", "recurrent"}


def _told(row: Any, arrays: Sequence[Any], static: dict[str, Any]) -> Any:
    """What the row would give, by its rule, and where that would lie, by its layout."""
    if row.family in _TOGETHER or (row.name == "linear" and len(arrays) == 3):
        _need_one_device(arrays)
    arrays = [outlined(a) if a.__class__ is _ndarray else a for a in arrays]
    _, layout = row.settled([a for a in arrays if a.__class__ is Outline])

    def forward(*parts: Any, **static: Any) -> Any:
        zeros, ones = ([assumed(part, n) for part in parts] for n in (0, 1))
        found = other = row.rule(*zeros, **static)
        with contextlib.suppress(IndexError, ValueError, RuntimeError):
            other = row.rule(*ones, **static)
        if other != found:
            # A shape that depends on elements is none.
            raise NotImplementedError(NO_DATA)
        if isinstance(found, list):
            return tuple([blank(*spec) for spec in found])
        return blank(*found)

    with contextlib.suppress(NotImplementedError):
        if layout:
            return layout(forward, arrays, static)
        if row.family in _MOVING:
            # Their forwards say more than their rules: where the result lies.
            return row.forward(*arrays, **static)
    arrange = getattr(row.forward, "arrange", None)
    result = forward(*arrays, **static)
    return result if arrange is None else arrange(result)


def _need_one_device(arrays: Sequence[Any]) -> None:
    """Raise torch's error where a program mixes devices.

    What operations make for themselves, masks and positions, lies in memory and goes with any device: it
    is told from the program's own tensors by who handed it in.
    """
    with_memory = [a for a in arrays if a.__class__ is _ndarray and a.ndim]
    if with_memory and any(map(_handed_in(), with_memory)):
        first = next(a for a in arrays if is_foreign(a) or any(a is b for b in with_memory))
        elsewhere = next(filter(is_foreign, arrays))
        if elsewhere.__class__ is not Outline:
            raise RuntimeError(
                "Expected all tensors to be on the same device, but found at least two devices, "
                f"{device_of(first)} and {device_of(elsewhere if first.__class__ is _ndarray else _CPU)}!"
            )
        ours, other = ("meta", "cpu") if first.__class__ is Outline else ("cpu", "meta")
        raise RuntimeError(f"Tensor on device {other} is not on the expected device {ours}!")


def _handed_in() -> Callable[[Any], bool]:
    """Whether the program gave an array, in a tensor, to the function of rushlight that it called."""
    frame: FrameType | None = sys._getframe(2)
    entered = frame
    while frame is not None and frame.f_code.co_filename.startswith(HERE):
        entered, frame = frame, frame.f_back
    given = [] if entered is None else [entered.f_locals.get(name) for name in _parameters(entered)]
    return lambda array: _holds(given, array)


def _parameters(frame: FrameType) -> Sequence[str]:
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    return code.co_varnames[:count]


def _holds(value: Any, array: Any) -> bool:
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, tuple | list):
        return any(_holds(part, array) for part in value)
    if hasattr(value, "_modules"):
        # A layer is called with its parameters.
        return any(_holds(vars(value)[kept], array) for kept in _OF_MODULES)
    known = getattr(value, "_data_", None)
    return known is array or (known.__class__ is _ndarray and root(known) is root(array))


_OF_MODULES = ("_parameters", "_buffers", "_modules")


_CPU = np.empty(0)


def device_of(array: Any) -> device:
    """The device that an array is on."""
    if array.__class__ is _ndarray:
        return CPU
    return META if array.__class__ is Outline else gpu.where(array)


def moved(array: Any, place: device) -> Any:
    """A copy of an array's elements on another device, the meta device left out."""
    if place is CPU:
        return array if array.__class__ is _ndarray else gpu.library().fetched(array)
    return gpu.library().brought(array, place.index)


def has_memory(array: Any) -> bool:
    """Whether there is anything to write into."""
    return array.__class__ is not Outline


def looked_at(array: Any) -> Any:
    """An array whose elements somebody wants to see; an error if there are none."""
    if array.__class__ is Outline:
        raise array.refuse()
    return array if gpu.where(array) is CPU else moved(array, CPU)


def assumed(array: Any, number: int | None = None) -> Any:
    """Elements by which an error may be raised: in the place of those that are not there, one number.

    That is 1, which few errors are about, and where it stands for a place or a count 0.
    """
    if array.__class__ is not Outline:
        return array
    if number is None:
        number = int(array.dtype.kind in "fcV")
    return np.broadcast_to(np.full((), number, array.dtype), array.shape)
