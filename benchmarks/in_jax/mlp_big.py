"""mlp_big in jax."""

from collections.abc import Callable

import jax

from benchmarks.in_jax import mlp


def build() -> Callable[[], jax.Array]:
    return mlp.build(batch=256)
