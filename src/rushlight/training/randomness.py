"""The state of everything random, to be put back so that a run goes on as if it had not stopped."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from rushlight.ops.creation import from_numpy
from rushlight.random import Generator, default_generator


def random_state(loader: Any = None) -> dict[str, Any]:
    """The streams of Python, NumPy, torch and a loader's own generators, as plain values."""
    numpy: Any = np.random.get_state(legacy=False)
    return {
        "python": random.getstate(),
        "numpy": {**numpy, "state": _twister(numpy["state"], from_numpy)},
        "torch": default_generator.get_state(),
        "loader": [g.get_state() for g in _generators(loader)],
    }


def set_random_state(state: Mapping[str, Any], loader: Any = None) -> None:
    """Put all streams back to where `random_state` found them."""
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    numpy = state["numpy"]
    np.random.set_state({**numpy, "state": _twister(numpy["state"], lambda t: t.numpy())})
    default_generator.set_state(state["torch"])
    for generator, saved in zip(_generators(loader), state["loader"], strict=False):
        generator.set_state(saved)


def _twister(state: Mapping[str, Any], convert: Any) -> dict[str, Any]:
    return {**state, "key": convert(state["key"])}


def _generators(loader: Any) -> list[Generator]:
    """A loader's own generators: its, its sampler's, its batch sampler's sampler's."""
    found: list[Generator] = []
    places = [loader]
    for place in places:
        generator = getattr(place, "generator", None)
        if isinstance(generator, Generator) and all(generator is not g for g in found):
            found.append(generator)
        places += [
            inner
            for name in ("sampler", "batch_sampler")
            if (inner := getattr(place, name, None)) is not None and inner not in places
        ]
    return found
