"""Matrix products in C, written for one shape, one layout and one processor.

The usual kernel of `c = a @ b` keeps a tile of c in registers, some eight rows by two vectors of
columns: for each step of the inner dimension one element of a is spread over a vector, for each row,
and multiplied with the vectors of a row of b (`tiles`). Nothing is packed where rows of b lie in memory
as they are needed; where they do not, b is brought into panels (`panels`): each part just before it is
used, or all of it once before. Products in which a tile would be nearly empty go by vectors along the
inner dimension (`dots`). Where the processor has registers for matrices, most go by these (`thirds`). What
is read lies in the operands, what is written in c: nothing reaches past an end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from rushlight.compiler.kernels import dots, panels, plain, thirds, tiles
from rushlight.compiler.kernels.fragments import ITEMSIZE
from rushlight.compiler.kernels.items import Batch, folded, moved, over_items
from rushlight.compiler.kernels.kernel import Kernel
from rushlight.compiler.kernels.shape import Shape
from rushlight.compiler.kernels.target import Target

TYPES = {"float32": "float", "float64": "double"}


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
    `count`; different ranges may be computed at the same time. What is packed "inside" is packed by each
    range of rows again: threads better share out columns.
    """

    kernel: Kernel
    count: int
    rows: int
    block: int
    """Rows (or columns) for one range at which little is read again and what was computed is near."""
    along: str
    pack: Pack | None
    form: str
    """The kernel it is: "tiles", "packed" and "inside" (the same on panels), "dots" or "plain";
    "thirds" and "thirds_inside", which need registers for matrices."""
    cost: float
    """Nanoseconds that one thread is estimated to need for all of it, without packing."""


@dataclass(frozen=True)
class _Way:
    """One of the ways to compute a product, with what it is estimated to cost in cycles."""

    form: str
    width: int
    """Columns of a panel; 0 where nothing is packed before."""
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
    packing: bool = True,
    uses: int = 1,
) -> Product:
    """c[m][n] = a[m][k] @ b[k][n], strides in elements; with `accumulate` it is added to c.

    batch: (count, stride of a, of b, of c) for each dimension of items, the outermost first. One of
    c's own strides must be 1. form: that of `Product`, instead of the one that is estimated to be the
    fastest. packing: whether there may be a `pack` to run before. uses: how often the product runs for
    one packing.
    """
    if 0 in (m, n, k):
        raise ValueError(f"product: nothing to multiply in {m}x{n}x{k}: fill c with zeros instead")
    asked = Shape(m, n, k, a, b, c, TYPES[dtype], accumulate, target)
    items, rows = folded([item for item in batch if item[0] != 1], asked)
    turned = not _by_rows(rows)
    shape = _without_idle_strides(rows.transposed if turned else rows)
    if target.width > 1 and shape.c[1] != 1:
        raise ValueError(f"product: one of c's strides must be 1, not {c}: write to a copy instead")
    columns = turned != (along == "columns")
    ways = [
        way
        for way in _ways(shape, columns=columns)
        if form in (None, way.form) and (packing or not way.width)
    ]
    if not ways:
        raise ValueError(f"product: {m}x{n}x{k} with strides {a}, {b} cannot go by {form}")
    way = min(ways, key=lambda way: way.cycles + way.packing / uses)
    return _written(
        shape,
        way,
        items,
        turned=turned,
        columns=columns,
        name=name_of(asked, batch, along, way.form),
    )


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


