"""Recurrent networks as functions of their weights: layers run as one primitive in each direction."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from rushlight._tensor import Tensor
from rushlight.core.doors import apply, literal
from rushlight.core.state import state as autograd
from rushlight.nn.functional.dropout import dropout
from rushlight.nn.functional.linear import linear
from rushlight.ops.arguments import anew, need_tensor, relabel
from rushlight.ops.precision import in_half
from rushlight.primitives import recurrent as rows
from rushlight.primitives.index import ARRAY, index
from rushlight.primitives.join import cat, stack
from rushlight.primitives.pointwise import clone


def recur(
    mode: str,
    x: Tensor,
    states: list[Tensor],
    weights: list[Tensor | None],
    sizes: tuple[int, ...],
    reverse: bool,
) -> tuple[Tensor, ...]:
    """Run one layer in one direction over rows; gives the hidden states of all rows, first."""
    if autograd.autocast is None:
        return _computed(mode, x, states, weights, sizes, reverse)
    if x._data_.dtype == states[0]._data_.dtype == autograd.autocast:
        return in_half(_computed)(mode, x, states, weights, sizes, reverse)
    return _in_steps(mode, x, states, weights, sizes, reverse)


def _in_steps(
    mode: str, x: Tensor, states: list[Tensor], weights: list[Tensor | None],
    sizes: tuple[int, ...], reverse: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    """`recur` under autocast, which lowers the products, and rounds where torch's steps do."""
    w_ih: Any
    w_hh: Any
    w_ih, w_hh, b_ih, b_hh, *rest = weights
    projection: Any = rest
    ends = list(accumulate(sizes))
    given, now = linear(x, w_ih, b_ih), [state[:0] for state in states]
    found: list[Any] = [None] * len(sizes)
    for step in reversed(range(len(sizes))) if reverse else range(len(sizes)):
        size, before = sizes[step], now[0].shape[0]
        if before > size:
            now = [state[:size] for state in now]
        elif before < size:
            # Sequences that begin here.
            begun = [state[before:size] for state in states]
            now = [cat(*pair, dim=0) for pair in zip(now, begun, strict=True)] if before else begun
        gates = given[ends[step] - size : ends[step]]
        found[step] = now = _next(mode, gates, linear(now[0], w_hh, b_hh), now)
        if projection:
            found[step] = now = [now[0] @ projection[0].t(), now[1]]
    return tuple(cat(*parts, dim=0) for parts in zip(*found, strict=True))


def _next(mode: str, given: Tensor, own: Tensor, states: list[Tensor]) -> list[Tensor]:
    """The states after a step, of what the input gives and what the state does."""
    if mode == "GRU":
        (reset, update, new), (a, b, c) = given.chunk(3, 1), own.chunk(3, 1)
        fresh = (new + c * (a + reset).sigmoid()).tanh()
        return [(states[0] - fresh) * (b + update).sigmoid() + fresh]
    if mode == "LSTM":
        add, keep, new, show = (own + given).chunk(4, 1)
        cell = keep.sigmoid() * states[1] + add.sigmoid() * new.tanh()
        return [show.sigmoid() * cell.tanh(), cell]
    return [(own + given).relu() if mode == "RNN_RELU" else (own + given).tanh()]


def _computed(
    mode: str,
    x: Tensor,
    states: list[Tensor],
    weights: list[Tensor | None],
    sizes: tuple[int, ...],
    reverse: bool,
) -> tuple[Tensor, ...]:
    w_ih: Any
    w_ih, w_hh, b_ih, b_hh, *projection = weights
    static: dict[str, Any] = {"sizes": sizes, "reverse": reverse}
    if mode == "GRU":
        gates = linear(x, w_ih, b_ih)
        bias = () if b_hh is None else (b_hh,)
        return apply(rows.gru, gates, *states, w_hh, *bias, **static)[:1]
    gates = linear(x, w_ih, b_ih if b_hh is None or b_ih is None else b_ih + b_hh)
    if mode == "LSTM":
        return apply(rows.lstm, gates, *states, w_hh, *projection, **static)[:2]
    return (apply(rows.rnn, gates, *states, w_hh, relu=mode == "RNN_RELU", **static),)


