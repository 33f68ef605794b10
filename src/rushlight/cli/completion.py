"""`rushlight completion`: a script by which a shell completes commands, options and files."""

from __future__ import annotations

import argparse
import sys

from rushlight.cli.main import COMMANDS, parser_of
from rushlight.errors import MissingExtraError, require

# Where the script belongs, by shell.
_PLACES = {
    "bash": "rushlight completion bash > ~/.local/share/bash-completion/completions/rushlight",
    "zsh": "rushlight completion zsh > ~/.zfunc/_rushlight   (with ~/.zfunc in fpath)",
    "fish": "rushlight completion fish > ~/.config/fish/completions/rushlight.fish",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its command line: the shell."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = "Prints a script that completes commands, options and files."
    parser.epilog = "\n".join(["where it belongs:", *(f"  {line}" for line in _PLACES.values())])
    parser.add_argument("shell", choices=list(_PLACES))


def main(options: argparse.Namespace) -> int:
    """Print the script."""
    try:
        print(script(options.shell))
    except MissingExtraError as error:
        print(f"rushlight completion: {error}", file=sys.stderr)
        return 1
    return 0


def script(shell: str) -> str:
    """The script for a shell, which runs nothing of rushlight when it completes."""
    shtab = require("shtab", extra="completion")
    parser = parser_of(*COMMANDS)
    for action in _actions(parser):
        if action.metavar in ("FILE", "SCRIPT", "..."):
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif action.metavar == "DIR":
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
    return shtab.complete(parser, shell)


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """The arguments of a parser and of those below it."""
    found: list[argparse.Action] = []
    for action in parser._actions:
        found.append(action)
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                found += _actions(below)
    return found
