"""Matrix products in C, written for one shape, one layout and one processor.

The usual kernel of `c = a @ b` keeps a tile of c in registers, some eight rows by two vectors of
columns: for each step of the inner dimension one element of a is spread over a vector, for each row,
and multiplied with the vectors of a row of b (`tiles`). Nothing is packed where rows of b lie in memory
as they are needed; where they do not, b is brought into panels once before (`panels`). Products in
which a tile would be nearly empty go by vectors along the inner dimension (`dots`). What is read lies
in the operands, what is written in c: nothing reaches past an end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from rushlight.compiler.kernels import dots, panels, plain, tiles
from rushlight.compiler.kernels.fragments import ITEMSIZE
from rushlight.compiler.kernels.kernel import Kernel
from rushlight.compiler.kernels.shape import Shape, at, indented
from rushlight.compiler.kernels.target import Target

TYPES = {"float32": "float", "float64": "double"}
# The panels of one item of a batch are packed on the stack up to so many bytes.
ON_THE_STACK = 256 << 10
_ALIGNED = " __attribute__((aligned(64)))"

Batch = tuple[int, int, int, int]


@dataclass(frozen=True)
class Pack:
    """What must run once before the product, which then is given `packed` in the place of an operand.

    `static void NAME(const T *operand, T *packed, long begin, long end)` packs the panels of a range:
    all of them from 0 to `count`, in any order, by any thread. `packed` should begin a cache line.
    """

    kernel: Kernel
    operand: str
    """"b", or "a" where the product is computed as the transposed one."""
    size: int
    """Elements of `packed`."""
    count: int
    cost: float
    """Nanoseconds that one thread is estimated to need for all of it."""


@dataclass(frozen=True)
class Product:
    """A product as C: `static void NAME(const T *a, const T *b, T *c, long begin, long end)`.

    It computes the rows of c from begin to end; where `along` is "columns", those columns. The rows of
    a batch are counted one item after the other. Ranges begin and end at multiples of `rows`, or end at
    `count`; different ranges may be computed at the same time.
    """

    kernel: Kernel
    count: int
    rows: int
    along: str
    pack: Pack | None
    form: str
    """The kernel it is: "tiles", "packed" (the same on panels), "dots" or "plain"."""
    cost: float
    """Nanoseconds that one thread is estimated to need for all of it, without packing."""


@dataclass(frozen=True)
class _Way:
    """One of the ways to compute a product, with what it is estimated to cost in cycles."""

    form: str
    width: int
    """Columns of a panel; 0 where nothing is packed."""
    cycles: float
    packing: float


def product(
    m: int,
    n: int,
    k: int,
    *,
    a: tuple[int, int],
    b: tuple[int, int],
    c: tuple[int, int],
    target: Target,
    dtype: str = "float32",
    accumulate: bool = False,
    batch: Sequence[Batch] = (),
    along: str = "rows",
    form: str | None = None,
    uses: int = 1,
) -> Product:
    """c[m][n] = a[m][k] @ b[k][n], strides in elements; with `accumulate` it is added to c.

    batch: (count, stride of a, of b, of c) for each dimension of items, the outermost first. One of
    c's own strides must be 1. form: that of `Product`, instead of the one that is estimated to be the
    fastest. uses: how often the product runs for one packing of b.
    """
    if 0 in (m, n, k):
        raise ValueError(f"product: nothing to multiply in {m}x{n}x{k}: fill c with zeros instead")
    asked = Shape(m, n, k, a, b, c, TYPES[dtype], accumulate, target)
    items, folded = _folded([item for item in batch if item[0] != 1], asked)
    turned = not _by_rows(folded)
    shape = _without_idle_strides(folded.transposed if turned else folded)
    if target.width > 1 and shape.c[1] != 1:
        raise ValueError(f"product: one of c's strides must be 1, not {c}: write to a copy instead")
    columns = turned != (along == "columns")
    ways = [way for way in _ways(shape) if form in (None, way.form)]
    if not ways:
        raise ValueError(f"product: {m}x{n}x{k} with strides {a}, {b} cannot go by {form}")
    way = min(ways, key=lambda way: way.cycles + way.packing / uses)
    return _written(
        shape, way, items, turned=turned, columns=columns, name=_name(asked, batch, along, way.form)
    )


def _folded(items: list[Batch], shape: Shape) -> tuple[list[Batch], Shape]:
    """A batch of which each item is multiplied with the same b, as further rows of one product."""
    while items:
        count, over_a, over_b, over_c = items[-1]
        if over_b or over_a != shape.m * shape.a[0] or over_c != shape.m * shape.c[0]:
            break
        shape = replace(shape, m=count * shape.m)
        items = items[:-1]
    return items, shape


def _by_rows(shape: Shape) -> bool:
    """Whether c is written by rows, or rather as the transposed product."""
    if shape.target.width == 1:
        return True
    if shape.n == 1 < shape.m and shape.c[0] == 1:
        return shape.a[0] != 1 or shape.a[1] == 1
    return shape.c[1] == 1 or shape.n == 1


def _without_idle_strides(shape: Shape) -> Shape:
    """Strides along dimensions of size 1 say nothing: those that serve best."""
    a, b, c = shape.a, shape.b, shape.c
    if shape.m == 1:
        a, c = (shape.k * a[1], a[1]), (shape.n, c[1])
    if shape.k == 1:
        a, b = (a[0], 1), (shape.n, b[1])
    if shape.n == 1:
        b, c = (b[0], 1), (c[0], 1)
    return replace(shape, a=a, b=b, c=c)


def _ways(shape: Shape) -> list[_Way]:
    if shape.lanes == 1:
        width = 0 if shape.b[1] == 1 else plain.block_of(shape)[1]
        work = shape.m * shape.n * shape.k / 4
        return [_Way("plain", width, work, panels.cycles(shape) if width else 0)]
    rows, vectors = tiles.tile_of(shape)
    work = tiles.cycles(shape, rows, vectors)
    ways = [_Way("packed", vectors * shape.lanes, work, panels.cycles(shape))]
    if shape.b[1] == 1:
        ways.append(_Way("tiles", 0, work + tiles.unpacked_cycles(shape, rows, vectors), 0))
    if shape.a[1] == 1:
        width, packing = (0, 0.0) if shape.b[0] == 1 else (1, panels.cycles(shape))
        ways.append(_Way("dots", width, dots.cycles(shape), packing))
    return ways


def _name(shape: Shape, batch: Sequence[Batch], along: str, form: str) -> str:
    parts = [shape.name]
    for count, *strides in batch:
        parts.append(f"{count}by" + "x".join(map(str, strides)))
    if along == "columns":
        parts.append("columns")
    if form in ("packed", "dots"):
        parts.append(form)
    return "_".join(parts).replace("-", "minus")


def _function(shape: Shape, way: _Way, name: str, *, columns: bool) -> str:
    """The text for one item."""
    if way.form == "plain":
        return plain.plain(shape, name, packed=way.width > 0, columns=columns)
    if way.form == "dots":
        if way.width:
            shape = replace(shape, b=(1, shape.k))
        return dots.dots(shape, name, columns=columns)
    return tiles.tiles(shape, tiles.tiling(shape, packed=way.width > 0), name, columns=columns)


def _granule(shape: Shape, way: _Way, *, columns: bool) -> int:
    """The rows (or columns) that the kernel computes together."""
    if way.form in ("plain", "dots"):
        return (plain if way.form == "plain" else dots).block_of(shape)[columns]
    rows, vectors = tiles.tile_of(shape)
    return vectors * shape.lanes if columns else rows


def _moved(pointer: str, item: str, batch: list[Batch], operand: int) -> str:
    """The pointer to an operand (0, 1, 2 for a, b, c) of one item of a batch."""
    terms: list[tuple[str | int, int]] = []
    inner = 1
    for position, (count, *strides) in reversed(list(enumerate(batch))):
        index = item if inner == 1 else f"{item} / {inner}"
        terms.append((index if position == 0 else f"{index} % {count}", strides[operand]))
        inner *= count
    return at(pointer, *terms[::-1])


def _over_items(
    shape: Shape,
    name: str,
    inner: str,
    batch: list[Batch],
    *,
    extent: int,
    turned: bool,
    packing: list[str],
    packed: int,
) -> str:
    """The function for the rows of all items, one item after the other.

    `packing` packs an item just before it is used; otherwise `packed` elements of each were before.
    """
    order = (1, 0) if turned else (0, 1)
    operands = [_moved("ab"[operand], "item", batch, operand) for operand in order]
    if packing:
        operands[1] = "packed"
    elif packed:
        operands[1] = at("ab"[order[1]], ("item", packed))
    operands.append(_moved("c", "item", batch, 2))
    body = [
        "for (long at = begin, stop; at < end; at = stop) {",
        f"    const long item = at / {extent}, first = at % {extent};",
        f"    stop = at - first + {extent} < end ? at - first + {extent} : end;",
        *indented(packing),
        f"    {inner}({', '.join(operands)}, first, first + stop - at);",
        "}",
    ]
    if not batch:
        body = [f"{inner}(b, a, c, begin, end);"]
    return "\n".join(
        [
            f"static void {name}({shape.arguments}, long begin, long end)",
            "{",
            *indented(body),
            "}",
            "",
        ]
    )


def _pack(shape: Shape, way: _Way, batch: list[Batch], name: str, operand: int) -> Pack:
    """The packing of all items, before the product."""
    count = -(-shape.n // way.width)
    size = count * way.width * shape.k
    many = prod(count for count, *_ in batch)
    fragments = _fragments(shape, way)
    text = panels.panels(shape, way.width, f"{name}_item" if batch else name)
    if batch:
        one = _moved("b", f"panel / {count}", batch, operand)
        to = f"packed + panel / {count} * {size}"
        text += "\n".join(
            [
                "",
                f"static void {name}({panels.arguments(shape)}, long begin, long end)",
                "{",
                "    for (long panel = begin; panel < end; panel++)",
                f"        {name}_item({one}, {to}, panel % {count}, panel % {count} + 1);",
                "}",
                "",
            ]
        )
    cost = many * way.packing / shape.target.ghz
    return Pack(Kernel(name, text, fragments), "ab"[operand], many * size, many * count, cost)


def _fragments(shape: Shape, way: _Way) -> tuple[str, ...]:
    kinds = {
        "plain": [],
        "dots": ["vectors", "sums"],
        "tiles": ["vectors"],
        "packed": ["vectors", "transposition"],
    }
    return tuple(f"{kind}_{shape.T}" for kind in kinds[way.form])


def _written(
    shape: Shape, way: _Way, batch: list[Batch], *, turned: bool, columns: bool, name: str
) -> Product:
    extent = shape.n if columns else shape.m
    granule = _granule(shape, way, columns=columns)
    many = prod(count for count, *_ in batch)
    inner = f"{name}_item" if batch or turned else name
    source = _function(shape, way, inner, columns=columns)
    cost = way.cycles
    pack = None
    packing: list[str] = []
    scratch = 0
    if way.width:
        pack = _pack(shape, way, batch, f"{name}_pack", 0 if turned else 1)
        scratch = pack.size // many * ITEMSIZE[shape.T]
        if batch and scratch <= ON_THE_STACK:
            # Each item's panels are packed just before they are used.
            source = panels.panels(shape, way.width, f"{name}_pack") + "\n" + source
            operand = _moved("ab"[not turned], "item", batch, 0 if turned else 1)
            packing = [
                f"{shape.T} packed[{pack.size // many}]{_ALIGNED if shape.lanes > 1 else ''};",
                f"{name}_pack({operand}, packed, 0, {pack.count // many});",
            ]
            cost += way.packing
            pack = None
        else:
            scratch = 0
    if batch and (packing or extent % granule):
        granule = extent
    if batch or turned:
        over = _over_items(
            shape,
            name,
            inner,
            batch,
            extent=extent,
            turned=turned,
            packing=packing,
            packed=pack.size // many if pack else 0,
        )
        source += "\n" + over
    return Product(
        kernel=Kernel(name, source, _fragments(shape, way), scratch),
        count=many * extent,
        rows=granule,
        along="columns" if columns != turned else "rows",
        pack=pack,
        form=way.form,
        cost=many * cost / shape.target.ghz,
    )
