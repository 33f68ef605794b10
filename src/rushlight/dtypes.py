"""The element types, and which type an operation on several of them gives.

A dtype wraps the NumPy dtype that stores it. Promotion follows torch: the *category* (bool,
integer, floating, complex) of tensors with dimensions outranks that of 0-d tensors, which outranks
that of Python numbers; within the highest category the types of that rank are promoted together.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, Literal

import numpy as np

from rushlight.errors import warn

Array = np.ndarray[Any, np.dtype[Any]]

BOOL, INTEGER, FLOATING, COMPLEX = range(4)


class dtype:
    """The type of a tensor's elements; compare with `is` or `==`.

    >>> import rushlight as torch
    >>> torch.float32.itemsize, torch.float32.is_floating_point
    (4, True)
    """

    __slots__ = ("name", "numpy", "category", "itemsize", "word")

    numpy: np.dtype[Any]

    def __init__(
        self, name: str, word: str, itemsize: int, category: int, storage: str = ""
    ) -> None:
        self.name = name
        # torch's word for it in messages.
        self.word = word
        self.category = category
        self.itemsize = itemsize
        if storage:
            self.numpy = np.dtype(storage)

    def __getattr__(self, name: str) -> Any:
        # The slot of a type that NumPy does not know itself is empty until it is first asked for.
        if name != "numpy":
            raise AttributeError(f"'torch.dtype' object has no attribute '{name}'")
        self.numpy = _borrowed(self)
        return self.numpy

    @property
    def is_floating_point(self) -> bool:
        """True for float32, bfloat16 and their kind."""
        return self.category == FLOATING

    @property
    def is_complex(self) -> bool:
        """True for complex64 and complex128."""
        return self.category == COMPLEX

    @property
    def is_signed(self) -> bool:
        """True where negative values can be stored. RuntimeError for quantized types and plain bits."""
        if self.name.startswith("q"):
            raise RuntimeError("isSignedType not supported for quantized types")
        if self.name.startswith("bits"):
            raise RuntimeError("Bits types are undefined")
        return self.category != BOOL and self.name[0] != "u" and self is not float8_e8m0fnu

    def to_real(self) -> dtype:
        """The type of the real part: complex64 gives float32, float32 itself."""
        return _PARTS.get(self, self)

    def to_complex(self) -> dtype:
        """The complex type with this precision: float64 gives complex128. RuntimeError for whole numbers."""
        if self.category == COMPLEX:
            return self
        if self is bfloat16:
            return complex64
        for kind, part in _PARTS.items():
            if part is self:
                return kind
        raise RuntimeError(f"Unknown Complex ScalarType for {self.word}")

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str | tuple[Any, ...]:
        return (named, (self.name,))


def _borrowed(kind: dtype) -> np.dtype[Any]:
    """The type of ml_dtypes, which is loaded when it is first used; NotImplementedError if it has none."""
    if kind not in BORROWED:
        raise NotImplementedError(
            f"torch.{kind.name} is a name only: NumPy has no such numbers. Use torch."
            f"{'complex64' if kind.category == COMPLEX else 'int8 or torch.uint8'}"
        )
    import ml_dtypes

    storage = np.dtype(getattr(ml_dtypes, kind.name))
    _BY_NUMPY[storage] = kind
    _LARGEST[storage] = float(ml_dtypes.finfo(storage).max)  # type: ignore[no-untyped-call]
    NARROW.add(storage)
    SELDOM.add(storage)
    return storage


bool_ = dtype("bool", "Bool", 1, BOOL, "bool")
uint8 = dtype("uint8", "Byte", 1, INTEGER, "uint8")
uint16 = dtype("uint16", "UInt16", 2, INTEGER, "uint16")
uint32 = dtype("uint32", "UInt32", 4, INTEGER, "uint32")
uint64 = dtype("uint64", "UInt64", 8, INTEGER, "uint64")
int8 = dtype("int8", "Char", 1, INTEGER, "int8")
int16 = dtype("int16", "Short", 2, INTEGER, "int16")
int32 = dtype("int32", "Int", 4, INTEGER, "int32")
int64 = dtype("int64", "Long", 8, INTEGER, "int64")
float16 = dtype("float16", "Half", 2, FLOATING, "float16")
float32 = dtype("float32", "Float", 4, FLOATING, "float32")
float64 = dtype("float64", "Double", 8, FLOATING, "float64")
complex64 = dtype("complex64", "ComplexFloat", 8, COMPLEX, "complex64")
complex128 = dtype("complex128", "ComplexDouble", 16, COMPLEX, "complex128")
bfloat16 = dtype("bfloat16", "BFloat16", 2, FLOATING)
float8_e4m3fn = dtype("float8_e4m3fn", "Float8_e4m3fn", 1, FLOATING)
float8_e4m3fnuz = dtype("float8_e4m3fnuz", "Float8_e4m3fnuz", 1, FLOATING)
float8_e5m2 = dtype("float8_e5m2", "Float8_e5m2", 1, FLOATING)
float8_e5m2fnuz = dtype("float8_e5m2fnuz", "Float8_e5m2fnuz", 1, FLOATING)
float8_e8m0fnu = dtype("float8_e8m0fnu", "Float8_e8m0fnu", 1, FLOATING)
complex32 = dtype("complex32", "ComplexHalf", 4, COMPLEX)
qint8 = dtype("qint8", "QInt8", 1, INTEGER)
quint8 = dtype("quint8", "QUInt8", 1, INTEGER)
qint32 = dtype("qint32", "QInt32", 4, INTEGER)
quint4x2 = dtype("quint4x2", "QUInt4x2", 1, INTEGER)
quint2x4 = dtype("quint2x4", "QUInt2x4", 1, INTEGER)
uint1 = dtype("uint1", "UInt1", 1, INTEGER)
uint2 = dtype("uint2", "UInt2", 1, INTEGER)
uint3 = dtype("uint3", "UInt3", 1, INTEGER)
uint4 = dtype("uint4", "UInt4", 1, INTEGER)
uint5 = dtype("uint5", "UInt5", 1, INTEGER)
uint6 = dtype("uint6", "UInt6", 1, INTEGER)
uint7 = dtype("uint7", "UInt7", 1, INTEGER)
int1 = dtype("int1", "Int1", 1, INTEGER)
int2 = dtype("int2", "Int2", 1, INTEGER)
int3 = dtype("int3", "Int3", 1, INTEGER)
int4 = dtype("int4", "Int4", 1, INTEGER)
int5 = dtype("int5", "Int5", 1, INTEGER)
int6 = dtype("int6", "Int6", 1, INTEGER)
int7 = dtype("int7", "Int7", 1, INTEGER)
bits1x8 = dtype("bits1x8", "Bits1x8", 1, INTEGER)
bits2x4 = dtype("bits2x4", "Bits2x4", 1, INTEGER)
bits4x2 = dtype("bits4x2", "Bits4x2", 1, INTEGER)
bits8 = dtype("bits8", "Bits8", 1, INTEGER)
bits16 = dtype("bits16", "Bits16", 2, INTEGER)
float4_e2m1fn_x2 = dtype("float4_e2m1fn_x2", "Float4_e2m1fn_x2", 1, FLOATING)

ALL = (
    bool_, uint8, uint16, uint32, uint64, int8, int16, int32, int64,
    float16, float32, float64, complex64, complex128,
)  # fmt: skip

BORROWED = (
    bfloat16, float8_e4m3fn, float8_e4m3fnuz, float8_e5m2, float8_e5m2fnuz, float8_e8m0fnu
)  # fmt: skip

# What complex numbers are made of.
_PARTS = {complex32: float16, complex64: float32, complex128: float64}


def complex_of(kind: dtype) -> dtype:
    """`to_complex`, of the types that there are numbers of: float16 gives complex64."""
    made = kind.to_complex()
    return complex64 if made is complex32 else made


_BY_NUMPY = {d.numpy: d for d in ALL}
# Types that torch has and NumPy has not: programs name and compare them.
NAMES_ONLY = (
    complex32, qint8, quint8, qint32, quint4x2, quint2x4, uint1, uint2, uint3, uint4, uint5,
    uint6, uint7, int1, int2, int3, int4, int5, int6, int7, bits1x8, bits2x4, bits4x2, bits8,
    bits16, float4_e2m1fn_x2,
)  # fmt: skip
_BY_NAME = {d.name: d for d in (*ALL, *BORROWED, *NAMES_ONLY)}

EIGHT_BITS = frozenset(BORROWED[1:])
# Those without infinity.
_FINITE = EIGHT_BITS - {float8_e5m2}

# What is computed in float32 and rounded once (`primitives/narrow.py`): float16, and those of BORROWED
# that are in use. NumPy calls the kind of these "V".
NARROW = {float16.numpy}
# Whole numbers that torch keeps, and does little with; and all types whose rows are looked at first.
UNSIGNED = frozenset((uint16.numpy, uint32.numpy, uint64.numpy))
SELDOM = {*NARROW, *UNSIGNED}

_default = float32


def of(storage: np.dtype[Any]) -> dtype:
    """The dtype that a NumPy dtype stores.

    >>> of(np.dtype("int64"))
    torch.int64
    """
    try:
        return _BY_NUMPY[storage]
    except KeyError:
        if storage.kind == "V" and (kind := _BY_NAME.get(storage.name)) and kind.numpy == storage:
            return kind
        names = ", ".join(d.name for d in ALL)
        raise TypeError(
            f"can't convert np.ndarray of type {storage}. The supported types are: {names}."
        ) from None


def named(name: str) -> dtype:
    """The dtype called name: `named("float32")`."""
    return _BY_NAME[name]


def get_default_dtype() -> dtype:
    """The type given to Python floats; float32 unless set.

    >>> get_default_dtype()
    torch.float32
    """
    return _default


def set_default_dtype(d: dtype, /) -> None:
    """Set the type given to Python floats to a floating dtype.

    Raises TypeError for any other dtype, as torch does.
    """
    global _default
    if not isinstance(d, dtype) or not d.is_floating_point:
        raise TypeError(
            f"only floating-point types are supported as the default type, but got {d!r}"
        )
    _default = d


def of_number(value: Any) -> dtype:
    """The dtype a number gets on its own: bool, int64, the default float or its complex.

    Integers over 63 bits are uint64. torch reads a NumPy bool or complex64 as a float.
    """
    if isinstance(value, bool):
        return bool_
    if isinstance(value, (int, np.integer)):
        return int64 if -(2**63) <= value < 2**63 else _beyond(value)
    if isinstance(value, complex):
        return complex128 if _default is float64 else complex64
    return _default


def _beyond(value: Any) -> dtype:
    """uint64 for an integer over 63 bits; raises Python's own OverflowError over 64."""
    if isinstance(value, np.integer):
        raise TypeError(f"an integer of 63 bits is required, not {value!r}")
    value.to_bytes(8)
    return uint64


