"""Files for pipes, and functions of columns."""

from __future__ import annotations

import fnmatch
import inspect
import os
from collections.abc import Callable, Iterable, Iterator
from io import IOBase
from typing import Any

from rushlight.utils.data.datapipes.datapipe import warn_of_lambdas

__all__ = [
    "StreamWrapper", "get_file_binaries_from_pathnames", "get_file_pathnames_from_root", "match_masks",
    "validate_input_col", "validate_pathname_binary_tuple",
]  # fmt: skip

_check_unpickable_fn = warn_of_lambdas


def validate_input_col(fn: Callable[..., Any], input_col: Any) -> None:
    """A ValueError unless fn can be called with as many arguments as there are columns."""
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (ValueError, TypeError):
        return
    count = len(input_col) if isinstance(input_col, list | tuple) else 1
    places = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = sum(p.default is p.empty for p in places)
    named = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
    name = getattr(fn, "__name__", str(fn))
    if named:
        raise ValueError(
            f"The function {name} takes {len(named)} non-default keyword-only parameters, which is not allowed."
        )
    if needed > count:
        raise ValueError(
            f"The function {name} takes {needed} positional parameters, but {count} are required."
        )
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return
    if len(places) < count:
        raise ValueError(
            f"The function {name} takes {len(places)} parameters, but {count} are required."
        )


def match_masks(name: str, masks: str | list[str]) -> bool:
    """Whether the name is like one of the masks; without masks it is."""
    if not masks:
        return True
    return any(
        fnmatch.fnmatch(name, mask) for mask in ([masks] if isinstance(masks, str) else masks)
    )


def get_file_pathnames_from_root(
    root: str, masks: str | list[str], recursive: bool = False, abspath: bool = False,
    non_deterministic: bool = False,
) -> Iterator[str]:  # fmt: skip
    """The files in a folder, or the file itself."""

    def fail(error: OSError) -> None:
        raise error

    if os.path.isfile(root):
        path = os.path.abspath(root) if abspath else root
        if match_masks(os.path.basename(path), masks):
            yield path
        return
    for folder, folders, files in os.walk(root, onerror=fail):
        if abspath:
            folder = os.path.abspath(folder)
        if not non_deterministic:
            files.sort()
            folders.sort()
        for file in files:
            if match_masks(file, masks):
                yield os.path.join(folder, file)
        if not recursive:
            return


def get_file_binaries_from_pathnames(
    pathnames: Iterable[str], mode: str, encoding: str | None = None
) -> Iterator[tuple[str, Any]]:
    """The files, opened."""
    pathnames = [pathnames] if isinstance(pathnames, str) else pathnames
    mode = f"r{mode}" if mode in ("b", "t") else mode
    for name in pathnames:
        if not isinstance(name, str):
            raise TypeError(f"Expected string type for pathname, but got {type(name)}")
        yield name, StreamWrapper(open(name, mode, encoding=encoding))  # noqa: SIM115


def validate_pathname_binary_tuple(data: tuple[str, IOBase]) -> None:
    """A TypeError unless it is a name and a stream."""
    if not isinstance(data, tuple):
        raise TypeError(f"pathname binary data should be tuple type, but it is type {type(data)}")
    if len(data) != 2:
        raise TypeError(f"pathname binary stream tuple length should be 2, but got {len(data)}")
    if not isinstance(data[0], str):
        raise TypeError(
            f"pathname within the tuple should have string type pathname, but it is type {type(data[0])}"
        )
    if not isinstance(data[1], IOBase | StreamWrapper):
        raise TypeError(
            "binary stream within the tuple should have IOBase or"
            f"its subclasses as type, but it is type {type(data[1])}"
        )


class StreamWrapper:
    """An open file that is closed with its last name."""

    def __init__(self, file_obj: Any, parent_stream: Any = None, name: str | None = None) -> None:
        self.file_obj = file_obj
        self.name = name
        self.parent_stream = parent_stream
        self.closed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["file_obj"], name)

    @classmethod
    def close_streams(cls, v: Any, depth: int = 0) -> None:
        """Close the streams in lists and dicts."""
        if isinstance(v, StreamWrapper):
            v.close()
        elif isinstance(v, dict):
            for part in v.values():
                cls.close_streams(part, depth + 1)
        elif isinstance(v, list | tuple):
            for part in v:
                cls.close_streams(part, depth + 1)

    def close(self, *args: Any, **kwargs: Any) -> None:
        """Close the file."""
        self.closed = True
        self.file_obj.close(*args, **kwargs)

    def __iter__(self) -> Iterator[Any]:
        yield from self.file_obj

    def __next__(self) -> Any:
        return next(self.file_obj)

    def __del__(self) -> None:
        if not self.__dict__.get("closed", True):
            self.close()

    def __repr__(self) -> str:
        return (
            f"StreamWrapper<{self.file_obj!r}>"
            if self.name is None
            else f"StreamWrapper<{self.name},{self.file_obj!r}>"
        )
