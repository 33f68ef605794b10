"""What the workloads in jax share: a step, and the optimizers as functions."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import cycle
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Arrays = dict[str, jax.Array]
# What makes the state for parameters, and (parameters, gradients, state) -> (parameters, state).
Optimizer = tuple[Callable[[Arrays], Any], Callable[[Arrays, Arrays, Any], tuple[Arrays, Any]]]


def weights() -> Arrays:
    """The parameters with which torch begins, by torch's names."""
    with np.load(os.environ["BENCHMARK_WEIGHTS"]) as file:
        return {name: jnp.asarray(file[name]) for name in file.files}


def in_turn(batches: Iterable[Any]) -> Iterator[Any]:
    """Batches on the device, again and again."""
    return cycle([jax.tree.map(jnp.asarray, batch) for batch in batches])


def training(
    loss: Callable[..., tuple[jax.Array, Any]],
    optimizer: Optimizer,
    parameters: Arrays,
    batches: Iterator[Any],
    kept: Any = None,
    noise: bool = False,
) -> Callable[[], jax.Array]:
    """The step; loss(parameters, kept, key, *batch) gives the loss and what is kept then."""
    start, update = optimizer

    @partial(jax.jit, donate_argnums=0)
    def once(held: Any, batch: Any) -> Any:
        parameters, state, kept, key = held
        key, used = jax.random.split(key) if noise else (None, None)
        (value, kept), gradients = jax.value_and_grad(loss, has_aux=True)(
            parameters, kept, used, *batch
        )
        return (*update(parameters, gradients, state), kept, key), value

    held = [(parameters, start(parameters), kept, jax.random.key(0) if noise else None)]

    def step() -> jax.Array:
        held[0], value = once(held[0], next(batches))
        return value.block_until_ready()

    return step


def linear(p: Arrays, name: str, x: jax.Array) -> jax.Array:
    y = x @ p[f"{name}.weight"].T
    return y + p[f"{name}.bias"] if f"{name}.bias" in p else y


def cross_entropy(scores: jax.Array, labels: jax.Array) -> jax.Array:
    picked = jnp.take_along_axis(jax.nn.log_softmax(scores), labels[..., None], axis=-1)
    return -picked.mean()


def clipped(gradients: Arrays, most: float) -> Arrays:
    """Scaled down where their norm is above."""
    norm = jnp.sqrt(sum(jnp.sum(g * g) for g in gradients.values()))
    scale = jnp.minimum(1.0, most / (norm + 1e-6))
    return jax.tree.map(lambda g: g * scale, gradients)


# ---- optimizers ----------------------------------------------------------------------------------


def _zeros(parameters: Arrays) -> Arrays:
    return jax.tree.map(jnp.zeros_like, parameters)


def sgd(lr: float, momentum: float = 0.0, decay: float = 0.0) -> Optimizer:
    def update(p: Arrays, g: Arrays, state: Any) -> tuple[Arrays, Any]:
        if decay:
            g = jax.tree.map(lambda g, p: g + decay * p, g, p)
        if momentum:
            state = g = jax.tree.map(lambda m, g: momentum * m + g, state, g)
        return jax.tree.map(lambda p, g: p - lr * g, p, g), state

    return (_zeros if momentum else lambda p: None), update


def adam(
    lr: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    decay: Callable[[jax.Array], float] = lambda p: 0.0,
) -> Optimizer:
    """AdamW where there is a decay."""
    first, second = betas

    def update(p: Arrays, g: Arrays, state: Any) -> tuple[Arrays, Any]:
        m, v, count = state
        count = count + 1
        m = jax.tree.map(lambda m, g: first * m + (1 - first) * g, m, g)
        v = jax.tree.map(lambda v, g: second * v + (1 - second) * g * g, v, g)
        size, root = lr / (1 - first**count), jnp.sqrt(1 - second**count)

        def moved(p: jax.Array, m: jax.Array, v: jax.Array) -> jax.Array:
            return p * (1 - lr * decay(p)) - size * m / (jnp.sqrt(v) / root + eps)

        return jax.tree.map(moved, p, m, v), (m, v, count)

    return (lambda p: (_zeros(p), _zeros(p), jnp.zeros(()))), update


def adadelta(lr: float, rho: float = 0.9, eps: float = 1e-6) -> Optimizer:
    def update(p: Arrays, g: Arrays, state: Any) -> tuple[Arrays, Any]:
        squares, steps = state
        squares = jax.tree.map(lambda s, g: rho * s + (1 - rho) * g * g, squares, g)
        by = jax.tree.map(
            lambda d, s, g: jnp.sqrt(d + eps) / jnp.sqrt(s + eps) * g, steps, squares, g
        )
        steps = jax.tree.map(lambda d, x: rho * d + (1 - rho) * x * x, steps, by)
        return jax.tree.map(lambda p, x: p - lr * x, p, by), (squares, steps)

    return (lambda p: (_zeros(p), _zeros(p))), update
