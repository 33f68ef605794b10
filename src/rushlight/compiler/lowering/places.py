"""Places of arrays in memory: parts that views show, copies of what is about to be overwritten."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.compiler.graph import NoC, Place
from rushlight.compiler.lowering.program import Lowering
from rushlight.core.row import Primitive
from rushlight.memory import address, strided_view
from rushlight.primitives.index import slice_


def region(place: Place, index: Any) -> Place:
    """The part of an array that integers, slices, None and `...` show."""
    return shown(place, slice_, {"index": index})


def shown(place: Place, view: Primitive, static: dict[str, Any]) -> Place:
    """What a row that makes views shows of an array."""
    # NumPy says where it lies, on memory that nobody touches.
    item = np.dtype(np.uint8)
    memory = np.empty(max(place.span()[1], 1), item)
    whole = strided_view(memory, place.shape, place.strides, place.offset)
    part = view.forward(whole, **static)
    if part.size and not np.shares_memory(part, memory):
        raise NoC("a view that copies")
    offset = address(part) - address(memory)
    return Place(place.memory, offset, part.shape, part.strides)


def elsewhere(lowering: Lowering, place: Place, target: Place) -> Place:
    """What is read while a target is written: a copy, if it lies in the same memory."""
    if not place.overlaps(target):
        return place
    copy = lowering.temporary(place.shape, place.dtype, "copy")
    lowering.loop(copy, lowering.element(place, place.shape))
    return copy
