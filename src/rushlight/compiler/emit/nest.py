"""A nest of loops as a C function: rows outside, and what each piece does within a row."""

from __future__ import annotations

from rushlight.compiler.emit.terms import expression_text
from rushlight.compiler.emit.walks import (
    VARIABLES,
    Inner,
    choices_of,
    flat,
    fold_of,
    inner_dims,
    inner_loops,
    is_folded,
    kept_before_folds,
    kept_size,
    over_rows,
    position,
    register_fold,
    row_terms,
    step_of,
)
from rushlight.compiler.graph import (
    Expression,
    Load,
    Memory,
    NoC,
    Pick,
    Position,
    c_type,
)
from rushlight.compiler.passes.fuse import Group
from rushlight.compiler.passes.pieces import Access, Piece, row_extent
from rushlight.compiler.recording.values import Figure

# Elements of a row that are kept on the stack.
_ROW_BUFFER = 16384
# So many sums over rows stand beside each other where a row has that many elements at the most: the next row
# would wait until the one before has been added.
_BESIDE, _SHORT = 4, 32


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

    def __init__(self, group: Group, inside: set[int], goes_on: bool = False) -> None:
        super().__init__()
        self.group = group
        # It is called for one strip of rows after the other: sums over rows go on.
        self.goes_on = goes_on
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
        # What is the same for all of a row, by what it is.
        self.hoisted: dict[Expression, str] = {}
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
            if any(over_rows(piece) and a.writes for piece, a in used):
                continue
            first = used[0][1]
            same = all(a.same_walk(first) for _, a in used) and not any(
                is_folded(piece, a) for piece, a in used
            )
            if len(where[key]) == 1 and same:
                self.registers.add(key)
                continue
            start = min(row_extent(p, a)[0] for p, a in used)
            extent = max(row_extent(p, a)[1] for p, a in used) - start
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
            terms += row_terms(piece, access)
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
        known = self.values.get(step_of(access))
        if known is not None and not access.reach:
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
            lambda dim: position(piece, dim),
            self.names.of_number,
            self.hoisted.get if self.hoisted else None,
        )

    # ---- the loops -------------------------------------------------------------------------------

    def write(self) -> None:
        """The body."""
        self.depth = 1
        rows = self.group.rows
        if rows == 0:
            for loop in self.loops:
                self._pragma([])
                self.open("for (long i = begin; i < end; i++)")
                self.values = {}
                for piece in loop.pieces:
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
            size = kept_size(piece)
            if size > _ROW_BUFFER:
                if self.goes_on:
                    self.open("if (!begin)")
                self._start(piece)
                if self.goes_on:
                    self.close()
                continue
            kind = (
                "double"
                if size == 1 and piece.loop.out.dtype.kind == "f"
                else c_type(piece.loop.out.dtype)
            )
            initial = piece.loop.fold.initial if piece.loop.fold else "0"
            if size == 1:
                self.line(f"{kind} {name} = {initial};")
            else:
                room = size * _beside(piece)
                self.line(f"{kind} {name}[{room}];")
                self.line(f"for (long j = 0; j < {room}; j++) {name}[j] = {initial};")
            if self.goes_on:
                self.open("if (begin)")
                self._accumulator(piece, name, stored=False)
                self.close()
        self.lines += body
        for piece, name in self.accumulators:
            if kept_size(piece) <= _ROW_BUFFER:
                self._together(piece, name)
                self._accumulator(piece, name, stored=True)

    def _together(self, piece: Piece, name: str) -> None:
        """Add up sums that stand beside each other."""
        size, beside = kept_size(piece), _beside(piece)
        if beside > 1:
            rest = " + ".join(f"{name}[{size * part} + j]" for part in range(1, beside))
            self.line(f"for (long j = 0; j < {size}; j++) {name}[j] += {rest};")

    def _accumulator(self, piece: Piece, name: str, *, stored: bool) -> None:
        """Bring a sum over rows to its memory; or back, when it goes on."""

        def moved(place: str, value: str) -> None:
            self.line(f"{place} = {value};" if stored else f"{value} = {place};")

        access, dims = piece.accesses[0], inner_dims(piece)
        offset = access.offset - self.bases[id(access.memory)]
        if kept_size(piece) == 1:
            moved(f"{self.pointer(access)}[{offset}]", name)
            return
        terms = [str(offset)] if offset else []
        opened = 0
        for at, (n, step, folded) in enumerate(dims):
            if not folded:
                v = VARIABLES[at]
                self.open(f"for (long {v} = 0; {v} < {n}; {v}++)")
                opened += 1
                terms.append(v if step == 1 else f"{v} * {step}")
        moved(f"{self.pointer(access)}[{' + '.join(terms)}]", f"{name}[{flat(dims)}]")
        for _ in range(opened):
            self.close()

    def _pragma(self, folds: list[str]) -> None:
        clauses = "".join(f" reduction({clause})" for clause in folds)
        self.line(f"#pragma omp simd{clauses}")

    def _inner(self, loop: Inner) -> None:
        """One loop within a row."""
        self.values, self.hoisted = {}, {}
        dims = loop.dims
        self._hoist(loop)
        kept = kept_before_folds(loop)
        self.folding = [piece for piece in loop.pieces if register_fold(piece, kept)]
        for piece in loop.pieces:
            added = piece.loop.fold and piece not in self.folding and not piece.loop.indices
            if added and not over_rows(piece):
                self._start(piece)
        clauses = self._loops(dims, 0, kept, self._is_parallel(loop), [])
        for piece in self.folding:
            fold, name = fold_of(piece), self._fold_name(piece)
            self.line(f"{c_type(piece.loop.out.dtype)} {name} = {fold.initial};")
            clauses.append(f"{fold.kind}:{name}")
            if _meets_nan(piece):
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

    def _hoist(self, loop: Inner) -> None:
        """Choices that come out the same for all of a row are made once: within a loop they keep it from vectors."""
        made = {id(a.memory) for piece in loop.pieces for a in piece.accesses if a.writes}
        for piece in loop.pieces:
            for part in choices_of(piece, made) if loop.dims else ():
                if part not in self.hoisted:
                    name = f"same_{len(self.hoisted)}"
                    self.line(f"const {c_type(part.dtype)} {name} = {self.text(piece, part)};")
                    self.hoisted[part] = name

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
        name, access, fold = self._fold_name(piece), piece.accesses[0], fold_of(piece)
        if _meets_nan(piece):
            self.line(f"if ({name}_nan) {name} = NAN;")
        if over_rows(piece):
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
            self.line(f"{target} {fold.kind if fold else ''}= {text};")
            return
        if fold is not None:
            of = c_type(loop.out.dtype)
            if piece in self.folding:
                nan = _meets_nan(piece)
                self._combine(self._fold_name(piece), of, fold.kind, text, nan=nan)
            else:
                self._combine(self._total(piece), of, fold.kind, text)
            return
        key = id(access.memory)
        kind = c_type(access.memory.dtype)
        name = self.names.of(access.memory)
        if key in self.registers:
            known = self.values.get(step_of(access))
            self.line(f"{name} = {text};" if known else f"{kind} {name} = {text};")
            self.values[step_of(access)] = name
            return
        if self._is_scalar(access):
            self._put(piece, access, text)
            return
        if self._read_later(piece, access):
            known = self.values.get(step_of(access))
            if not known:
                self.fresh += 1
            value = known or f"{name}_v{self.fresh}"
            self.line(f"{'' if known else kind + ' '}{value} = {text};")
            self.values[step_of(access)] = value
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
        if not over_rows(piece):
            return f"{self.pointer(access)}[{self.index(piece, access)}]"
        name = self.names.of(access.memory) + "_sum"
        if all(known is not piece for known, _ in self.accumulators):
            self.accumulators.append((piece, name))
        if kept_size(piece) > _ROW_BUFFER:
            # Too much for the stack: it is added up where it is wanted.
            return f"{self.pointer(access)}[{self.index(piece, access)}]"
        if kept_size(piece) == 1:
            return name
        part = f"(r % {_BESIDE}) * {kept_size(piece)} + " if _beside(piece) > 1 else ""
        return f"{name}[{part}{flat(inner_dims(piece))}]"

    def _start(self, piece: Piece) -> None:
        """Let memory that is added to within a row hold what the fold starts with."""
        access, fold = piece.accesses[0], fold_of(piece)
        dims = inner_dims(piece)
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


def _beside(piece: Piece) -> int:
    """How many sums over rows are made at once."""
    return _BESIDE if fold_of(piece).kind == "+" and 1 < kept_size(piece) <= _SHORT else 1


def _meets_nan(piece: Piece) -> bool:
    """Whether it looks for an extreme among what may be no number."""
    return fold_of(piece).kind in ("max", "min") and piece.loop.out.dtype.kind == "f"
