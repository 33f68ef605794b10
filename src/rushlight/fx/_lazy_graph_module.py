"""Graph modules that are written when they are first called; here they are written at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rushlight.fx.graph_module import GraphModule

__all__ = ["_LazyGraphModule", "_make_graph_module", "_use_lazy_graph_module"]


class _LazyGraphModule(GraphModule):
    """A graph module, by the name of those that torch writes later."""


def _make_graph_module(*args: Any, graph_module_cls: Any = None, **kwargs: Any) -> GraphModule:
    return (graph_module_cls or GraphModule)(*args, **kwargs)


@contextmanager
def _use_lazy_graph_module(should_use: bool) -> Iterator[None]:
    yield
