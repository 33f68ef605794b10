"""Pooling in C: the largest number of windows with the place of the winner, sums, and both backwards.

A NaN wins its window, and the last of several; of equals the first wins. What is outside of an image takes no part, so
no border is read. Images are channels last; planes are images of one channel, as `flat` gives them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from rushlight.compiler.kernels.geometry import Pair
from rushlight.compiler.kernels.images import Images
from rushlight.compiler.kernels.kernel import Kernel
from rushlight.compiler.kernels.target import Target
from rushlight.compiler.kernels.text import ITEMSIZE, fill, indented, kernel


@dataclass(frozen=True)
class Windows:
    """Windows over images; one dimension has height 1."""

    kernel: Pair
    stride: Pair
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)

    @property
    def taps(self) -> int:
        """Elements of a window."""
        return math.prod(self.kernel)

    @property
    def number(self) -> str:
        """C's type of the place of a winner, which is that of the rows of the table."""
        return "unsigned char" if self.taps <= 256 else "int"

    def inside(self, size: Pair, result: Pair) -> bool:
        """Whether no window reaches beyond the image."""
        ends = (
            (o - 1) * s - p + (k - 1) * d < n
            for n, o, k, s, p, d in zip(
                size, result, self.kernel, self.stride, self.padding, self.dilation, strict=True
            )
        )
        return max(self.padding) == 0 and all(ends)

    @property
    def apart(self) -> bool:
        """Whether no two windows share an element."""
        return all(
            s >= d * (k - 1) + 1
            for k, s, d in zip(self.kernel, self.stride, self.dilation, strict=True)
        )


def flat(planes: Images) -> Images:
    """Images channel by channel as more images of one channel."""
    return replace(planes, batch=planes.batch * planes.channels, channels=1, planes=False)


def _numbers(windows: Windows, x: Images, y: Images, target: Target, T: str) -> dict[str, object]:
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = (
        windows.kernel, windows.stride, windows.padding, windows.dilation
    )  # fmt: skip
    return {
        "T": T, "V": target.lanes(ITEMSIZE[T]), "I": {"float": "int", "double": "long long"}[T],
        "W": windows.number, "BYTES": target.lanes(ITEMSIZE[T]) * ITEMSIZE[T],
        "WBYTES": target.lanes(ITEMSIZE[T]) * (1 if windows.taps <= 256 else 4),
        "C": x.channels, "H": x.height, "WIDTH": x.width, "OH": y.height, "OW": y.width,
        "KH": kh, "KW": kw, "SH": sh, "SW": sw, "PH": ph, "PW": pw, "DH": dh, "DW": dw,
        "XSTART": x.start, "XIMAGE": x.image, "XROW": x.row, "XPIXEL": x.pixel,
        "YSTART": y.start, "YIMAGE": y.image, "YROW": y.row, "YPIXEL": y.pixel,
        "source": x, "result": y, "windows": f"{kh}x{kw}, stride {sh}x{sw}"
        + (f", padding {ph}x{pw}" if ph or pw else "") + (f", dilation {dh}x{dw}" if dh * dw > 1 else ""),
    }  # fmt: skip


_WINDOWS = """\
/* $what of windows $windows
   x: $source
   y: $result; a unit is a row of an image of y. */
static void $NAME($ARGUMENTS, long begin, long end)
{
$types    for (long r = begin; r < end; r++) {
        const long n = r / $OH, oy = r % $OH, top = oy * $SH - $PH;
$ybounds
        for (long ox = 0; ox < $OW; ox++) {
            const long left = ox * $SW - $PW;
$xbounds
            const $T *from = x + $XSTART + n * $XIMAGE + top * $XROW + left * $XPIXEL;
            $T *to = y + $YSTART + n * $YIMAGE + oy * $YROW + ox * $YPIXEL;
$place
            long c = 0;
$vectors
            for (; c < $C; c++) {
$numbers
            }
        }
    }
}
"""

_BOUNDS = """\
long $A0 = 0, $A1 = $K;
while ($AT + $A0 * $D < 0) $A0++;
while ($AT + ($A1 - 1) * $D >= $SIZE) $A1--;"""