# How torch's messages call the types of C++.
_C_NAMES = {
    bool_: "bool", int32: "int", float16: "c10::Half", float32: "float", float64: "double",
    complex64: "c10::complex<float>", complex128: "c10::complex<double>",
}  # fmt: skip


def python_number(value: Any) -> Any:
    """A NumPy number as torch reads it: bool and complex64 are floats; others are unchanged."""
    if not isinstance(value, np.generic):
        return value
    if isinstance(value, np.integer):
        of_number(value)
        return int(value)
    return complex(value) if isinstance(value, complex) else float(value)


def number_in(value: Any, storage: np.dtype[Any]) -> Any:
    """A number as it is stored in a dtype; raises torch's RuntimeError where it does not fit.

    Any number fits bool. Negative numbers go around in unsigned types; infinity fits floats.

    >>> number_in(-1, np.dtype(np.uint8)), number_in(2.9, np.dtype(np.int8))
    (np.uint8(255), np.int8(2))
    """
    kind, plain = storage.kind, _WHOLE.get(storage.char)
    if value.__class__ is float and kind == "f" and plain and -65504 <= value <= 65504:
        return storage.type(value)
    if value.__class__ is int and plain:
        least, most = plain
        if least <= value <= most:
            return storage.type(value)
    value = python_number(value)
    of_number(value)
    if kind == "b":
        return storage.type(bool(value))
    if kind != "c" and isinstance(value, complex):
        if value.imag:
            raise _unfit(storage)
        value = value.real
    if kind in "iu":
        return _whole_in(value, storage)
    largest = _LARGEST[storage]
    if any(math.isfinite(part) and abs(part) > largest for part in (value.real, value.imag)):
        raise _unfit(storage)
    if plain is None and kind != "c":
        exact = of(storage)
        below = not exact.is_signed and math.copysign(1, value) < 0
        if below or (math.isinf(value) and exact in _FINITE):
            raise _unfit(storage)
        return cast(np.array(value, np.float32), storage)[()]
    return storage.type(value)


