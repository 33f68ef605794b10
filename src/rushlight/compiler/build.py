"""The compiler of C: found, run, and its results kept."""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

from rushlight.compiler.kernels import threads
from rushlight.compiler.kernels.target import Target, of_compiler
from rushlight.threads import get_num_threads

FLAGS = (
    "-O3", "-march=native", "-mprefer-vector-width=512", "-fopenmp-simd", "-ffp-contract=off",
    "-fno-math-errno", "-fno-trapping-math", "-std=gnu11", "-shared", "-fPIC", "-w",
)  # fmt: skip
# Seconds that a compiler may take.
PATIENCE = 120


class NoCompiler(RuntimeError):
    """There is no C compiler, or it did not do its work; the message says what it said."""


@lru_cache(maxsize=1)
def compiler() -> tuple[str, ...]:
    """The command of the compiler: $CC, cc, clang, gcc, or that of the package ziglang."""
    named = os.environ.get("CC")
    if named:
        return tuple(shlex.split(named))
    for name in ("cc", "clang", "gcc"):
        found = shutil.which(name)
        if found:
            return (found,)
    if importlib.util.find_spec("ziglang") is None:
        raise NoCompiler(
            "no C compiler was found (cc, clang, gcc, or $CC): pip install rushlight[compiler] brings one"
        )
    return (sys.executable, "-m", "ziglang", "cc")


@lru_cache(maxsize=1)
def target() -> Target:
    """The processor for which the compiler compiles."""
    return of_compiler((*compiler(), "-march=native"))


def cache_folder() -> Path:
    """Where compiled programs are kept: $RUSHLIGHT_CACHE, or the user's folder for caches."""
    named = os.environ.get("RUSHLIGHT_CACHE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "rushlight"


def built(text: str, *more: str) -> ctypes.CDLL:
    """A C file as a loaded library; compiled, with more flags, if that has not been done before."""
    command = (*compiler(), *FLAGS, *more)
    key = hashlib.sha256("\0".join((*command, _processor(), text)).encode()).hexdigest()[:32]
    folder = cache_folder()
    library = folder / f"{key}.so"
    if not library.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as place:
            source, made = Path(place) / "program.c", Path(place) / "program.so"
            source.write_text(text)
            try:
                done = subprocess.run(
                    [*command, "-o", str(made), str(source), "-lm"],
                    capture_output=True, text=True, timeout=PATIENCE, check=False,
                )  # fmt: skip
            except (OSError, subprocess.TimeoutExpired) as error:
                raise NoCompiler(f"{shlex.join(command[:1])}: {error}") from None
            if done.returncode:
                raise NoCompiler(f"{shlex.join(command[:1])} failed:\n{done.stderr.strip()[:4000]}")
            # All at once, so that nobody ever sees half of it.
            os.replace(source, folder / f"{key}.c")
            os.replace(made, library)
    return ctypes.CDLL(str(library))


def join_pool(library: ctypes.CDLL) -> None:
    """Let a program share its work out among the threads of the process's pool."""
    pool = threads.shared(lambda text: built(text, "-pthread"))
    pool.set_threads(get_num_threads())
    library.set_parallel(ctypes.c_void_p(pool.address))


@lru_cache(maxsize=1)
def _processor() -> str:
    """What `-march=native` means here."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("flags"):
                return line
    except OSError:
        pass
    return ""
