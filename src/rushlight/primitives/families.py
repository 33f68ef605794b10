"""What the rows of one family share: promotion, the rule for shapes, and how samples are drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.arrays import NO_ARRAYS, as_array, is_array, is_foreign
from rushlight.core.node import PrimitiveNode
from rushlight.core.row import Primitive, Rule, Sample
from rushlight.core.tensor import Array
from rushlight.kernels import refusal
from rushlight.primitives.placement import Layout, copied, pointwise

SHAPES: tuple[tuple[int, ...], ...] = ((), (3,), (2, 3), (0, 2))
PAIRS: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((), ()), ((3,), ()), ((2, 3), (3,)), ((2, 1), (1, 3)), ((0, 2), (2,)),
)  # fmt: skip


def draw(seed: int, shape: tuple[int, ...], low: float = -2.0, high: float = 2.0) -> Array:
    """Float64 samples between low and high; the same for the same seed."""
    return np.asarray(np.random.default_rng(seed).uniform(low, high, shape))


def _kind(x: Any) -> tuple[int, dtypes.dtype]:
    if is_array(x):
        return (2 if x.ndim else 1), dtypes.of(x.dtype)
    return 0, dtypes.of_number(x)


def result_type(*operands: Any) -> dtypes.dtype:
    """The result type in torch of arrays and Python numbers."""
    return dtypes.highest([_kind(x) for x in operands])


def _as(x: Any, dtype: np.dtype[Any]) -> Any:
    if is_array(x):
        return x if x.dtype == dtype else copied(x, dtype)
    return np.asarray(dtypes.python_number(x)).astype(dtype)


Promotion = Callable[[list[Any]], list[Any]]

# What rows may take, by NumPy's letters of kinds.
ANY, REAL, NUMERIC, FLOAT, DISCRETE = "biufcV", "biufV", "iufV", "fV", "biu"


_LEAST, _MOST = -(2**63), 2**63


def is_int64(x: Any) -> bool:
    """Whether torch takes a number for int64; other whole ones go through `dtypes.of_number`."""
    return x.__class__ is int and _LEAST <= x < _MOST


def promote_same(arrays: list[Any]) -> list[Any]:
    """Bring all operands to their common type; a float may stay beside a floating array."""
    a, b = arrays
    if a.__class__ is np.ndarray:
        if b.__class__ is np.ndarray:
            if a.dtype is b.dtype:
                return arrays
        elif (
            b.__class__ is float or (b.__class__ is int and _LEAST <= b < _MOST)
        ) and a.dtype.kind in "fV":
            return arrays
    elif (
        (a.__class__ is float or (a.__class__ is int and _LEAST <= a < _MOST))
        and (b.__class__ is np.ndarray or is_array(b))
        and b.dtype.kind in "fV"
    ) or (is_foreign(a) and (b.__class__ is float or is_int64(b)) and a.dtype.kind in "fV"):
        return arrays
    common = result_type(a, b).numpy
    return [_as(a, common), _as(b, common)]


def promote_float(arrays: list[Any]) -> list[Any]:
    """Bring operands to a floating (or complex) common type; numbers may stay beside floats."""
    if len(arrays) == 2:
        a, b = arrays
        if b.__class__ is float or (b.__class__ is int and _LEAST <= b < _MOST):
            if (a.__class__ is np.ndarray or is_array(a)) and a.dtype.kind in "fV":
                return arrays
        elif (
            a.__class__ is float or (a.__class__ is int and _LEAST <= a < _MOST)
        ) and b.dtype.kind in "fV":
            return arrays
    common = result_type(*arrays)
    if common.category < dtypes.FLOATING:
        common = dtypes.get_default_dtype()
    return [_as(a, common.numpy) for a in arrays]


def promote_many(arrays: list[Any]) -> list[Any]:
    """Bring any number of operands to their common type."""
    first = arrays[0]
    if all((a.__class__ is np.ndarray or is_array(a)) and a.dtype is first.dtype for a in arrays):
        return arrays
    common = result_type(*arrays).numpy
    return [fitted(a, common) for a in arrays]


def fitted(x: Any, dtype: np.dtype[Any], number: Any = dtypes.number_in) -> Any:
    """An array in a dtype, or a number that must fit it, as `number` says."""
    if is_array(x):
        return x if x.dtype == dtype else copied(x, dtype)
    return np.asarray(number(x, dtype))


def is_small(x: Any) -> bool:
    """Whether x is a Python number that fits every floating dtype."""
    return (x.__class__ is float or x.__class__ is int) and -65504 <= x <= 65504


def broadcast_shapes(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The shape that all of them broadcast to, or torch's error.

    >>> broadcast_shapes([(2, 1), (3,)])
    (2, 3)
    """
    result = list(shapes[0])
    for shape in shapes[1:]:
        longer, shorter = (result, shape) if len(result) >= len(shape) else (list(shape), result)
        first = len(longer) - len(shorter)
        merged = list(longer)
        for i in reversed(range(len(shorter))):
            size = shorter[i]
            other = longer[first + i]
            if size != other and 1 not in (size, other):
                a = result[i - len(shorter)]
                b = shape[i - len(shorter)]
                raise RuntimeError(
                    f"The size of tensor a ({a}) must match the size of tensor b ({b}) at "
                    f"non-singleton dimension {first + i}\nShapes {list(result)} and {list(shape)} do not "
                    "broadcast. Sizes are compared from the last one back and must be equal "
                    "or 1; reshape or unsqueeze one of them."
                )
            merged[first + i] = other if size == 1 else size
        result = merged
    return tuple(result)


