"""From what a sampler gives, an index or a list of them, to the data that goes to the user."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from rushlight.ops.creation import tensor
from rushlight.utils.data._utils.collate import default_collate
from rushlight.utils.data.dataset import Subset, TensorDataset

Fetch = Callable[[Any], Any]


def make_fetch(
    dataset: Any, iterable: bool, batched: bool, collate_fn: Callable[[Any], Any], drop_last: bool
) -> Fetch:
    """The function that gets the data for one item of the sampler; StopIteration ends a stream."""
    if iterable:
        return _Stream(iter(dataset), batched, collate_fn, drop_last)
    if not batched:
        return lambda index: collate_fn(dataset[index])
    if collate_fn is default_collate:
        return lambda indices: _stacked(dataset, indices)
    return lambda indices: collate_fn(_samples(dataset, indices))


def _samples(dataset: Any, indices: Any) -> Any:
    several = getattr(dataset, "__getitems__", None)
    return several(indices) if several else [dataset[index] for index in indices]


def _stacked(dataset: Any, indices: Any) -> Any:
    """A collated batch; rows of plain tensors are taken at once, which gives the same values."""
    inner, rows = dataset, indices
    while type(inner) is Subset and _all_ints(rows):
        inner, rows = inner.dataset, [inner.indices[i] for i in rows]
    if _has_plain_rows(inner) and _all_ints(rows):
        at = tensor(rows)
        return [whole[at] for whole in inner.tensors]
    return default_collate(_samples(dataset, indices))


def _all_ints(indices: Any) -> bool:
    return type(indices) is list and all(type(index) is int for index in indices)


def _has_plain_rows(dataset: Any) -> bool:
    # A gradient through the batch goes through the stacking of samples, as torch shows it.
    return (
        type(dataset).__getitem__ is TensorDataset.__getitem__
        and not hasattr(dataset, "__getitems__")
        and not any(whole.requires_grad for whole in dataset.tensors)
    )


class _Stream:
    """The fetch of an IterableDataset: the sampler only says how many samples to take."""

    def __init__(
        self,
        samples: Iterator[Any],
        batched: bool,
        collate_fn: Callable[[Any], Any],
        drop_last: bool,
    ) -> None:
        self.samples = samples
        self.batched = batched
        self.collate_fn = collate_fn
        self.drop_last = drop_last
        self.ended = False

    def __call__(self, places: Any) -> Any:
        if self.ended:
            raise StopIteration
        if not self.batched:
            return self.collate_fn(self._next())
        batch = []
        for _ in places:
            try:
                batch.append(self._next())
            except StopIteration:
                break
        if not batch or (self.drop_last and len(batch) < len(places)):
            raise StopIteration
        return self.collate_fn(batch)

    def _next(self) -> Any:
        try:
            return next(self.samples)
        except StopIteration:
            self.ended = True
            raise