def cast(x: Array, dtype: np.dtype[Any], order: Literal["K", "C"] = "K") -> Array:
    """The values in a dtype, the array itself if it has that one."""
    if x.dtype is dtype or x.dtype == dtype:
        return x
    return real_for(x, dtype).astype(dtype, order=order)


def _saturated(x: Array) -> Array:
    return np.clip(np.asarray(x, np.float32), -448, 448)


def _power_of_two(x: Array) -> Array:
    return np.maximum(np.abs(np.asarray(x, np.float32)), np.float32(2**-127))


# What torch does to values before it rounds them, where ml_dtypes gives nan.
_ODD = {"float8_e4m3fn": _saturated, "float8_e8m0fnu": _power_of_two}


def real_for(x: Array, dtype: np.dtype[Any]) -> Array:
    """x for a conversion to dtype: if that is not complex, x without what is imaginary.

    torch warns of that once in a program.
    """
    if x.dtype.kind == "c" and dtype.kind not in "cb":
        if x.size:
            _warn_of_real()
        x = x.real
    return x if dtype.kind != "V" or dtype.name not in _ODD else _ODD[dtype.name](x)


@cache
def _warn_of_real() -> None:
    warn("Casting complex values to real discards the imaginary part")


def one_in(value: Any, storage: np.dtype[Any]) -> Any:
    """`number_in` for a single element, where torch lets narrow types overflow, float16 to infinity.

    >>> one_in(70000, np.dtype(np.float16))
    np.float16(inf)
    """
    if storage in NARROW:
        return cast(np.asarray(number_in(value, float64.numpy)), storage)[()]
    return number_in(value, storage)


