"""A loop brought to the form in which loops are compared: few dimensions, in the order of memory.

A `Piece` is a loop with its dimensions sorted by the steps of what it goes over, those of size 1 left
out, and neighbours that are one run of memory joined. `rows` cuts it in two: the rows that several
pieces share, and what each does within a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rushlight.compiler.graph import (
    Expression,
    Loop,
    Memory,
    Pick,
    Place,
    Position,
    expression_reads,
    walk,
)


@dataclass
class Access:
    """How a piece goes over memory: a step for each of its dimensions."""

    memory: Memory
    offset: int
    strides: list[int]
    # How far computed positions may lead beyond.
    reach: int
    writes: bool

    def span(self, piece: Piece) -> int | None:
        """How many elements are touched, if these are all there are between the first and the last."""
        size, reach = 1, 0
        for n, step in zip(piece.dims, self.strides, strict=True):
            if step:
                size *= n
                reach += (n - 1) * step
        return size if size == reach + 1 else None

    def same_walk(self, other: Access) -> bool:
        """Whether both touch the same element at the same step of loops of one form."""
        return (
            self.memory is other.memory
            and self.offset == other.offset
            and self.strides == other.strides
            and not self.reach
            and not other.reach
        )


@dataclass(eq=False)
class Piece:
    """A loop, its dimensions in the order in which they run."""

    loop: Loop
    dims: list[int] = field(default_factory=list)
    folded: list[bool] = field(default_factory=list)
    accesses: list[Access] = field(default_factory=list)
    # What each dimension of the loop is made of: dimensions of the piece, each times a number.
    origin: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    # How many of the dimensions are rows.
    outer: int = 0

    @property
    def size(self) -> int:
        """How many elements it goes over."""
        size = 1
        for n in self.dims:
            size *= n
        return size

    def access_of(self, place: Place, indices: tuple[Expression, ...] | None = None) -> Access:
        """How the piece goes over a place."""
        offset, steps, reach = place.offset, [0] * len(self.loop.shape), 0
        if indices is None:
            steps = list(place.strides)
        else:
            for index, n, stride in zip(indices, place.shape, place.strides, strict=True):
                if isinstance(index, Position):
                    steps[index.dim] += stride
                else:
                    reach += (n - 1) * stride
        strides = [0] * len(self.dims)
        for d, parts in self.origin.items():
            for at, times in parts:
                strides[at] += steps[d] * times
        return Access(place.memory, offset, strides, reach, False)

    def split(self, rows: int) -> Piece | None:
        """The piece with its first dimensions marked as so many rows; None if they are not."""
        count, cut = 1, 0
        if rows <= 1:
            return self._copied()
        while count < rows and cut < len(self.dims):
            count *= self.dims[cut]
            cut += 1
        if count == rows:
            result = self._copied()
            result.outer = cut
            return result if result._is_even() else None
        over, last = count // rows, cut - 1
        if count % rows or self.dims[last] % over or count < rows:
            return None
        result = self._copied()
        result.dims[last : last + 1] = [self.dims[last] // over, over]
        result.folded[last : last + 1] = [self.folded[last]] * 2
        for access in result.accesses:
            step = access.strides[last]
            access.strides[last : last + 1] = [step * over, step]
        for d, parts in self.origin.items():
            moved = []
            for at, times in parts:
                if at == last:
                    moved += [(last, times * over), (last + 1, times)]
                else:
                    moved.append((at + (at > last), times))
            result.origin[d] = moved
        result.outer = cut
        return result if result._is_even() else None

    def _is_even(self) -> bool:
        """Whether all rows are folded, or none."""
        return len(set(self.folded[: self.outer])) <= 1

    def _copied(self) -> Piece:
        accesses = [
            Access(a.memory, a.offset, list(a.strides), a.reach, a.writes) for a in self.accesses
        ]
        return Piece(
            self.loop, list(self.dims), list(self.folded), accesses, dict(self.origin), self.outer
        )


def row_walk(piece: Piece, access: Access) -> list[tuple[int, int]]:
    """Sizes and steps of the rows, neighbours joined."""
    result: list[tuple[int, int]] = []
    for n, step in zip(piece.dims[: piece.outer], access.strides, strict=False):
        if result and result[-1][1] == step * n:
            result[-1] = (result[-1][0] * n, step)
        else:
            result.append((n, step))
    return result


def row_extent(piece: Piece, access: Access) -> tuple[int, int]:
    """The first element that row 0 touches, and the one behind the last."""
    last = access.reach
    for n, step in zip(piece.dims[piece.outer :], access.strides[piece.outer :], strict=True):
        last += (n - 1) * step
    return access.offset, access.offset + last + 1


def piece_of(loop: Loop) -> Piece:
    """The piece that a loop is."""
    reads = list(expression_reads(loop.value))
    for index in loop.indices or ():
        reads += expression_reads(index)
    fixed = loop.indices is not None or any(
        isinstance(part, Position | Pick) for part in walk(loop.value)
    )
    shape = loop.shape
    kept = [d for d, n in enumerate(shape) if n != 1]
    folds = [
        loop.fold is not None and loop.indices is None and loop.out.strides[d] == 0
        for d in range(len(shape))
    ]
    if not fixed:
        kept = _in_order(loop, kept, reads)
    piece = Piece(loop, [shape[d] for d in kept], [folds[d] for d in kept])
    piece.origin = {d: [] for d in range(len(shape))}
    for at, d in enumerate(kept):
        piece.origin[d] = [(at, 1)]
    written = piece.access_of(loop.out, loop.indices)
    written.writes = True
    piece.accesses = [written] + [piece.access_of(place, indices) for place, indices in reads]
    if not fixed:
        _join(piece)
    return piece


def _in_order(loop: Loop, kept: list[int], reads: Sequence[tuple[Place, object]]) -> list[int]:
    """Dimensions by falling steps: of the result, or of the largest operand of a fold."""
    leading = loop.out
    if loop.fold is not None and reads:
        leading = max(
            (place for place, _ in reads), key=lambda place: sum(s != 0 for s in place.strides)
        )
    others = [place for place, _ in reads]
    return sorted(
        kept,
        key=lambda d: (leading.strides[d], sum(place.strides[d] for place in others)),
        reverse=True,
    )


def _join(piece: Piece) -> None:
    """Join neighbours that are one run of memory for all that is touched."""
    at = 0
    while at + 1 < len(piece.dims):
        n = piece.dims[at + 1]
        if piece.folded[at] == piece.folded[at + 1] and all(
            a.strides[at] == a.strides[at + 1] * n for a in piece.accesses
        ):
            piece.dims[at : at + 2] = [piece.dims[at] * n]
            piece.folded[at : at + 2] = [piece.folded[at]]
            for access in piece.accesses:
                access.strides[at : at + 2] = [access.strides[at + 1]]
            # Only the step of the inner one counts: the outer follows from it.
            for d, parts in piece.origin.items():
                piece.origin[d] = [(k - (k > at), times) for k, times in parts if k != at]
        else:
            at += 1
