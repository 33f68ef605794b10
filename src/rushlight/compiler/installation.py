"""What is found here to compute and to compile with, for `rushlight info`."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from importlib import import_module
from typing import Any

import numpy as np

from rushlight.compiler.build import NoCompiler, cache_folder, compiler, target

# What makes OpenBLAS use the kernels of another processor; and how it says which it uses.
FORCING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
_CORE = ("scipy_openblas_get_corename64_", "openblas_get_corename64_", "openblas_get_corename")
_ASK = "from rushlight.compiler.installation import blas_kernels; print(blas_kernels())"


def blas_kernels() -> str:
    """For which processor the kernels are that NumPy's OpenBLAS uses; empty if it does not say.

    >>> isinstance(blas_kernels(), str)
    True
    """
    try:
        library = ctypes.PyDLL(import_module("numpy._core._multiarray_umath").__file__)
    except (ImportError, OSError):
        return ""
    for name in _CORE:
        if hasattr(library, name):
            function = getattr(library, name)
            function.restype = ctypes.c_char_p
            return str(function().decode())
    return ""


def blas() -> str:
    """NumPy's BLAS and its kernels, and what forces others than this processor's."""
    config: dict[str, Any] = np.show_config(mode="dicts")  # type: ignore[assignment]
    blas = config.get("Build Dependencies", {}).get("blas", {})
    name = f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()
    kernels = blas_kernels()
    if not kernels:
        return name
    forced = [variable for variable in FORCING if variable in os.environ]
    if not forced:
        return f"{name}, kernels for {kernels}"
    own = unforced_kernels()
    set_ = " and ".join(f"{variable}={os.environ[variable]}" for variable in forced)
    if own in ("", kernels):
        return f"{name}, kernels for {kernels} ({set_} is set)"
    return f"{name}, kernels for {kernels}, forced by {set_}: without, those for {own}, which may be much faster"


def unforced_kernels() -> str:
    """Those that OpenBLAS uses in a process without the variables that force others."""
    variables = {k: v for k, v in os.environ.items() if k not in FORCING}
    shown = subprocess.run(
        [sys.executable, "-c", _ASK], capture_output=True, text=True, check=False, env=variables
    )
    return shown.stdout.strip()


def compiles_with() -> tuple[str, str]:
    """The compiler of `rushlight.compile`, and for what it compiles."""
    try:
        command = compiler()
    except NoCompiler as error:
        return f"none ({error}); eager needs none", "-"
    try:
        shown = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False)
    except OSError as error:
        return f"{' '.join(command)} cannot be run: {error}", "-"
    first = (shown.stdout or shown.stderr).splitlines()
    here = target()
    vectors = f"{32 * here.width} bits, {here.registers} registers" if here.width > 1 else "none"
    return " ".join(command) + (
        f" ({first[0]})" if first else ""
    ), f"this processor; vectors: {vectors}"


def cached() -> str:
    """Where compiled programs are kept, and how many."""
    folder = cache_folder()
    files = [*folder.glob("*.so")] if folder.is_dir() else []
    return f"{folder} ({len(files)} compiled, {sum(f.stat().st_size for f in files) / 1e6:.1f} MB)"
