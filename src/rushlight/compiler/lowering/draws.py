"""Random numbers in C: the twister of a generator is memory, in which drawing goes on."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight import random
from rushlight.compiler.emit.expressions import literal
from rushlight.compiler.graph import Drawing, NoC, Place
from rushlight.compiler.lowering.program import Lowering
from rushlight.compiler.recording.entries import Draw
from rushlight.compiler.room import words_of

_FLOAT, _DOUBLE, _LONG = np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.int64)
_SUFFIXES = {_FLOAT: "f32", _DOUBLE: "f64"}

# A function of `c/random.h` and what it is given besides twister, memory and count.
Call = tuple[str, tuple[str, ...]]


def _coins(dtype: Any, p: float, yes: Any) -> Call:
    if dtype not in _SUFFIXES:
        raise NoC(f"random numbers of {dtype}")
    return f"draw_coins_{_SUFFIXES[dtype]}", (str(math.ceil(p * 2.0**53)), literal(yes, dtype))


def _bernoulli(dtype: Any, size: int, p: float) -> Call:
    return _coins(dtype, p, dtype.type(1))


def _dropout(dtype: Any, size: int, p: float) -> Call:
    inner = np.float64 if dtype.itemsize == 8 else np.float32
    return _coins(dtype, 1.0 - p, dtype.type(inner(1) / inner(1.0 - p)))


def _uniform(dtype: Any, size: int, low: float = 0.0, high: float = 1.0) -> Call:
    if dtype == _FLOAT:
        low, end = float(np.float32(low)), float(np.float32(high))
        width = float(np.float32(end) - np.float32(low))
    elif dtype == _DOUBLE and (low == 0.0 or high - low == 1.0):
        width = high - low
    else:
        raise NoC(f"uniform numbers of {dtype}")
    parameters = literal(low, _DOUBLE), literal(width, _DOUBLE), literal(dtype.type(high), dtype)
    return f"draw_uniform_{_SUFFIXES[dtype]}", parameters


def _integers(dtype: Any, size: int, low: int | None = None, high: int | None = None) -> Call:
    start = 0 if low is None else low
    if dtype != _LONG or high is None or not -(2**62) < start < high < 2**62:
        raise NoC("whole numbers of another kind, or without bounds")
    return "draw_integers_i64", (str(start), str(high - start))


def _normal(
    dtype: Any, size: int, mean: float = 0.0, std: float = 1.0, contiguous: bool = True
) -> Call:
    if dtype != _FLOAT or size < 16 or not contiguous:
        raise NoC("normal numbers one by one, or in double precision")
    return "draw_normal_f32", (literal(np.float32(mean), _FLOAT), literal(np.float32(std), _FLOAT))


_DRAWS: dict[Callable[..., Any], Callable[..., Call]] = {
    random.bernoulli: _bernoulli, random.dropout_noise: _dropout, random.uniform: _uniform,
    random.integers: _integers, random.normal: _normal,
}  # fmt: skip


def draw(lowering: Lowering, entry: Draw) -> None:
    """The next numbers."""
    static = dict(entry.static)
    numbers = (
        static.pop("numbers", entry.numbers) if entry.numbers is random.laid else entry.numbers
    )
    for name in ("shape", "dtype", "order"):
        static.pop(name, None)
    known = _DRAWS.get(numbers)
    if known is None or entry.inputs or entry.moving or len(entry.outs) != 1:
        raise NoC("draw is Python's")
    (value,) = entry.outs
    if 0 in value.shape:
        raise NoC("nothing is drawn")
    function, parameters = known(value.dtype, math.prod(value.shape), **static)
    out = lowering.out(value)
    # They come in the order of memory, which has no gaps then.
    if out.memory.size != out.size:
        raise NoC("random numbers for memory with gaps")
    lowering.add(
        Drawing(lowering.where, _twister(lowering, entry.generator), out, function, parameters)
    )


def _twister(lowering: Lowering, generator: Any) -> Place:
    """The memory of a generator, which is always the same."""
    known = lowering.twisters.get(id(generator))
    if known is None:
        array = words_of(generator)
        memory = lowering.memory("twister", array.dtype, array.size, "stream", array)
        known = lowering.twisters[id(generator)] = Place(memory, 0, array.shape, (1,))
    return known
