"""moons: 2-16-16-1, ReLU, hinge loss, all 100 points at once, SGD."""

from collections.abc import Callable

import torch
from torch import nn

from benchmarks import arrays


def network() -> nn.Module:
    return nn.Sequential(
        nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1)
    )


def build() -> Callable[[], torch.Tensor]:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    x, y = map(torch.from_numpy, arrays.moons())

    def step() -> torch.Tensor:
        loss = (1 - y * model(x)).relu().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step
