"""The kernel that keeps a tile of c in registers: some rows by some vectors of columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import gcd

from rushlight.compiler.kernels import panels
from rushlight.compiler.kernels.ahead import Ahead
from rushlight.compiler.kernels.fragments import ITEMSIZE
from rushlight.compiler.kernels.shape import Shape, Tiling, at, indented, place

# A sum can only be added to when the addition before has ended: so many cycles later.
LATENCY = 4
# The inner dimension in such blocks, and so many rows, go through all columns together: a panel of b
# stays in the first cache, the rows of a in the second.
DEPTH, GROUP = 256, 128
# Steps left free behind the copy of a tile's rows: at 8 KB from each other they would fall together.
APART = 2
# Cycles to bring a vector from the second cache.
FROM_L2 = 3
# What a tile costs beside its steps: clearing and storing sums, the call, loops that begin.
TILE_CYCLES = 12


def _cut(size: int, tile: int) -> list[tuple[int, int]]:
    """(tile, how many of them) for a dimension cut into tiles, the last one smaller."""
    cuts = [(tile, size // tile), (size % tile, 1)]
    return [(size, count) for size, count in cuts if size and count]


def cycles(shape: Shape, rows: int, vectors: int) -> float:
    """An estimate of what it takes with such tiles, out of the first cache."""
    total = 0.0
    for r, down in _cut(shape.m, rows):
        for v, across in _cut(-(-shape.n // shape.lanes), vectors):
            step = max(r * v / shape.target.flops, (r + 2 * v) / 2, LATENCY)
            if shape.k * v * shape.lanes * ITEMSIZE[shape.T] > shape.target.l1 // 2:
                step = max(step, v * FROM_L2)
            total += down * across * (shape.k * step + r * v + TILE_CYCLES)
    return total


def unpacked_cycles(shape: Shape, rows: int, vectors: int) -> float:
    """What it takes besides, where rows of b lie where they are, not in panels."""
    tiles = -(-shape.m // rows) * -(-shape.n // (vectors * shape.lanes))
    if shape.n < shape.lanes:
        return tiles * min(shape.k, shape.lanes // max(shape.n, 1)) * vectors * 20.0
    if min(shape.k, DEPTH) <= _stays(shape, shape.b[0], vectors + 1):
        return 0.0
    # The rows of a panel push each other out of the first cache; from 2 KB apart nothing foresees them.
    apart = shape.b[0] * ITEMSIZE[shape.T]
    return cycles(shape, rows, vectors) * (
        0.8 if apart >= 4096 else 0.25 if apart >= 2048 else 0.03
    )


@lru_cache(4096)
def tile_of(shape: Shape) -> tuple[int, int]:
    """The rows and vectors of the best tile; each further kind of tile at an edge must earn its text."""
    across = -(-shape.n // shape.lanes)
    registers = shape.target.registers
    best, chosen = float("inf"), (1, 1)
    for vectors in range(1, min(across, 8) + 1):
        for rows in range(1, min(shape.m, 16) + 1):
            if rows * vectors + vectors + 1 > registers:
                break
            kinds = len(_cut(shape.m, rows)) * len(_cut(across, vectors))
            cost = cycles(shape, rows, vectors) * (1 + 0.02 * (kinds - 1))
            if cost < best * 0.999:
                best, chosen = cost, (rows, vectors)
    return chosen


def tiling(shape: Shape, *, packed: bool, inside: bool = False) -> Tiling:
    """How a product is cut."""
    rows, vectors = tile_of(shape)
    # Rows of b that are shorter than a vector are all in one block: only the last ones end b.
    short = shape.n < shape.lanes and not (packed or inside)
    blocks = 1 if short else -(-shape.k // (_deep(shape) * 5 // 4))
    depth = -(-shape.k // blocks)
    depth = depth if blocks == 1 else -(-depth // 8) * 8
    if most := shape.target.as_blas:
        depth = shape.k if shape.k <= most else -(-(shape.k // 2) // 16) * 16
    while 0 < shape.k % depth < shape.lanes:
        depth += 8  # the last block can be transposed in squares, too
    group = max(1, groups_of(shape, inside=inside) // rows) * rows
    across = -(-shape.n // (vectors * shape.lanes))
    far = across > 4 or (across > 2 and shape.a[1] * ITEMSIZE[shape.T] >= 1024)
    gathered = _by_columns(shape) and far and depth > _stays(shape, shape.a[1], 1)
    return Tiling(rows, vectors, depth, packed or inside, inside, group, gathered)


def groups_of(shape: Shape, *, inside: bool) -> int:
    """About how many rows go through all columns together: packing is done once for each group."""
    if _by_columns(shape):
        # They are copied: whole rows of a as it lies, while they leave room in the second cache.
        return max(2 * GROUP, shape.target.l2 // (4 * _deep(shape) * ITEMSIZE[shape.T]))
    return 2 * GROUP if inside else GROUP


def _deep(shape: Shape) -> int:
    """About how long blocks of the inner dimension are; where a is copied, a tile's part stays in the first cache."""
    rows, vectors = tile_of(shape)
    tile = DEPTH * (rows + vectors * shape.lanes) * ITEMSIZE[shape.T]
    several = shape.k > DEPTH * 5 // 4
    return DEPTH // 2 if several and _by_columns(shape) and tile > shape.target.l1 else DEPTH


