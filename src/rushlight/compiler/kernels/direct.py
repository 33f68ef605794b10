"""Direct convolution: a tile of pixels by output channels in registers, sizes known at compile time.

A number of the input is spread over a register and multiplied with a register of weights for each of its
output channels. Where neighbouring outputs see the same pixels (stride 1) the taps of a row are taken
together: a number once loaded serves all outputs that see it, which matters as loads are what limits.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rushlight.compiler.kernels.geometry import Axis, Channels, Phase, border_of
from rushlight.compiler.kernels.images import Border, Images, band
from rushlight.compiler.kernels.kernel import Kernel
from rushlight.compiler.kernels.target import Target
from rushlight.compiler.kernels.text import ITEMSIZE, fill, indented, kernel, zeros


@dataclass(frozen=True)
class Tile:
    """How a phase is held in registers."""

    pixels: int
    vectors: int
    together: bool
    """Whether the taps of a row are taken together."""
    cycles: float
    """An estimate, for a multiplication of one pixel with one register of weights."""


def _efforts(axis: Axis, vectors: int, target: Target, lanes: int) -> Iterator[Tile]:
    """All tiles that fit into registers, with what a multiplication costs in each."""
    for pixels in range(1, min(axis.count, 16) + 1):
        waste = -(-axis.count // pixels) * pixels / axis.count
        # Sums wait four cycles for the one before; loads are two a cycle at the best.
        few = max(1.0, 4 * target.flops / (pixels * vectors))
        for together in {False, axis.taps > 1 and (axis.step == 1 or axis.tap_step == 1)}:
            weights = vectors * (axis.taps if together else 1)
            if pixels * vectors + weights + 1 > target.registers:
                continue
            seen = len(places(axis, pixels)) if together else pixels
            done = pixels * vectors * (axis.taps if together else 1)
            loads = (seen + weights) / done
            yield Tile(pixels, vectors, together, waste * few * max(1.0, 0.55 + 0.75 * loads))


def places(axis: Axis, pixels: int) -> set[int]:
    """Pixels of the input, from the first on, that a tile sees."""
    steps = itertools.product(range(pixels), range(axis.taps))
    return {p * axis.step + k * axis.tap_step for p, k in steps}


def best_tile(axis: Axis, vectors: int, target: Target, lanes: int) -> Tile:
    """The tile with the least effort; of equals the smaller."""
    if lanes == 1:
        # Plain C: the compiler makes vectors of the channels of a block.
        pixels = min(range(min(axis.count, 4), 0, -1), key=lambda p: (-axis.count % p, -p))
        return Tile(pixels, vectors, False, 2.0)
    return min(_efforts(axis, vectors, target, lanes), key=lambda t: (round(t.cycles, 3), t.pixels))


def vectors_together(outputs: int, phases: list[Phase], target: Target, lanes: int) -> int:
    """Registers of output channels in a tile: a divisor of how many there are."""
    if lanes == 1:
        return next(v for v in (32, 24, 16, 12, 8, 10, 6, 5, 4, 3, 2, 1) if outputs % v == 0)
    whole = -(-outputs // lanes)

    def effort(vectors: int) -> float:
        tiles = [(best_tile(p.columns, vectors, target, lanes), p) for p in phases if p.taps]
        return sum(tile.cycles * p.taps * p.columns.count for tile, p in tiles)

    return min((v for v in (1, 2, 3, 4) if whole % v == 0), key=lambda v: (round(effort(v), 3), -v))


_FUNCTION = """\
/* $what
   x: $source
   y: $result
   w: $taps x $IN x $BLOCK for each block of $BLOCK output channels; a unit is $unit. */
