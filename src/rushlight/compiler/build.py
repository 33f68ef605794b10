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
from collections.abc import Sequence
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
    flags = (*FLAGS, *more)
    command = (*compiler(), *flags)
    key = hashlib.sha256("\0".join((*command, _processor(), text)).encode()).hexdigest()[:32]
    folder = cache_folder()
    library = folder / f"{key}.so"
    if not library.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as place:
            source, made = Path(place) / "program.c", Path(place) / "program.so"
            source.write_text(text)
            failure = _compile(flags, source, made)
            if failure:
                known = tuple(flag for flag in flags if _takes(flag))
                failure = _compile(known, source, made) if known != flags else failure
            if failure:
                raise NoCompiler(f"{shlex.join(compiler()[:1])} failed:\n{failure[:4000]}")
            # All at once, so that nobody ever sees half of it.
            os.replace(source, folder / f"{key}.c")
            os.replace(made, library)
    return ctypes.CDLL(str(library))


def _compile(flags: Sequence[str], source: Path, made: Path) -> str:
    """Compile a file; what the compiler said if it failed."""
    command = [*compiler(), *flags, "-o", str(made), str(source), "-lm"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoCompiler(f"{shlex.join(command[:1])}: {error}") from None
    return done.stderr.strip() or f"it ended with code {done.returncode}" if done.returncode else ""


@lru_cache
def _takes(flag: str) -> bool:
    """Whether the compiler knows a flag: other compilers and processors know fewer."""
    if flag in ("-shared", "-fPIC"):
        return True
    with tempfile.TemporaryDirectory() as place:
        empty = Path(place) / "empty.c"
        empty.write_text("int empty;\n")
        return not _compile((flag, "-c"), empty, Path(place) / "empty.o")


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
