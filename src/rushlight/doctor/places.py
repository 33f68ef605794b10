"""Lines of the program: which one is running, what stands there, and by what names."""

from __future__ import annotations

import ast
import functools
import itertools
import linecache
import os
import re
import sys
import sysconfig
from types import CodeType, FrameType
from typing import Any, NamedTuple

from rushlight.caller import HERE

_LIBRARIES = tuple(
    {os.path.realpath(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib")}
)
OWN, LIBRARY, USER = range(3)
_kinds: dict[str, int] = {}


class Place(NamedTuple):
    """A line of a file."""

    file: str
    line: int

    @property
    def source(self) -> str:
        """What stands there."""
        return linecache.getline(self.file, self.line).strip()

    def __str__(self) -> str:
        near = os.path.relpath(self.file) if os.path.isabs(self.file) else self.file
        return f"{self.file if near.startswith('..') else near}:{self.line}"


def kind_of(file: str) -> int:
    """Whether a file is rushlight's own, a library's, or the user's."""
    kind = _kinds.get(file)
    if kind is None:
        if file.startswith((HERE, "<frozen")):
            kind = OWN
        elif os.path.realpath(file).startswith(_LIBRARIES) or file.startswith("<__array"):
            kind = LIBRARY
        else:
            kind = USER
        _kinds[file] = kind
    return kind


def here() -> Place:
    """The user's line that is running; a library's where there is none of the user's."""
    first = None
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        kind = kind_of(file)
        if kind == USER:
            return Place(file, frame.f_lineno)
        if kind == LIBRARY and first is None:
            first = frame
        frame = frame.f_back
    return Place(first.f_code.co_filename, first.f_lineno) if first else Place("?", 0)


def calls_of_users() -> list[tuple[Place, str, str]]:
    """The user's calls that are running, the innermost first: where, as written, and in which function."""
    found = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if kind_of(code.co_filename) == USER:
            place = Place(code.co_filename, frame.f_lineno)
            found.append((place, _written(code, frame.f_lasti, place), code.co_name))
            if code.co_name == "<module>":
                break
        frame = frame.f_back
    return found


@functools.lru_cache(10_000)
def _written(code: CodeType, instruction: int, place: Place) -> str:
    """What of a line an instruction was made of."""
    where = next(itertools.islice(code.co_positions(), instruction // 2, None), None)
    line = linecache.getline(place.file, place.line)
    if where is None or where[0] != place.line or where[2] is None or where[3] is None:
        return line
    end = where[3] if where[1] == where[0] else len(line)
    return line.encode()[where[2] : end].decode(errors="replace")


def asked(function: str) -> dict[str, Any] | None:
    """The variables of the function of this name, of rushlight's own, that is running."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and kind_of(frame.f_code.co_filename) == OWN:
        if frame.f_code.co_name == function:
            return frame.f_locals
        frame = frame.f_back
    return None


@functools.cache
def _loops(file: str) -> list[tuple[int, int, str]]:
    """First and last line of each loop of a file, with what it goes over."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):
        return []
    return [
        (node.lineno, node.end_lineno or node.lineno, ast.unparse(node.iter))
        for node in ast.walk(tree)
        if isinstance(node, ast.For)
    ]


_TESTS = {"test", "tests", "testing", "val", "valid", "validation", "validate", "holdout", "dev"}
_TRAINS = {"train", "training", "trn"}


def said_to_test(calls: list[tuple[Place, str, str]]) -> bool:
    """Whether the program itself calls what it does there testing: by the nearest name that says which."""
    for place, written, function in calls:
        loops = [
            (last - first, over)
            for first, last, over in _loops(place.file)
            if first <= place.line <= last
        ]
        for text in (written, *(over for _, over in sorted(loops)), function):
            said = re.sub(r"(['\"]).*?\1|#.*|\.\s*(eval|train)\(\w*\)", "", text)
            words = {part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", said)}
            if bool(words & _TRAINS) != bool(words & _TESTS):
                return bool(words & _TESTS)
    return False
