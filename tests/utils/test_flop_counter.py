"""What is multiplied and added, by module and operation, beside torch's count."""

import importlib

import pytest
import torch

import rushlight


def counted(framework, inputs_want_gradients=True):
    nn = framework.nn

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.LayerNorm(8)
            self.mlp = nn.Sequential(nn.Linear(8, 32), nn.GELU(), nn.Linear(32, 8, bias=False))

        def forward(self, x):
            x = self.norm(x)
            return self.mlp(x) + x @ x.mT @ x

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3, groups=1, padding=1)
            self.up = nn.ConvTranspose2d(8, 8, 2, stride=2)
            self.blocks = nn.ModuleList([Block(), Block()])

        def forward(self, image):
            x = self.up(self.conv(image).relu()).flatten(2).mT
            for block in self.blocks:
                x = block(x)
            return x.sum()

    room = importlib.import_module(f"{framework.__name__}.utils.flop_counter")
    with room.FlopCounterMode(display=False, depth=None) as counter:
        image = framework.ones(2, 3, 4, 4, requires_grad=inputs_want_gradients)
        Net()(image).backward()
    counts = counter.get_flop_counts()
    return counter, {name: {str(key): n for key, n in ops.items()} for name, ops in counts.items()}


def test_by_module_and_operation_as_torch():
    (_, theirs), (_, ours) = counted(torch), counted(rushlight)
    # Of the outermost torch counts the forward alone: its inputs are no results, on which it could hang a hook.
    del theirs["Net"]
    assert ours.pop("Net") == ours["Global"] == theirs["Global"]
    assert ours == theirs
    assert "Net.blocks.1.mlp.2" in ours


def test_what_backward_does_counts_where_torch_loses_its_way():
    # Where the input wants no gradient, torch does not learn that it has come to the first module.
    _, ours = counted(rushlight, inputs_want_gradients=False)
    assert ours["Net"] == ours["Global"]
    assert ours["Net.conv"] == {
        "aten.convolution": 2 * 8 * 16 * 27 * 2,
        "aten.convolution_backward": 2 * 8 * 16 * 27 * 2,
    }


def test_the_table(capsys):
    model = rushlight.nn.Sequential(
        rushlight.nn.Linear(3, 4), rushlight.nn.Linear(4, 5, bias=False)
    )
    room = importlib.import_module("rushlight.utils.flop_counter")
    with room.FlopCounterMode(depth=1) as counter:
        model(rushlight.ones(2, 3)).sum().backward()
    assert counter.get_total_flops() == 336
    shown = capsys.readouterr().out.rstrip("\n").split("\n")
    assert len({len(line) for line in shown}) == 1
    assert [line.split() for line in shown if "-----" not in line] == [
        ["Module", "FLOP", "%", "Total"],
        ["Sequential", "336.000", "100.00%"],
        ["-", "aten.addmm", "48.000", "14.29%"],
        ["-", "aten.mm", "288.000", "85.71%"],
    ]
    with pytest.warns(UserWarning, match="mods"):
        room.FlopCounterMode(model)
