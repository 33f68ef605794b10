"""Looks at which functions Python calls while a function is recorded.

What a program replays are tensors. A clock, a file, the screen, random numbers that are not
rushlight's: whoever calls these is refused at once, on his own line.
"""

from __future__ import annotations

import datetime
import inspect
import io
import random
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.compiler.recording.errors import CannotRecord, place
from rushlight.compiler.recording.origin import LIBRARY, OWN, USER, origin, origin_of_file

if TYPE_CHECKING:
    from rushlight.compiler.recording.recorder import Recorder
    from rushlight.compiler.recording.world import World

_CLOCKS = {"now", "today", "utcnow"}
_BUILTINS = {
    "print": "printing happens once, when it is recorded",
    "input": "it waits for someone who types",
    "open": "files are not tensors",
}
_NO_EFFECT = {"flush", "fileno", "isatty", "getvalue", "tell", "writable", "readable"}
_INSTEAD = {
    "print": "return what you want to print, and print it outside",
    "input": "hand it to the function as an argument",
    "open": "read files outside, and hand over tensors",
}
_RANDOM = (
    "use torch's random numbers, which are drawn anew at each replay, or hand over what was drawn"
)


# What has no methods that a replay would miss.
_HARMLESS = frozenset(
    {np.ndarray, tuple, list, dict, set, str, bytes, int, float, np.ufunc, np.dtype}
)


class Spy:
    """While its block is open, every call in this thread passes by here."""

    def __init__(self, world: World, recorder: Recorder) -> None:
        self.world = world
        self.recorder = recorder
        self.used: set[str] = set()
        # Attributes are asked for by names that are computed.
        self.by_any_name = False
        self.codes: set[Any] = set()
        # Functions of C that need not be looked at again.
        self.harmless: set[Any] = set()
        self.user_codes: list[Any] = []

    def __enter__(self) -> Spy:
        self.before = sys.getprofile()
        sys.setprofile(self._look)
        return self

    def __exit__(self, *exception: object) -> None:
        look_again(self.before)

    def _look(self, frame: Any, event: str, what: Any) -> None:
        if event == "call":
            code = frame.f_code
            if code not in self.codes:
                self._enter(code, frame)
        elif event == "c_call":
            if what.__self__.__class__ in _HARMLESS or what in self.harmless:
                return
            if what is getattr or what is vars:
                self.by_any_name |= origin_of_file(frame.f_code.co_filename) == USER
            reason = _unfit(what)
            if reason is not None:
                self._refuse(frame, what, *reason)
            elif what is not getattr and what is not vars and inspect.ismodule(what.__self__):
                self.harmless.add(what)

    def _enter(self, code: Any, frame: Any) -> None:
        self.codes.add(code)
        self.used.update(code.co_names)
        # What is imported on the way is no part of the function.
        if origin_of_file(code.co_filename) == USER and not _imports(frame):
            self.user_codes.append(code)
            self.used.update(c for c in code.co_consts if isinstance(c, str))
            try:
                self.world.enter(code, frame.f_globals)
            except CannotRecord as error:
                self._say(error)

    def _refuse(self, frame: Any, what: Any, why: str, instead: str) -> None:
        if _imports(frame):
            return
        while frame.f_back is not None and _whose(frame) == LIBRARY:
            frame = frame.f_back
        if _whose(frame) == OWN:
            return
        line = (frame.f_code.co_filename, frame.f_lineno)
        name = what.__name__
        module = getattr(what, "__module__", None)
        if module not in (None, "builtins"):
            name = f"{module}.{name}"
        elif (owner := getattr(what, "__self__", None)) is not None and module is None:
            name = f"{(owner if isinstance(owner, type) else type(owner)).__name__}.{name}"
        self._say(CannotRecord(f"{name}() cannot be replayed, at {place(line)}: {why}; {instead}"))

    def _say(self, error: CannotRecord) -> None:
        self.recorder.refuse(error)
        if not self.recorder.lenient:
            raise error
        look_again(self.before)


def look_again(profiler: Any) -> None:
    """Let who looked before see calls again; a profiler in C (cProfile) is no function, and takes its place itself."""
    if profiler is None or callable(profiler):
        sys.setprofile(profiler)
    else:
        profiler.enable()


def _imports(frame: Any) -> bool:
    """Whether a module is being imported, which is done once, whoever needs it."""
    while frame is not None:
        if frame.f_code.co_name == "_find_and_load":
            return bool(frame.f_code.co_filename.startswith("<frozen importlib"))
        frame = frame.f_back
    return False


def _whose(frame: Any) -> int:
    """Whose code runs; what was made of a string is its module's."""
    file = frame.f_code.co_filename
    if file.startswith("<") and not file.startswith("<frozen"):
        return origin(frame.f_globals.get("__name__", "__main__"))
    return origin_of_file(file)


def _unfit(what: Any) -> tuple[str, str] | None:
    """Why a function of C cannot be called in what is recorded, and what to do instead; None if it can."""
    name, module = what.__name__, getattr(what, "__module__", None)
    if module in ("builtins", "io", "_io"):
        return (_BUILTINS[name], _INSTEAD[name]) if name in _BUILTINS else None
    if module == "time":
        return "a replay would see the time of the recording", "hand the time to the function"
    if module in ("posix", "nt") and name in ("urandom", "getrandom", "read", "write", "system"):
        return "it is another each time, and a replay does not call it", _RANDOM
    owner = getattr(what, "__self__", None)
    if owner is None:
        return None
    if isinstance(owner, random.Random) and name not in ("getstate",):
        return "it is Python's own random number, which a replay does not draw", _RANDOM
    if isinstance(owner, type):
        if name in _CLOCKS and issubclass(owner, datetime.date):
            return "a replay would see the time of the recording", "hand the time to the function"
        return None
    if isinstance(owner, io.IOBase) and name not in _NO_EFFECT:
        return "files and the screen are not tensors", "read and write them outside"
    return None