_TYPES = """\
    typedef $I places __attribute__((vector_size($BYTES)));
"""

_BYTES = """\
    typedef $W bytes __attribute__((vector_size($WBYTES), aligned(1), may_alias));
"""

# gcc goes number by number where a conversion does more than double the size.
_STEPS = {2: "unsigned short", 4: "unsigned int"}


def _read(windows: Windows, V: int, T: str) -> tuple[str, str]:
    """The types on the way from a winner's place in memory to one of the size of T, and the conversion."""
    size, types, text = (1 if windows.taps <= 256 else 4), "", "*(const bytes *)(won + c)"
    while 2 * size < ITEMSIZE[T]:
        size *= 2
        types += (
            f"    typedef {_STEPS[size]} bytes{size} __attribute__((vector_size({V * size})));\n"
        )
        text = f"__builtin_convertvector({text}, bytes{size})"
    return types, f"const places won_by = __builtin_convertvector({text}, places);"


_MAX_VECTORS = """\
for (; c + $V <= $C; c += $V) {
    v$T best = v${T}_of(-INFINITY);
    $STARTVECTOR
    for (long ky = $Y0; ky < $Y1; ky++)
        for (long kx = $X0; kx < $X1; kx++) {
            const v$T v = v${T}_load(from + ky * $DROW + kx * $DPIXEL + c);
            const places wins = (v > best) | (v != v);
            best = (v$T)((wins & (places)v) | (~wins & (places)best));
            $MOVEVECTOR
        }
    v${T}_store(to + c, best);
    $KEEPVECTOR
}"""

_MAX_NUMBERS = """\
$T best = -INFINITY;
$START
for (long ky = $Y0; ky < $Y1; ky++)
    for (long kx = $X0; kx < $X1; kx++) {
        const $T v = from[ky * $DROW + kx * $DPIXEL + c];
        if (v > best || v != v) {
            best = v;
            $MOVE
        }
    }
to[c] = best;
$KEEP"""

_SUM_VECTORS = """\
for (; c + $V <= $C; c += $V) {
    v$T sum = {0};
    for (long ky = $Y0; ky < $Y1; ky++)
        for (long kx = $X0; kx < $X1; kx++)
            sum += v${T}_load(from + ky * $DROW + kx * $DPIXEL + c);
    v${T}_store(to + c, sum);
}"""

_SUM_NUMBERS = """\
$T sum = 0;
for (long ky = $Y0; ky < $Y1; ky++)
    for (long kx = $X0; kx < $X1; kx++)
        sum += from[ky * $DROW + kx * $DPIXEL + c];
to[c] = sum;"""


def _forward(
    what: str, windows: Windows, x: Images, y: Images, vectors: str, numbers: str, arguments: str,
    target: Target, T: str, winner: bool, **more: object,
) -> Kernel:  # fmt: skip
    names = {**_numbers(windows, x, y, target, T), "what": what, "ARGUMENTS": arguments, **more}
    names |= {"DROW": windows.dilation[0] * x.row, "DPIXEL": windows.dilation[1] * x.pixel}
    names |= {
        "Y0": "0",
        "Y1": windows.kernel[0],
        "X0": "0",
        "X1": windows.kernel[1],
        "ybounds": "",
        "xbounds": "",
    }
    if not windows.inside((x.height, x.width), (y.height, y.width)):
        for axis, at, d in (("Y", "top", 0), ("X", "left", 1)):
            low = {
                "A0": f"{axis.lower()}0",
                "A1": f"{axis.lower()}1",
                "K": windows.kernel[d],
                "AT": at,
            }
            low |= {"D": windows.dilation[d], "SIZE": (x.height, x.width)[d]}
            names[f"{axis.lower()}bounds"] = indented(fill(_BOUNDS, low), 8 + 4 * d)
            names |= {f"{axis}0": low["A0"], f"{axis}1": low["A1"]}
    V = target.lanes(ITEMSIZE[T])
    wide = V > 1 and x.channels >= V
    # Twice: what is filled in has names of its own.
    names["vectors"] = indented(fill(fill(vectors, names), names), 12) if wide else ""
    names["types"] = (
        fill(_TYPES + _BYTES * winner, names) if wide and vectors is _MAX_VECTORS else ""
    )
    names["numbers"] = indented(fill(fill(numbers, names), names), 16)
    names["place"] = indented(str(names["place"]), 12)
    text = "\n".join(line for line in fill(_WINDOWS, names).split("\n") if line.strip())
    return kernel("pooled", text + "\n", (f"memory_{T}", *((f"vectors_{T}",) if wide else ())))


