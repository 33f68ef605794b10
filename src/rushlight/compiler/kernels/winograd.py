"""Winograd's F(2x2, 3x3): 3x3 convolutions with stride 1 by 16 instead of 36 multiplications.

A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks", 2015. For a patch d of 4x4 numbers,
a filter w and 2x2 results y

    y = A' [(G w G') * (B' d B)] A,   w's gradient = G' [(A dy A') * (B' d B)] G

where * goes element by element and becomes, over channels, one matrix product for each of 16 elements.

Numbers of a patch are added and subtracted before anything is multiplied. So **where the plain formula gives an
infinity, this gives NaN** (an infinity less another); which results are touched is the same, those whose window sees
it, but of the weight's gradient all nine taps can be. Numbers within a factor of four of the largest float
overflow. Other values come out as near to the exact ones as by the plain formula. `exact=True` in
`convolution` takes that one.
"""

from __future__ import annotations

from dataclasses import dataclass

from rushlight.compiler.kernels.geometry import Form
from rushlight.compiler.kernels.images import Border, Images
from rushlight.compiler.kernels.kernel import Kernel
from rushlight.compiler.kernels.target import Target
from rushlight.compiler.kernels.text import ITEMSIZE, fill, indented, kernel, transposed


def suits(form: Form, target: Target, T: str) -> bool:
    """Whether it is a 3x3 convolution of whole registers of channels."""
    V = target.lanes(ITEMSIZE[T])
    plain = form.stride == (1, 1) and form.dilation == (1, 1) and form.groups == 1
    fits = form.kernel == (3, 3) and max(form.padding) <= 2
    return plain and fits and V > 1 and form.inputs % V == 0 and form.outputs % V == 0


