"""Rows that run a recurrent layer over all its time steps.

The input's part of the gates comes in ready (`gx`: one product for all steps, made outside), so
that a step is one product with the state and a few passes over the gates. The gates and cell states
are outputs too: the rules read them instead of computing them again, and because they are outputs,
a second derivative finds its way through them.

Rows of all steps stand one below the other, `sizes[t]` of them at step t, longest sequences first
(a packed sequence; for a plain batch all sizes are equal). A state keeps its row while it waits: at
step t the first `sizes[t]` rows of the state move on. Backwards in time works the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from rushlight.arrays import contiguous
from rushlight.core.doors import literal
from rushlight.core.row import Primitive, Sample, Spec
from rushlight.core.tensor import Array
from rushlight.primitives.contract import matmul
from rushlight.primitives.families import draw
from rushlight.primitives.index import ARRAY, index
from rushlight.primitives.join import cat, split
from rushlight.primitives.pointwise import gt, where
from rushlight.primitives.warm import warm_rule

Sizes = tuple[int, ...]


def _steps(sizes: Sizes, reverse: bool) -> list[tuple[int, int]]:
    """(first row, number of rows) of each step, in the order in which they run."""
    steps = list(zip(accumulate(sizes, initial=0), sizes, strict=False))
    return steps[::-1] if reverse else steps


def _walk(first: Array, out: Array, sizes: Sizes, reverse: bool) -> Iterator[tuple[slice, Array]]:
    """The rows of each step, as they run, with the state that they start from.

    out receives the states: those of the step before are read there, the first ones in first.
    """
    state = first
    for start, count in _steps(sizes, reverse):
        have = len(state)
        if have < count:
            # Backwards in time, shorter sequences begin later: they start from their first state.
            state = np.concatenate([state, first[have:count]])
        rows = slice(start, start + count)
        yield rows, state if have == count else state[:count]
        state = out[rows]


def _sigmoid(x: Array, out: Array) -> None:
    np.negative(x, out=out)
    np.exp(out, out=out)
    out += 1
    np.reciprocal(out, out=out)


# ---- what the rules share ------------------------------------------------------------------------


def _before(first: Any, states: Any, sizes: Sizes, reverse: bool) -> Any:
    """The state that each row started from: that of the step before, or the initial one."""
    batch, rows = sizes[0], sum(sizes)
    if len(sizes) == 1:
        return first
    if sizes[-1] == batch:
        if reverse:
            return cat(states.narrow(0, batch, rows - batch), first, dim=0)
        return cat(first, states.narrow(0, 0, rows - batch), dim=0)
    latest = np.arange(batch)
    origin = np.empty(rows, np.int64)
    for start, count in _steps(sizes, reverse):
        origin[start : start + count] = latest[:count]
        latest[:count] = np.arange(start, start + count) + batch
    return index(cat(first, states, dim=0), literal(origin), spec=(ARRAY,))


class _Carried:
    """The gradient of a state on its way back through the steps.

    Sequences end at different steps: rows are added where a gradient meets their last step, and set
    aside where it leaves their first.
    """

    def __init__(self) -> None:
        self.value: Any = None
        self.finished: list[Any] = []

    def arrive(self, rows: int) -> Any:
        """The gradient for the first rows of a step; None while it is still zero."""
        value = self.value
        if value is None:
            return None
        have = value._data_.shape[0]
        if have > rows:
            self.finished.append(value.narrow(0, rows, have - rows))
            return value.narrow(0, 0, rows)
        if have < rows:
            missing = np.zeros((rows - have, *value._data_.shape[1:]), value._data_.dtype)
            return cat(value, literal(missing), dim=0)
        return value

    def initial(self) -> Any:
        """The gradient of the initial state."""
        if self.finished:
            return cat(self.value, *reversed(self.finished), dim=0)
        return self.value


def _sum(*parts: Any) -> Any:
    total = None
    for part in parts:
        if part is not None:
            total = part if total is None else total + part
    return total


def _by_step(x: Any, sizes: Sizes, reverse: bool) -> Sequence[Any]:
    """The rows of each step, from the last that ran to the first; None stays None."""
    if x is None:
        return [None] * len(sizes)
    parts = split(x, sizes=sizes, dim=0) if len(sizes) > 1 else (x,)
    return parts if reverse else parts[::-1]


def _joined(parts: list[Any], reverse: bool) -> Any:
    """Undo `_by_step`."""
    if len(parts) == 1:
        return parts[0]
    return cat(*(parts if reverse else parts[::-1]), dim=0)


def _zeros(like: Any) -> Any:
    return literal(np.zeros_like(like._data_))


# ---- the plain layer -----------------------------------------------------------------------------


def _rnn(gx: Array, h0: Array, weight: Array, *, sizes: Sizes, reverse: bool, relu: bool) -> Array:
    out, across = np.empty_like(gx), contiguous(weight.T)
    for rows, h in _walk(h0, out, sizes, reverse):
        part = np.matmul(h, across, out=out[rows])
        part += gx[rows]
        if relu:
            np.maximum(part, 0, out=part)
        else:
            np.tanh(part, out=part)
    return out


@warm_rule
def _rnn_vjp(
    g: Any, out: Any, h0: Any, weight: Any, sizes: Sizes, reverse: bool, relu: bool, needs: Any
) -> Sequence[Any]:
    slope = where(gt(out, 0), 1.0, 0.0).to(out.dtype) if relu else 1 - out * out
    carried = _Carried()
    inner: list[Any] = []
    for g_h, slope_h in zip(
        _by_step(g, sizes, reverse), _by_step(slope, sizes, reverse), strict=True
    ):
        dh = _sum(g_h, carried.arrive(g_h._data_.shape[0]))
        inner.append(dh * slope_h)
        carried.value = matmul(inner[-1], weight)
    dgx = _joined(inner, reverse)
    dweight = matmul(dgx.mT, _before(h0, out, sizes, reverse)) if needs[2] else None
    return dgx, carried.initial(), dweight


# ---- LSTM ----------------------------------------------------------------------------------------


def _lstm(
    gx: Array,
    h0: Array,
    c0: Array,
    weight: Array,
    proj: Array | None = None,
    *,
    sizes: Sizes,
    reverse: bool,
) -> tuple[Array, Array, Array]:
    """Gates in torch's order: input, forget, cell, output. Gives hidden and cell states, gates."""
    width = c0.shape[1]
    gates = np.empty_like(gx)
    hs = np.empty((gx.shape[0], h0.shape[1]), gx.dtype, like=gx)
    cs = np.empty((gx.shape[0], width), gx.dtype, like=gx)
    inner = np.empty((max(sizes), 4 * width), gx.dtype, like=gx)
    cell = np.empty((max(sizes), width), gx.dtype, like=gx)
    across = contiguous(weight.T)
    steps = zip(_walk(h0, hs, sizes, reverse), _walk(c0, cs, sizes, reverse), strict=True)
    for (rows, h), (_, c) in steps:
        pre, moved, gate, state = inner[: len(h)], cell[: len(h)], gates[rows], cs[rows]
        np.matmul(h, across, out=pre)
        pre += gx[rows]
        _sigmoid(pre, gate)
        new = np.tanh(pre[:, 2 * width : 3 * width], out=gate[:, 2 * width : 3 * width])
        np.multiply(gate[:, width : 2 * width], c, out=state)
        state += np.multiply(gate[:, :width], new, out=moved)
        np.tanh(state, out=moved)
        if proj is None:
            np.multiply(moved, gate[:, 3 * width :], out=hs[rows])
        else:
            moved *= gate[:, 3 * width :]
            np.matmul(moved, proj.T, out=hs[rows])
    return hs, cs, gates


