"""lenet: the network of pytorch/examples' mnist, batch 64, Adadelta."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.workloads import WITHOUT_NOISE
from benchmarks.workloads.batches import labelled


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.dropout1 = nn.Dropout(0.25)
        self.dropout2 = nn.Dropout(0.5)
        self.dense1 = nn.Linear(9216, 128)
        self.dense2 = nn.Linear(128, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.conv2(F.relu(self.conv1(x))))
        x = self.dropout1(F.max_pool2d(x, 2)).flatten(1)
        x = self.dropout2(F.relu(self.dense1(x)))
        return F.log_softmax(self.dense2(x), dim=1)


def network() -> nn.Module:
    return Network()


def build(case: str = "") -> Callable[[], torch.Tensor]:
    model = network()
    if case == WITHOUT_NOISE:
        model.dropout1 = model.dropout2 = nn.Identity()
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
    batches = labelled(64, (1, 28, 28))

    def step() -> torch.Tensor:
        x, y = next(batches)
        loss = F.nll_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step
