"""The batches as NumPy's arrays, the same for every engine."""

from __future__ import annotations

import numpy as np

Batches = list[tuple[np.ndarray, np.ndarray]]


def labelled(count: int, shape: tuple[int, ...]) -> Batches:
    """Four batches of normally distributed inputs with labels from 0 to 9."""
    rng = np.random.default_rng(0)
    return [
        (rng.standard_normal((count, *shape), dtype=np.float32), rng.integers(0, 10, count))
        for _ in range(4)
    ]


def text(count: int, length: int, symbols: int) -> Batches:
    """Four batches of symbol sequences with the symbols that follow each."""
    rng = np.random.default_rng(0)
    sequences = [rng.integers(0, symbols, (count, length + 1)) for _ in range(4)]
    return [(s[:, :-1].copy(), s[:, 1:].copy()) for s in sequences]


def moons() -> tuple[np.ndarray, np.ndarray]:
    """Two interleaving half circles with noise, labelled -1 and 1."""
    rng = np.random.default_rng(0)
    angle = np.linspace(0, np.pi, 50)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    lower = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
    x = np.concatenate([upper, lower]) + rng.normal(scale=0.1, size=(100, 2))
    y = np.repeat([-1.0, 1.0], 50)[:, None]
    return x.astype(np.float32), y.astype(np.float32)


def picture() -> np.ndarray:
    """One image, 3x224x224."""
    return np.random.default_rng(0).standard_normal((1, 3, 224, 224), dtype=np.float32)
