"""Runs the programs beside this file, which are written for torch, on rushlight under the doctor."""

import contextlib
import io
import re
import warnings
from pathlib import Path

from rushlight.doctor import watch

HERE = Path(__file__).parent


def marks(path):
    """Which finding is to be at which line: `# doctor: KIND`."""
    lines = path.read_text().splitlines()
    return {
        (kind, number)
        for number, line in enumerate(lines, 1)
        for kind in line.partition("# doctor:")[2].split()
    }


def code_of(path):
    """A program whose `torch` is rushlight, line by line the same."""
    text = re.sub(r"^import torch$", "import rushlight as torch", path.read_text(), flags=re.M)
    text = re.sub(r"^(\s*)import torch\.([\w.]+) as", r"\1import rushlight.\2 as", text, flags=re.M)
    text = re.sub(r"^(\s*)from torch\b", r"\1from rushlight", text, flags=re.M)
    return compile(text, str(path), "exec")


def examined(path):
    """The report of a program that may end in an error."""
    held = None
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with watch() as held:
                exec(code_of(path), {"__name__": "__main__", "__file__": str(path)})
        except Exception as error:
            held.error = error
    return held
