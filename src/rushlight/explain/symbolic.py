"""The derivative of a row against SymPy's Jacobian: an oracle that knows nothing of the row's rule.

What a row computes is said once more here, in symbols: as the formula of an element, or as what becomes of an
array of symbols. SymPy differentiates that, and the numbers are compared with those that the rule gives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.core.doors import read
from rushlight.core.row import Primitive, Sample
from rushlight.core.table import TABLE
from rushlight.errors import require
from rushlight.explain import examples
from rushlight.explain.subjects import MODULE, ROW, Subject

# An element, in SymPy's words.
ELEMENTS = {
    "neg": "-x", "reciprocal": "1/x", "square": "x**2", "sqrt": "sqrt(x)", "rsqrt": "1/sqrt(x)", "exp": "exp(x)",
    "log": "log(x)", "sigmoid": "1/(1 + exp(-x))", "tanh": "tanh(x)", "abs": "Abs(x)", "clone": "x", "laid_out": "x",
    "relu": "Max(x, 0)", "leaky_relu": "Piecewise((x, x > 0), (slope*x, True))", "silu": "x/(1 + exp(-x))",
    "hardtanh": "Min(Max(x, low), high)", "hardsigmoid": "Min(Max(x/6 + 1/2, 0), 1)",
    "hardswish": "x*Min(Max(x + 3, 0), 6)/6", "hardshrink": "Piecewise((x, Abs(x) > lambd), (0, True))",
    "softshrink": "Piecewise((x - lambd, x > lambd), (x + lambd, x < -lambd), (0, True))",
    "threshold": "Piecewise((x, x > threshold), (value, True))",
    "elu": "scale*Piecewise((x, x > 0), (alpha*(exp(rate*x) - 1), True))",
    "softplus": "Piecewise((x, beta*x > threshold), (log(1 + exp(beta*x))/beta, True))",
    "mish": "x*tanh(log(1 + exp(x)))", "log_sigmoid": "-log(1 + exp(-x))", "exp2": "2**x", "expm1": "exp(x) - 1",
    "log2": "log(x)/log(2)", "log10": "log(x)/log(10)", "log1p": "log(1 + x)", "sin": "sin(x)", "cos": "cos(x)",
    "tan": "tan(x)", "asin": "asin(x)", "acos": "acos(x)", "atan": "atan(x)", "sinc": "sin(pi*x)/(pi*x)",
    "sinh": "sinh(x)", "cosh": "cosh(x)", "asinh": "asinh(x)", "acosh": "acosh(x)", "atanh": "atanh(x)",
    "erf": "erf(x)", "erfc": "erfc(x)", "erfinv": "erfinv(x)", "erfcx": "exp(x**2)*erfc(x)",
    "ndtri": "sqrt(2)*erfinv(2*x - 1)", "log_ndtr": "log(erfc(-x/sqrt(2))/2)", "lgamma": "loggamma(x)",
    "digamma": "digamma(x)", "polygamma": "polygamma(n, x)", "entr": "-x*log(x)", "i0": "besseli(0, x)",
    "i0e": "exp(-Abs(x))*besseli(0, x)", "i1": "besseli(1, x)", "i1e": "exp(-Abs(x))*besseli(1, x)", "add": "x + y",
    "sub": "x - y", "mul": "x*y", "div": "x/y", "pow": "x**y",
    "maximum": "Max(x, y)", "minimum": "Min(x, y)", "fmax": "Max(x, y)", "fmin": "Min(x, y)",
    "logaddexp": "log(exp(x) + exp(y))", "logaddexp2": "log(2**x + 2**y)/log(2)", "atan2": "atan2(x, y)",
    "hypot": "sqrt(x**2 + y**2)", "xlogy": "x*log(y)", "xlog1py": "x*log(1 + y)", "squared_distance": "(x - y)**2",
    "rounded_distance": "Piecewise((slope*(x - y)**2/(2*bend), Abs(x - y) < bend), "
                        "(slope*(Abs(x - y) - bend/2), True))",
    "binary_cross_entropy": "-(y*log(x) + (1 - y)*log(1 - x))", "lerp": "x + weight*(end - x)",
    "addcmul": "x + value*first*second", "addcdiv": "x + value*first/second",
    "relu_backward": "Piecewise((x, y > 0), (0, True))", "copysign": "Abs(x)*sign(y)",
}  # fmt: skip
# Elements whose formula depends on a word.
_GELU = {
    "none": "x*(1 + erf(x/sqrt(2)))/2",
    "tanh": "x*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3)))/2",
}

Arrays = list[Any]


def _along(dim: int, f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: np.apply_along_axis(f, dim, x)


def _softmax(sp: Any, x: Any, dim: int, **_: Any) -> Any:
    return _along(dim, lambda v: np.array([sp.exp(e) / sum(map(sp.exp, v)) for e in v]))(x)


def _log_softmax(sp: Any, x: Any, dim: int) -> Any:
    return _along(dim, lambda v: np.array([e - sp.log(sum(map(sp.exp, v))) for e in v]))(x)


def _folded(fold: Callable[[Any, list[Any]], Any]) -> Callable[..., Any]:
    """A reduction over dimensions, from the fold of a list of elements."""

    def reduced(sp: Any, x: Any, dim: Any = None, keepdim: bool = False, **static: Any) -> Any:
        dims = range(x.ndim) if dim is None else (dim,) if isinstance(dim, int) else dim
        dims = tuple(d % x.ndim for d in dims) if x.ndim else ()
        rest = [d for d in range(x.ndim) if d not in dims]
        kept = x.transpose(*rest, *dims).reshape(*(x.shape[d] for d in rest), -1)
        out = np.empty(kept.shape[:-1], object)
        for place in np.ndindex(out.shape):
            out[place] = fold(sp, list(kept[place]), **static)
        return (
            out.reshape([1 if d in dims else n for d, n in enumerate(x.shape)]) if keepdim else out
        )

    return reduced


def _variance(sp: Any, v: list[Any], correction: Any = 1) -> Any:
    mean = sum(v) / len(v)
    return sum((e - mean) ** 2 for e in v) / (len(v) - sp.nsimplify(correction))


def _deviation(sp: Any, v: list[Any], correction: Any = 1) -> Any:
    return sp.sqrt(_variance(sp, v, correction))


def _norm(sp: Any, v: list[Any], ord: float = 2.0) -> Any:
    if ord == np.inf:
        return sp.Max(*map(sp.Abs, v))
    if ord == -np.inf:
        return sp.Min(*map(sp.Abs, v))
    p = sp.nsimplify(ord)
    return sum(sp.Abs(e) ** p for e in v) ** (1 / p)


def _scanned(step: Callable[[Any, Any, Any], Any]) -> Callable[..., Any]:
    def scan(sp: Any, x: Any, dim: int) -> Any:
        def line(v: Any) -> Any:
            out = [v[0]]
            for e in v[1:]:
                out.append(step(sp, out[-1], e))
            return np.array(out)

        return _along(dim, line)(x) if x.ndim else x

    return scan


def _matrix(f: Callable[[Any], Any]) -> Callable[..., Any]:
    """A function of each of the matrices."""

    def of(sp: Any, x: Any, **_: Any) -> Any:
        lead = x.shape[:-2]
        made = [np.array(f(sp.Matrix(m)), dtype=object) for m in x.reshape(-1, *x.shape[-2:])]
        return np.array(made, dtype=object).reshape((*lead, *made[0].shape))

    return of


def _nll(
    sp: Any, x: Any, target: Any, weight: Any = None, *, reduction: str, ignore_index: int
) -> Any:
    moved = np.moveaxis(x, 1, -1) if x.ndim > 1 else x
    w = np.ones(moved.shape[-1]) if weight is None or not np.ndim(weight) else weight
    out = np.zeros(np.shape(target), object)
    total: Any = 0
    for place in np.ndindex(np.shape(target)):
        chosen = int(np.asarray(target)[place])
        if chosen != ignore_index:
            out[place] = -w[chosen] * moved[place][chosen]
            total += w[chosen]
    if reduction == "none":
        return out
    return np.array(out.sum() / total if reduction == "mean" else out.sum())


def _cross_entropy(sp: Any, x: Any, target: Any, weight: Any = None, **static: Any) -> Any:
    return _nll(sp, _log_softmax(sp, x, 1), target, weight, **static)


_summed = _folded(lambda sp, v: sum(v))


def _inner(sp: Any, x: Any, y: Any, dims: Any) -> Any:
    return _summed(sp, x * y, dims, True)


def _gathered(sp: Any, x: Any, index: Any, dim: int) -> Any:
    index = np.asarray(index)
    near = tuple(slice(None) if d == dim % x.ndim else slice(n) for d, n in enumerate(index.shape))
    return np.take_along_axis(x[near], index, dim)


# What becomes of arrays of symbols; where NumPy's own forward is not written for them.
ARRAYS: dict[str, Callable[..., Any]] = {
    "softmax": _softmax, "log_softmax": _log_softmax, "cross_entropy": _cross_entropy, "nll": _nll,
    "sum": _summed, "mean": _folded(lambda sp, v: sum(v) / len(v)),
    "prod": _folded(lambda sp, v: sp.prod(v)), "amax": _folded(lambda sp, v: sp.Max(*v)),
    "amin": _folded(lambda sp, v: sp.Min(*v)), "var": _folded(_variance),
    "std": _folded(_deviation),
    "logsumexp": _folded(lambda sp, v: sp.log(sum(map(sp.exp, v)))), "vector_norm": _folded(_norm),
    "cumsum": _scanned(lambda sp, a, b: a + b), "cumprod": _scanned(lambda sp, a, b: a * b),
    "logcumsumexp": _scanned(lambda sp, a, b: sp.log(sp.exp(a) + sp.exp(b))),
    "matmul": lambda sp, x, y: np.matmul(x, y), "dot": lambda sp, x, y: np.array(sum(x * y)),
    "linear": lambda sp, x, w, b=None: np.matmul(x, w.T) + (0 if b is None else b),
    "linear_weight": lambda sp, g, x: np.matmul(
        g.reshape(-1, g.shape[-1]).T, x.reshape(-1, x.shape[-1])
    ),
    "inner": _inner,
    "linalg_det": _matrix(lambda m: m.det()), "linalg_inv_ex": _matrix(lambda m: m.inv()),
    "cat": lambda sp, *xs, dim: np.concatenate(xs, dim), "stack": lambda sp, *xs, dim: np.stack(xs, dim),
    "gather": _gathered,
    "embedding": lambda sp, weight, indices, **_: weight[np.asarray(indices)],
    "where": lambda sp, condition, x, y: np.where(np.asarray(condition), x, y),
    "reshape": lambda sp, x, shape: x.reshape(shape), "permute": lambda sp, x, dims: x.transpose(dims),
    "expand": lambda sp, x, size: np.broadcast_to(x, size), "flip": lambda sp, x, dims: np.flip(x, dims),
    "roll": lambda sp, x, shifts, dims: np.roll(x, shifts, dims),
    "diagonal": lambda sp, x, offset, dim1, dim2: np.diagonal(x, offset, dim1, dim2),
    "squeeze": lambda sp, x, dims: np.squeeze(x, dims),
    "triangle": lambda sp, x, diagonal, upper: (np.triu if upper else np.tril)(x, diagonal),
}  # fmt: skip


def can_express(row: Primitive) -> bool:
    """Whether the row is said in symbols here."""
    return row.vjp is not None and (
        row.name in ELEMENTS or row.name in ARRAYS or row.name == "gelu"
    )


def expressions(row: Primitive, arrays: Arrays, static: dict[str, Any]) -> Any:
    """The output, an array of expressions, of arrays of symbols (and of numbers, as they are)."""
    sp = require("sympy", extra="explain")
    if row.name in ARRAYS:
        return np.asarray(ARRAYS[row.name](sp, *arrays, **static), dtype=object)
    text = _GELU[static["approximate"]] if row.name == "gelu" else ELEMENTS[row.name]
    numbers = {
        k: sp.nsimplify(v, rational=True) for k, v in static.items() if isinstance(v, int | float)
    }
    names = [sp.Symbol(name, real=True) for name in row.inputs]
    element = sp.sympify(text, locals={**{s.name: s for s in names}, **numbers})
    spread = np.broadcast_arrays(*[np.asarray(a, dtype=object) for a in arrays], subok=False)
    out = np.empty(spread[0].shape, object)
    for place in np.ndindex(out.shape):
        out[place] = element.subs(
            dict(zip(names, (a[place] for a in spread), strict=False)), simultaneous=True
        )
    return out


def _is_real(array: Any) -> bool:
    return isinstance(array, np.ndarray) and array.dtype.kind == "f"


def by_sympy(row: Primitive, sample: Sample, seed: Any) -> list[Any]:
    """The gradients of the real inputs for the incoming gradient seed, from the Jacobian."""
    sp = require("sympy", extra="explain")
    symbols: list[Any] = []
    values: dict[Any, float] = {}
    for number, array in enumerate(sample.arrays):
        if not _is_real(array):
            symbols.append(array)
            continue
        named = np.empty(array.shape, object)
        for place in np.ndindex(array.shape):
            named[place] = sp.Symbol(f"x{number}_{'_'.join(map(str, place))}", real=True)
            values[named[place]] = float(array[place])
        symbols.append(named)
    out = expressions(row, symbols, sample.static)
    total = sum(float(s) * e for s, e in zip(seed.ravel(), out.ravel(), strict=True))
    gradients: list[Any] = []
    for named, array in zip(symbols, sample.arrays, strict=True):
        if not _is_real(array):
            gradients.append(None)
            continue
        found = np.zeros(array.shape)
        for place in np.ndindex(array.shape):
            found[place] = float(sp.N(sp.diff(total, named[place]).subs(values)))
        gradients.append(found)
    return gradients


def by_rule(row: Primitive, sample: Sample, seed: Any) -> list[Any]:
    """The gradients by the row's own rule."""
    import rushlight as torch

    given = [torch.tensor(a) if isinstance(a, np.ndarray) else a for a in sample.arrays]
    wanted = [
        t.requires_grad_() if _is_real(a) else t for t, a in zip(given, sample.arrays, strict=True)
    ]
    out: Any = row(*wanted, **sample.static)
    first = out[0] if isinstance(out, tuple) else out
    first.backward(torch.tensor(seed).to(first.dtype))
    return [
        read(t.grad, "it is compared") if _is_real(a) and t.grad is not None else None
        for t, a in zip(wanted, sample.arrays, strict=True)
    ]