def _whole_in(value: float, storage: np.dtype[Any]) -> Any:
    limits = np.iinfo(storage)
    lowest = int(limits.min)
    if lowest == 0 and isinstance(value, int):
        lowest = -int(limits.max)
    # torch compares as floats, for which the largest of 64 bits is a power of two.
    largest = float(limits.max) if isinstance(value, float) else int(limits.max)
    if not lowest <= value <= largest:
        raise _unfit(storage)
    whole = int(value)
    bits = 8 * storage.itemsize
    if not limits.min <= whole <= limits.max:
        whole = (whole - int(limits.min)) % 2**bits + int(limits.min)
    return storage.type(whole)


def _unfit(storage: np.dtype[Any]) -> RuntimeError:
    target = of(storage)
    name = f"c10::{target.word}" if target in BORROWED else _C_NAMES.get(target, f"{target.name}_t")
    return RuntimeError(f"value cannot be converted to type {name} without overflow")


# Between which limits whole numbers need no further questions, by NumPy's letters.
_WHOLE = {letter: (-65504, 65504) for letter in "efdg"} | {
    letter: (int(np.iinfo(letter).min), int(np.iinfo(letter).max)) for letter in "bBhHiIlLqQ"
}
_LARGEST = {d.numpy: float(np.finfo(d.numpy).max) for d in ALL if d.category >= FLOATING}


@cache
def promote_types(a: dtype, b: dtype) -> dtype:
    """The smallest type that torch allows to hold both a and b.

    >>> promote_types(int64, float16)
    torch.float16
    """
    if a is b:
        return a
    for one, other in ((a, b), (b, a)):
        # torch added these three for storage and defines their promotion with floats only.
        if one in (uint16, uint32, uint64) and not other.is_floating_point:
            raise RuntimeError(
                f"Promotion for uint16, uint32, uint64 types is not supported, attempted to "
                f"promote {a.name} and {b.name}: cast one of them with .to()"
            )
    if EIGHT_BITS.intersection((a, b)):
        raise RuntimeError(
            f"Promotion for Float8 Types is not supported, attempted to promote {a.word} and "
            f"{b.word}: cast one of them with .to()"
        )
    if a.category != b.category:
        low, high = (a, b) if a.category < b.category else (b, a)
        if high is complex64 and low is float64:
            return complex128
        return high
    if bfloat16 in (a, b):
        # Neither float16 nor bfloat16 holds the other.
        return float32 if float16 in (a, b) else a if b is bfloat16 else b
    return of(np.promote_types(a.numpy, b.numpy))


