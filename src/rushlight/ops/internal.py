"""Functions of torch whose names begin with an underscore, and that libraries call."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rushlight import dtypes
from rushlight.core.tensor import TensorBase
from rushlight.ops import activation, conversion, creation, embedding, joining, sorting
from rushlight.ops.arguments import write_out
from rushlight.ops.convolution import convolution

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def _assert(condition: Any, message: str) -> None:
    """An AssertionError, unless the condition holds."""
    if not condition:
        raise AssertionError(message)


def _assert_async(self: Tensor, assert_msg: str = "") -> None:
    """A RuntimeError, unless the one value of the tensor is true."""
    if not self:
        raise RuntimeError(assert_msg or "Expected Tensor with single nonzero value, but got zero")


def _checking(error: type[Exception]) -> Callable[..., None]:
    def check(cond: Any, message: Callable[[], str] | str | None = None) -> None:
        """An error with the message, unless cond is true."""
        if isinstance(cond, TensorBase):
            raise TypeError(
                "cond must be a bool, but got a Tensor. For tensor conditions, use "
                "torch._check_tensor_all() to assert that all elements are true."
            )
        if not isinstance(cond, bool):
            raise TypeError(f"cond must be a bool, but got {type(cond)}")
        if not cond:
            if message is not None and not callable(message):
                raise TypeError("message must be a callable")
            said = None if message is None else str(message())
            raise error(
                said
                if said is not None
                else "Expected cond to be True, but got False. (Could this error message be improved? "
                "If so, please report an enhancement request to PyTorch.)"
            )

    return check


_check = _checking(RuntimeError)
_check_index = _checking(IndexError)
_check_value = _checking(ValueError)
_check_type = _checking(TypeError)
_check_not_implemented = _checking(NotImplementedError)


def _check_with(error_type: type[Exception], cond: Any, message: Callable[[], str]) -> None:
    """An error of that type, unless cond is true."""
    _checking(error_type)(cond, message)


def _check_tensor_all_with(error_type: type[Exception], cond: Tensor, message: Any = None) -> None:
    """An error of that type, unless all elements are true."""
    if not isinstance(cond, TensorBase):
        raise TypeError(f"cond must be a tensor, but got {type(cond)}")
    if cond._data_.dtype.kind != "b":
        raise TypeError("cond tensor must have dtype torch.bool")
    _checking(error_type)(bool(cond.all()), message)


def _check_tensor_all(cond: Tensor, message: Any = None) -> None:
    """A RuntimeError, unless all elements are true."""
    _check_tensor_all_with(RuntimeError, cond, message)


def _check_is_size(i: int, message: Any = None, *, max: int | None = None) -> None:
    """A RuntimeError, unless the number can be a size."""
    _check(i >= 0, message)


def _shape_as_tensor(self: Tensor) -> Tensor:
    """The sizes as a tensor."""
    return creation.tensor(list(self._data_.shape), dtype=dtypes.int64)


def _dim_arange(like: Tensor, dim: int) -> Tensor:
    """0, 1, ... along a dimension."""
    from rushlight.ops.ranges import arange

    return arange(like._data_.shape[dim])


def _softmax(self: Tensor, dim: int, half_to_float: bool = False) -> Tensor:
    """`softmax`."""
    return activation.softmax(self, dim)


def _log_softmax(self: Tensor, dim: int, half_to_float: bool = False) -> Tensor:
    """`log_softmax`."""
    return activation.log_softmax(self, dim)


def _softmax_backward_data(
    grad_output: Tensor, output: Tensor, dim: int, input_dtype: Any
) -> Tensor:
    """The gradient of a softmax by its output."""
    product: Any = grad_output * output
    return (product - output * product.sum(dim, keepdim=True)).to(input_dtype)


def _log_softmax_backward_data(grad_output: Any, output: Any, dim: int, input_dtype: Any) -> Tensor:
    """The gradient of a log_softmax by its output."""
    return (grad_output - output.exp() * grad_output.sum(dim, keepdim=True)).to(input_dtype)


def _int_mm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The product of two matrices of 8-bit integers, in int32."""
    for name, matrix, kinds in (
        ("self", input, (dtypes.int8, dtypes.uint8)),
        ("mat2", mat2, (dtypes.int8,)),
    ):
        if matrix.ndim != 2:
            raise RuntimeError(
                f"int_mm_out_cpu: Expected {name} to be of dimension 2 but got {matrix.ndim}"
            )
        if matrix.dtype not in kinds:
            raise RuntimeError(
                f"int_mm_out_cpu: Expected {name} dtype to be {' or '.join(str(k)[6:] for k in kinds)} but got "
                f"{str(matrix.dtype)[6:]}"
            )
    if input.shape[1] != mat2.shape[0]:
        raise RuntimeError(
            "int_mm_out_cpu: self.size(1) needs to match mat2.size(0) but got "
            f"{input.shape[1]} and {mat2.shape[0]}"
        )
    # Sums of so few bits are exact in double precision, for which there is a fast product.
    return write_out(out, input.double().mm(mat2.double()).to(dtypes.int32))


