"""Rows, and public functions, as operators of ATen: those that ATen has under another name, or in parts."""

from __future__ import annotations

import inspect
import math
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.autograd.state import no_grad
from rushlight.core import doors
from rushlight.core.turned import held
from rushlight.device import CPU
from rushlight.layout import contiguous_format
from rushlight.library import aten
from rushlight.ops.comparison import allclose
from rushlight.primitives.placement import view_strides

if TYPE_CHECKING:
    from rushlight.compiler.graphs.aten import Aten

Rule = Callable[..., Any]


def of_row(to: Aten, row: Any, inputs: Any, static: dict[str, Any], result: Any) -> None:
    """Write down the call of a row; as itself where ATen has no operator that gives the same."""
    if row.name == "variable":
        # The argument of a function that is differentiated.
        to.know(result, to.node(inputs[0]))
        return
    single = isinstance(result, Tensor)
    rule = ROWS.get(row.name)
    # What a row gives besides is for its own derivative: then it must be the row.
    plain = single or result[0]._node_ is None
    if rule is not None and plain and takes(rule, to, inputs, static):
        to.know(result if single else result[0], rule(to, *inputs, **static))
    elif (found := _proved(row, inputs, static, result)) is not None:
        operator_name, rest = found
        know(to, result, to.emit(operator_name, *inputs, *rest))
    else:
        know(to, result, to.call(row.name, _itself(row), inputs, static))


def takes(rule: Rule, to: Aten, inputs: Any, static: dict[str, Any]) -> bool:
    """Whether a rule knows all that a row was given."""
    try:
        inspect.signature(rule).bind(to, *inputs, **static)
    except TypeError:
        return False
    return True


def _proved(
    row: Any, inputs: Any, static: dict[str, Any], result: Any
) -> tuple[str, list[Any]] | None:
    """The operator of ATen by a row's name, and its further arguments, if it gives what the row has given."""
    found = aten.of_row(row, inputs, static)
    if found is None or not isinstance(result, Tensor):
        return None
    rest = [list(v) if isinstance(v, tuple) else v for v in static.values() if v is not None]
    try:
        with no_grad():
            again = found(*inputs, *rest)
    except Exception:
        return None
    alike = isinstance(again, Tensor) and again.shape == result.shape
    if not alike or again.dtype != result.dtype or not allclose(again, result, equal_nan=True):
        return None
    return str(found).removeprefix("aten."), rest


def _itself(row: Any) -> Rule:
    def call(*inputs: Any, **static: Any) -> Any:
        return doors.apply(row, *inputs, **static)

    # Graphs that are printed show it so.
    call.__name__ = call.__qualname__ = row.name
    call.__module__ = "rows"
    return call


def know(to: Aten, result: Any, node: Any) -> None:
    """A tensor, or each of several, is what a node gives."""
    if isinstance(result, Tensor):
        to.know(result, node)
        return
    for number, part in enumerate(result):
        to.know(part, to.graph.call_function(operator.getitem, (node, number)))


def _with(form: str, name: str) -> Rule:
    return lambda to, *inputs, **static: to.emit(f"{name}.{form}", *inputs)


def _compared(name: str) -> Rule:
    def rule(to: Aten, x: Any, y: Any) -> Any:
        return to.emit(f"{name}.{'Tensor' if isinstance(y, Tensor) else 'Scalar'}", x, y)

    return rule


def _sub(to: Aten, x: Any, y: Any) -> Any:
    if isinstance(x, Tensor):
        return to.emit("sub.Tensor", x, y)
    return to.emit("rsub.Scalar", y, x)


def _div(to: Aten, x: Any, y: Any) -> Any:
    if isinstance(x, Tensor):
        return to.emit("div.Tensor", x, y)
    return to.emit("mul.Tensor", to.emit("reciprocal.default", y), x)


def _pow(to: Aten, x: Any, y: Any) -> Any:
    kinds = ["Tensor" if isinstance(v, Tensor) else "Scalar" for v in (x, y)]
    return to.emit("pow.Scalar" if kinds[0] == "Scalar" else f"pow.Tensor_{kinds[1]}", x, y)


def _reduced(name: str, form: str) -> Rule:
    def rule(to: Aten, x: Any, dim: Any = None, keepdim: bool = False, **rest: Any) -> Any:
        if dim is None:
            return to.emit(f"{name}.default", x)
        keep = (True,) if keepdim else ()
        return to.emit(f"{name}.{form}", x, list(dim), *keep)

    return rule


