"""The modes of a thread by which operations do what they do."""

from __future__ import annotations

from typing import Any

from rushlight import dtypes
from rushlight.core.state import state
from rushlight.core.tensor import inference
from rushlight.overriding.asking import thread

_MODES = (
    "gradient recording",
    "inference mode",
    "the default dtype",
    "autocast",
    "the anomaly check",
    "who packs saved tensors",
    "who answers in place of operations",
    "who watches the operations (vmap, forward mode)",
)
# Classes of programs are there for good; what Python gave before is no mode.
_NO_MODES = ("_Classes", "Midway")


def modes() -> tuple[Any, ...]:
    """Those that are on now."""
    return (
        state.grad,
        inference.on,
        dtypes.get_default_dtype(),
        state.autocast,
        None if state.anomaly is None else state.anomaly.check_nan,
        state.packing,
        (thread.asked, thread.modes),
        [type(i) for i in state.interpreters if type(i).__name__ not in _NO_MODES],
    )


def mode_changed(before: tuple[Any, ...], now: tuple[Any, ...]) -> str:
    """What is on now that was not, in words."""
    for name, was, found in zip(_MODES, before, now, strict=True):
        if was != found:
            return f"{name} is {found} now, and was {was} when it was recorded"
    return "a mode has changed"
