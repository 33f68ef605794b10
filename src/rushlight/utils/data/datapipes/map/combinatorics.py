"""Items in another order."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from rushlight.utils.data.datapipes.datapipe import IterDataPipe, MapDataPipe, Shuffled
from rushlight.utils.data.sampler import draw_seed

__all__ = ["ShufflerIterDataPipe"]


class ShufflerIterDataPipe(Shuffled, IterDataPipe[Any]):
    """The items of a pipe by key, in an order that is drawn for each pass."""

    def __init__(self, datapipe: MapDataPipe[Any], *, indices: list[Any] | None = None) -> None:
        super().__init__()
        self.datapipe: Any = datapipe
        self.indices = list(range(len(self.datapipe))) if indices is None else indices
        self._rng = random.Random()
        self._shuffled_indices: list[Any] = self.indices

    def __iter__(self) -> Iterator[Any]:
        if not self._enabled:
            for index in self.indices:
                yield self.datapipe[index]
            return
        while self._shuffled_indices:
            yield self.datapipe[self._shuffled_indices.pop()]

    def reset(self) -> None:
        """Draw an order."""
        if self._enabled and self._seed is None:
            self._seed = draw_seed(None)
        self._rng.seed(self._seed)
        self._seed = None
        self._shuffled_indices = self._rng.sample(self.indices, len(self.indices))

    def __len__(self) -> int:
        return len(self.datapipe)


MapDataPipe.register_datapipe_as_function("shuffle", ShufflerIterDataPipe)
