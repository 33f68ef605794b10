"""Whether something scripted, or traced, is running in this thread."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Running(threading.local):
    scripting = False
    tracing = False


running = _Running()


@contextmanager
def during(*, scripting: bool | None = None, tracing: bool | None = None) -> Iterator[None]:
    """Inside of it the program sees itself scripted, or traced."""
    before = running.scripting, running.tracing
    if scripting is not None:
        running.scripting = scripting
    if tracing is not None:
        running.tracing = tracing
    try:
        yield
    finally:
        running.scripting, running.tracing = before


class EnabledProxy:
    """Whether `script` and `trace` do anything; `PYTORCH_JIT=0` in the environment says no."""

    def __init__(self) -> None:
        self.enabled = os.environ.get("PYTORCH_JIT", "1") not in ("0", "")

    def __bool__(self) -> bool:
        return self.enabled


_enabled = EnabledProxy()


def disable() -> None:
    """Let `script` and `trace` give back what they are given."""
    _enabled.enabled = False


def enable() -> None:
    """Let `script` and `trace` work again."""
    _enabled.enabled = True
