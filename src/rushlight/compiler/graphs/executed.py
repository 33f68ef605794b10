"""Operators of ATen that are run as they come, for who answers `__torch_dispatch__` (`overriding/below`).

The rules of `rows` say which operators a row is: there they become nodes, here they are asked for. What
a program calls by name, and is one operator, is told here with its own arguments.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight._ops import ops
from rushlight.compiler.graphs.rows import ROWS, takes
from rushlight.core import doors
from rushlight.core.state import state
from rushlight.core.tensor import TensorBase, wants_grad, wrap
from rushlight.device import CPU
from rushlight.layout import contiguous_format, preserve_format
from rushlight.library import aten
from rushlight.library.operators import OpOverload, OpOverloadPacket
from rushlight.library.schema import FunctionSchema
from rushlight.ops.comparison import allclose
from rushlight.primitives.index import ARRAY


def operator(name: str) -> Any:
    """The operator of that name: `mm.default`."""
    packet, _, form = name.partition(".")
    return getattr(getattr(ops.aten, packet), form)


# How torch makes the gradient of a root with respect to itself.
ONE_LIKE = {"pin_memory": False, "memory_format": preserve_format}


# ---- rows ----------------------------------------------------------------------------------------


class _Run:
    """What the rules of rows write to: each operator is asked for at once."""

    def __init__(self, below: Any) -> None:
        self.below = below

    def emit(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """What an operator gives."""
        return self.below.ask(operator(name), args, kwargs)

    def node(self, value: Any) -> Any:
        """What stands for a value: itself."""
        return value


class _RowOperator(OpOverload):
    """A row that ATen has no operator for, as one of a namespace of its own."""

    def __init__(self, row: Any) -> None:
        name = f"rushlight::{row.name}"
        super().__init__(OpOverloadPacket("rushlight", row.name), FunctionSchema(name, "", [], []))
        self.row = row

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The row."""
        return doors.apply(self.row, *args, **kwargs)


_rows: dict[str, _RowOperator] = {}
# By a row and what of its parameters is given: whether ATen's operator of its name gives the same.
_proved: dict[Any, Any] = {}


def ran(below: Any, row: Any, inputs: tuple[Any, ...], static: dict[str, Any]) -> Any:
    """What a row gives, as whoever is asked answers for its operators."""
    rule = _SEVERAL.get(row.name) or ROWS.get(row.name)
    run: Any = _Run(below)
    if rule is not None:
        if takes(rule, run, inputs, static):
            found = rule(run, *inputs, **static)
            if found is not None:
                return found
        return below.ask(_of_row(row), inputs, static)
    rest = tuple(list(v) if isinstance(v, tuple) else v for v in static.values() if v is not None)
    given = tuple(k for k, v in static.items() if v is not None)
    key = row.name, given, tuple(isinstance(t, TensorBase) for t in inputs)
    if key not in _proved:
        _proved[key] = _operator_of(row, inputs, static, rest)
    if (found := _proved[key]) is not None:
        return below.ask(found, (*inputs, *rest), {})
    return below.ask(_of_row(row), inputs, static)


def _of_row(row: Any) -> _RowOperator:
    return _rows.get(row.name) or _rows.setdefault(row.name, _RowOperator(row))


def _normalized(
    to: Any, x: Any, weight: Any, bias: Any, *, view: Any, dims: Any, broadcast: Any, eps: float,
    batch: bool | None = None,
) -> Any:  # fmt: skip
    """Layer norm and batch norm: what each gives, and the variance, which running statistics are made of."""
    shape = [1 if d in dims else n for d, n in enumerate(view)]
    if batch is not None:
        found = to.emit("native_batch_norm.default", x, weight, bias, None, None, True, 0.0, eps)
    elif tuple(view) == tuple(x.shape) and list(dims) == list(range(dims[0], x.dim())):
        sizes = [view[d] for d in dims]
        found = to.emit("native_layer_norm.default", x, sizes, weight, bias, eps)
    else:
        return None
    out, mean, rstd = found
    mean, rstd = mean.reshape(shape), rstd.reshape(shape)
    return out, mean, rstd, rstd**-2 - eps


