"""The gradient of a convolution's weight, directly: input channels by output channels in registers.

For each tap, sums over all pixels of an input number times a register of the output's gradient. A unit's
sums are made in registers and added once, so that rounding does not grow with the number of pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

from rushlight.compiler.kernels.geometry import Channels, Form, border_of, forward_axis
from rushlight.compiler.kernels.images import Images, band
from rushlight.compiler.kernels.kernel import Kernel
from rushlight.compiler.kernels.target import Target
from rushlight.compiler.kernels.text import ITEMSIZE, fill, indented, kernel, zeros


@dataclass(frozen=True)
class Loop:
    """A loop around the registers, and how far it moves in x, in the gradient and in the sums."""

    name: str
    count: int
    x: int = 0
    g: int = 0
    sums: int = 0


_FUNCTION = """\
/* The weight's gradient of $form
   x: $source
   g: $gradient
   sums, which it adds to: $TAPS x $IN x $PADDED$bias; a unit is $R rows of an image of g. */
static void $NAME(const $T *restrict x, const $T *restrict g, $T *restrict sums, long begin, long end)
{$room
    for (long r = begin; r < end; r++) {
        const long n = r / $UNITS, first = r % $UNITS * $R, rows = $COUNT;
        $sources
        const $T *gs = g + $GSTART + n * $GIMAGE + first * $GROW;
$body
    }
}
"""

_TILE = """\
{
    v$T sum[$P][$J] = $ZEROS;
    for (long m = 0; m < rows; m++)
        for (long q = 0; q < $COLUMNS; q++) {
            const $T *from = xs + m * $XROW + q * $XSTEP$xplace;
            const $T *to = gs + m * $GROW + q * $GSTEP$gplace;
            v$T b[$J];
$loads
#pragma GCC unroll $P
            for (int p = 0; p < $P; p++) {
                const v$T a = $READ;
#pragma GCC unroll $J
                for (int j = 0; j < $J; j++)
                    sum[p][j] = v${T}_fma(a, b[j], sum[p][j]);
            }
        }
#pragma GCC unroll $P
    for (int p = 0; p < $P; p++) {
        $T *total = sums + $SUM$sumplace;
#pragma GCC unroll $J
        for (int j = 0; j < $J; j++)
            v${T}_store(total + j * $V, v${T}_load(total + j * $V) + sum[p][j]);
    }
}"""

_BIAS = """\
{
    v$T sum = {0};
    for (long m = 0; m < rows; m++)
        for (long q = 0; q < $COLUMNS; q++) {
            const $T *to = gs + m * $GROW + q * $GSTEP$gplace;
            sum += $LOAD;
        }
    $T *total = sums + $FIRST$sumplace;
    v${T}_store(total, v${T}_load(total) + sum);
}"""


def split(count: int, most: int) -> list[int]:
    """A count in parts as equal as can be, none above the most.

    >>> split(20, 12)
    [10, 10]
    """
    parts = -(-count // most)
    return [count // parts + (i < count % parts) for i in range(parts)]


def _around(loops: list[Loop], inner: str) -> str:
    for loop in reversed(loops):
        if loop.count > 1:
            head = f"for (long {loop.name} = 0; {loop.name} < {loop.count}; {loop.name}++)\n"
            inner = head + indented(inner, 4)
    return inner


def _moves(loops: list[Loop], of: str) -> str:
    """The offset of what is at hand."""
    steps = [(loop.name, getattr(loop, of)) for loop in loops if loop.count > 1]
    return "".join(f" + {name} * {step}" for name, step in steps if step)


def rows_of_unit(form: Form, x: Images, g: Images, itemsize: int, room: int) -> int:
    """Rows of a unit: as many as keep both images in that room, in units as equal as can be."""
    height = form.result[0]
    for units in range(1, height + 1):
        rows = -(-height // units)
        x_row = x.row * (x.channels if x.planes else 1)
        if (lines_of(form, rows) * x_row + rows * g.row) * itemsize <= room:
            return rows
    return 1


def lines_of(form: Form, rows: int) -> int:
    """Rows of x under some rows of the result."""
    return (rows - 1) * form.stride[0] + (form.kernel[0] - 1) * form.dilation[0] + 1


def padded_outputs(of: Channels, lanes: int) -> int:
    """Outputs of a group in whole registers."""
    return -(-of.outputs // lanes) * lanes


def sums_of(form: Form, of: Channels, lanes: int) -> int:
    """Numbers of the sums of a weight's gradient."""
    return of.groups * form.taps * of.inputs * padded_outputs(of, lanes)


def _places(axes: tuple[int, int, int], steps: tuple[int, int, int]) -> str:
    """Where row p of the registers stands, p counting rows, columns and channels of the kernel."""
    _, columns, channels = axes
    parts = [f"p / {columns * channels} * {steps[0]}", f"p / {channels} % {columns} * {steps[1]}"]
    parts.append(f"p % {channels} * {steps[2]}")
    return " + ".join(part for part, n in zip(parts, axes, strict=True) if n > 1) or "0"


