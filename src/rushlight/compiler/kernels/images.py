"""Where images lie in memory, and the C that brings them from one place to another."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from rushlight.compiler.kernels.kernel import Kernel
from rushlight.compiler.kernels.target import Target
from rushlight.compiler.kernels.text import ITEMSIZE, fill, indented, kernel


@dataclass(frozen=True)
class Border:
    """Rows above and below, columns to the left and right of every image, all zeros."""

    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0

    def __or__(self, other: Border) -> Border:
        """The border that serves both."""
        return Border(
            max(self.top, other.top),
            max(self.bottom, other.bottom),
            max(self.left, other.left),
            max(self.right, other.right),
        )

    def __ge__(self, other: Border) -> bool:
        """Whether it is at least the other everywhere."""
        return self | other == self


@dataclass(frozen=True)
class Images:
    """A batch of images in one buffer; functions are given where the buffer begins.

    With `planes` channel by channel as in torch ([N, C, H, W]), else channels last: the numbers of a
    pixel are neighbours, and `pitch` numbers apart from those of the next pixel.
    """

    batch: int
    channels: int
    height: int
    width: int
    border: Border = Border()
    planes: bool = False
    pitch: int = 0

    @property
    def lines(self) -> int:
        """Rows of an image, the border included."""
        return self.height + self.border.top + self.border.bottom

    @property
    def row(self) -> int:
        """Numbers from a row to the next."""
        return (self.width + self.border.left + self.border.right) * self.pixel

    @property
    def pixel(self) -> int:
        """Numbers from a pixel to the next."""
        return 1 if self.planes else self.pitch or self.channels

    @property
    def channel(self) -> int:
        """Numbers from a channel to the next."""
        return self.lines * self.row if self.planes else 1

    @property
    def image(self) -> int:
        """Numbers from an image to the next."""
        return self.lines * self.row * (self.channels if self.planes else 1)

    @property
    def size(self) -> int:
        """Numbers in the buffer."""
        return self.batch * self.image

    @property
    def start(self) -> int:
        """Where the first pixel that is not border stands."""
        return self.border.top * self.row + self.border.left * self.pixel

    def __str__(self) -> str:
        b, order = self.border, "[N, C, H, W]" if self.planes else "[N, H, W, C]"
        sizes = f"{self.batch} images of {self.height}x{self.width}x{self.channels} as {order}"
        if b == Border():
            return sizes
        return f"{sizes} within a border of {b.top}, {b.bottom}, {b.left}, {b.right}"

    def bordered(self, border: Border) -> Images:
        """The same with this border at least."""
        return replace(self, border=self.border | border)


_MOVED = """\
/* $source
   to $result; a unit is one row of an image. */
static void $NAME(const $T *restrict x, $T *restrict y, long begin, long end)
{
    for (long r = begin; r < end; r++) {
        const $T *from = x + $XSTART + r / $H * $XIMAGE + r % $H * $XROW;
        $T *to = y + $YSTART + r / $H * $YIMAGE + r % $H * $YROW;
        for (long l = 0; l < $LONG; l += $STEP)
            for (long s = 0; s < $SHORT; s += $STEP) {
$square
                for (long i = l; i < l + $STEP && i < $LONG; i++)
                    for (long j = s; j < s + $STEP && j < $SHORT; j++)
                        to[i * $TO + j] = from[j * $FROM + i];
            }
    }
}
"""

_SQUARE = """\
if (l + $V <= $LONG && s + $V <= $SHORT) {
    v$T block[$V];
#pragma GCC unroll $V
    for (int i = 0; i < $V; i++)
        block[i] = v${T}_load(from + (s + i) * $FROM + l);
    v${T}_transpose(block);
#pragma GCC unroll $V
    for (int i = 0; i < $V; i++)
        v${T}_store(to + (l + i) * $TO + s, block[i]);
    continue;
}"""

_COPIED = """\
/* $source
   to $result; a unit is one row of an image. */
