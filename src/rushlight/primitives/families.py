"""What the rows of one family share: promotion, the rule for shapes, and how samples are drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.node import PrimitiveNode
from rushlight.primitives.core import Primitive, Rule, Sample, Spec
from rushlight.tensor_base import Array

SHAPES: tuple[tuple[int, ...], ...] = ((), (3,), (2, 3), (0, 2))
PAIRS: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((), ()), ((3,), ()), ((2, 3), (3,)), ((2, 1), (1, 3)), ((0, 2), (2,)),
)  # fmt: skip


def draw(seed: int, shape: tuple[int, ...], low: float = -2.0, high: float = 2.0) -> Array:
    """Float64 samples between low and high; the same for the same seed."""
    return np.random.default_rng(seed).uniform(low, high, shape)


def _kind(x: Any) -> tuple[int, dtypes.dtype]:
    if isinstance(x, np.ndarray):
        return (2 if x.ndim else 1), dtypes.of(x.dtype)
    return 0, dtypes.of_number(x)


def result_type(*operands: Any) -> dtypes.dtype:
    """torch's result type of arrays and Python numbers."""
    return dtypes.highest([_kind(x) for x in operands])


def _as(x: Any, dtype: np.dtype[Any]) -> Any:
    return x.astype(dtype, copy=False) if isinstance(x, np.ndarray) else np.asarray(x).astype(dtype)


def promote_same(arrays: list[Any]) -> list[Any]:
    """Bring all operands to their common type; a float may stay beside a floating array."""
    a, b = arrays
    if a.__class__ is np.ndarray:
        if b.__class__ is np.ndarray:
            if a.dtype is b.dtype:
                return arrays
        elif (b.__class__ is float or b.__class__ is int) and a.dtype.kind == "f":
            return arrays
    elif (
        (a.__class__ is float or a.__class__ is int)
        and b.__class__ is np.ndarray
        and b.dtype.kind == "f"
    ):
        return arrays
    common = result_type(a, b).numpy
    return [_as(a, common), _as(b, common)]


def promote_float(arrays: list[Any]) -> list[Any]:
    """Bring all operands to a floating (or complex) common type."""
    if all(a.__class__ is np.ndarray and a.dtype.kind in "fc" for a in arrays):
        return arrays if len(arrays) == 1 else promote_many(arrays)
    common = result_type(*arrays)
    if common.category < dtypes.FLOATING:
        common = dtypes.get_default_dtype()
    return [_as(a, common.numpy) for a in arrays]


def promote_many(arrays: list[Any]) -> list[Any]:
    """Bring any number of operands to their common type."""
    first = arrays[0]
    if all(a.__class__ is np.ndarray and a.dtype is first.dtype for a in arrays):
        return arrays
    common = result_type(*arrays).numpy
    return [_as(a, common) for a in arrays]


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
        for i, size in enumerate(shorter):
            other = longer[first + i]
            if size != other and 1 not in (size, other):
                a = result[i - len(shorter)]
                b = shape[i - len(shorter)]
                raise RuntimeError(
                    f"The size of tensor a ({a}) must match the size of tensor b ({b}) at "
                    f"non-singleton dimension {first + i}: shapes {list(result)} and {list(shape)} do "
                    "not broadcast. Sizes are compared from the last one back and must be equal or 1; "
                    "reshape or unsqueeze one of them."
                )
            merged[first + i] = other if size == 1 else size
        result = merged
    return tuple(result)


def pointwise_rule(forward: Callable[..., Any], promote: Callable[[list[Any]], list[Any]]) -> Rule:
    """Shapes broadcast, types promote; the result type is what the forward gives on no elements."""

    def rule(*arrays: Any, **static: Any) -> Spec:
        shape = broadcast_shapes([np.shape(a) for a in arrays])
        empty = [
            np.empty(0, np.asarray(a).dtype) if np.ndim(a) else a for a in promote(list(arrays))
        ]
        return shape, np.asarray(forward(*empty, **static)).dtype

    return rule


def _unchanged(arrays: list[Any]) -> list[Any]:
    return arrays


def unary(
    name: str,
    forward: Callable[..., Any],
    vjp: Rule | None,
    c: str,
    *,
    domain: tuple[float, float] = (-2.0, 2.0),
    to_float: bool = True,
    static: dict[str, Any] | None = None,
    label: str | Callable[[PrimitiveNode], str] | None = None,
) -> Primitive:
    """An elementwise row of one input, sampled on its domain."""
    promote = promote_float if to_float else _unchanged
    fixed = static or {}

    def samples() -> Iterable[Sample]:
        for seed, shape in enumerate(SHAPES):
            yield Sample((draw(seed, shape, *domain),), fixed)

    return Primitive(
        name, "unary", forward, None if vjp is None else (vjp,), pointwise_rule(forward, promote), c,
        samples, inputs=("x",), promote=promote if to_float else None, label=label,
    )  # fmt: skip


def binary(
    name: str,
    forward: Callable[..., Any],
    vjp: tuple[Rule | None, Rule | None] | None,
    c: str,
    *,
    domain: tuple[float, float] = (-2.0, 2.0),
    second: tuple[float, float] | None = None,
    to_float: bool = False,
    static: dict[str, Any] | None = None,
    label: str | Callable[[PrimitiveNode], str] | None = None,
) -> Primitive:
    """An elementwise row of two inputs that broadcast; `second` is y's domain if it differs."""
    promote = promote_float if to_float else promote_same
    fixed = static or {}

    def samples() -> Iterable[Sample]:
        for seed, (left, right) in enumerate(PAIRS):
            x, y = draw(seed, left, *domain), draw(seed + 50, right, *(second or domain))
            yield Sample((x, y), fixed)

    return Primitive(
        name, "binary", forward, vjp, pointwise_rule(forward, promote), c,
        samples, inputs=("x", "y"), promote=promote, label=label,
    )  # fmt: skip


def compare(name: str, forward: Callable[..., Any], c: str) -> Primitive:
    """An elementwise row of two inputs with a boolean result."""
    return binary(name, forward, None, c)