def weight_gradient(
    form: Form, of: Channels, x: Images, g: Images, bias: bool, target: Target, T: str
) -> tuple[Kernel, int]:
    """`(x, g, sums, begin, end)`, and how many rows of an image of g are a unit."""
    V = target.lanes(ITEMSIZE[T])
    (kh, kw), (dh, dw), padded = form.kernel, form.dilation, padded_outputs(of, V)
    R = rows_of_unit(form, x, g, ITEMSIZE[T], target.l1)
    sources = f"const {T} *xs = x + {x.start - form.padding[0] * x.row - form.padding[1] * x.pixel}"
    sources += f" + n * {x.image} + first * {form.stride[0] * x.row};"
    room, scratch = "", 0
    needs: tuple[Kernel, ...] = ()
    lacks = border_of([forward_axis(form, 0)], [forward_axis(form, 1)], form.size)
    if not x.border >= lacks:
        copy, x = band(x, lines_of(form, R), lacks, T)
        room, needs, scratch = f"\n    {T} xs[{x.image}];", (copy,), x.image * ITEMSIZE[T]
        sources = f"{copy.name}(x, xs, n, first * {form.stride[0]} - {form.padding[0]});"
    rest = of.outputs % V
    vectors = (
        1
        if of.each
        else next(j for j in ((2, 1) if V > 1 else (8, 4, 2, 1)) if padded // V % j == 0)
    )
    blocks = padded // V // vectors
    outer = [
        Loop("group", of.groups, of.inputs * x.channel, of.outputs, form.taps * of.inputs * padded),
        Loop("o", blocks, vectors * V * of.each, vectors * V, vectors * V),
    ]
    ky = Loop("ky", kh, dh * x.row, 0, kw * of.inputs * padded)
    kx = Loop("kx", kw, dw * x.pixel, 0, of.inputs * padded)
    # As much as fits of: the taps of a row, all taps, all of all channels; or channels of one tap.
    most = ((target.registers if V > 1 else 24) - 1 - vectors) // vectors
    tiles: list[tuple[tuple[int, int, int], list[Loop], int]]
    if of.inputs * kh * kw <= most:
        tiles = [((kh, kw, of.inputs), [], 0)]
    elif of.inputs * kw <= most:
        tiles = [((1, kw, of.inputs), [ky], 0)]
    elif of.inputs < 4 and kw <= most:
        tiles = [((1, kw, 1), [ky, Loop("c", of.inputs, x.channel, 0, padded)], 0)]
    else:
        parts, tiles, first = split(of.inputs, most), [], 0
        for size in sorted(set(parts), reverse=True):
            count = parts.count(size)
            loop = Loop("c", count, size * x.channel, 0, size * padded)
            tiles.append(((1, 1, size), [ky, kx, loop], first))
            first += size * count
    names: dict[str, object] = {
        "T": T, "V": V, "ZEROS": zeros(V), "form": form, "source": x, "gradient": g, "TAPS": form.taps, "R": R,
        "IN": of.inputs, "PADDED": padded, "UNITS": -(-form.result[0] // R), "J": vectors,
        "bias": ", the bias's behind them" if bias else "", "room": room, "sources": sources,
        "COUNT": str(R) if form.result[0] % R == 0
        else f"{form.result[0]} - first < {R} ? {form.result[0]} - first : {R}",
        "XROW": form.stride[0] * x.row, "XSTEP": form.stride[1] * x.pixel, "GSTART": g.start,
        "GIMAGE": g.image, "GROW": g.row, "GSTEP": g.pixel, "COLUMNS": form.result[1],
    }  # fmt: skip
    body = []
    for axes, inner, first in tiles:
        loops = [*outer, *inner]
        place = _places(axes, (dh * x.row, dw * x.pixel, x.channel))
        read = (
            _lanes(T, V, f"from + {place}", blocks, rest) if of.each else f"v{T}_of(from[{place}])"
        )
        last = _lanes(T, V, f"to + {(vectors - 1) * V}", blocks, rest)
        loads = [f"b[{j}] = v{T}_load(to + {j * V});" for j in range(vectors - 1)]
        tile = {
            **names, "P": axes[0] * axes[1] * axes[2], "READ": read,
            "loads": indented("\n".join([*loads, f"b[{vectors - 1}] = {last};"]), 12),
            "SUM": f"({_places(axes, (kw * of.inputs, of.inputs, 1))}) * {padded}",
            "xplace": (f" + {first * x.channel}" if first else "") + _moves(loops, "x"),
            "gplace": _moves(loops, "g"),
            "sumplace": (f" + {first * padded}" if first else "") + _moves(loops, "sums"),
        }  # fmt: skip
        body.append(_around(loops, fill(_TILE, tile)))
    if bias:
        loops = [
            Loop("group", of.groups, 0, of.outputs, padded), Loop("o", padded // V, 0, V, V)
        ]  # fmt: skip
        tile = {
            **names, "LOAD": _lanes(T, V, "to", padded // V, rest), "FIRST": sums_of(form, of, V),
            "gplace": _moves(loops, "g"), "sumplace": _moves(loops, "sums"),
        }  # fmt: skip
        body.append(_around(loops, fill(_BIAS, tile)))
    text = fill(_FUNCTION, {**names, "body": indented("\n".join(body), 8)})
    return kernel("weight_gradient", text, (f"vectors_{T}",), scratch, needs), R


def _lanes(T: str, V: int, place: str, blocks: int, rest: int) -> str:
    """A register from memory; of the last block only what is there."""
    whole, part = f"v{T}_load({place})", f"v{T}_first({place}, {rest})"
    if not rest:
        return whole
    return part if blocks == 1 else f"o == {blocks - 1} ? {part} : {whole}"