static void $NAME(const $T *restrict x, const $T *restrict w, $T *restrict y, long begin, long end)
{$room
    for (long r = begin; r < end; r++) {
$body
    }
}
"""

_TILES = """\
for (long q = 0; q < $COUNT; q += $P) {
    const long left = $LEFT;
    const $T *from = $row + left * $XSTEP, *weights = $block;
    v$T sum[$P][$J] = $ZEROS;
$sums
    $T *out = $out + left * $YSTEP;
#pragma GCC unroll $P
    for (int p = 0; p < $P; p++) {
$stores
    }
}"""

_APART = """\
for (long ky = 0; ky < $KH; ky++)
    for (long kx = 0; kx < $KW; kx++)
        for (long c = 0; c < $IN; c++, weights += $JV) {
            const $T *pixel = from + ky * $XTAPROW + kx * $XTAP + c * $XCHANNEL;
            v$T b[$J];
#pragma GCC unroll $J
            for (int j = 0; j < $J; j++)
                b[j] = v${T}_load(weights + j * $V);
#pragma GCC unroll $P
            for (int p = 0; p < $P; p++) {
                const v$T a = $READ;
#pragma GCC unroll $J
                for (int j = 0; j < $J; j++)
                    sum[p][j] = v${T}_fma(a, b[j], sum[p][j]);
            }
        }"""

# Each pixel has sums of its own: so compilers see that they are vectors.
_PLAIN = """\
for (long q = 0; q < $COUNT; q += $P) {
    const long left = $LEFT;
    const $T *from = $row + left * $XSTEP, *weights = $block;
    $T $SUMS;
    for (long ky = 0; ky < $KH; ky++)
        for (long kx = 0; kx < $KW; kx++)
            for (long c = 0; c < $IN; c++, weights += $J) {
                const $T *pixel = from + ky * $XTAPROW + kx * $XTAP + c * $XCHANNEL;
                const $T $PIXELS;
                for (int j = 0; j < $J; j++) {
                    const $T b = weights[j];
$MULTIPLIED
                }
            }
    $T *out = $out + left * $YSTEP;
    for (int j = 0; j < $J; j++) {
$STORED
    }
}"""

_TOGETHER = """\
for (long ky = 0; ky < $KH; ky++)
    for (long c = 0; c < $IN; c++, weights += $KW * $JV) {
        const $T *pixel = from + ky * $XTAPROW + c * $XCHANNEL;
        v$T b[$KW][$J];
#pragma GCC unroll $KW
        for (int k = 0; k < $KW; k++)
#pragma GCC unroll $J
            for (int j = 0; j < $J; j++)
                b[k][j] = v${T}_load(weights + (k * $J + j) * $V);
        /* Pixel i is under tap k of output p where i = p * $STEP + k * $TAPSTEP. */
#pragma GCC unroll $SPAN
        for (int i = 0; i < $SPAN; i++) {
            const v$T a = $READ;
#pragma GCC unroll $KW
            for (int k = 0; k < $KW; k++) {
                const int p = (i - k * $TAPSTEP) / $STEP;
                if ($MEETS) {
#pragma GCC unroll $J
                    for (int j = 0; j < $J; j++)
                        sum[p][j] = v${T}_fma(a, b[k][j], sum[p][j]);
                }
            }
        }
    }"""


@dataclass(frozen=True)
class Task:
    """What a direct kernel is written for."""

    what: str
    x: Images
    y: Images
    phases: list[Phase]
    channels: Channels
    vectors: int
    target: Target
    T: str = "float"

    @property
    def lanes(self) -> int:
        """Numbers in a register."""
        return self.target.lanes(ITEMSIZE[self.T])

    @property
    def block(self) -> int:
        """Output channels in a block of weights."""
        return self.vectors * self.lanes

    @property
    def blocks(self) -> int:
        """Blocks of a group."""
        return -(-self.channels.outputs // self.block)

    @property
    def taps(self) -> int:
        """Taps of all phases."""
        return sum(phase.taps for phase in self.phases)

    @property
    def border(self) -> Border:
        """The zeros that it reads around x."""
        read = [phase for phase in self.phases if phase.taps]
        if not read:
            return Border()
        size = (self.x.height, self.x.width)
        return border_of([p.rows for p in read], [p.columns for p in read], size)

    def tile(self, phase: Phase) -> Tile:
        """Of this phase."""
        return best_tile(phase.columns, self.vectors, self.target, self.lanes)

    def places(self) -> dict[tuple[int, int], tuple[int, int]]:
        """For each tap (ky, kx) the row of its weights for input channel 0, and the step to the next."""
        found = {}
        for phase in self.phases:
            if not phase.taps:
                continue
            together = self.tile(phase).together
            width = phase.columns.taps
            for (i, ky), (j, kx) in itertools.product(
                enumerate(phase.rows.order), enumerate(phase.columns.order)
            ):
                first = phase.first * self.channels.inputs
                if together:
                    found[ky, kx] = (first + i * width * self.channels.inputs + j, width)
                else:
                    found[ky, kx] = (first + (i * width + j) * self.channels.inputs, 1)
        return found

    @property
    def cycles(self) -> float:
        """An estimate of the time of all rows."""
        total = 0.0
        for phase in self.phases:
            if phase.taps:
                pixels = phase.rows.count * phase.columns.count * phase.taps
                total += self.tile(phase).cycles * pixels
        vectors = self.blocks * self.vectors * self.channels.groups
        return self.x.batch * total * self.channels.inputs * vectors / self.target.flops


def _stores(task: Task) -> str:
    rest = task.channels.outputs % task.lanes
    whole = "v{T}_store(out + p * $YSTEP + {j}, sum[p][{i}]);"
    lines = []
    for i in range(task.vectors):
        line = whole.format(T=task.T, j=i * task.lanes, i=i)
        if rest and i == task.vectors - 1:
            part = f"v{task.T}_part(out + p * $YSTEP + {i * task.lanes}, sum[p][{i}], 0, {rest});"
            if task.blocks == 1:
                line = part
            else:
                lines.append(f"if (o == {task.blocks - 1})")
                lines.append("    " + part)
                lines.append("else")
                line = "    " + line
        lines.append(line)
    return "\n".join(lines)


def _read(task: Task, at: str) -> str:
    """A number of x for all outputs, or one for each."""
    T, rest = task.T, task.channels.outputs % task.lanes
    if not task.channels.each:
        return f"v{T}_of(pixel[{at}])"
    if not rest:
        return f"v{T}_load(pixel + {at})"
    part = f"v{T}_first(pixel + {at}, {rest})"
    if task.blocks == 1:
        return part
    return f"o == {task.blocks - 1} ? {part} : v{T}_load(pixel + {at})"


def _tiles(task: Task, phase: Phase, row: str, out: str, block: str) -> str:
    """The loop over the tiles of a row."""
    x, y, tile = task.x, task.y, task.tile(phase)
    columns, rows = phase.columns, phase.rows
    step, tap = columns.step, columns.tap_step
    span = (tile.pixels - 1) * step + (columns.taps - 1) * tap + 1
    meets = f"i - k * {tap} >= 0 && p < {tile.pixels}"
    if step > 1:
        meets += f" && (i - k * {tap}) % {step} == 0"
    ragged = columns.count % tile.pixels
    last = columns.count - tile.pixels
    names = {
        "T": task.T, "V": task.lanes, "ZEROS": zeros(task.lanes), "P": tile.pixels, "J": task.vectors, "JV": task.block,
        "COUNT": columns.count, "LEFT": f"q < {last} ? q : {last}" if ragged else "q",
        "XSTEP": step * x.pixel, "YSTEP": columns.out_step * y.pixel, "XPIXEL": x.pixel,
        "KH": rows.taps, "KW": columns.taps, "IN": task.channels.inputs, "XCHANNEL": x.channel,
        "XTAPROW": rows.tap_step * x.row, "XTAP": tap * x.pixel, "STEP": step, "TAPSTEP": tap,
        "SPAN": span, "MEETS": meets, "row": row, "out": out, "block": block,
    }  # fmt: skip
    if task.lanes == 1 and not task.channels.each:
        every = range(tile.pixels)
        names |= {
            "SUMS": ", ".join(f"s{p}[{task.vectors}] = {{0}}" for p in every),
            "PIXELS": ", ".join(f"a{p} = pixel[{p * step * x.pixel}]" for p in every),
            "MULTIPLIED": indented("\n".join(f"s{p}[j] += a{p} * b;" for p in every), 20),
            "STORED": indented(
                "\n".join(f"out[{p * columns.out_step * y.pixel} + j] = s{p}[j];" for p in every), 8
            ),
        }
        return fill(_PLAIN, names)
    sums = _TOGETHER if tile.together else _APART
    at = f"i * {x.pixel}" if tile.together else f"p * {step * x.pixel}"
    names["READ"] = _read(task, at)
    names["sums"] = indented(fill(sums, names), 4)
    names["stores"] = indented(fill(_stores(task), names), 8)
    return fill(_TILES, names)


def _blocks(task: Task, inner: str, channels: bool) -> str:
    """Around the tiles: groups, and blocks of output channels."""
    if channels:
        return inner
    if task.blocks > 1:
        inner = f"for (long o = 0; o < {task.blocks}; o++)\n" + indented(inner, 4)
    if task.channels.groups > 1:
        inner = f"for (long g = 0; g < {task.channels.groups}; g++)\n" + indented(inner, 4)
    return inner


def _offset(**parts: int) -> str:
    return "".join(f" + {name} * {number}" for name, number in parts.items() if number)


def _phase(task: Task, phase: Phase, channels: bool, banded: bool = False) -> str:
    x, y = task.x, task.y
    rows, columns = phase.rows, phase.columns
    start = x.start + rows.start * x.row + columns.start * x.pixel
    out = y.start + rows.out_start * y.row + columns.out_start * y.pixel
    group = task.channels.inputs * x.channel if task.channels.groups > 1 else 0
    many = task.blocks > 1 or channels
    row = f"{'band' if banded else 'x'} + {start}" + _offset(
        n=0 if banded else x.image,
        m=rows.step * x.row,
        g=group,
        o=task.block * x.channel if many and task.channels.each else 0,
    )
    to = f"y + {out}" + _offset(
        n=y.image,
        first=y.row if banded else 0,
        m=rows.out_step * y.row,
        g=task.channels.outputs if task.channels.groups > 1 else 0,
        o=task.block if many else 0,
    )
    size = task.taps * task.channels.inputs * task.block
    weights = f"w + {phase.first * task.channels.inputs * task.block}" + _offset(
        g=size * task.blocks if task.channels.groups > 1 else 0, o=size if many else 0
    )
    if phase.taps:
        inner = _blocks(task, _tiles(task, phase, row, to, weights), channels)
    else:
        inner = _blocks(task, _nothing(task, phase, to), channels)
    return inner


def _nothing(task: Task, phase: Phase, out: str) -> str:
    """No output met these inputs."""
    rest = (
        f"{task.channels.outputs} - o * {task.block}"
        if task.blocks > 1
        else str(task.channels.outputs)
    )
    whole = f"{task.block} < {rest} ? {task.block} : {rest}" if task.blocks > 1 else rest
    return (
        f"for (long q = 0; q < {phase.columns.count}; q++)\n"
        f"    for (long c = 0; c < ({whole}); c++)\n"
        f"        ({out})[q * {phase.columns.out_step * task.y.pixel} + c] = 0;"
    )


@dataclass(frozen=True)
class Made:
    """A direct kernel, and what its units are."""

    kernel: Kernel
    units: int
    """Units of an image."""
    rows: int
    """Steps of rows in a unit."""


# Of a band of rows with its border: bytes at the most.
_BAND = 24 << 10


def direct(task: Task, by_channels: bool) -> Made:
    """With `by_channels` a unit is a block of output channels, else some rows of an image."""
    most = max(phase.rows.count for phase in task.phases)
    if not task.x.border >= task.border:
        return _banded(task, most)
    parts = []
    for phase in task.phases:
        text = _phase(task, phase, by_channels)
        if by_channels:
            text = f"for (long m = 0; m < {phase.rows.count}; m++)\n" + indented(text, 4)
        elif phase.rows.count < most:
            text = f"if (m < {phase.rows.count})\n" + indented(text, 4)
        parts.append(text)
    body = "\n".join(parts)
    height = task.phases[0].rows.out_step
    if by_channels:
        grouped = f"const long g = r / {task.blocks}, o = r % {task.blocks};\n"
        head = grouped if task.channels.groups > 1 else "const long o = r;\n"
        body = f"{head}for (long n = 0; n < {task.x.batch}; n++) {{\n{indented(body, 4)}\n}}"
        unit = f"a block of {task.block} output channels"
    else:
        body = f"const long n = r / {most}, m = r % {most};\n{body}"
        unit = f"{height} rows of an image of y" if height > 1 else "a row of an image of y"
    return Made(_kernel(task, body, unit), most, 1)


def _banded(task: Task, most: int) -> Made:
    """Units of several rows, which are copied to where there are zeros around them."""
    (phase,) = task.phases
    axis, one = phase.rows, task.x.row * (task.x.channels if task.x.planes else 1)

    def lines(rows: int) -> int:
        return (rows - 1) * axis.step + (axis.taps - 1) * axis.tap_step + 1

    counts = (-(-most // units) for units in range(1, most + 1))
    size = ITEMSIZE[task.T]
    rows = next((rows for rows in counts if lines(rows) * one * size <= _BAND), 1)
    copy, source = band(task.x, lines(rows), task.border, task.T)
    # Row `start` of the image is the first of the band, and stands for the unit's first row.
    inside = replace(phase, rows=replace(axis, start=0))
    text = _phase(replace(task, x=source), inside, False, banded=True)
    units = -(-most // rows)
    count = f"{rows}" if most % rows == 0 else f"{most} - first < {rows} ? {most} - first : {rows}"
    body = (
        f"const long n = r / {units}, first = r % {units} * {rows}, count = {count};\n"
        f"{copy.name}(x, band, n, first * {axis.step} + {axis.start});\n"
        "for (long m = 0; m < count; m++)\n" + indented(text, 4)
    )
    made = _kernel(task, body, f"{rows} rows of an image of y", source, copy)
    return Made(made, units, rows)


def _kernel(
    task: Task, body: str, unit: str, source: Images | None = None, copy: Kernel | None = None
) -> Kernel:
    room = f"\n    {task.T} band[{source.image}];" if source else ""
    names = {
        "what": task.what, "source": task.x, "result": task.y, "taps": task.taps, "room": room,
        "IN": task.channels.inputs, "BLOCK": task.block, "T": task.T, "unit": unit,
        "body": indented(body, 8),
    }  # fmt: skip
    scratch = source.image * ITEMSIZE[task.T] if source else 0
    stem = "depthwise" if task.channels.each else "convolution"
    fragments = (f"vectors_{task.T}",)
    return kernel(stem, fill(_FUNCTION, names), fragments, scratch, (copy,) if copy else ())
