"""What is said of a name that is not there."""

import pytest

import rushlight as torch
from tests.cli.test_cli import run

NEAREST = {
    "torch.zeross": "torch.zeros",
    "torch.no_gard": "torch.no_grad",
    "torch.lineer": "torch.nn.Linear, torch.nn.functional.linear",
    "torch.isNaN": "torch.isnan",
    "torch.arg_max": "torch.argmax",
    "torch.float3": "torch.float32, torch.float",
    "torch.Linear": "torch.nn.Linear",
    "torch.Adam": "torch.optim.Adam",
    "torch.DataLoader": "torch.utils.data.DataLoader",
    "torch.relu6": "torch.nn.functional.relu6",
    "torch.view": "torch.Tensor.view",
    "torch.expand_dims": "torch.unsqueeze",
    "torch.nn.linear": "torch.nn.Linear",
    "torch.nn.CrossEntropy": "torch.nn.CrossEntropyLoss, torch.nn.functional.cross_entropy",
    "torch.nn.functional.mse": "torch.nn.functional.mse_loss",
    "torch.nn.functional.gelo": "torch.nn.functional.gelu",
    "torch.fft.ftt": "torch.fft.fft",
}


@pytest.mark.parametrize("name", NEAREST)
def test_nearest(name):
    with pytest.raises(AttributeError) as caught:
        eval(name)
    assert str(caught.value) == f"rushlight has no {name}; nearest: {NEAREST[name]}"


@pytest.mark.parametrize("name", ["torch.foo", "torch.zzyzx"])
def test_nothing_near(name):
    with pytest.raises(AttributeError) as caught:
        eval(name)
    assert str(caught.value) == f"rushlight has no {name}"
    assert not hasattr(torch, name.partition(".")[2])


def test_under_run_it_is_said_alike(tmp_path):
    path = tmp_path / "wrong.py"
    path.write_text(
        "import torch\ntry:\n    torch.Linear\nexcept AttributeError as e:\n    print(e)"
    )
    assert "rushlight has no torch.Linear; nearest: torch.nn.Linear" in run("run", path).stdout
