"""What a tensor says of itself, and methods that are not what `torch` calls by their name."""

from __future__ import annotations

from typing import Any

from rushlight import dtypes
from rushlight.autograd.accumulate import choose
from rushlight.device import CPU
from rushlight.elsewhere import device_of, has_memory
from rushlight.errors import warn
from rushlight.layout import layout, strided
from rushlight.ops import complex, shape, transcendental
from rushlight.ops.inplace import inplace
from rushlight.overriding.functions import copied


def _always(answer: bool) -> property:
    def asked(self: Any) -> bool:
        return answer

    return property(asked)


class AttributeMethods:
    """Mixed into Tensor."""

    __slots__ = ()

    H = property(copied(shape.conjugate_matrix))
    T = property(copied(shape.reversed_dims))
    mH = property(copied(shape.conjugate_matrices))
    mT = property(copied(shape.matrix_transpose))
    real = property(copied(complex.real), copied(complex.set_real))
    imag = property(copied(complex.imag), copied(complex.set_imag))

    __array_priority__ = 1000

    # What torch tells apart and is always the same here.
    is_cuda = property(
        lambda self: device_of(self._data_).type == "cuda", doc="Whether it is on a GPU."
    )
    is_ipu = _always(False)
    is_maia = _always(False)
    is_mkldnn = _always(False)
    is_mps = _always(False)
    is_mtia = _always(False)
    is_nested = _always(False)
    is_quantized = _always(False)
    is_sparse = _always(False)
    is_sparse_csr = _always(False)
    is_vulkan = _always(False)
    is_xla = _always(False)
    is_xpu = _always(False)

    @property
    def is_cpu(self: Any) -> bool:
        """Whether the elements are in memory."""
        return device_of(self._data_) is CPU

    @property
    def is_meta(self: Any) -> bool:
        """Whether there are no elements, but only a shape, a type and strides."""
        return not has_memory(self._data_)

    @property
    def layout(self) -> layout:
        """How elements are kept: `torch.strided`."""
        return strided

    @property
    def itemsize(self: Any) -> int:
        """The bytes of one element."""
        return self._data_.itemsize

    @property
    def nbytes(self: Any) -> int:
        """The bytes of all elements."""
        return self._data_.nbytes

    @property
    def grad_dtype(self: Any) -> Any:
        """The type that its gradient is kept in: its own, or the one that was set; None: any."""
        if not self.is_leaf:
            raise RuntimeError("grad_dtype can only be accessed on leaf tensors.")
        if self._grad_dtype_ is ...:
            return self.dtype
        return None if self._grad_dtype_ is None else dtypes.of(self._grad_dtype_)

    @grad_dtype.setter
    def grad_dtype(self: Any, value: Any) -> None:
        if not self.is_leaf:
            raise RuntimeError("grad_dtype can only be set on leaf tensors.")
        if value is not None and not isinstance(value, dtypes.dtype):
            raise RuntimeError(
                f"grad_dtype must be a torch.dtype or None, but got {type(value).__name__}"
            )
        if value is not None and self._grad is not None and self._grad.dtype != value:
            raise RuntimeError(
                f"Cannot set grad_dtype to {value} because there is already a gradient with dtype "
                f"{self._grad.dtype}: set .grad to None first"
            )
        choose(self, None if value is None else value.numpy)

    @property
    def volatile(self: Any) -> bool:
        """False, with torch's warning: it was removed."""
        warn("volatile was removed (Variable.volatile is always False)")
        return False

    def is_distributed(self) -> bool:
        """False: a tensor lies in one process."""
        return False

    def __reversed__(self: Any) -> Any:
        return self.flip(0) if self.ndim else self

    def pin_memory(self, device: Any = None) -> Any:
        """A RuntimeError: there is no device for which memory would be pinned."""
        raise RuntimeError(
            "Cannot access accelerator device when none is available: leave pin_memory() away, or ask "
            "torch.accelerator.is_available() first"
        )

    def is_pinned(self, device: Any = None) -> bool:
        """False: see `pin_memory`."""
        return False

    def polygamma(self: Any, n: int) -> Any:
        """The n-th derivative of digamma."""
        return transcendental.polygamma(n, self)

    polygamma_ = inplace(polygamma)
