"""The kernel for processors with matrix registers (AMX): a float as the sum of three bfloat16.

Six products of those parts are as exact as one of floats, and take two fifths of the time. Both operands are
packed in their parts: a for a group of rows at a time, b before, or together with a (`inside`), always
in such pieces of the inner dimension that 32 columns of b stay in the first cache. What is needed next is
packed between the products of a tile: two units work at the same time. Where an operand is so large that
a sum may not be finite, those that are not are computed again, plainly: parts of infinities are not
what infinities are.
"""

from __future__ import annotations

from rushlight.compiler.kernels.shape import Shape, at, indented

# Rows and columns of a tile; steps of the inner dimension that are packed together.
TILE, DEPTH = 32, 128
# Tiles of rows for which a is packed at a time where b was packed before.
_GROUP = 3
# Elements of what is packed, for 32 steps of 32 rows: three halves of a float for each.
_PACKED = 1536
# Cycles: for 32 steps of a tile, for a tile besides, for an element packed as it lies, and turned; for one that
# is packed between the products of tiles; and for one that comes from behind the second cache when it is packed,
# or was.
_STEPS, _TILE, _DIRECT, _TURNED, _BESIDE, _FAR = 480.0, 80.0, 0.6, 0.9, 0.15, 0.7
# What it takes to write an element to the second cache and to read it again.
_ONCE = 0.1


def fits(shape: Shape) -> bool:
    """Whether a product can go so."""
    return (
        shape.target.matrices
        and shape.T == "float"
        and 1 in shape.a
        and 1 in shape.b
        and shape.c[1] == 1
    )


