"""New arrays for the results and gradients of a call, into which the C writes."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from rushlight.compiler.machine import Machine
from rushlight.core.tensor import wrap
from rushlight.memory import address


def gradient(machine: Machine, memory: Any, shape: Any, changes: int) -> tuple[Any, Any]:
    """A gradient, which the C will write, and its array. It is given again while nobody else has it."""
    array = np.empty(shape, memory.dtype)
    machine.table[memory.number] = address(array)
    tensor = wrap(array)
    tensor._changes_[0] = changes
    return tensor, array


def counts(box: list[Any]) -> tuple[int, int]:
    """How many references there are to a gradient and its array, as the function counts them."""
    g, d = box
    return sys.getrefcount(g), sys.getrefcount(d)


class Fresh:
    """A result, new at each call."""

    def __init__(self, machine: Machine, memory: Any, shape: Any) -> None:
        self.machine, self.memory, self.shape = machine, memory, shape

    def array(self) -> Any:
        """An array whose elements the C will write."""
        array = np.empty(self.shape, self.memory.dtype)
        self.machine.table[self.memory.number] = address(array)
        return array
