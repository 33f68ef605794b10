"""The kernel for processors with matrix registers (AMX): a float as the sum of three bfloat16.

Six products of those parts are as exact as one of floats, and take two fifths of the time. Both operands are
packed in their parts: a for a group of rows at a time, b before, or together with a (`inside`), always
in such pieces of the inner dimension that 32 columns of b stay in the first cache. Where a sum is not
finite it is computed again, plainly: parts of infinities are not what infinities are.
"""

from __future__ import annotations

from rushlight.compiler.kernels.shape import Shape, at, indented

# Rows and columns of a tile; steps of the inner dimension that are packed together.
TILE, DEPTH = 32, 128
# Tiles of rows for which a is packed at a time where b was packed before.
_GROUP = 3
# Elements of what is packed, for 32 steps of 32 rows: three halves of a float for each.
_PACKED = 1536
# Cycles: for 32 steps of a tile, for a tile besides, for an element packed as it lies, and turned; and for an
# element that comes from behind the second cache when it is packed, or was.
_STEPS, _TILE, _DIRECT, _TURNED, _FAR = 480.0, 250.0, 0.6, 0.9, 0.7
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
        room = shape.target.l2 * 3 // 4 - inside * 6 * DEPTH * shape.n
        most = max(room, shape.target.l2 // 4) // (6 * min(shape.k, DEPTH)) // TILE
    return max(1, min(_up(shape.m), most)) * TILE


def cycles(shape: Shape, *, inside: bool) -> float:
    """An estimate of what it takes, the packing of b left out unless it is done inside."""
    chunks = -(-shape.k // DEPTH)
    tiles = _up(shape.m) * _up(shape.n) * (_up(shape.k) * _STEPS + chunks * _TILE)
    total = tiles + shape.m * shape.k * (_DIRECT if _along(shape.a) else _TURNED) + 400
    if inside:
        near = shape.k * shape.n * (_DIRECT if _along(shape.b) else _TURNED)
        return total + -(-shape.m // group_of(shape, inside=True)) * near
    # All of b is read again for each group.
    return (
        total
        + _is_far(shape) * -(-shape.m // group_of(shape, inside=False)) * shape.k * shape.n * _FAR
    )


def packing(shape: Shape) -> float:
    """The same for the packing of b."""
    each = _DIRECT if _along(shape.b) else _TURNED
    # All rows may be one group: then what is packed is read but once, and better from where it is small.
    once = shape.m <= _GROUP * TILE and shape.k > DEPTH
    return shape.k * shape.n * (each + _FAR * _is_far(shape) + _ONCE * once)


def packed_size(shape: Shape) -> int:
    """Floats that all of b takes when it is packed."""
    return _up(shape.n) * _up(shape.k) * _PACKED


def chunks(shape: Shape) -> int:
    """Pieces of the inner dimension: the panels that are packed on their own."""
    return -(-shape.k // DEPTH)


def _chunk(shape: Shape) -> int:
    """Where in what is packed the next piece of the inner dimension begins."""
    return _up(shape.n) * DEPTH // TILE * _PACKED


def scratch(shape: Shape, *, inside: bool) -> int:
    """Bytes of stack."""
    group, depth = group_of(shape, inside=inside), min(shape.k, DEPTH)
    sums = group * _up(shape.n) * TILE if shape.k > DEPTH else TILE * TILE
    sums = 0 if _is_straight(shape) else sums
    right = _up(shape.n) * _up(depth) * _PACKED if inside else 0
    return 4 * (group // TILE * _up(depth) * _PACKED + right + sums)


def _is_straight(shape: Shape) -> bool:
    """Whether tiles are c's own memory: there are whole ones only, and nothing is added to."""
    return shape.m % TILE == 0 == shape.n % TILE and not shape.add


def _left(shape: Shape) -> tuple[str, int]:
    """What packs rows of a, and the step that it is given."""
    if _along(shape.a):
        return "thirds_of_rows", shape.a[0]
    return "thirds_of_rows_turned", shape.a[1]


def _right(shape: Shape) -> tuple[str, int]:
    """What packs columns of b, and the step."""
    if _along(shape.b):
        return "thirds_of_columns", shape.b[0]
    return "thirds_of_columns_turned", shape.b[1]


def _depth(shape: Shape) -> list[str]:
    """How deep a piece is, and how far the packed part of 32 rows or columns reaches in it."""
    k = shape.k
    deep = str(k) if k <= DEPTH else str(DEPTH)
    if k > DEPTH and k % DEPTH:
        deep = f"p + {DEPTH} < {k} ? {DEPTH} : {k} - p"
    return [f"const long depth = {deep}, steps = (depth + 31) / 32;"]


def _pieces(shape: Shape, body: list[str]) -> list[str]:
    """A loop over the pieces of the inner dimension."""
    if shape.k <= DEPTH:
        return ["{", *indented([*_depth(shape), *body]), "}"]
    head = f"for (long p = 0; p < {shape.k}; p += {DEPTH}) {{"
    return [head, *indented([*_depth(shape), *body]), "}"]


def panels(shape: Shape, name: str) -> str:
    """The function that packs b, pieces of its inner dimension from `begin` to `end`."""
    pack, step = _right(shape)
    deep = f"{shape.k} - p * {DEPTH} < {DEPTH} ? {shape.k} - p * {DEPTH} : {DEPTH}"
    to = at("(int32_t *)packed", ("p", _chunk(shape)))
    return "\n".join(
        [
            f"static void {name}(const float *restrict b, float *restrict packed, long begin, long end)",
            "{",
            "    for (long p = begin; p < end; p++)",
            f"        {pack}({at('b', ('p', DEPTH * shape.b[0]))}, {step}, {shape.n}, {deep}, {to});",
            "}",
            "",
        ]
    )


def _packed(shape: Shape) -> str:
    """Where the piece of b is that was packed before."""
    return at("(const int32_t *)b", *_at(shape, _chunk(shape) // DEPTH))


def _at(shape: Shape, stride: int) -> list[tuple[str | int, int]]:
    """How far a piece of the inner dimension is from its beginning."""
    return [("p", stride)] if shape.k > DEPTH else []


def _again(shape: Shape, name: str, *, inside: bool) -> list[str]:
    """The function for a tile that is not finite: by the plain formula."""
    right, step = _right(shape)
    head, body = ["float columns[4096];"], []
    panel = f"{_packed(shape)} + j * steps * {_PACKED // TILE}"
    if inside:
        head += ["int32_t panel[6144] __attribute__((aligned(64)));"]
        from_ = at("b", ("j", shape.b[1]), *_at(shape, shape.b[0]))
        there = f"{shape.n} - j < {TILE} ? {shape.n} - j : {TILE}"
        body, panel = [f"{right}({from_}, {step}, {there}, depth, panel);"], "panel"
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
    (left, step_a), (right, step_b) = _left(shape), _right(shape)
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
        f"if (!thirds_finite(to, {step}))",
        f"    {name}_plainly(a, b, first + i, j, rows - i, to, {step});",
        *finish,
    ]
    parts = f"left + i * steps * {_PACKED // TILE}, right + j * steps * {_PACKED // TILE}"
    tile = [*where, f"thirds_tile({parts}, steps, {'p > 0' if several else 0}, to, {step});"]

    def over(body: list[str]) -> list[str]:
        """A loop over the tiles of a group of rows."""
        head = [
            f"for (long j = 0; j < {shape.n}; j += {TILE})",
            f"    for (long i = 0; i < rows; i += {TILE}) {{",
        ]
        return [*head, *indented(body, 2), "    }"]

    most = _up(min(shape.k, DEPTH)) * _PACKED
    buffers = [f"int32_t left[{group // TILE * most}] __attribute__((aligned(64)));"]
    from_ = at("a", ("first", shape.a[0]), *_at(shape, shape.a[1]))
    inner = [f"{left}({from_}, {step_a}, rows, depth, left);"]
    if inside:
        buffers += [f"int32_t right[{_up(shape.n) * most}] __attribute__((aligned(64)));"]
        inner += [
            f"{right}({at('b', *_at(shape, shape.b[0]))}, {step_b}, {shape.n}, depth, right);"
        ]
    else:
        inner += [f"const int32_t *const right = {_packed(shape)};"]
    if not _is_straight(shape):
        size = group * _up(shape.n) * TILE if several else TILE * TILE
        buffers += [f"float sums[{size}] __attribute__((aligned(64)));"]
    block = [f"const long rows = first + {group} < end ? {group} : end - first;"]
    block += _pieces(shape, [*inner, *over(tile if several else [*tile, *finish])])
    block += over([*where, *finish]) if several else []
    body = [
        *buffers,
        "MATRIX_BEGIN();",
        f"for (long first = begin; first < end; first += {group}) {{",
        *indented(block),
        "}",
        "MATRIX_END();",
    ]
    head = f"static void {name}({shape.arguments}, long begin, long end)"
    return "\n".join([*_again(shape, name, inside=inside), head, "{", *indented(body), "}", ""])
