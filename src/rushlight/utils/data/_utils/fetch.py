"""From what a sampler gives, an index or a list of them, to the data that goes to the user."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.ops.creation import tensor
from rushlight.utils.data._utils.collate import default_collate
from rushlight.utils.data.dataset import Subset, TensorDataset


class _BaseDatasetFetcher:
    """Gets the data for one item of the sampler; StopIteration ends a stream."""

    def __init__(
        self,
        dataset: Any,
        auto_collation: bool,
        collate_fn: Callable[[Any], Any],
        drop_last: bool,
    ) -> None:
        self.dataset = dataset
        self.auto_collation = auto_collation
        self.collate_fn = collate_fn
        self.drop_last = drop_last

    def fetch(self, possibly_batched_index: Any) -> Any:
        """The data for an index, or for a list of them."""
        raise NotImplementedError


class _MapDatasetFetcher(_BaseDatasetFetcher):
    """Asks a dataset by index."""

    def fetch(self, possibly_batched_index: Any) -> Any:
        if not self.auto_collation:
            return self.collate_fn(self.dataset[possibly_batched_index])
        if self.collate_fn is default_collate:
            return _stacked(self.dataset, possibly_batched_index)
        return self.collate_fn(_samples(self.dataset, possibly_batched_index))


class _IterableDatasetFetcher(_BaseDatasetFetcher):
    """Asks a stream: the sampler only says how many samples to take."""

    def __init__(
        self,
        dataset: Any,
        auto_collation: bool,
        collate_fn: Callable[[Any], Any],
        drop_last: bool,
    ) -> None:
        super().__init__(dataset, auto_collation, collate_fn, drop_last)
        self.dataset_iter = iter(dataset)
        self.ended = False

    def fetch(self, possibly_batched_index: Any) -> Any:
        if self.ended:
            raise StopIteration
        if not self.auto_collation:
            return self.collate_fn(self._next())
        batch = []
        for _ in possibly_batched_index:
            try:
                batch.append(self._next())
            except StopIteration:
                break
        if not batch or (self.drop_last and len(batch) < len(possibly_batched_index)):
            raise StopIteration
        return self.collate_fn(batch)

    def _next(self) -> Any:
        try:
            return next(self.dataset_iter)
        except StopIteration:
            self.ended = True
            raise


class _DatasetKind:
    """How a dataset is asked for data."""

    Map = 0
    Iterable = 1

    @staticmethod
    def create_fetcher(
        kind: int,
        dataset: Any,
        auto_collation: bool,
        collate_fn: Callable[[Any], Any],
        drop_last: bool,
    ) -> _BaseDatasetFetcher:
        """What gets the data from a dataset of that kind."""
        fetcher = _MapDatasetFetcher if kind == _DatasetKind.Map else _IterableDatasetFetcher
        return fetcher(dataset, auto_collation, collate_fn, drop_last)


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
