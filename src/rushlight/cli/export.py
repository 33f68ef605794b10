"""`rushlight export`: a script is run, and what it exports is written where the command line says."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from rushlight.cli.run import run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its command line."""
    parser.usage = "rushlight export [-o DIR] [--wasm] SCRIPT [arguments]"
    parser.description = (
        "Runs a script like `rushlight run`; each rushlight.compiler.export(model, inputs, "
        "'NAME.c') that it calls writes C with its weights, which needs a C compiler and nothing else."
    )
    parser.add_argument(
        "-o", dest="folder", metavar="DIR", help="the folder for NAME.c (default: here)"
    )
    parser.add_argument(
        "--wasm",
        action="store_true",
        help="build WebAssembly, too, and a page to draw on for images",
    )
    parser.add_argument("script", metavar="SCRIPT")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="for the script")


def main(options: argparse.Namespace) -> int:
    """Export what the script of the command line exports."""
    export(options.script, options.arguments, folder=options.folder, wasm=options.wasm)
    return 0


def export(
    script: str, arguments: Sequence[str], *, folder: str | None = None, wasm: bool = False
) -> None:
    """Run a script with torch meaning rushlight; its `rushlight.compiler.export` write into a folder."""
    from rushlight.compiler.alone.asked import asked

    if not Path(script).exists():
        refuse(f"there is no file {script}", 2)
    asked.folder = None if folder is None else Path(folder).absolute()
    asked.wasm, asked.refuse = wasm, refuse
    run(script, arguments)
    if not asked.made:
        refuse(f"{script} has exported nothing: let it call rushlight.compiler.export", 1)
    for made in asked.made:
        for file in made.files:
            print(f"{file.stat().st_size:>12,}  {file}")


def refuse(problem: str, status: int = 1) -> NoReturn:
    """End with one line that says what is wrong."""
    print(f"rushlight export: {' '.join(problem.split())}", file=sys.stderr)
    raise SystemExit(status)
