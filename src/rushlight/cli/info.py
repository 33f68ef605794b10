"""`rushlight info`: what this installation computes with."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from typing import Any

import numpy as np

from rushlight.threads import get_num_threads, processors
from rushlight.version import RUSHLIGHT


def _blas() -> str:
    config: dict[str, Any] = np.show_config(mode="dicts")  # type: ignore[assignment]
    blas = config.get("Build Dependencies", {}).get("blas", {})
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()


def _compiler() -> str:
    for name in (os.environ.get("CC"), "cc", "gcc", "clang"):
        path = shutil.which(name) if name else None
        if path:
            shown = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
            first = shown.stdout.splitlines()
            return f"{path} ({first[0]})" if first else path
    return "none found (eager needs none)"


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
    facts = {
        "rushlight": RUSHLIGHT,
        "python": f"{sys.version.split()[0]} ({sys.executable})",
        "numpy": np.__version__,
        "scipy": _scipy(),
        "BLAS": _blas(),
        "threads": f"{get_num_threads()} on {processors()} processors",
        "system": platform.platform(),
        "C compiler": _compiler(),
    }
    width = max(map(len, facts))
    return "\n".join(f"{name:<{width}}  {fact}" for name, fact in facts.items())
