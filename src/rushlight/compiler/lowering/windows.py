"""Windows that move over the last dimensions: sums, maxima of every form, and windows as rows of their own.

What a loop goes over is [..., windows, elements of a window]: `_Taps` says where in the whole each of them lies.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight.compiler.emit.expressions import literal
from rushlight.compiler.graph import (
    Expression,
    Fold,
    Images,
    Literal,
    NoC,
    Pick,
    Place,
    Position,
    Shape,
)
from rushlight.compiler.kernels.pooling import Windows
from rushlight.compiler.lowering.images import flat_images, pair
from rushlight.compiler.lowering.indexing import add
from rushlight.compiler.lowering.program import Lowering, rule
from rushlight.compiler.lowering.reductions import SUM
from rushlight.compiler.recording.entries import Operation
from rushlight.dtypes import NARROW

_BOOL, _LONG = np.dtype(np.bool_), np.dtype(np.int64)


class _Taps:
    """The elements of windows: of `out_size` windows over a whole of `size`, in each of the last dimensions."""

    def __init__(
        self, lowering: Lowering, lead: Shape, size: Shape, out_size: Shape, static: dict[str, Any]
    ) -> None:
        self.lowering, self.lead, self.size, self.out_size = lowering, lead, size, out_size
        self.kernel, self.rank = tuple(static["kernel"]), len(static["kernel"])
        self.static = static
        self.shape = (*lead, *out_size, *self.kernel)
        # Which dimensions of the loop are those of the elements of a window.
        self.dims = tuple(range(len(lead) + self.rank, len(self.shape)))
        first = len(lead)
        self.within = [Position(_LONG, first + self.rank + d) for d in range(self.rank)]
        self.positions = [Position(_LONG, d) for d in range(first)]

    def number(self) -> Expression:
        """The number of an element within its window."""
        texts, step = [], 1
        for d in reversed(range(self.rank)):
            texts.append(f"{{k{d}}} * {step}")
            step *= self.kernel[d]
        parts = {f"k{d}": at for d, at in enumerate(self.within)}
        return self.lowering.compute(_LONG, " + ".join(reversed(texts)), **parts)

    def places(self, within: Sequence[Expression] | None = None) -> list[Expression]:
        """Where in the whole an element stands, or stood within its window: in padding, beyond it."""
        found, form = [], self.static
        for d, at in enumerate(self.within if within is None else within):
            window = Position(_LONG, len(self.lead) + d)
            text = f"{{w}} * {form['stride'][d]} - {form['padding'][d]} + {{k}} * {form['dilation'][d]}"
            found.append(self.lowering.compute(_LONG, text, w=window, k=at))
        return found

    def inside(self, places: list[Expression]) -> Expression:
        """Whether that is no padding."""
        text = " && ".join(f"{{p{d}}} >= 0 && {{p{d}}} < {n}" for d, n in enumerate(self.size))
        return self.lowering.compute(_BOOL, text, **{f"p{d}": p for d, p in enumerate(places)})

    def element(
        self, x: Place, other: str, within: Sequence[Expression] | None = None
    ) -> Expression:
        """The element of x, or something else in padding."""
        places = self.places(within)
        there = Pick(x.dtype, x, (*self.positions, *places))
        text = f"{{inside}} ? {{x}} : {other}"
        return self.lowering.compute(x.dtype, text, inside=self.inside(places), x=there)

    def add(
        self,
        out: Place,
        value: Expression,
        within: Sequence[Expression] | None = None,
        shape: Shape | None = None,
    ) -> None:
        """Add what is no padding to the elements of out."""
        self.lowering.loop(out, Literal(out.dtype, 0))
        places = self.places(within)
        inside = self.inside(places)
        compute = self.lowering.compute
        value = compute(out.dtype, "{inside} ? {v} : 0", inside=inside, v=value)
        safe = [compute(_LONG, "{inside} ? {p} : 0", inside=inside, p=p) for p in places]
        add(
            self.lowering,
            out,
            value,
            self.shape if shape is None else shape,
            (*self.positions, *safe),
        )

    def winner(self, winner: Place, shape: Shape) -> list[Expression]:
        """Where within its window a winner stands, given by its number."""
        number = self.lowering.element(winner, shape, _LONG)
        within, below = [], math.prod(self.kernel)
        for n in self.kernel:
            below //= n
            within.append(self.lowering.compute(_LONG, f"{{w}} / {below} % {n}", w=number))
        return within


def _taps(lowering: Lowering, x: Place, out_size: Shape, static: dict[str, Any]) -> _Taps:
    """The windows over an array."""
    rank = len(static["kernel"])
    return _Taps(lowering, x.shape[:-rank], x.shape[-rank:], tuple(out_size), static)


def _plain(place: Place) -> None:
    if place.dtype.kind not in "iuf" or place.dtype in NARROW:
        raise NoC(f"windows of {place.dtype}")


def _opened(place: Place, rank: int) -> Place:
    """With the dimensions of the elements of a window behind it, along which it stands still."""
    ones, still = (1,) * rank, (0,) * rank
    return Place(place.memory, place.offset, (*place.shape, *ones), (*place.strides, *still))


@rule("window_sum")
def _window_sum(lowering: Lowering, entry: Operation) -> None:
    x, out = lowering.place(entry.inputs[0]), lowering.out(entry.outs[0])
    _plain(x)
    taps = _taps(lowering, x, entry.static["out_size"], entry.static)
    lowering.folded(out, taps.element(x, "0"), taps.shape, taps.dims, SUM)


@rule("window_spread")
def _window_spread(lowering: Lowering, entry: Operation) -> None:
    x, out = lowering.place(entry.inputs[0]), lowering.out(entry.outs[0])
    _plain(x)
    static = entry.static
    rank = len(static["kernel"])
    taps = _taps(lowering, out, x.shape[-rank:], static)
    value = lowering.element(_opened(x, rank), taps.shape)
    tiled = all(
        k == s and d == 1 and not p and o * k == n
        for k, s, d, p, o, n in zip(
            static["kernel"], static["stride"], static["dilation"], static["padding"], taps.out_size,
            taps.size, strict=True,
        )
    )  # fmt: skip
    if not tiled:
        taps.add(out, value)
        return
    # Every element belongs to one window.
    steps = out.strides[-rank:]
    over = tuple(s * k for s, k in zip(steps, taps.kernel, strict=True))
    strides = (*out.strides[:-rank], *over, *steps)
    lowering.loop(Place(out.memory, out.offset, taps.shape, strides), value)


def _lowest(dtype: np.dtype[Any]) -> str:
    return "-INFINITY" if dtype.kind == "f" else literal(int(np.iinfo(dtype).min), dtype)


def _has_kernel(x: Place, entry: Operation) -> bool:
    """Whether there is a kernel for windows over such an array."""
    rank = len(entry.static["kernel"])
    return x.dtype.name in ("float32", "float64") and rank < 3 and len(x.shape) - rank in (1, 2)


def _add_kernel(
    lowering: Lowering, way: str, entry: Operation, inputs: Sequence[Place], outs: Sequence[Place]
) -> None:
    static = entry.static
    form = Windows(
        pair(static["kernel"], 1), pair(static["stride"], 1), pair(static["padding"], 0),
        pair(static["dilation"], 1),
    )  # fmt: skip
    given, made = flat_images(entry, *inputs), flat_images(entry, *outs)
    lowering.add(Images(lowering.where, way, form, given, made))


@rule("max_pool")
def _max_pool(lowering: Lowering, entry: Operation) -> None:
    x, out = lowering.place(entry.inputs[0]), lowering.out(entry.outs[0])
    if _has_kernel(x, entry):
        few = math.prod(entry.static["kernel"]) <= 256
        winner = lowering.temporary(out.shape, np.dtype(np.uint8 if few else np.int32), "winner")
        _add_kernel(lowering, "maximum", entry, (x,), (out, winner))
    else:
        _maxima(lowering, x, out, entry.static)


@rule("max_pool_from")
def _max_pool_from(lowering: Lowering, entry: Operation) -> None:
    x = lowering.place(entry.inputs[0])
    out, winner = map(lowering.out, entry.outs)
    if _has_kernel(x, entry):
        _add_kernel(lowering, "maximum", entry, (x,), (out, winner))
    else:
        _maxima(lowering, x, out, entry.static)
        _winners(lowering, x, out, winner, entry.static)


@rule("pool_scatter")
def _pool_scatter(lowering: Lowering, entry: Operation) -> None:
    g, winner = map(lowering.place, entry.inputs)
    out = lowering.out(entry.outs[0])
    if _has_kernel(g, entry):
        _add_kernel(lowering, "scattered", entry, (g, winner), (out,))
        return
    _plain(g)
    taps = _taps(lowering, out, g.shape[-len(entry.static["kernel"]) :], entry.static)
    taps.add(out, lowering.element(g, g.shape), taps.winner(winner, winner.shape), g.shape)


def _maxima(lowering: Lowering, x: Place, out: Place, static: dict[str, Any]) -> None:
    _plain(x)
    taps = _taps(lowering, x, static["out_size"], static)
    lowest = _lowest(x.dtype)
    lowering.folded(out, taps.element(x, lowest), taps.shape, taps.dims, Fold("max", lowest))


@rule("pool_winner")
def _pool_winner(lowering: Lowering, entry: Operation) -> None:
    x, best = map(lowering.place, entry.inputs)
    _winners(lowering, x, best, lowering.out(entry.outs[0]), entry.static)


def _winners(
    lowering: Lowering, x: Place, best: Place, winner: Place, static: dict[str, Any]
) -> None:
    """The first that equals the maximum; of what is no number the last."""
    _plain(x)
    taps = _taps(lowering, x, static["out_size"], static)
    number, count = taps.number(), math.prod(taps.kernel)
    places = taps.places()
    parts = {
        "inside": taps.inside(places), "x": Pick(x.dtype, x, (*taps.positions, *places)),
        "best": lowering.element(_opened(best, taps.rank), taps.shape), "number": number,
    }  # fmt: skip
    first = lowering.temporary(winner.shape, _LONG, "first")
    hit = lowering.compute(
        _LONG, f"{{inside}} && {{x}} == {{best}} ? {{number}} : {count}", **parts
    )
    lowering.folded(first, hit, taps.shape, taps.dims, Fold("min", str(count)))
    last = lowering.temporary(winner.shape, _LONG, "last")
    del parts["best"]
    missing = lowering.compute(_LONG, "{inside} && {x} != {x} ? {number} : -1", **parts)
    lowering.folded(last, missing, taps.shape, taps.dims, Fold("max", "-1"))
    lowering.loop(
        winner,
        lowering.compute(
            _LONG, f"{{last}} >= 0 ? {{last}} : {{first}} < {count} ? {{first}} : 0",
            last=lowering.element(last, winner.shape), first=lowering.element(first, winner.shape),
        ),
    )  # fmt: skip


@rule("pool_positions")
def _pool_positions(lowering: Lowering, entry: Operation) -> None:
    winner, out = lowering.place(entry.inputs[0]), lowering.out(entry.outs[0])
    static = entry.static
    rank = len(static["kernel"])
    taps = _Taps(
        lowering, winner.shape[:-rank], tuple(static["size"]), winner.shape[-rank:], static
    )
    places = taps.places(taps.winner(winner, winner.shape))
    texts, step = [], 1
    for d in reversed(range(rank)):
        texts.append(f"{{p{d}}} * {step}")
        step *= taps.size[d]
    parts = {f"p{d}": place for d, place in enumerate(places)}
    lowering.loop(out, lowering.compute(_LONG, " + ".join(reversed(texts)), **parts))


@rule("pool_gather")
def _pool_gather(lowering: Lowering, entry: Operation) -> None:
    x, winner = map(lowering.place, entry.inputs)
    out = lowering.out(entry.outs[0])
    taps = _taps(lowering, x, winner.shape[-len(entry.static["kernel"]) :], entry.static)
    lowering.loop(out, taps.element(x, "0", taps.winner(winner, winner.shape)))


def _regrouped(place: Place, taps: _Taps) -> Place:
    """[N, C, elements, windows] as [N, C, *windows, *elements]."""
    shown = place.reshaped((*place.shape[:2], *taps.kernel, *taps.out_size))
    rank = taps.rank
    return shown.permuted((0, 1, *range(2 + rank, 2 + 2 * rank), *range(2, 2 + rank)))


def _count(size: Shape, static: dict[str, Any]) -> Shape:
    """How many windows fit."""
    form = (static[name] for name in ("kernel", "stride", "padding", "dilation"))
    return tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in zip(size, *form, strict=True)
    )


@rule("windows")
def _windows(lowering: Lowering, entry: Operation) -> None:
    x, out = lowering.place(entry.inputs[0]), lowering.out(entry.outs[0])
    taps = _taps(lowering, x, _count(x.shape[2:], entry.static), entry.static)
    lowering.loop(_regrouped(out, taps), taps.element(x, "0"))


@rule("windows_sum")
def _windows_sum(lowering: Lowering, entry: Operation) -> None:
    x, out = lowering.place(entry.inputs[0]), lowering.out(entry.outs[0])
    _plain(x)
    taps = _taps(lowering, out, _count(out.shape[2:], entry.static), entry.static)
    taps.add(out, lowering.element(_regrouped(x, taps), taps.shape))
