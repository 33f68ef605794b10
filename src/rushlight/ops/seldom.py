"""Names that torch keeps from earlier times, or for other devices, and few programs still call."""

from __future__ import annotations

import enum
import itertools
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from rushlight.core.tensor import is_inference as _is_inference
from rushlight.core.tensor import wrap
from rushlight.core.turned import held
from rushlight.layout import memory_format, strided
from rushlight.ops.algebra import matrix_norm, vector_norm
from rushlight.ops.arguments import as_sizes, need_tensor, one_dim
from rushlight.ops.conversion import to_sparse
from rushlight.ops.creation import Dtype, empty, empty_strided
from rushlight.ops.geometry import is_contiguous
from rushlight.ops.legacy import of_class
from rushlight.overriding.below import Wrapping
from rushlight.primitives.placement import by_strides

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def _removed(name: str, instead: str) -> RuntimeError:
    return RuntimeError(
        f"This function was deprecated since version 1.9 and is now removed: instead of torch.{name}, use {instead}"
    )


def eig(*args: Any, **options: Any) -> NoReturn:
    """Removed from torch: `torch.linalg.eig` gives complex numbers."""
    raise _removed("eig", "torch.linalg.eig, whose values and vectors are complex")


def lstsq(*args: Any, **options: Any) -> NoReturn:
    """Removed from torch: `torch.linalg.lstsq` takes its arguments in the other order."""
    raise _removed("lstsq", "torch.linalg.lstsq(A, B), with the arguments in the other order")


def matrix_rank(*args: Any, **options: Any) -> NoReturn:
    """Removed from torch: `torch.linalg.matrix_rank`, whose hermitian was called symmetric."""
    raise _removed("matrix_rank", "torch.linalg.matrix_rank, where symmetric is called hermitian")


def solve(*args: Any, **options: Any) -> NoReturn:
    """Removed from torch: `torch.linalg.solve` takes its arguments in the other order."""
    raise _removed("solve", "torch.linalg.solve(A, B), with the arguments in the other order")


def symeig(*args: Any, **options: Any) -> NoReturn:
    """Removed from torch: `torch.linalg.eigh`, which reads the lower triangle."""
    raise _removed("symeig", "torch.linalg.eigh or eigvalsh, which read the lower triangle")


def reinforce(self: Tensor, reward: Any) -> NoReturn:
    """Removed from torch: the loss is the log-probability times the reward."""
    raise RuntimeError(
        "reinforce() was removed: take m = torch.distributions.Categorical(probs), action = m.sample(), "
        "and the gradient of -m.log_prob(action) * reward"
    )


def ipu(self: Tensor, *args: Any, **options: Any) -> NoReturn:
    """An error: there is no such device."""
    raise RuntimeError("PyTorch is not linked with support for ipu devices")


def xpu(self: Tensor, *args: Any, **options: Any) -> NoReturn:
    """An error: there is no such device."""
    raise AssertionError("Torch not compiled with XPU enabled")


def mtia(self: Tensor, *args: Any, **options: Any) -> NoReturn:
    """An error: there is no such device."""
    raise AssertionError("Torch not compiled with MTIA enabled")


def record_stream(self: Tensor, stream: Any) -> NoReturn:
    """An error: tensors of the CPU are used by no queue of work."""
    raise RuntimeError(
        f"record_stream is for tensors of a GPU; this one is on the CPU, and got {stream!r}"
    )


# ---- what torch says of itself -------------------------------------------------------------------


class classproperty:
    """A property of a class: a function of the class, read without being called."""

    def __init__(self, func: Any) -> None:
        self.fget = func if isinstance(func, classmethod | staticmethod) else classmethod(func)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self.fget.__get__(instance, type(instance) if owner is None else owner)()


def compiled_with_cxx11_abi() -> bool:
    """True: what is compiled for torch today has that interface."""
    return True


def get_file_path(*path_components: str) -> str:
    """A path beside the package."""
    return os.path.join(
        os.path.dirname(os.path.dirname(os.path.dirname(__file__))), *path_components
    )


def prepare_multiprocessing_environment(path: str) -> None:
    """Nothing, as in torch."""


