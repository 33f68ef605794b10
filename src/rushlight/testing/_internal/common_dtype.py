"""Lists of types for tests, by torch's names and in torch's order."""

from __future__ import annotations

from collections.abc import Callable

from rushlight import dtypes
from rushlight.dtypes import dtype

_FLOATING = (dtypes.float32, dtypes.float64)
_COMPLEX = (dtypes.complex64, dtypes.complex128)
_INTEGRAL = (dtypes.uint8, dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64)
_FLOAT8 = (dtypes.float8_e4m3fn, dtypes.float8_e4m3fnuz, dtypes.float8_e5m2, dtypes.float8_e5m2fnuz)

_Types = tuple[dtype, ...]


def _always(*types: dtype) -> Callable[[], _Types]:
    return lambda: types


def _and(*types: dtype) -> Callable[..., _Types]:
    return lambda *more: types + more


empty_types = _always()
floating_types = _always(*_FLOATING)
floating_types_and_half = _always(*_FLOATING, dtypes.float16)
floating_types_and = _and(*_FLOATING)
floating_and_complex_types = _always(*_FLOATING, *_COMPLEX)
floating_and_complex_types_and = _and(*_FLOATING, *_COMPLEX)
double_types = _always(dtypes.float64, dtypes.complex128)
integral_types = _always(*_INTEGRAL)
integral_types_and = _and(*_INTEGRAL)
all_types = _always(*_FLOATING, *_INTEGRAL)
all_types_and = _and(*_FLOATING, *_INTEGRAL)
all_types_and_half = _always(*_FLOATING, *_INTEGRAL, dtypes.float16)
complex_types = _always(*_COMPLEX)
complex_types_and = _and(*_COMPLEX)
all_types_and_complex = _always(*_FLOATING, *_INTEGRAL, *_COMPLEX)
all_types_and_complex_and = _and(*_FLOATING, *_INTEGRAL, *_COMPLEX)
float8_types = _always(*_FLOAT8)
float8_types_and = _and(*_FLOAT8)
all_types_complex_float8_and = _and(*_FLOATING, *_INTEGRAL, *_COMPLEX, *_FLOAT8)
custom_types = _and()

float_to_corresponding_complex_type_map = dict(zip(_FLOATING, _COMPLEX, strict=True))


def get_all_int_dtypes() -> list[dtype]:
    """Whole numbers."""
    return list(_INTEGRAL)


def get_all_fp_dtypes(include_half: bool = True, include_bfloat16: bool = True) -> list[dtype]:
    """Floats."""
    narrow = [dtypes.float16] * include_half + [dtypes.bfloat16] * include_bfloat16
    return [*_FLOATING, *narrow]


def get_all_complex_dtypes(include_complex32: bool = False) -> list[dtype]:
    """Complex numbers."""
    return [dtypes.complex32] * include_complex32 + list(_COMPLEX)


def get_all_math_dtypes(device: str) -> list[dtype]:
    """What can be computed with."""
    return [*get_all_int_dtypes(), *get_all_fp_dtypes(False, False), *get_all_complex_dtypes()]


def get_all_dtypes(
    include_half: bool = True,
    include_bfloat16: bool = True,
    include_bool: bool = True,
    include_complex: bool = True,
    include_complex32: bool = False,
    include_qint: bool = False,
) -> list[dtype]:
    """All of them, but those that are not asked for."""
    return [
        *get_all_int_dtypes(),
        *get_all_fp_dtypes(include_half, include_bfloat16),
        *[dtypes.bool_] * include_bool,
        *(get_all_complex_dtypes(include_complex32) if include_complex else []),
    ]