@dataclass(frozen=True)
class Tiles:
    """The tiles of 2x2 pixels of a result, and how many rows of them a unit takes."""

    height: int
    width: int
    rows: int

    @property
    def units(self) -> int:
        """Units of an image."""
        return -(-self.height // self.rows)

    @property
    def count(self) -> int:
        """Tiles of a unit."""
        return self.rows * self.width


def tiles(result: tuple[int, int], most: int) -> Tiles:
    """Rows of tiles in units of about that many tiles, as equal as can be."""
    height, width = -(-result[0] // 2), -(-result[1] // 2)
    units = -(-height // max(1, min(height, most // width)))
    return Tiles(height, width, -(-height // units))


def border(result: tuple[int, int], size: tuple[int, int], padding: tuple[int, int]) -> Border:
    """What it reads around an input of that size."""
    ends = [2 * -(-o // 2) + 2 - p - n for o, n, p in zip(result, size, padding, strict=True)]
    return Border(padding[0], max(0, ends[0]), padding[1], max(0, ends[1]))


def odd(result: tuple[int, int]) -> Border:
    """What the weight's gradient reads around the gradient of a result with an odd side."""
    return Border(0, result[0] % 2, 0, result[1] % 2)


_PATCHES = """\
/* B' d B of every patch of 4x4 pixels, two apart: $C channels, element by element $STEP apart. */
static void $NAME(const $T *restrict x, $T *restrict to, long rows)
{
    for (long i = 0; i < rows; i++)
        for (long c = 0; c < $C; c += $V) {
            const $T *from = x + i * $XROWS + c;
            $T *u = to + i * $TW * $CP + c;
            v$T t[4][4];
            /* The last two columns of a patch are the first two of the next. */
#pragma GCC unroll 2
            for (int j = 0; j < 2; j++) {
                const v$T d0 = v${T}_load(from + j * $PIXEL);
                const v$T d1 = v${T}_load(from + j * $PIXEL + $XROW);
                const v$T d2 = v${T}_load(from + j * $PIXEL + 2 * $XROW);
                const v$T d3 = v${T}_load(from + j * $PIXEL + 3 * $XROW);
                t[0][j] = d0 - d2;
                t[1][j] = d1 + d2;
                t[2][j] = d2 - d1;
                t[3][j] = d1 - d3;
            }
            for (long k = 0; k < $TW; k++, from += 2 * $PIXEL, u += $CP) {
#pragma GCC unroll 2
                for (int j = 2; j < 4; j++) {
                    const v$T d0 = v${T}_load(from + j * $PIXEL);
                    const v$T d1 = v${T}_load(from + j * $PIXEL + $XROW);
                    const v$T d2 = v${T}_load(from + j * $PIXEL + 2 * $XROW);
                    const v$T d3 = v${T}_load(from + j * $PIXEL + 3 * $XROW);
                    t[0][j] = d0 - d2;
                    t[1][j] = d1 + d2;
                    t[2][j] = d2 - d1;
                    t[3][j] = d1 - d3;
                }
#pragma GCC unroll 4
                for (int j = 0; j < 4; j++) {
                    v${T}_store(u + (4 * j) * $STEP, t[j][0] - t[j][2]);
                    v${T}_store(u + (4 * j + 1) * $STEP, t[j][1] + t[j][2]);
                    v${T}_store(u + (4 * j + 2) * $STEP, t[j][2] - t[j][1]);
                    v${T}_store(u + (4 * j + 3) * $STEP, t[j][1] - t[j][3]);
                    t[j][0] = t[j][2];
                    t[j][1] = t[j][3];
                }
            }
        }
}
"""

_FORWARD = """\
/* $what
   x: $source
   y: $result
   w: 16 x $IN x $OUT transformed, by blocks of $JV outputs; a unit is $ROWS rows of an image of y. */
static void $NAME(const $T *restrict x, const $T *restrict w, $T *restrict y, long begin, long end)
{
    v$T patches[16 * $STEP_IN / $V], products[16 * $STEP_OUT / $V];
    $T *const u = ($T *)patches, *const m = ($T *)products;
    for (long r = begin; r < end; r++) {
        const long n = r / $UNITS, first = r % $UNITS * $R, rows = $COUNT;
        $PATCHES(x + $XSTART + n * $XIMAGE + first * $XROWS, u, rows);

        $T *out = y + $YSTART + n * $YIMAGE + first * 2 * $YROW;
        for (long f = 0; f < 16; f++) {
            /* The rows of the next unit, and those to be written, come meanwhile. */
            for (long i = f * $LINES; i < (f + 1) * $LINES; i++)
                __builtin_prefetch(x + $NEXT + n * $XIMAGE + first * $XROWS + i * $LINE);
            for (long i = f * $YLINES; i < (f + 1) * $YLINES; i++)
                __builtin_prefetch(out + i * $LINE, 1);
            for (long o = 0; o < $BLOCKS; o++)
                for (long t = 0; t < $TILES; t += $P) {
                    const $T *from = u + f * $STEP_IN + t * $INP, *weights = w + (f * $BLOCKS + o) * $IN * $JV;
                    v$T sum[$P][$J] = {{{0}}};
                    for (long c = 0; c < $IN; c++, weights += $JV) {
                        v$T b[$J];
#pragma GCC unroll $J
                        for (int j = 0; j < $J; j++)
                            b[j] = v${T}_load(weights + j * $V);
#pragma GCC unroll $P
                        for (int p = 0; p < $P; p++) {
                            const v$T a = v${T}_of(from[p * $INP + c]);
#pragma GCC unroll $J
                            for (int j = 0; j < $J; j++)
                                sum[p][j] = v${T}_fma(a, b[j], sum[p][j]);
                        }
                    }
                    $T *to = m + f * $STEP_OUT + t * $OUTP + o * $JV;
#pragma GCC unroll $P
                    for (int p = 0; p < $P; p++)
#pragma GCC unroll $J
                        for (int j = 0; j < $J; j++)
                            v${T}_store(to + p * $OUTP + j * $V, sum[p][j]);
                }
        }

        /* A' m A: four pixels of every tile. */
        for (long i = 0; i < rows; i++)
            for (long k = 0; k < $TW; k++)
                for (long o = 0; o < $OUT; o += $V) {
                    const $T *from = m + (i * $TW + k) * $OUTP + o;
                    $T *to = out + i * 2 * $YROW + k * 2 * $YPIXEL + o;
                    v$T top[4], low[4];
#pragma GCC unroll 4
                    for (int j = 0; j < 4; j++) {
                        const v$T m0 = v${T}_load(from + j * $STEP_OUT);
                        const v$T m1 = v${T}_load(from + (4 + j) * $STEP_OUT);
                        const v$T m2 = v${T}_load(from + (8 + j) * $STEP_OUT);
                        const v$T m3 = v${T}_load(from + (12 + j) * $STEP_OUT);
                        top[j] = m0 + m1 + m2;
                        low[j] = m1 - m2 - m3;
                    }
                    v${T}_store(to, top[0] + top[1] + top[2]);
                    ${RIGHT}v${T}_store(to + $YPIXEL, top[1] - top[2] - top[3]);
                    ${BELOW}v${T}_store(to + $YROW, low[0] + low[1] + low[2]);
                    ${CORNER}v${T}_store(to + $YROW + $YPIXEL, low[1] - low[2] - low[3]);
                }
    }
}
"""

_WEIGHT = """\
/* The weight's gradient of $what
   x: $source
   g: $gradient
   sums, which it adds to: 16 x $IN x $OUT$bias; a unit is $ROWS rows of an image of g. */
static void $NAME(const $T *restrict x, const $T *restrict g, $T *restrict sums, long begin, long end)
{
    v$T patches[16 * $STEP_IN / $V], gradients[16 * $STEP_OUT / $V];
    $T *const u = ($T *)patches, *const v = ($T *)gradients;
    for (long r = begin; r < end; r++) {
        const long n = r / $UNITS, first = r % $UNITS * $R, rows = $COUNT;
        $PATCHES(x + $XSTART + n * $XIMAGE + first * $XROWS, u, rows);

        /* A g A' of every tile of 2x2. */
        const $T *gs = g + $GSTART + n * $GIMAGE + first * 2 * $GROW;
        for (long o = 0; o < $OUT; o += $V) {
            v$T whole = {0};
            for (long i = 0; i < rows; i++)
                for (long k = 0; k < $TW; k++) {
                    const $T *from = gs + i * 2 * $GROW + k * 2 * $GPIXEL + o;
                    $T *to = v + (i * $TW + k) * $OUTP + o;
                    const v$T a = v${T}_load(from), b = v${T}_load(from + $GPIXEL);
                    const v$T c = v${T}_load(from + $GROW), d = v${T}_load(from + $GROW + $GPIXEL);
                    const v$T left[4] = {a, a + c, a - c, -c}, right[4] = {b, b + d, b - d, -d};
#pragma GCC unroll 4
                    for (int j = 0; j < 4; j++) {
                        v${T}_store(to + (4 * j) * $STEP_OUT, left[j]);
                        v${T}_store(to + (4 * j + 1) * $STEP_OUT, left[j] + right[j]);
                        v${T}_store(to + (4 * j + 2) * $STEP_OUT, left[j] - right[j]);
                        v${T}_store(to + (4 * j + 3) * $STEP_OUT, -right[j]);
                    }
                    whole += left[1] + right[1];
                }
            $ADDBIAS
        }

        for (long f = 0; f < 16; f++) {
            /* The rows of the next unit come meanwhile. */
            for (long i = f * $LINES; i < (f + 1) * $LINES; i++)
                __builtin_prefetch(x + $NEXT + n * $XIMAGE + first * $XROWS + i * $LINE);
            for (long i = f * $GLINES; i < (f + 1) * $GLINES; i++)
                __builtin_prefetch(gs + $ROWS * $GROW + i * $LINE);
            for (long o = 0; o < $OUT; o += $JV)
                for (long c = 0; c < $IN; c += $P) {
                    const $T *from = u + f * $STEP_IN + c, *to = v + f * $STEP_OUT + o;
                    v$T sum[$P][$J] = {{{0}}};
                    for (long t = 0; t < rows * $TW; t++) {
                        v$T b[$J];
#pragma GCC unroll $J
                        for (int j = 0; j < $J; j++)
                            b[j] = v${T}_load(to + t * $OUTP + j * $V);
#pragma GCC unroll $P
                        for (int p = 0; p < $P; p++) {
                            const v$T a = v${T}_of(from[t * $INP + p]);
#pragma GCC unroll $J
                            for (int j = 0; j < $J; j++)
                                sum[p][j] = v${T}_fma(a, b[j], sum[p][j]);
                        }
                    }
                    $T *total = sums + (f * $IN + c) * $OUT + o;
#pragma GCC unroll $P
                    for (int p = 0; p < $P; p++)
#pragma GCC unroll $J
                        for (int j = 0; j < $J; j++)
                            v${T}_store(total + p * $OUT + j * $V, v${T}_load(total + p * $OUT + j * $V) + sum[p][j]);
                }
        }
    }
}
"""

_TRANSFORMED = """\
/* G w G' of weights [out, in, 3, 3], $OUT x $IN$backward, to 16 x $IN x $OUT by blocks of $JV. */
static void $NAME(const $T *restrict w, $T *restrict to)
{
    for (long i = 0; i < $IN; i++)
        for (long o = 0; o < $OUT; o += $V) {
            const $T *from = w + o * $SOUT + i * $SIN;
            $T *u = to + (o / $JV * $IN + i) * $JV + o % $JV;
            v$T taps[$ROOM];
$square
            v$T half[4][3];
#pragma GCC unroll 3
            for (int j = 0; j < 3; j++) {
                const v$T w0 = taps[$W0], w1 = taps[$W1], w2 = taps[$W2];
                half[0][j] = w0;
                half[1][j] = ($T)0.5 * (w0 + w2) + ($T)0.5 * w1;
                half[2][j] = ($T)0.5 * (w0 + w2) - ($T)0.5 * w1;
                half[3][j] = w2;
            }
#pragma GCC unroll 4
            for (int j = 0; j < 4; j++) {
                const v$T w0 = half[j][0], w1 = half[j][1], w2 = half[j][2];
                v${T}_store(u + (4 * j) * $IN * $OUT, w0);
                v${T}_store(u + (4 * j + 1) * $IN * $OUT, ($T)0.5 * (w0 + w2) + ($T)0.5 * w1);
                v${T}_store(u + (4 * j + 2) * $IN * $OUT, ($T)0.5 * (w0 + w2) - ($T)0.5 * w1);
                v${T}_store(u + (4 * j + 3) * $IN * $OUT, w2);
            }
        }
}
"""

# The nine weights of lane l stand behind each other; loads of more must not go past the last.
_WHOLE = """\
if (from + $LASTLANE + $V <= w + $SIZE) {
    for (int l = 0; l < $V; l++)
        taps[l] = v${T}_load(from + l * $SOUT);
} else {
    for (int l = 0; l < $V; l++)
        taps[l] = v${T}_first(from + l * $SOUT, 9);
}
$TRANSPOSED(taps);"""

# Registers hold fewer than nine: number by number.
_BY_LANES = """\
for (int t = 0; t < 9; t++)
    for (int l = 0; l < $V; l++)
        taps[t][l] = from[l * $SOUT + t];"""

_BACK = """\
/* G' s G: sums of $PARTS parts [16, $IN, $OUT] to the gradients of nine taps, in place of the first nine. */
static void $NAME($T *restrict sums)
{
    for (long i = 0; i < $IN * $OUT; i += $V) {
        v$T half[3][4];
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) {
            v$T s[4];
#pragma GCC unroll 4
            for (int k = 0; k < 4; k++) {
                s[k] = v${T}_load(sums + (4 * k + j) * $IN * $OUT + i);
                for (long part = 1; part < $PARTS; part++)
                    s[k] += v${T}_load(sums + part * $PART + (4 * k + j) * $IN * $OUT + i);
            }
            half[0][j] = s[0] + ($T)0.5 * (s[1] + s[2]);
            half[1][j] = ($T)0.5 * (s[1] - s[2]);
            half[2][j] = ($T)0.5 * (s[1] + s[2]) + s[3];
        }
#pragma GCC unroll 3
        for (int j = 0; j < 3; j++) {
            const v$T *s = half[j];
            v${T}_store(sums + (3 * j) * $IN * $OUT + i, s[0] + ($T)0.5 * (s[1] + s[2]));
            v${T}_store(sums + (3 * j + 1) * $IN * $OUT + i, ($T)0.5 * (s[1] - s[2]));
            v${T}_store(sums + (3 * j + 2) * $IN * $OUT + i, ($T)0.5 * (s[1] + s[2]) + s[3]);
        }
    }
}
"""


def _apart(channels: int, count: int, itemsize: int) -> tuple[int, int]:
    """From a tile to the next, and from an element of the sixteen to the next.

    Steps of whole pages fall into the same places of a cache: from 128 bytes of channels on, one row more.
    """
    return channels, (count + 1) * channels


def _divisor(number: int, most: int) -> int:
    return max(d for d in range(1, most + 1) if number % d == 0)


def _patches(x: Images, width: int, pitch: int, step: int, V: int, T: str) -> Kernel:
    names = {
        "T": T, "V": V, "C": x.channels, "PIXEL": x.pixel, "XROW": x.row, "XROWS": 2 * x.row, "TW": width, "CP": pitch,
        "STEP": step,
    }  # fmt: skip
    return kernel("patches", fill(_PATCHES, names))


def _units(tile: Tiles) -> dict[str, object]:
    left = f"{tile.height} - first"
    whole = tile.height % tile.rows == 0
    return {
        "TW": tile.width, "TILES": tile.count, "UNITS": tile.units, "R": tile.rows,
        "ROWS": 2 * tile.rows,
        "COUNT": str(tile.rows) if whole else f"{left} < {tile.rows} ? {left} : {tile.rows}",
    }  # fmt: skip


def _lines(tile: Tiles, images: Images, itemsize: int) -> int:
    """Lines of the cache in a sixteenth of a unit's rows."""
    return -(-2 * tile.rows * images.row * itemsize // (16 * 64))


def forward_tiles(result: tuple[int, int]) -> Tiles:
    """How the result of a convolution is shared out into units."""
    return tiles(result, 16)


def forward(
    what: str, x: Images, y: Images, padding: tuple[int, int], target: Target, T: str
) -> Kernel:
    """`(x, w, y, begin, end)`; x has the `border` of its result."""
    V, size = target.lanes(ITEMSIZE[T]), ITEMSIZE[T]
    result = (y.height, y.width)
    tile = forward_tiles(result)
    vectors = block_of(y.channels, target, T)
    most = min(16, (target.registers - 1 - vectors) // vectors)
    P = _divisor(tile.count, most)
    inp, step_in = _apart(x.channels, tile.count, size)
    outp, step_out = _apart(y.channels, tile.count, size)
    patches = _patches(x, tile.width, inp, step_in, V, T)
    names = {
        **_units(tile), "T": T, "V": V, "what": what, "source": x, "result": y, "IN": x.channels,
        "OUT": y.channels, "J": vectors, "JV": vectors * V, "BLOCKS": y.channels // (vectors * V),
        "P": P, "INP": inp, "OUTP": outp, "STEP_IN": step_in, "STEP_OUT": step_out,
        "PATCHES": patches.name, "XSTART": x.start - padding[0] * x.row - padding[1] * x.pixel,
        "XIMAGE": x.image, "XROWS": 2 * x.row, "YSTART": y.start, "YIMAGE": y.image, "YROW": y.row,
        "YPIXEL": y.pixel, "NEXT": x.start + (2 * tile.rows + 2 - padding[0]) * x.row,
        "LINES": _lines(tile, x, size), "YLINES": _lines(tile, y, size), "LINE": 64 // size,
    }  # fmt: skip
    right = f"2 * k + 1 < {y.width}" if y.width % 2 else ""
    below = f"2 * (first + i) + 1 < {y.height}" if y.height % 2 else ""
    corner = " && ".join(filter(None, (right, below)))
    for name, test in (("RIGHT", right), ("BELOW", below), ("CORNER", corner)):
        names[name] = f"if ({test}) " if test else ""
    scratch = 16 * (step_in + step_out) * size
    return kernel("winograd", fill(_FORWARD, names), (f"vectors_{T}",), scratch, (patches,))


def block_of(outputs: int, target: Target, T: str) -> int:
    """Registers of a block of outputs."""
    V = target.lanes(ITEMSIZE[T])
    return 2 if outputs % (2 * V) == 0 else 1


def packed(form: Form, backward: bool, target: Target, T: str) -> Kernel:
    """`(w, transformed)`: G w G' of all filters; of the input's gradient with the filters turned around."""
    V = target.lanes(ITEMSIZE[T])
    inputs, outputs = form.inputs, form.outputs
    along = (inputs * 9, 9)
    if backward:
        inputs, outputs, along = outputs, inputs, along[::-1]
    registers = V >= 9
    order = ["8 - j", "5 - j", "2 - j"] if backward else ["j", "3 + j", "6 + j"]
    names = {
        "T": T, "V": V, "IN": inputs, "OUT": outputs, "JV": block_of(outputs, target, T) * V,
        "SOUT": along[0], "SIN": along[1], "SIZE": inputs * outputs * 9,
        "LASTLANE": (V - 1) * along[0], "ROOM": max(V, 9), "W0": order[0], "W1": order[1],
        "W2": order[2], "backward": " turned around" if backward else "",
    }  # fmt: skip
    needs: tuple[Kernel, ...] = ()
    if registers:
        needs = (transposed(target, T),)
        names["TRANSPOSED"] = needs[0].name
    names["square"] = indented(fill(_WHOLE if registers else _BY_LANES, names), 12)
    return kernel("filters_transformed", fill(_TRANSFORMED, names), (f"vectors_{T}",), needs=needs)


def gradient_tiles(form: Form) -> Tiles:
    """How the gradient of a result is shared out into units: what is transformed stays in the cache."""
    small = form.inputs + form.outputs <= 64
    return tiles(form.result, 16 if small else 32)


def weight_gradient(form: Form, x: Images, g: Images, bias: bool, target: Target, T: str) -> Kernel:
    """`(x, g, sums, begin, end)`; x has the `border` of its result, g that of `odd`."""
    V, size = target.lanes(ITEMSIZE[T]), ITEMSIZE[T]
    tile = gradient_tiles(form)
    inp, step_in = _apart(x.channels, tile.count, size)
    outp, step_out = _apart(g.channels, tile.count, size)
    vectors = block_of(g.channels, target, T)
    P = _divisor(form.inputs, min(16, (target.registers - 1 - vectors) // vectors))
    patches = _patches(x, tile.width, inp, step_in, V, T)
    place = f"sums + {16 * form.inputs * form.outputs} + o"
    names = {
        **_units(tile), "T": T, "V": V, "what": form, "source": x, "gradient": g, "IN": form.inputs,
        "OUT": form.outputs, "J": vectors, "JV": vectors * V, "P": P, "INP": inp, "OUTP": outp,
        "STEP_IN": step_in, "STEP_OUT": step_out, "PATCHES": patches.name,
        "XSTART": x.start - form.padding[0] * x.row - form.padding[1] * x.pixel,
        "XIMAGE": x.image, "XROWS": 2 * x.row, "GSTART": g.start, "GIMAGE": g.image, "GROW": g.row,
        "GPIXEL": g.pixel, "NEXT": x.start + (2 * tile.rows + 2 - form.padding[0]) * x.row,
        "LINES": _lines(tile, x, size), "GLINES": _lines(tile, g, size), "LINE": 64 // size,
        "bias": ", the bias's behind them" if bias else "",
        "ADDBIAS": f"v{T}_store({place}, v{T}_load({place}) + whole);" if bias else "(void)whole;",
    }  # fmt: skip
    scratch = 16 * (step_in + step_out) * size
    return kernel("winograd_weight", fill(_WEIGHT, names), (f"vectors_{T}",), scratch, (patches,))


def transformed_back(form: Form, T: str, target: Target, part: int, parts: int) -> Kernel:
    """`(sums)`: the parts added up, and the gradients of nine taps in place of the first nine."""
    names = {
        "T": T, "V": target.lanes(ITEMSIZE[T]), "IN": form.inputs, "OUT": form.outputs,
        "PART": part, "PARTS": parts,
    }  # fmt: skip
    return kernel("filters_transformed_back", fill(_BACK, names), (f"vectors_{T}",))
