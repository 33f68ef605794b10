"""gpt in jax."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks import arrays
from benchmarks.in_jax.training import (
    Arrays,
    adam,
    clipped,
    cross_entropy,
    in_turn,
    linear,
    training,
    weights,
)

SYMBOLS, LENGTH, BATCH, WIDTH, HEADS, LAYERS = 65, 64, 12, 128, 4, 4


def normalized(p: Arrays, name: str, x: jax.Array) -> jax.Array:
    mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(var + 1e-5) * p[f"{name}.weight"]


def attention(p: Arrays, name: str, x: jax.Array) -> jax.Array:
    batch, length, _ = x.shape
    parts = jnp.split(linear(p, f"{name}.expand", x), 3, axis=-1)
    q, k, v = (
        part.reshape(batch, length, HEADS, WIDTH // HEADS).transpose(0, 2, 1, 3) for part in parts
    )
    scores = q @ k.transpose(0, 1, 3, 2) / (WIDTH // HEADS) ** 0.5
    scores = jnp.where(jnp.tril(jnp.ones((length, length), bool)), scores, -jnp.inf)
    y = (jax.nn.softmax(scores) @ v).transpose(0, 2, 1, 3).reshape(batch, length, WIDTH)
    return linear(p, f"{name}.project", y)


def loss(p: Arrays, kept: Any, key: Any, x: jax.Array, y: jax.Array) -> Any:
    x = p["symbols.weight"][x] + p["places.weight"]
    for at in range(LAYERS):
        layer = f"layers.{at}"
        x = x + attention(p, f"{layer}.attention", normalized(p, f"{layer}.norm1", x))
        h = linear(p, f"{layer}.dense.0", normalized(p, f"{layer}.norm2", x))
        x = x + linear(p, f"{layer}.dense.2", jax.nn.gelu(h, approximate=False))
    return cross_entropy(normalized(p, "norm", x) @ p["symbols.weight"].T, y), kept


def build() -> Callable[[], jax.Array]:
    start, update = adam(1e-3, (0.9, 0.99), decay=lambda p: 0.1 if p.ndim > 1 else 0.0)

    def clipping(p: Arrays, g: Arrays, state: Any) -> Any:
        return update(p, clipped(g, 1.0), state)

    return training(
        loss, (start, clipping), weights(), in_turn(arrays.text(BATCH, LENGTH, SYMBOLS))
    )
