"""Memory of one call: what its backward will read, until that has run."""

from __future__ import annotations

import numpy as np

from rushlight.compiler.graph import Memory
from rushlight.compiler.room import zeros
from rushlight.core.tensor import Array
from rushlight.memory import address

# Each piece begins on a line of the cache.
_LINE = 64
# So many blocks that nobody has are kept for the next calls.
_SPARE = 2


class Block:
    """The memory of a call; with its last name it goes back to where it came from."""

    __slots__ = ("array", "addresses", "parts", "spare")

    def __init__(self, array: Array, addresses: Array, parts: dict[int, Array], spare: list[Block]):
        self.array, self.addresses, self.parts = array, addresses, parts
        self.spare: list[Block] | None = spare

    def __del__(self) -> None:
        spare, self.spare = self.spare, None
        if spare is not None and len(spare) < _SPARE:
            spare.append(Block(self.array, self.addresses, self.parts, spare))


class Blocks:
    """Where blocks come from."""

    def __init__(self, memories: list[Memory]) -> None:
        self.memories = memories
        self.numbers = np.array([m.number for m in memories], np.intp)
        self.spare: list[Block] = []
        self.starts, self.size = [], 0
        for memory in memories:
            self.starts.append(self.size)
            self.size += -(-memory.size * memory.dtype.itemsize // _LINE) * _LINE

    def take(self) -> Block:
        """A block that nobody else has."""
        if self.spare:
            return self.spare.pop()
        # Zeros: borders of images are read, and never written.
        array = zeros(self.size + _LINE)
        base = -address(array) % _LINE
        parts = {
            m.number: array[base + s : base + s + m.size * m.dtype.itemsize].view(m.dtype)
            for m, s in zip(self.memories, self.starts, strict=True)
        }
        first = address(array) + base
        return Block(array, np.array([first + s for s in self.starts], np.uintp), parts, self.spare)


__all__ = ["Block", "Blocks"]