def profiler_allow_cudagraph_cupti_lazy_reinit_cuda12() -> bool:
    """True, as where torch has no CUDA."""
    return True


class Tag(enum.IntEnum):
    """What `torch.library` may be told of an operator."""

    core = 0
    cudagraph_unsafe = 1
    data_dependent_output = 2
    dynamic_output_shape = 3
    flexible_layout = 4
    generated = 5
    inplace = 6
    inplace_view = 7
    maybe_aliasing_or_mutating = 8
    needs_contiguous_strides = 9
    needs_exact_strides = 10
    needs_fixed_stride_order = 11
    nondeterministic_bitwise = 12
    nondeterministic_seeded = 13
    out = 14
    out_variant = 15
    pointwise = 16
    pt2_compliant_tag = 17
    reduction = 18
    view_copy = 19


# ---- torch._C's own ------------------------------------------------------------------------------


def is_inference(input: Tensor) -> bool:
    """Whether the tensor was made in inference mode."""
    need_tensor("is_inference", "input", 1, input)
    return _is_inference(input)


def frobenius_norm(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """The root of the sum of squares over one or two dimensions, or over all if dim is an empty list."""
    return vector_norm(input, 2, dim if isinstance(dim, int) or dim else None, keepdim)


def nuclear_norm(input: Tensor, dim: Sequence[int] = (-2, -1), keepdim: bool = False) -> Tensor:
    """The sum of the singular values of a matrix."""
    return matrix_norm(input, "nuc", dim, keepdim)


def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:
    """The norm over all dimensions but one, which keeps its size; over all for -1.

    >>> import rushlight as torch
    >>> torch.norm_except_dim(torch.ones(2, 4))
    tensor([[2.],
            [2.]])
    """
    if dim == -1:
        return vector_norm(v, pow)
    kept = one_dim(dim, v.dim())
    # Row after row, counted from the dimension that stays: so its size-1 neighbours lie, too.
    if 0 < kept < v.dim() - 1:
        return norm_except_dim(v.transpose(0, kept), pow).transpose(0, kept)
    others = [d for d in range(v.dim()) if d != kept]
    return (
        vector_norm(v, pow, others, True).contiguous() if others else vector_norm(v[None], pow, 0)
    )


# ---- methods -------------------------------------------------------------------------------------


def const_data_ptr(self: Tensor) -> int:
    """The address of the first element, for reading."""
    return self.data_ptr()


def dim_order(self: Tensor, *, ambiguity_check: bool | list[Any] = False) -> tuple[int, ...]:
    """The dimensions, outermost in memory first.

    ambiguity_check: whether it is a RuntimeError that they could be told in another order, too; or the
    memory formats among which there must be one.

    >>> import rushlight as torch
    >>> torch.ones(2, 3, 4, 5).to(memory_format=torch.channels_last).dim_order()
    (0, 2, 3, 1)
    """
    formats = ambiguity_check if isinstance(ambiguity_check, list) else []
    if not isinstance(ambiguity_check, bool | list) or any(
        not isinstance(f, memory_format) for f in formats
    ):
        raise TypeError("The ambiguity_check argument must be a bool or a list of memory formats.")
    shape, strides = self.shape, self.stride()
    if ambiguity_check is not False:
        told = "The tensor does not have unique dim order"
        several = 1 in shape or any(a == b for a, b in itertools.pairwise(strides))
        if several and sum(is_contiguous(self, f) for f in formats) != 1:
            raise RuntimeError(f"{told}, or cannot map to exact one of the given memory formats.")
        if not is_contiguous(self) and (0 in strides or len({*strides}) < len(strides)):
            raise RuntimeError(f"{told}.")
    return tuple(range(len(shape))) if is_contiguous(self) else by_strides(shape, [strides])


def dense_dim(self: Tensor) -> int:
    """The number of its dimensions: a strided tensor has no others."""
    return self.dim()


def sparse_dim(self: Tensor) -> int:
    """0: a strided tensor has no such dimensions."""
    return 0


def coalesce(self: Tensor) -> Any:
    """An error: only coordinates can be given twice."""
    raise RuntimeError("coalesce expected sparse coordinate tensor layout but got Strided")


def indices(self: Tensor) -> Any:
    """An error: only a sparse tensor has coordinates; see `to_sparse`."""
    raise RuntimeError("indices expected sparse coordinate tensor layout but got Strided")


def values(self: Tensor) -> Any:
    """An error: only a sparse tensor has them apart; see `to_sparse`."""
    raise RuntimeError("values expected sparse tensor layout but got Strided")


def crow_indices(self: Tensor) -> Any:
    """An error: only a compressed tensor has them; see `to_sparse_csr`."""
    raise RuntimeError("crow_indices expected sparse row compressed tensor layout but got Strided")


def col_indices(self: Tensor) -> Any:
    """An error: only a compressed tensor has them; see `to_sparse_csr`."""
    raise RuntimeError("col_indices expected sparse row compressed tensor layout but got Strided")


def ccol_indices(self: Tensor) -> Any:
    """An error: only a compressed tensor has them; see `to_sparse_csc`."""
    raise RuntimeError(
        "ccol_indices expected sparse column compressed tensor layout but got Strided"
    )


def row_indices(self: Tensor) -> Any:
    """An error: only a compressed tensor has them; see `to_sparse_csc`."""
    raise RuntimeError(
        "row_indices expected sparse column compressed tensor layout but got Strided"
    )


def module_load(self: Tensor, other: Tensor, assign: bool = False) -> Tensor:
    """What `load_state_dict` makes of a saved tensor where it exchanges tensors: that, or this one filled."""
    return other.detach() if assign else self.copy_(other).detach()


def is_coalesced(self: Tensor) -> bool:
    """An error: only coordinates can be given twice."""
    raise RuntimeError("is_coalesced expected sparse coordinate tensor layout but got Strided")


def to_sparse_coo(self: Tensor) -> Tensor:
    """`to_sparse`, by its older name."""
    return to_sparse(self)


def native_norm(input: Any, p: Any = 2) -> Tensor:
    """The p-norm of all elements of a sparse tensor."""
    if not input.is_sparse:
        raise NotImplementedError(
            "Could not run 'aten::native_norm' with a dense tensor: use torch.linalg.vector_norm"
        )
    return input.coalesce().values().norm(p)


def smm(self: Tensor, mat: Tensor) -> Tensor:
    """The product of this sparse matrix and a dense one, sparse."""
    from rushlight.sparse.product import smm as product

    return product(self, mat)


def sspaddmm(self: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """beta * self + alpha * (mat1 @ mat2): sparse and sparse times dense."""
    from rushlight.sparse.product import sspaddmm as product

    return product(self, mat1, mat2, beta=beta, alpha=alpha)


def sparse_resize_(self: Tensor, *args: Any, **options: Any) -> Any:
    """An error: only a sparse tensor can have other sizes around its elements."""
    raise RuntimeError("sparse_resize_ expected sparse coordinate tensor layout but got Strided")


def resize(self: Tensor, *sizes: Any) -> Tensor:
    """A tensor of other sizes on the same elements, as many: `reshape` is its name today."""
    return self.contiguous().view(*sizes)


def resize_as(self: Tensor, tensor: Tensor) -> Tensor:
    """A tensor of the other's sizes on the same elements, as many."""
    return self.contiguous().view(tensor.size())


def make_wrapper_subclass(
    cls: type[Any], size: Any, strides: Any = None, storage_offset: Any = None, memory_format: Any = None,
    dtype: Dtype = None, layout: Any = strided, device: Any = None, pin_memory: bool = False,
    requires_grad: bool = False, *args: Any, **options: Any,
) -> Any:  # fmt: skip
    """A tensor of this geometry without memory, whose operations its class answers by `__torch_dispatch__`."""
    if not cls._dispatches_:
        raise TypeError(f"{cls.__name__} must define __torch_dispatch__")
    shape = as_sizes((size,))
    options = {"dtype": dtype, "device": "meta"}
    made = (
        empty(shape, **options)
        if strides is None
        else empty_strided(shape, as_sizes((strides,)), **options)
    )
    outline: Any = held(made)
    memory: Any = Wrapping(outline.frame)
    result = of_class(cls, wrap(memory))
    memory.cls, memory.own = cls, result.__dict__
    return result._want_grad(requires_grad)
