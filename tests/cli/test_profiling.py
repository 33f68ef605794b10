"""`rushlight run --profile` and `--flame`: what they count, and what they draw."""

import json
import subprocess
import sys
import xml.etree.ElementTree as xml

import pytest

import rushlight
from rushlight.cli import profiling
from rushlight.profiler import places
from rushlight.profiler.tally import Tally

SCRIPT = """\
import torch

model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 8))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(3):
    loss = model(torch.ones(32, 64)).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("done")
"""


def run(*arguments, **options):
    command = [sys.executable, "-m", "rushlight", "run", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "train.py"
    path.write_text(SCRIPT)
    return path


def test_tables_and_a_picture(script, tmp_path):
    shown = run("--profile", "--flame", tmp_path / "f.svg", script)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout == "done\n"
    for part in (
        "GFLOP/s",
        "limit",
        "linear ",
        "Linear_0",
        "train.py:6",
        "measuring took",
        "in all",
    ):
        assert part in shown.stderr
    assert all(len(line) <= 110 for line in shown.stderr.splitlines())
    picture = xml.parse(tmp_path / "f.svg").getroot()
    titles = [element.text for element in picture.iter("{http://www.w3.org/2000/svg}title")]
    assert any(title.startswith("nn.Module: Linear_0") for title in titles)
    assert not any("evaluate_function" in title for title in titles)


@pytest.mark.parametrize(("file", "says"), [("f.png", ".svg"), ("nowhere/f.svg", "no folder")])
def test_what_cannot_be_drawn_is_told_before(file, says, script, tmp_path):
    shown = run("--flame", tmp_path / file, script)
    assert shown.returncode == 2
    assert says in shown.stderr
    assert len(shown.stderr.splitlines()) == 1
    assert shown.stdout == ""


def tallied(action):
    tally = Tally()
    places.start(tally)
    try:
        action()
    finally:
        places.stop(tally)
    return tally


def test_arithmetic_and_bytes_are_those_of_the_operations():
    a, b = rushlight.ones(16, 32), rushlight.ones(32, 8)

    def action():
        for _ in range(5):
            a @ b
        (a + a).mul_(2)

    tally = tallied(action)
    product = tally.operations["matmul"]
    assert product.calls == 5
    assert product.flops == 5 * 2 * 16 * 32 * 8
    assert product.bytes == 5 * 4 * (16 * 32 + 32 * 8 + 16 * 8)
    assert tally.operations["add"].flops == 16 * 32
    assert sum(s.calls for s in tally.lines.values()) == 7
    assert {number for _, number in tally.lines} == {
        action.__code__.co_firstlineno + i for i in (2, 3)
    }


def test_backward_counts_for_the_line_of_its_forward():
    x = rushlight.ones(4, requires_grad=True)

    def action():
        y = x.exp()
        y.sum().backward()

    tally = tallied(action)
    first = action.__code__.co_firstlineno
    by_line = {number - first: s.calls for (_, number), s in tally.lines.items()}
    # exp and its rule; sum and its rule.
    assert by_line == {1: 2, 2: 2}
    assert tally.root.inside["exp"].calls == 1


def test_a_tree_adds_up(tmp_path):
    tally = tallied(
        lambda: [rushlight.nn.functional.softmax(rushlight.ones(8), 0) for _ in range(4)]
    )
    whole = sum(branch.nanoseconds for branch in tally.root.inside.values())
    written = json.loads(profiling.speedscope(tally.root))
    (profile,) = written["profiles"]
    assert sum(profile["weights"]) <= whole
    assert sum(profile["weights"]) > 0.9 * whole
    names = [frame["name"] for frame in written["shared"]["frames"]]
    assert max(max(sample) for sample in profile["samples"]) < len(names)
    assert "softmax" in names
    found = profiling.boxes(tally.root)
    assert sum(box.width for box in found if box.depth == 0) == pytest.approx(1, abs=1e-3)
    page = profiling.page(tally.root)
    assert json.loads(page.partition("boxes = ")[2].partition(", flame = ")[0]) == list(
        map(list, found)
    )


def test_limits_are_measured_once(tmp_path, monkeypatch):
    from rushlight.compiler import build

    monkeypatch.setattr(build, "cache_folder", lambda: tmp_path / "new")
    first = profiling.limits()
    assert first[0] > 0.1
    assert first[1] > 0.1
    assert profiling.limits() == first
    assert len(list((tmp_path / "new").glob("limits-*.json"))) == 1


def test_what_was_compiled_is_said_where_something_was(tmp_path):
    told = "compiled functions ran eagerly"
    for start, expected in (("train = step", False), ("train = torch.compile(step)", True)):
        path = tmp_path / "train.py"
        path.write_text(
            "import torch\nimport rushlight.compiler.compile\ndef step(x):\n    return (x * 2).sum()\n"
            f"{start}\nfor _ in range(3):\n    train(torch.ones(4))\n"
        )
        assert (told in run("--profile", path).stderr) == expected