def _last_rows(sizes: tuple[int, ...], reverse: bool) -> slice | np.ndarray:
    """The rows at which the sequences end, in the order of the batch."""
    batch, total = sizes[0], sum(sizes)
    if reverse:
        return slice(0, batch)
    if sizes[-1] == batch:
        return slice(total - batch, total)
    last = np.arange(batch)
    for start, size in zip(accumulate(sizes, initial=0), sizes, strict=False):
        last[:size] = np.arange(start, start + size)
    return last


def run_layers(
    mode: str,
    x: Tensor,
    given: list[Tensor] | None,
    weights: Sequence[Sequence[Tensor | None]],
    sizes: tuple[int, ...],
    directions: int,
    widths: tuple[int, ...],
    lost: float,
) -> tuple[Tensor, list[Tensor]]:
    """All layers over rows; gives the last one's output and the stacked final states.

    given: the states of all layers and directions, zeros without them; weights: of each layer and direction, in
    order, with None for a bias that is not there; widths: of the states; lost: dropped out between layers.
    """
    batch = sizes[0]
    zeros = [literal(np.zeros((batch, width), x._data_.dtype)) for width in widths]
    finals: list[list[Tensor]] = [[] for _ in widths]
    layers = len(weights) // directions
    for layer in range(layers):
        outputs = []
        for direction in range(directions):
            number = layer * directions + direction
            states = zeros if given is None else [state[number] for state in given]
            found = recur(mode, x, states, list(weights[number]), sizes, bool(direction))
            outputs.append(found[0])
            last = _last_rows(sizes, bool(direction))
            for kept, all_rows in zip(finals, found, strict=True):
                if isinstance(last, slice):
                    kept.append(all_rows.narrow(0, last.start, batch))
                else:
                    kept.append(index(all_rows, literal(last), spec=(ARRAY,)))
        x = outputs[0] if len(outputs) == 1 else cat(*outputs, dim=1)
        if lost and layer + 1 < layers:
            x = dropout(x, lost, True)
    return _to_keep(x, mode), [stack(*kept, dim=0) for kept in finals]


def in_time(
    output: Tensor, shape: tuple[int, ...], mode: str, directions: int, projected: bool, first: bool
) -> Tensor:
    """The rows of a last layer as (length, batch, width), with the batch first where asked: a new tensor.

    Its node is called by what torch makes it with.
    """
    whole = mode == "LSTM" and not projected and output._data_.dtype != np.float64
    name = "Cat" if directions == 2 else "MkldnnRnnLayer" if whole else "Stack"
    out = relabel(output.reshape(shape), f"{name}Backward0")
    if not first:
        return out
    turned = out.transpose(0, 1)
    return turned if mode == "LSTM" else anew(relabel(turned, "TransposeBackward1"))


def _to_keep(output: Tensor, mode: str) -> Tensor:
    """An output that its user may change: it is saved for backward, which torch does for the LSTM alone."""
    if mode == "LSTM" or output._node_ is None:
        return output
    return apply(clone, output)


def _grouped(
    mode: str, params: Sequence[Tensor], has_biases: bool, count: int
) -> list[list[Tensor | None]]:
    """The weights of each layer and direction, of torch's flat list."""
    each = len(params) // count if count else 0
    plain = 4 if has_biases else 2
    if each * count != len(params) or each not in (
        (plain, plain + 1) if mode == "LSTM" else (plain,)
    ):
        raise RuntimeError(
            f"expected {plain} weights for each of {count} layers and directions, got {len(params)} in all"
        )
    groups: list[list[Tensor | None]] = []
    for start in range(0, len(params), each):
        group: list[Tensor | None] = list(params[start : start + each])
        if not has_biases:
            group[2:2] = [None, None]
        groups.append(group)
    return groups


