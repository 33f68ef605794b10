"""What a product is specialised for, how it is cut, and how its addresses are written in C."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from rushlight.compiler.kernels.fragments import ITEMSIZE
from rushlight.compiler.kernels.target import Target


@dataclass(frozen=True)
class Shape:
    """c[m][n] = a[m][k] @ b[k][n], with strides in elements; `add`: the product is added to c."""

    m: int
    n: int
    k: int
    a: tuple[int, int]
    b: tuple[int, int]
    c: tuple[int, int]
    T: str
    add: bool
    target: Target

    @property
    def lanes(self) -> int:
        """Elements in a vector register."""
        return self.target.lanes(ITEMSIZE[self.T])

    @property
    def name(self) -> str:
        """All that makes it special, as a C name: layouts by the letters of BLAS, strides if unusual."""
        parts = [f"product_{self.m}x{self.n}_{self.k}"]
        compact = {
            "n": ((self.k, 1), (self.n, 1)),
            "t": ((1, self.m), (1, self.k)),
        }
        letters = ""
        for place, strides in enumerate((self.a, self.b)):
            letter = next((c for c, both in compact.items() if both[place] == strides), "")
            letters += letter or f"{'ab'[place]}{strides[0]}x{strides[1]}"
        parts.append(letters)
        if self.c != (self.n, 1):
            parts.append(f"c{self.c[0]}x{self.c[1]}")
        if self.add:
            parts.append("add")
        if self.T != "float":
            parts.append(self.T)
        return "_".join(parts).replace("-", "minus")

    @property
    def transposed(self) -> Shape:
        """The same numbers as c.T = b.T @ a.T."""
        return replace(self, m=self.n, n=self.m, a=self.b[::-1], b=self.a[::-1], c=self.c[::-1])

    @property
    def arguments(self) -> str:
        """The operands in a C signature."""
        return f"const {self.T} *restrict a, const {self.T} *restrict b, {self.T} *restrict c"


@dataclass(frozen=True)
class Tiling:
    """Tiles of `rows` by `vectors`, smaller ones at the edges; k in blocks of `depth`."""

    rows: int
    vectors: int
    depth: int
    packed: bool
    inside: bool
    """The panels are packed here, each part just before it is used."""
    group: int
    """Rows that go through all columns together."""
    gathered: bool
    """A group's part of a is copied before it is used, tile by tile."""


def place(*terms: tuple[str | int, int]) -> str:
    """A sum of indices times strides, without what is zero: `i * 784 + p`.

    >>> place(("i", 784), ("p", 1), (2, 16), ("j", 0))
    'i * 784 + p + 32'
    """
    written = []
    for index, stride in terms:
        if isinstance(index, int):
            if index * stride:
                written.append(str(index * stride))
        elif stride:
            written.append(index if stride == 1 else f"{index} * {stride}")
    return " + ".join(written) or "0"


def at(pointer: str, *terms: tuple[str | int, int]) -> str:
    """A pointer moved by indices times strides."""
    offset = place(*terms)
    return pointer if offset == "0" else f"{pointer} + {offset}"


def indented(lines: Iterable[str], by: int = 1) -> list[str]:
    """Lines of C one block further in; directives of the preprocessor stay at the margin."""
    return [line if line.startswith("#") or not line else "    " * by + line for line in lines]
