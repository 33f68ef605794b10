"""`rushlight verify` beside the real torch; what needs no second process is tested in this one."""

import argparse
import json
import os
import struct
import time
from pathlib import Path

import numpy as np
import pytest

from rushlight.cli import main, verify
from rushlight.verify.comparing import compare, culprit, difference

NET = """
import torch
from torch import nn

x, y = torch.randn(32, 4), torch.randint(0, 3, (32,))
model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3))
other = nn.Linear(4, 1)
first = torch.optim.Adam(model.parameters(), lr=0.01)
second = torch.optim.SGD(other.parameters(), lr=0.1, momentum=0.9)
for _ in range(4):
    first.zero_grad()
    nn.functional.cross_entropy(model(x), y).backward()
    first.step()
    second.zero_grad()
    (other(x) ** 2).mean().backward()
    second.step()
(g,) = torch.autograd.grad(other(x).sum(), other.weight)
print(g)
"""

ODD = """
import sys

import torch


class Odd(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return 1.0 * x

    @staticmethod
    def backward(ctx, g):
        return g * (1.01 if "rushlight" in torch.__version__ else 1.0)


torch.manual_seed(3)
w = torch.randn(4, 3, requires_grad=True)
x = torch.randn(8, 4)
for step in range(4):
    h = torch.tanh(x @ w)
    if step == 2:
        h = Odd.apply(h)
    h.pow(2).mean().backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
        w.grad = None
"""


# What is equal, where it could seem not to be: a fit that ends in rounding, and inputs of one name that want gradients.
QUIET = """
import torch
from torch import nn

torch.manual_seed(9)
x = torch.linspace(-1, 1, 40).unsqueeze(1)
net = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))
fit = torch.optim.LBFGS(net.parameters(), max_iter=4)


def closure():
    fit.zero_grad()
    loss = (net(x) - x**2).pow(2).mean()
    loss.backward()
    return loss


for i in range(4):
    fit.step(closure)
critic = nn.Sequential(nn.Linear(3, 16), nn.SiLU(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(critic.parameters(), 1e-3)
for i in range(6):
    x = torch.randn(16, 3, requires_grad=True)
    (g,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    optimizer.zero_grad()
    ((g.norm(dim=1) - 1) ** 2).mean().backward()
    optimizer.step()
"""

# A layer that differs late, beside a bias whose gradient is rounding; a hook behind all operations; a step.
LATE = """
import torch
from torch import nn

torch.manual_seed(14)
here = "rushlight" in torch.__version__
net = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
optimizer = torch.optim.AdamW(net.parameters(), 1e-2)
for i in range(30):
    PLANTED
    x = torch.randn(16, 5)
    optimizer.zero_grad()
    nn.functional.cross_entropy(net(x), (x[:, 0] > 0).long()).backward()
    optimizer.step()
"""
PLANTED = {
    "if i == 20 and here: net[1].eps = 0.5": "the result of batch_norm, program.py:13",
    "if i == 0 and here: net[3].weight.register_hook(lambda g: g * 1.05)": "look at hooks",
    "if i == 20 and here: optimizer.param_groups[0]['lr'] = 0.1": "it is the step of AdamW",
}

CRASH = """
import torch

w = torch.ones(2, requires_grad=True)
(w * 2).sum().backward()
if "rushlight" in torch.__version__:
    kind = ValueError
    raise kind("here alone")
"""


@pytest.fixture
def verified(tmp_path, monkeypatch, capsys):
    """Verifies a program from this process; the two that run it are new ones. Returns status and output."""
    monkeypatch.chdir(tmp_path)

    def run(program, *options):
        (tmp_path / "program.py").write_text(program)
        status = main(["verify", *options, "program.py"])
        return status, capsys.readouterr().out

    return run


def test_a_program_that_agrees(verified):
    status, said = verified(NET)
    assert status == 0, said
    assert "MATCH: 9 backwards and 8 steps agree" in said


def test_rounding_near_a_minimum_and_new_tensors_of_one_name_are_no_difference(verified):
    status, said = verified(QUIET)
    assert status == 0, said


@pytest.mark.parametrize(("planted", "told"), PLANTED.items())
def test_what_parts_is_named(verified, planted, told):
    status, said = verified(LATE.replace("PLANTED", planted))
    assert status == 1
    assert told in said


def test_a_program_that_imports_rushlight_is_told_so(verified):
    status, said = verified("import torch\nfrom rushlight import nn\n")
    assert status == 2
    assert said.count("\n") == 1
    assert "imports rushlight itself, at program.py:2" in said


