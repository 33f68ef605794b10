"""Random arrays as a row, so that whoever watches `apply` knows what must be drawn anew each time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from rushlight import random
from rushlight.core.row import Primitive, Sample, Spec
from rushlight.core.tensor import Array
from rushlight.primitives.families import draw as sample
from rushlight.random import Generator


def _noise(
    *xs: Array, draw: Callable[..., Any], arguments: tuple[Any, ...], generator: Generator | None
) -> Any:
    return draw(*xs, *arguments, generator=generator)


def _noise_rule(
    *xs: Array, draw: Callable[..., Any], arguments: tuple[Any, ...], generator: Generator | None
) -> Spec | list[Spec]:
    # A generator of its own: asking for the shape must not move the stream.
    drawn = draw(*xs, *arguments, generator=Generator())
    if isinstance(drawn, tuple):
        return [(part.shape, part.dtype) for part in drawn]
    return drawn.shape, drawn.dtype


def _samples() -> Iterable[Sample]:
    single = np.dtype(np.float32)
    for draw, arguments in (
        (random.dropout_noise, ((2, 3), single, 0.5)),
        (random.alpha_dropout_noise, ((2, 3), single, 0.5)),
    ):
        yield Sample((), {"draw": draw, "arguments": arguments, "generator": Generator()})
    static = {"draw": random.rrelu_noise, "arguments": (0.1, 0.3), "generator": Generator()}
    yield Sample((sample(1, (3,)),), static)


# draw is one of the functions of rushlight.random; it is called with the inputs and the arguments.
noise = Primitive("noise", "random", _noise, None, _noise_rule, "random", _samples)