def maximum(
    windows: Windows, x: Images, y: Images, target: Target, T: str = "float", winner: bool = True
) -> Kernel:
    """`(x, y, winner, begin, end)`, or without winner; units are rows (image * height of y + row).

    The winner's place in its window stands as a byte ([N, H, W, C], without border), as an int for windows of
    more than 256 elements.
    """
    names = dict.fromkeys(
        ("START", "STARTVECTOR", "MOVE", "MOVEVECTOR", "KEEP", "KEEPVECTOR", "place"), ""
    )
    arguments = "const $T *restrict x, $T *restrict y"
    if winner:
        names = {
            "START": "int place = $Y0 * $KW + $X0;",
            "STARTVECTOR": "places place = (places){0} + (int)($Y0 * $KW + $X0);",
            "MOVE": "place = ky * $KW + kx;",
            "MOVEVECTOR": "place = (wins & (int)(ky * $KW + kx)) | (~wins & place);",
            "KEEP": "won[c] = place;",
            "KEEPVECTOR": "*(bytes *)(won + c) = __builtin_convertvector(place, bytes);",
            "place": f"{windows.number} *won = winner + (r * {y.width} + ox) * {y.channels};",
        }
        arguments += ", $W *restrict winner"
    given = fill(arguments, {"T": T, "W": windows.number})
    return _forward(
        "The largest number",
        windows,
        x,
        y,
        _MAX_VECTORS,
        _MAX_NUMBERS,
        given,
        target,
        T,
        winner,
        **names,
    )


def total(windows: Windows, x: Images, y: Images, target: Target, T: str = "float") -> Kernel:
    """`(x, y, begin, end)`: the sums of windows."""
    given = f"const {T} *restrict x, {T} *restrict y"
    return _forward(
        "The sum", windows, x, y, _SUM_VECTORS, _SUM_NUMBERS, given, target, T, False, place=""
    )


_APART = """\
/* Back from windows $windows that do not meet: $what
   g: $result
   x: $source; a unit is $SH rows of an image of x, and at the end all that are left. */
static void $NAME($ARGUMENTS, long begin, long end)
{
$types    for (long r = begin; r < end; r++) {
        const long n = r / $OH, oy = r % $OH;
        $T *rows = x + $XSTART + n * $XIMAGE + oy * $SH * $XROW;
$clear
        for (long ox = 0; ox < $OW; ox++) {
            const $T *from = g + $YSTART + n * $YIMAGE + oy * $YROW + ox * $YPIXEL;
            $T *to = rows + ox * $SW * $XPIXEL;
$place
            long c = 0;
$vectors
            for (; c < $C; c++)
                for (long ky = 0; ky < $KH; ky++)
                    for (long kx = 0; kx < $KW; kx++)
                        to[ky * $DROW + kx * $DPIXEL + c] = $NUMBER;
        }
    }
}
"""

_CLEAR = """\
for (long i = 0; i < (oy < $LAST ? $SH : $H - $LAST * $SH); i++)
    for (long j = 0; j < $WIDTH; j++)
        for (long c = 0; c < $C; c++)
            rows[i * $XROW + j * $XPIXEL + c] = 0;"""

_APART_VECTORS = """\
for (; c + $V <= $C; c += $V) {
    const v$T v = v${T}_load(from + c);
    $READ
    for (long ky = 0; ky < $KH; ky++)
        for (long kx = 0; kx < $KW; kx++)
            v${T}_store(to + ky * $DROW + kx * $DPIXEL + c, $VECTOR);
}"""

