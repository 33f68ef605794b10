"""Whether torch's mkldnn backend is there: it is not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rushlight.backends.switches import exchanged

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.absent import no as is_available
# fmt: on
# ---- names: end ----

enabled = True
deterministic = False
allow_tf32 = True
fp32_precision = "none"
_NAMES = ("enabled", "deterministic", "allow_tf32", "fp32_precision")


def set_flags(
    _enabled: bool | None = None, _deterministic: bool | None = None, _allow_tf32: bool | None = None,
    _fp32_precision: str = "none",
) -> tuple[Any, ...]:  # fmt: skip
    """Set what is given, and return what was."""
    return exchanged(__name__, _NAMES, (_enabled, _deterministic, _allow_tf32, _fp32_precision))


@contextmanager
def flags(
    enabled: bool = False,
    deterministic: bool = False,
    allow_tf32: bool = True,
    fp32_precision: str = "none",
) -> Iterator[None]:
    """The switches as given, in the block."""
    before = set_flags(enabled, deterministic, allow_tf32, fp32_precision)
    try:
        yield
    finally:
        set_flags(*before)
