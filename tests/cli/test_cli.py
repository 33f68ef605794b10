"""`rushlight run`, `rushlight info`: what a person sees."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader
from torchvision import transforms

print(torch.__name__, sys.argv[1:], __name__)
model = nn.Linear(2, 1)
loss = F.mse_loss(model(torch.ones(3, 2)), torch.zeros(3, 1))
loss.backward()
"""


def run(*arguments, **options):
    command = [sys.executable, "-m", "rushlight", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "train.py"
    path.write_text(SCRIPT)
    return path


def test_a_script_runs_with_torch_meaning_rushlight(script):
    shown = run("run", script, "--epochs", "3")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout == "rushlight ['--epochs', '3'] __main__\n"


def test_a_module_runs(tmp_path):
    (tmp_path / "program.py").write_text("import torch; print(torch.ones(2))")
    shown = run("run", "-m", "program", cwd=tmp_path)
    assert shown.stdout == "tensor([1., 1.])\n", shown.stderr


def test_the_first_backward_is_drawn_with_names(script, tmp_path):
    shown = run("run", "--draw", tmp_path / "graph.dot", script)
    assert shown.returncode == 0, shown.stderr
    drawn = (tmp_path / "graph.dot").read_text()
    assert "model.weight" in drawn
    assert "Addmm" in drawn


def test_a_missing_name_says_which_and_what_is_nearest(tmp_path):
    path = tmp_path / "wrong.py"
    path.write_text("import torch\ntorch.zeross(2)")
    shown = run("run", path)
    assert shown.returncode == 1
    assert "rushlight has no torch.zeross; nearest: torch.zeros" in shown.stderr
    path.write_text("import torch.nnn")
    assert "rushlight has no module torch.nnn; nearest: torch.nn" in run("run", path).stderr


def test_a_script_that_is_not_there():
    shown = run("run", "nowhere.py")
    assert shown.returncode == 1
    assert "there is no file nowhere.py" in shown.stderr


def test_an_exit_status_is_passed_on(tmp_path):
    path = tmp_path / "leave.py"
    path.write_text("import torch, sys; sys.exit(3)")
    assert run("run", path).returncode == 3


def test_info_names_what_it_computes_with():
    shown = run("info")
    assert [line.split()[0] for line in shown.stdout.splitlines()] == [
        "rushlight", "python", "numpy", "scipy", "BLAS", "threads", "system", "C",
    ]  # fmt: skip