@warm_rule
def _lstm_vjp(
    g: Any,
    out: Any,
    h0: Any,
    c0: Any,
    weight: Any,
    proj: Any,
    sizes: Sizes,
    reverse: bool,
    needs: Any,
) -> Sequence[Any]:
    g_hs, g_cs, g_gates = g
    hs, cs, gates = out
    width = c0._data_.shape[1]
    parts = (width,) * 4
    i, f, n, o = split(gates, sizes=parts, dim=1)
    slope_i, slope_f, _, slope_o = split(gates * (1 - gates), sizes=parts, dim=1)
    slopes = slope_i, slope_f, 1 - n * n, slope_o
    tanh_c, c_before = cs.tanh(), _before(c0, cs, sizes, reverse)
    # A gate's gradient is that of the cell state (or, for o, of the hidden state) times these.
    factors = cat(n * slopes[0], c_before * slopes[1], i * slopes[2], tanh_c * slopes[3], dim=1)
    into_cell = o * (1 - tanh_c * tanh_c)
    extra = None if g_gates is None else g_gates * cat(*slopes, dim=1)
    g_hs = _zeros(hs) if g_hs is None else g_hs
    to_h, to_c = _Carried(), _Carried()
    inner: list[Any] = []
    projected: list[Any] = []
    by_step = (_by_step(x, sizes, reverse) for x in (g_hs, g_cs, into_cell, factors, f, extra))
    for g_h, g_c, into, factor, forget, more in zip(*by_step, strict=True):
        count = g_h._data_.shape[0]
        dh = _sum(g_h, to_h.arrive(count))
        if proj is not None:
            projected.append(dh)
            dh = matmul(dh, proj)
        dc = _sum(dh * into, to_c.arrive(count), g_c)
        inner.append(_sum(cat(dc, dc, dc, dh, dim=1) * factor, more))
        to_h.value = matmul(inner[-1], weight)
        to_c.value = dc * forget
    dgx = _joined(inner, reverse)
    dweight = matmul(dgx.mT, _before(h0, hs, sizes, reverse)) if needs[3] else None
    dproj = None
    if proj is not None and needs[4]:
        dproj = matmul(_joined(projected, reverse).mT, o * tanh_c)
    return dgx, to_h.initial(), to_c.initial(), dweight, dproj