def _indexed(to: Any, x: Any, *indices: Any, spec: Any) -> Any:
    """Elements at places, where no index but those is given."""
    if any(part is not ARRAY and part != slice(None) for part in spec):
        return None
    given = iter(indices)
    return to.emit("index.Tensor", x, [next(given) if p is ARRAY else None for p in spec])


def _in_parts(to: Any, x: Any, *, sizes: Any, dim: int) -> Any:
    at = [dim] if dim else []
    if len({*sizes[:-1]}) < 2 and sizes[-1] <= sizes[0]:
        return to.emit("split.Tensor", x, sizes[0], *at)
    return to.emit("split_with_sizes.default", x, list(sizes), *at)


def _gelu(to: Any, x: Any, *, approximate: str) -> Any:
    """What it gives, and the share of x in that, which the derivative is made of."""
    how = {} if approximate == "none" else {"approximate": approximate}
    out = to.emit("gelu.default", x, **how)
    if not wants_grad(x):
        return out, out
    if how:
        return None
    share = to.emit("erf.default", to.emit("mul.Tensor", x, math.sqrt(0.5)))
    return out, to.emit("mul.Tensor", to.emit("add.Tensor", share, 1), 0.5)


# Rows that give several tensors, and such as need not be whole to be an operator.
_SEVERAL: dict[str, Callable[..., Any]] = {
    "gelu": _gelu, "normalize": _normalized, "index": _indexed, "split": _in_parts,
}  # fmt: skip


def _operator_of(row: Any, inputs: Any, static: Any, rest: tuple[Any, ...]) -> Any:
    """ATen's operator by the name of a row, if it gives the same of numbers that are made up."""
    found = aten.of_row(row, inputs, static)
    if found is None:
        return None
    watchers, state.interpreters = state.interpreters, ()
    try:
        made = [_made_up(t) for t in inputs]
        wanted, given = doors.apply(row, *made, **static), found(*made, *rest)
    except Exception:
        return None
    finally:
        state.interpreters = watchers
    if isinstance(wanted, TensorBase):
        wanted, given = (wanted,), (given,)
    return found if isinstance(given, tuple) and all(map(_alike, wanted, given)) else None


def _made_up(value: Any) -> Any:
    if not isinstance(value, TensorBase):
        return value
    like = value._data_
    numbers = (
        np.linspace(0.1, 0.9, like.size) if like.dtype.kind in "fcV" else np.arange(like.size) % 2
    )
    return wrap(numbers.reshape(like.shape).astype(like.dtype))


def _alike(a: Any, b: Any) -> bool:
    same = isinstance(b, TensorBase) and a.shape == b.shape and a.dtype == b.dtype  # type: ignore[attr-defined]
    return same and allclose(a, b, equal_nan=True)


# ---- writes --------------------------------------------------------------------------------------

_KERNELS = {"copy": "copy_", "copy_changed": "copy_", "fill": "fill_", "fill_where": "masked_fill_"}


def write(
    below: Any, target: Any, kernel: Any, inputs: tuple[Any, ...], static: dict[str, Any]
) -> None:
    """A write into memory, as the operator that does it."""
    name = getattr(kernel, "__name__", "")
    if name == "copy_region":
        # What shows the region is asked for, too.
        before, state.grad, state.interpreters = state.grad, False, (*state.interpreters, below)
        try:
            target[static["index"]].copy_(inputs[0])
        finally:
            state.grad = before
        return
    packet = getattr(ops.aten, _KERNELS.get(name, f"{name}_"), None)
    if packet is None:
        doors.into(target, kernel, *inputs, **static)
    else:
        below.ask(_form(packet, (target, *inputs), static), (target, *inputs), static)


# ---- what is called by name ------------------------------------------------------------------------


@dataclass
class Call:
    """A public function as an operator: run at once, or in the place of the row that the function is."""

    operator: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    at_once: bool = False
    # What becomes of the result.
    finished: Callable[[Any], Any] = lambda result: result


