"""Recurrent layers: the row takes the input's part of the gates ready, ONNX computes it itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.onnx.exporting.moves import reshaped
from rushlight.onnx.exporting.pointwise import Translator
from rushlight.onnx.exporting.story import Step, Var, Varying
from rushlight.onnx.exporting.writer import Writer

# In which order ONNX wants torch's gates.
_ORDERS = {"lstm": (0, 3, 1, 2), "gru": (1, 0, 2), "rnn": (0,)}
_OPS = {"lstm": "LSTM", "gru": "GRU", "rnn": "RNN"}


def _gates(w: Writer, x: Var, order: tuple[int, ...]) -> str:
    """The rows of a weight, or a bias, by gates in another order, with a dimension for the direction."""
    known = w.known(x)
    if known is not None and w.fold:
        parts = np.split(known, len(order))
        return w.graph.constant(np.concatenate([parts[i] for i in order])[None])
    if order == (0,):
        return w.graph.unsqueeze(w.name(x), 0)
    size = int(x.shape[0]) // len(order)  # type: ignore[arg-type]
    parts_of = w.graph.split(w.name(x), [size] * len(order), 0)
    return w.graph.unsqueeze(w.graph.op("Concat", *(parts_of[i] for i in order), axis=0), 0)


def _source(w: Writer, gx: Var, steps: Any, batch: Any) -> tuple[str, Var, Any]:
    """(the input of all steps, its weight, its bias), found behind the product that the row was given."""
    made = gx.made_by
    if made is None or made.name != "linear":
        w.refuse("the gates of its input come from no product that is recorded")
        raise AssertionError  # refuse has raised
    x, weight, bias = (*made.inputs, None)[:3]
    before = x.made_by
    if before is not None and before.name == "reshape" and before.inputs[0].rank == 3:
        return w.name(before.inputs[0]), weight, bias
    return reshaped(w, w.name(x), x, (steps, batch, x.shape[1])), weight, bias


def _recurrent(kind: str) -> Translator:
    def translate(w: Writer, step: Step) -> tuple[str | None, ...]:
        return _layer(w, step, kind)

    return translate


def _layer(w: Writer, step: Step, kind: str) -> tuple[str | None, ...]:
    g, static = w.graph, step.static
    steps, batch = _form(w, static["sizes"])
    gx, h0, *rest = step.inputs
    c0 = rest.pop(0) if kind == "lstm" else None
    weight, *rest = rest
    more = rest[0] if rest else None
    if kind == "lstm" and more is not None:
        w.refuse("an LSTM with projections has no operator (proj_size)")
    x, across, bias = _source(w, gx, steps, batch)
    order = _ORDERS[kind]
    width = int(weight.shape[1])
    both = None
    if bias is not None or (kind == "gru" and more is not None):
        both = _biases(w, bias, more if kind == "gru" else None, order, width, gx.dtype)
    attributes: dict[str, Any] = {"hidden_size": width}
    if static["reverse"]:
        attributes["direction"] = "reverse"
    if kind == "gru":
        attributes["linear_before_reset"] = 1
    if kind == "rnn":
        attributes["activations"] = ["Relu" if static["relu"] else "Tanh"]
    states = [g.unsqueeze(w.name(h0), 0)] if w.known(h0) is None else [_state(w, h0)]
    if c0 is not None:
        states.append(g.unsqueeze(w.name(c0), 0) if w.known(c0) is None else _state(w, c0))
    made = g.several(
        _OPS[kind], 3 if kind == "lstm" else 2, x, _gates(w, across, order), _gates(w, weight, order),
        both, None, *states, **attributes,
    )  # fmt: skip
    rows = g.op("Transpose", made[0], perm=[0, 2, 1, 3])
    flat = g.reshape(rows, -1, width)
    w.aside["rows", step.outs[0].number] = rows
    if steps == 1:
        # A cell: what it hands on is the state itself, after the rows, which are its first state.
        return (flat, *(g.squeeze(last, 0) for last in made[2 : len(step.outs) + 1]))
    for out, last in zip(step.outs, made[1:], strict=False):
        _ends(w, out, static, steps, batch, g.squeeze(last, 0))
    return (flat,)


def _state(w: Writer, x: Var) -> str:
    known = w.known(x)
    return w.graph.constant(np.asarray(known)[None])


def _form(w: Writer, sizes: Any) -> tuple[Any, Any]:
    """(steps, batch) of the rows, which must be as many at each step."""
    kinds = sizes.values if isinstance(sizes, Varying) else (sizes,)
    if any(len(set(map(str, s))) > 1 for s in kinds):
        w.refuse("a packed sequence of several lengths: give a batch that is padded")
    return w.each(lambda s: len(s), sizes), w.each(lambda s: s[0], sizes)


def _biases(
    w: Writer, first: Any, second: Any, order: tuple[int, ...], width: int, dtype: Any
) -> str:
    zero = w.graph.constant(np.zeros((1, len(order) * width), dtype))
    one = zero if first is None else _gates(w, first, order)
    two = zero if second is None else _gates(w, second, order)
    known = [w.graph.initializers.get(n) for n in (one, two)]
    if all(k is not None for k in known) and w.fold:
        return w.graph.constant(np.concatenate(known, axis=1))  # type: ignore[arg-type]
    return w.graph.op("Concat", one, two, axis=1)


def _ends(w: Writer, out: Var, static: dict[str, Any], steps: Any, batch: Any, name: str) -> None:
    """Whoever takes the rows of the last step is given the state that the layer returns."""
    if static["reverse"]:
        start, stop = 0, batch
    else:
        start = w.each(lambda t, n: (t - 1) * n, steps, batch)
        stop = w.each(lambda t, n: t * n, steps, batch)
    w.aside["ends", out.number, repr((start, stop))] = name


RECURRENT: dict[str, Translator] = {kind: _recurrent(kind) for kind in _OPS}
