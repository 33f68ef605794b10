"""What is no row: Python's numbers out of tensors, and random numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.onnx.exporting.story import Step, Varying
from rushlight.onnx.exporting.writer import Writer
from rushlight.onnx.proto import element_type

_ARITHMETIC = {
    "add": "Add",
    "sub": "Sub",
    "mul": "Mul",
    "truediv": "Div",
    "neg": "Neg",
    "pow": "Pow",
    "abs": "Abs",
}


def write(w: Writer, step: Step) -> None:
    """A number that is taken out of a tensor, or arithmetic with such numbers."""
    (out,) = step.outs
    if step.kind == "look":
        (x,) = step.inputs
        name = w.operand(x, out.dtype) or ""
        w.put(
            out,
            w.graph.reshape(name, *[1] * 0)
            if not x.rank
            else w.graph.op("Reshape", name, w.graph.ints()),
        )
        return
    op = _ARITHMETIC.get(step.name)
    if op is None:
        w.refuse("Python computes with a number that came out of a tensor: compute with the tensor")
        return
    w.put(out, w.graph.op(op, *(w.operand(x, out.dtype) for x in step.inputs)))


def draw(w: Writer, step: Step) -> None:
    """Random numbers: other ones, of the same distribution."""
    g, s = w.graph, step.static
    (out,) = step.outs
    to = element_type(out.dtype)
    shape = out.shape
    if step.name in ("normal", "uniform") and not any(map(_is_array, step.inputs)):
        first, second = _parameters(step.name, s)
        words = ("mean", "scale") if step.name == "normal" else ("low", "high")
        given: dict[str, Any] = {words[0]: float(first), words[1]: float(second), "dtype": to}
        if any(isinstance(n, Varying) for n in shape):
            like = g.op("ConstantOfShape", w.sizes.dims(shape))
            name = g.op(
                "RandomNormalLike" if step.name == "normal" else "RandomUniformLike", like, **given
            )
        else:
            name = g.op(
                "RandomNormal" if step.name == "normal" else "RandomUniform",
                shape=list(shape),
                **given,
            )
    elif step.name == "bernoulli":
        like = g.op("Expand", g.number(s.get("p", 0.5), np.float32), w.sizes.dims(shape))
        name = _coins(w, like, out.dtype)
    elif step.name == "coins":
        name = _coins(w, w.operand(step.inputs[0], np.float32) or "", out.dtype)
    elif step.name == "multinomial" and (s["replacement"] or s["num_samples"] == 1):
        weights = g.op("Log", w.operand(step.inputs[0], np.float32) or "")
        rows = weights if len(shape) == 2 else g.unsqueeze(weights, 0)
        drawn = g.op("Multinomial", rows, dtype=to, sample_size=int(s["num_samples"]))
        name = drawn if len(shape) == 2 else g.squeeze(drawn, 0)
    elif step.name == "exponential" and not any(map(_is_array, step.inputs)):
        like = g.op("ConstantOfShape", w.sizes.dims(shape))
        drawn = g.op("Log", g.op("RandomUniformLike", like, dtype=to, low=1e-7))
        name = g.op("Div", g.op("Neg", drawn), g.number(s.get("lambd", 1.0), out.dtype))
    else:
        w.refuse(
            "these random numbers have no operator: draw them outside, and give them to the model"
        )
        return
    w.put(out, name)


def _coins(w: Writer, p: str, dtype: Any) -> str:
    """Ones with the probabilities p. Not by Bernoulli, whose definition by other operators gives them with 1 - p."""
    g = w.graph
    drawn = g.op("RandomUniformLike", p, dtype=element_type(np.dtype(np.float32)))
    return g.cast(g.op("Less", drawn, p), dtype)


def _is_array(x: Any) -> bool:
    return hasattr(x, "rank")


def _parameters(kind: str, static: dict[str, Any]) -> tuple[float, float]:
    if kind == "normal":
        return static.get("mean", 0.0), static.get("std", 1.0)
    return static.get("low", 0.0), static.get("high", 1.0)
