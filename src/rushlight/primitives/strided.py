"""Views by size, stride and offset, and the gradients that find their way through such a geometry.

A geometry says where a part lies relative to x: size, stride and offset of the part, and layout, the
strides of x, all counted in elements. Neither needs to lie inside of the other: the gradients are
laid out in room for both.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rushlight.core.doors import literal
from rushlight.core.row import Primitive, Sample
from rushlight.core.tensor import Array
from rushlight.memory import Shape, beside, extent, placed, shows_twice, strided_view
from rushlight.primitives.families import draw
from rushlight.primitives.placement import empty_like
from rushlight.primitives.view import compact


class _Place(NamedTuple):
    shape: Shape
    stride: Shape
    offset: int


class _Room:
    """Zeros that have room for x and for the part of it that a geometry names."""

    def __init__(
        self, like: Array, shape: Shape, layout: Shape,
        size: Shape, stride: Shape, offset: int,
    ) -> None:  # fmt: skip
        start = min(offset, 0)
        end = max(extent(shape, layout), offset + extent(size, stride))
        self.x = _Place(shape, layout, -start)
        self.part = _Place(size, stride, offset - start)
        self.values = np.zeros(end - start, like.dtype, like=like)

    def at(self, place: _Place, values: Array | None = None) -> Array:
        """What lies at a place (of values, if given, else of the room itself)."""
        memory = self.values if values is None else values
        item = memory.itemsize
        strides = tuple(s * item for s in place.stride)
        start = place.offset * item if 0 not in place.shape else 0
        return strided_view(memory, place.shape, strides, start)

    def add(self, place: _Place, values: Array) -> None:
        """Write values at a place; where it shows an element more than once they add up."""
        if shows_twice(place.shape, place.stride):
            np.add.at(self.values, self._numbers(place), values.reshape(-1))
        else:
            self.at(place)[...] = values

    def share(self, place: _Place) -> None:
        """Divide each element by how often a place shows it."""
        if shows_twice(place.shape, place.stride):
            counts = np.bincount(self._numbers(place), minlength=self.values.size)
            self.values /= np.maximum(counts, 1).astype(self.values.real.dtype)

    def _numbers(self, place: _Place) -> Array:
        return self.at(place, np.arange(self.values.size, like=self.values)).reshape(-1)


Geometry = dict[str, Any]


def _as_strided(x: Array, *, size: Shape, stride: Shape, offset: int, layout: Shape) -> Array:
    item = x.itemsize
    return beside(x, size, tuple(s * item for s in stride), offset * item)


def _as_strided_vjp(
    g: Any, x_shape: Shape, size: Shape, stride: Shape, offset: int, layout: Shape
) -> Any:
    place = {"size": size, "stride": stride, "offset": offset, "layout": layout}
    return as_strided_sum(g, shape=x_shape, **place)


_PLACE: Geometry = {"size": (2, 2), "stride": (3, 1), "offset": 1, "layout": (3, 1)}
# A part that shows elements twice and lies partly outside of x.
_BEYOND: Geometry = {"size": (2, 3), "stride": (1, 1), "offset": -1, "layout": (1, 2)}

as_strided = Primitive(
    "as_strided", "view", _as_strided, (_as_strided_vjp,),
    lambda x, *, size, stride, offset, layout: (tuple(size), x.dtype), "view",
    lambda: [Sample((draw(1, (3, 3)),), _PLACE)], view=True,
)  # fmt: skip


def _as_strided_sum(g: Array, *, shape: Shape, layout: Shape, **place: Any) -> Array:
    room = _Room(g, shape, layout, **place)
    room.add(room.part, g)
    room.share(room.x)
    return room.at(room.x)


as_strided_sum: Primitive = Primitive(
    "as_strided_sum", "view", _as_strided_sum,
    (lambda g, shape, size, stride, offset, layout: as_strided_part(
        g, shape=shape, size=size, stride=stride, offset=offset, layout=layout),),
    lambda g, *, shape, size, stride, offset, layout: (tuple(shape), g.dtype), "scatter",
    lambda: [
        Sample((draw(1, (2, 2)),), {**_PLACE, "shape": (3, 3)}),
        Sample((draw(1, (2, 3)),), {**_BEYOND, "shape": (2, 2)}),
    ],
    inputs=("g_in",), linear=True,
)  # fmt: skip


def _as_strided_part(x: Array, *, shape: Shape, layout: Shape, **place: Any) -> Array:
    room = _Room(x, shape, layout, **place)
    room.add(room.x, x)
    room.share(room.x)
    return room.at(room.part)


as_strided_part: Primitive = Primitive(
    "as_strided_part", "view", _as_strided_part,
    (lambda g, shape, size, stride, offset, layout: as_strided_sum(
        g, shape=shape, size=size, stride=stride, offset=offset, layout=layout),),
    lambda x, *, shape, size, stride, offset, layout: (tuple(size), x.dtype), "gather",
    lambda: [
        Sample((draw(1, (3, 3)),), {**_PLACE, "shape": (3, 3)}),
        Sample((draw(1, (2, 2)),), {**_BEYOND, "shape": (2, 2)}),
    ], as_is=True, linear=True,
)  # fmt: skip


def _as_strided_scatter(x: Array, src: Array, *, layout: Shape, **place: Any) -> Array:
    if not x.size:
        return empty_like(x)
    room = _Room(x, x.shape, layout, **place)
    room.at(room.x)[...] = x
    room.at(room.part)[...] = src
    return room.at(room.x)


def need_distinct(size: Shape, stride: Shape) -> None:
    """Raise torch's error for a part, to be written, that shows an element more than once."""
    if 0 not in size and any(not s and n > 1 for n, s in zip(size, stride, strict=True)):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single "
            "memory location: nothing is laid into an expanded tensor, no gradient either. Please clone() "
            "it before performing the operation."
        )


