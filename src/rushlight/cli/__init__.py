"""The command `rushlight`."""

from rushlight.cli.main import main

__all__ = ["main"]
