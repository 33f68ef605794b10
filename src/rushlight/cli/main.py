"""Reads the command line and hands over to the subcommand's module."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Sequence
from typing import NoReturn

from rushlight.version import RUSHLIGHT

COMMANDS = ("run", "export", "info")

_EXAMPLES = """\
examples:
  rushlight run train.py --epochs 3       a script, with its own arguments
  rushlight run -m package.train          a module
  rushlight run --draw graph.svg train.py draws the graph of its first backward
  rushlight export -o out script.py       what the script exports, as C files in out/
  rushlight info                          what this installation computes with
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """End with the message, and where to read more."""
        print(f"{self.prog}: {message} ({self.prog} --help)", file=sys.stderr)
        raise SystemExit(2)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="rushlight",
        description="PyTorch's interface built from scratch on NumPy.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"rushlight {RUSHLIGHT}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    run = commands.add_parser(
        "run",
        help="run a PyTorch script on rushlight",
        usage="rushlight run [--draw FILE] SCRIPT [arguments]\n"
        "       rushlight run [--draw FILE] -m MODULE [arguments]",
        description="Runs a Python script in which `torch` and `torchvision` mean rushlight. A torch "
        "installed beside it is not touched.",
    )
    run.add_argument(
        "--draw",
        metavar="FILE",
        help="draw the graph of the script's first backward: .svg, .png, .pdf or .dot",
    )
    run.add_argument("-m", dest="module", action="store_true", help="SCRIPT names a module")
    run.add_argument("script", metavar="SCRIPT", nargs="?")
    run.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="for the script")

    export = commands.add_parser(
        "export",
        help="write what a script exports as C that stands alone",
        usage="rushlight export [-o DIR] [--wasm] SCRIPT [arguments]",
        description="Runs a script like `rushlight run`; each rushlight.compiler.export(model, inputs, "
        "'NAME.c') that it calls writes C with its weights, which needs a C compiler and nothing else.",
    )
    export.add_argument(
        "-o", dest="folder", metavar="DIR", help="the folder for NAME.c (default: here)"
    )
    export.add_argument(
        "--wasm",
        action="store_true",
        help="build WebAssembly, too, and a page to draw on for images",
    )
    export.add_argument("script", metavar="SCRIPT")
    export.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="for the script")

    commands.add_parser("info", help="print versions, BLAS, threads and the C compiler found")
    return parser


def _check_command(arguments: Sequence[str]) -> None:
    """Raise SystemExit for a first word that is no command."""
    first = arguments[0] if arguments else "-"
    if first.startswith("-") or first in COMMANDS:
        return
    if first.endswith(".py"):
        meant = f": write rushlight run {first}"
    else:
        close = difflib.get_close_matches(first, COMMANDS, n=1)
        meant = f": is {close[0]!r} meant?" if close else f"; there is {' and '.join(COMMANDS)}"
    print(f"rushlight: there is no command {first!r}{meant} (rushlight --help)", file=sys.stderr)
    raise SystemExit(2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _check_command(given)
    parser = _parser()
    options = parser.parse_args(given)
    if options.command is None:
        parser.print_help()
    elif options.command == "info":
        from rushlight.cli.info import info

        print(info())
    elif options.command == "export":
        from rushlight.cli.export import export

        export(options.script, options.arguments, folder=options.folder, wasm=options.wasm)
    else:
        from rushlight.cli.run import refuse, run

        if options.script is None:
            refuse("name a script, or a module after -m (rushlight run --help)")
        run(options.script, options.arguments, module=options.module, draw=options.draw)
    return 0
