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
# Namespaces that consist of such names, those of functions that ask `__torch_function__`, and rooms that
# say mostly no.
NAMESPACES = (
    *("nn.utils", "optim", "optim.lr_scheduler", "sparse", "utils.data", "vision.datasets"),
    *("vision.models", "vision.ops", "vision.transforms", "vision.transforms.functional"),
    *("vision.transforms.v2", "vision.transforms.v2.functional"),
)
ASKING = ("torch", "fft", "linalg", "nn.functional", "special")
ABSENT = (
    *("_C", "accelerator", "cuda", "distributed", "distributed.distributed_c10d", "mps", "xpu"),
    *(
        "ao.nn.quantized",
        "ao.quantization",
        "masked",
        "nested",
        "nn.intrinsic",
        "nn.qat",
        "nn.quantizable",
    ),
    *("nn.quantized", "package", "quantization", "utils", "utils.benchmark"),
    *(f"backends.{name}" for name in ("cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp")),
)
# What torch has in C, or in a file of Python, and printed graphs and their code therefore call by another
# name: `torch._C._linalg.linalg_det`, `torch.functional.einsum`. (namespace, prefix, names or all).
ALIASES = {
    "_C._fft": ("fft", "fft_", ()),
    "_C._linalg": ("linalg", "linalg_", ()),
    "_C._special": ("special", "special_", ()),
    "_C._sparse": ("sparse", "_sparse_", ("addmm", "log_softmax", "mm", "softmax")),
    "functional": (
        "torch",
        "",
        (
            *("atleast_1d", "atleast_2d", "atleast_3d", "block_diag", "broadcast_shapes"),
            *("broadcast_tensors", "cartesian_prod", "cdist", "chain_matmul", "einsum", "lu"),
            *(
                "istft",
                "meshgrid",
                "norm",
                "pca_lowrank",
                "split",
                "svd_lowrank",
                "stft",
                "tensordot",
                "unique",
                "unique_consecutive",
            ),
            "unravel_index",
        ),
    ),
}


class Name(NamedTuple):
    """What `room` calls `name` stands in `place` as `shown`; `of` is what an in-place form is made of.

    mark is "*" for what torch writes in Python, "!" for what never asks `__torch_function__`, "~" for what
    asks modes alone.
    """

    room: str
    name: str
    place: str
    shown: str
    of: tuple[str, str] | None = None
    mark: str = ""

    @property
    def asks(self) -> bool:
        """Whether it is a function that asks `__torch_function__`: no class, and no switch."""
        operation = self.room.startswith(("ops.", "nn.functional"))
        named = self.shown[0].islower() or self.shown == "_assert"  # which stays in graphs
        return operation and self.mark != "!" and named


def read() -> list[Name]:
    """The table, an entry for each place of each name."""
    entries, room, name = [], "", ""
    for line in TABLE.read_text().splitlines():
        words = line.partition("#")[0].split()
        if words and not line.startswith(" "):
            name = words.pop(0)
            room = name[1:-1] if name.startswith("[") else room
        for where in words:
            mark = where[-1] if where[-1] in "*!~" else ""
            place, _, shown = where.removesuffix(mark).partition("=")
            if place.endswith("_"):
                form = f"{name}_"
                entries.append(Name("ops.overwriting", form, place[:-1], form, (room, name), mark))
            else:
                entries.append(Name(room, name, place, shown or name, None, mark))
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
        name = f"{last}_room" if last in taken else last
        if name in known.values():
            name = f"{parent.rpartition('.')[2]}_{last}"
        known[room] = name
        renamed = f" as {name}" if name != last else ""
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


def own(maker: str, entry: Name, room: str, *words: str) -> str:
    """The line that makes a public name a function of its own."""
    manner = {"*": ', "spelled"', "~": ', "modes only"'}.get(entry.mark, "")
    quoted = ", ".join((*words, f'"{entry.shown}"'))
    opening, arguments = f"{entry.shown} = {maker}(", f"{room}.{entry.name}, {quoted}{manner}"
    line = f"{opening}{arguments})\n"
    return line if len(line) <= WIDTH else f"{opening}\n    {arguments},\n)\n"


def public(place: str, entries: list[Name]) -> str:
    """The functions of a namespace that ask `__torch_function__`."""
    made = f"public.{place}" if place != "nn.functional" else "nn.functional.public"
    asking = [e for e in entries if e.place == place and e.asks and home_of(e, entries) == made]
    text, known = rooms(asking, {entry.shown for entry in asking})
    text += "from rushlight.overriding.functions import public\n"
    text += f'\nHOME = "rushlight{"" if place == "torch" else f".{place}"}"\n\n'
    return text + "".join(own("public", e, known[e.room], "HOME") for e in asking)


def asking(place: str, entries: list[Name]) -> list[Name]:
    """The entries of a namespace, whose functions that ask are imported from where they are made."""

    def source(entry: Name) -> Name:
        return (
            entry._replace(room=home_of(entry, entries), name=entry.shown) if entry.asks else entry
        )

    return [source(entry) for entry in entries if entry.place == place]


def home_of(entry: Name, entries: list[Name]) -> str:
    """Where a public function is made: torch has some functions of torch in nn.functional too."""
    if (
        entry.place == "nn.functional"
        and not entry.mark
        and entry._replace(place="torch") in entries
    ):
        return "public.torch"
    return {"nn.functional": "nn.functional.public"}.get(entry.place, f"public.{entry.place}")


def namespace(place: str, entries: list[Name]) -> str:
    """The text of a namespace: imports and `__all__`."""
    own = [entry for entry in entries if entry.place == place]
    return imports(own) + "\n" + exported(entry.shown for entry in own)


def aliases(place: str, entries: list[Name]) -> str:
    """The text of a module that has functions of a namespace under the names that graphs show."""
    namespace, prefix, chosen = ALIASES[place]
    own = {entry.shown for entry in entries if entry.place == namespace and entry.shown.islower()}
    room = "" if namespace == "torch" else namespace
    found = [
        Name(room, name, place, prefix + name)
        for name in sorted(own)
        if not chosen or name in chosen
    ]
    return (
        imports(found).replace("rushlight. ", "rushlight ")
        + "\n"
        + exported(n.shown for n in found)
    )


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
    text += "from rushlight.overriding.functions import method\n"
    text += '\n\nclass ListedMethods:\n    """Mixed into Tensor."""\n\n    __slots__ = ()\n'
    homes: dict[str, list[str]] = {}
    for entry in listed:
        line = f"{entry.shown} = {known[entry.room]}.{entry.name}\n"
        if entry.mark != "!":
            line = own("method", entry, known[entry.room])
        line = textwrap.indent(line, "    ")
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
        "": imports(asking("torch", entries)),
        "nn": imports(layers),
        "nn.modules": namespace("nn", entries),
        **{place: namespace(place, entries) for place in NAMESPACES},
        **{place: namespace(place, asking(place, entries)) for place in ASKING[1:]},
        **{
            f"public.{place}": public(place, entries)
            for place in ASKING
            if place != "nn.functional"
        },
        "nn.functional.public": public("nn.functional", entries),
        **{place: imported(place, entries) for place in ABSENT},
        **{place: aliases(place, entries) for place in ALIASES},
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
