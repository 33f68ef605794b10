"""Batches made of noise, in turn, as tensors of the engine that is asked."""

from collections.abc import Iterator
from itertools import cycle

import torch

from benchmarks import arrays

Batches = Iterator[tuple[torch.Tensor, torch.Tensor]]


def labelled(count: int, shape: tuple[int, ...]) -> Batches:
    """Normally distributed inputs with labels from 0 to 9."""
    return _tensors(arrays.labelled(count, shape))


def text(count: int, length: int, symbols: int) -> Batches:
    """Symbol sequences with the symbols that follow each."""
    return _tensors(arrays.text(count, length, symbols))


def _tensors(batches: arrays.Batches) -> Batches:
    return cycle([(torch.from_numpy(x), torch.from_numpy(y)) for x, y in batches])
