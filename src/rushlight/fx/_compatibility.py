"""The mark that torch's own functions wear for their promise of stability."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["compatibility"]


def compatibility(is_backward_compatible: bool) -> Callable[[Any], Any]:
    """A decorator that notes the promise and changes nothing."""

    def mark(thing: Any) -> Any:
        thing._backward_compatible = is_backward_compatible
        return thing

    return mark
