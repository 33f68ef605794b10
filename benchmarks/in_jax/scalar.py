"""scalar in jax."""

from collections.abc import Callable

import jax
import jax.numpy as jnp


def expression(a: jax.Array, b: jax.Array) -> jax.Array:
    c = a * b + b**3
    d = jax.nn.relu(a + b) + c * 2
    e = d - jax.nn.relu(b - a) * 3 + 1
    f = (e * a - c) / 2
    return f**2 / 10 + 10 / (f + 20) + e


def build() -> Callable[[], jax.Array]:
    once = jax.jit(jax.value_and_grad(expression, argnums=(0, 1)))
    a, b = jnp.float32(-1.5), jnp.float32(2.5)

    def step() -> jax.Array:
        value, _ = once(a, b)
        return value.block_until_ready()

    return step
