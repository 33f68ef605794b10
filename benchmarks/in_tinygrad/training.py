"""What the workloads in tinygrad share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from itertools import cycle
from typing import Any

import numpy as np
from tinygrad import Context, Device, Tensor, TinyJit

Weights = dict[str, Tensor]


def weights() -> Weights:
    """The parameters with which torch begins, by torch's names."""
    with np.load(os.environ["BENCHMARK_WEIGHTS"]) as file:
        return {name: Tensor(file[name]).realize() for name in file.files}


def linear(p: Weights, name: str, x: Tensor) -> Tensor:
    return x.linear(p[f"{name}.weight"].T, p[f"{name}.bias"])


def training(
    loss: Callable[..., Tensor], optimizer: Any, batches: Iterable[Any]
) -> Callable[[], Tensor]:
    """The step; loss(*batch) gives the loss."""
    turns = cycle([tuple(Tensor(x).realize() for x in batch) for batch in batches])

    @TinyJit
    def once(*batch: Tensor) -> Tensor:
        with Context(TRAINING=1):
            optimizer.zero_grad()
            value = loss(*batch)
            value.backward()
            return value.realize(*optimizer.schedule_step())

    def step() -> Tensor:
        value = once(*next(turns))
        Device[Device.DEFAULT].synchronize()
        return value

    return step
