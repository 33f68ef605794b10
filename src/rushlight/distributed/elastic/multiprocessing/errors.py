"""Errors of processes that torchrun started."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class ChildFailedError(Exception):
    """A process failed."""

    def __init__(self, name: str, failures: dict[int, Any]) -> None:
        self.name, self.failures = name, failures
        super().__init__(f"{name} FAILED: {failures}")


class ProcessFailure:
    """How a process failed."""


def record(fn: Callable[..., Any], error_handler: Any = None) -> Callable[..., Any]:
    """The function, whose errors torchrun would write down."""
    return fn
