"""resnet20 in jax."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.in_jax.images import channels_last, convolution, labelled
from benchmarks.in_jax.training import Arrays, cross_entropy, in_turn, linear, sgd, training
from benchmarks.in_jax.training import weights as first_weights


def normalized(p: Arrays, kept: Arrays, name: str, x: jax.Array) -> jax.Array:
    """Batch norm; running statistics are kept."""
    mean, var = x.mean((0, 1, 2)), x.var((0, 1, 2))
    count = x.size // x.shape[-1]
    for key, now in (("running_mean", mean), ("running_var", var * count / (count - 1))):
        kept[f"{name}.{key}"] = 0.9 * kept[f"{name}.{key}"] + 0.1 * now
    return (x - mean) * jax.lax.rsqrt(var + 1e-5) * p[f"{name}.weight"] + p[f"{name}.bias"]


def loss(p: Arrays, kept: Arrays, key: Any, x: jax.Array, y: jax.Array) -> Any:
    kept = dict(kept)
    x = jax.nn.relu(normalized(p, kept, "1", convolution(x, p["0.weight"], 1, 1)))
    for at in range(3, 12):
        stride = 2 if at in (6, 9) else 1
        name = f"{at}.conv1.weight"
        z = jax.nn.relu(normalized(p, kept, f"{at}.norm1", convolution(x, p[name], stride, 1)))
        z = normalized(p, kept, f"{at}.norm2", convolution(z, p[f"{at}.conv2.weight"], 1, 1))
        if stride > 1:
            more = x.shape[-1] // 2
            x = jnp.pad(x[:, ::2, ::2], [(0, 0), (0, 0), (0, 0), (more, more)])
        x = jax.nn.relu(x + z)
    return cross_entropy(linear(p, "14", x.mean((1, 2))), y), kept


def build() -> Callable[[], jax.Array]:
    p = channels_last(first_weights())
    kept = {}
    for name, scale in p.items():
        if scale.ndim == 1 and name.endswith(".weight"):
            before = name.removesuffix("weight")
            kept[f"{before}running_mean"] = jnp.zeros_like(scale)
            kept[f"{before}running_var"] = jnp.ones_like(scale)
    return training(
        loss, sgd(0.01, momentum=0.9, decay=1e-4), p, in_turn(labelled(32, (3, 32, 32))), kept
    )
