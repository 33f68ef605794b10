"""What sparse tensors do to each of their elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight import dtypes

__all__ = ["Casts", "Elementwise"]


def _into(dtype: dtypes.dtype) -> Callable[[Any], Any]:
    def method(self: Any) -> Any:
        return self.to(dtype)

    return method


class Casts:
    """Conversions under names that would hide Python's own in the class that uses those."""

    __slots__ = ()

    bool = _into(dtypes.bool_)
    double = _into(dtypes.float64)
    float = _into(dtypes.float32)
    half = _into(dtypes.float16)
    int = _into(dtypes.int32)
    long = _into(dtypes.int64)


def _each(name: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **options: Any) -> Any:
        whole = self._whole()
        return whole._with(getattr(whole._held, name)(*args, **options))

    method.__name__ = name
    method.__doc__ = f"`{name}` of each element: it leaves zeros what they are."
    return method


class Elementwise:
    """Functions of single elements that are 0 (or False) at 0."""

    __slots__ = ()

    abs, absolute, positive = _each("abs"), _each("abs"), _each("positive")
    sign, sgn, signbit = _each("sign"), _each("sgn"), _each("signbit")
    sqrt, expm1, log1p = _each("sqrt"), _each("expm1"), _each("log1p")
    sin, asin, arcsin = _each("sin"), _each("asin"), _each("asin")
    sinh, asinh, arcsinh = _each("sinh"), _each("asinh"), _each("asinh")
    tan, atan, arctan = _each("tan"), _each("atan"), _each("atan")
    tanh, atanh, arctanh = _each("tanh"), _each("atanh"), _each("atanh")
    erf, erfinv = _each("erf"), _each("erfinv")
    deg2rad, rad2deg = _each("deg2rad"), _each("rad2deg")
    ceil, floor, round, trunc, frac = (
        _each("ceil"), _each("floor"), _each("round"), _each("trunc"), _each("frac"),
    )  # fmt: skip
    relu, threshold = _each("relu"), _each("threshold")
    isnan, isinf, isposinf, isneginf = (
        _each("isnan"), _each("isinf"), _each("isposinf"), _each("isneginf"),
    )  # fmt: skip
    nan_to_num, conj_physical, angle = _each("nan_to_num"), _each("conj_physical"), _each("angle")
    __abs__ = abs