def _function(mode: str, name: str) -> Any:
    def run(input: Tensor, *arguments: Any) -> tuple[Tensor, ...]:
        need_tensor(name, "input", 1, input)
        packed = (
            len(arguments) == 8
            and isinstance(arguments[0], Tensor)
            and not isinstance(arguments[2], bool)
        )
        if packed:
            batch_sizes, hx, params, biases, layers, lost, train, both = arguments
            batch_first = False
        else:
            hx, params, biases, layers, lost, train, both, batch_first = arguments
        states = list(hx) if mode == "LSTM" else [hx]
        directions = 2 if both else 1
        weights = _grouped(mode, params, biases, layers * directions)
        widths = tuple(state.shape[-1] for state in states)
        lost = lost if train else 0.0
        if packed:
            sizes = tuple(batch_sizes.tolist())
            out, finals = run_layers(mode, input, states, weights, sizes, directions, widths, lost)
            return out, *finals
        x = input.transpose(0, 1) if batch_first else input
        length, batch, width = x.shape
        rows_in = x.reshape(length * batch, width)
        sizes = (batch,) * length
        out, finals = run_layers(mode, rows_in, states, weights, sizes, directions, widths, lost)
        projected = mode == "LSTM" and widths[0] != widths[1]
        shape = length, batch, out.shape[-1]
        return in_time(out, shape, mode, directions, projected, batch_first), *finals

    run.__name__ = run.__qualname__ = name
    run.__doc__ = (
        f"`nn.{mode.partition('_')[0]}` as a function: {name}(input, hx, weights, has_biases, num_layers, dropout, "
        "train, bidirectional, batch_first), or with the sizes of the batches of packed rows behind the input and "
        "no batch_first."
    )
    return run


lstm, gru = _function("LSTM", "lstm"), _function("GRU", "gru")
rnn_tanh, rnn_relu = _function("RNN_TANH", "rnn_tanh"), _function("RNN_RELU", "rnn_relu")


# What torch, which composes a step, computes last.
_LAST_OF_A_STEP = {
    "LSTM": ("MulBackward0", "AddBackward0"),
    "GRU": ("AddBackward0",),
    "RNN_TANH": ("TanhBackward0",),
    "RNN_RELU": ("ReluBackward0",),
}


def _step(
    mode: str, input: Tensor, states: list[Tensor], weights: list[Tensor | None]
) -> tuple[Tensor, ...]:
    single = input.dim() == 1
    x = input.unsqueeze(0) if single else input
    ready = [state.unsqueeze(0) if single else state for state in states]
    found = one_step(mode, x, ready, weights)
    return tuple(state.squeeze(0) if single else state for state in found)


def one_step(
    mode: str, x: Tensor, states: list[Tensor], weights: list[Tensor | None]
) -> tuple[Tensor, ...]:
    """The next states, each for the user to change."""
    found = recur(mode, x, states, weights, (x.shape[0],), False)
    return tuple(
        relabel(_to_keep(state, "step"), label)
        for state, label in zip(found, _LAST_OF_A_STEP[mode], strict=True)
    )


def lstm_cell(
    input: Tensor, hx: Sequence[Tensor], w_ih: Tensor, w_hh: Tensor,
    b_ih: Tensor | None = None, b_hh: Tensor | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """One step of an LSTM: the next hidden state and cell state."""
    hidden, cell = _step("LSTM", input, list(hx), [w_ih, w_hh, b_ih, b_hh])
    return hidden, cell


def _cell(mode: str, name: str) -> Any:
    def run(
        input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor,
        b_ih: Tensor | None = None, b_hh: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        return _step(mode, input, [hx], [w_ih, w_hh, b_ih, b_hh])[0]

    run.__name__ = run.__qualname__ = name
    run.__doc__ = f"One step of `nn.{mode.partition('_')[0]}`: the next hidden state."
    return run


gru_cell = _cell("GRU", "gru_cell")
rnn_tanh_cell, rnn_relu_cell = (
    _cell("RNN_TANH", "rnn_tanh_cell"),
    _cell("RNN_RELU", "rnn_relu_cell"),
)
