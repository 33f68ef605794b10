"""Attention in the file: the kernel for the heads of a statement, and where they lie."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from rushlight.compiler.graph import Attention, Place
from rushlight.compiler.kernels import attention
from rushlight.compiler.kernels.kernel import Kernel
from rushlight.compiler.kernels.target import Target


@dataclass(frozen=True)
class Call:
    """A kernel, how many heads there are, and what they are estimated to take."""

    kernel: Kernel
    count: int
    cost: float


def kernel_of(statement: Attention, target: Target) -> Call:
    """The kernel for heads that lie as they do."""
    heads, back = statement.heads, statement.backward
    many = statement.inputs[0].shape[:-2]
    # Weights that are kept lie one head after the other: a kernel knows where.
    places = (
        (*statement.inputs[:4], *statement.outs) if back else (*statement.inputs, statement.outs[0])
    )
    batch = [(n, *(place.strides[d] for place in places)) for d, n in enumerate(many)]
    steps = tuple(_step(place) for place in places)
    if back:
        kernel = attention.backward(heads, batch, steps, target)
    else:
        kernel = attention.forward(heads, batch, steps, target, keeps=len(statement.outs) > 1)
    count = prod(many)
    return Call(kernel, count, attention.cost(heads, count, target, backward=back))


def _step(place: Place) -> int:
    """From a row to the next."""
    return place.strides[-2]