def _convolution(
    input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, dilation: Any,
    transposed: bool, output_padding: Any, groups: int, *switches: bool,
) -> Tensor:  # fmt: skip
    """`convolution`; the switches are cuDNN's."""
    return convolution(
        input, weight, bias, stride, padding, dilation, transposed, output_padding, groups
    )


def _cast(dtype: dtypes.dtype) -> Callable[..., Tensor]:
    def cast(self: Tensor, non_blocking: bool = False) -> Tensor:
        """The values in another type."""
        return conversion.to(self, dtype)

    return cast


_cast_Byte, _cast_Char, _cast_Double = (
    _cast(dtypes.uint8),
    _cast(dtypes.int8),
    _cast(dtypes.float64),
)
_cast_Float, _cast_Half, _cast_Int = (
    _cast(dtypes.float32),
    _cast(dtypes.float16),
    _cast(dtypes.int32),
)
_cast_Long, _cast_Short = _cast(dtypes.int64), _cast(dtypes.int16)


def _unique(self: Tensor, sorted: bool = True, return_inverse: bool = False) -> tuple[Any, ...]:
    """`unique`, as a pair."""
    found = sorting.unique(self, sorted, return_inverse)
    return found if return_inverse else (found, creation.empty(0, dtype=dtypes.int64))


def _unique2(
    self: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False
) -> tuple[Any, ...]:
    """`unique`, as a triple."""
    values, inverse, counts = sorting.unique(self, sorted, True, True)
    none = creation.empty(0, dtype=dtypes.int64)
    return values, inverse if return_inverse else none, counts if return_counts else none


def _stack(tensors: Any, dim: int = 0) -> Tensor:
    """`stack`."""
    return joining.stack(tensors, dim)


def _embedding_bag(*args: Any, **options: Any) -> Any:
    """`embedding_bag`."""
    return embedding.embedding_bag(*args, **options)


def _is_all_true(self: Any) -> Tensor:
    """`all`."""
    return self.all()


def _is_any_true(self: Any) -> Tensor:
    """`any`."""
    return self.any()


def _convert_indices_from_coo_to_csr(self: Any, size: int, *, out_int32: bool = False) -> Tensor:
    """Where each row begins, of sorted row indices."""
    counts = sorting.searchsorted(self, creation.tensor(range(size + 1), dtype=self.dtype))
    return conversion.to(counts, dtypes.int32 if out_int32 else dtypes.int64)


def _convert_indices_from_csr_to_coo(
    crow_indices: Any, col_indices: Any, *, out_int32: bool = False, transpose: bool = False
) -> Tensor:
    """Row and column of each element, of where each row begins."""
    from rushlight.ops.ranges import arange

    rows = joining.repeat_interleave(arange(len(crow_indices) - 1), crow_indices.diff())
    pair = (col_indices, rows) if transpose else (rows, col_indices)
    whole = dtypes.int32 if out_int32 else dtypes.int64
    return joining.stack([conversion.to(part, whole) for part in pair])


def _pin_memory(self: Tensor, device: Any = None) -> Tensor:
    """The tensor: there is no device that would read it."""
    return self
