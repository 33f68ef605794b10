"""How pieces go over memory within a nest: which share a loop, where a row begins, what is folded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from rushlight.compiler.graph import Compute, Expression, Fold, Load, NoC, Pick, Position, walk
from rushlight.compiler.passes.fuse import Group
from rushlight.compiler.passes.pieces import Access, Piece, row_walk

VARIABLES = ("i", "j", "k", "l", "m", "o", "q", "s")


@dataclass
class Inner:
    """A loop within a row: its sizes, and the pieces that run in it."""

    dims: list[int]
    pieces: list[Piece] = field(default_factory=list)


def cost_of(group: Group) -> float:
    """Nanoseconds that a nest is estimated to take on one thread."""
    total = 0.0
    for piece in group.pieces:
        calls = sum(
            len(part.fragments) for part in walk(piece.loop.value) if isinstance(part, Compute)
        )
        total += piece.size * (0.03 * len(piece.accesses) + 0.3 * calls)
    return total


def inner_loops(group: Group) -> list[Inner]:
    """Which pieces run in one loop: those with the same sizes that meet only at the same step."""
    loops: list[Inner] = []
    for piece in group.pieces:
        dims = piece.dims[piece.outer :]
        first = 0
        for at, loop in enumerate(loops):
            for other in loop.pieces:
                first = max(first, _earliest(piece, other, at))
        for at in range(first, len(loops)):
            if loops[at].dims == dims:
                loops[at].pieces.append(piece)
                break
        else:
            loops.append(Inner(dims, [piece]))
    return loops


def _earliest(piece: Piece, other: Piece, at: int) -> int:
    """The first loop in which a piece may run, given another that runs in loop `at`."""
    first = 0
    for a in piece.accesses:
        for b in other.accesses:
            if a.memory is not b.memory or not (a.writes or b.writes):
                continue
            folded = is_folded(piece, a) or is_folded(other, b)
            if folded or not a.same_walk(b) or piece.dims != other.dims:
                return at + 1
            first = at
    return first


def is_folded(piece: Piece, access: Access) -> bool:
    """Whether it is the result of a fold."""
    return access.writes and any(piece.folded)


def fold_of(piece: Piece) -> Fold:
    """How a piece folds."""
    if piece.loop.fold is None:
        raise NoC("a loop that folds nothing")
    return piece.loop.fold


def over_rows(piece: Piece) -> bool:
    """Whether it folds the rows."""
    return any(f and n > 1 for f, n in zip(piece.folded, piece.dims[: piece.outer], strict=False))


def flat(dims: list[tuple[int, int, bool]]) -> str:
    """The number of an element among those that are kept, in row order."""
    terms, step = [], 1
    for at in reversed(range(len(dims))):
        n, _, folded = dims[at]
        if not folded:
            terms.append(VARIABLES[at] if step == 1 else f"{VARIABLES[at]} * {step}")
            step *= n
    return " + ".join(reversed(terms)) or "0"


def step_of(access: Access) -> tuple[int, int, tuple[int, ...]]:
    """What tells a walk from others."""
    return id(access.memory), access.offset, tuple(access.strides)


def inner_dims(piece: Piece) -> list[tuple[int, int, bool]]:
    """Size, step and whether it is folded, of each dimension of a row."""
    access = piece.accesses[0]
    return list(
        zip(
            piece.dims[piece.outer :],
            access.strides[piece.outer :],
            piece.folded[piece.outer :],
            strict=True,
        )
    )


def kept_size(piece: Piece) -> int:
    """How many elements of a row are not folded away."""
    size = 1
    for n, _, folded in inner_dims(piece):
        if not folded:
            size *= n
    return size


def row_terms(piece: Piece, access: Access) -> list[str]:
    """Where a row begins."""
    joined = row_walk(piece, access)
    if not any(step for _, step in joined):
        return []
    terms, below = [], 1
    for at in reversed(range(len(joined))):
        n, step = joined[at]
        text = "r" if below == 1 else f"r / {below}"
        if at:
            text = f"{text} % {n}"
        if step:
            if text != "r":
                text = f"({text})"
            terms.append(text if step == 1 else f"{text} * {step}")
        below *= n
    return list(reversed(terms))


def position(piece: Piece, dim: int) -> str:
    """Where the loop stands along one of its own dimensions."""
    terms = []
    for at, times in piece.origin[dim]:
        if at >= piece.outer:
            name = VARIABLES[at - piece.outer]
        else:
            below = 1
            for n in piece.dims[at + 1 : piece.outer]:
                below *= n
            name = "r" if below == 1 else f"r / {below}"
            if at:
                name = f"{name} % {piece.dims[at]}"
            if name != "r":
                name = f"({name})"
        terms.append(name if times == 1 else f"{name} * {times}")
    return " + ".join(terms) or "0"


def choices_of(piece: Piece, made: set[int]) -> Iterator[Expression]:
    """Expressions with a choice in them that are the same for all of a row; made: memory that its loop writes."""

    def is_same(x: Expression) -> bool:
        if isinstance(x, Position):
            return all(at < piece.outer for at, _ in piece.origin[x.dim])
        if isinstance(x, Load | Pick):
            access = piece.access_of(x.place, x.indices if isinstance(x, Pick) else None)
            if id(access.memory) in made or any(access.strides[piece.outer :]):
                return False
        return all(map(is_same, x.parts()))

    def within(x: Expression, chosen: bool) -> Iterator[Expression]:
        """Of what may not be read unless it is chosen nothing is looked up."""
        parts = list(walk(x))
        if any(isinstance(part, Compute) and "?" in part.template for part in parts):
            looked_up = any(isinstance(part, Pick) for part in parts)
            if is_same(x) and not (chosen and looked_up):
                yield x
                return
            chosen |= isinstance(x, Compute) and "?" in x.template
            for part in x.parts():
                yield from within(part, chosen)

    yield from within(piece.loop.value, False)


def suffix(piece: Piece) -> int | None:
    """From which dimension of a row on a piece folds all; None if it does not, or others between."""
    flags = piece.folded[piece.outer :]
    if piece.loop.fold is None or piece.loop.indices is not None or not any(flags):
        return None
    start = len(flags)
    while start and flags[start - 1]:
        start -= 1
    if start == len(flags) or any(flags[:start]):
        return None
    return start


def kept_before_folds(loop: Inner) -> int:
    """How many dimensions come before the first that some piece folds into a register."""
    starts = [start for piece in loop.pieces if (start := suffix(piece)) is not None]
    return min(starts, default=len(loop.dims))


def register_fold(piece: Piece, kept: int) -> bool:
    """Whether a piece folds all dimensions from that one on."""
    return suffix(piece) == kept
