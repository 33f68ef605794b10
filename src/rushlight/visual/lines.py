"""The user's lines that led to where a run is."""

from __future__ import annotations

import os
import sys
import sysconfig
from types import FrameType
from typing import Any

from rushlight.caller import HERE, site
from rushlight.visual.records import Line

# What stands around public functions, and is not what the user called.
_WRAPPERS = frozenset(
    {"called", "function", "method", "checked", "decorated", "run", "apply", "take"}
)
# How many of the user's lines are kept of a call.
_DEPTH = 8
_LIBRARIES = tuple(
    os.path.realpath(sysconfig.get_path(name)) + os.sep for name in ("stdlib", "purelib", "platlib")
)


class Lines:
    """Finds lines in the frames of Python, and keeps those found once for all that ran there."""

    def __init__(self) -> None:
        self._files: dict[str, int] = {}
        self._known: dict[Any, tuple[Line, ...]] = {}

    def here(self, depth: int) -> tuple[tuple[Line, ...], FrameType | None, str]:
        """The user's lines that led here, the innermost first; their frame; the function called there.

        depth: how many frames above this one are passed over.
        """
        frame: FrameType | None = sys._getframe(depth)
        found: list[tuple[str, int, str]] = []
        first, asked = None, ""
        while frame is not None and len(found) < _DEPTH:
            code = frame.f_code
            origin = self._files.get(code.co_filename)
            if origin is None:
                origin = self._files[code.co_filename] = _origin(code.co_filename)
            if origin:
                if first is None:
                    first = frame
                found.append((code.co_filename, frame.f_lineno, code.co_name))
            elif first is None and code.co_name not in _WRAPPERS:
                asked = code.co_name
            frame = frame.f_back
        if site.line is not None and found:
            # Within a step of an optimizer, which knows the line that asked for it.
            asked = "step"
        lines = self._known.get(key := tuple(found))
        if lines is None:
            lines = self._known[key] = tuple(
                [Line(file, at, name, self._files[file] == 2) for file, at, name in found]
            )
        return lines, first, asked


def _origin(file: str) -> int:
    """0: rushlight's own, 1: the user's, 2: an installed library's."""
    if file.startswith((HERE, "<frozen ")):
        return 0
    return 2 if os.path.realpath(file).startswith(_LIBRARIES) else 1