def _up(size: int) -> int:
    return -(-size // TILE)


def _along(strides: tuple[int, int]) -> bool:
    """Whether memory lies along the second dimension."""
    return strides[1] == 1


def _is_far(shape: Shape) -> bool:
    """Whether all of b, packed, does not stay in the second cache."""
    return 4 * packed_size(shape) > shape.target.l2 * 5 // 8


def group_of(shape: Shape, *, inside: bool) -> int:
    """The rows of a that are packed together.

    Few, or as many as stay near: if b is packed for each group, or rows of a lie across memory.
    """
    most = _GROUP if _is_far(shape) else 1
    if inside or not _along(shape.a):
        columns = shape.n if shape.n < shape.m else TILE
        room = shape.target.l2 * 3 // 4 - inside * 12 * DEPTH * columns
        most = max(room, shape.target.l2 // 4) // (12 * min(shape.k, DEPTH)) // TILE
    return max(1, min(_up(shape.m), most)) * TILE


def cycles(shape: Shape, *, inside: bool) -> float:
    """An estimate of what it takes, the packing of b left out unless it is done inside."""
    pieces = chunks(shape)
    tiles = _up(shape.m) * _up(shape.n) * (_up(shape.k) * _STEPS + pieces * _TILE)
    group = group_of(shape, inside=inside)
    groups = -(-shape.m // group)
    # The first piece is packed before there are tiles.
    first = min(1.0, group / shape.m / pieces)
    total = tiles + 400 + _packed_beside(shape.m * shape.k, _along(shape.a), first)
    if inside:
        # What is no sum over many rows is run in strips, which each pack b again.
        times = groups if shape.k >= shape.m else max(groups, _up(shape.m) // 2)
        return total + times * _packed_beside(shape.k * shape.n, _along(shape.b), 1 / pieces)
    # All of b is read again for each group.
    return total + _is_far(shape) * groups * shape.k * shape.n * _FAR


def _packed_beside(elements: int, along: bool, first: float) -> float:
    """What it takes to pack that many, but for the first while tiles are computed."""
    return elements * (first * (_DIRECT if along else _TURNED) + (1 - first) * _BESIDE)


def packing(shape: Shape) -> float:
    """The same for the packing of b."""
    each = _DIRECT if _along(shape.b) else _TURNED
    # All rows may be one group: then what is packed is read but once, and better from where it is small.
    once = shape.m <= _GROUP * TILE and shape.k > DEPTH
    return shape.k * shape.n * (each + _FAR * _is_far(shape) + _ONCE * once)


def packed_size(shape: Shape) -> int:
    """Floats that all of b takes when it is packed."""
    return chunks(shape) * _chunk(shape)


def chunks(shape: Shape) -> int:
    """Pieces of the inner dimension: the panels that are packed on their own."""
    return -(-shape.k // DEPTH)


def _chunk(shape: Shape) -> int:
    """Where in what is packed the next piece of the inner dimension begins."""
    return _wild(shape) + 16


def _wild(shape: Shape) -> int:
    """Where behind a packed piece it stands whether something in it is large."""
    return _up(shape.n) * _up(min(shape.k, DEPTH)) * _PACKED


def scratch(shape: Shape, *, inside: bool) -> int:
    """Bytes of stack."""
    group, depth = group_of(shape, inside=inside), min(shape.k, DEPTH)
    sums = group * _up(shape.n) * TILE if shape.k > DEPTH else TILE * TILE
    sums = 0 if _is_straight(shape) else sums
    panels = group // TILE
    if inside:
        panels = 1 + (panels if shape.n >= shape.m else _up(shape.n))
    return 4 * (2 * panels * _up(depth) * _PACKED + sums)


def _is_straight(shape: Shape) -> bool:
    """Whether tiles are c's own memory: there are whole ones only, and nothing is added to."""
    return shape.m % TILE == 0 == shape.n % TILE and not shape.add


def _left(shape: Shape) -> str:
    """How rows of a are packed: the step between those of memory, whether they lie across, and are turned."""
    along = _along(shape.a)
    return f"{shape.a[0 if along else 1]}, {int(not along)}, {int(not along)}"


def _right(shape: Shape) -> str:
    """The same for columns of b."""
    along = _along(shape.b)
    return f"{shape.b[0 if along else 1]}, {int(along)}, {int(not along)}"


def _deep(k: int, piece: str) -> str:
    """How deep a piece of the inner dimension is."""
    if k <= DEPTH or k % DEPTH == 0:
        return str(min(k, DEPTH))
    return f"{piece} + {DEPTH} < {k} ? {DEPTH} : {k} - {piece}"


def _depth(shape: Shape) -> list[str]:
    """How deep a piece is, and how far the packed part of 32 rows or columns reaches in it."""
    return [f"const long depth = {_deep(shape.k, 'p')}, steps = (depth + 31) / 32;"]


def _pieces(shape: Shape, body: list[str]) -> list[str]:
    """A loop over the pieces of the inner dimension."""
    if shape.k <= DEPTH:
        return ["{", *indented([*_depth(shape), *body]), "}"]
    head = f"for (long p = 0; p < {shape.k}; p += {DEPTH}) {{"
    return [head, *indented([*_depth(shape), *body]), "}"]


def panels(shape: Shape, name: str) -> str:
    """The function that packs b, pieces of its inner dimension from `begin` to `end`."""
    deep = f"{shape.k} - p * {DEPTH} < {DEPTH} ? {shape.k} - p * {DEPTH} : {DEPTH}"
    from_ = at("b", ("p", DEPTH * shape.b[0]))
    return "\n".join(
        [
            f"static void {name}(const float *restrict b, float *restrict packed, long begin, long end)",
            "{",
            "    for (long p = begin; p < end; p++) {",
            f"        int32_t *const to = {at('(int32_t *)packed', ('p', _chunk(shape)))};",
            f"        const long depth = {deep};",
            f"        to[{_wild(shape)}] = thirds_pack({from_}, {_right(shape)}, {shape.n}, depth, to);",
            "    }",
            "}",
            "",
        ]
    )


def _packed(shape: Shape) -> str:
    """Where the piece of b is that was packed before."""
    piece = f"p / {DEPTH}" if shape.k > DEPTH else "0"
    return at("(const int32_t *)b", (piece, _chunk(shape) if shape.k > DEPTH else 0))


def _at(shape: Shape, stride: int, piece: str = "p") -> list[tuple[str | int, int]]:
    """How far a piece of the inner dimension is from its beginning."""
    return [(piece, stride)] if shape.k > DEPTH else []


def _there(count: str, at: str) -> str:
    """How many rows or columns are in the panel behind one."""
    return f"{count} - {at} < {2 * TILE} ? {count} - {at} - {TILE} : {TILE}"


def _rows(first: str, group: int) -> str:
    """How many rows of a group are there."""
    return f"{first} + {group} < end ? {group} : end - {first}"


def _again(shape: Shape, name: str, *, inside: bool) -> list[str]:
    """The function for a tile that is not finite: by the plain formula."""
    head, body = ["float columns[4096];"], []
    panel = f"{_packed(shape)} + j * steps * {_PACKED // TILE}"
    if inside:
        head += ["int32_t panel[6144] __attribute__((aligned(64)));"]
        from_ = at("b", ("j", shape.b[1]), *_at(shape, shape.b[0]))
        there = f"{shape.n} - j < {TILE} ? {shape.n} - j : {TILE}"
        body, panel = [f"thirds_pack({from_}, {_right(shape)}, {there}, depth, panel);"], "panel"
    rows = at("a", ("i", shape.a[0]), *_at(shape, shape.a[1]))
    more = "p > 0" if shape.k > DEPTH else "0"
    body += [
        f"thirds_together({panel}, steps, columns);",
        f"thirds_plainly({rows}, {shape.a[0]}, {shape.a[1]}, rows, columns, depth, {more}, sums, step);",
    ]
    return [
        f"SELDOM {name}_plainly(",
        "    const float *a, const float *b, long i, long j, long rows, float *sums, long step)",
        "{",
        *indented([*head, *_pieces(shape, body)]),
        "}",
        "",
    ]


def thirds(shape: Shape, name: str, *, inside: bool) -> str:
    """The function of a product for a range of rows."""
    several, group = shape.k > DEPTH, group_of(shape, inside=inside)
    to_c = at("c", ("(first + i)", shape.c[0]), ("j", 1))
    # Where the sums of a tile are: in c, if all of it is there and nothing is added to.
    where = [f"float *const to = {to_c};"]
    step, finish = str(shape.c[0]), []
    if not _is_straight(shape):
        apart = f"sums + (j * {group // TILE} + i) * {TILE}" if several else "sums"
        whole = f"j + {TILE} <= {shape.n} && i + {TILE} <= rows"
        where = [
            f"const int whole = {0 if shape.add else whole};",
            f"float *const to = whole ? {to_c} : {apart};",
        ]
        step = f"whole ? {shape.c[0]} : {TILE}"
        put = f"thirds_put(to, {to_c}, {shape.c[0]}, rows - i, {shape.n} - j, {int(shape.add)});"
        finish = ["if (!whole)", f"    {put}"]
    finish = [
        f"if (wild && !thirds_finite(to, {step}))",
        f"    {name}_plainly(a, b, first + i, j, rows - i, to, {step});",
        *finish,
    ]
    # Of one operand so many tiles are packed at a time, of the other a whole piece.
    by_columns, by_rows = inside and shape.n >= shape.m, inside and shape.n < shape.m
    left, right = (
        f"{operand}{'' if alone else f' + {index} * steps * {_PACKED // TILE}'}"
        for operand, index, alone in (("left", "i", by_rows), ("right", "j", by_columns))
    )
    work = "&lines"
    if inside:
        # What is packed by panels is needed first.
        work = (
            "lines.squares ? &lines : &columns"
            if by_rows
            else "columns.squares ? &columns : &lines"
        )
    tile = [
        *where,
        f"thirds_tile({left}, {right}, steps, {'p > 0' if several else 0}, to, {step}, {work});",
    ]

    def over(body: list[str], panel: list[str]) -> list[str]:
        """A loop over the tiles of a group of rows; panel: what is done before those of one panel."""
        heads = [
            f"for (long j = 0; j < {shape.n}; j += {TILE}) {{",
            f"for (long i = 0; i < rows; i += {TILE}) {{",
        ]
        outer, inner = reversed(heads) if by_rows else heads
        return [outer, *indented([*panel, inner, *indented(body), "}"]), "}"]

    most = _up(min(shape.k, DEPTH)) * _PACKED
    deep, next_deep = str(min(shape.k, DEPTH)), _deep(shape.k, "q")
    if several:
        ahead = f"p + {DEPTH} < {shape.k} ? p + {DEPTH} : 0, next = q ? first : first + {group}"
        ahead = f"const long q = {ahead};"
    else:
        ahead = f"const long next = first + {group};"

    def packs(packed: str, work: str, *pieces: tuple[str, str, str]) -> list[str]:
        """What goes on to the next piece; or to the next panel, if there is `more` in this one."""
        calls = [f"thirds_next(&{work}, {', '.join(piece)}, &wild)" for piece in pieces]
        if len(calls) == 1:
            return [f"const int32_t *const {packed} = {calls[0]};"]
        return [f"const int32_t *const {packed} = more", f"    ? {calls[0]}", f"    : {calls[1]};"]

    def lines_at(row: str, piece: str) -> str:
        return at("a", (row, shape.a[0]), *_at(shape, shape.a[1], piece))

    def columns_at(column: str | int, piece: str) -> str:
        return at("b", (column, shape.b[1]), *_at(shape, shape.b[0], piece))

    lines, columns = (TILE if by_rows else group), (TILE if by_columns else _up(shape.n) * TILE)
    buffers = [f"int32_t lefts[2][{lines // TILE * most}] __attribute__((aligned(64)));"]
    begin = [
        f"thirds_begin(&lines, {_left(shape)}, lefts[0], lefts[1]);",
        f"thirds_next(&lines, {at('a', ('begin', shape.a[0]))}, {_rows('begin', lines)}, {deep}, &wild);",
    ]
    next_lines = lines_at("next", "q"), _rows("next", lines), next_deep
    piece, panel = [ahead], []
    if by_rows:
        panel = [
            f"const int more = i + {TILE} < rows;",
            *packs(
                "left",
                "lines",
                (lines_at(f"(first + i + {TILE})", "p"), _there("rows", "i"), "depth"),
                next_lines,
            ),
        ]
    else:
        piece += packs("left", "lines", next_lines)
    if inside:
        buffers += [f"int32_t rights[2][{columns // TILE * most}] __attribute__((aligned(64)));"]
        first = min(columns, shape.n)
        begin += [
            f"thirds_begin(&columns, {_right(shape)}, rights[0], rights[1]);",
            f"thirds_next(&columns, b, {first}, {deep}, &wild);",
        ]
        next_columns = columns_at(0, "q"), f"next < end ? {first} : 0", next_deep
    if by_columns:
        panel = [
            f"const int more = j + {TILE} < {shape.n};",
            *packs(
                "right",
                "columns",
                (columns_at(f"(j + {TILE})", "p"), _there(str(shape.n), "j"), "depth"),
                next_columns,
            ),
        ]
    elif inside:
        piece += packs("right", "columns", next_columns)
    else:
        piece += [
            f"const int32_t *const right = {_packed(shape)};",
            f"wild |= right[{_wild(shape)}];",
        ]
    if not _is_straight(shape):
        size = group * _up(shape.n) * TILE if several else TILE * TILE
        buffers += [f"float sums[{size}] __attribute__((aligned(64)));"]
    block = [f"const long rows = {_rows('first', group)};", "wild = 0;"]
    block += _pieces(shape, [*piece, *over(tile if several else [*tile, *finish], panel)])
    block += over([*where, *finish], []) if several else []
    body = [
        *buffers,
        "thirds_work lines, columns;" if inside else "thirds_work lines;",
        "int wild = 0;",
        *begin,
        "MATRIX_BEGIN();",
        f"for (long first = begin; first < end; first += {group}) {{",
        *indented(block),
        "}",
        "MATRIX_END();",
    ]
    head = f"static void {name}({shape.arguments}, long begin, long end)"
    return "\n".join([*_again(shape, name, inside=inside), head, "{", *indented(body), "}", ""])