def called(
    public: Any, args: tuple[Any, ...], kwargs: dict[str, Any], recorded: bool
) -> Call | None:
    """The operator that a public function is; None if its rows, or what is written, are asked for."""
    name = public.name.removesuffix(".__get__").rpartition(".")[2]
    if kwargs.get("out") is not None or name[:2] == "__":
        return None
    rule = BY_NAME.get(name)
    if rule is not None:
        try:
            return rule(*args, **kwargs)
        except TypeError:
            return None
    if name[-1] == "_" and name[-2] != "_":
        return None if recorded or name in _NO_OPERATORS else _in_place(name, args, kwargs)
    if name not in _AS_THEY_ARE or (recorded and not _is_one_row(public, args, kwargs)):
        return None
    call = _as_given(name, args, kwargs)
    if call is not None:
        call.at_once = not recorded
    return call


def _form(packet: Any, args: Any, kwargs: Any) -> Any:
    """The form of an operator that takes such arguments."""
    forms = packet.forms
    numbers = "Tensor" if len(args) > 1 and isinstance(args[1], TensorBase) else "Scalar"
    if packet.__name__.rstrip("_") in ("add", "sub", "mul", "div"):
        numbers = "Tensor"
    if packet.__name__ in ("lerp", "lerp_", "masked_fill", "masked_fill_"):
        numbers = "Tensor" if isinstance(args[-1], TensorBase) else "Scalar"
    if packet.__name__ == "where":
        return forms["self"]
    dims = ["dim", "correction"] if kwargs.get("dim") is not None or len(args) > 1 else []
    wanted = [*dims, numbers, f"Tensor_{numbers}", "default", *forms]
    return next(forms[form] for form in wanted if form in forms)


def _as_given(name: str, args: Any, kwargs: Any) -> Call | None:
    packet = getattr(ops.aten, name, None)
    if packet is None:
        return None
    form = _form(packet, args, kwargs)
    try:
        bound = _signature(form.function).bind(*args, **kwargs)
    except TypeError:
        return None
    parameters = _signature(form.function).parameters
    positional: list[Any] = []
    named: dict[str, Any] = {}
    standing = 0
    for key, parameter in parameters.items():
        given = key in bound.arguments
        value = bound.arguments.get(key, parameter.default)
        if parameter.kind is parameter.VAR_POSITIONAL:
            rest = value if given else ()
            positional += [_sizes(rest)] if name in _WITH_SIZES else rest
        elif parameter.kind is parameter.KEYWORD_ONLY or key == "out":
            if given and value != parameter.default:
                named[key] = value
            continue
        else:
            listed = name in _LISTED and key != "input" and value.__class__ is int
            positional.append([value] if listed else value)
        # What stands by default, at the end, is not told.
        if given and (parameter.default is parameter.empty or value is not parameter.default):
            standing = len(positional)
    return Call(form, tuple(positional[:standing]), named)


_signature = functools.cache(inspect.signature)


def _in_place(name: str, args: Any, kwargs: Any) -> Call | None:
    call = _as_given(name, args, kwargs)
    if call is not None:
        call.at_once, call.finished = True, lambda result: args[0]
    return call


class _Counts(doors.Interpreter):
    """How much passes the doors."""

    rows = others = 0

    def take(self, watchers: Any, door: str, *what: Any) -> Any:
        if door == "apply":
            self.rows += 1
        elif door not in ("check", "literal"):
            self.others += 1
        return super().take(watchers, door, *what)


_single: dict[Any, bool] = {}


def _is_one_row(public: Any, args: Any, kwargs: Any) -> bool:
    """Whether a function is one row and no more, tried once with numbers that are made up."""
    given = (*args, *kwargs.values())
    key = public.name, len(args), tuple(kwargs), tuple(isinstance(v, TensorBase) for v in given)
    if key not in _single:
        watchers, state.interpreters = state.interpreters, ()
        try:
            with (counts := _Counts()):
                public.plain(*map(_made_up, args), **{k: _made_up(v) for k, v in kwargs.items()})
        except Exception:
            counts.others = 1
        finally:
            state.interpreters = watchers
        _single[key] = counts.rows == 1 and not counts.others
    return _single[key]


