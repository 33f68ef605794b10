"""What the next tiles of a product read is sent for while a tile is computed: each tile sends for its share.

Processors foresee what is read in a row. They do not foresee the next panel, rows far from each other, or the
places of results that nobody has touched for long: out of the third cache a product took an eighth longer.
"""

from __future__ import annotations

from dataclasses import dataclass

from rushlight.compiler.kernels.fragments import ITEMSIZE
from rushlight.compiler.kernels.shape import Shape, Tiling, at, indented


@dataclass(frozen=True)
class Ahead:
    """The lines of C that send for something, in the loop over the tiles of a product."""

    shape: Shape
    cut: Tiling
    begin: str
    end: str
    """The rows of the call."""
    grouped: bool
    """Whether groups of them are computed, from `first` to `last`."""
    columns: bool
    """Whether the call is for some columns, from `begin` on."""

    @property
    def _whole(self) -> bool:
        return self.cut.depth == self.shape.k

    @property
    def _width(self) -> int:
        return self.cut.vectors * self.shape.lanes

    @property
    def _tile(self) -> str:
        """The number of the tile in its group, from above."""
        first = "first" if self.grouped else self.begin
        return f"i / {self.cut.rows}" if first == "0" else f"(i - {first}) / {self.cut.rows}"

    @property
    def _down(self) -> int:
        """How many tiles of a group are below each other."""
        return -(-min(self.shape.m, self.cut.group) // self.cut.rows)

    @property
    def later(self) -> list[str]:
        """Where the rows of a lie that are copied next, if there are such."""
        apart = self.shape.a[1]
        here = [] if self._whole else [("p", apart)]
        deeper = at("a", (self.begin, 1), *here, (self.cut.depth, apart))
        if self.grouped:
            below = at("a", ("last", 1), *here)
            place = below if self._whole else f"last < {self.end} ? {below} : {deeper}"
        elif self._whole:
            return []
        else:
            place = deeper
        return [f"const {self.shape.T} *const later = {place};"]

    def sent(self, height: int, j: str | int) -> list[str]:
        """What is sent for beside the tile of `height` rows in row i and column j."""
        shape, cut = self.shape, self.cut
        block = str(shape.k) if self._whole else "depth"
        lines = []
        if cut.inside:
            lines += self._panel(j, block)
        if cut.gathered and self.later:
            across = -(-shape.n // self._width)
            share = -(-cut.depth // (self._down * across))
            column = "(j - begin)" if self.columns and j == "j" else j
            lines += self._near(
                "later", share, f"{column} / {self._width} * {self._down} + {self._tile}",
                shape.a[1], min(cut.group, shape.m),
            )  # fmt: skip
        if self._whole and _is_large(shape):
            if shape.a[1] == 1 and j in ("j", 0):
                begin = "begin" if self.columns else "0"
                head = [f"if (j == {begin})"] if j == "j" else []
                next_rows = at("a", ("i", shape.a[0]), (cut.rows, shape.a[0]))
                near = self._near(next_rows, height, "", shape.a[0], shape.k)
                lines += head + (indented(near) if head else near)
            lines += self._near(
                at("c", ("i", shape.c[0]), (j, 1)), height, "", shape.c[0], self._width
            )
        return lines

    def _panel(self, j: str | int, block: str) -> list[str]:
        """A share of the panel beside this one, as it lies."""
        down, right = self.shape.b
        start = at("b", (j, right), (self._width, right), *([] if self._whole else [("p", down)]))
        if right == 1:
            return self._near(
                start, -(-self.cut.depth // self._down), self._tile, down, self._width
            )
        if down == 1:
            return self._near(start, -(-self._width // self._down), self._tile, right, block)
        return []

    def _near(self, start: str, share: int, number: str, apart: int, count: int | str) -> list[str]:
        """Some rows are sent for: the share of that number of those that begin there."""
        row = f"(({number}) * {share} + q)" if number else "q"
        return [
            f"for (long q = 0; q < {share}; q++)",
            f"    v{self.shape.T}_near({at(start, (row, apart))}, {count});",
        ]


def _is_large(shape: Shape) -> bool:
    """Whether operands are more than a small part of the second cache, and may lie far away."""
    numbers = shape.m * shape.k + shape.k * shape.n + shape.m * shape.n
    return 4 * numbers * ITEMSIZE[shape.T] > shape.target.l2
