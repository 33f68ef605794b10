"""mlp: 784-128-128-10, ReLU, cross-entropy, batch 64, Adam."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.workloads.batches import labelled


def network(width: int = 128) -> nn.Module:
    return nn.Sequential(
        nn.Linear(784, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)
    )


def build(width: int = 128, batch: int = 64) -> Callable[[], torch.Tensor]:
    model = network(width)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    batches = labelled(batch, (784,))

    def step() -> torch.Tensor:
        x, y = next(batches)
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step
