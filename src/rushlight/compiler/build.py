"""The compiler of C: found, run, and its results kept."""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from rushlight.compiler.kernels import threads
from rushlight.compiler.kernels.target import Target, macros_of, of_macros
from rushlight.threads import get_num_threads

FLAGS = (
    "-O3", "-march=native", "-mprefer-vector-width=512", "-fopenmp-simd", "-ffp-contract=off",
    "-fno-math-errno", "-fno-trapping-math", "-std=gnu11", "-fPIC", "-w",
    # What is written in vectors stays so. And a GCC (12.2) that makes vectors of single stores loses one.
    "-fno-loop-unroll-and-jam", "-fno-tree-slp-vectorize",
    # A choice between two formulas that all elements share is made before the loop, in long loops as well.
    "--param=max-unswitch-insns=200",
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
    found = of_macros(_macros())
    return found if not found.matrices or _may_use_matrices() else replace(found, matrices=False)


def _macros() -> str:
    """What the compiler predefines here; kept, as long as it is this compiler and this processor."""
    command = (*compiler(), "-march=native")
    try:
        about = os.stat(shutil.which(command[0]) or command[0])
    except OSError:
        return ""
    told = (*command, about.st_size, about.st_mtime_ns, os.path.realpath(command[0]), processor())
    key = hashlib.sha256(repr(told).encode()).hexdigest()[:32]
    kept = writable(cache_folder()) / f"{key}.macros"
    try:
        return kept.read_text()
    except OSError:
        text = macros_of(command)
    if text:
        put(kept, text.encode())
    return text


def put(file: Path, data: bytes) -> None:
    """Write a file at once, so that nobody ever sees half of it."""
    with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as place:
        place.write(data)
    os.replace(place.name, file)


def with_sum(data: bytes) -> bytes:
    """Data as it is kept, with a sum by which `whole` knows that it is all there."""
    return hashlib.sha256(data).digest() + data


def whole(kept: bytes) -> bytes | None:
    """The data that was kept, if all of it is there."""
    return kept[32:] if hashlib.sha256(kept[32:]).digest() == kept[:32] else None


# Linux lets a process use the registers for matrices when it has asked for them.
_ARCH_PRCTL, _ASK_FOR, _TILES = 158, 0x1023, 18


def _may_use_matrices() -> bool:
    """Ask the system for the registers of AMX, for this process and its threads."""
    if os.environ.get("RUSHLIGHT_MATRICES") == "0" or not sys.platform.startswith("linux"):
        return False
    try:
        return ctypes.CDLL(None).syscall(_ARCH_PRCTL, _ASK_FOR, _TILES) == 0
    except (OSError, AttributeError):
        return False


def cache_folder() -> Path:
    """Where compiled programs are kept: $RUSHLIGHT_CACHE, or the user's folder for caches."""
    named = os.environ.get("RUSHLIGHT_CACHE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "rushlight"


# Kernels of so many characters are worth a process of their own. They are vectors already: less is asked for.
# What calls them is long, too: copies of loops in it would take a third of the time, and are no faster.
_MUCH = 20_000
_LESS = ("-O2",), (
    "-fno-inline-functions", "-fno-inline-small-functions", "-fno-inline-functions-called-once",
)  # fmt: skip


def built(text: str, *more: str, parts: tuple[str, str] | None = None) -> ctypes.CDLL:
    """A C file as a loaded library; compiled, with more flags, if that has not been done before.

    parts: the same text in two, kernels and what calls them, which are compiled at the same time.
    """
    flags = (*FLAGS, *more)
    command = (*compiler(), *flags)
    key = hashlib.sha256("\0".join((*command, processor(), text)).encode()).hexdigest()[:32]
    folder = writable(cache_folder())
    library = folder / f"{key}.so"
    if not _whole(library):
        with tempfile.TemporaryDirectory(dir=folder) as name:
            place = Path(name)
            (place / "program.c").write_text(text)
            failure = _library(flags, place, parts)
            if failure:
                known = tuple(flag for flag in flags if _takes(flag))
                failure = _library(known, place, parts) if known != flags else failure
            if failure:
                raise NoCompiler(f"{shlex.join(compiler()[:1])} failed:\n{failure[:4000]}")
            (place / "program.sum").write_text(_sum(place / "program.so"))
            # Each at once, so that nobody ever sees half of it; the sum last, by which it is known.
            for kind in ("c", "so", "sum"):
                os.replace(place / f"program.{kind}", folder / f"{key}.{kind}")
    try:
        return ctypes.CDLL(str(library))
    except OSError as error:
        library.unlink(missing_ok=True)
        raise NoCompiler(f"what {shlex.join(command[:1])} made cannot be loaded: {error}") from None


def _sum(library: Path) -> str:
    return hashlib.sha256(library.read_bytes()).hexdigest()


def _whole(library: Path) -> bool:
    """Whether a library is there, and all of it: to load a part would end the process."""
    try:
        return library.with_suffix(".sum").read_text() == _sum(library)
    except OSError:
        return False


def writable(folder: Path) -> Path:
    """The folder, or one of this process alone if that cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK | os.X_OK):
            return folder
    except OSError:
        pass
    return Path(_own_folder().name)


@lru_cache(maxsize=1)
def _own_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="rushlight-")


def _library(flags: Sequence[str], place: Path, parts: tuple[str, str] | None) -> str:
    """Make `program.so` of `program.c`, or of its two parts; what the compiler said if it failed."""
    command, made = [*compiler(), *flags], str(place / "program.so")
    if parts is None or len(parts[0]) < _MUCH:
        return _compile([*command, "-shared", "-o", made, str(place / "program.c"), "-lm"])
    calls = []
    for part, words, less in zip(("kernels", "loops"), parts, _LESS, strict=True):
        source = place / f"{part}.c"
        source.write_text(words)
        calls.append([*command, *less, "-c", "-o", str(place / f"{part}.o"), str(source)])
    objects = [call[-2] for call in calls]
    return _compile(*calls) or _compile([*command, "-shared", "-o", made, *objects, "-lm"])


def _compile(*commands: list[str]) -> str:
    """Run compilers at the same time; what one said that failed."""
    running: list[subprocess.Popen[str]] = []
    try:
        for command in commands:
            running.append(
                subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                    text=True, errors="replace", start_new_session=True,
                )
            )  # fmt: skip
        for process in running:
            _, told = process.communicate(timeout=PATIENCE)
            if process.returncode:
                return told.strip() or f"it ended with code {process.returncode}"
    except subprocess.TimeoutExpired:
        name = shlex.join(commands[0][:1])
        raise NoCompiler(f"{name} took longer than {PATIENCE} seconds") from None
    except OSError as error:
        raise NoCompiler(f"{shlex.join(commands[0][:1])}: {error}") from None
    finally:
        for process in running:
            if process.poll() is None:
                # What the compiler has started goes with it.
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    return ""


@lru_cache
def _takes(flag: str) -> bool:
    """Whether the compiler knows a flag: other compilers and processors know fewer."""
    if flag == "-fPIC":
        return True
    with tempfile.TemporaryDirectory() as place:
        empty = Path(place) / "empty.c"
        empty.write_text("int empty;\n")
        return not _compile(
            [*compiler(), flag, "-c", "-o", str(Path(place) / "empty.o"), str(empty)]
        )


def join_pool(library: ctypes.CDLL) -> None:
    """Let a program share its work out among the threads of the process's pool."""
    pool = threads.shared(lambda text: built(text, "-pthread"))
    pool.set_threads(get_num_threads())
    library.set_parallel(ctypes.c_void_p(pool.address))


@lru_cache(maxsize=1)
def processor() -> str:
    """What `-march=native` means here."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("flags"):
                return line
    except OSError:
        pass
    return ""
