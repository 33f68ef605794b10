"""The `onnx` library, and NumPy's types by the numbers that ONNX gives them."""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.core.tensor import Array

__all__ = ["dtype_of", "element_type", "onnx", "tensor_of"]


@cache
def onnx() -> ModuleType:
    """The library; ImportError with what to install where it is not there."""
    try:
        import onnx
        import onnx.checker
        import onnx.external_data_helper
        import onnx.helper
        import onnx.numpy_helper
    except ImportError as error:
        raise ModuleNotFoundError(
            "ONNX files are read and written through the library `onnx`: pip install 'rushlight[onnx]'",
            name="onnx",
        ) from error
    return onnx


def element_type(dtype: np.dtype[Any]) -> int:
    """ONNX's number of a type."""
    return int(onnx().helper.np_dtype_to_tensor_dtype(dtype))


def dtype_of(number: int) -> np.dtype[Any]:
    """The type of a number of ONNX's."""
    if number == onnx().TensorProto.BFLOAT16:
        return dtypes.bfloat16.numpy
    return onnx().helper.tensor_dtype_to_np_dtype(number)


def tensor_of(array: Array, name: str) -> Any:
    """An array as ONNX has it."""
    return onnx().numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)