def _matmul(to: Aten, x: Any, y: Any) -> Any:
    ranks = x.dim(), y.dim()
    names = {(2, 2): "mm", (2, 1): "mv", (1, 1): "dot", (3, 3): "bmm"}
    if ranks in names and (ranks != (3, 3) or x.shape[0] == y.shape[0]):
        return to.emit(f"{names[ranks]}.default", x, y)
    return to.emit("matmul.default", x, y)


def _linear(to: Aten, x: Any, weight: Any, bias: Any = None) -> Any:
    rows, out = math.prod(x.shape[:-1]), weight.shape[0]
    flat: Any = x if x.dim() == 2 else None
    turned = to.emit("t.default", weight)
    if flat is None:
        flat = to.emit("view.default", x, [rows, x.shape[-1]])
    if bias is None:
        node = to.emit("mm.default", flat, turned)
    else:
        node = to.emit("addmm.default", bias, flat, turned)
    return node if x.dim() == 2 else to.emit("view.default", node, [*x.shape[:-1], out])


def _linear_weight(to: Aten, g: Any, x: Any) -> Any:
    if g.dim() > 2:
        g_, x_ = (to.emit("view.default", v, [-1, v.shape[-1]]) for v in (g, x))
    else:
        g_, x_ = to.node(g), to.node(x)
    product = to.emit("mm.default", to.emit("t.default", g_), x_)
    return to.emit("t.default", to.emit("t.default", product))


def _permuted(to: Aten, x: Any, dims: Any) -> Any:
    if tuple(dims) == (1, 0):
        return to.emit("t.default", x)
    return to.emit("permute.default", x, list(dims))


def _sliced(to: Aten, x: Any, index: Any) -> Any:
    node, dim = to.node(x), 0
    sizes = list(x.shape)
    rest = len([i for i in index if i is not None and i is not ...])
    for part in index:
        if part is None:
            node = to.emit("unsqueeze.default", node, dim)
            dim += 1
        elif part is ...:
            skipped = x.dim() - rest
            dim, sizes = dim + skipped, sizes[skipped:]
        elif isinstance(part, slice):
            size = sizes.pop(0)
            start, stop, step = part.indices(size)
            if (start, stop, step) != (0, size, 1):
                end = stop if part.stop is not None else 2**63 - 1
                given = (start, end) if step == 1 else (start, end, step)
                node = to.emit("slice.Tensor", node, dim, *given)
            dim += 1
        else:
            sizes.pop(0)
            node = to.emit("select.int", node, dim, part)
    return node


def _reshaped(to: Aten, x: Any, shape: Any) -> Any:
    sizes, array = list(shape), held(x)
    if -1 in sizes:
        sizes[sizes.index(-1)] = -x.numel() // math.prod(shape) if x.numel() else 0
    if view_strides(array.shape, array.strides, tuple(sizes), array.itemsize) is not None:
        return to.emit("view.default", x, list(shape))
    copy = to.emit("clone.default", x, memory_format=contiguous_format)
    return to.emit("_unsafe_view.default", copy, list(shape))


def _convolved(to: Aten, x: Any, weight: Any, bias: Any = None, **static: Any) -> Any:
    sizes = [list(static[name]) for name in ("stride", "padding", "dilation")]
    none = [0] * len(sizes[0])
    return to.emit("convolution.default", x, weight, bias, *sizes, False, none, static["groups"])


def _normalized(to: Aten, x: Any, weight: Any, bias: Any, **static: Any) -> Any:
    sizes = [x.shape[d] for d in static["dims"]]
    if tuple(static["view"]) != tuple(x.shape) or static["dims"][-1] != x.dim() - 1:
        raise NotImplementedError("make_fx: a normalization that is no layer_norm")
    node = to.emit("native_layer_norm.default", x, sizes, weight, bias, static["eps"])
    parts = [to.graph.call_function(operator.getitem, (node, n)) for n in range(3)]
    return parts[0]