def highest(ranked: list[tuple[int, dtype]]) -> dtype:
    """Promote (rank, dtype) pairs: rank 2 has dimensions, 1 is 0-d, 0 is a Python number."""
    result: dtype | None = None
    for rank in (2, 1, 0):
        here: dtype | None = None
        for r, d in ranked:
            if r == rank:
                here = d if here is None else promote_types(here, d)
        if here is not None and (result is None or here.category > result.category):
            if result is not None and (here in EIGHT_BITS or here.numpy in UNSIGNED):
                promote_types(result, here)
            result = _lifted(result, here)
    if result is None:
        raise ValueError("no types to promote")
    return result


def _lifted(dimensioned: dtype | None, weaker: dtype) -> dtype:
    # A weaker operand only lends its category; a float64 tensor and a complex number make complex128.
    if dimensioned is not None and weaker.is_complex and dimensioned.is_floating_point:
        return complex_of(dimensioned)
    return weaker


# What Python's own types stand for where a type is asked for.
PYTHON = {bool: bool_, int: int64, float: float64, complex: complex128}


class finfo:
    """The limits of a floating type (of the parts of a complex one).

    >>> import rushlight as torch
    >>> torch.finfo(torch.float32).eps
    1.1920928955078125e-07
    """

    __slots__ = ("bits", "eps", "max", "min", "tiny", "smallest_normal", "resolution", "dtype")

    def __init__(self, type: Any = ...) -> None:
        kind = _default if type is ... else PYTHON.get(type, type)
        if not isinstance(kind, dtype):
            raise TypeError(
                f"finfo(): argument 'type' (position 1) must be torch.dtype, not {_type_name(kind)}"
            )
        if kind.category < FLOATING:
            raise TypeError(
                "torch.finfo() requires a floating point input type. Use torch.iinfo to handle "
                f"'torch.finfo' of {kind}"
            )
        limits: Any
        if kind in BORROWED:
            import ml_dtypes

            limits = ml_dtypes.finfo(kind.numpy)  # type: ignore[no-untyped-call]
        else:
            limits = np.finfo(kind.numpy)
        self.bits = int(limits.bits)
        self.eps = float(limits.eps)
        self.max = float(limits.max)
        self.min = float(limits.min)
        self.tiny = self.smallest_normal = float(limits.tiny)
        self.resolution = float(f"1e-{limits.precision}") if kind.itemsize > 1 else 1.0
        if kind is float8_e5m2fnuz:
            # Its eps is a quarter, of two bits; this is what torch says.
            self.eps = 0.125
        self.dtype = str(np.dtype(limits.dtype))

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, "
            f"eps={self.eps:g}, smallest_normal={self.tiny:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, finfo) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash(self.dtype)

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("cannot pickle 'torch.finfo' object: keep its dtype")


class iinfo:
    """The limits of an integer type.

    >>> import rushlight as torch
    >>> torch.iinfo(torch.int8)
    iinfo(min=-128, max=127, dtype=int8)
    """

    __slots__ = ("bits", "max", "min", "dtype")

    def __init__(self, type: Any) -> None:
        kind = PYTHON.get(type, type)
        if not isinstance(kind, dtype):
            raise TypeError(
                f"iinfo(): argument 'type' (position 1) must be torch.dtype, not {_type_name(kind)}"
            )
        if kind is bool_:
            raise TypeError("torch.bool is not supported by torch.iinfo")
        if kind.category != INTEGER:
            raise TypeError(
                "torch.iinfo() requires an integer input type. Use torch.finfo to handle "
                f"'torch.iinfo' of {kind}"
            )
        limits = np.iinfo(kind.numpy)
        self.bits = int(limits.bits)
        self.max = int(limits.max)
        self.min = int(limits.min)
        self.dtype = kind.name

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, iinfo) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash(self.dtype)

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("cannot pickle 'torch.iinfo' object: keep its dtype")


def _type_name(value: object) -> str:
    return type(value).__name__
