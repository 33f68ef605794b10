"""Saved tensors that may be changed in place: they are copied before that happens."""

from __future__ import annotations

import weakref
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rushlight.autograd.packing import saved_tensors_hooks
from rushlight.core.tensor import TensorBase
from rushlight.core.turned import held
from rushlight.memory import root
from rushlight.primitives.pointwise import clone


class _Kept:
    """A saved tensor; once its memory is about to change, a copy of it."""

    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor


class _AllowMutationOnSavedContext(saved_tensors_hooks):
    """Watches writes into the memory of what was saved, and copies it before them."""

    def __init__(self) -> None:
        super().__init__(self._keep, self._given)
        self.open = True
        self.known: weakref.WeakSet[_Kept] = weakref.WeakSet()
        # What lies in a memory, by the array that holds it.
        self.kept: defaultdict[int, list[weakref.ref[_Kept]]] = defaultdict(list)

    def clear(self) -> None:
        """Forget what was saved: backward through it is an error from now on."""
        for kept in self.known:
            kept.tensor = None
        self.kept.clear()

    def _keep(self, tensor: Any) -> _Kept:
        kept = _Kept(tensor.detach())
        self.known.add(kept)
        self.kept[id(root(held(tensor)))].append(weakref.ref(kept))
        return kept

    def _given(self, kept: _Kept) -> Any:
        if not self.open or kept.tensor is None:
            raise AssertionError(
                "Trying to backward outside of the 'allow_mutation_on_saved_tensors' context"
                "in which the graph was originally recorded."
            )
        return kept.tensor

    def into(self, target: TensorBase, kernel: Any, inputs: Any, static: Any) -> None:
        """Copy what would be overwritten, and write."""
        for kept in self.kept.pop(id(root(held(target))), ()):
            entry = kept()
            if entry is not None and entry.tensor is not None:
                entry.tensor = clone(entry.tensor)
        super().into(target, kernel, inputs, static)


_open: list[_AllowMutationOnSavedContext] = []


@contextmanager
def allow_mutation_on_saved_tensors() -> Iterator[_AllowMutationOnSavedContext]:
    """In the block, tensors that were saved for backward may be changed in place: they are copied first.

    Backward belongs into the block, too.

    >>> import rushlight as torch
    >>> with torch.autograd.graph.allow_mutation_on_saved_tensors():
    ...     x = torch.ones(2, requires_grad=True)
    ...     y = x.clone()
    ...     out = (y**2).sum()
    ...     _ = y.zero_()
    ...     out.backward()
    >>> x.grad
    tensor([2., 2.])
    """
    if _open:
        raise RuntimeError("allow_mutation_on_saved_tensors contexts cannot be nested")
    context = _AllowMutationOnSavedContext()
    _open.append(context)
    try:
        with context:
            yield context
    finally:
        _open.remove(context)
        context.open = False
        context.clear()
