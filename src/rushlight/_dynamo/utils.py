"""Counts of what was compiled, and blocks for libraries that compile."""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from rushlight._dynamo import config
from rushlight.errors import warn

__all__ = ["counters", "disable_cache_limit", "is_compile_supported", "warn_once"]

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


@contextmanager
def disable_cache_limit() -> Iterator[None]:
    """A block in which a function may be compiled as often as it is called in new ways."""
    before = config.recompile_limit
    config.recompile_limit = sys.maxsize
    try:
        yield
    finally:
        config.recompile_limit = before


def maybe_enable_compiled_autograd(
    should_enable: bool, fullgraph: bool = True, dynamic: bool = True
) -> AbstractContextManager[None]:
    """A block that does nothing: gradients are compiled with their functions."""
    return nullcontext()
