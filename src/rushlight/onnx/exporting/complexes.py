"""Complex numbers, which ONNX has not: arrays with a last dimension more, of the real and the imaginary part.

So `view_as_real` and `view_as_complex` are nothing at all, and what moves elements is as for other arrays. A
transform is DFT, whose inverse divides by the number of points; what else of scale is asked for is multiplied in.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rushlight.onnx.exporting.moves import MOVES, padded
from rushlight.onnx.exporting.pointwise import Translator
from rushlight.onnx.exporting.story import Step, Var, varies
from rushlight.onnx.exporting.writer import Writer


def is_complex(x: Any) -> bool:
    """Whether it is an array of complex numbers."""
    return isinstance(x, Var) and x.dtype.kind == "c"


def _parts(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.empty(0, dtype).real.dtype


# ---- transforms ----------------------------------------------------------------------------------


def _dft(w: Writer, name: str, dim: int, inverse: bool = False, half: bool = False) -> str:
    g = w.graph
    g.needs(17, "fft")
    how = {"inverse": int(inverse), "onesided": int(half)}
    if g.opset < 20:
        return g.op("DFT", name, axis=dim, **how)
    return g.op("DFT", name, None, g.constant(np.int64(dim)), **how)


def _scaled(w: Writer, name: str, x: Var, shape: Any, step: Step, inverse: bool) -> str:
    """As `scale` asks, where DFT multiplies by nothing, and its inverse by 1/n."""
    scale, dims = step.static["scale"], step.static["dims"]
    if scale == ("n" if inverse else "none"):
        return name
    sizes = [shape[d] for d in dims]
    if varies(sizes):
        w.refuse("how a transform is scaled depends on an open size")
    n = math.prod(sizes)
    factor = {"none": 1.0, "root": n**-0.5, "n": 1 / n}[scale] * (n if inverse else 1)
    return w.graph.op("Mul", name, w.graph.number(factor, _parts(x.dtype)))


def _of_real(w: Writer, step: Step) -> str:
    (x,) = step.inputs
    *first, last = step.static["dims"]
    name = w.graph.unsqueeze(w.name(x), x.rank)
    name = _dft(w, name, last, half=step.static["half"])
    for dim in first:
        name = _dft(w, name, dim)
    return _scaled(w, name, step.outs[0], x.shape, step, False)


def _transform(w: Writer, step: Step) -> str:
    (x,) = step.inputs
    name, inverse = w.name(x), not step.static["forward"]
    for dim in step.static["dims"]:
        name = _dft(w, name, dim, inverse)
    return _scaled(w, name, x, x.shape, step, inverse)


def _to_real(w: Writer, step: Step) -> str:
    """The other half of the spectrum is the first one mirrored, conjugated."""
    g, (x,) = w.graph, step.inputs
    *first, dim = step.static["dims"]
    n, name = step.static["last"], w.name(x)
    if varies(n) or varies(x.shape[dim]):
        w.refuse("a transform to an open number of points")
    if x.shape[dim] != n // 2 + 1:
        name = g.slice(name, dim, 0, n // 2 + 1)
    for other in first:
        name = _dft(w, name, other, True)
    if n > 2:
        # Of what the other dimensions have been brought back to, each line is the spectrum of a real one.
        mirrored = g.slice(name, dim, (n - 1) // 2, 0, -1)
        name = g.op("Concat", name, _conjugate(w, mirrored, x.dtype), axis=dim)
    name = g.slice(_dft(w, name, dim, True), x.rank, 0, 1)
    return _scaled(w, g.squeeze(name, x.rank), step.outs[0], step.outs[0].shape, step, True)


def _conjugate(w: Writer, name: str, dtype: np.dtype[Any]) -> str:
    return w.graph.op("Mul", name, w.graph.constant(np.array([1, -1], _parts(dtype))))


# ---- arithmetic ----------------------------------------------------------------------------------


def _operand(w: Writer, x: Any, dtype: np.dtype[Any]) -> str:
    """An operand as real and imaginary part."""
    g, parts = w.graph, _parts(dtype)
    if not isinstance(x, Var):
        value = complex(x)
        return g.constant(np.array([value.real, value.imag], parts))
    if is_complex(x):
        return w.name(x)
    real = g.unsqueeze(w.operand(x, parts) or "", x.rank)
    return g.op("Concat", real, g.op("Mul", real, g.number(0, parts)), axis=-1)


def _halves(w: Writer, name: str) -> tuple[str, str]:
    g = w.graph
    return g.op("Gather", name, g.ints(0), axis=-1), g.op("Gather", name, g.ints(1), axis=-1)


def _sum_of(op: str) -> Translator:
    def translate(w: Writer, step: Step) -> str:
        x, y = (_operand(w, v, step.outs[0].dtype) for v in step.inputs)
        return w.graph.op(op, x, y)

    return translate


def _product(w: Writer, x: str, y: str) -> str:
    g = w.graph
    (a, b), (c, d) = _halves(w, x), _halves(w, y)
    real = g.op("Sub", g.op("Mul", a, c), g.op("Mul", b, d))
    return g.op("Concat", real, g.op("Add", g.op("Mul", a, d), g.op("Mul", b, c)), axis=-1)


def _real_factor(w: Writer, x: Any, dtype: np.dtype[Any]) -> str | None:
    """A factor that is real, for both parts; None if it is complex."""
    if is_complex(x) or isinstance(x, complex):
        return None
    name = w.operand(x, _parts(dtype)) or ""
    return w.graph.unsqueeze(name, x.rank) if isinstance(x, Var) else name


def _mul(w: Writer, step: Step) -> str:
    dtype = step.outs[0].dtype
    x, y = step.inputs
    for one, other in ((x, y), (y, x)):
        factor = _real_factor(w, one, dtype)
        if factor is not None:
            return w.graph.op("Mul", _operand(w, other, dtype), factor)
    return _product(w, _operand(w, x, dtype), _operand(w, y, dtype))


def _div(w: Writer, step: Step) -> str:
    dtype = step.outs[0].dtype
    x, y = step.inputs
    factor = _real_factor(w, y, dtype)
    if factor is not None:
        return w.graph.op("Div", _operand(w, x, dtype), factor)
    y = _operand(w, y, dtype)
    above = _product(w, _operand(w, x, dtype), _conjugate(w, y, dtype))
    return w.graph.op("Div", above, w.graph.op("ReduceSumSquare", y, w.graph.ints(-1), keepdims=1)
                      if w.graph.opset >= 18 else w.graph.op("ReduceSumSquare", y, axes=[-1], keepdims=1))  # fmt: skip


def _neg(w: Writer, step: Step) -> str:
    return w.graph.op("Neg", w.name(step.inputs[0]))


def _abs(w: Writer, step: Step) -> str:
    (x,) = step.inputs
    return w.graph.reduce("ReduceL2", w.name(x), (x.rank,), False)


def _complex(w: Writer, step: Step) -> str:
    real, imaginary = step.inputs
    return _joined(w, w.name(real), w.name(imaginary), real.rank)


def _joined(w: Writer, real: str, imaginary: str, rank: int) -> str:
    g = w.graph
    return g.op("Concat", g.unsqueeze(real, rank), g.unsqueeze(imaginary, rank), axis=-1)


def _polar(w: Writer, step: Step) -> str:
    g = w.graph
    length, angle = (w.name(x) for x in step.inputs)
    real, imaginary = (g.op("Mul", length, g.op(f, angle)) for f in ("Cos", "Sin"))
    return _joined(w, real, imaginary, step.outs[0].rank)


# ---- the same elements ---------------------------------------------------------------------------


def _same(w: Writer, step: Step) -> str:
    return w.name(step.inputs[0])


def _conj(w: Writer, step: Step) -> str:
    (x,) = step.inputs
    return _conjugate(w, w.name(x), x.dtype)


def _reshape(w: Writer, step: Step) -> str:
    (x,), shape = step.inputs, step.outs[0].shape
    if varies(shape):
        w.refuse("complex numbers in a shape with an open size")
    return w.graph.reshape(w.name(x), *shape, 2)  # type: ignore[arg-type]


def _permute(w: Writer, step: Step) -> str:
    (x,) = step.inputs
    return w.graph.transpose(w.name(x), [*step.static["dims"], x.rank])


def _sum(w: Writer, step: Step) -> str:
    (x,) = step.inputs
    dims = step.static["dim"]
    dims = tuple(range(x.rank)) if dims is None else dims
    return w.graph.reduce("ReduceSum", w.name(x), dims, step.static["keepdim"])


def _pad(w: Writer, step: Step) -> str:
    (x,) = step.inputs
    if step.static["value"]:
        w.refuse("complex numbers padded with something else than zeros")
    return padded(w, w.name(x), x, (*step.static["widths"], (0, 0)), "constant")


COMPLEX: dict[str, Translator] = {
    "fft_r2c": _of_real, "fft_c2c": _transform, "fft_c2r": _to_real, "view_as_real": _same, "view_as_complex": _same,
    "clone": _same, "laid_out": _same, "variable": _same, "conj_view": _same, "conj_physical": _conj,
    "add": _sum_of("Add"), "sub": _sum_of("Sub"), "mul": _mul, "div": _div, "neg": _neg, "abs": _abs,
    "complex": _complex, "polar": _polar, "reshape": _reshape, "permute": _permute, "sum": _sum, "pad": _pad,
    **{name: MOVES[name] for name in ("slice", "squeeze", "cat", "stack", "flip", "roll", "split", "unbind")},
}  # fmt: skip
