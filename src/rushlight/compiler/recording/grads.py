"""Who looks at a `.grad`, and who sets it: no door, but a part of what a step does."""

from __future__ import annotations

import threading
from typing import Any

from rushlight.core.tensor import Array, TensorBase
from rushlight.core.turned import held

# The slot, which a property covers while something is recorded.
_slot: Any = TensorBase.__dict__["_grad"]
_UNKNOWN = object()


class Grads:
    """While its block is open, looks at `_grad` of any tensor are noted in this thread."""

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        # Per tensor: itself, what it had at first, and whether that was looked at or overwritten.
        self.first: dict[int, tuple[Any, Any, bool]] = {}
        # Whose gradient an array was.
        self.owners: dict[int, tuple[Array, Any]] = {}

    def __enter__(self) -> Grads:
        TensorBase._grad = property(self._look, self._set)
        return self

    def __exit__(self, *exception: object) -> None:
        TensorBase._grad = _slot

    def _look(self, tensor: TensorBase) -> Any:
        grad = _slot.__get__(tensor)
        if threading.get_ident() == self.thread and id(tensor) not in self.first:
            self.first[id(tensor)] = tensor, grad, True
            if grad is not None and not grad.is_sparse:
                array = held(grad)
                self.owners[id(array)] = array, tensor
        return grad

    def _set(self, tensor: TensorBase, grad: Any) -> None:
        if threading.get_ident() == self.thread and id(tensor) not in self.first:
            before = getattr(tensor, "_changes_", _UNKNOWN)
            # A tensor that is being made has no gradient yet.
            if before is not _UNKNOWN:
                self.first[id(tensor)] = tensor, _slot.__get__(tensor), False
        _slot.__set__(tensor, grad)

    def owner_of(self, array: Array) -> Any:
        """The tensor in whose `.grad` an array was, if that was looked at."""
        found = self.owners.get(id(array))
        return found[1] if found is not None and found[0] is array else None

    def back(self) -> None:
        """Let every tensor have the gradient that it had."""
        for tensor, grad, _ in self.first.values():
            _slot.__set__(tensor, grad)