# ---- GRU -----------------------------------------------------------------------------------------


def _gru(
    gx: Array,
    h0: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    sizes: Sizes,
    reverse: bool,
) -> tuple[Array, Array, Array]:
    """Gates in torch's order: reset, update, new. Gives states, gates, the state's part of new."""
    width = h0.shape[1]
    gates = np.empty_like(gx)
    hs = np.empty((gx.shape[0], width), gx.dtype, like=gx)
    news = np.empty_like(hs)
    inner = np.empty((max(sizes), 3 * width), gx.dtype, like=gx)
    across = contiguous(weight.T)
    for rows, h in _walk(h0, hs, sizes, reverse):
        pre, gate, state, given = inner[: len(h)], gates[rows], hs[rows], gx[rows]
        np.matmul(h, across, out=pre)
        if bias is not None:
            pre += bias
        news[rows] = pre[:, 2 * width :]
        pre[:, : 2 * width] += given[:, : 2 * width]
        _sigmoid(pre[:, : 2 * width], gate[:, : 2 * width])
        new = np.multiply(gate[:, :width], pre[:, 2 * width :], out=gate[:, 2 * width :])
        new += given[:, 2 * width :]
        np.tanh(new, out=new)
        # (1 - z) * new + z * h
        np.subtract(h, new, out=state)
        state *= gate[:, width : 2 * width]
        state += new
    return hs, gates, news


@warm_rule
def _gru_vjp(
    g: Any,
    out: Any,
    h0: Any,
    weight: Any,
    bias: Any,
    sizes: Sizes,
    reverse: bool,
    needs: Any,
) -> Sequence[Any]:
    g_hs, g_gates, g_news = g
    hs, gates, news = out
    width = h0._data_.shape[1]
    r, z, n = split(gates, sizes=(width,) * 3, dim=1)
    before = _before(h0, hs, sizes, reverse)
    to_new = (1 - z) * (1 - n * n)
    reset, update = r * (1 - r), z * (1 - z)
    # dgx, the gradient of the gates before their functions, is dh (three times) times these; that
    # of the state's part of them, dgh, has r more in the last.
    factors = to_new * news * reset, (before - n) * update, to_new
    inside = cat(factors[0], factors[1], to_new * r, dim=1)
    extra, extra_h = None, None
    if g_gates is not None or g_news is not None:
        g_gates = _zeros(gates) if g_gates is None else g_gates
        e_r, e_z, e_n = split(g_gates, sizes=(width,) * 3, dim=1)
        e_n = e_n * (1 - n * n)
        common = (e_n * news + e_r) * reset, e_z * update
        extra = cat(*common, e_n, dim=1)
        extra_h = cat(*common, _sum(e_n * r, g_news), dim=1)
    g_hs = _zeros(hs) if g_hs is None else g_hs
    carried = _Carried()
    states: list[Any] = []
    inner: list[Any] = []
    by_step = (_by_step(x, sizes, reverse) for x in (g_hs, inside, z, extra_h))
    for g_h, factor, update_h, more in zip(*by_step, strict=True):
        dh = _sum(g_h, carried.arrive(g_h._data_.shape[0]))
        states.append(dh)
        inner.append(_sum(cat(dh, dh, dh, dim=1) * factor, more))
        carried.value = matmul(inner[-1], weight) + dh * update_h
    dh = _joined(states, reverse)
    dgx = _sum(cat(*(dh * factor for factor in factors), dim=1), extra)
    dgh = _joined(inner, reverse)
    dweight = matmul(dgh.mT, before) if needs[2] else None
    return dgx, carried.initial(), dweight, None if bias is None else dgh


