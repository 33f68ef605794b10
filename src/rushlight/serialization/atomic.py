"""A file is either the old one or the new one, whatever happens in between."""

from __future__ import annotations

import importlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A binary file to write into, which takes the place of path when the block ends well.

    It is written beside path, flushed to the disk, and renamed. If the block raises, path is as it
    was; if the process is killed, too, though a `.partial` file may stay behind until the next time.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "notes"
    >>> with replacing(path) as file:
    ...     _ = file.write(b"all of it")
    >>> path.read_bytes()
    b'all of it'
    """
    target, mode = place_of(path)
    if mode is not None and not stat.S_ISREG(mode):
        # A pipe or a device such as /dev/null has no content that could be half written.
        with open(target, "wb") as device:
            yield device
        return
    remove_leftovers(target)
    file, partial = _open_beside(target)
    try:
        with file:
            if mode is not None:
                os.chmod(partial, stat.S_IMODE(mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, target)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise
    _sync_folder(target.parent)


def _open_beside(target: Path) -> tuple[IO[bytes], Path]:
    """A new file beside target, locked for as long as it is open."""
    while True:
        partial = target.with_name(f".{target.name}.{os.getpid()}.{os.urandom(4).hex()}.partial")
        file: IO[bytes] = open(partial, "xb")  # noqa: SIM115 - the caller closes it
        # There are file systems without locks: then nothing beside the target is ever removed.
        with suppress(OSError):
            _lock(file, wait=True)
        if os.fstat(file.fileno()).st_nlink:
            return file, partial
        file.close()  # It was taken for a leftover before it was locked.


def remove_leftovers(path: str | os.PathLike[str]) -> None:
    """Remove what a killed process left beside path; a file that is being written is locked."""
    target = Path(os.path.realpath(path))
    leftover = re.compile(re.escape(f".{target.name}.") + r"\d+\.[0-9a-f]{8}\.partial")
    with suppress(OSError):
        for name in os.listdir(target.parent):
            if leftover.fullmatch(name):
                _remove_unlocked(target.with_name(name))


def _remove_unlocked(partial: Path) -> None:
    # BlockingIOError, where it is locked, is an OSError too.
    with suppress(OSError), open(partial, "rb") as file:
        _lock(file)
        partial.unlink()


def _lock(file: IO[bytes], wait: bool = False) -> None:
    """Hold a file for as long as it is open; BlockingIOError if another holds it, unless we wait."""
    try:
        fcntl: Any = importlib.import_module("fcntl")
    except ModuleNotFoundError:
        return  # Windows does not remove an open file either.
    fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)


def place_of(path: str | os.PathLike[str]) -> tuple[Path, int | None]:
    """The file that a path means, and its mode if it is there; an OSError where none can be."""
    # A link stays a link: what it points to is replaced.
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a folder: name a file in it")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {target.parent}")
    return target, target.stat().st_mode if target.exists() else None


def _sync_folder(folder: Path) -> None:
    """Make the new name last, where the system lets a folder be synchronised."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
