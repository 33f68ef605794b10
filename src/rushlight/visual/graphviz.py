"""Graphviz, which lays pictures out: the one that the package pygraphviz brings, or the program `dot`.

It runs in a process of its own: it writes warnings past Python, and a graph that is too deep for it takes
no one with it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from html import escape
from importlib.util import find_spec

from rushlight.errors import MissingExtraError

KINDS = ("svg", "png", "pdf")
# Reads DOT, writes the picture.
_SCRIPT = """
import sys
sys.path.append(sys.argv[1])
import pygraphviz
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
sys.stdout.buffer.write(graph.draw(format=sys.argv[2], prog="dot"))
"""
_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
<include ignore_missing="yes">{usual}</include>
<dir>{fonts}</dir>
<cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
"""


class GraphvizNotFoundError(MissingExtraError):
    """Graphviz, which lays out pictures, is not on this machine."""


class DrawingError(RuntimeError):
    """Graphviz could not draw."""


def picture(source: str, kind: str) -> bytes:
    """The picture of a graph in DOT, as the bytes of a file of that kind.

    Raises GraphvizNotFoundError if there is no Graphviz, DrawingError with its words if it fails.
    """
    command = _command(kind)
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            command, input=source.encode(), capture_output=True, env=_with_fonts(folder)
        )
    if run.returncode or not run.stdout:
        words = run.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise DrawingError(f"Graphviz ended with status {run.returncode}: {words[-1]}")
    return run.stdout


def problem(kind: str) -> str | None:
    """Why no picture of that kind can be drawn here, if so: a small one is tried."""
    try:
        picture('digraph { a [label="a"] }', kind)
    except (MissingExtraError, DrawingError, OSError) as error:
        return str(error)
    return None


def _with_fonts(folder: str) -> dict[str, str]:
    """The environment, in which matplotlib's fonts are found, too: many containers have none of their own."""
    found = find_spec("matplotlib")
    if found is None or found.origin is None or not sys.platform.startswith("linux"):
        return dict(os.environ)
    fonts = os.path.join(os.path.dirname(found.origin), "mpl-data", "fonts", "ttf")
    usual = os.environ.get("FONTCONFIG_FILE", "/etc/fonts/fonts.conf")
    file = os.path.join(folder, "fonts.conf")
    with open(file, "w", encoding="utf-8") as settings:
        settings.write(_FONTS.format(usual=escape(usual), fonts=escape(fonts)))
    return {**os.environ, "FONTCONFIG_FILE": file}


def _command(kind: str) -> list[str]:
    found = find_spec("pygraphviz")
    if found is not None and found.origin is not None and sys.executable:
        folder = os.path.dirname(os.path.dirname(found.origin))
        return [sys.executable, "-I", "-c", _SCRIPT, folder, kind]
    program = shutil.which("dot")
    if program is None:
        raise GraphvizNotFoundError(
            f"a drawing becomes {kind} through Graphviz, which is not installed. It comes with: "
            'python -m pip install "rushlight[draw]" (or as the program `dot`); a .dot file needs nothing'
        )
    return [program, f"-T{kind}"]