def supported(name: str, takes: str, arrays: Sequence[Any]) -> None:
    """Raise torch's error if an array or number is of a kind that the row does not take."""
    for array in arrays:
        if array is None:
            continue
        dtype = dtypes.of(array.dtype) if is_array(array) else dtypes.of_number(array)
        if dtype.numpy.kind not in takes or dtype in dtypes.EIGHT_BITS:
            raise refusal(name, dtype)


def taking(
    name: str,
    takes: str,
    promote: Promotion,
    no_bool: str = "",
    idle: Callable[[Array], bool] | None = None,
    no_complex: str = "",
) -> Promotion:
    """The promotion, after which the common type must be one of the kinds that the row takes.

    no_bool, no_complex: torch's own words where such are refused. idle: for which arrays torch does not come
    to the kernel that asks, so that any type will do.
    """
    if takes == ANY:
        return promote

    def checked(arrays: list[Any]) -> list[Any]:
        arrays = promote(arrays)
        for array in arrays:
            if array.__class__ is not np.ndarray and (
                array.__class__ in NO_ARRAYS or not is_array(array)
            ):
                continue
            if array.dtype.kind not in takes:
                if idle is not None and idle(array):
                    continue
                if no_bool and array.dtype.kind == "b":
                    raise RuntimeError(no_bool)
                if no_complex and array.dtype.kind == "c":
                    raise RuntimeError(no_complex)
                supported(name, takes, [array])
        return arrays

    return checked


def tensors_saved(node: PrimitiveNode) -> int:
    """How many of its inputs a node has saved that were tensors, known also once they are let go of."""
    return len(node.versions) // 2 - node.plan.saves_out


def is_empty(x: Array) -> bool:
    """Whether there is no element."""
    return not x.size


def has_no_line(x: Array) -> bool:
    """Whether there is no line of elements: none at all, or one without dimensions."""
    return not (x.size and x.ndim)


