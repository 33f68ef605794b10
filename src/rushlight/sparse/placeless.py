"""What is asked of a tensor's memory, of which a sparse one has none of its own."""

from __future__ import annotations

from typing import Any, NoReturn

from rushlight.core.tensor import bump
from rushlight.ops.arguments import NUMBERS, many_dims

__all__ = ["Placeless"]


def _refusing(error: type[Exception], message: str) -> Any:
    def method(self: Any, *args: Any, **options: Any) -> NoReturn:
        raise error(message)

    return method


_NO_MEMORY = "Cannot access data pointer of Tensor that doesn't have storage: ask its .values()"
_RESHAPED = "reshape is not implemented for sparse tensors: use .to_dense()"


def _in_place(name: str) -> Any:
    def method(self: Any, *args: Any, **options: Any) -> Any:
        result = getattr(self, name)(*args, **options)
        if result.dtype is not self.dtype:
            raise RuntimeError(
                f"result type {result.dtype.word} can't be cast to the desired output type {self.dtype.word}"
            )
        return self._become(result, f"{name}_")

    method.__name__ = f"{name}_"
    method.__doc__ = f"`{name}`, in place."
    return method


class Placeless:
    """Mixed into SparseTensor."""

    __slots__ = ()

    data_ptr = _refusing(RuntimeError, _NO_MEMORY)
    tolist = _refusing(RuntimeError, _NO_MEMORY)
    reshape = _refusing(RuntimeError, _RESHAPED)
    flatten = _refusing(RuntimeError, _RESHAPED)
    ravel = _refusing(RuntimeError, _RESHAPED)
    contiguous = _refusing(
        RuntimeError,
        "unsupported memory format option Contiguous: a sparse tensor lies in its parts",
    )
    untyped_storage = _refusing(NotImplementedError, "Cannot access storage of SparseTensorImpl")

    abs_, neg_, relu_, sqrt_, sin_ = (
        _in_place("abs"), _in_place("neg"), _in_place("relu"), _in_place("sqrt"), _in_place("sin"),
    )  # fmt: skip
    tanh_, sign_, floor_, ceil_, round_ = (
        _in_place("tanh"), _in_place("sign"), _in_place("floor"), _in_place("ceil"), _in_place("round"),
    )  # fmt: skip
    add_, sub_, mul_, div_ = _in_place("add"), _in_place("sub"), _in_place("mul"), _in_place("div")
    __iadd__, __isub__, __imul__, __itruediv__ = add_, sub_, mul_, div_

    def _become(self: Any, other: Any, operation: str) -> Any:
        self._at, self._held, self._sorted = other._at, other._held, other._sorted
        bump(self, operation)
        return self

    def _beside_number(self, other: Any) -> Any:
        if isinstance(other, NUMBERS):
            raise RuntimeError(
                "add(sparse, dense) is not supported. Use add(dense, sparse) instead."
            )
        return NotImplemented

    def zero_(self: Any) -> Any:
        """No elements, in place."""
        none = self._at[:, :0], self._held[:0]
        self._at, self._held, self._sorted = *none, True
        bump(self, "zero_")
        return self

    def copy_(self: Any, src: Any, non_blocking: bool = False) -> Any:
        """The elements of another sparse tensor, in place."""
        if not getattr(src, "is_sparse", False):
            raise RuntimeError(
                "copy_() between dense and sparse Tensors is not implemented! Found self type = "
                f"{self.type()} and src type = {src.type()}"
            )
        self._sizes = src._sizes
        return self._become(src.to(self.dtype).clone(), "copy_")

    def type(self: Any, dtype: Any = None) -> Any:
        """The name of its type, or the tensor in another."""
        if dtype is not None:
            return self.to(dtype)
        name: str = self._held.type()
        return name.replace("torch.", "torch.sparse.", 1)

    def is_signed(self: Any) -> bool:
        """Whether the values can be negative."""
        signed: bool = self._held.is_signed()
        return signed

    def nelement(self: Any) -> int:
        """The number of elements, as if it were dense."""
        count: int = self.numel()
        return count

    def is_same_size(self: Any, other: Any) -> bool:
        """Whether the shapes are equal."""
        return bool(self.shape == other.shape)

    @property
    def data(self: Any) -> Any:
        """The same outside of the graph."""
        return self.detach()

    @property
    def H(self: Any) -> Any:
        """The conjugate transpose of a matrix."""
        turned = self.t()
        return turned._with(turned._held.conj()) if self.is_complex() else turned

    @property
    def real(self: Any) -> Any:
        """The real parts."""
        return self._with(self._held.real) if self.is_complex() else self

    def permute(self: Any, *dims: Any) -> Any:
        """The sparse dimensions in another order."""
        order = many_dims(dims[0] if len(dims) == 1 else dims, self.ndim) or ()
        split = self.sparse_dim()
        if sorted(order[:split]) != list(range(split)) or order[split:] != tuple(
            range(split, self.ndim)
        ):
            raise RuntimeError(
                f"permute of a sparse tensor keeps its {split} sparse dimensions first and its dense ones in "
                f"their order, not {list(order)}: use .to_dense() first"
            )
        found = self.clone()
        found._at, found._sorted = self._at[list(order[:split])], order == tuple(range(self.ndim))
        found._sizes = tuple(self._sizes[d] for d in order)
        return found

    def swapaxes(self: Any, axis0: int, axis1: int) -> Any:
        """Two dimensions exchanged."""
        return self.transpose(axis0, axis1)

    def unbind(self: Any, dim: int = 0) -> tuple[Any, ...]:
        """The slices along a sparse dimension."""
        return tuple(self.select(dim, i) for i in range(self._sizes[dim]))

    def __iter__(self: Any) -> Any:
        return iter(self.unbind())

    def square(self: Any) -> Any:
        """Each element times itself."""
        return self.pow(2)

    def norm(self: Any, p: Any = 2) -> Any:
        """The norm of all elements."""
        return self._whole()._held.norm(p)

    def any(self: Any) -> Any:
        """Whether an element is true."""
        return self._held.any()

    def __format__(self, spec: str) -> str:
        return object.__format__(self, spec)

    def stride(self: Any, dim: int | None = None) -> Any:
        """Zeros: the elements do not lie in steps."""
        return (0,) * self.ndim if dim is None else 0

    def storage_offset(self) -> int:
        """0."""
        return 0

    def is_contiguous(self, memory_format: Any = None) -> bool:
        """Never."""
        return False

    def element_size(self: Any) -> int:
        """The bytes of one value."""
        size: int = self._held.element_size()
        return size

    @property
    def itemsize(self: Any) -> int:
        """The bytes of one value."""
        size: int = self._held.element_size()
        return size

    @property
    def nbytes(self) -> NoReturn:
        """Refused: the indices have memory, too."""
        raise RuntimeError(
            "nbytes is not defined for sparse tensors.  If you want the size of the constituent tensors, add "
            "the nbytes of the indices and values."
        )

    def item(self: Any) -> Any:
        """The element of a tensor that has one."""
        if self.numel() != 1:
            raise RuntimeError(
                f"a Tensor with {self.numel()} elements cannot be converted to Scalar"
            )
        return self.to_dense().item()

    def __bool__(self: Any) -> bool:
        if self.numel() != 1:
            raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
        return bool(self.item())
