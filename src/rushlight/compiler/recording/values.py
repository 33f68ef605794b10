"""What stands in a program: arrays and numbers, by the place where a run keeps them."""

from __future__ import annotations

import functools
import math
import operator
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.core.tensor import Array
from rushlight.memory import address, root

if TYPE_CHECKING:
    from rushlight.compiler.recording.recorder import Recorder

Shape = tuple[int, ...]


# Odd numbers, for as many lanes of 8 bytes: where one lane differs, so does its product modulo 2**64.
_LANES = 4096
_WEIGHTS = np.arange(1, 2 * _LANES, 2, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)


def fingerprint(array: Array) -> int:
    """A number that tells apart arrays of other bits: of long lines the sum of products with weights counts."""
    flat = np.ascontiguousarray(array).view(np.uint8).reshape(-1)
    lines = flat.size // (8 * _LANES)
    if not lines:
        return zlib.crc32(flat.data)
    whole = lines * 8 * _LANES
    sums = np.einsum("ij,j->i", flat[:whole].view(np.uint64).reshape(lines, _LANES), _WEIGHTS)
    return zlib.crc32(flat[whole:].data, zlib.crc32(sums.data))


# The name of a type, which NumPy puts together anew each time.
type_name = functools.cache(operator.attrgetter("name"))


@dataclass(eq=False, slots=True)
class Value:
    """An array of a program: what is known of it, and in which slot of a run it stands."""

    index: int
    shape: Shape
    dtype: np.dtype[Any]
    strides: Shape
    name: str
    # The value in whose memory it lies, and how many bytes behind that one's first element.
    base: Value | None = None
    offset: int = 0

    def fits(self, array: Array) -> bool:
        """Whether an array is of this shape and type, and lies in memory as recorded."""
        return (
            array.shape == self.shape
            and array.dtype == self.dtype
            and (array.strides == self.strides or not array.size)
        )

    @property
    def kind(self) -> str:
        """Type and shape, as programs are printed: `float32[2, 3]`."""
        return f"{self.dtype}{list(self.shape)}"

    def __repr__(self) -> str:
        return self.name


def lay(out: Value, array: Array, operands: Sequence[Any], arrays: Sequence[Any]) -> None:
    """Say in the memory of which operand a result lies, if it has none of its own."""
    memory = root(array)
    for value, known in zip(operands, arrays, strict=True):
        if type(value) is Value and type(known) is np.ndarray and root(known) is memory:
            out.base, out.offset = value, address(array) - address(known)
            return


@dataclass(eq=False, slots=True)
class Figure:
    """A Python number of a program."""

    index: int
    name: str
    # Whether it is a `float` or an `int`.
    kind: type = float

    def __repr__(self) -> str:
        return self.name