def _sizes(given: Any) -> list[Any]:
    return list(given[0]) if len(given) == 1 and not isinstance(given[0], int) else list(given)


def _squeezed(x: Any, dim: Any = None) -> Call:
    if dim is None:
        return Call(operator("squeeze.default"), (x,))
    if isinstance(dim, int):
        return Call(operator("squeeze.dim"), (x, dim))
    return Call(operator("squeeze.dims"), (x, list(dim)))


def _viewed(x: Any, *size: Any, dtype: Any = None) -> Call:
    if dtype is not None or (len(size) == 1 and isinstance(size[0], dtypes.dtype)):
        return Call(operator("view.dtype"), (x, dtype or size[0]))
    return Call(operator("view.default"), (x, _sizes(size)))


def _embedded(
    input: Any, weight: Any, padding_idx: Any = None, max_norm: Any = None, norm_type: float = 2.0,
    scale_grad_by_freq: bool = False, sparse: bool = False,
) -> Call | None:  # fmt: skip
    if max_norm is not None or sparse or scale_grad_by_freq:
        return None
    rest = () if padding_idx is None else (padding_idx,)
    return Call(operator("embedding.default"), (weight, input, *rest))


def _detached(x: Any) -> Call:
    return Call(operator("detach.default"), (x,), at_once=True)


def _split(x: Any, split_size_or_sections: Any, dim: int = 0) -> Call:
    """In pieces of one size, or of several."""
    several = not isinstance(split_size_or_sections, int)
    name = "split_with_sizes.default" if several else "split.Tensor"
    sizes = list(split_size_or_sections) if several else split_size_or_sections
    return Call(operator(name), (x, sizes, *([dim] if dim else [])))


def _maker(name: str, count: int | None = None) -> Callable[..., Call | None]:
    """A function that makes a tensor of numbers: of sizes, or of count numbers and then sizes."""

    def rule(*args: Any, requires_grad: bool = False, **kwargs: Any) -> Call | None:
        sizes = kwargs.pop("size", None)
        if kwargs.pop("generator", None) is not None:
            return None
        if count is None:
            given: tuple[Any, ...] = (_sizes(args) if sizes is None else list(sizes),)
        else:
            given = tuple(list(a) if isinstance(a, tuple) else a for a in args)
        named = {k: v for k, v in kwargs.items() if v is not None and k != "pin_memory"}
        named |= {"device": named.get("device", CPU), "pin_memory": False}

        def finished(made: Any) -> Any:
            return made.requires_grad_() if requires_grad else made

        return Call(operator(name), given, named, True, finished)

    return rule


def _maker_like(name: str) -> Callable[..., Call | None]:
    def rule(x: Any, *args: Any, requires_grad: bool = False, **kwargs: Any) -> Call | None:
        named = {k: v for k, v in kwargs.items() if v is not None and k != "pin_memory"}

        def finished(made: Any) -> Any:
            return made.requires_grad_() if requires_grad else made

        given = (
            (_sizes(args),)
            if name == "new_empty.default" or name[:7] in ("new_zer", "new_one")
            else args
        )
        return Call(operator(name), (x, *given), {**named, "pin_memory": False}, True, finished)

    return rule


