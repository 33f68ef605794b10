"""What a tensor says of itself, and methods that are not what `torch` calls by their name."""

from __future__ import annotations

from typing import Any

from rushlight.layout import layout, strided
from rushlight.ops import complex, shape, transcendental
from rushlight.ops.inplace import inplace


class AttributeMethods:
    """Mixed into Tensor."""

    __slots__ = ()

    H = property(shape.conjugate_matrix)
    T = property(shape.reversed_dims)
    mH = property(shape.conjugate_matrices)
    mT = property(shape.matrix_transpose)
    real = property(complex.real, complex.set_real)
    imag = property(complex.imag, complex.set_imag)

    __array_priority__ = 1000

    # What torch tells apart and is always the same here.
    is_cpu = True
    is_cuda = False
    is_ipu = False
    is_maia = False
    is_meta = False
    is_mkldnn = False
    is_mps = False
    is_mtia = False
    is_nested = False
    is_quantized = False
    is_sparse = False
    is_sparse_csr = False
    is_vulkan = False
    is_xla = False
    is_xpu = False

    @property
    def layout(self) -> layout:
        """How elements are kept: `torch.strided`."""
        return strided

    @property
    def itemsize(self: Any) -> int:
        """The bytes of one element."""
        return self._data.itemsize

    @property
    def nbytes(self: Any) -> int:
        """The bytes of all elements."""
        return self._data.nbytes

    def is_distributed(self) -> bool:
        """False: a tensor lies in one process."""
        return False

    def __reversed__(self: Any) -> Any:
        return self.flip(0) if self.ndim else self

    def pin_memory(self, device: Any = None) -> Any:
        """The tensor itself; there is no device for which memory would be pinned."""
        return self

    def is_pinned(self, device: Any = None) -> bool:
        """False: see `pin_memory`."""
        return False

    def polygamma(self: Any, n: int) -> Any:
        """The n-th derivative of digamma."""
        return transcendental.polygamma(n, self)

    polygamma_ = inplace(polygamma)
