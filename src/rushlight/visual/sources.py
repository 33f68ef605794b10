"""The very lines of rushlight in which a row stands: its entry in the table, its forward, its rules."""

from __future__ import annotations

import ast
import functools
import inspect
import os
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rushlight.core.tensor import HERE

if TYPE_CHECKING:
    from rushlight.core.row import Primitive


class Source(NamedTuple):
    """Lines of a file, and what they are."""

    title: str
    file: str
    line: int
    text: str


def sources_of(row: Primitive) -> list[Source]:
    """The entry of a row in the table, and the functions that it names, in the order in which they run."""
    found = [entry] if (entry := _entry(row.name)) is not None else []
    given = row.vjp or ()
    rules = (given,) if callable(given) else given
    for title, function in (("forward", row.forward), *(("rule", rule) for rule in rules if rule)):
        source = source_of(function, title)
        if source is not None and all(source.line != other.line for other in found):
            found.append(source)
    return found


def source_of(function: Callable[..., Any] | None, title: str) -> Source | None:
    """The definition of a function of rushlight's; None for lambdas, which stand in what they are part of."""
    function = inspect.unwrap(function) if function is not None else None
    code = getattr(function, "__code__", None)
    if code is None or code.co_name == "<lambda>" or not code.co_filename.startswith(HERE):
        return None
    for node in ast.walk(_parsed(code.co_filename)):
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if first == code.co_firstlineno:
                return Source(
                    title, _shown(code.co_filename), first, _cut(code.co_filename, first, node)
                )
    return None


@functools.cache
def _parsed(file: str) -> ast.Module:
    return ast.parse(Path(file).read_text(encoding="utf-8"))


def _cut(file: str, first: int, node: ast.stmt) -> str:
    lines = Path(file).read_text(encoding="utf-8").splitlines()
    return textwrap.dedent("\n".join(lines[first - 1 : node.end_lineno]))


def _shown(file: str) -> str:
    return os.path.join("rushlight", os.path.relpath(file, HERE)).replace(os.sep, "/")


@functools.cache
def _entry(name: str) -> Source | None:
    """The statement that makes the row of this name."""
    called = re.compile(rf"= \w+\(\s*\"{re.escape(name)}\"")
    for path in sorted((Path(HERE) / "primitives").glob("*.py")):
        file = str(path)
        if called.search(path.read_text(encoding="utf-8")) is None:
            continue
        for statement in _parsed(file).body:
            if called.search(entry := _cut(file, statement.lineno, statement)):
                return Source("row", _shown(file), statement.lineno, entry)
    return None