def test_a_derivative_that_differs_is_named_with_its_line(verified):
    status, said = verified(ODD)
    assert status == 1
    assert "DIVERGE at event 3 (backward), program.py:24" in said
    assert "gradient of w differs by 0.01" in said
    assert "the first operation that differs: the derivative" in said
    assert "of mul, program.py:10" in said or "of rmul, program.py:10" in said


def test_a_program_that_takes_too_long_is_ended_with_all_it_started(verified, tmp_path):
    child = f"""
import os, subprocess, sys, time
one = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open(r"{tmp_path}/" + ("ours" if "rushlight" in sys.modules else "theirs"), "w").write(str(one.pid))
time.sleep(60)
"""
    status, said = verified(child, "--timeout", "3")
    assert (status, said) == (
        2, "could not run: program.py did not end under torch within 3 seconds\n"
    )  # fmt: skip
    for file in (tmp_path / "ours", tmp_path / "theirs"):
        assert not file.exists() or _ends(int(file.read_text()))


def _ends(process):
    for _ in range(200):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        if "Z" in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2]:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize(
    ("options", "said"),
    [(("--steps", "x"), "'x' is no number of steps"), (("--tolerance", "-1"), "'-1' is no part of a scale"),
     (("--timeout", "0"), "'0' is no number of seconds")],
)  # fmt: skip
def test_options_that_are_wrong_are_told_in_one_line(options, said, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["verify", *options, "program.py"])
    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert said in told
    assert told.count("\n") == 1


def test_one_that_crashes_under_one_of_them_alone(verified):
    status, said = verified(CRASH)
    assert status == 2
    assert "under rushlight the program ended at program.py:8 with ValueError: here alone" in said
    assert "(1 backward equal before)" in said


def test_without_a_backward_what_is_printed_is_compared(verified, tmp_path, capsys):
    one = verify._Verification(verify_options(), tmp_path)
    for side, text in (("rushlight", "a 1.00001\nb 2\n"), ("torch", "a 1.0\nb 2\n")):
        (tmp_path / side).with_suffix(".out").write_text(text)
    assert one._by_output() == 0
    assert "MATCH: 2 lines agree" in capsys.readouterr().out
    (tmp_path / "torch.out").write_text("a 1.0\nb 3\n")
    assert one._by_output() == 1
    assert "DIVERGE: line 2 of the output" in capsys.readouterr().out


def verify_options():
    parser = argparse.ArgumentParser()
    verify.add_arguments(parser)
    return parser.parse_args(["program.py"])


# ---- without a second process ----------------------------------------------------------------------


def stream(path, *events):
    with path.open("wb") as file:
        for kind, facts, arrays in events:
            arrays = {name: np.asarray(a, np.float32) for name, a in arrays.items()}
            listed = [[name, a.dtype.str, a.shape] for name, a in arrays.items()]
            head = json.dumps({"kind": kind, "place": "p.py:1", **facts, "arrays": listed}).encode()
            file.write(struct.pack("<q", len(head)) + head)
            for a in arrays.values():
                file.write(a.tobytes())
    return path


def backward(number, loss, **gradients):
    arrays = {"loss": loss, **{f"gradient of {k}": v for k, v in gradients.items()}}
    return "backward", {"number": number}, arrays


def step(number, **values):
    return (
        "step",
        {"number": number, "optimizer": "Adam"},
        {f"value of {k}": v for k, v in values.items()},
    )


END = ("end", {}, {})


def compared(tmp_path, ours, theirs):
    return compare(stream(tmp_path / "a", *ours), stream(tmp_path / "b", *theirs), 1e-3)


def test_the_first_difference_is_named(tmp_path):
    ours = [backward(1, 2.0, w=[1.0, 2.0]), step(2, w=[0.5, 0.25]), END]
    theirs = [backward(1, 2.0, w=[1.0, 2.0]), step(2, w=[0.5, 0.5]), END]
    found = compared(tmp_path, ours, theirs)
    assert found.rows[0].losses == (2.0, 2.0)
    assert (found.parting.number, found.parting.what) == (2, "value of w")
    assert (found.parting.ours, found.parting.theirs) == ("0.25 at [1]", "0.5 at [1]")
    assert found.parting.optimizer == "Adam"


def test_a_parameter_without_a_gradient_in_one_of_them_is_a_difference(tmp_path):
    found = compared(tmp_path, [backward(1, 2.0), END], [backward(1, 2.0, w=[1.0]), END])
    assert (found.parting.ours, found.parting.theirs) == ("nothing", "there")


