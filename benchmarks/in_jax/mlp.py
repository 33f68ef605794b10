"""mlp in jax."""

from collections.abc import Callable
from typing import Any

import jax

from benchmarks import arrays
from benchmarks.in_jax.training import adam, cross_entropy, in_turn, linear, training, weights


def loss(p: Any, kept: Any, key: Any, x: jax.Array, y: jax.Array) -> Any:
    x = jax.nn.relu(linear(p, "2", jax.nn.relu(linear(p, "0", x))))
    return cross_entropy(linear(p, "4", x), y), kept


def build(batch: int = 64) -> Callable[[], jax.Array]:
    return training(loss, adam(1e-3), weights(), in_turn(arrays.labelled(batch, (784,))))
