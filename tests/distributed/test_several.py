"""Several processes, beside torch's with gloo: the same programs, started once under each."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("mpi4py")
PROGRAMS = Path(__file__).parent / "programs"
OURS = [sys.executable, "-m", "rushlight", "run"]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2"]


# torch's gloo may hang after calls that have failed on all ranks, and another test take a port that was free.
BY_CHANCE = "Application timeout caused pair closure", "EADDRINUSE"


def run(command, *arguments, **environment):
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONWARNINGS"} | environment
    for _ in range(2):
        ended = subprocess.run(
            [*command, *map(str, arguments)], capture_output=True, text=True, timeout=120, env=environment,
            check=False,
        )  # fmt: skip
        if not any(what in ended.stderr for what in BY_CHANCE):
            break
    return ended


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What each rank says, under rushlight and under torch."""
    folder = tmp_path_factory.mktemp("said")
    both = []
    for name, command in (("ours", [*OURS, "--nproc", "2"]), ("theirs", TORCHRUN)):
        (folder / name).mkdir()
        ended = run(command, PROGRAMS / "everything.py", folder / name, OMP_NUM_THREADS="1")
        assert ended.returncode == 0, ended.stderr
        both.append([json.loads((folder / name / f"{rank}.json").read_text()) for rank in range(2)])
    return both


def test_every_process_says_what_it_says_in_torch(said):
    for rank, (ours, theirs) in enumerate(zip(*said, strict=True)):
        differing = {
            k: (ours.get(k), v)
            for k, v in theirs.items()
            if ours.get(k) != v and not k.startswith("about ")
        }
        assert not differing, f"rank {rank}"
        assert len(theirs) > 300


def test_training_gives_the_losses_of_torch_and_of_one_process(said):
    for ours, theirs in zip(*said, strict=True):
        for name in (k for k in theirs if k.startswith("about ")):
            assert ours[name] == pytest.approx(theirs[name], rel=2e-5, abs=1e-6), name
    alone = said[0][0]["about one process"]
    assert said[0][0]["about two processes"] == pytest.approx(alone, rel=2e-5)


def test_tensors_in_parts_lie_and_train_as_in_torch(tmp_path):
    both = []
    for name, command in (("ours", [*OURS, "--nproc", "2"]), ("theirs", TORCHRUN)):
        (tmp_path / name).mkdir()
        ended = run(command, PROGRAMS / "tensors.py", tmp_path / name, OMP_NUM_THREADS="1")
        assert ended.returncode == 0, ended.stderr
        both.append([json.loads((tmp_path / name / f"{r}.json").read_text()) for r in range(2)])
    for ours, theirs in zip(*both, strict=True):
        numbers = {k: v for k, v in theirs.items() if k.startswith("about ")}
        assert len(numbers) == 6
        assert {k: v for k, v in ours.items() if k not in numbers} == {
            k: v for k, v in theirs.items() if k not in numbers
        }
        for name, expected in numbers.items():
            assert ours[name] == pytest.approx(expected, rel=2e-4, abs=1e-5), name


def left_over():
    processes = subprocess.run(
        ["ps", "-eo", "args"], capture_output=True, text=True, check=True
    ).stdout
    return [
        line for line in processes.splitlines() if "failing.py" in line or "seat.py keep" in line
    ]


def test_a_process_that_dies_ends_all_and_a_restart_goes_on(tmp_path):
    saved = tmp_path / "saved.pt"
    ended = run([*OURS, "--nproc", "2"], PROGRAMS / "failing.py", "raise", saved)
    assert ended.returncode == 1
    (line,) = [line for line in ended.stderr.splitlines() if line.startswith("rushlight run:")]
    assert "rank 1 (process" in line
    assert "ValueError: no good (failing.py, line " in line
    ended = run([*OURS, "--nproc", "2", "--restarts", "1"], PROGRAMS / "failing.py", "kill", saved)
    assert ended.returncode == 0, ended.stderr
    assert "rank 1" in ended.stderr
    assert "was ended by SIGKILL" in ended.stderr
    assert ended.stdout.split() == ["from", "5", "to", "5"]
    for _ in range(100):
        if not (left := left_over()):
            break
        time.sleep(0.05)
    assert not left


def test_spawned_processes_meet(tmp_path):
    ended = run([*OURS], PROGRAMS / "spawned.py", tmp_path / "met")
    assert ended.returncode == 0, ended.stderr
    assert sorted(ended.stdout.split()) == ["3.0", "3.0", "closed"]


def test_norms_sums_and_shards_that_one_process_can_load(tmp_path):
    import rushlight as torch
    from rushlight.distributed import checkpoint

    folder = tmp_path / "shards"
    ended = run([*OURS, "--nproc", "2"], PROGRAMS / "ours.py", folder)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == ["equal"]
    expected = torch.load(f"{folder}.pt")
    found = {name: torch.zeros(value.shape) for name, value in expected.items()}
    checkpoint.load(found, checkpoint_id=folder)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value)


@pytest.mark.parametrize("processes", [2, 4])
def test_what_is_moved_in_a_step_is_what_the_formulas_say(processes):
    """docs/scaling.md, "What is moved in a step": of all processes together, so P/p of each are P."""
    ended = run([*OURS, "--nproc", str(processes)], PROGRAMS / "moved.py", OMP_NUM_THREADS="1")
    assert ended.returncode == 0, ended.stderr
    size, whole, ddp, zero, sharded = map(int, ended.stdout.split())
    # What backward reads of the parameters: the weights of the second and the third layer.
    again = 4 * (64 * 64 + 64 * 8)
    assert whole == 4 * (64 * 41 + 64 * 65 + 8 * 65)
    assert size == processes
    assert ddp == size * whole
    assert zero == size * whole + whole
    assert sharded == size * whole + whole + again
