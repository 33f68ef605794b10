"""Rows of a table that are multiplied: the table is multiplied instead, and the numbers are those of eager."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import rushlight as torch
from rushlight import nn

SYMBOLS, WIDTH, BATCH, LENGTH = 11, 32, 6, 10


class Straight(nn.Module):
    """One layer behind the table, and its result besides."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(SYMBOLS, WIDTH)
        self.layer = nn.Linear(WIDTH, 40)

    def forward(self, x):
        y = self.layer(self.table(x))
        return y.tanh().sum(1), y


class Twice(Straight):
    """Two layers read the same rows, which are wanted otherwise, too."""

    def __init__(self) -> None:
        super().__init__()
        self.other = nn.Linear(WIDTH, 48, bias=False)

    def forward(self, x):
        rows = self.table(x)
        return self.layer(rows).relu().sum(1), (self.other(rows) * rows.sum(2, True)).sum(1)


class Recurrent(nn.Module):
    """Step by step, where rows lie beside each other otherwise than their numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(SYMBOLS, WIDTH, padding_idx=3)
        self.layers = nn.LSTM(WIDTH, 32, batch_first=True)

    def forward(self, x):
        return self.layers(self.table(x))[0], x


class ByHand(Straight):
    """A recurrent cell of one's own, which reads some rows at a time."""

    def forward(self, x):
        given, state = self.layer(self.table(x.t())), 0
        for one in given:
            state = torch.tanh(one * 2 + state)
        return state, x


class Indexed(Straight):
    """Rows of a parameter, by numbers that are computed."""

    def forward(self, x):
        return self.layer(self.table.weight[(x + 1) % SYMBOLS]).sin().sum(1), x


def _trained(model: nn.Module, x: torch.Tensor, way: str) -> list[np.ndarray]:
    """Three steps of training: results, and the parameters with their gradients at the end."""
    model = copy.deepcopy(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    called = torch.compile(model) if way == "module" else model

    def step(x):
        first, second = called(x)
        optimizer.zero_grad()
        (first.square().mean() + (second.float() * 0.1).mean()).backward()
        optimizer.step()
        return first.detach(), second.detach()

    taken = torch.compile(step) if way == "step" else step
    results = [taken((x + shift) % (SYMBOLS - 1)) for shift in range(4)]
    if way == "step":
        assert taken.refusals == []
        assert f"[{SYMBOLS}, {WIDTH}] @" in taken.graph
        assert f"@ seen_rows[{SYMBOLS}, {WIDTH}]" in taken.graph
    tensors = [r for pair in results for r in pair]
    tensors += [t for p in model.parameters() for t in (p.detach(), p.grad)]
    return [t.numpy() for t in tensors]


@pytest.mark.parametrize("way", ["step", "module"])
@pytest.mark.parametrize("kind", [Straight, Twice, Recurrent, ByHand, Indexed])
def test_tables_are_multiplied_and_looked_up(kind, way):
    torch.manual_seed(0)
    model = kind()
    with torch.no_grad():
        # Nobody looks at this row, and so nobody sees what is in it.
        model.table.weight[0 if kind is Indexed else SYMBOLS - 1] = float("nan")
    x = torch.randint(0, SYMBOLS - 1, (BATCH, LENGTH))
    for made, known in zip(_trained(model, x, way), _trained(model, x, "eager"), strict=True):
        np.testing.assert_allclose(made, known, rtol=2e-5, atol=2e-6)


def test_what_changes_in_between_is_looked_up_before():
    torch.manual_seed(0)
    table, layer = torch.randn(SYMBOLS, WIDTH), torch.randn(WIDTH, 40)
    x = torch.randint(0, SYMBOLS, (BATCH * LENGTH,))

    def step(x, table):
        rows = table[x]
        table.mul_(2)
        once = rows @ layer
        x.add_(1).remainder_(SYMBOLS)
        return once, table[x] @ layer, rows @ layer

    given = [(x.clone(), table.clone()) for _ in range(2)]
    compiled = torch.compile(step)
    for _ in range(3):
        made, known = compiled(*given[0]), step(*given[1])
        for a, b in zip((*made, *given[0]), (*known, *given[1]), strict=True):
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-4, atol=1e-4)
    assert compiled.refusals == []
