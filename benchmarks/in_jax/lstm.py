"""lstm in jax."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks import arrays
from benchmarks.in_jax.training import (
    Arrays,
    adam,
    cross_entropy,
    in_turn,
    linear,
    training,
    weights,
)

SYMBOLS, LENGTH, BATCH, WIDTH = 65, 64, 32, 128


def loss(p: Arrays, kept: Any, key: Any, x: jax.Array, y: jax.Array) -> Any:
    x = p["embedding.weight"][x].transpose(1, 0, 2)
    bias = p["lstm.bias_ih_l0"] + p["lstm.bias_hh_l0"]
    given = x @ p["lstm.weight_ih_l0"].T + bias
    recurrent = p["lstm.weight_hh_l0"].T

    def cell(held: Any, now: jax.Array) -> Any:
        h, c = held
        i, f, g, o = jnp.split(now + h @ recurrent, 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    zeros = jnp.zeros((x.shape[1], WIDTH))
    _, states = jax.lax.scan(cell, (zeros, zeros), given)
    return cross_entropy(linear(p, "head", states.transpose(1, 0, 2)), y), kept


def build() -> Callable[[], jax.Array]:
    batches = in_turn(arrays.text(BATCH, LENGTH, SYMBOLS))
    return training(loss, adam(1e-3), weights(), batches)
