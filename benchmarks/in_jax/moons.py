"""moons in jax."""

from collections.abc import Callable
from itertools import repeat
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks import arrays
from benchmarks.in_jax.training import linear, sgd, training, weights


def loss(p: Any, kept: Any, key: Any, x: jax.Array, y: jax.Array) -> Any:
    x = jax.nn.relu(linear(p, "2", jax.nn.relu(linear(p, "0", x))))
    return jax.nn.relu(1 - y * linear(p, "4", x)).mean(), kept


def build() -> Callable[[], jax.Array]:
    batch = tuple(map(jnp.asarray, arrays.moons()))
    return training(loss, sgd(0.05), weights(), repeat(batch))
