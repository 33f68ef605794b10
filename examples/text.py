"""Text for the examples that write: English that every Python brings along, or a file."""

from __future__ import annotations

import ast
import sysconfig
from pathlib import Path

import torch

# Modules whose documentation is long and reads well.
MODULES = (
    "argparse", "calendar", "collections/__init__", "copy", "datetime", "decimal", "difflib", "doctest", "enum",
    "fractions", "functools", "heapq", "inspect", "logging/__init__", "optparse", "pathlib", "random", "shutil",
    "socketserver", "statistics", "string", "subprocess", "tempfile", "textwrap", "threading", "turtle",
    "unittest/case", "urllib/request", "zipfile",
)  # fmt: skip


def docstrings(modules: tuple[str, ...] = MODULES) -> list[tuple[str, str]]:
    """(name, docstring) of what is defined in modules of the standard library; nothing is imported."""
    found = []
    for module in modules:
        path = Path(sysconfig.get_path("stdlib"), f"{module}.py")
        if not path.exists():
            continue  # another version of Python has it elsewhere
        short = module.removesuffix("/__init__").replace("/", ".")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                told = ast.get_docstring(node)
                name = getattr(node, "name", "")
                if told and not name.startswith("_"):
                    found.append((f"{short}.{name}".rstrip("."), told))
    return found


class Text:
    """A text as numbers: `data`, and back by `spell`."""

    def __init__(self, data: Path | None) -> None:
        text = data.read_text(encoding="utf-8") if data else "\n\n".join(t for _, t in docstrings())
        # What is rare, a sign of some other script, would be a letter of its own.
        self.text = "".join(c for c in text if c == "\n" or " " <= c <= "~")
        self.letters = sorted(set(self.text))
        self.number = {letter: i for i, letter in enumerate(self.letters)}
        self.data = torch.tensor([self.number[c] for c in self.text])

    def batch(self, count: int, length: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Pieces from anywhere, and the same, one letter further."""
        begins = torch.randint(len(self.data) - length - 1, (count, 1))
        pieces = self.data[begins + torch.arange(length + 1)]
        return pieces[:, :-1], pieces[:, 1:]

    def spell(self, numbers: list[int]) -> str:
        """The letters that the numbers stand for."""
        return "".join(self.letters[i] for i in numbers)
