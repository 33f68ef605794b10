"""The very lines in which a row stands: its entry in the table, its forward, its rules; or a user's Function."""

from __future__ import annotations

import ast
import functools
import inspect
import linecache
import os
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rushlight.autograd.function import Function
from rushlight.caller import HERE

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
    """The definition of a function; None for lambdas, which stand in what they are part of, and where no text is."""
    function = inspect.unwrap(function) if function is not None else None
    code = getattr(function, "__code__", None)
    if code is None or code.co_name == "<lambda>":
        return None
    try:
        tree = _parsed(code.co_filename)
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if first == code.co_firstlineno:
                return Source(
                    title, shown(code.co_filename), first, _cut(code.co_filename, first, node)
                )
    return None


def sources_of_function(cls: type[Function]) -> list[Source]:
    """What the user wrote of a Function: forward, setup_context if there is one, backward (or vjp)."""
    wanted = ("forward", "setup_context", "backward", "vjp")
    written = [name for name in wanted if getattr(cls, name) is not getattr(Function, name)]
    found = (source_of(getattr(cls, name), name) for name in written)
    return [source for source in found if source is not None]


@functools.cache
def _parsed(file: str) -> ast.Module:
    return ast.parse("".join(linecache.getlines(file)))


def _cut(file: str, first: int, node: ast.stmt) -> str:
    lines = linecache.getlines(file)[first - 1 : node.end_lineno]
    return textwrap.dedent("".join(lines)).rstrip("\n")


def shown(file: str) -> str:
    """A file by the name that one knows it by: within rushlight, or from the working folder on if it is there."""
    if file.startswith(HERE):
        return os.path.join("rushlight", os.path.relpath(file, HERE)).replace(os.sep, "/")
    relative = os.path.relpath(file) if os.path.isabs(file) else file
    return file if relative.startswith("..") else relative


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
                return Source("row", shown(file), statement.lineno, entry)
    return None