def pointwise_rule(forward: Callable[..., Any], promote: Promotion) -> Rule:
    """Shapes broadcast, types promote; the result type is what the forward gives on no elements."""

    def rule(*arrays: Any, **static: Any) -> Any:
        shape = broadcast_shapes([np.shape(a) for a in arrays if a is not None])
        empty = [
            np.empty(0, a.dtype, like=a if is_foreign(a) else None) if is_array(a) and a.ndim else a
            for a in promote(list(arrays))
        ]
        results = forward(*empty, **static)
        if isinstance(results, tuple):
            return [(shape, as_array(result).dtype) for result in results]
        return shape, as_array(results).dtype

    return rule


def unchanged(arrays: list[Any]) -> list[Any]:
    """The operands as they are."""
    return arrays


def unary(
    name: str,
    forward: Callable[..., Any],
    vjp: Rule | None,
    c: Any,
    *,
    domain: tuple[float, float] = (-2.0, 2.0),
    to_float: bool = True,
    takes: str = ANY,
    no_bool: str = "",
    whole: bool = False,
    static: Sequence[dict[str, Any]] = ({},),
    layout: Layout = pointwise,
    label: str | Callable[[PrimitiveNode], str] | None = None,
    as_is: bool = False,
) -> Primitive:
    """An elementwise row of one input, sampled on its domain once for each set of parameters.

    `takes`: the kinds of elements it is defined for; `whole` samples whole numbers (int64).
    """
    promote = taking(name, takes, promote_float if to_float else unchanged, no_bool)

    def samples() -> Iterable[Sample]:
        for parameters in static:
            for seed, shape in enumerate(SHAPES):
                x = draw(seed, shape, *domain)
                yield Sample((np.asarray(x, np.int64) if whole else x,), parameters)

    return Primitive(
        name, "unary", forward, None if vjp is None else (vjp,),
        pointwise_rule(forward, promote), c, samples, inputs=("x",),
        promote=None if promote is unchanged else promote, layout=layout, label=label,
        as_is=as_is,
    )  # fmt: skip


def binary(
    name: str,
    forward: Callable[..., Any],
    vjp: tuple[Rule | None, Rule | None] | None,
    c: Any,
    *,
    domain: tuple[float, float] = (-2.0, 2.0),
    second: tuple[float, float] | None = None,
    to_float: bool = False,
    takes: str = ANY,
    whole: bool = False,
    promote: Promotion | None = None,
    static: Sequence[dict[str, Any]] = ({},),
    layout: Layout = pointwise,
    label: str | Callable[[PrimitiveNode], str] | None = None,
    as_is: bool = False,
    numbers: bool = False,
    no_complex: str = "",
) -> Primitive:
    """An elementwise row of two inputs that broadcast.

    `second` is y's domain if it differs from x's; `whole` samples whole numbers (int64); `numbers` says
    that a promotion of its own leaves numbers beside floats as they are, as the common ones do.
    """
    bring = promote or (promote_float if to_float else promote_same)
    bring = taking(name, takes, bring, no_complex=no_complex)

    def samples() -> Iterable[Sample]:
        for parameters in static:
            for seed, (left, right) in enumerate(PAIRS):
                x, y = draw(seed, left, *domain), draw(seed + 50, right, *(second or domain))
                pair = (np.asarray(x, np.int64), np.asarray(y, np.int64)) if whole else (x, y)
                yield Sample(pair, parameters)

    return Primitive(
        name, "binary", forward, vjp, pointwise_rule(forward, bring), c,
        samples, inputs=("x", "y"), promote=bring, layout=layout, label=label,
        as_is=as_is, numbers=(numbers or promote is None) and "f" in takes,
    )  # fmt: skip


def missing(name: str, error: type[Exception] = NotImplementedError) -> Rule:
    """The rule of an input for which torch has no derivative: it says so."""

    def no_derivative(g: Any) -> Any:
        raise error(f"the derivative for '{name}' is not implemented.")

    return no_derivative


def compare(name: str, forward: Callable[..., Any], c: Any, takes: str = ANY) -> Primitive:
    """An elementwise row of two inputs with a boolean result."""
    return binary(name, forward, None, c, takes=takes)
