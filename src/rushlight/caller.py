"""Which line of the user's program led here: for errors and the counts of changes."""

from __future__ import annotations

import os
import sys
import threading

# The folder of the package: frames of its files are not the user's.
HERE = os.path.dirname(__file__)
# Whether a file is rushlight's own: every in-place change asks, for several frames.
_own: dict[str, bool] = {}

Line = tuple[str, int]


class _Site(threading.local):
    """While an optimizer takes a step, the user's line that asked for it stands for all its changes."""

    line: Line | None = None


site = _Site()


def user_line() -> Line:
    """The file and line, outside of rushlight, from which the caller was called."""
    frame = sys._getframe(2)
    while frame.f_back is not None:
        name = frame.f_code.co_filename
        own = _own.get(name)
        if own is None:
            own = _own[name] = name.startswith(HERE)
        if not own:
            break
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


def stacklevel() -> int:
    """For `warnings.warn` in the function that asks: the user's line that led there."""
    frame, depth = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(HERE):
        frame = frame.f_back
        # Python does not count the frames of its own imports either.
        depth += "importlib" not in frame.f_code.co_filename
    return depth