ROWS: dict[str, Rule] = {
    **{name: _with("Tensor", name) for name in ("add", "mul")},
    **{name: _compared(name) for name in ("eq", "ne", "lt", "le", "gt", "ge")},
    "sub": _sub, "div": _div, "pow": _pow,
    "sum": _reduced("sum", "dim_IntList"), "mean": _reduced("mean", "dim"),
    "amax": _reduced("amax", "default"), "amin": _reduced("amin", "default"),
    "matmul": _matmul, "linear": _linear, "linear_weight": _linear_weight,
    "gelu": lambda to, x, approximate="none": to.emit(
        "gelu.default", x, **({} if approximate == "none" else {"approximate": approximate})
    ),
    "softmax": lambda to, x, dim: to.emit("_softmax.default", x, dim, False),
    "log_softmax": lambda to, x, dim: to.emit("_log_softmax.default", x, dim, False),
    "relu_backward": lambda to, g, out: to.emit("threshold_backward.default", g, out, 0),
    "reshape": _reshaped, "convolution": _convolved,
    "expand": lambda to, x, size: to.emit("expand.default", x, list(size)),
    "permute": _permuted, "slice": _sliced, "normalize": _normalized,
    "convert": lambda to, x, dtype: to.emit("_to_copy.default", x, dtype=dtypes.of(dtype)),
    "where": lambda to, c, x, y: to.emit("where.self", c, x, y),
    "cat": lambda to, *parts, dim: to.emit("cat.default", list(parts), *([dim] if dim else [])),
    "stack": lambda to, *parts, dim: to.emit("stack.default", list(parts), *([dim] if dim else [])),
    "laid_out": lambda to, x, strides=None: to.emit("clone.default", x),
}  # fmt: skip


# ---- public functions ------------------------------------------------------------------------------


def _same(name: str, *places: str) -> Rule:
    """One operator with the arguments as they were given; what is listed becomes one list."""

    def rule(to: Aten, result: Any, args: Any, kwargs: Any) -> None:
        given = list(args)
        if "sizes" in places:
            rest = given[1:]
            given[1:] = [rest[0] if len(rest) == 1 and not isinstance(rest[0], int) else rest]
        know(to, result, to.emit(name, *given, **kwargs))

    return rule


def _detached(to: Aten, result: Any, args: Any, kwargs: Any) -> None:
    to.know(result, to.emit("detach.default", args[0]))


def _made(name: str) -> Rule:
    def rule(to: Aten, result: Any, args: Any, kwargs: Any) -> None:
        kept = {"dtype": kwargs["dtype"]} if "dtype" in kwargs else {}
        to.know(result, to.emit(name, list(result.shape), **kept, device=CPU, pin_memory=False))

    return rule


def _over_dim(name: str) -> Rule:
    def rule(to: Aten, result: Any, args: Any, kwargs: Any) -> None:
        dim = args[1] if len(args) > 1 else kwargs.get("dim", -1)
        x = args[0]
        if result.dtype != x.dtype:
            x = to.emit("_to_copy.default", x, dtype=result.dtype)
        to.know(result, to.emit(name, x, dim, False))

    return rule


def _made_like(name: str) -> Rule:
    def rule(to: Aten, result: Any, args: Any, kwargs: Any) -> None:
        to.know(result, to.emit(name, args[0], pin_memory=False))

    return rule


def _lifted(to: Aten, result: Any, args: Any, kwargs: Any) -> None:
    with to.off():
        constant = to._constant(result.clone())
    to.know(result, to.emit("lift_fresh_copy.default", constant))


def _contiguous(to: Aten, result: Any, args: Any, kwargs: Any) -> None:
    if result is not args[0]:
        to.know(result, to.emit("clone.default", args[0], memory_format=contiguous_format))


BY_NAME: dict[str, Rule] = {
    "t": _same("t.default"), "transpose": _same("transpose.int"), "permute": _same("permute.default", "sizes"),
    "unsqueeze": _same("unsqueeze.default"), "view": _same("view.default", "sizes"),
    "expand": _same("expand.default", "sizes"), "detach": _detached, "clone": _same("clone.default"),
    "contiguous": _contiguous, "select": _same("select.int"), "tensor": _lifted,
    "zeros": _made("zeros.default"), "ones": _made("ones.default"), "rand": _made("rand.default"),
    "randn": _made("randn.default"), "zeros_like": _made_like("zeros_like.default"),
    "ones_like": _made_like("ones_like.default"),
    "softmax": _over_dim("_softmax.default"), "log_softmax": _over_dim("_log_softmax.default"),
    "embedding": lambda to, result, args, kwargs: to.know(
        result, to.emit("embedding.default", args[1], args[0])
    ),
}  # fmt: skip
