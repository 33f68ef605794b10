"""Rooms beside the core, under torch's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.refusals import (
    benchmarks_in_cpp as ThroughputBenchmark, cpp as cmake_prefix_path,
    other_devices as generate_methods_for_privateuse1_backend,
    other_devices as rename_privateuse1_backend,
)
# fmt: on
# ---- names: end ----
from rushlight.core.tensor import TensorBase
from rushlight.later import later

__all__ = ["checkpoint", "data", "dlpack", "hooks", "set_module", "swap_tensors"]

if TYPE_CHECKING:
    from rushlight.utils import _pytree as _pytree
    from rushlight.utils import data as data
else:
    _pytree = later("rushlight.utils._pytree")
    data = later("rushlight.utils.data")
_contextlib = later("rushlight.utils._contextlib")
_python_dispatch = later("rushlight.utils._python_dispatch")
backcompat = later("rushlight.utils.backcompat")
benchmark = later("rushlight.utils.benchmark")
checkpoint = later("rushlight.utils.checkpoint")
cpp_extension = later("rushlight.utils.cpp_extension")
deterministic = later("rushlight.utils.deterministic")
dlpack = later("rushlight.utils.dlpack")
flop_counter = later("rushlight.utils.flop_counter")
hooks = later("rushlight.utils.hooks")
collect_env = later("rushlight.utils.collect_env")
model_zoo = later("rushlight.utils.model_zoo")
module_tracker = later("rushlight.utils.module_tracker")
serialization = later("rushlight.utils.serialization")
weak = later("rushlight.utils.weak")


def set_module(obj: Any, mod: str) -> None:
    """Say of which module an object is."""
    if not isinstance(mod, str):
        raise TypeError("The mod argument should be a string")
    obj.__module__ = mod


def swap_tensors(t1: Any, t2: Any) -> None:
    """Let two tensors change places: class, values, gradient and attributes.

    >>> import rushlight as torch
    >>> a, b = torch.zeros(1), torch.ones(1, requires_grad=True)
    >>> swap_tensors(a, b)
    >>> a, b
    (tensor([1.], requires_grad=True), tensor([0.]))
    """
    slots = [
        s for cls in TensorBase.__mro__ for s in getattr(cls, "__slots__", ()) if s[:2] != "__"
    ]
    first, second = _contents(t1, slots), _contents(t2, slots)
    _fill(t1, slots, second)
    _fill(t2, slots, first)


def _contents(tensor: Any, slots: list[str]) -> tuple[type, dict[str, Any], dict[str, Any]]:
    held = {slot: getattr(tensor, slot) for slot in slots if hasattr(tensor, slot)}
    return type(tensor), held, dict(getattr(tensor, "__dict__", {}))


def _fill(
    tensor: Any, slots: list[str], contents: tuple[type, dict[str, Any], dict[str, Any]]
) -> None:
    cls, held, own = contents
    tensor.__class__ = cls
    for slot in slots:
        if slot in held:
            object.__setattr__(tensor, slot, held[slot])
    if hasattr(tensor, "__dict__"):
        tensor.__dict__.clear()
        tensor.__dict__.update(own)


def get_cpp_backtrace(frames_to_skip: int = 0, maximum_number_of_frames: int = 64) -> str:
    """Empty: there are no calls in C++."""
    return ""