@pytest.mark.parametrize(
    ("ours", "theirs", "noise"),
    [([1e-9], [-1e-9], [True]), ([0.5, 1e-9, 1e-9], [0.5, -1e-9, 1e-9], [False, True, False])],
)
def test_gradients_that_are_rounding_say_nothing(tmp_path, ours, theirs, noise):
    # A step by Adam makes as much of them as of others; of other elements it does say something.
    moved = [0.01 if g > 0 else -0.01 for g in theirs]
    ours = [backward(1, 1.0, w=[1.0], b=ours), step(2, w=[1.0], b=[0.01] * len(ours)), END]
    theirs = [backward(1, 1.0, w=[1.0], b=theirs), step(2, w=[1.0], b=moved), END]
    found = compared(tmp_path, ours, theirs)
    assert found.parting is None
    assert found.noise["b"].tolist() == noise
    theirs[1] = step(2, w=[1.0], b=[*moved[:-1], 0.5])
    assert (compared(tmp_path, ours, theirs).parting is None) == noise[-1]


def test_more_events_in_one_and_another_order_are_seen(tmp_path):
    found = compared(tmp_path, [backward(1, 1.0), END], [backward(1, 1.0), step(2), END])
    assert found.parting is None
    assert found.counts == (1, 2)
    found = compared(tmp_path, [backward(1, 1.0), END], [step(1), END])
    assert found.parting.kind == "order"


def test_a_stream_that_was_cut_short_is_read_as_far_as_it_goes(tmp_path):
    path = stream(tmp_path / "a", backward(1, 1.0), backward(2, 2.0))
    path.write_bytes(path.read_bytes()[:-2])
    other = stream(tmp_path / "b", backward(1, 1.0), backward(2, 2.0), END)
    assert compare(path, other, 1e-3).counts == (1, 2)


def test_differences_are_measured_by_scale():
    nan, inf = float("nan"), float("inf")
    assert difference(np.array([1.0, nan, inf]), np.array([1.0, nan, inf])) == 0
    assert difference(np.array([1.0, nan]), np.array([1.0, 2.0])) == inf
    assert difference(np.array([1.0, 10.1]), np.array([1.0, 10.0])) == pytest.approx(0.01)
    assert difference(np.zeros(2), np.zeros(3)) == inf


def test_operations_are_aligned_by_name_and_order(tmp_path):
    def call(name, out, **facts):
        return "call", {"name": name, "inputs": [], **facts}, {"out 0": out}

    ours = [call("linear", [1.0]), call("extra", [5.0]), call("relu", [2.0]), call("mean", [3.0])]
    theirs = [call("linear", [1.0]), call("relu", [2.0]), call("mean", [4.0])]
    found = culprit(stream(tmp_path / "a", *ours), stream(tmp_path / "b", *theirs), 1e-3)
    assert (found.name, found.what, found.ours, found.theirs) == (
        "mean",
        "result",
        "3 at [0]",
        "4 at [0]",
    )


def test_without_torch_it_says_so_in_one_line(tmp_path, monkeypatch, capsys):
    script = tmp_path / "p.py"
    script.write_text("import torch")
    bare = tmp_path / "python"
    bare.write_text("#!/bin/sh\nexit 0\n")
    bare.chmod(0o755)
    assert main(["verify", "--python", str(bare), str(script)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "pip install torch" in said


def test_what_cannot_be_run_is_refused(capsys):
    assert main(["verify", "no_such_file.py"]) == 2
    assert main(["verify"]) == 2
    assert "there is no file no_such_file.py" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("loss 1.00001", "loss 1.0", True),
        ("loss 1.1", "loss 1.0", False),
        ("x 1", "y 1", False),
    ],
)
def test_lines_are_compared_but_for_rounding(a, b, same):
    assert verify._alike(a, b, 1e-3) is same


@pytest.mark.parametrize(
    ("last", "code", "said"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", 2, "under rushlight the program ended with the signal SIGKILL"),
        ("raise ValueError('out of luck')", 2, "ended at p.py:6 with ValueError: out of luck"),
        (
            "raise ValueError('out of luck')\nraise KeyError('here')", 1,
            "DIVERGE: the program ends under rushlight with ValueError: out of luck, under torch with KeyError",
        ),
        ("os._exit(0)", 0, "MATCH: 1 backward agrees"),
    ],
)  # fmt: skip
def test_a_run_that_ends_before_its_end_is_no_match(
    tmp_path, monkeypatch, capsys, last, code, said
):
    (tmp_path / "p.py").write_text(
        "import os, signal\nimport torch\nw = torch.ones(2, requires_grad=True)\n(w * 2).sum().backward()\n"
        f"if 'rushlight' in torch.__version__:\n    {last}\n"
    )
    monkeypatch.chdir(tmp_path)
    assert main(["verify", "p.py"]) == code
    assert said in capsys.readouterr().out
