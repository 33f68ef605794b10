"""RNN, GRU and LSTM as ONNX has them: step by step, with clipping, peepholes, lengths and other activations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.nn import functional as F
from rushlight.onnx.loading.operator import Handler, Operator, array_of, tensor_of
from rushlight.public import torch as T

Function = Callable[[Any], Any]


def _functions(op: Operator, standard: list[str], directions: int) -> list[Function]:
    names = op.get("activations") or standard * directions
    alphas, betas = list(op.get("activation_alpha") or []), list(op.get("activation_beta") or [])
    found = []
    for name in names:
        name = name.lower()
        a = alphas.pop(0) if alphas and name in _WITH_ALPHA else None
        b = betas.pop(0) if betas and name in _WITH_BETA else None
        if name not in ACTIVATIONS:
            raise op.refuse(f"the activation {name}")
        found.append(ACTIVATIONS[name](a, b))
    return found


def _or(value: Any, standard: float) -> float:
    return standard if value is None else value


_WITH_ALPHA = {"affine", "leakyrelu", "thresholdedrelu", "scaledtanh", "hardsigmoid", "elu"}
_WITH_BETA = {"affine", "scaledtanh", "hardsigmoid"}
ACTIVATIONS: dict[str, Callable[[Any, Any], Function]] = {
    "relu": lambda a, b: T.relu,
    "tanh": lambda a, b: T.tanh,
    "sigmoid": lambda a, b: T.sigmoid,
    "affine": lambda a, b: lambda x: x * _or(a, 1.0) + _or(b, 0.0),
    "leakyrelu": lambda a, b: lambda x: F.leaky_relu(x, _or(a, 0.01)),
    "thresholdedrelu": lambda a, b: lambda x: T.where(x > _or(a, 1.0), x, T.zeros_like(x)),
    "scaledtanh": lambda a, b: lambda x: T.tanh(x * _or(b, 1.0)) * _or(a, 1.0),
    "hardsigmoid": lambda a, b: lambda x: T.clamp(x * _or(a, 0.2) + _or(b, 0.5), 0, 1),
    "elu": lambda a, b: lambda x: F.elu(x, _or(a, 1.0)),
    "softsign": lambda a, b: F.softsign,
    "softplus": lambda a, b: F.softplus,
}


class _Layer:
    """What the three share: directions, layout, lengths, the first states."""

    def __init__(
        self,
        op: Operator,
        gates: int,
        standard: list[str],
        x: Any,
        w: Any,
        r: Any,
        b: Any,
        lengths: Any,
    ) -> None:
        self.op, self.layout = op, op.get("layout", 0)
        self.x = x.transpose(0, 1) if self.layout else x
        self.steps, self.batch = self.x.shape[:2]
        self.directions, self.width = w.shape[0], r.shape[-1]
        self.w, self.r, self.b, self.gates = w, r, b, gates
        self.functions = _functions(op, standard, self.directions)
        self.lengths = None if lengths is None else array_of(lengths)

    def first(self, state: Any) -> list[Any]:
        """The first state of each direction."""
        if state is None:
            zero = T.zeros((self.batch, self.width), dtype=self.x.dtype)
            return [zero] * self.directions
        state = state.transpose(0, 1) if self.layout else state
        return [state[d] for d in range(self.directions)]

    def clipped(self, x: Any) -> Any:
        """What goes into an activation."""
        limit = self.op.get("clip")
        return x if limit is None else T.clamp(x, -limit, limit)

    def order(self, direction: int) -> list[int]:
        """The steps as they run."""
        backward = direction == 1 or self.op.get("direction", "forward") == "reverse"
        return list(range(self.steps))[::-1] if backward else list(range(self.steps))

    def running(self, step: int, new: Any, old: Any) -> Any:
        """new where the sequence has this step, else old."""
        if self.lengths is None or (step < self.lengths).all():
            return new
        return T.where(tensor_of(step < self.lengths).reshape(-1, 1), new, old)

    def output(self, step: int, state: Any) -> Any:
        """What comes out at a step: nothing behind the end of a sequence."""
        return self.running(step, state, T.zeros_like(state))

    def biases(self, direction: int) -> tuple[Any, Any]:
        """(of the input, of the state)."""
        if self.b is None:
            return None, None
        half = self.gates * self.width
        return self.b[direction, :half], self.b[direction, half:]

    def result(self, outputs: list[list[Any]], *states: list[Any]) -> tuple[Any, ...]:
        """Y, and the last states."""
        y = T.stack([T.stack(steps, 0) for steps in outputs], 1)
        last = [T.stack(parts, 0) for parts in states]
        if self.layout:
            y, last = y.permute(2, 0, 1, 3), [s.transpose(0, 1) for s in last]
        return (y, *last)[: max(1, self.op.count)]

    def run(
        self, direction: int, step: Callable[[int, list[Any]], list[Any]], states: list[Any]
    ) -> tuple[list[Any], list[Any]]:
        """All steps of a direction: the outputs in order, and the last states."""
        outputs: list[Any] = [None] * self.steps
        for t in self.order(direction):
            new = step(t, states)
            states = [self.running(t, n, o) for n, o in zip(new, states, strict=True)]
            outputs[t] = self.output(t, new[0])
        return outputs, states


def _plus(x: Any, *terms: Any) -> Any:
    for term in terms:
        if term is not None:
            x = x + term
    return x


def _rnn(
    op: Operator, x: Any, w: Any, r: Any, b: Any = None, lengths: Any = None, h: Any = None
) -> Any:
    layer = _Layer(op, 1, ["Tanh"], x, w, r, b, lengths)
    outputs, last = [], []
    for d, first in enumerate(layer.first(h)):
        wb, rb = layer.biases(d)
        gx = _plus(T.matmul(layer.x, w[d].t()), wb, rb)
        across, f = r[d].t(), layer.functions[d]

        def step(
            t: int, states: list[Any], gx: Any = gx, across: Any = across, f: Any = f
        ) -> list[Any]:
            return [f(layer.clipped(gx[t] + T.matmul(states[0], across)))]

        ys, states = layer.run(d, step, [first])
        outputs.append(ys)
        last.append(states[0])
    return layer.result(outputs, last)


def _gru(
    op: Operator, x: Any, w: Any, r: Any, b: Any = None, lengths: Any = None, h: Any = None
) -> Any:
    layer = _Layer(op, 3, ["Sigmoid", "Tanh"], x, w, r, b, lengths)
    n, before = layer.width, op.get("linear_before_reset", 0)
    outputs, last = [], []
    for d, first in enumerate(layer.first(h)):
        wb, rb = layer.biases(d)
        gx = _plus(T.matmul(layer.x, w[d].t()), wb)
        f, g = layer.functions[2 * d : 2 * d + 2]
        rz, rh = r[d, : 2 * n].t(), r[d, 2 * n :].t()
        bz, bh = (None, None) if rb is None else (rb[: 2 * n], rb[2 * n :])

        def step(
            t: int, states: list[Any], gx: Any = gx, f: Any = f, g: Any = g, rz: Any = rz, rh: Any = rh,
            bz: Any = bz, bh: Any = bh,
        ) -> list[Any]:  # fmt: skip
            (h,) = states
            both = f(layer.clipped(_plus(gx[t, :, : 2 * n] + T.matmul(h, rz), bz)))
            z, reset = both[:, :n], both[:, n:]
            if before:
                new = g(layer.clipped(gx[t, :, 2 * n :] + reset * _plus(T.matmul(h, rh), bh)))
            else:
                new = g(layer.clipped(_plus(gx[t, :, 2 * n :] + T.matmul(reset * h, rh), bh)))
            return [(1 - z) * new + z * h]

        ys, states = layer.run(d, step, [first])
        outputs.append(ys)
        last.append(states[0])
    return layer.result(outputs, last)


def _lstm(
    op: Operator, x: Any, w: Any, r: Any, b: Any = None, lengths: Any = None, h: Any = None, c: Any = None,
    p: Any = None,
) -> Any:  # fmt: skip
    layer = _Layer(op, 4, ["Sigmoid", "Tanh", "Tanh"], x, w, r, b, lengths)
    n, joined = layer.width, op.get("input_forget", 0)
    outputs, hs, cs = [], [], []
    for d, (h0, c0) in enumerate(zip(layer.first(h), layer.first(c), strict=True)):
        wb, rb = layer.biases(d)
        gx = _plus(T.matmul(layer.x, w[d].t()), wb, rb)
        across, (f, g, k) = r[d].t(), layer.functions[3 * d : 3 * d + 3]
        peep = (None, None, None) if p is None else (p[d, :n], p[d, n : 2 * n], p[d, 2 * n :])

        def step(
            t: int, states: list[Any], gx: Any = gx, across: Any = across, f: Any = f, g: Any = g, k: Any = k,
            peep: Any = peep,
        ) -> list[Any]:  # fmt: skip
            h, c = states
            gates = gx[t] + T.matmul(h, across)
            i, o, forget, new = (gates[:, j * n : (j + 1) * n] for j in range(4))
            pi, po, pf = peep
            if pi is not None:
                i, forget = i + pi * c, forget + pf * c
            i = f(layer.clipped(i))
            forget = 1 - i if joined else f(layer.clipped(forget))
            c = forget * c + i * g(layer.clipped(new))
            if po is not None:
                o = o + po * c
            return [f(layer.clipped(o)) * k(c), c]

        ys, states = layer.run(d, step, [h0, c0])
        outputs.append(ys)
        hs.append(states[0])
        cs.append(states[1])
    return layer.result(outputs, hs, cs)


RECURRENT: dict[str, Handler] = {"RNN": _rnn, "GRU": _gru, "LSTM": _lstm}
