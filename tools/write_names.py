"""Write the lists of public names from `names.txt` into the tree.

    python tools/write_names.py

What is written is ordinary Python with explicit imports; a test holds that writing changes nothing.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

TABLE = Path(__file__).parent / "names.txt"
SOURCE = TABLE.parents[1] / "src" / "rushlight"
BEGIN, END = "# ---- names: begin ----\n", "# fmt: on\n# ---- names: end ----\n"
NOTE = "# Written by tools/write_names.py from tools/names.txt: change those.\n# fmt: off\n"
WIDTH = 100
# Namespaces that consist of such names, and rooms that say mostly no.
NAMESPACES = (
    *("fft", "linalg", "nn.functional", "nn.utils", "optim", "optim.lr_scheduler", "sparse"),
    *("special", "utils.data", "vision.datasets", "vision.models", "vision.transforms"),
    "vision.transforms.functional",
)
ABSENT = (
    *("_C", "accelerator", "cuda", "distributed", "distributed.distributed_c10d", "mps", "xpu"),
    *(f"backends.{name}" for name in ("cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp")),
)


class Name(NamedTuple):
    """What `room` calls `name` stands in `place` as `shown`; `of` is what an in-place form is made of."""

    room: str
    name: str
    place: str
    shown: str
    of: tuple[str, str] | None = None


def read() -> list[Name]:
    """The table, an entry for each place of each name."""
    entries, room, name = [], "", ""
    for line in TABLE.read_text().splitlines():
        words = line.partition("#")[0].split()
        if words and not line.startswith(" "):
            name = words.pop(0)
            room = name[1:-1] if name.startswith("[") else room
        for where in words:
            place, _, shown = where.partition("=")
            if place.endswith("_"):
                form = f"{name}_"
                entries.append(Name("ops.overwriting", form, place[:-1], form, (room, name)))
            else:
                entries.append(Name(room, name, place, shown or name))
    return entries


# ---- pieces of Python ----------------------------------------------------------------------------


def in_order(shown: Iterable[str]) -> list[str]:
    """Sorted as ruff has it: constants, classes, the rest; and numbers in them by size."""

    def key(name: str) -> tuple[int, list[tuple[str, int]]]:
        kind = 0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2
        return kind, [(text, int(number or -1)) for text, number in re.findall(r"(\D+)(\d*)", name)]

    return sorted(shown, key=key)


def filled(opening: str, words: list[str], closing: str) -> str:
    """The words in lines as long as they may be, between the opening and the closing line."""
    text = ", ".join(word.replace(" ", "~") for word in words)  # `a as b` is not to be torn
    lines = textwrap.fill(text, WIDTH, initial_indent="    ", subsequent_indent="    ")
    return f"{opening}\n{lines.replace('~', ' ')},\n{closing}\n"


def imports(entries: Iterable[Name]) -> str:
    """One import statement for each room."""
    words_of: dict[str, set[str]] = {}
    for entry in entries:
        renamed = "" if entry.shown == entry.name else f" as {entry.shown}"
        words_of.setdefault(entry.room, set()).add(entry.name + renamed)
    text = ""
    for room, words in sorted(words_of.items()):
        line = f"from rushlight.{room} import {', '.join(sorted(words))}\n"
        opening = f"from rushlight.{room} import ("
        text += line if len(line) <= WIDTH + 1 else filled(opening, sorted(words), ")")
    return text


def exported(shown: Iterable[str]) -> str:
    """The list `__all__`."""
    return filled("__all__ = [", [f'"{name}"' for name in in_order(shown)], "]")


def rooms(
    entries: Iterable[Name | tuple[str, str]], taken: Iterable[str]
) -> tuple[str, dict[str, str]]:
    """Imports of whole rooms, and what each is called where names that are taken are in the way."""
    known, parents = {}, {}
    for room in sorted({entry[0] for entry in entries}):
        parent, _, last = f"rushlight.{room}".rpartition(".")
        known[room] = f"{last}_room" if last in taken else last
        renamed = f" as {known[room]}" if last in taken else ""
        parents.setdefault(parent, []).append(last + renamed)
    text = ""
    for parent, words in sorted(parents.items()):
        line = f"from {parent} import {', '.join(words)}\n"
        text += line if len(line) <= WIDTH + 1 else filled(f"from {parent} import (", words, ")")
    return text, known


# ---- files ---------------------------------------------------------------------------------------


def imported(place: str, entries: Iterable[Name]) -> str:
    """The imports of what stands in a place."""
    return imports(entry for entry in entries if entry.place == place)


def namespace(place: str, entries: list[Name]) -> str:
    """The text of a namespace: imports and `__all__`."""
    own = [entry for entry in entries if entry.place == place]
    return imports(own) + "\n" + exported(entry.shown for entry in own)


def overwriting(entries: list[Name]) -> str:
    """Every in-place form that `inplace` makes, by room."""
    made = sorted({entry.of for entry in entries if entry.of is not None})
    text, known = rooms(made, ())
    text += "from rushlight.ops.inplace import inplace\n"
    for home, room in known.items():
        lines = (f"{name}_ = inplace({room}.{name})\n" for own, name in made if own == home)
        text += "\n" + "".join(lines)
    return text


def methods(entries: list[Name]) -> str:
    """The class of all methods that are functions of a room, in-place forms beside their functions."""
    listed = [entry for entry in entries if entry.place == "Tensor"]
    text, known = rooms(listed, {entry.shown for entry in listed})
    text += '\n\nclass ListedMethods:\n    """Mixed into Tensor."""\n\n    __slots__ = ()\n'
    homes: dict[str, list[str]] = {}
    for entry in listed:
        line = f"    {entry.shown} = {known[entry.room]}.{entry.name}\n"
        homes.setdefault((entry.of or entry)[0], []).append(line)
    return text + "".join("\n" + "".join(sorted(lines)) for _, lines in sorted(homes.items()))


def file_of(place: str) -> Path:
    """The file of a module."""
    path = SOURCE / place.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def texts() -> dict[Path, str]:
    """What every written file is to hold, whole or between its two marks."""
    entries = read()
    layers = [entry._replace(room="nn.modules") for entry in entries if entry.place == "nn"]
    blocks = {
        "": imported("torch", entries),
        "nn": imports(layers),
        "nn.modules": namespace("nn", entries),
        **{place: namespace(place, entries) for place in NAMESPACES},
        **{place: imported(place, entries) for place in ABSENT},
        "ops.overwriting": overwriting(entries),
        "methods.listed": methods(entries),
    }
    whole = {}
    for name, block in blocks.items():
        path = file_of(name)
        before, _, rest = path.read_text().partition(BEGIN)
        whole[path] = before + BEGIN + NOTE + block + END + rest.partition(END)[2]
    return whole


if __name__ == "__main__":
    for path, text in texts().items():
        path.write_text(text)
