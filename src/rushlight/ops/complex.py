"""Complex numbers and their parts.

As in torch, `conj()` computes nothing: its result lies in the same memory and is conjugated when it
is read, and the imaginary part of such a tensor is negated when it is read. Writing through either
changes the memory accordingly. `resolve_conj` and `resolve_neg` compute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rushlight.autograd.pretended import remember
from rushlight.core.doors import apply
from rushlight.core.tensor import TensorBase
from rushlight.core.turned import held
from rushlight.ops.arguments import need_tensor, write_out
from rushlight.ops.builders import unary
from rushlight.ops.inplace import copy_
from rushlight.ops.outputs import write_underived
from rushlight.ops.precision import in_single
from rushlight.primitives import complex as rows
from rushlight.primitives import pointwise

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

angle = unary(rows.angle, "The angle of each element in the complex plane; pi for negative ones.")


def conj(input: Tensor) -> Tensor:
    """The complex conjugate, as a view; a real tensor itself.

    >>> import rushlight as torch
    >>> x = torch.tensor([1 + 2j])
    >>> x.conj(), x.conj().is_conj()
    (tensor([1.-2.j]), True)
    """
    need_tensor("conj", "input", 1, input)
    if held(input).dtype.kind != "c":
        return input
    return apply(rows.conj_view, input)


def conj_physical(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The complex conjugate, in new memory; a real tensor itself."""
    need_tensor("conj_physical", "input", 1, input)
    return write_underived(out, pointwise.conj(input), "conj_physical", input)


def neg_view(input: Tensor) -> Tensor:
    """The negative, as a view."""
    return apply(rows.neg_view, input)


def resolve_conj(input: Tensor) -> Tensor:
    """A conjugated view in memory of its own; any other tensor itself."""
    return input.clone() if is_conj(input) else input


def resolve_neg(input: Tensor) -> Tensor:
    """A negated view in memory of its own; any other tensor itself."""
    return input.clone() if is_neg(input) else input


def is_conj(input: Tensor) -> bool:
    """Whether this is a view that is conjugated when it is read."""
    need_tensor("is_conj", "input", 1, input)
    return input._turned_ and held(input).dtype.kind == "c"


def is_neg(input: Tensor) -> bool:
    """Whether this is a view that is negated when it is read."""
    need_tensor("is_neg", "input", 1, input)
    return input._turned_ and held(input).dtype.kind != "c"


def view_as_real(input: Tensor) -> Tensor:
    """A view of complex numbers as pairs: a last dimension of size 2 is added.

    >>> import rushlight as torch
    >>> torch.view_as_real(torch.tensor([1 + 2j]))
    tensor([[1., 2.]])
    """
    need_tensor("view_as_real", "input", 1, input)
    if input._data_.dtype.kind != "c":
        raise RuntimeError(
            f"view_as_real is only supported for complex tensors, not for {input.dtype}"
        )
    if input._turned_:
        raise RuntimeError(
            "view_as_real doesn't work on unresolved conjugated tensors: take .resolve_conj(), which "
            "does not share memory with the original"
        )
    return apply(rows.view_as_real, input)


@in_single
def view_as_complex(input: Tensor) -> Tensor:
    """A view of pairs, which lie side by side in the last dimension, as complex numbers."""
    need_tensor("view_as_complex", "input", 1, input)
    rows.view_as_complex.rule(input._data_)
    return apply(rows.view_as_complex, input)


def real(input: Tensor) -> Tensor:
    """The real part, as a view; a real tensor itself."""
    need_tensor("real", "input", 1, input)
    if held(input).dtype.kind != "c":
        return input
    return view_as_real(conj(input) if is_conj(input) else input).select(-1, 0)


def imag(input: Tensor) -> Tensor:
    """The imaginary part, as a view; real tensors have none."""
    need_tensor("imag", "input", 1, input)
    if input._data_.dtype.kind != "c":
        raise RuntimeError(
            f"imag is not implemented for tensors with non-complex dtypes, such as {input.dtype}"
        )
    if is_conj(input):
        return neg_view(view_as_real(conj(input))).select(-1, 1)
    return view_as_real(input).select(-1, 1)


def set_real(input: Tensor, value: Tensor | float) -> None:
    """Write the real part in place: `x.real = value`."""
    part = real(input)
    if isinstance(value, TensorBase):
        copy_(part, value)
    else:
        part[...] = value


def set_imag(input: Tensor, value: Tensor | float) -> None:
    """Write the imaginary part in place: `x.imag = value`."""
    part = imag(input)
    if isinstance(value, TensorBase):
        copy_(part, value)
    else:
        part[...] = value


def complex(real: Tensor, imag: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Complex numbers from their real and imaginary parts, two tensors of one floating dtype.

    >>> import rushlight as torch
    >>> torch.complex(torch.tensor([1.0]), torch.tensor([2.0]))
    tensor([1.+2.j])
    """
    need_tensor("complex", "real", 1, real)
    need_tensor("complex", "imag", 2, imag)
    result: Tensor = apply(rows.join, real, imag)
    return _same_out(out, remember(result, *(t for t in (real, imag) if t._requires_grad_)))


def _same_out(out: Tensor | None, result: Tensor) -> Tensor:
    if out is not None and out._data_.dtype != result._data_.dtype:
        raise RuntimeError(
            f"Expected object of scalar type {result.dtype.word} but got scalar type "
            f"{out.dtype.word} for argument 'out'"
        )
    return write_out(out, result)


@in_single
def polar(abs: Tensor, angle: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Complex numbers from their absolute values and angles.

    >>> import rushlight as torch
    >>> torch.polar(torch.tensor([2.0]), torch.tensor([0.0]))
    tensor([2.+0.j])
    """
    need_tensor("polar", "abs", 1, abs)
    need_tensor("polar", "angle", 2, angle)
    if abs._data_.dtype.char not in "efd" or angle._data_.dtype != abs._data_.dtype:
        rows.join.rule(abs._data_, angle._data_)
    result: Tensor = apply(rows.polar, abs, angle)
    return _same_out(out, result)
