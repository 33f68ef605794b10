"""Products of groups of rows with one matrix each, as mixtures of experts need them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rushlight import dtypes
from rushlight.core.doors import read
from rushlight.ops.arguments import relabel
from rushlight.ops.creation import zeros
from rushlight.ops.joining import cat, stack
from rushlight.ops.product import bmm, mm

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

_TAKEN = (dtypes.float32, dtypes.bfloat16, dtypes.float16)


def grouped_mm(
    mat_a: Tensor,
    mat_b: Tensor,
    offs: Tensor | None = None,
    bias: Tensor | None = None,
    out_dtype: dtypes.dtype | None = None,
) -> Tensor:
    """The products of groups of rows with a matrix for each group.

    mat_a (M, K) and mat_b (G, K, N): group i of the rows of mat_a, which ends before row offs[i], times
    mat_b[i]; (M, N). mat_a (G, M, K) and mat_b (K, N): mat_a[i] times group i of the columns of mat_b;
    (M, N). mat_a (M, K) and mat_b (K, N): groups of K; (G, M, N). Both of three dimensions: `bmm`,
    without offs. Of float32, bfloat16 or float16, with rows or columns that begin at multiples of 16
    bytes. Rows behind the last group are zero (torch: whatever the memory held).

    >>> import rushlight as torch
    >>> x, experts = torch.ones(3, 4), torch.stack([torch.eye(4), 2 * torch.eye(4)])
    >>> torch.nn.functional.grouped_mm(x, experts, offs=torch.tensor([1, 3], dtype=torch.int32))
    tensor([[1., 1., 1., 1.],
            [2., 2., 2., 2.],
            [2., 2., 2., 2.]])
    """
    flat = mat_a.dim() == 2, mat_b.dim() == 2
    _check(mat_a, mat_b, flat, offs, bias, out_dtype)
    if offs is None:
        return relabel(bmm(mat_a, mat_b), "GroupedMmBackward0")
    ends = read(offs, "where groups end").tolist()
    groups = list(enumerate(map(slice, [0, *ends], ends)))
    if any(start > end for start, end in pairwise([0, *ends])):
        raise RuntimeError(f"grouped_mm(): offs must not fall, but got {ends}")
    parts: list[Any]
    if all(flat):
        parts = [mm(mat_a[:, group], mat_b[group]) for _, group in groups]
        return relabel(stack(parts), "GroupedMmBackward0")
    if flat[0]:
        parts = [mm(mat_a[group], mat_b[i]) for i, group in groups]
        parts.append(zeros(max(len(mat_a) - ends[-1], 0), mat_b.shape[-1], dtype=mat_a.dtype))
        return relabel(cat(parts), "GroupedMmBackward0")
    parts = [mm(mat_a[i], mat_b[:, group]) for i, group in groups]
    rest = max(mat_b.shape[-1] - ends[-1], 0)
    parts.append(zeros(mat_a.shape[1], rest, dtype=mat_a.dtype))
    return relabel(cat(parts, 1), "GroupedMmBackward0")


def _check(
    mat_a: Tensor,
    mat_b: Tensor,
    flat: tuple[bool, bool],
    offs: Tensor | None,
    bias: Tensor | None,
    out_dtype: dtypes.dtype | None,
) -> None:
    for name, mat in (("mat_a", mat_a), ("mat_b", mat_b)):
        if mat.dtype not in _TAKEN:
            raise RuntimeError(
                f"Expected {name} to be Float32, BFloat16 or Float16 matrix, got {mat.dtype}"
            )
    for name, mat in (("mat_a", mat_a), ("mat_b", mat_b)):
        if mat.dim() not in (2, 3):
            raise RuntimeError(f"{name} has to be 2 or 3d")
    if mat_a.shape[-1] != mat_b.shape[-2]:
        raise RuntimeError(
            "contraction dimension of mat_a and mat_b must match, but got "
            f"{tuple(mat_a.shape)} and {tuple(mat_b.shape)}"
        )
    for mat in (mat_a, mat_b):
        _check_rows(mat)
    if (offs is not None) != any(flat):
        raise RuntimeError(
            "Have to provide offsets if there is a 2d matrix, or no offset if both matrices are 3d"
        )
    if offs is not None and offs.dim() != 1:
        raise RuntimeError("offs has to be 1D")
    if offs is not None and offs.dtype is not dtypes.int32:
        raise RuntimeError("Offsets have to be int32")
    counts = {len(m) for m in (mat_a, mat_b) if m.dim() == 3}
    if len(counts | (set() if offs is None else {len(offs)})) > 1:
        raise RuntimeError("matrix batch sizes have to match")
    if bias is not None:
        raise RuntimeError("Bias not supported yet")
    if out_dtype not in (None, mat_a.dtype):
        raise RuntimeError("Grouped gemm output dtype must match `mat_a` dtype")
    if mat_a.dtype is not mat_b.dtype:
        raise RuntimeError(
            f"expected m1 and m2 to have the same dtype, but got: {mat_a.dtype} != {mat_b.dtype}"
        )


def _check_rows(mat: Tensor) -> None:
    """Rows or columns that lie one behind the other, each at a multiple of 16 bytes: what torch's kernels need."""
    (rows, columns), (row, column) = mat.shape[-2:], mat.stride()[-2:]
    if row == 1 and column >= max(1, rows):
        step = column
    elif column == 1 and row >= max(1, columns):
        step = row
    else:
        raise RuntimeError(
            f"Invalid strides/sizes, got {list(mat.stride())} for strides and {list(mat.shape)} for sizes"
        )
    if step * mat.element_size() % 16:
        raise RuntimeError("strides should be multiple of 16 bytes")