BY_NAME: dict[str, Callable[..., Call | None]] = {
    "t": lambda x: Call(operator("t.default"), (x,)),
    "T": lambda x: Call(operator("permute.default"), (x, [*range(x.dim())][::-1])),
    "mT": lambda x: Call(operator("transpose.int"), (x, -2, -1)),
    **dict.fromkeys(
        ("transpose", "swapaxes", "swapdims"),
        lambda x, dim0, dim1: Call(operator("transpose.int"), (x, dim0, dim1)),
    ),
    "permute": lambda x, *dims: Call(operator("permute.default"), (x, _sizes(dims))),
    "unsqueeze": lambda x, dim: Call(operator("unsqueeze.default"), (x, dim)),
    "squeeze": _squeezed,
    "view": _viewed,
    "expand": lambda x, *size: Call(operator("expand.default"), (x, _sizes(size))),
    "select": lambda x, dim, index: Call(operator("select.int"), (x, dim, index)),
    "narrow": lambda x, dim, start, length: Call(operator("slice.Tensor"), (x, dim, start, start + length)),
    "unbind": lambda x, *dim: Call(operator("unbind.int"), (x, *dim)),
    "split": _split,
    "detach": _detached,
    "data": _detached,
    "clone": lambda x, **kwargs: Call(operator("clone.default"), (x,), kwargs),
    "contiguous": lambda x, memory_format=contiguous_format: Call(
        operator("clone.default"), (x,), {"memory_format": memory_format}
    ),
    "embedding": _embedded,
    "zeros": _maker("zeros.default"), "ones": _maker("ones.default"), "rand": _maker("rand.default"),
    "randn": _maker("randn.default"), "empty": _maker("empty.memory_format"),
    "full": _maker("full.default", 2), "eye": _maker("eye.default", 2),
    "linspace": _maker("linspace.default", 3), "randint": _maker("randint.low", 3),
    "randperm": _maker("randperm.default", 1),
    "arange": lambda *args, **kwargs: _maker(
        f"arange.{('', 'default', 'start', 'start_step')[len(args)]}", 3
    )(*args, **kwargs),
    **{f"{name}_like": _maker_like(f"{name}_like.default") for name in (
        "zeros", "ones", "empty", "full", "rand", "randn")},
    **{f"new_{name}": _maker_like(f"new_{name}.default") for name in ("zeros", "ones", "empty", "full")},
}  # fmt: skip
# Functions that take sizes or dimensions one by one, which are a list to the operator.
_WITH_SIZES = {"flip", "repeat"}
# Functions that take several dimensions, as a list even where there is one.
_LISTED = {"amax", "amin", "flip", "logsumexp", "roll", "std", "std_mean", "var", "var_mean"}
# Methods whose names end as if they changed something, and which are no operators.
_NO_OPERATORS = {
    "detach_", "rename_", "requires_grad_", "resize_as_", "share_memory_", "swap_", "set_", "retain_grad",
}  # fmt: skip
# Functions that are operators with the same arguments, in the same order.
_AS_THEY_ARE = {
    "addbmm", "addcdiv", "addcmul", "addmm", "addmv", "addr", "all", "amax", "amin", "aminmax", "any",
    "argmax", "argmin", "avg_pool2d", "avg_pool3d", "baddbmm", "bernoulli", "bincount", "bmm", "bucketize",
    "cat", "clamp", "clamp_max", "clamp_min", "constant_pad_nd", "cummax", "cummin", "cumprod", "cumsum",
    "dot", "elu", "equal", "flip", "gather", "glu", "grid_sampler", "hardshrink", "hardsigmoid", "hardswish",
    "hardtanh", "heaviside", "histc", "huber_loss", "index_add", "index_copy", "index_fill", "index_select",
    "kthvalue", "leaky_relu", "lerp", "linalg_vector_norm", "logcumsumexp", "logsumexp", "lt", "masked_fill",
    "masked_scatter", "masked_select", "max", "median", "min", "mish", "mm", "mode", "mse_loss",
    "multinomial", "mv", "nan_to_num", "nansum", "nonzero", "norm", "normal", "prod", "put",
    "reflection_pad1d", "reflection_pad2d", "repeat", "repeat_interleave", "replication_pad2d", "roll",
    "rot90", "scatter", "scatter_add", "scatter_reduce", "searchsorted", "silu", "smooth_l1_loss",
    "soft_margin_loss", "softplus", "softshrink", "sort", "stack", "std", "std_mean", "take", "threshold",
    "topk", "trace", "tril", "triu", "unfold", "unique_consecutive", "var", "var_mean", "where",
}  # fmt: skip
