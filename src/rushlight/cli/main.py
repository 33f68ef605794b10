"""Reads the command line and hands over to the subcommand's module."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from rushlight.version import RUSHLIGHT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rushlight", description="PyTorch's interface built from scratch on NumPy."
    )
    parser.add_argument("--version", action="version", version=f"rushlight {RUSHLIGHT}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    run = commands.add_parser(
        "run",
        help="run a PyTorch script on rushlight",
        description="Runs a Python script in which `torch` and `torchvision` mean rushlight. A torch "
        "installed beside it is not touched.",
    )
    run.add_argument(
        "--draw",
        metavar="FILE",
        help="draw the graph of the script's first backward: .svg, .png, .pdf or .dot",
    )
    run.add_argument("-m", dest="module", action="store_true", help="SCRIPT names a module")
    run.add_argument("script", metavar="SCRIPT")
    run.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="for the script")

    commands.add_parser("info", help="print versions, BLAS, threads and the C compiler found")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    if options.command == "run":
        from rushlight.cli.run import run

        run(options.script, options.arguments, module=options.module, draw=options.draw)
    else:
        from rushlight.cli.info import info

        print(info())
    return 0
