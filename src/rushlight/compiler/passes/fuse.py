"""Fuse loops: those that go over the same rows, each row by itself, become one nest.

Elementwise loops over the same run of memory become one loop, and what they hand on stays in a
register. Loops over rows with something to sum within the row (softmax, layer norm) become one loop over
rows with several inside: a row stays in the cache.

A loop may join a nest if what it shares with the loops there is touched row by row: row r is read and
written only while row r is worked on. Nothing is moved before what it depends on.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rushlight.compiler.graph import (
    Graph,
    Guard,
    Loop,
    Number,
    Outside,
    Place,
    Statement,
    expression_reads,
)
from rushlight.compiler.passes.pieces import Access, Piece, piece_of, row_extent, row_walk
from rushlight.compiler.recording.values import Figure


@dataclass(eq=False)
class Group:
    """Statements that are emitted together."""

    # "nest": pieces over the same rows; "straight": numbers and single elements, one after the other;
    # "single": a product, a kernel, a guard over many elements; "outside": Python.
    kind: str
    statements: list[Statement] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    # Rows of a nest; 0: all its pieces are one run of memory, each element by itself.
    rows: int = 0
    size: int = 0
    # The memories that it touches, and those of them with more than a number: all parameters share
    # the numbers of an optimizer, and that is no reason to bring them together.
    memories: set[int] = field(default_factory=set)
    large: set[int] = field(default_factory=set)
    _touched: tuple[int, dict[int, list[tuple[Place, bool]]]] = field(default=(0, {}), repr=False)

    def touched(self) -> dict[int, list[tuple[Place, bool]]]:
        """By memory where it reads and, with True, where it writes."""
        counted, known = self._touched
        if counted != len(self.statements):
            known = {}
            for place in self.reads():
                known.setdefault(id(place.memory), []).append((place, False))
            for place in self.writes():
                known.setdefault(id(place.memory), []).append((place, True))
            self._touched = len(self.statements), known
        return known

    def reads(self) -> list[Place]:
        """What it reads."""
        return [place for statement in self.statements for place in statement.reads()]

    def writes(self) -> list[Place]:
        """What it writes."""
        return [place for statement in self.statements for place in statement.writes()]


def fuse(graph: Graph, fine: bool = True) -> list[Group]:
    """The statements of a graph in groups, in an order in which they can run; fine: long rows may be cut."""
    fusion = _Fusion(fine)
    for statement in graph.statements:
        fusion.place(statement)
    return _merged(fusion.groups, fine)


# How far back a nest looks for another to become one with: past all that the updates of other parameters are.
_NEAR = 128


def _merged(groups: list[Group], fine: bool) -> list[Group]:
    """Nests that can be one become one: each piece alone did not know that a later one would join."""
    result: list[Group] = []
    for group in groups:
        if group.kind != "nest" or not _merges(result, group, fine):
            result.append(group)
    # One that has grown may fit where it did not.
    return result if len(result) == len(groups) else _merged(result, fine)


def _merges(before: list[Group], group: Group, fine: bool) -> bool:
    """Let an earlier nest take what this one does, if it may."""
    for other in reversed(before[-_NEAR:]):
        if other.kind in ("nest", "single") and other.memories.isdisjoint(group.memories):
            continue
        if other.kind == "nest" and not other.large.isdisjoint(group.large):
            joined: tuple[int, list[Piece]] | None = (other.rows, other.pieces)
            trial = Group("nest", other.statements, other.pieces, other.rows, other.size)
            for statement in group.statements:
                joined = _joined(trial, piece_of(statement), fine)  # type: ignore[arg-type]
                if joined is None:
                    break
                trial = Group("nest", trial.statements, joined[1], joined[0], trial.size)
            else:
                other.rows, other.pieces = trial.rows, trial.pieces
                other.statements += group.statements
                other.memories |= group.memories
                other.large |= group.large
                return True
        if other.kind == "outside" or conflict(other, group):
            return False
    return False


def conflict(a: Group, b: Group) -> bool:
    """Whether the first of two groups must come before the other."""
    numbers = {s.number_written().index for s in a.statements if s.number_written()}  # type: ignore[union-attr]
    if any(figure.index in numbers for figure in figures_of(b)):
        return True
    before, after = a.touched(), b.touched()
    return any(
        (writes or changes) and place.overlaps(other)
        for memory in before.keys() & after.keys()
        for place, writes in before[memory]
        for other, changes in after[memory]
    )


class _Fusion:
    def __init__(self, fine: bool) -> None:
        self.fine = fine
        self.groups: list[Group] = []
        # Nothing moves before what Python does.
        self.barrier = 0
        self.figures: dict[int, int] = {}
        # Per memory the groups that read and write it, with where.
        self.touched: dict[int, list[tuple[int, Place, bool]]] = {}

    def place(self, statement: Statement) -> None:
        """Put a statement into a group."""
        last = max(self._last_conflict(statement), self.barrier - 1)
        if isinstance(statement, Outside):
            self._new(Group("outside"), statement)
            self.barrier = len(self.groups)
            return
        if isinstance(statement, Number) or (
            isinstance(statement, Guard | Loop) and _single(statement)
        ):
            self._straight(statement, last)
        elif isinstance(statement, Loop):
            self._loop(statement, last)
        else:
            self._new(Group("single"), statement)

    # ---- what comes after what -------------------------------------------------------------------

    def _last_conflict(self, statement: Statement) -> int:
        """The last group that must come before, or with, a statement."""
        last = -1
        for figure in statement.numbers_read():
            last = max(last, self.figures.get(figure.index, -1))
        for place in statement.reads():
            for at, other, writes in self.touched.get(id(place.memory), ()):
                if writes and at > last and place.overlaps(other):
                    last = at
        for place in statement.writes():
            for at, other, _ in self.touched.get(id(place.memory), ()):
                if at > last and place.overlaps(other):
                    last = at
        return last

    def _note(self, at: int, statement: Statement) -> None:
        self.groups[at].statements.append(statement)
        places = [(p, False) for p in statement.reads()] + [(p, True) for p in statement.writes()]
        for place, writes in places:
            self.touched.setdefault(id(place.memory), []).append((at, place, writes))
            self.groups[at].memories.add(id(place.memory))
            if place.memory.size > 1:
                self.groups[at].large.add(id(place.memory))
        made = statement.number_written()
        if made is not None:
            self.figures[made.index] = at

    def _new(self, group: Group, statement: Statement) -> None:
        self.groups.append(group)
        self._note(len(self.groups) - 1, statement)

    # ---- numbers ---------------------------------------------------------------------------------

    def _straight(self, statement: Statement, last: int) -> None:
        for at in range(max(last, 0), len(self.groups)):
            if at >= self.barrier and self.groups[at].kind == "straight":
                self._note(at, statement)
                return
        self._new(Group("straight"), statement)

    # ---- loops -----------------------------------------------------------------------------------

    def _loop(self, loop: Loop, last: int) -> None:
        piece = piece_of(loop)
        large = {id(access.memory) for access in piece.accesses if access.memory.size > 1}
        for at in range(max(last, self.barrier), len(self.groups)):
            group = self.groups[at]
            if group.kind == "nest" and (at == last or not large.isdisjoint(group.large)):
                joined = _joined(group, piece, self.fine)
                if joined is not None:
                    group.rows, group.pieces = joined
                    self._note(at, loop)
                    return
        group = Group("nest", rows=_natural_rows(piece), size=piece.size)
        split = piece.split(group.rows) if group.rows else piece
        if split is None:
            # All of it is one row.
            group.rows, split = 1, piece
        group.pieces.append(split)
        self._new(group, loop)


def _single(statement: Loop | Guard) -> bool:
    """Whether it is about one element, whose place is known."""
    if isinstance(statement, Loop) and (
        statement.indices is not None
        or any(indices is not None for _, indices in expression_reads(statement.value))
    ):
        return False
    return all(n == 1 for n in statement.shape)


def _is_run(piece: Piece) -> bool:
    """Whether it is one run of elements, each by itself."""
    return (
        len(piece.dims) <= 1
        and not any(piece.folded)
        and piece.loop.indices is None
        and all(a.strides in ([], [0], [1]) and not a.reach for a in piece.accesses)
    )


def _natural_rows(piece: Piece) -> int:
    """How many rows a piece has of itself; 0 for a run."""
    if _is_run(piece) or piece.loop.indices is not None:
        return 0 if _is_run(piece) else 1
    if any(piece.folded):
        rows = 1
        if piece.folded[0]:
            # A sum over the rows: they are what is folded.
            for n, folds in zip(piece.dims, piece.folded, strict=True):
                if not folds:
                    return rows
                rows *= n
            return 1
        for n, folds in zip(piece.dims, piece.folded, strict=True):
            if folds:
                break
            rows *= n
        return rows
    rows = 1
    for n in piece.dims[:-1]:
        rows *= n
    return rows


# Elements of rows that are better cut into shorter ones, and of such as are too short.
_LONG, _SHORT = 1024, 32


def _joined(group: Group, piece: Piece, fine: bool) -> tuple[int, list[Piece]] | None:
    """The rows and pieces of a nest with one more; None if it may not join."""
    if piece.loop.indices is not None or any(p.loop.indices is not None for p in group.pieces):
        return None
    if group.rows == 0 and _is_run(piece):
        if piece.size != group.size:
            return None
        pieces = [*group.pieces, piece]
        return (0, pieces) if _apart(pieces, piece) else None
    natural = _natural_rows(piece)
    candidates = [group.rows] if group.rows else [natural]
    finer = fine and natural > group.rows > 0
    if finer and piece.size // group.rows >= _LONG > piece.size // natural >= _SHORT:
        candidates.insert(0, natural)
    for rows in candidates:
        if rows <= 1 and group.rows != rows:
            continue
        pieces = []
        for one in (*group.pieces, piece):
            cut = one.split(rows) if rows != group.rows or one is piece else one
            if cut is None:
                break
            pieces.append(cut)
        else:
            if all(
                _apart(pieces[: i + 1], one)
                for i, one in enumerate(pieces)
                if rows != group.rows or i == len(pieces) - 1
            ):
                return rows, pieces
    return None


def _apart(pieces: list[Piece], new: Piece) -> bool:
    """Whether a piece touches what the others write, and they what it writes, row by row only."""
    for other in pieces:
        if other is new:
            continue
        for a in new.accesses:
            for b in other.accesses:
                if (
                    a.memory is b.memory
                    and (a.writes or b.writes)
                    and not _by_rows(new, a, other, b)
                ):
                    return False
    for a in new.accesses[1:]:
        # What it reads of what it writes itself.
        first = new.accesses[0]
        if a.memory is first.memory and not (a.same_walk(first) or _disjoint(new, a, new, first)):
            return False
    return True


def _disjoint(piece: Piece, a: Access, other: Piece, b: Access) -> bool:
    """Whether they never meet, on any row."""
    spans = []
    for one, access in ((piece, a), (other, b)):
        first, end = row_extent(one, access)
        for n, step in zip(one.dims[: one.outer], access.strides, strict=False):
            end += (n - 1) * step
        spans.append((first, end))
    return spans[0][1] <= spans[1][0] or spans[1][1] <= spans[0][0]


def _by_rows(piece: Piece, a: Access, other: Piece, b: Access) -> bool:
    """Whether two accesses meet only on the same row."""
    if _disjoint(piece, a, other, b):
        return True
    walk = row_walk(piece, a)
    if walk != row_walk(other, b):
        return False
    if not piece.outer and not other.outer and not (piece.dims or other.dims):
        return True
    if piece.outer == 0 and other.outer == 0:
        # Runs: the same element at the same step.
        return a.same_walk(b)
    (first, end), (first_b, end_b) = row_extent(piece, a), row_extent(other, b)
    width = max(end, end_b) - min(first, first_b)
    for n, step in reversed(walk):
        if n == 1:
            continue
        if step < width:
            return False
        width += step * (n - 1)
    return True


def figures_of(group: Group) -> list[Figure]:
    """The Python numbers that a group reads, each once."""
    found = {f.index: f for statement in group.statements for f in statement.numbers_read()}
    return list(found.values())