def _ways(shape: Shape, *, columns: bool) -> list[_Way]:
    if shape.lanes == 1:
        work = shape.m * shape.n * shape.k / 4
        as_it_lies = _Way("plain", 0, work if shape.b[1] == 1 else 4 * work, 0)
        return [as_it_lies, _Way("plain", plain.block_of(shape)[1], work, panels.cycles(shape))]
    rows, vectors = tiles.tile_of(shape)
    work = tiles.cycles(shape, rows, vectors)
    groups = -(-shape.m // tiles.groups_of(shape, inside=True))
    ways = [
        _Way("inside", 0, work + groups * panels.hot_cycles(shape), 0),
        _Way("packed", vectors * shape.lanes, work, panels.cycles(shape)),
    ]
    if shape.b[1] == 1:
        ways.append(_Way("tiles", 0, work + tiles.unpacked_cycles(shape, rows, vectors), 0))
    if shape.target.as_blas:
        return ways
    if shape.a[1] == 1:
        width, packing = (0, 0.0) if shape.b[0] == 1 else (1, panels.cycles(shape))
        ways.append(_Way("dots", width, dots.cycles(shape), packing))
    if thirds.fits(shape) and not columns:
        before, inside = (thirds.cycles(shape, inside=inside) for inside in (False, True))
        ways.append(_Way("thirds", thirds.TILE, before, thirds.packing(shape)))
        ways.append(_Way("thirds_inside", 0, inside, 0))
    return ways


def name_of(shape: Shape, batch: Sequence[Batch], along: str = "rows", form: str = "tiles") -> str:
    """The name of a kernel: all that makes it special."""
    parts = [shape.name]
    for count, *strides in batch:
        parts.append(f"{count}by" + "x".join(map(str, strides)))
    if along == "columns":
        parts.append("columns")
    if form != "tiles" and form != "plain":
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
    if way.form.startswith("thirds"):
        return thirds.thirds(shape, name, inside=not way.width)
    tiling = tiles.tiling(shape, packed=way.form == "packed", inside=way.form == "inside")
    return tiles.tiles(shape, tiling, name, columns=columns)


def _heading(shape: Shape, way: _Way) -> str:
    """A comment for readers of the C."""
    m, n, k = shape.m, shape.n, shape.k
    added = "added to c" if shape.add else "c"
    how = {
        "tiles": "Tiles of c are kept in registers, row by row of b.",
        "packed": "Tiles of c are kept in registers; b was packed in panels as wide as they are.",
        "inside": "Tiles of c are kept in registers; b is packed in panels as wide, part by part.",
        "dots": "Vectors lie along the inner dimension; as many sums as a vector has lanes together.",
        "plain": "The sums of a few rows and columns are kept in small arrays.",
        "thirds": "By registers for matrices, in three parts; b was packed.",
        "thirds_inside": "By registers for matrices, in three parts.",
    }[way.form]
    return f"/* {added} [{m}][{n}] = a [{m}][{k}] times b [{k}][{n}]. {how} */\n"


def _granule(shape: Shape, way: _Way, *, columns: bool) -> int:
    """The rows (or columns) that the kernel computes together."""
    if way.form.startswith("thirds"):
        return thirds.TILE
    if way.form in ("plain", "dots"):
        return (plain if way.form == "plain" else dots).block_of(shape)[columns]
    rows, vectors = tiles.tile_of(shape)
    return vectors * shape.lanes if columns else rows


def _block(shape: Shape, way: _Way, granule: int, *, columns: bool) -> int:
    extent, other = (shape.n, shape.m) if columns else (shape.m, shape.n)
    near = shape.target.l2 // 4 // (other * ITEMSIZE[shape.T])
    least = granule
    if way.form == "inside" and not columns:
        least = tiles.groups_of(shape, inside=True)
    elif way.form.startswith("thirds"):
        least = thirds.group_of(shape, inside=not way.width)
    size = min(extent, max(least, min(near, tiles.GROUP)))
    return max(1, size // granule) * granule


def _pack(shape: Shape, way: _Way, batch: list[Batch], name: str, operand: int) -> Pack:
    """The packing of all items, before the product."""
    count, size = -(-shape.n // way.width), -(-shape.n // way.width) * way.width * shape.k
    if way.form == "thirds":
        count, size = thirds.chunks(shape), thirds.packed_size(shape)
    many = prod(count for count, *_ in batch)
    fragments = _fragments(shape, way)
    inner = f"{name}_item" if batch else name
    if way.form == "thirds":
        text = thirds.panels(shape, inner)
    else:
        text = panels.panels(shape, way.width, inner)
    if batch:
        one = moved("b", f"panel / {count}", batch, operand)
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
        "inside": ["vectors", "transposition"],
        "thirds": ["thirds"],
        "thirds_inside": ["thirds"],
    }
    return tuple(f"{kind}_{shape.T}" for kind in kinds[way.form])


def _written(
    shape: Shape, way: _Way, batch: list[Batch], *, turned: bool, columns: bool, name: str
) -> Product:
    extent = shape.n if columns else shape.m
    granule = _granule(shape, way, columns=columns)
    many = prod(count for count, *_ in batch)
    inner = f"{name}_item" if batch or turned else name
    source = _heading(shape, way) + _function(shape, way, inner, columns=columns)
    pack = _pack(shape, way, batch, f"{name}_pack", 0 if turned else 1) if way.width else None
    if batch and extent % granule:
        granule = extent
    if batch or turned:
        packed = pack.size // many if pack else 0
        source += "\n" + over_items(
            shape, name, inner, batch, extent=extent, turned=turned, packed=packed
        )
    if way.form.startswith("thirds"):
        scratch = thirds.scratch(shape, inside=not way.width)
    else:
        scratch = tiles.scratch(shape, way.form)
    return Product(
        kernel=Kernel(name, source, _fragments(shape, way), scratch),
        count=many * extent,
        rows=granule,
        block=_block(shape, way, granule, columns=columns),
        along="columns" if columns != turned else "rows",
        pack=pack,
        form=way.form,
        cost=many * way.cycles / shape.target.ghz,
    )
