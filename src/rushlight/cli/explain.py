"""`rushlight explain`: any operation, module, optimizer or schedule, taken apart."""

from __future__ import annotations

import argparse
import os
import sys
import warnings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its command line: a name."""
    parser.description = (
        "Explains an operation, method, module, loss, optimizer or schedule, by torch's name: formula, derivative "
        "and why, shapes and types, an example with numbers, the lines that compute it."
    )
    parser.add_argument(
        "name", metavar="NAME", help="as softmax, nn.Linear, Tensor.view, Adam, StepLR"
    )
    parser.add_argument(
        "--c", action="store_true", help="all of the C that is emitted for the example"
    )
    parser.add_argument(
        "--symbolic",
        action="store_true",
        help="hold the derivative against SymPy's Jacobian (needs rushlight[explain])",
    )


def main(options: argparse.Namespace) -> int:
    """Print the explanation."""
    from rushlight.explain.report import explained
    from rushlight.explain.subjects import UnknownNameError, subject

    try:
        what = subject(options.name)
    except UnknownNameError as error:
        print(f"rushlight explain: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    if options.symbolic:
        from rushlight.errors import MissingExtraError
        from rushlight.explain.symbolic import compared

        try:
            lines, agrees = compared(what)
        except MissingExtraError as error:
            print(f"rushlight explain: {error}", file=sys.stderr)
            return 1
        print("\n".join(lines))
        return 0 if agrees else 1
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # What the example's defaults warn of is for who writes it.
            text = "\n".join(explained(what, c=options.c))
        print(text, flush=True)
    except BrokenPipeError:
        # Who reads only the first lines, by `head`, has read enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