class Number:
    """A Python number while a function is recorded: arithmetic with it is recorded, too.

    It passes for the number: its `__class__` is `float` or `int`. Whoever compares it, or needs the
    number itself (`float`, `math`, printing), makes the recording depend on what it found.

    Once nothing is recorded any more it is as good as the number.
    """

    __slots__ = ("value", "figure", "recorder")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **named: Any) -> Any:
        """A function of NumPy's needs the number itself."""
        bare = [x._fixed() if is_number(x) else x for x in inputs]
        return getattr(ufunc, method)(*bare, **named)

    def __init__(self, value: Any, figure: Figure, recorder: Recorder) -> None:
        self.value = value
        self.figure = figure
        self.recorder = recorder

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self.value)

    def __add__(self, other: Any) -> Any:
        return computed(operator.add, self, other)

    def __radd__(self, other: Any) -> Any:
        return computed(operator.add, other, self)

    def __sub__(self, other: Any) -> Any:
        return computed(operator.sub, self, other)

    def __rsub__(self, other: Any) -> Any:
        return computed(operator.sub, other, self)

    def __mul__(self, other: Any) -> Any:
        return computed(operator.mul, self, other)

    def __rmul__(self, other: Any) -> Any:
        return computed(operator.mul, other, self)

    def __truediv__(self, other: Any) -> Any:
        return computed(operator.truediv, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return computed(operator.truediv, other, self)

    def __floordiv__(self, other: Any) -> Any:
        return computed(operator.floordiv, self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return computed(operator.floordiv, other, self)

    def __mod__(self, other: Any) -> Any:
        return computed(operator.mod, self, other)

    def __rmod__(self, other: Any) -> Any:
        return computed(operator.mod, other, self)

    def __pow__(self, other: Any) -> Any:
        return computed(operator.pow, self, other)

    def __rpow__(self, other: Any) -> Any:
        return computed(operator.pow, other, self)

    def __neg__(self) -> Any:
        return computed(operator.neg, self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return computed(operator.abs, self)

    def __lt__(self, other: Any) -> Any:
        return _compared(operator.lt, self, other)

    def __le__(self, other: Any) -> Any:
        return _compared(operator.le, self, other)

    def __gt__(self, other: Any) -> Any:
        return _compared(operator.gt, self, other)

    def __ge__(self, other: Any) -> Any:
        return _compared(operator.ge, self, other)

    def __eq__(self, other: Any) -> Any:
        return _compared(operator.eq, self, other)

    def __ne__(self, other: Any) -> Any:
        return _compared(operator.ne, self, other)

    def __bool__(self) -> bool:
        return bool(_compared(operator.ne, self, 0))

    def __hash__(self) -> int:
        return hash(self._fixed())

    def __float__(self) -> float:
        return float(self._fixed())

    def __int__(self) -> int:
        return int(self._fixed())

    def __index__(self) -> int:
        return operator.index(self._fixed())

    def __complex__(self) -> complex:
        return complex(self._fixed())

    def __floor__(self) -> int:
        return math.floor(self._fixed())

    def __ceil__(self) -> int:
        return math.ceil(self._fixed())

    def __trunc__(self) -> int:
        return math.trunc(self._fixed())

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    def __round__(self, digits: int | None = None) -> Any:
        return round(self._fixed(), digits)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.asarray(self._fixed(), dtype)

    def __format__(self, spec: str) -> str:
        return format(self._fixed(), spec)

    def __repr__(self) -> str:
        return repr(self._fixed())

    def __getattr__(self, name: str) -> Any:
        # `is_integer`, `hex`, `real` and what else numbers have.
        return getattr(self._fixed(), name)

    def __reduce__(self) -> Any:
        return type(self.value), (self._fixed(),)

    def _fixed(self) -> Any:
        """The number itself, on which the recording depends from here on."""
        self.recorder.fix(self)
        return self.value


def is_number(x: Any) -> bool:
    """Whether x is a Number, although it says that it is a float."""
    return type(x) is Number


def plain(x: Any) -> Any:
    """x with the numbers themselves in the place of those that are recorded, in tuples and lists, too."""
    kind = type(x)
    if kind is Number:
        return x.value
    if kind is tuple or kind is list:
        return kind([plain(part) for part in x])
    return x


# What a Number reckons with, and the types in which it is to be a number.
_WITH = (float, int, complex, np.number, np.dtype)


# Few calls are made in these: each is looked at while something is recorded, that of a list, too.


def computed(operation: Callable[..., Any], *operands: Any) -> Any:
    """What an operation makes of numbers, some of which are recorded."""
    bare: list[Any] = []
    figures: list[Any] = []
    told: list[Any] = []
    recorder: Recorder | None = None
    for x in operands:
        if type(x) is Number:
            recorder = x.recorder
            bare.append(x.value)
            figures.append(x.figure)
            told.append(x.figure)
        elif isinstance(x, _WITH):
            bare.append(x)
            figures.append(x)
            told += x.__class__, repr(x)
        else:
            return NotImplemented
    value = operation(*bare)
    if recorder is None or not recorder.recording:
        return value
    return recorder.computed(operation, figures, told, value)


def _compared(operation: Callable[..., Any], number: Number, other: Any) -> Any:
    known = other.value if type(other) is Number else other
    if not isinstance(known, _WITH):
        return NotImplemented
    value = operation(number.value, known)
    if number.recorder.recording:
        number.recorder.compared(operation, number, other, value)
    return value
