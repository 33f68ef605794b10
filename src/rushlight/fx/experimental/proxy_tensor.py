"""Tracing below autograd."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = [
    "disable_proxy_modes_tracing",
    "get_proxy_mode",
    "is_sym_node",
    "make_fx",
    "maybe_disable_fake_tensor_mode",
]


def make_fx(f: Callable[..., Any], *args: Any, **options: Any) -> Callable[..., Any]:
    """A function that traces f on its arguments, and gives the operators of ATen as a GraphModule."""
    from rushlight.compiler.graphs.aten import make_fx

    return make_fx(f, *args, **options)


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
