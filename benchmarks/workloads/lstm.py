"""lstm: embedding, LSTM 128 wide, dense layer, batch 32x64, Adam."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.workloads.batches import text

SYMBOLS, LENGTH, BATCH, WIDTH = 65, 64, 32, 128


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(SYMBOLS, WIDTH)
        self.lstm = nn.LSTM(WIDTH, WIDTH, batch_first=True)
        self.head = nn.Linear(WIDTH, SYMBOLS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        states, _ = self.lstm(self.embedding(x))
        return self.head(states)


def network() -> nn.Module:
    return Network()


def build() -> Callable[[], torch.Tensor]:
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    batches = text(BATCH, LENGTH, SYMBOLS)

    def step() -> torch.Tensor:
        x, y = next(batches)
        loss = F.cross_entropy(model(x).view(-1, SYMBOLS), y.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step
