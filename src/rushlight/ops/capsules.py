"""DLPack capsules. NumPy makes and reads them; of types that it does not know it sees whole numbers.

The layout of a capsule's memory is that of dlpack.h, version 1: a `DLTensor` with a manager behind
it, or with a versioned header before it.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.core.tensor import Array
from rushlight.memory import claimed
from rushlight.ops.data import as_given

_CODES: dict[dtypes.dtype, int] = {
    dtypes.bfloat16: 4, dtypes.float8_e4m3fn: 10, dtypes.float8_e4m3fnuz: 11,
    dtypes.float8_e5m2: 12, dtypes.float8_e5m2fnuz: 13, dtypes.float8_e8m0fnu: 14,
}  # fmt: skip
_BY_CODE = {code: dtype for dtype, code in _CODES.items()}
_WHOLE = 1
# Where the code of the elements' type stands in a DLTensor, and what stands before that.
_AT, _HEADERS = 20, {b"dltensor": 0, b"dltensor_versioned": 32}

_name = ctypes.pythonapi.PyCapsule_GetName
_name.restype, _name.argtypes = ctypes.c_char_p, [ctypes.py_object]
_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]


def _code(capsule: Any) -> ctypes.c_uint8:
    if type(capsule).__name__ != "PyCapsule" or _name(capsule) not in _HEADERS:
        raise RuntimeError(
            "from_dlpack received an invalid capsule. Note that DLTensor capsules can be consumed only once, "
            "so you might have already constructed a tensor from it once."
        )
    name = _name(capsule)
    return ctypes.c_uint8.from_address(_pointer(capsule, name) + _HEADERS[name] + _AT)


def capsule_of(array: Array, **options: Any) -> Any:
    """The capsule of an array's memory."""
    kind = array.dtype
    if kind.isbuiltin == 1:
        return array.__dlpack__(**options)
    capsule = array.view(f"u{kind.itemsize}").__dlpack__(**options)
    _code(capsule).value = _CODES[dtypes.of(kind)]
    return capsule


class _Reader:
    """What NumPy asks for a capsule instead of its owner, or of a bare capsule."""

    kind: dtypes.dtype | None = None

    def __init__(self, source: Any) -> None:
        self.source = source

    def __dlpack__(self, **options: Any) -> Any:
        bare = not hasattr(self.source, "__dlpack__")
        capsule = self.source if bare else self.source.__dlpack__(**options)
        code = _code(capsule)
        self.kind = _BY_CODE.get(code.value)
        if self.kind is not None:
            code.value = _WHOLE
        return capsule

    def __dlpack_device__(self) -> Any:
        source = self.source
        return source.__dlpack_device__() if hasattr(source, "__dlpack_device__") else (1, 0)


def read_capsule(source: Any) -> Array:
    """The array on the memory of another library's tensor, or of a bare capsule."""
    reader = _Reader(source)
    array = np.from_dlpack(reader)
    if not hasattr(source, "__dlpack__"):
        # A bare capsule does not say whether its memory may be written; for torch it may.
        array = claimed(array)
    return as_given(array) if reader.kind is None else array.view(reader.kind.numpy)
