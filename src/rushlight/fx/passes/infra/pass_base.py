"""The base of passes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

from rushlight.fx.graph_module import GraphModule

__all__ = ["PassBase", "PassResult"]


class PassResult(NamedTuple):
    """The module after a pass, and whether the pass has changed it."""

    graph_module: Any
    modified: bool


class PassBase(ABC):
    """A pass is called with a module: it checks, does its work in `call`, and checks again."""

    def __call__(self, graph_module: GraphModule) -> PassResult | None:
        """Run it."""
        self.requires(graph_module)
        result = self.call(graph_module)
        self.ensures(graph_module)
        return result

    @abstractmethod
    def call(self, graph_module: GraphModule) -> PassResult | None:
        """What the pass does."""

    def requires(self, graph_module: GraphModule) -> None:  # noqa: B027
        """Raise an error if the module is not what the pass needs."""

    def ensures(self, graph_module: GraphModule) -> None:  # noqa: B027
        """Raise an error if the module is not what the pass promises."""
