"""What an operator is given besides its inputs, and helpers that several tables share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.core.doors import literal, read
from rushlight.core.tensor import Array, TensorBase

if TYPE_CHECKING:
    from rushlight.onnx.loading.graph import Graph

# Takes the operator and its inputs, None for one that is left out; gives a value, or a tuple of them.
Handler = Callable[..., Any]


class CannotRun(NotImplementedError):
    """There is nothing in rushlight that does what an operator of the file asks for."""


@dataclass(eq=False)
class Operator:
    """A node of a file: its attributes, and the version of the operators it is written in."""

    kind: str
    name: str
    attributes: dict[str, Any]
    version: int
    # How many results are asked for.
    count: int
    # Whether what is loaded is in training, which batch norm and dropout ask.
    training: Callable[[], bool] = field(default=lambda: False)
    # The names of the inputs, in whose place tensors are given.
    inputs: tuple[str, ...] = ()
    scope: dict[str, Any] = field(default_factory=dict)

    def get(self, name: str, standard: Any = None) -> Any:
        """An attribute."""
        return self.attributes.get(name, standard)

    def graph(self, name: str) -> Graph:
        """An attribute that is a graph."""
        return self.attributes[name]

    def refuse(self, why: str) -> CannotRun:
        """The error to raise."""
        where = f" (node {self.name!r})" if self.name else ""
        return CannotRun(f"ONNX's {self.kind}{where}: {why}")


def tensor_of(array: Array) -> Any:
    """An array of the file, or one that Python made, as a tensor."""
    return literal(np.ascontiguousarray(array).reshape(array.shape))


def constant_of(array: Array) -> Any:
    """A tensor of the file that is no weight: Python may read it without looking at what is computed."""
    tensor = tensor_of(array)
    tensor.of_the_file = np.array(array), tensor._version
    return tensor


def array_of(x: Any, why: str = "which an operator of the file needs in Python") -> Array:
    """The values of a tensor, for Python."""
    known = getattr(x, "of_the_file", None)
    if known is not None and known[1] == x._version:
        return known[0]
    return read(x, why)


def ints(x: Any) -> list[int]:
    """A list of whole numbers out of a tensor, or out of an attribute."""
    if x is None:
        return []
    if isinstance(x, TensorBase):
        return [
            int(n) for n in array_of(x, "the sizes or places that an operator takes").reshape(-1)
        ]
    return [int(n) for n in x]


def number(x: Any) -> Any:
    """The one value of a tensor, or a number."""
    if isinstance(x, TensorBase):
        return array_of(x, "a number that an operator takes").reshape(-1)[0].item()
    return x


def dtype_of(x: Any) -> Any:
    """The type of a tensor in NumPy's words."""
    return x._data_.dtype


def torch_type(storage: Any) -> dtypes.dtype:
    """torch's type for one of NumPy's."""
    return dtypes.of(np.dtype(storage))


def is_whole(x: Any) -> bool:
    """Whether a tensor holds whole numbers."""
    return dtype_of(x).kind in "iu"
