"""Batches made of noise, the same under every engine."""

from collections.abc import Iterator
from itertools import cycle

import numpy as np
import torch


def labelled(count: int, shape: tuple[int, ...]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Four batches, in turn, of normally distributed inputs with labels from 0 to 9."""
    rng = np.random.default_rng(0)
    return cycle(
        [
            (
                torch.from_numpy(rng.standard_normal((count, *shape), dtype=np.float32)),
                torch.from_numpy(rng.integers(0, 10, count)),
            )
            for _ in range(4)
        ]
    )


def text(count: int, length: int, symbols: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Four batches, in turn, of symbol sequences with the symbols that follow each."""
    rng = np.random.default_rng(0)
    sequences = [rng.integers(0, symbols, (count, length + 1)) for _ in range(4)]
    return cycle(
        [(torch.from_numpy(s[:, :-1].copy()), torch.from_numpy(s[:, 1:].copy())) for s in sequences]
    )
