"""Decisions and loops as functions, and numbers that a tracer would follow: in eager mode, Python's."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any


class SymInt:
    """A whole number that a tracer follows: there are none."""


class SymFloat:
    """A float that a tracer follows: there are none."""


class SymBool:
    """A bool that a tracer follows: there are none."""


def cond(
    pred: Any, true_fn: Callable[..., Any], false_fn: Callable[..., Any], operands: Any = ()
) -> Any:
    """true_fn(*operands) if pred is true, else false_fn(*operands).

    >>> import rushlight as torch
    >>> torch.cond(torch.tensor(True), torch.sin, torch.cos, (torch.zeros(1),))
    tensor([0.])
    """
    return true_fn(*operands) if pred else false_fn(*operands)


def while_loop(
    cond_fn: Callable[..., Any], body_fn: Callable[..., Any], carried_inputs: Any
) -> Any:
    """The inputs, taken through body_fn as long as cond_fn says so."""
    carried = tuple(carried_inputs)
    while cond_fn(*carried):
        carried = tuple(body_fn(*carried))
    return carried


def sym_int(a: Any) -> int:
    """The number without its fraction."""
    return math.floor(a) if a >= 0 else math.ceil(a)


def sym_float(a: Any) -> float:
    """The number as a float."""
    return float(a)


def sym_not(a: Any) -> bool:
    """`not`."""
    return not a


def sym_max(a: Any, b: Any) -> Any:
    """The larger number, a float if one of them is."""
    return float(max(a, b)) if isinstance(a, float) or isinstance(b, float) else max(a, b)


def sym_min(a: Any, b: Any) -> Any:
    """The smaller number, a float if one of them is."""
    return float(min(a, b)) if isinstance(a, float) or isinstance(b, float) else min(a, b)


def sym_ite(b: Any, t: Any, f: Any) -> Any:
    """t if b, else f."""
    return t if b else f


def sym_sum(args: Any) -> Any:
    """The sum of numbers."""
    return sum(args)


def sym_sqrt(a: Any) -> float:
    """The square root."""
    return math.sqrt(a)


def sym_fresh_size(expr: Any) -> None:
    """An error, as in torch: it is a tracer's."""
    raise NotImplementedError("sym_fresh_size() belongs to a tracer, and none is at work")


def sym_constrain_range(size: Any, *, min: int | None = None, max: int | None = None) -> None:
    """An error, unless the number lies in the range."""
    low, high = -sys.maxsize if min is None else min, sys.maxsize if max is None else max
    if not low <= size <= high:
        raise RuntimeError(f"Invalid value range for {size} between [{low}, {high}].")


sym_constrain_range_for_size = sym_constrain_range


def get_device_module(device: Any = None) -> Any:
    """The module of a type of device: `torch.cpu` for none."""
    import importlib

    from rushlight.device import device as kind

    name = kind(device).type if isinstance(device, str) else getattr(device, "type", "cpu")
    try:
        return importlib.import_module(f"rushlight.{name}")
    except ModuleNotFoundError:
        raise RuntimeError(
            f"Device '{name}' does not have a corresponding module registered as 'torch.{name}'."
        ) from None


def is_distributed(input: Any) -> bool:
    """False: a tensor is whole."""
    return False


def is_vulkan_available() -> bool:
    """False."""
    return False


def init_num_threads() -> None:
    """Nothing: threads are started when they are used."""


def vitals_enabled() -> bool:
    """False."""
    return False
