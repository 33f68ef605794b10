"""Products that sum: matmul and its relatives."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd.pretended import remember
from rushlight.core.doors import apply, literal
from rushlight.core.state import state
from rushlight.core.tensor import bump, inference, wants_grad
from rushlight.dtypes import NARROW, promote_types
from rushlight.errors import warn_once
from rushlight.layout import strided
from rushlight.narrow import need_more_bits, rounded
from rushlight.ops.arguments import (
    anew,
    fitting_factor,
    need_scalar,
    need_tensor,
    need_type,
    need_unrecorded,
    need_whole,
    numpy_names,
    one_dim,
    relabel,
    size_at,
    write_out,
)
from rushlight.ops.outputs import copy_out
from rushlight.ops.precision import in_half, lowered, need_one_type
from rushlight.ops.shape import view
from rushlight.overriding.functions import ask_late, met_late
from rushlight.primitives import contract as rows
from rushlight.primitives.factor import inv
from rushlight.primitives.families import NUMERIC, broadcast_shapes, supported
from rushlight.primitives.join import stack

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def matmul(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The matrix product; 1-d operands count as a row or a column, leading dimensions broadcast.

    >>> import rushlight as torch
    >>> torch.eye(2) @ torch.tensor([1.0, 2.0])
    tensor([1., 2.])
    """
    try:
        need_tensor("matmul", "input", 1, input)
        need_tensor("matmul", "other", 2, other)
        if state.autocast is not None and out is None:
            input, other = lowered(input, other)
        try:
            left, right = input._data_.ndim, other._data_.ndim
        except NotImplementedError:  # A sparse one has no array.
            return write_out(out, input @ other)
        result: Tensor
        if left >= 2 and right >= 2:
            result = apply(rows.matmul, input, other)
            if (left > 2 or right > 2) and result._node_ is not None:
                # torch makes one batch of all, or rows of one matrix; the shape is put back.
                result._node_._label = _folded(input, other)
        elif left == 0 or right == 0:
            raise RuntimeError(
                f"both arguments to matmul need to be at least 1D, but they are {left}D and {right}D"
            )
        elif left == 1 and right == 1:
            result = apply(rows.dot, input, other)
        elif left == 1:
            result = apply(rows.matmul, input.unsqueeze(0), other).squeeze(-2)
            result = relabel(
                anew(result), "SqueezeBackward4" if right == 2 else "UnsafeViewBackward0"
            )
        else:
            result = apply(rows.matmul, input, other.unsqueeze(1)).squeeze(-1)
            result = relabel(result, "MvBackward0" if left == 2 else "UnsafeViewBackward0")
        if out is None:
            return result
        write_out(out, result, same=True)
        if left == 1 and right == 2 and not inference.on:
            # torch writes a row there, and squeezes it.
            bump(out, "squeeze_")
        return out
    except met_late():
        return ask_late()


def _folded(a: Tensor, b: Tensor) -> str:
    """What torch does last in a product with a batch: a matrix that learns becomes the right factor."""
    x, y = a.shape, b.shape
    matrix = len(x) == 2 or (len(x) == len(y) == 3 and x[0] == 1 != y[0])
    turned = matrix and len(y) > 2 and a.requires_grad
    return "CloneBackward0" if turned else "UnsafeViewBackward0"


def _ranks(name: str, expected: Sequence[int], *operands: Tensor) -> None:
    for i, (rank, operand) in enumerate(zip(expected, operands, strict=True)):
        need_tensor(name, ("input", "mat2", "other")[i] if i < 3 else "other", i + 1, operand)
        if operand._data_.ndim != rank:
            raise RuntimeError(
                f"{name}: argument {i + 1} must be a {rank}D tensor, got a "
                f"{operand._data_.ndim}D tensor of shape {list(operand._data_.shape)}; "
                "matmul takes any number of dimensions"
            )


