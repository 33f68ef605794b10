"""The modes of a thread by which operations do what they do."""

from __future__ import annotations

from typing import Any

from rushlight import dtypes
from rushlight.core.state import state
from rushlight.core.tensor import inference

_MODES = (
    "gradient recording",
    "inference mode",
    "the default dtype",
    "autocast",
    "the anomaly check",
    "who watches the operations (vmap, forward mode)",
)


def modes() -> tuple[Any, ...]:
    """Those that are on now."""
    return (
        state.grad,
        inference.on,
        dtypes.get_default_dtype(),
        state.autocast,
        None if state.anomaly is None else state.anomaly.check_nan,
        # Classes of programs are there for good.
        [type(i) for i in state.interpreters if type(i).__name__ != "_Classes"],
    )


def mode_changed(before: tuple[Any, ...], now: tuple[Any, ...]) -> str:
    """What is on now that was not, in words."""
    for name, was, found in zip(_MODES, before, now, strict=True):
        if was != found:
            return f"{name} is {found} now, and was {was} when it was recorded"
    return "a mode has changed"
