"""What `rushlight run` can be asked to watch while a program runs: a row for each option."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, NoReturn


class Watcher:
    """Watches one program: made before it starts, asked once to begin and once to report.

    What can be known beforehand is refused in the constructor, by `refuse`; what goes wrong later is
    said in one line, and the program goes on.
    """

    def __init__(self, value: Any) -> None:
        raise NotImplementedError

    def watch(self) -> None:
        """Begin; the program starts next."""

    def report(self) -> None:
        """The program has ended, by an error perhaps: write and say what was seen."""


def target(option: str, path: Path, problem: str | None) -> Path:
    """Where an option's file goes; refused, in one line, where there is a problem."""
    if problem is not None:
        refuse(f"--{option} {path}: {problem}")
    # A program may go to another folder.
    return path.absolute()


class Option(NamedTuple):
    """An option of `rushlight run`: what follows it (None: nothing does), its help, and its watcher.

    more: a second option that the watcher takes, with what follows that and its help.
    """

    metavar: str | None
    help: str
    module: str
    watcher: str
    more: tuple[str, str, str] | None = None


OPTIONS = {
    "profile": Option(
        None,
        "print where the time goes: by operation, module and line, beside the machine's limits",
        "rushlight.cli.profiling",
        "Profiling",
    ),
    "flame": Option(
        "FILE",
        "draw where the time goes: .svg, .html, or .json for speedscope.app",
        "rushlight.cli.profiling",
        "Flame",
    ),
    "draw": Option(
        "FILE",
        "draw the graph of the script's first backward: .svg, .png, .pdf or .dot",
        "rushlight.cli.drawing",
        "FirstBackward",
    ),
    "doctor": Option(
        None,
        "say in words what is wrong with the script's training, where, and what to try",
        "rushlight.cli.doctoring",
        "Doctoring",
    ),
    "page": Option(
        "FILE",
        "write an HTML file to step through a training step of the script",
        "rushlight.cli.paging",
        "OneStep",
        ("page-step", "N", "the step that --page shows (default 1: the first)"),
    ),
}


def watchers(values: dict[str, Any]) -> list[Watcher]:
    """The watchers of the options that were given."""
    found = []
    for name, option in OPTIONS.items():
        more = [] if option.more is None else [values.get(option.more[0].replace("-", "_"))]
        if values.get(name) in (None, False):
            if option.more is not None and more != [None]:
                refuse(f"--{option.more[0]} is about --{name}: add --{name} {option.metavar}")
            continue
        watcher = getattr(import_module(option.module), option.watcher)
        found.append(watcher(values[name], *(one for one in more if one is not None)))
    return found


def cannot_be_written(path: Path) -> str | None:
    """Why no file can be written there, as far as that is known beforehand."""
    folder = path.absolute().parent
    if path.is_dir():
        return "this is a folder: name a file in it"
    if not folder.is_dir():
        return f"there is no folder {path.parent}"
    return (
        None if os.access(path if path.exists() else folder, os.W_OK) else "this cannot be written"
    )


def refuse(problem: str, status: int = 2) -> NoReturn:
    """End with one line that says what is wrong."""
    print(f"rushlight run: {problem}", file=sys.stderr)
    raise SystemExit(status)


def say(line: str) -> None:
    """A line to the user, beside what the program prints."""
    print(f"rushlight: {line}", file=sys.stderr)
