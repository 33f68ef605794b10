"""The two ways to say no: what cannot be recorded, and what does not hold any more at a replay."""

from __future__ import annotations

import linecache
import os

from rushlight.caller import Line


class CannotRecord(RuntimeError):
    """The function does something that a program could not do again; the message names the line."""


class Changed(RuntimeError):
    """What the recording depended on is not as it was; nothing has been changed. Record again."""


def source(line: Line) -> str:
    """The text of a line of the user's."""
    return linecache.getline(*line).strip()


def place(line: Line) -> str:
    """A line of the user's as messages name it: `train.py:12, in "loss.item()"`."""
    text = source(line)
    return f"{os.path.basename(line[0])}:{line[1]}" + (f', in "{text}"' if text else "")
