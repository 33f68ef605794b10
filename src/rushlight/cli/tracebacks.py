"""Tracebacks of the user's program: they end at the user's line, where rushlight refused what it asks.

Between the line and the message stand ten frames of rushlight's, which help nobody but who works on it. They are
left out, with one line that says so, where rushlight itself raised the error. Where something else failed inside
of it, they stay: then they are what a report needs. The error itself stays as it is.
"""

from __future__ import annotations

import linecache
import os
import sys
import sysconfig
from types import TracebackType

from rushlight.caller import HERE
from rushlight.cli.finder import STANDS_FOR, no_module

# The variable that leaves tracebacks as they are.
FULL = "RUSHLIGHT_FULL_TRACEBACK"


_STDLIB = sysconfig.get_path("stdlib") + os.sep
# Whose frames stand before the program's first.
_LAUNCHER = (os.path.dirname(__file__), "<frozen importlib")


def show(error: BaseException) -> None:
    """Print an error as if Python had run the program itself; the caller raises it again."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_LAUNCHER):
        trace = trace.tb_next
    name = error.name if isinstance(error, ModuleNotFoundError) else None
    if name is not None and name.partition(".")[0] in STANDS_FOR:
        error.add_note(no_module(name))
    error.__traceback__ = trace
    print_error(error)
    # What is left to Python is the exit status, which for an interrupt is the signal itself.
    sys.excepthook = _shown_already


def _shown_already(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    pass


def print_error(error: BaseException) -> None:
    """Print an error by `sys.excepthook`, and those that it came from, without rushlight's own frames."""
    trace = error.__traceback__
    if sys.excepthook is not sys.__excepthook__ or os.environ.get(FULL, "0") not in ("", "0"):
        sys.excepthook(type(error), error, trace)
        return
    chain = _chain(error)
    before = [one.__traceback__ for one in chain]
    left_out = 0
    try:
        for one in chain:
            shorter, gone = shortened(one.__traceback__)
            left_out += gone
            one.__traceback__ = shorter
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        for one, own in zip(chain, before, strict=True):
            one.__traceback__ = own
    if left_out:
        frames = "1 frame" if left_out == 1 else f"{left_out} frames"
        print(
            f"({frames} inside of rushlight left out; rushlight run --full-traceback shows them)",
            file=sys.stderr,
        )


def _chain(error: BaseException) -> list[BaseException]:
    """The error, and those that it came from."""
    found: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and one not in found:
        found.append(one)
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return found


def shortened(trace: TracebackType | None) -> tuple[TracebackType | None, int]:
    """A traceback without rushlight's frames, and how many these are; as it is if rushlight did not raise it."""
    links = []
    while trace is not None:
        links.append(trace)
        trace = trace.tb_next
    kept = _kept(links)
    whole = links[0] if links else None
    if not kept or len(kept) == len(links) or (_is_own(links[-1]) and not _raises(links[-1])):
        return whole, 0
    shorter = None
    for link in reversed(kept):
        shorter = TracebackType(shorter, link.tb_frame, link.tb_lasti, link.tb_lineno)
    return shorter, len(links) - len(kept)


def _kept(links: list[TracebackType]) -> list[TracebackType]:
    """The frames that are not rushlight's, nor Python's own between two of rushlight's."""
    kept: list[TracebackType] = []
    between: list[TracebackType] = []
    inside = False
    for link in links:
        if _is_own(link):
            inside, between = True, []
        elif inside and _is_pythons(link):
            between.append(link)
        else:
            kept += [*between, link]
            inside, between = False, []
    return [*kept, *between]


def _is_pythons(link: TracebackType) -> bool:
    file = link.tb_frame.f_code.co_filename
    return file.startswith(("<frozen ", _STDLIB)) and "site-packages" not in file


def _is_own(link: TracebackType) -> bool:
    return link.tb_frame.f_code.co_filename.startswith(HERE + os.sep)


def _raises(link: TracebackType) -> bool:
    """Whether the line is a `raise`, and not something that failed."""
    code = link.tb_frame.f_code
    return linecache.getline(code.co_filename, link.tb_lineno).lstrip().startswith("raise")
