"""Tracing below autograd, which there is no layer for here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

__all__ = [
    "disable_proxy_modes_tracing",
    "get_proxy_mode",
    "is_sym_node",
    "make_fx",
    "maybe_disable_fake_tensor_mode",
]


def make_fx(f: Callable[..., Any], *args: Any, **options: Any) -> NoReturn:
    """An error: there are no operations of ATen below those of the table."""
    raise NotImplementedError(
        "make_fx traces the operations of ATen that torch dispatches to below autograd; rushlight has no such "
        "layer. torch.fx.symbolic_trace traces the Python program, and rushlight.compiler.record the rows of the "
        "table with their gradients"
    )


def get_proxy_mode() -> None:
    """The mode that traces: there is none."""


def is_sym_node(node: Any) -> bool:
    """Whether a node stands for a size that is not known: sizes always are."""
    return False


@contextmanager
def disable_proxy_modes_tracing(*args: Any, **options: Any) -> Iterator[None]:
    """Nothing changes: nothing is traced."""
    yield


maybe_disable_fake_tensor_mode = disable_proxy_modes_tracing
