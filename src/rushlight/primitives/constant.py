"""What NumPy computes of values and has no derivative, as a row: so whoever watches `apply` sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.core.doors import apply
from rushlight.core.row import Primitive, Sample, Spec
from rushlight.core.tensor import Array


def _constant(*xs: Array, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    return function(*xs, *arguments)


def _constant_rule(
    *xs: Array, function: Callable[..., Any], arguments: tuple[Any, ...]
) -> Spec | list[Spec]:
    found = function(*xs, *arguments)
    if isinstance(found, tuple):
        return [(np.shape(part), np.asarray(part).dtype) for part in found]
    return np.shape(found), np.asarray(found).dtype


constant = Primitive(
    "constant", "structural", _constant, None, _constant_rule, "call",
    lambda: [
        Sample((np.array([1, 2, 3]), np.array([3, 1])), {"function": np.isin, "arguments": ()}),
        Sample((np.array([0.5, 1.5]),), {"function": np.divmod, "arguments": (1.0,)}),
    ],
)  # fmt: skip


def computed(function: Callable[..., Any], *tensors: Any, **named: Any) -> Any:
    """function of the arrays of tensors, and of the values of named, as tensors without derivative.

    >>> import rushlight as torch
    >>> computed(np.cumsum, torch.tensor([1, 2]))
    tensor([1, 3])
    """
    return apply(constant, *tensors, function=function, arguments=tuple(named.values()))
