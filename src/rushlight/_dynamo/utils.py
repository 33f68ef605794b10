"""Counts of what was compiled."""

from collections import Counter, defaultdict
from contextlib import AbstractContextManager, nullcontext

from rushlight.errors import warn

__all__ = ["counters", "is_compile_supported", "warn_once"]

warn_once_cache: set[str] = set()
counters: defaultdict[str, Counter[str]] = defaultdict(Counter)


def is_compile_supported(device_type: str) -> bool:
    """Whether `torch.compile` serves the type of device."""
    return device_type == "cpu"


def warn_once(msg: str, stacklevel: int = 1) -> None:
    """A warning, the first time that it is given."""
    if msg not in warn_once_cache:
        warn_once_cache.add(msg)
        warn(msg)


def maybe_enable_compiled_autograd(
    should_enable: bool, fullgraph: bool = True, dynamic: bool = True
) -> AbstractContextManager[None]:
    """A block that does nothing: gradients are compiled with their functions."""
    return nullcontext()
