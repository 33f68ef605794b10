"""What torch remembers of scripted classes; nothing is compiled here, so there is nothing to remember."""

from __future__ import annotations

from typing import Any


class ConcreteTypeStore:
    """The types of TorchScript that were made for classes of modules: none."""

    def __init__(self) -> None:
        self.type_store: dict[type, list[Any]] = {}


concrete_type_store = ConcreteTypeStore()
