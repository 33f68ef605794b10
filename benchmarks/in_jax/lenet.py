"""lenet in jax."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.in_jax.images import channels_last, convolution, labelled, largest
from benchmarks.in_jax.training import adadelta, cross_entropy, in_turn, linear, training, weights
from benchmarks.workloads import WITHOUT_NOISE


def dropped(x: jax.Array, key: Any, p: float) -> jax.Array:
    if key is None:
        return x
    return jnp.where(jax.random.bernoulli(key, 1 - p, x.shape), x / (1 - p), 0.0)


def loss(p: Any, kept: Any, key: Any, x: jax.Array, y: jax.Array) -> Any:
    first, second = (None, None) if key is None else jax.random.split(key)
    x = jax.nn.relu(convolution(x, p["conv1.weight"]) + p["conv1.bias"])
    x = jax.nn.relu(convolution(x, p["conv2.weight"]) + p["conv2.bias"])
    x = dropped(largest(x, 2), first, 0.25).reshape(len(x), -1)
    x = dropped(jax.nn.relu(linear(p, "dense1", x)), second, 0.5)
    return cross_entropy(linear(p, "dense2", x), y), kept


def build(case: str = "") -> Callable[[], jax.Array]:
    p = channels_last(weights())
    # The dense layer takes what torch flattens with the channels first.
    dense = p["dense1.weight"].reshape(128, 64, 12, 12)
    p["dense1.weight"] = dense.transpose(0, 2, 3, 1).reshape(128, -1)
    batches = in_turn(labelled(64, (1, 28, 28)))
    return training(loss, adadelta(1.0), p, batches, noise=case != WITHOUT_NOISE)
