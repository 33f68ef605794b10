"""mlp_big: 784-512-512-10, ReLU, cross-entropy, batch 256, Adam."""

from collections.abc import Callable

import torch
from torch import nn

from benchmarks.workloads import mlp


def network() -> nn.Module:
    return mlp.network(width=512)


def build() -> Callable[[], torch.Tensor]:
    return mlp.build(width=512, batch=256)