def _need_inside(x_shape: Shape, size: Shape, stride: Shape, offset: int, layout: Shape) -> None:
    """Raise torch's error for a part, written in place, whose gradient cannot be laid into x's."""
    need_distinct(size, stride)
    if 0 not in size and (offset < 0 or offset + extent(size, stride) > extent(x_shape, layout)):
        raise RuntimeError(
            f"the part of size {list(size)}, stride {list(stride)} and offset {offset} that was changed "
            f"is out of bounds for a gradient of size {list(x_shape)} and stride {list(layout)}"
        )


def _kept_vjp(
    g: Any, x_shape: Shape, size: Shape, stride: Shape, offset: int, layout: Shape
) -> Any:
    _need_inside(x_shape, size, stride, offset, layout)
    place = {"size": size, "stride": stride, "offset": offset, "layout": layout}
    return as_strided_scatter(g, literal(np.zeros(size, g._data_.dtype)), **place)


def _src_vjp(g: Any, x_shape: Shape, size: Shape, stride: Shape, offset: int, layout: Shape) -> Any:
    _need_inside(x_shape, size, stride, offset, layout)
    place = {"size": size, "stride": stride, "offset": offset, "layout": layout}
    part = as_strided_part(g, shape=x_shape, **place)
    return compact(part) if placed(part._data_) else part


as_strided_scatter = Primitive(
    "as_strided_scatter", "view", _as_strided_scatter, (_kept_vjp, _src_vjp),
    lambda x, src, *, size, stride, offset, layout: (x.shape, x.dtype), "scatter",
    lambda: [Sample((draw(1, (3, 3)), draw(2, (2, 2))), _PLACE)], label="torch::autograd::CopySlices",
    once=True, as_is=True, linear=True,
)  # fmt: skip


def laid_out(x: Array, layout: Shape) -> Array:
    """A copy of x in new memory, with these strides counted in elements."""
    room = _Room(x, x.shape, layout, x.shape, layout, 0)
    placed = room.at(room.x)
    placed[...] = x
    return placed
