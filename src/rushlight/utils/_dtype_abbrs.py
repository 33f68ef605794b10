"""Short names of types, for printed graphs: float32 is `f32`, bool `b8`."""

from __future__ import annotations

from rushlight import dtypes

__all__ = ["dtype_abbrs"]


def _short(name: str) -> str:
    if name == "bool":
        return "b8"
    for word, letter in (("bfloat", "bf"), ("float", "f"), ("complex", "c"), ("uint", "u")):
        if name.startswith(word):
            return name.replace(word, letter, 1).replace("_", "", 1)
    return name.replace("int", "i", 1)


dtype_abbrs = {
    dtype: _short(dtype.name) for dtype in (*dtypes.ALL, *dtypes.BORROWED, dtypes.complex32)
}
