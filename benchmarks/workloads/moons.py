"""moons: 2-16-16-1, ReLU, hinge loss, all 100 points at once, SGD."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn


def points() -> tuple[torch.Tensor, torch.Tensor]:
    """Two interleaving half circles with noise, labelled -1 and 1."""
    rng = np.random.default_rng(0)
    angle = np.linspace(0, np.pi, 50)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    lower = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
    x = np.concatenate([upper, lower]) + rng.normal(scale=0.1, size=(100, 2))
    y = np.repeat([-1.0, 1.0], 50)[:, None]
    return torch.from_numpy(x.astype(np.float32)), torch.from_numpy(y.astype(np.float32))


def build() -> Callable[[], torch.Tensor]:
    model = nn.Sequential(
        nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    x, y = points()

    def step() -> torch.Tensor:
        loss = (1 - y * model(x)).relu().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step