static void $NAME(const $T *restrict x, $T *restrict y, long begin, long end)
{
    for (long r = begin; r < end; r++)
        for (long c = 0; c < $COUNT; c++)
            memcpy(y + $YSTART + r / $H * $YIMAGE + r % $H * $YROW + c * $TO,
                             x + $XSTART + r / $H * $XIMAGE + r % $H * $XROW + c * $FROM,
                             $LENGTH * sizeof($T));
}
"""


def moved(x: Images, y: Images, target: Target, T: str = "float") -> Kernel:
    """`(x, y, begin, end)`: from one layout to another; units are rows (image * height + row).

    The border of y is not written.
    """
    V = target.lanes(ITEMSIZE[T])
    places = {
        "T": T, "V": V, "H": x.height, "source": x, "result": y,
        "XSTART": x.start, "XIMAGE": x.image, "XROW": x.row,
        "YSTART": y.start, "YIMAGE": y.image, "YROW": y.row,
    }  # fmt: skip
    if x.planes == y.planes:
        count, length = (x.channels, x.width) if x.planes else (x.width, x.channels)
        if not x.planes and x.pixel == y.pixel == x.channels:
            count, length = 1, x.width * x.channels
        steps = (x.channel, y.channel) if x.planes else (x.pixel, y.pixel)
        places |= {"COUNT": count, "LENGTH": length, "FROM": steps[0], "TO": steps[1]}
        return kernel("images_copied", fill(_COPIED, places), (f"memory_{T}",))
    if x.planes:
        ways = {"LONG": x.width, "SHORT": x.channels, "FROM": x.channel, "TO": y.pixel}
    else:
        ways = {"LONG": x.channels, "SHORT": x.width, "FROM": x.pixel, "TO": y.channel}
    names: dict[str, object] = {**places, **ways, "STEP": max(V, 8), "square": ""}
    if V > 1:
        names |= {"STEP": V, "square": indented(fill(_SQUARE, names), 16)}
    stem = "images_to_channels_last" if x.planes else "images_to_planes"
    text = fill(_MOVED, names).replace("\n\n", "\n")
    return kernel(stem, text, (f"transposition_{T}",) if V > 1 else ())


_CLEARED = """\
/* Zeros into the border of $result; a unit is an image$each. */
static void $NAME($T *restrict y, long begin, long end)
{
    for (long n = begin; n < end; n++) {
        $T *image = y + n * $PLANE;
        memset(image, 0, $TOP * sizeof($T));
        for (long r = 0; r < $H; r++) {
            memset(image + $TOP + r * $ROW, 0, $LEFT * sizeof($T));
            memset(image + $TOP + (r + 1) * $ROW - $RIGHT, 0, $RIGHT * sizeof($T));
        }
        memset(image + $PLANE - $BOTTOM, 0, $BOTTOM * sizeof($T));
    }
}
"""


def cleared(y: Images, T: str = "float") -> tuple[Kernel, int]:
    """`(y, begin, end)`: zeros into the border; and how many units there are."""
    b = y.border
    places = {
        "T": T, "result": y, "each": " and channel" if y.planes else "", "H": y.height,
        "PLANE": y.lines * y.row, "ROW": y.row, "TOP": b.top * y.row, "BOTTOM": b.bottom * y.row,
        "LEFT": b.left * y.pixel, "RIGHT": b.right * y.pixel,
    }  # fmt: skip
    units = y.batch * (y.channels if y.planes else 1)
    return kernel("border_cleared", fill(_CLEARED, places), (f"memory_{T}",)), units


def rounded_up(number: int, step: int) -> int:
    """The next multiple of a step.

    >>> rounded_up(10, 16)
    16
    """
    return math.ceil(number / step) * step


_BAND = """\
/* $LINES rows from `first` on (may be outside) of image n of $source, with zeros around. */
static void $NAME(const $T *restrict x, $T *restrict band, long n, long first)
{
    for (long c = 0; c < $PLANES; c++)
        for (long i = 0; i < $LINES; i++, band += $ROW) {
            const long row = first + i;
            if (row < 0 || row >= $H) {
                memset(band, 0, $ROW * sizeof($T));
                continue;
            }
            memset(band, 0, $LEFT * sizeof($T));
            memcpy(band + $LEFT, x + $START + n * $IMAGE + c * $CHANNEL + row * $XROW, $LENGTH * sizeof($T));
            memset(band + $LEFT + $LENGTH, 0, $RIGHT * sizeof($T));
        }
}
"""


def band(x: Images, lines: int, border: Border, T: str) -> tuple[Kernel, Images]:
    """`(x, band, image, first row)`, which gives some rows of an image the border they lack.

    And how the band lies: as one image of that many rows, which has the border's columns only.
    """
    sides = replace(border, top=0, bottom=0)
    result = Images(1, x.channels, lines, x.width, sides, x.planes, 0 if x.planes else x.pixel)
    names = {
        "T": T, "source": x, "LINES": lines, "ROW": result.row, "H": x.height,
        "PLANES": x.channels if x.planes else 1, "LEFT": border.left * x.pixel,
        "RIGHT": border.right * x.pixel, "LENGTH": x.width * x.pixel, "START": x.start,
        "IMAGE": x.image, "CHANNEL": x.channel, "XROW": x.row,
    }  # fmt: skip
    return kernel("rows_with_border", fill(_BAND, names), (f"memory_{T}",)), result