def _by_columns(shape: Shape) -> bool:
    return shape.a[0] == 1 and shape.a[1] != 1 and shape.m > 1


def _stays(shape: Shape, stride: int, lines: int) -> int:
    """How many pieces of a few cache lines, a stride apart, stay near.

    Addresses 4 KB apart fall on the same place of the first cache, of which there are eight or more;
    and it finds the addresses of some 64 pages without a search.
    """
    apart = max(1, abs(stride) * ITEMSIZE[shape.T])
    places = 8 * (4096 // gcd(apart, 4096))
    return min(places, 64 * 4096 // apart, shape.target.l1 // (64 * lines))


@dataclass(frozen=True)
class Part:
    """One vector of a tile's columns: where it is read, and which lanes of it are c's to write."""

    read: int
    first: int
    count: int


def _parts(shape: Shape, tiling: Tiling, vectors: int, *, last: bool) -> list[Part]:
    """The vectors of a tile, by columns from its first one.

    Where n is no multiple of a vector, the last vector of an unpacked row begins further left, so
    that it ends with the row: it computes some columns again and writes the others.
    """
    lanes = shape.lanes
    parts = [Part(v * lanes, 0, lanes) for v in range(vectors)]
    ragged = shape.n % lanes
    if last and ragged:
        if tiling.packed or shape.n < lanes:
            parts[-1] = Part(parts[-1].read, 0, ragged)
        else:
            parts[-1] = Part(parts[-1].read + ragged - lanes, lanes - ragged, ragged)
    return parts


def tile_name(shape: Shape, name: str, rows: int, vectors: int, *, last: bool) -> str:
    """The name of a tile's function, by its rows and columns."""
    columns = vectors * shape.lanes
    if last and shape.n % shape.lanes:
        columns += shape.n % shape.lanes - shape.lanes
    return f"{name}_{rows}by{columns}"


def _tile(
    shape: Shape, tiling: Tiling, name: str, rows: int, vectors: int, *, last: bool
) -> list[str]:
    T, lanes = shape.T, shape.lanes
    over_a = (1, tiling.rows) if tiling.gathered else shape.a
    parts = _parts(shape, tiling, vectors, last=last)
    whole = tiling.depth == shape.k
    stride = tiling.vectors * lanes if tiling.packed else shape.b[0]
    unroll = f"#pragma GCC unroll {rows}"
    # Rows of b that are shorter than a vector: the last ones are not read past their end.
    short = not tiling.packed and shape.n < lanes
    end = str(shape.k) if whole else "depth"

    def steps(begin: str, end: str, load: str) -> list[str]:
        reads = [load.format(at("b", ("p", stride), (part.read, 1))) for part in parts]
        each = [f"s[i][{v}] = v{T}_fma(x, b{v}, s[i][{v}]);" for v in range(len(parts))]
        return [
            f"for (long p = {begin}; p < {end}; p++) {{",
            *indented(f"const v{T} b{v} = {read};" for v, read in enumerate(reads)),
            unroll,
            f"    for (int i = 0; i < {rows}; i++) {{",
            f"        const v{T} x = v{T}_of(a[{place(('i', over_a[0]), ('p', over_a[1]))}]);",
            *indented(each, 2),
            "    }",
            "}",
        ]

    full = f"v{T}_load({{}})"
    body = [f"v{T} s[{rows}][{len(parts)}] = {{{{{{0}}}}}};"]
    if short:
        reach = (shape.k - 1) * stride + shape.n - lanes
        safe = reach // stride + 1 if stride and reach >= 0 else shape.k if reach >= 0 else 0
        if safe:
            body += steps("0", str(safe), full)
        body += steps(str(safe), end, f"v{T}_first({{}}, {shape.n})")
    else:
        body += steps("0", end, full)
    body += [unroll, f"for (int i = 0; i < {rows}; i++) {{"]
    sums = []
    for v, part in enumerate(parts):
        place_c = at("c", ("i", shape.c[0]), (part.read, 1))
        read = f"v{T}_load({place_c})" if part.count == lanes or part.first else ""
        read = read or f"v{T}_first({place_c}, {part.count})"
        if not whole:
            sums.append(f"if (add) s[i][{v}] += {read};")
        elif shape.add:
            sums.append(f"s[i][{v}] += {read};")
        if part.count == lanes:
            sums.append(f"v{T}_store({place_c}, s[i][{v}]);")
        else:
            to = at("c", ("i", shape.c[0]), (part.read + part.first, 1))
            sums.append(f"v{T}_part({to}, s[i][{v}], {part.first}, {part.count});")
    body += [*indented(sums), "}"]
    more = "" if whole else ", long depth, int add"
    return [
        f"static void {tile_name(shape, name, rows, vectors, last=last)}({shape.arguments}{more})",
        "{",
        *indented(body),
        "}",
        "",
    ]


def _loop(head: str, body: list[str]) -> list[str]:
    """A loop or branch around some lines, with braces where there are several statements."""
    simple = sum(not line.startswith((" ", "#", "}")) for line in body) == 1
    if simple and not body[0].endswith("{"):
        return [head, *indented(body)]
    return [f"{head} {{", *indented(body), "}"]


def scratch(shape: Shape, form: str) -> int:
    """The bytes of stack for what a kernel packs and copies."""
    if form not in ("tiles", "packed", "inside"):
        return 0
    cut = tiling(shape, packed=form == "packed", inside=form == "inside")
    panel = cut.depth * cut.vectors * shape.lanes * cut.inside
    return (panel + _copied_rows(shape, cut) * cut.gathered) * ITEMSIZE[shape.T]


def _copied_rows(shape: Shape, cut: Tiling) -> int:
    rows = min(cut.group, -(-shape.m // cut.rows) * cut.rows)
    return rows * (cut.depth + APART)


def tiles(shape: Shape, tiling: Tiling, name: str, *, columns: bool = False) -> str:
    """The functions of a product: its tiles, and the loop over them for a range of rows or columns."""
    rows, width = tiling.rows, tiling.vectors * shape.lanes
    vectors_across = -(-shape.n // shape.lanes)
    whole = tiling.depth == shape.k
    # Full tiles come first; the last one is another where n is no multiple of a vector.
    regular = vectors_across // tiling.vectors
    odd = vectors_across % tiling.vectors
    if shape.n % shape.lanes and not odd:
        regular, odd = regular - 1, tiling.vectors
    lines: list[str] = []
    for height, _ in _cut(shape.m, rows):
        for vectors, last in ((tiling.vectors, False), (odd, True)):
            if vectors and (last or regular):
                lines += _tile(shape, tiling, name, height, vectors, last=last)

    def call(height: int, vectors: int, j: str | int, *, last: bool) -> str:
        inner = [] if whole else ["p"]
        step = width if tiling.packed else shape.b[0]
        operands = (
            at("rows", ("(i - first)" if grouped else "i", tiling.depth + APART))
            if tiling.gathered
            else at("a", ("i", shape.a[0]), *((p, shape.a[1]) for p in inner)),
            "panel"
            if tiling.inside
            else at("b", (j, shape.k if tiling.packed else 1), *((p, step) for p in inner)),
            at("c", ("i", shape.c[0]), (j, 1)),
        )
        more = "" if whole else ", depth, " + ("1" if shape.add else "p > 0")
        return f"{tile_name(shape, name, height, vectors, last=last)}({', '.join(operands)}{more});"

    edge = regular * width
    begin, stop = ("0", str(shape.m)) if columns else ("begin", "end")
    grouped = shape.m > tiling.group
    first, end = ("first", "last") if grouped else (begin, stop)
    ahead = Ahead(shape, tiling, begin, stop, grouped=grouped, columns=columns)

    def down(block: Callable[[int], list[str]]) -> list[str]:
        """From the first row to the last."""
        left = shape.m % rows
        loop = f"for (long i = {first}; i < {end}; i += {rows})"
        if not left:
            return _loop(loop, block(rows))
        return _loop(
            loop,
            _loop(f"if (i + {rows} <= {end})", block(rows)) + _loop("else", block(left)),
        )

    def across(block: Callable[[int, str | int, bool], list[str]]) -> list[str]:
        """From the first column to the last: full tiles, and what is left."""
        lines = []
        if columns:
            stop = f"(end < {edge} ? end : {edge})" if odd else "end"
            if regular:
                loop = f"for (long j = begin; j < {stop}; j += {width})"
                lines += _loop(loop, block(tiling.vectors, "j", False))
            if odd:
                lines += _loop(f"if (end > {edge})", block(odd, edge, True))
            return lines
        if regular == 1:
            lines += block(tiling.vectors, 0, False)
        elif regular:
            loop = f"for (long j = 0; j < {edge}; j += {width})"
            lines += _loop(loop, block(tiling.vectors, "j", False))
        return lines + (block(odd, edge, True) if odd else [])

    def pack(j: str | int, *, last: bool) -> list[str]:
        """One panel's part of b, before the tiles under it."""
        there = shape.n - edge if last else width
        from_ = at("b", (j, shape.b[1]), *([] if whole else [("p", shape.b[0])]))
        return [f"{name}_panel({from_}, panel, {shape.k if whole else 'depth'}, {there});"]

    body = across(
        lambda vectors, j, last: (
            (pack(j, last=last) if tiling.inside else [])
            + down(lambda height: [*ahead.sent(height, j), call(height, vectors, j, last=last)])
        )
    )
    if tiling.gathered:
        to = at("rows", ("(i - first)" if grouped else "i", tiling.depth + APART), ("q", rows))
        from_ = at("a", ("i", shape.a[0]), ("q" if whole else "(p + q)", shape.a[1]))
        copy = f"__builtin_memcpy({to}, {from_}, sizeof({shape.T}) * {{}});"
        body = [
            f"{shape.T} rows[{_copied_rows(shape, tiling)}] __attribute__((aligned(64)));",
            *_loop(
                f"for (long q = 0; q < {'depth' if not whole else shape.k}; q++)",
                down(lambda height: [copy.format(height)]),
            ),
            *ahead.later,
            *body,
        ]
    if grouped:
        body = [
            f"for (long first = {begin}; first < {stop}; first += {tiling.group}) {{",
            f"    const long last = first + {tiling.group} < {stop} ? first + {tiling.group} : {stop};",
            *indented(body),
            "}",
        ]
    if tiling.inside:
        lines.insert(0, panels.panel(shape, width, f"{name}_panel"))
    if not whole:
        depth = f"{tiling.depth}"
        if shape.k % tiling.depth:
            depth = f"p + {depth} < {shape.k} ? {depth} : {shape.k} - p"
        body = [
            f"for (long p = 0; p < {shape.k}; p += {tiling.depth}) {{",
            f"    const long depth = {depth};",
            *indented(body),
            "}",
        ]
    if tiling.inside:
        body.insert(0, f"{shape.T} panel[{tiling.depth * width}] __attribute__((aligned(64)));")
    lines += [
        f"static void {name}({shape.arguments}, long begin, long end)",
        "{",
        *indented(body),
        "}",
        "",
    ]
    return "\n".join(lines)