# ---- the rows ------------------------------------------------------------------------------------

# A batch, sequences of different lengths, and one step.
_SIZES = ((2, 2, 2), (3, 2, 1), (2,))


def _samples(gates: int, states: int, **static: Any) -> Iterable[Sample]:
    for number, sizes in enumerate(_SIZES):
        for reverse in (False, True):
            shapes = [(sum(sizes), 2 * gates), *[(sizes[0], 2)] * states, (2 * gates, 2)]
            arrays = tuple(draw(10 * number + k, shape) for k, shape in enumerate(shapes))
            yield Sample(arrays, {"sizes": sizes, "reverse": reverse, **static})


def _lstm_samples() -> Iterable[Sample]:
    yield from _samples(4, 2)
    arrays = draw(1, (5, 12)), draw(2, (3, 2)), draw(3, (3, 3)), draw(4, (12, 2)), draw(5, (2, 3))
    yield Sample(arrays, {"sizes": (3, 2), "reverse": False})


def _gru_samples() -> Iterable[Sample]:
    yield from _samples(3, 1)
    arrays = draw(1, (3, 6)), draw(2, (2, 2)), draw(3, (6, 2)), draw(4, (6,))
    yield Sample(arrays, {"sizes": (2, 1), "reverse": True})


def _rnn_samples() -> Iterable[Sample]:
    for relu in (False, True):
        yield from _samples(1, 1, relu=relu)


def _check(gates: int, gx: Array, h0: Array, weight: Array, width: int) -> None:
    if weight.shape != (gates * width, h0.shape[1]) or gx.shape[1] != gates * width:
        raise RuntimeError(
            f"a recurrent layer with a hidden size of {width} needs a weight of "
            f"[{gates * width}, {h0.shape[1]}] and gates of [*, {gates * width}], not "
            f"{list(weight.shape)} and {list(gx.shape)}"
        )


def _rnn_rule(gx: Array, h0: Array, weight: Array, **_: Any) -> Spec:
    _check(1, gx, h0, weight, h0.shape[1])
    return gx.shape, gx.dtype


def _lstm_rule(
    gx: Array, h0: Array, c0: Array, weight: Array, proj: Array | None = None, **_: Any
) -> list[Spec]:
    _check(4, gx, h0, weight, c0.shape[1])
    rows = gx.shape[0]
    return [
        ((rows, h0.shape[1]), gx.dtype), ((rows, c0.shape[1]), gx.dtype), (gx.shape, gx.dtype)
    ]  # fmt: skip


def _gru_rule(
    gx: Array, h0: Array, weight: Array, bias: Array | None = None, **_: Any
) -> list[Spec]:
    _check(3, gx, h0, weight, h0.shape[1])
    state = (gx.shape[0], h0.shape[1]), gx.dtype
    return [state, (gx.shape, gx.dtype), state]


rnn = Primitive(
    "rnn", "recurrent", _rnn, _rnn_vjp, _rnn_rule, "recurrent", _rnn_samples,
)  # fmt: skip
lstm = Primitive(
    "lstm", "recurrent", _lstm, _lstm_vjp, _lstm_rule, "recurrent", _lstm_samples,
)  # fmt: skip
gru = Primitive(
    "gru", "recurrent", _gru, _gru_vjp, _gru_rule, "recurrent", _gru_samples,
)  # fmt: skip