_MEETING = """\
/* Back from windows $windows: $what
   g: $result
   x: $source; a unit is a row of an image of x. */
static void $NAME($ARGUMENTS, long begin, long end)
{
$types    for (long r = begin; r < end; r++) {
        const long n = r / $H, y = r % $H;
        $T *row = x + $XSTART + n * $XIMAGE + y * $XROW;
        for (long i = 0; i < $WIDTH; i++)
            for (long c = 0; c < $C; c++)
                row[i * $XPIXEL + c] = 0;
        for (long ky = 0; ky < $KH; ky++) {
            const long down = y + $PH - ky * $DH, oy = down / $SH;
            if (down < 0 || down % $SH || oy >= $OH)
                continue;
            for (long kx = 0; kx < $KW; kx++)
                for (long ox = 0; ox < $OW; ox++) {
                    const long i = ox * $SW - $PW + kx * $DW;
                    if (i < 0 || i >= $WIDTH)
                        continue;
                    const $T *from = g + $YSTART + n * $YIMAGE + oy * $YROW + ox * $YPIXEL;
                    $T *to = row + i * $XPIXEL;
$place
                    long c = 0;
$vectors
                    for (; c < $C; c++)
                        to[c] += $NUMBER;
                }
        }
    }
}
"""

_MEETING_VECTORS = """\
for (; c + $V <= $C; c += $V) {
    const v$T v = v${T}_load(from + c);
    $READ
    v${T}_store(to + c, v${T}_load(to + c) + $VECTOR);
}"""


def _backward(
    what: str, windows: Windows, g: Images, x: Images, target: Target, T: str, winner: bool
) -> tuple[Kernel, int]:
    V = target.lanes(ITEMSIZE[T])
    wide = V > 1 and x.channels >= V
    names = _numbers(windows, x, g, target, T)
    names |= {"DROW": windows.dilation[0] * x.row, "DPIXEL": windows.dilation[1] * x.pixel}
    apart = windows.apart and windows.inside((x.height, x.width), (g.height, g.width))
    names |= {"what": what, "place": "", "READ": "", "VECTOR": "v", "LAST": g.height - 1}
    names["NUMBER"] = "from[c]"
    given = f"const {T} *restrict g, {T} *restrict x"
    by = 12 if apart else 20
    steps, read = _read(windows, V, T)
    if winner:
        given = f"const {T} *restrict g, const {windows.number} *restrict winner, {T} *restrict x"
        tap = f"ky * {windows.kernel[1]} + kx"
        window = "r" if apart else f"(n * {g.height} + oy)"
        place = (
            f"const {windows.number} *won = winner + ({window} * {g.width} + ox) * {g.channels};"
        )
        names |= {
            "READ": read,
            "VECTOR": f"(v{T})((won_by == (int)({tap})) & (places)v)",
            "NUMBER": f"(won[c] == {tap} ? from[c] : 0)",
            "place": indented(place, by),
        }
    tiled = windows.kernel == windows.stride and windows.dilation == (1, 1)
    tiled = tiled and (x.height, x.width) == (
        g.height * windows.stride[0], g.width * windows.stride[1]
    )  # fmt: skip
    names["clear"] = "" if tiled else indented(fill(_CLEAR, names), 8)
    names["ARGUMENTS"] = given
    text = _APART_VECTORS if apart else _MEETING_VECTORS
    names["vectors"] = indented(fill(text, names), by) if wide else ""
    names["types"] = fill(_TYPES + _BYTES + steps, names) if wide and winner else ""
    whole = fill(_APART if apart else _MEETING, names)
    whole = "\n".join(line for line in whole.split("\n") if line.strip()) + "\n"
    made = kernel("pooled_back", whole, (f"memory_{T}", *((f"vectors_{T}",) if wide else ())))
    return made, x.batch * (g.height if apart else x.height)


def scattered(
    windows: Windows, g: Images, x: Images, target: Target, T: str = "float"
) -> tuple[Kernel, int]:
    """`(g, winner, x, begin, end)`, the maximum's backward; and how many units there are."""
    return _backward("to the winners", windows, g, x, target, T, True)


def spread(
    windows: Windows, g: Images, x: Images, target: Target, T: str = "float"
) -> tuple[Kernel, int]:
    """`(g, x, begin, end)`, the sum's backward; and how many units there are."""
    return _backward("to all", windows, g, x, target, T, False)
