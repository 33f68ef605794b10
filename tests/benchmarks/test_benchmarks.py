"""The benchmarks measure what they say: the same steps under both engines, and failures shown."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.footprint import footprint
from benchmarks.picture import draw
from benchmarks.report import Results, best_peer, machine
from benchmarks.workloads import NAMES

from benchmarks import measure

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def from_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


# One of each kind: what is small, images, a network of many rows.
@pytest.mark.parametrize("name", ["moons", "lenet", "gpt"])
def test_both_engines_take_the_same_steps(name: str) -> None:
    timings = measure.workload(name, ["torch", "rushlight"], threads=1, rounds=1, seconds=0.01)
    assert [timing.error for timing in timings] == ["", ""]
    torch, rushlight = timings
    assert len(torch.losses) == len(rushlight.losses) == 5
    assert measure.disagreement(rushlight, torch) < 1e-4
    for timing in timings:
        assert timing.samples >= 1
        assert timing.microseconds > 0


def test_compiled_steps_are_timed_with_and_without_their_cache() -> None:
    engines = ["torch", "rushlight.compile"]
    timings = measure.workload("moons", engines, threads=1, rounds=1, seconds=0.01)
    assert [timing.error for timing in timings] == ["", ""]
    torch, compiled = timings
    assert measure.disagreement(compiled, torch) < 1e-4
    assert torch.cold is None
    assert compiled.refusals == []
    assert compiled.cold is not None
    assert compiled.warm is not None
    assert compiled.cold > compiled.warm


class Answers:
    """A child that says what it was asked."""

    failure = ""

    def __init__(self, engine: str, threads: int, folder: str | None = None) -> None:
        self.engine = engine

    def ask(self, do: str, name: str = "", **request: object) -> dict[str, object]:
        return {"losses": [1.0 + ("noise" in name)]}

    def __enter__(self) -> "Answers":
        return self

    def __exit__(self, *_: object) -> None:
        pass


def test_random_numbers_of_its_own_are_left_out_where_losses_are_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(measure, "Child", Answers)
    for engines, expected in ((["torch", "rushlight"], 1.0), (["torch", "jax"], 2.0)):
        timings = measure.workload("lenet", engines, threads=1, rounds=0, seconds=0.01)
        assert [timing.losses for timing in timings] == [[expected], [expected]]


@pytest.mark.parametrize("name", [*NAMES, "scalar"])
def test_jax_takes_the_same_steps(name: str) -> None:
    pytest.importorskip("jax")
    timings = measure.workload(name, ["torch", "jax"], threads=1, rounds=1, seconds=0.01)
    assert [timing.error for timing in timings] == ["", ""]
    assert measure.disagreement(timings[1], timings[0]) < 1e-3


def test_the_best_peer_is_none_of_ours() -> None:
    engines = ["torch", "jax", "rushlight", "rushlight.compile"]
    timings = [
        measure.Timing(engine, "moons", 1, losses=[1.0], rounds=[time, 2 * time], cold=cold)
        for engine, time, cold in zip(engines, (20.0, 8.0, 1.0, 2.0), (None, 3.0, None, 0.5), strict=True)
    ]  # fmt: skip
    assert best_peer(timings, "rushlight.compile") == ("jax", 4.0)
    results = Results(engines, "command", machine(), workloads=[timings])
    assert results.ours == "rushlight.compile"
    times, compiling, _ = results.tables()
    assert times.rows[0][:7] == ["moons", "30", "12", "1.5", "3", "4.00x", "jax"]
    assert compiling.rows == [["moons", "3.00", "-", "0.50", "-"]]
    again = Results.from_json(json.loads(json.dumps(results.as_json())))
    assert again.markdown("drawn.svg") == results.markdown("drawn.svg")
    again.add(Results(engines, "another", machine(), sizes={"jax": {"own": 1}}))
    assert "`command` and `another`" in again.markdown()
    assert len(again.tables()) == 4
    assert Results(["before", "rushlight"], "command", machine()).ours is None


def test_the_picture_is_drawn(tmp_path: Path) -> None:
    timings = [
        measure.Timing(e, "moons", 1, rounds=[t]) for e, t in (("torch", 4.0), ("rushlight", 2.0))
    ]
    results = Results(["torch", "rushlight"], "command", machine(), workloads=[timings])
    draw(results, tmp_path / "b.svg")
    assert "<svg" in (tmp_path / "b.svg").read_text()


def test_an_engine_that_fails_leaves_the_others_running() -> None:
    timings = measure.workload("no_such_workload", ["torch"], threads=1, rounds=1, seconds=0.01)
    assert "no_such_workload" in timings[0].error
    results = Results(["torch"], "command", machine(), workloads=[timings])
    results.workloads[0][0].workload = "moons"
    assert results.tables()[0].rows[0][1] == "failed"


def test_ratios_are_taken_round_by_round() -> None:
    base = measure.Timing("torch", "moons", 1, rounds=[1.0, 10.0, 100.0])
    other = measure.Timing("rushlight", "moons", 1, rounds=[2.0, 20.0, 50.0])
    assert measure.ratio(other, base) == 2.0
    assert measure.ratio(base, base) == 1.0


def test_footprints_count_the_requirements() -> None:
    sizes = footprint("rushlight")
    assert 100_000 < sizes["own"] < 10_000_000
    assert sizes["numpy"] > sizes["own"]
    assert "torch" not in sizes


def test_two_checkouts_are_measured_side_by_side(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks", "moons", "--threads", "1", "--rounds", "1"]
    command += ["--seconds", "0.01", "--json", str(tmp_path / "b.json"), "--against"]
    subprocess.run([*command, "."], check=True, capture_output=True, cwd=ROOT)
    before, after = json.loads((tmp_path / "b.json").read_text())["workloads"][0]
    assert (before["engine"], after["engine"]) == ("before", "rushlight")
    assert before["losses"] == after["losses"]
    refused = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, cwd=ROOT)
    assert "has no src/rushlight" in refused.stderr


def test_the_command_writes_its_tables(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks", "moons", "import", "size", "--threads", "1"]
    command += ["--rounds", "1", "--seconds", "0.01", "--engines", "rushlight"]
    command += ["--json", str(tmp_path / "b.json"), "--markdown", str(tmp_path / "docs" / "b.md")]
    subprocess.run(command, check=True, capture_output=True, env=os.environ, cwd=ROOT)
    page = (tmp_path / "docs" / "b.md").read_text()
    for part in ("# Benchmarks", "| moons |", "| import, s |", "| size, MB |", "moons:"):
        assert part in page
    numbers = json.loads((tmp_path / "b.json").read_text())
    assert numbers["workloads"][0][0]["rounds"]
    assert numbers["imports"]["rushlight"][0] > 0
