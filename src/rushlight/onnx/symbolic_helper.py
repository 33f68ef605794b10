"""torch.onnx.symbolic_helper, which translators of TorchScript's nodes use: there are none here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

__all__ = ["parse_args", "quantized_args"]


def parse_args(*descriptors: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Leaves a function as it is: libraries define translators that nobody calls here."""
    return lambda function: function


def quantized_args(*args: Any, **named: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Leaves a function as it is."""
    return lambda function: function


def check_training_mode(*args: Any) -> NoReturn:
    """An error: there are no nodes of TorchScript to translate."""
    raise NotImplementedError(
        "translators of TorchScript's nodes are never called by rushlight's exporter"
    )
