"""A nest of loops as a C function: rows outside, and what each piece does within a row."""

from __future__ import annotations

from dataclasses import dataclass, field

from rushlight.compiler.emit.terms import expression_text
from rushlight.compiler.graph import (
    Compute,
    Expression,
    Fold,
    Load,
    Memory,
    NoC,
    Pick,
    Position,
    c_type,
    walk,
)
from rushlight.compiler.passes.fuse import Group
from rushlight.compiler.passes.pieces import Access, Piece
from rushlight.compiler.recording.values import Figure

VARIABLES = ("i", "j", "k", "l", "m", "o", "q", "s")
# Elements of a row that are kept on the stack.
_ROW_BUFFER = 16384


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
            folded = _is_folded(piece, a) or _is_folded(other, b)
            if folded or not a.same_walk(b) or piece.dims != other.dims:
                return at + 1
            first = at
    return first


def _is_folded(piece: Piece, access: Access) -> bool:
    return access.writes and any(piece.folded)


class Writer:
    """Lines of C, indented."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.depth = 0

    def line(self, text: str = "") -> None:
        """One more line."""
        self.lines.append("    " * self.depth + text if text else "")

    def open(self, text: str) -> None:
        """A line that begins a block."""
        self.line(text + " {")
        self.depth += 1

    def close(self) -> None:
        """End a block."""
        self.depth -= 1
        self.line("}")


class Names:
    """Stands for the names of memory and numbers in a text, so that equal texts can be told."""

    def __init__(self) -> None:
        self.memories: dict[int, Memory] = {}
        self.figures: dict[int, Figure] = {}

    def of(self, memory: Memory) -> str:
        """What stands for memory."""
        self.memories.setdefault(id(memory), memory)
        return f"@{list(self.memories).index(id(memory))}@"

    def of_number(self, figure: Figure) -> str:
        """What stands for a Python number."""
        self.figures.setdefault(figure.index, figure)
        return f"#{list(self.figures).index(figure.index)}#"


class NestWriter(Writer):
    """Writes the body of the function of a nest."""

    def __init__(self, group: Group, inside: set[int]) -> None:
        super().__init__()
        self.group = group
        self.loops = inner_loops(group)
        self.folding: list[Piece] = []
        # Temporaries that only this nest uses.
        self.inside = inside
        # What stands for the names of memory and of numbers, until it is known which function it will be.
        self.names = Names()
        # Where in its memory the first element lies that is touched.
        self.bases: dict[int, int] = {}
        for piece in group.pieces:
            for access in piece.accesses:
                key = id(access.memory)
                self.bases[key] = min(self.bases.get(key, access.offset), access.offset)
        self.registers: set[int] = set()
        # Memory of a row, with where the row begins in the whole, and its size.
        self.buffers: dict[int, tuple[Memory, int, int]] = {}
        self.pointers: dict[int, tuple[Memory, bool]] = {}
        self.values: dict[tuple[int, int, tuple[int, ...]], str] = {}
        self.accumulators: list[tuple[Piece, str]] = []
        self.declared: set[int] = set()
        self.fresh = 0
        self._decide()

    # ---- where temporaries are kept --------------------------------------------------------------

    def _decide(self) -> None:
        """Registers for what one loop hands on, buffers for what one row hands on."""
        where: dict[int, set[int]] = {}
        walks: dict[int, list[tuple[Piece, Access]]] = {}
        for at, loop in enumerate(self.loops):
            for piece in loop.pieces:
                for access in piece.accesses:
                    where.setdefault(id(access.memory), set()).add(at)
                    walks.setdefault(id(access.memory), []).append((piece, access))
        room = _ROW_BUFFER
        for key, used in walks.items():
            memory = used[0][1].memory
            if key not in self.inside:
                continue
            if any(_over_rows(piece) and a.writes for piece, a in used):
                continue
            first = used[0][1]
            same = all(a.same_walk(first) for _, a in used) and not any(
                _is_folded(piece, a) for piece, a in used
            )
            if len(where[key]) == 1 and same:
                self.registers.add(key)
                continue
            start = min(_row_extent(p, a)[0] for p, a in used)
            extent = max(_row_extent(p, a)[1] for p, a in used) - start
            if self.group.rows and extent <= room and first.writes:
                self.buffers[key] = memory, start, extent
                room -= extent

    # ---- text ------------------------------------------------------------------------------------

    def pointer(self, access: Access) -> str:
        """The name of memory, in this function."""
        memory = access.memory
        writes = access.writes or self.pointers.get(id(memory), (memory, False))[1]
        if id(memory) not in self.buffers:
            self.pointers[id(memory)] = memory, writes
        return self.names.of(memory)

    def index(self, piece: Piece, access: Access, extra: str = "") -> str:
        """Where in its memory an element lies."""
        terms: list[str] = []
        offset = access.offset
        if id(access.memory) in self.buffers:
            offset -= self.buffers[id(access.memory)][1]
        else:
            offset -= self.bases[id(access.memory)]
            terms += _row_terms(piece, access)
        if offset:
            terms.append(str(offset))
        for at, step in enumerate(access.strides[piece.outer :]):
            if step:
                name = VARIABLES[at]
                terms.append(name if step == 1 else f"{name} * {step}")
        if extra:
            terms.append(extra)
        return " + ".join(terms) or "0"

    def load(self, piece: Piece, x: Expression) -> str:
        """An element."""
        if not isinstance(x, Load | Pick):
            raise NoC("an element of nothing")
        indices = x.indices if isinstance(x, Pick) else None
        access = piece.access_of(x.place, indices)
        known = self.values.get(_key(access))
        if known is not None and indices is None:
            return known
        extra = ""
        if indices is not None:
            parts = []
            for index, stride in zip(indices, x.place.strides, strict=True):
                if not isinstance(index, Position):
                    text = self.text(piece, index)
                    parts.append(f"({text}) * {stride}" if stride != 1 else f"({text})")
            extra = " + ".join(parts)
        if self._is_scalar(access):
            return self.names.of(access.memory)
        return f"{self.pointer(access)}[{self.index(piece, access, extra)}]"

    def _is_scalar(self, access: Access) -> bool:
        """Whether it is the one element that a row hands on."""
        found = self.buffers.get(id(access.memory))
        return found is not None and found[2] == 1

    def text(self, piece: Piece, x: Expression) -> str:
        """The C of an expression."""
        return expression_text(
            x,
            lambda part: self.load(piece, part),
            lambda dim: _position(piece, dim),
            self.names.of_number,
        )

    # ---- the loops -------------------------------------------------------------------------------

    def write(self) -> None:
        """The body."""
        self.depth = 1
        rows = self.group.rows
        if rows == 0:
            self._pragma([])
            self.open("for (long i = begin; i < end; i++)")
            self.values = {}
            for piece in self.loops[0].pieces if self.loops else []:
                self._element(piece)
            self.close()
            return
        before = len(self.lines)
        alone = rows == 1
        if not alone:
            self.open("for (long r = begin; r < end; r++)")
        for loop in self.loops:
            self._inner(loop)
        if not alone:
            self.close()
        body = self.lines[before:]
        self.lines = self.lines[:before]
        for piece, name in self.accumulators:
            size = _kept_size(piece)
            kind = (
                "double"
                if size == 1 and piece.loop.out.dtype.kind == "f"
                else c_type(piece.loop.out.dtype)
            )
            initial = piece.loop.fold.initial if piece.loop.fold else "0"
            if size == 1:
                self.line(f"{kind} {name} = {initial};")
            else:
                self.line(f"{kind} {name}[{size}];")
                self.line(f"for (long j = 0; j < {size}; j++) {name}[j] = {initial};")
        self.lines += body
        for piece, name in self.accumulators:
            self._store_accumulator(piece, name)

    def _store_accumulator(self, piece: Piece, name: str) -> None:
        access, dims = piece.accesses[0], _inner_dims(piece)
        offset = access.offset - self.bases[id(access.memory)]
        if _kept_size(piece) == 1:
            self.line(f"{self.pointer(access)}[{offset}] = {name};")
            return
        terms = [str(offset)] if offset else []
        opened = 0
        for at, (n, step, folded) in enumerate(dims):
            if not folded:
                v = VARIABLES[at]
                self.open(f"for (long {v} = 0; {v} < {n}; {v}++)")
                opened += 1
                terms.append(v if step == 1 else f"{v} * {step}")
        self.line(f"{self.pointer(access)}[{' + '.join(terms)}] = {name}[{_flat(dims)}];")
        for _ in range(opened):
            self.close()

    def _pragma(self, folds: list[str]) -> None:
        clauses = "".join(f" reduction({clause})" for clause in folds)
        self.line(f"#pragma omp simd{clauses}")

    def _inner(self, loop: Inner) -> None:
        """One loop within a row."""
        self.values = {}
        dims = loop.dims
        kept = _kept_before_folds(loop)
        self.folding = [piece for piece in loop.pieces if _register_fold(piece, kept)]
        for piece in loop.pieces:
            added = piece.loop.fold and piece not in self.folding and not piece.loop.indices
            if added and not _over_rows(piece):
                self._start(piece)
        clauses = self._loops(dims, 0, kept, self._is_parallel(loop), [])
        for piece in self.folding:
            fold, name = _fold_of(piece), self._fold_name(piece)
            self.line(f"{c_type(piece.loop.out.dtype)} {name} = {fold.initial};")
            clauses.append(f"{fold.kind}:{name}")
            if fold.kind in ("max", "min"):
                self.line(f"int {name}_nan = 0;")
                clauses.append(f"|:{name}_nan")
        self._loops(dims, kept, len(dims), bool(clauses) or self._is_parallel(loop), clauses)
        for piece in loop.pieces:
            self._element(piece)
        for _ in range(kept, len(dims)):
            self.close()
        for piece in self.folding:
            self._store_fold(piece)
        for _ in range(kept):
            self.close()

    def _loops(
        self, dims: list[int], first: int, end: int, parallel: bool, clauses: list[str]
    ) -> list[str]:
        """Open loops over some dimensions."""
        for at in range(first, end):
            v = VARIABLES[at]
            if at == len(dims) - 1 and parallel:
                self._pragma(clauses)
            self.open(f"for (long {v} = 0; {v} < {dims[at]}; {v}++)")
        return []

    def _is_parallel(self, loop: Inner) -> bool:
        """Whether the elements of the innermost loop have nothing to do with each other."""
        for piece in loop.pieces:
            if piece.loop.indices is not None:
                return False
            if len(piece.dims) > piece.outer and piece.folded[-1] and piece not in self.folding:
                return False
        return True

    def _fold_name(self, piece: Piece) -> str:
        return self.names.of(piece.loop.out.memory) + "_fold"

    def _store_fold(self, piece: Piece) -> None:
        name, access, fold = self._fold_name(piece), piece.accesses[0], _fold_of(piece)
        if fold.kind in ("max", "min"):
            self.line(f"if ({name}_nan) {name} = NAN;")
        if _over_rows(piece):
            self._combine(self._total(piece), c_type(piece.loop.out.dtype), fold.kind, name)
        else:
            self._put(piece, access, name)

    def _put(self, piece: Piece, access: Access, text: str) -> None:
        """Write an element."""
        key = id(access.memory)
        if self._is_scalar(access):
            declared = "" if key in self.declared else f"{c_type(access.memory.dtype)} "
            self.declared.add(key)
            self.line(f"{declared}{self.names.of(access.memory)} = {text};")
            return
        self.line(f"{self.pointer(access)}[{self.index(piece, access)}] = {text};")

    def _element(self, piece: Piece) -> None:
        """What a piece does for one element."""
        loop, access = piece.loop, piece.accesses[0]
        text = self.text(piece, loop.value)
        fold = loop.fold
        if loop.indices is not None:
            index = self._scattered(piece)
            target = f"{self.pointer(access)}[{index}]"
            self.line(f"{target} {'+=' if fold else '='} {text};")
            return
        if fold is not None:
            of = c_type(loop.out.dtype)
            if piece in self.folding:
                self._combine(self._fold_name(piece), of, fold.kind, text, nan=True)
            else:
                self._combine(self._total(piece), of, fold.kind, text)
            return
        key = id(access.memory)
        kind = c_type(access.memory.dtype)
        name = self.names.of(access.memory)
        if key in self.registers:
            known = self.values.get(_key(access))
            self.line(f"{name} = {text};" if known else f"{kind} {name} = {text};")
            self.values[_key(access)] = name
            return
        if self._is_scalar(access):
            self._put(piece, access, text)
            return
        if self._read_later(piece, access):
            known = self.values.get(_key(access))
            if not known:
                self.fresh += 1
            value = known or f"{name}_{self.fresh}"
            self.line(f"{'' if known else kind + ' '}{value} = {text};")
            self.values[_key(access)] = value
            text = value
        self._put(piece, access, text)

    def _scattered(self, piece: Piece) -> str:
        loop, access = piece.loop, piece.accesses[0]
        parts = []
        for index, stride in zip(loop.indices or (), loop.out.strides, strict=True):
            if not isinstance(index, Position):
                parts.append(f"({self.text(piece, index)}) * {stride}")
        return self.index(piece, access, " + ".join(parts))

    def _read_later(self, piece: Piece, access: Access) -> bool:
        """Whether a later piece of the same loop reads what this one writes."""
        for loop in self.loops:
            if piece in loop.pieces:
                after = loop.pieces[loop.pieces.index(piece) + 1 :]
                return any(a.same_walk(access) for other in after for a in other.accesses)
        return False

    def _combine(self, target: str, of: str, kind: str, text: str, nan: bool = False) -> None:
        """Fold one more value, of a type, into a target; nan: what is no number is only noted beside it."""
        if kind in "+*|&":
            self.line(f"{target} {kind}= {text};")
            return
        sign = ">" if kind == "max" else "<"
        self.open("")
        self.line(f"const {of} one = {text};")
        if nan:
            self.line(f"{target} = one {sign} {target} ? one : {target};")
            self.line(f"{target}_nan |= one != one;")
        else:
            self.line(f"{target} = one {sign} {target} || one != one ? one : {target};")
        self.close()

    def _total(self, piece: Piece) -> str:
        """Where a piece adds up what it does not fold in a register: memory, or a sum over rows."""
        access = piece.accesses[0]
        if not _over_rows(piece):
            return f"{self.pointer(access)}[{self.index(piece, access)}]"
        name = self.names.of(access.memory) + "_sum"
        if all(known is not piece for known, _ in self.accumulators):
            self.accumulators.append((piece, name))
        if _kept_size(piece) == 1:
            return name
        return f"{name}[{_flat(_inner_dims(piece))}]"

    def _start(self, piece: Piece) -> None:
        """Let memory that is added to within a row hold what the fold starts with."""
        access, fold = piece.accesses[0], _fold_of(piece)
        dims = _inner_dims(piece)
        opened = 0
        for at, (n, _, folded) in enumerate(dims):
            if not folded:
                self.open(
                    f"for (long {VARIABLES[at]} = 0; {VARIABLES[at]} < {n}; {VARIABLES[at]}++)"
                )
                opened += 1
        self.line(f"{self.pointer(access)}[{self.index(piece, access)}] = {fold.initial};")
        for _ in range(opened):
            self.close()


def _fold_of(piece: Piece) -> Fold:
    """How a piece folds."""
    if piece.loop.fold is None:
        raise NoC("a loop that folds nothing")
    return piece.loop.fold


def _over_rows(piece: Piece) -> bool:
    """Whether it folds the rows."""
    return any(f and n > 1 for f, n in zip(piece.folded, piece.dims[: piece.outer], strict=False))


def _flat(dims: list[tuple[int, int, bool]]) -> str:
    """The number of an element among those that are kept, in row order."""
    terms, step = [], 1
    for at in reversed(range(len(dims))):
        n, _, folded = dims[at]
        if not folded:
            terms.append(VARIABLES[at] if step == 1 else f"{VARIABLES[at]} * {step}")
            step *= n
    return " + ".join(reversed(terms)) or "0"


def _key(access: Access) -> tuple[int, int, tuple[int, ...]]:
    return id(access.memory), access.offset, tuple(access.strides)


def _inner_dims(piece: Piece) -> list[tuple[int, int, bool]]:
    access = piece.accesses[0]
    return list(
        zip(
            piece.dims[piece.outer :],
            access.strides[piece.outer :],
            piece.folded[piece.outer :],
            strict=True,
        )
    )


def _kept_size(piece: Piece) -> int:
    size = 1
    for n, _, folded in _inner_dims(piece):
        if not folded:
            size *= n
    return size


def _row_extent(piece: Piece, access: Access) -> tuple[int, int]:
    last = access.reach
    for n, step in zip(piece.dims[piece.outer :], access.strides[piece.outer :], strict=True):
        last += (n - 1) * step
    return access.offset, access.offset + last + 1


def _row_terms(piece: Piece, access: Access) -> list[str]:
    """Where a row begins."""
    joined: list[tuple[int, int]] = []
    for n, step in zip(piece.dims[: piece.outer], access.strides, strict=False):
        if joined and joined[-1][1] == step * n:
            joined[-1] = joined[-1][0] * n, step
        else:
            joined.append((n, step))
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


def _position(piece: Piece, dim: int) -> str:
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


def _suffix(piece: Piece) -> int | None:
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


def _kept_before_folds(loop: Inner) -> int:
    """How many dimensions come before the first that some piece folds into a register."""
    starts = [start for piece in loop.pieces if (start := _suffix(piece)) is not None]
    return min(starts, default=len(loop.dims))


def _register_fold(piece: Piece, kept: int) -> bool:
    return _suffix(piece) == kept