def mm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The product of two matrices."""
    need_tensor("mm", "input", 1, input)
    need_tensor("mm", "mat2", 2, mat2)
    if input.layout is not strided or mat2.layout is not strided:
        return write_out(out, input @ mat2)
    if state.autocast is not None and out is None:
        input, mat2 = lowered(input, mat2)
    _ranks("mm", (2, 2), input, mat2)
    return write_out(out, apply(rows.matmul, input, mat2), same=True)


@in_half
def bmm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The products of two batches of matrices: (b, n, m) and (b, m, p) give (b, n, p)."""
    _ranks("bmm", (3, 3), input, mat2)
    need_more_bits("bmm", input._data_)
    a, b = input._data_.shape, mat2._data_.shape
    if a[0] != b[0] or a[2] != b[1]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{a[0]}, {a[2]}] but got: "
            f"[{b[0]}, {b[1]}]."
        )
    return write_out(out, apply(rows.matmul, input, mat2), same=True)


def mv(input: Tensor, vec: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The product of a matrix and a vector."""
    need_tensor("mv", "input", 1, input)
    need_tensor("mv", "vec", 2, vec)
    if input.layout is not strided:
        return write_out(out, input @ vec)
    size_at(input, 0)
    _ranks("mv", (2, 1), input, vec)
    need_more_bits("addmv_impl_cpu", input._data_)
    if input._data_.shape[1] != vec._data_.shape[0]:
        raise RuntimeError(
            f"size mismatch, got input ({input._data_.shape[0]}), mat "
            f"({input._data_.shape[0]}x{input._data_.shape[1]}), vec ({vec._data_.shape[0]})"
        )
    # autocast lowers matmul, and not this.
    result = relabel(apply(rows.matmul, input, vec.unsqueeze(1)).squeeze(-1), "MvBackward0")
    return write_out(out, result, same=True)


def dot(input: Tensor, tensor: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The sum of the products of two vectors."""
    need_tensor("dot", "input", 1, input)
    need_tensor("dot", "tensor", 2, tensor)
    return write_out(out, apply(rows.dot, input, tensor), same=True)


def vdot(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`dot` with the first vector conjugated."""
    return relabel(dot(input.conj(), other, out=out), "VdotBackward0")


def _need_two(function: str, input: Any, other: Any, name: str) -> None:
    need_tensor(function, "input", 1, input)
    need_tensor(function, name, 2, other)


def inner(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Sums of products over the last dimensions of both; scalars multiply."""
    _need_two("inner", input, other, "other")
    if input._data_.ndim == 0 or other._data_.ndim == 0:
        return write_out(out, input * other, input, other)
    if input._data_.shape[-1] != other._data_.shape[-1]:
        raise RuntimeError(
            f"inner() the last dimension must match on both input tensors but got shapes "
            f"{list(input._data_.shape)} and {list(other._data_.shape)}"
        )
    return tensordot(input, other, dims=([-1], [-1]), out=out)


def outer(input: Tensor, vec2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """All products of an element of one vector with an element of the other."""
    _need_two("outer", input, vec2, "vec2")
    for position, operand in enumerate((input, vec2), 1):
        if operand._data_.ndim != 1:
            raise RuntimeError(
                f"outer: Expected 1-D argument {'self' if position == 1 else 'vec2'}, but got "
                f"{operand._data_.ndim}-D"
            )
    need_unrecorded(out, input, vec2)
    column = input.unsqueeze(1)
    return write_out(out, column * vec2, column, vec2)


def ger(input: Tensor, vec2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`outer` under its older name."""
    return outer(input, vec2, out=out)


_SINGLE = np.dtype(np.float32)


def _added_on(
    name: str, input: Tensor, multiply: Callable[..., Tensor], left: Tensor, right: Tensor,
    beta: Any, alpha: Any,
) -> Tensor:  # fmt: skip
    """beta * input + alpha * multiply(left, right), of narrow floats rounded once."""
    beta, alpha = need_scalar(name, "beta", 4, beta), need_scalar(name, "alpha", 5, alpha)
    dtype = left._data_.dtype
    if dtype is _SINGLE or dtype not in NARROW or dtype != input._data_.dtype:
        return _combined(name, input, multiply(left, right), beta, alpha)
    need_more_bits(name, left._data_)
    if name == "addbmm":
        # One after the other, each rounded.
        for first, second in zip(left.unbind(0), right.unbind(0), strict=True):
            input, beta = addmm(input, first, second, beta=beta, alpha=alpha), 1
        return relabel(input, "AddbmmBackward0")
    if name == "addmv" and left._data_.size:
        beta, alpha = fitting_factor(beta, dtype), fitting_factor(alpha, dtype)
    product = multiply(left.float(), right.float())
    result = _combined(name, input.float(), product, beta, alpha).to(input.dtype)
    return relabel(result, name.capitalize() + "Backward0")


def _combined(name: str, input: Tensor, product: Tensor, beta: Any, alpha: Any) -> Tensor:
    """beta * input + alpha * product; the input broadcasts to the product's shape."""
    a, b = input._data_, product._data_
    if a.dtype is not b.dtype and a.dtype != b.dtype:
        raise RuntimeError(
            f"{name}: self and mat2 must have the same dtype, but got {input.dtype.word} and "
            f"{product.dtype.word}"
        )
    if a.shape != b.shape and broadcast_shapes([a.shape, b.shape]) != b.shape:
        raise RuntimeError(
            f"{name}: the input of shape {list(a.shape)} must broadcast to the shape of the product, "
            f"{list(b.shape)}"
        )
    if not b.size and name in ("addmm", "addmv"):
        beta = alpha = 1
    beta, alpha = fitting_factor(beta, b.dtype), fitting_factor(alpha, b.dtype)
    if alpha != 1:
        product = product * alpha
    # With beta 0, torch ignores the input altogether, nan and infinity included.
    if beta != 0:
        input = input if beta == 1 else input * beta
        # What is first, the sum lies in memory like.
        product = input + product if name == "addr" else product + input
    return relabel(product, name.capitalize() + "Backward0")


@in_half
def addmm(
    input: Tensor,
    mat1: Tensor,
    mat2: Tensor,
    *,
    beta: Any = 1,
    alpha: Any = 1,
    out: Tensor | None = None,
) -> Tensor:
    """beta * input + alpha * (mat1 @ mat2)."""
    need_tensor("addmm", "mat1", 2, mat1)
    if mat1.layout is not strided:
        return write_out(out, _combined("addmm", input, mat1.mm(mat2), beta, alpha))
    _ranks("addmm", (2, 2), mat1, mat2)
    result = _added_on("addmm", input, rows.matmul, mat1, mat2, beta, alpha)
    if result._requires_grad_:
        # Each is kept for the gradient of the other.
        saved = [t for t, other in ((mat1, mat2), (mat2, mat1)) if wants_grad(other)]
        remember(result, *saved)
    return write_out(out, result, same=True)


def addmv(
    input: Tensor,
    mat: Tensor,
    vec: Tensor,
    *,
    beta: Any = 1,
    alpha: Any = 1,
    out: Tensor | None = None,
) -> Tensor:
    """beta * input + alpha * (mat @ vec)."""
    if input._data_.ndim > 1 or mat._data_.ndim != 2 or vec._data_.ndim != 1:
        raise RuntimeError(
            f"vector + matrix @ vector expected, got {input._data_.ndim}, {mat._data_.ndim}, "
            f"{vec._data_.ndim}"
        )
    return write_out(out, _added_on("addmv", input, mv, mat, vec, beta, alpha), same=True)


def addr(
    input: Tensor,
    vec1: Tensor,
    vec2: Tensor,
    *,
    beta: Any = 1,
    alpha: Any = 1,
    out: Tensor | None = None,
) -> Tensor:
    """beta * input + alpha * outer(vec1, vec2)."""
    operands = (input, vec1, vec2)
    beta, alpha = need_scalar("addr", "beta", 4, beta), need_scalar("addr", "alpha", 5, alpha)
    for what, factor in (("beta", beta), ("alpha", alpha)):
        if isinstance(factor, float) and all(t._data_.dtype.kind in "iub" for t in operands):
            raise RuntimeError(
                f"For integral input tensors, argument {what} must not be a floating point number."
            )
        if isinstance(factor, bool) and any(t._data_.dtype.kind != "b" for t in operands):
            raise RuntimeError(f"Boolean {what} only supported for Boolean results.")
    product = outer(vec1, vec2)
    if all(t._data_.dtype.kind == "b" for t in operands):
        both = literal(np.asarray(bool(beta))), literal(np.asarray(bool(alpha)))
        return write_out(out, input & both[0] | product & both[1])
    kind = promote_types(input.dtype, product.dtype)
    beta, alpha = fitting_factor(beta, kind.numpy), fitting_factor(alpha, kind.numpy)
    if kind.numpy in NARROW:
        # torch rounds after every step, and the factors first.
        beta, alpha = rounded(beta, kind.numpy), rounded(alpha, kind.numpy)
        product = outer(vec1 * alpha, vec2)
        alpha = 1
    return write_out(out, _combined("addr", input.to(kind), product.to(kind), beta, alpha))


@in_half
def baddbmm(
    input: Tensor,
    batch1: Tensor,
    batch2: Tensor,
    *,
    beta: Any = 1,
    alpha: Any = 1,
    out: Tensor | None = None,
) -> Tensor:
    """beta * input + alpha * bmm(batch1, batch2)."""
    need_unrecorded(out, input, batch1, batch2)
    # torch asks for these sizes first, to spread the input.
    for batch, dims in ((batch1, (0, 1)), (batch2, (2,))):
        for dim in dims:
            size_at(batch, dim)
    return write_out(out, _added_on("baddbmm", input, bmm, batch1, batch2, beta, alpha), same=True)


def _summed(batch1: Tensor, batch2: Tensor) -> Tensor:
    return bmm(batch1, batch2).sum(0)


@in_half
def addbmm(
    input: Tensor,
    batch1: Tensor,
    batch2: Tensor,
    *,
    beta: Any = 1,
    alpha: Any = 1,
    out: Tensor | None = None,
) -> Tensor:
    """beta * input + alpha * the sum of bmm(batch1, batch2) over the batch."""
    size_at(batch1, 1)
    size_at(batch2, 2)
    return write_out(
        out, _added_on("addbmm", input, _summed, batch1, batch2, beta, alpha), same=True
    )


def tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: Tensor | None = None) -> Tensor:
    """Sums of products over pairs of dimensions: the last n of a with the first n of b, or lists.

    >>> import rushlight as torch
    >>> torch.tensordot(torch.ones(2, 3), torch.ones(3, 4), dims=1).shape
    torch.Size([2, 4])
    """
    if hasattr(dims, "_data_"):
        dims = dims.tolist() if dims._data_.ndim else int(dims)
    if not isinstance(dims, (int, tuple, list)):
        raise RuntimeError(
            "tensordot expects dims to be int or tuple[list[int], list[int]] or list[list[int]] "
            f"containing two lists, but got dims={dims}"
        )
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a._data_.ndim, b._data_.ndim):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        left = list(range(a._data_.ndim - dims, a._data_.ndim))
        right = list(range(dims))
    else:
        first, second = dims
        left = [one_dim(d, a._data_.ndim) for d in ([first] if isinstance(first, int) else first)]
        right = [
            one_dim(d, b._data_.ndim) for d in ([second] if isinstance(second, int) else second)
        ]
    if state.autocast is not None:
        need_one_type("tensordot", a, b)
    if len(left) != len(right):
        raise RuntimeError("both dimension lists should have same length")
    sizes_a = [a._data_.shape[d] for d in left]
    sizes_b = [b._data_.shape[d] for d in right]
    if any(m != n and 1 not in (m, n) for m, n in zip(sizes_a, sizes_b, strict=True)):
        raise RuntimeError(
            f"contracted dimensions need to match, but first has sizes {sizes_a} in dims {left} and "
            f"second has sizes {sizes_b} in dims {right}"
        )
    for i, (m, n) in enumerate(zip(sizes_a, sizes_b, strict=True)):
        if m != n:
            a = a.sum(left[i], keepdim=True, dtype=a.dtype) if n == 1 else a
            b = b.sum(right[i], keepdim=True, dtype=b.dtype) if m == 1 else b
    kept_a = [d for d in range(a._data_.ndim) if d not in left]
    kept_b = [d for d in range(b._data_.ndim) if d not in right]
    shape = (*(a._data_.shape[d] for d in kept_a), *(b._data_.shape[d] for d in kept_b))
    inside = math.prod(a._data_.shape[d] for d in left)
    rows_a = a.permute((*kept_a, *left)).reshape(math.prod(shape[: len(kept_a)]), inside)
    columns_b = b.permute((*right, *kept_b)).reshape(inside, math.prod(shape[len(kept_a) :]))
    need_type(out, a._data_.dtype)
    if math.prod(shape) == 1:
        # One number is a product of vectors, which autocast does not lower.
        product = dot(rows_a.reshape(-1), columns_b.reshape(-1))
    else:
        product = matmul(rows_a, columns_b)
    return copy_out(out, product.reshape(shape))


def kron(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The Kronecker product: every element of input times all of other."""
    _need_two("kron", input, other, "other")
    rank = max(input._data_.ndim, other._data_.ndim)
    a = (1,) * (rank - input._data_.ndim) + input._data_.shape
    b = (1,) * (rank - other._data_.ndim) + other._data_.shape
    spread = _unwatched(input, tuple(n for size in a for n in (size, 1)))
    tiled = _unwatched(other, tuple(n for size in b for n in (1, size)))
    shape = tuple(m * n for m, n in zip(a, b, strict=True))
    return write_out(out, relabel(anew(view(spread * tiled, shape)), "UnsafeViewBackward0"))


def _unwatched(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A view of x whose changes are not counted as its own: torch lets backward read what is there."""
    part = anew(view(x, shape))
    if part._changes_.__class__ is list:
        part._changes_ = [0, None]
    return part


@numpy_names
def cross(
    input: Tensor, other: Tensor, dim: int | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The cross product of vectors of 3 along dim; without dim, along the first dimension of size 3."""
    _need_two("cross", input, other, "other")
    shape = input._data_.shape
    if dim is None:
        warn_once(
            "Using torch.cross without specifying the dim arg is deprecated.\nPlease either pass the dim "
            "explicitly or simply use torch.linalg.cross.\nThe default value of dim will change to agree "
            "with that of linalg.cross in a future release."
        )
    if input._data_.dtype != other._data_.dtype:
        raise RuntimeError(
            f"cross: expected scalar type {input.dtype.word} but found {other.dtype.word}: convert one "
            "of the tensors"
        )
    if dim is None:
        dim = next((i for i, n in enumerate(shape) if n == 3), None)
        if dim is None:
            raise RuntimeError("no dimension of size 3 in input")
    at = one_dim(dim, len(shape))
    if input._data_.ndim != other._data_.ndim:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    if shape[at] != 3 or other._data_.shape[at] != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {shape[at]} and "
            f"{other._data_.shape[at]}"
        )
    supported("cross", NUMERIC + "c", [input._data_])
    a, b = input.unbind(at), other.unbind(at)
    parts = [a[i] * b[j] - a[j] * b[i] for i, j in ((1, 2), (2, 0), (0, 1))]
    return write_out(out, relabel(apply(stack, *parts, dim=at), "LinalgCrossBackward0"))


def matrix_power(input: Tensor, n: int, *, out: Tensor | None = None) -> Tensor:
    """A square matrix multiplied with itself n times; n = 0 gives the identity, n < 0 the inverse's.

    Squares as often as n has bits.
    """
    n = need_whole("matrix_power", "n", 2, n)
    if input._data_.ndim < 2 or input._data_.shape[-1] != input._data_.shape[-2]:
        raise RuntimeError(
            f"linalg.matrix_power: A must be batches of square matrices, but they are "
            f"{list(input._data_.shape)}"
        )
    if n < 0:
        return matrix_power(apply(inv, input), -n, out=out)
    size = input._data_.shape[-1]
    eye = literal(
        np.broadcast_to(np.eye(size, dtype=input._data_.dtype), input._data_.shape).copy()
    )
    if n == 3:
        # torch multiplies the square by the matrix, and not the matrix by the square.
        return write_out(out, matmul(matmul(input, input), input))
    result: Tensor | None = None
    square = input
    while n:
        if n & 1:
            result = square if result is None else matmul(result, square)
        n >>= 1
        if n:
            square = matmul(square, square)
    # The zeroth power is constant, and still stands in the graph.
    constant = eye + input * 0 if result is None else result
    return write_out(out, constant.clone() if result is input else constant)


@numpy_names
def linalg_cross(
    input: Tensor, other: Tensor, *, dim: int = -1, out: Tensor | None = None
) -> Tensor:
    """The cross product of vectors of 3 along dim, the last one unless given."""
    return cross(input, other, dim, out=out)
