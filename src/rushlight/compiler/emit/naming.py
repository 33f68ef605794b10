"""What things are called in the file, and the user's lines above its functions."""

from __future__ import annotations

import os
import re

from rushlight.compiler.emit import fragments as maths
from rushlight.compiler.emit.walks import VARIABLES
from rushlight.compiler.graph import Memory, Statement, Where
from rushlight.compiler.recording.errors import source

KEYWORDS = frozenset({
    "auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum", "extern",
    "float", "for", "goto", "if", "inline", "int", "long", "register", "restrict", "return", "short", "signed",
    "sizeof", "static", "struct", "switch", "typedef", "union", "unsigned", "void", "volatile", "while",
})  # fmt: skip


def identifiers(memories: list[Memory]) -> dict[int, str]:
    """A name in C for each memory."""
    taken = {*VARIABLES, *KEYWORDS, *maths.LIBM, "p", "n", "r", "begin", "end", "one", "take_sizes"}
    names = {}
    for memory in memories:
        base = re.sub(r"\W+", "_", memory.name).strip("_") or "memory"
        # Values within a loop are called so.
        base = re.sub(r"(_v\d+)$", r"\1_", base)
        if base[0].isdigit():
            base = "_" + base
        name, count = base, 1
        while name in taken:
            count += 1
            name = f"{base}_{count}"
        taken.add(name)
        names[id(memory)] = name
    return names


def comment(statements: list[Statement]) -> str:
    """The user's lines from which statements came."""
    lines: list[str] = []
    shown: set[Where] = set()
    for statement in statements:
        if statement.where in shown:
            continue
        shown.add(statement.where)
        lines.append(told(statement.where))
    return "/* " + "\n   ".join(lines) + " */"


def told(where: Where) -> str:
    """The user's line, for a comment."""
    line, back = where
    text = f"{os.path.basename(line[0])}:{line[1]}  {source(line)}"
    return ("backward of " if back else "") + text.replace("*/", "* /").replace("/*", "/ *")
