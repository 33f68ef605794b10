"""Reads the command line and hands over to the subcommand's module."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from rushlight.version import RUSHLIGHT

# Each is a module of this folder with `add_arguments(parser)` and `main(options)`, imported when it is asked for.
COMMANDS = {
    "run": "run a PyTorch script on rushlight",
    "export": "write what a script exports as C that stands alone",
    "explain": "explain an operation, module or optimizer: formula, derivative, example, source",
    "completion": "print a script that completes commands in bash, zsh or fish",
    "verify": "compare a script's losses, gradients and parameters with torch's",
    "info": "print versions, BLAS, threads and the C compiler found",
}

_EXAMPLES = """\
examples:
  rushlight run train.py --epochs 3       a script, with its own arguments
  rushlight run -m package.train          a module
  rushlight run --doctor train.py         says what is wrong with its training
  rushlight run --profile train.py        says where its time goes
  rushlight run --draw graph.svg train.py draws the graph of its first backward
  rushlight run --page step.html train.py a page to step through its first step
  rushlight verify train.py               compares its gradients with torch's
  rushlight explain softmax               formula, derivative, example, source
  rushlight export -o out script.py       what the script exports, as C in out/
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """End with the message, and where to read more."""
        self.exit(2, f"{self.prog}: {message} ({self.prog} --help)\n")


def parser_of(*filled: str | None) -> argparse.ArgumentParser:
    """The parser, with the arguments of these commands."""
    parser = _Parser(
        prog="rushlight",
        description="PyTorch's interface built from scratch on NumPy.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"rushlight {RUSHLIGHT}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, line in COMMANDS.items():
        one = commands.add_parser(name, help=line)
        if name in filled:
            import_module(f"rushlight.cli.{name}").add_arguments(one)
    return parser


def _command(arguments: Sequence[str]) -> str | None:
    """The command that the first word is, if it is no option; SystemExit if there is no such command."""
    first = arguments[0] if arguments else "-"
    if first.startswith("-"):
        return None
    if first in COMMANDS:
        return first
    if first.endswith(".py"):
        meant = f": write rushlight run {first}"
    else:
        close = difflib.get_close_matches(first, COMMANDS, n=1)
        meant = f": is {close[0]!r} meant?" if close else f": there are {', '.join(COMMANDS)}"
    print(f"rushlight: there is no command {first!r}{meant} (rushlight --help)", file=sys.stderr)
    raise SystemExit(2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    command = _command(given)
    parser = parser_of(command)
    parser.prog += f" {command}" if command else ""  # by which it says what it cannot read
    options = parser.parse_args(given)
    if command is None:
        from rushlight.cli.welcome import welcome

        print(welcome())
        return 0
    try:
        return import_module(f"rushlight.cli.{command}").main(options)
    except KeyboardInterrupt:
        if command in ("run", "export"):
            raise  # The program's own traceback has been shown.
        return 130
