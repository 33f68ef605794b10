"""A page of Markdown as cells: text, code, what the code prints, the picture that it draws.

A block of Python may be followed at once by a block of text, what it prints, and by a picture, what it
draws; one of `python train.py` is a file of that name. A block of `console` is a command behind `$ `, and
what it prints. `unchecked` behind `text` or `console` says that another machine or minute prints something
else. A comment such as `<!-- quick: steps = 400: steps = 20 -->` says how the code is changed where
there is little time.
"""

from __future__ import annotations

import contextlib
import io
import linecache
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_BLOCK = re.compile(
    r"^```python(?: (?P<file>\w+\.py))?\n(?P<code>.*?)^```\n"
    r"(?:\n*^```text(?P<how>[^\n]*)\n(?P<printed>.*?)^```\n)?"
    r"(?:\n*^!\[(?P<told>[^\]]*)\]\((?P<picture>[^)]*)\)\n)?"
    r"|^```console(?P<how_told>[^\n]*)\n\$ (?P<command>[^\n]*)\n(?P<answer>.*?)^```\n",
    re.M | re.S,
)
_QUICK = re.compile(r"^<!-- quick: (.*?): (.*?) -->\n", re.M)
_NUMBER = re.compile(r"-?\d+\.\d+(?:e[+-]?\d+)?|-?\d+e[+-]?\d+")


@dataclass
class Cell:
    """A piece of a page: text, or code, a file or a command with what comes of it."""

    text: str = ""
    code: str = ""
    file: str | None = None
    command: str = ""
    printed: str | None = None
    checked: bool = True
    picture: str | None = None
    told: str = ""


def cells(page: str) -> Iterator[Cell]:
    """The cells of a page, in order."""
    at = 0
    for found in _BLOCK.finditer(page):
        if text := page[at : found.start()].strip("\n"):
            yield Cell(text=text)
        how = found["how"] or found["how_told"] or ""
        yield Cell(
            code=found["code"] or "",
            file=found["file"],
            command=found["command"] or "",
            printed=found["printed"] if found["code"] else found["answer"],
            checked="unchecked" not in how,
            picture=found["picture"],
            told=found["told"] or "",
        )
        at = found.end()
    if text := page[at:].strip("\n"):
        yield Cell(text=text)


def shortened(page: str) -> str:
    """The page with the small sizes of its comments."""
    for before, after in _QUICK.findall(page):
        if before not in page.replace(f"quick: {before}:", ""):
            raise ValueError(f"there is no {before!r} in the page")
        page = re.sub(rf"(?<!quick: ){re.escape(before)}", after, page)
    return page


def without_comments(page: str) -> str:
    """The page as readers see it."""
    return _QUICK.sub("", page)


def run(code: str, space: dict[str, Any]) -> str:
    """What the code prints; its lines can be looked up, as those of a notebook can."""
    out = io.StringIO()
    space["_cell"] = number = space.get("_cell", 0) + 1
    name = f"cell-{number}"
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    with contextlib.redirect_stdout(out):
        exec(compile(code, name, "exec"), space)
    return out.getvalue()


def answer(command: str) -> str:
    """What a command of rushlight prints, in this folder."""
    words = shlex.split(command)
    if words[0] != "rushlight":
        raise ValueError(f"not a command of rushlight: {command}")
    done = subprocess.run(
        [sys.executable, "-m", *words], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def alike(printed: str, expected: str, tolerance: float = 0.02) -> bool:
    """Whether two texts are the same but for the last digits of their numbers."""
    if _NUMBER.sub("#", printed).split() != _NUMBER.sub("#", expected).split():
        return False
    pairs = zip(_NUMBER.findall(printed), _NUMBER.findall(expected), strict=True)
    return all(_near(a, b, tolerance) for a, b in pairs)


def _near(a: str, b: str, tolerance: float) -> bool:
    digits = 0 if "e" in a else len(a.partition(".")[2])
    least = 1.5 * 10.0**-digits if digits else 0.0
    return abs(float(a) - float(b)) <= max(least, tolerance * max(abs(float(a)), abs(float(b))))


def written(path: Path) -> str:
    """The page with what its code prints now; pictures that it draws are written to their places.

    Files of the page are written to the current folder, where its commands run.
    """
    from matplotlib import pyplot

    page = path.read_text()
    space: dict[str, Any] = {"__name__": "__main__"}
    made: list[str] = []
    at = 0
    for found in _BLOCK.finditer(page):
        made.append(page[at : found.start()])
        at = found.end()
        if found["command"]:
            shown = answer(found["command"]).strip("\n")
            made.append(f"```console{found['how_told']}\n$ {found['command']}\n{shown}\n```\n")
        elif found["file"]:
            Path(found["file"]).write_text(found["code"])
            made.append(f"```python {found['file']}\n{found['code']}```\n")
        else:
            printed = run(found["code"], space)
            made.append(f"```python\n{found['code']}```\n")
            if printed:
                made.append(f"\n```text{found['how'] or ''}\n{printed.rstrip()}\n```\n")
        if found["picture"]:
            _save(path.parent / found["picture"], space, found["code"])
            made.append(f"\n![{found['told']}]({found['picture']})\n")
        pyplot.close("all")
    return "".join([*made, page[at:]])


def _save(place: Path, space: dict[str, Any], code: str) -> None:
    """What the code drew: a drawing, or a figure of Matplotlib."""
    place.parent.mkdir(exist_ok=True)
    if "drawing = " in code:
        space["drawing"].save(place)
        return
    told = {"Date": None} if place.suffix == ".svg" else {"Software": None}
    space["figure"].savefig(place, dpi=110, metadata=told, bbox_inches="tight")
