"""The builders of elementwise functions: a row of the table with one input or two, and out=."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from rushlight import dtypes
from rushlight.core.doors import apply, literal
from rushlight.core.row import Primitive
from rushlight.core.tensor import TensorBase
from rushlight.ops.arguments import (
    NUMBERS,
    Number,
    named,
    need_tensor,
    type_name,
    write_out,
)
from rushlight.overriding.functions import ask_late, met_late

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def first_operand(name: str, input: Any, other: Any) -> Any:
    """The first operand, which may be a number; beside another number it becomes a tensor."""
    if not isinstance(other, (TensorBase, *NUMBERS)):
        raise TypeError(
            f"{name}(): argument 'other' (position 2) must be Tensor, not {type_name(other)}"
        )
    if not isinstance(input, TensorBase):
        if not isinstance(input, NUMBERS):
            need_tensor(name, "input", 1, input)
        if not isinstance(other, TensorBase):
            return literal(np.asarray(input, dtypes.of_number(input).numpy))
    return input


class Unary(Protocol):
    """The type of a function with one input, which may be a method too."""

    def __call__(self, input: Tensor, *, out: Tensor | None = None) -> Tensor:
        """The result, or out with the result written into it."""

    def __get__(self, instance: Any, owner: Any = None, /) -> Callable[..., Tensor]: ...


class Binary(Protocol):
    """The type of a function with two inputs, which may be a method too."""

    def __call__(
        self, input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None
    ) -> Tensor:
        """The result, or out with the result written into it."""

    def __get__(self, instance: Any, owner: Any = None, /) -> Callable[..., Tensor]: ...


def unary(
    row: Primitive, what: str, name: str | None = None, *, same: bool = False, judged: bool = False
) -> Unary:
    """The public function of a row with one input; same, judged: of out=, as in `write_out`."""
    name = name or row.name

    def function(input: Tensor, *, out: Tensor | None = None) -> Tensor:
        try:
            if not isinstance(input, TensorBase):
                need_tensor(name, "input", 1, input)
            result: Tensor = apply(row, input)
            if out is None:
                return result
            return write_out(out, result, input, same=same, judged=judged)
        except met_late():
            return ask_late()

    return named(function, name, what)


# What torch calls the backward of two tensors, of a number with a tensor, and of a tensor with a number.
Overloads = tuple[str, str, str]
REMAINDERS: Overloads = (
    "RemainderBackward1", "torch::autograd::NotImplemented", "RemainderBackward0",
)  # fmt: skip


def overload(result: Tensor, names: Overloads, first: Any, second: Any) -> Tensor:
    """The result, whose backward is called by which of the operands are tensors."""
    if result._node_ is not None:
        which = 2 if not isinstance(second, TensorBase) else not isinstance(first, TensorBase)
        result._node_._label = names[which]
    return result


def numbered(name: str, *which: int) -> Overloads:
    """`Overloads` that torch tells apart by these numbers.

    >>> numbered("Xlogy", 0, 1, 2)
    ('XlogyBackward0', 'XlogyBackward1', 'XlogyBackward2')
    """
    both, first, second = (f"{name}Backward{n}" for n in which)
    return both, first, second


def binary(
    row: Primitive, what: str, name: str | None = None, *, numbers: str = "second",
    judged: bool = False, names: Overloads | None = None,
) -> Binary:  # fmt: skip
    """The public function of a row with two inputs.

    numbers says which of them may be Python numbers: "second", "either", "both" or "neither"; judged is
    that of `write_out`; names, what the backward is called, where torch tells these apart.
    """
    name = name or row.name
    for_second = numbers != "neither"
    for_first = numbers in ("either", "both")

    def function(
        input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None
    ) -> Tensor:
        try:
            if not isinstance(input, TensorBase):
                if not for_first or (numbers == "either" and not isinstance(other, TensorBase)):
                    need_tensor(name, "input", 1, input)
                input = first_operand(name, input, other)
            if not isinstance(other, TensorBase) and not (
                for_second and isinstance(other, NUMBERS)
            ):
                raise TypeError(
                    f"{name}(): argument 'other' (position 2) must be Tensor, not {type_name(other)}"
                )
            result: Tensor = apply(row, input, other)
            if names is not None:
                result = overload(result, names, input, other)
            if out is None:
                return result
            return write_out(out, result, input, other, judged=judged)
        except met_late():
            return ask_late()

    return named(function, name, what)
