"""`rushlight info`: what this installation computes with."""

from __future__ import annotations

import argparse
import platform
import sys

import numpy as np

from rushlight.threads import get_num_threads, processors
from rushlight.version import RUSHLIGHT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It takes none."""


def main(options: argparse.Namespace) -> int:
    """Print the facts."""
    print(info())
    return 0


def _scipy() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("scipy")
    except PackageNotFoundError:
        return "not installed"


def info() -> str:
    """Versions, BLAS, threads and compiler, a line each.

    >>> info().splitlines()[0].split()[0]
    'rushlight'
    """
    from rushlight.compiler.installation import blas, cached, compiles_with

    compiler, target = compiles_with()
    facts = {
        "rushlight": RUSHLIGHT,
        "python": f"{sys.version.split()[0]} ({sys.executable})",
        "numpy": np.__version__,
        "scipy": _scipy(),
        "BLAS": blas(),
        "threads": f"{get_num_threads()} on {processors()} processors",
        "system": platform.platform(),
        "C compiler": compiler,
        "compiles for": target,
        "compiled": cached(),
    }
    width = max(map(len, facts))
    return "\n".join(f"{name:<{width}}  {fact}" for name, fact in facts.items())
