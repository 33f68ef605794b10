"""Anything that can be gone through as a pipe."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sized
from typing import Any

from rushlight.errors import warn
from rushlight.utils.data.datapipes.datapipe import IterDataPipe, no_length

__all__ = ["IterableWrapperIterDataPipe"]


class IterableWrapperIterDataPipe(IterDataPipe[Any]):
    """The items of an iterable, of which each pass takes a deep copy unless deepcopy=False.

    >>> list(IterableWrapperIterDataPipe(range(3)))
    [0, 1, 2]
    """

    def __init__(self, iterable: Any, deepcopy: bool = True) -> None:
        self.iterable = iterable
        self.deepcopy = deepcopy

    def __iter__(self) -> Iterator[Any]:
        source = self.iterable
        if self.deepcopy:
            try:
                source = copy.deepcopy(source)
            except TypeError:
                warn(
                    "The input iterable can not be deepcopied, please be aware of in-place modification would "
                    "affect source data."
                )
        yield from source

    def __len__(self) -> int:
        if isinstance(self.iterable, Sized):
            return len(self.iterable)
        raise no_length(self)
