"""What the transforms share: how they draw random numbers, and how they show themselves.

The draws are torchvision's, one for one, so that the same seed gives the same pictures.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rushlight import random
from rushlight.core.doors import draw, read

_FLOAT32 = np.dtype(np.float32)
_INT64 = np.dtype(np.int64)


def _one(numbers: Callable[..., Any], **parameters: Any) -> Any:
    return read(draw(numbers, None, shape=(1,), **parameters), "what a transform draws")[0]


def chance() -> Any:
    """A float32 from 0 to 1: `torch.rand(1)`."""
    return _one(random.uniform, dtype=_FLOAT32)


def below(n: int) -> int:
    """A whole number from 0 to n - 1: `torch.randint(0, n, size=(1,))`."""
    return int(_one(random.integers, dtype=_INT64, low=0, high=n))


def between(low: float, high: float) -> float:
    """A number from low to high: `torch.empty(1).uniform_(low, high)`."""
    return float(_one(random.uniform, dtype=_FLOAT32, low=float(low), high=float(high)))


def shown(transform: Any, **arguments: Any) -> str:
    """Name(argument=value, ...)."""
    inside = ", ".join(f"{name}={value}" for name, value in arguments.items())
    return f"{type(transform).__name__}({inside})"


def listed(transform: Any, transforms: Sequence[Any], *first: str) -> str:
    """Name( ... ) with one transform a line."""
    lines = (f"\n    {line}" for line in (*first, *transforms))
    return f"{type(transform).__name__}({''.join(lines)}\n)"


def pair(size: Any) -> Any:
    """(height, width) from a number, or a sequence of one; a sequence of two stays as it is."""
    if isinstance(size, numbers.Number):
        return (int(size), int(size))  # type: ignore[call-overload]
    if isinstance(size, Sequence) and len(size) == 1:
        return (size[0], size[0])
    if len(size) != 2:
        raise ValueError(f"Please provide only two dimensions (h, w) for size, got {size}.")
    return size


def check_sequence(name: str, value: Any, lengths: tuple[int, ...]) -> None:
    """TypeError unless value is a sequence, ValueError unless of one of these lengths."""
    wanted = " or ".join(map(str, lengths))
    if not isinstance(value, Sequence):
        raise TypeError(f"{name} should be a sequence of length {wanted}, got {value!r}.")
    if len(value) not in lengths:
        raise ValueError(f"{name} should be a sequence of length {wanted}, got {value!r}.")


def angles(name: str, value: Any, lengths: tuple[int, ...] = (2,)) -> list[float]:
    """[-value, value] from a number; a sequence of bounds stays one."""
    if isinstance(value, numbers.Number):
        if value < 0:  # type: ignore[operator]
            raise ValueError(f"If {name} is a single number, it must be positive, got {value}.")
        value = [-value, value]  # type: ignore[operator]
    check_sequence(name, value, lengths)
    return [float(degrees) for degrees in value]


def checked_fill(fill: Any) -> Any:
    """A colour: a number, or a sequence of numbers; None is black."""
    if fill is not None and not isinstance(fill, (Sequence, numbers.Number)):
        raise TypeError(f"Fill should be either a sequence or a number, got {fill!r}.")
    return 0 if fill is None else fill