def samples(row: Primitive) -> list[Sample]:
    """Samples small enough for symbols, of real numbers."""
    fit = []
    for sample in row.samples():
        arrays = [a for a in sample.arrays if isinstance(a, np.ndarray)]
        if sum(a.size for a in arrays if _is_real(a)) <= 24 and any(
            _is_real(a) and a.size for a in arrays
        ):
            fit.append(Sample(tuple(_double(a) for a in sample.arrays), sample.static))
    return fit


def _double(array: Any) -> Any:
    return array.astype(np.float64) if _is_real(array) else array


def difference(row: Primitive, sample: Sample) -> float:
    """The largest difference between the two, over the larger of 1 and the gradient."""
    rule = row.rule(*sample.arrays, **sample.static)
    shape, _ = rule[0] if isinstance(rule, list) else rule
    seed = np.arange(1.0, np.prod(shape, dtype=int) + 1).reshape(shape) / 4
    worst = 0.0
    for ours, theirs in zip(by_rule(row, sample, seed), by_sympy(row, sample, seed), strict=True):
        if ours is None or theirs is None or not ours.size:
            continue
        worst = max(worst, float(np.max(np.abs(ours - theirs) / np.maximum(1, np.abs(theirs)))))
    return worst


def compared(what: Subject) -> tuple[list[str], bool]:
    """Lines about the comparison, and whether all agree."""
    rows = _rows_of(what)
    lines = [f"{what.name}: derivatives by the rows' rules, against SymPy's Jacobian"]
    agrees = True
    for row in rows:
        if row.vjp is None:
            lines.append(f"  {row.name}: has no derivative")
            continue
        if not can_express(row):
            lines.append(f"  {row.name}: is not said in symbols")
            continue
        for sample in samples(row)[:3]:
            shapes = ", ".join(str(list(np.shape(a))) for a in sample.arrays)
            worst = difference(row, sample)
            good = worst < 1e-6
            agrees &= good
            settings = "".join(f", {k}={v!r}" for k, v in sample.static.items())
            lines.append(
                f"  {row.name}({shapes}{settings}): {'agrees' if good else 'DIFFERS'}, by {worst:.1e}"
            )
    return lines, agrees


def _rows_of(what: Subject) -> list[Primitive]:
    if what.kind == ROW:
        return [what.value]
    if what.kind == MODULE:
        made = examples.module(what.value)
        example = made and made[1]
    else:
        example = examples.operation(what.name, what.value, what.name)
    if not example:
        return [TABLE[what.name]] if what.name in TABLE else []
    return list({id(used.row): used.row for used in example.rows}.values())
