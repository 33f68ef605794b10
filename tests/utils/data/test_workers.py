"""How worker processes end: with their iterator, their parent, their own death, or Ctrl-C.

Programs run in a process of their own. Workers inherit its standard output, so that reading it to
the end means that the program and all its workers are gone.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap

import pytest

import rushlight as torch
from rushlight.utils.data import DataLoader, Dataset, TensorDataset

SETUP = """
    import os, signal, sys, time
    import multiprocessing
    import rushlight as torch
    from rushlight.utils.data import DataLoader, Dataset

    # Whoever started the tests in the background left Ctrl-C ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    class Numbers(Dataset):
        def __init__(self, seconds=0.0, size=1):
            self.seconds, self.size = seconds, size

        def __len__(self):
            return 1000

        def __getitem__(self, index):
            if index:
                time.sleep(self.seconds)
            return torch.zeros(self.size)

    def wait():
        print("ready", flush=True)
        time.sleep(100)
"""

# What the workers are at when the end comes: waiting, computing, or sending what no one reads.
STATES = {
    "idle": "Numbers(), num_workers=2",
    "busy": "Numbers(seconds=100), num_workers=2",
    "sending": "Numbers(size=1_000_000), num_workers=2, prefetch_factor=4",
    "persistent": "Numbers(), num_workers=2, persistent_workers=True",
}


def start(program: str) -> subprocess.Popen[str]:
    source = textwrap.dedent(SETUP) + textwrap.dedent(program)
    return subprocess.Popen(
        [sys.executable, "-c", source],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def ready(process: subprocess.Popen[str]) -> subprocess.Popen[str]:
    """The process, once it says that it is ready."""
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    try:
        out, errors = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return process.returncode, out, errors


def run(program: str) -> tuple[int, str, str]:
    return finish(start(program))


@pytest.mark.parametrize("state", ["idle", "sending", "persistent"])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_a_parent_that_is_killed(state: str, how: signal.Signals) -> None:
    process = ready(
        start(f"""
        iterator = iter(DataLoader({STATES[state]}))
        next(iterator)
        wait()
    """)
    )
    process.send_signal(how)
    code, _, errors = finish(process)
    assert (code, errors) == (-how, "")


@pytest.mark.parametrize("state", STATES)
def test_ctrl_c_ends_everything_with_one_traceback(state: str) -> None:
    process = ready(
        start(f"""
        iterator = iter(DataLoader({STATES[state]}))
        next(iterator)
        wait()
    """)
    )
    os.killpg(process.pid, signal.SIGINT)
    code, _, errors = finish(process)
    assert code == -signal.SIGINT
    assert errors.count("Traceback") == 1
    assert errors.endswith("KeyboardInterrupt\n")


@pytest.mark.parametrize("state", ["idle", "sending", "persistent"])
def test_an_iterator_that_is_dropped_takes_its_workers_along(state: str) -> None:
    code, out, errors = run(f"""
        loader = DataLoader({STATES[state]})
        for batch in loader:
            print(len(multiprocessing.active_children()))
            break
        del batch, loader
        print(len(multiprocessing.active_children()))
    """)
    assert (code, out, errors) == (0, "2\n0\n", "")


@pytest.mark.parametrize("state", ["idle", "sending", "persistent"])
@pytest.mark.parametrize("end", ["", "raise LookupError('at the end')", "sys.exit(3)"])
def test_workers_end_with_the_program(state: str, end: str) -> None:
    code, _, errors = run(f"""
        iterator = iter(DataLoader({STATES[state]}))
        next(iterator)
        {end}
    """)
    assert code == {"": 0, "s": 3, "r": 1}[end[:1]]
    assert errors.count("Traceback") == (1 if "raise" in end else 0)


def test_a_forked_copy_of_the_iterator_ends_nothing() -> None:
    code, out, errors = run("""
        iterator = iter(DataLoader(Numbers(), num_workers=1))
        next(iterator)
        if (child := os.fork()) == 0:
            del iterator
            os._exit(0)
        os.waitpid(child, 0)
        print(sum(1 for _ in iterator))
    """)
    assert (code, out, errors) == (0, "999\n", "")


class Deadly(Dataset):
    """Its item 5 kills the worker."""

    def __init__(self, death: str) -> None:
        self.death = death

    def __len__(self) -> int:
        return 20

    def __getitem__(self, index: int) -> int:
        if index == 5:
            if self.death == "exit":
                os._exit(3)
            if self.death == "sys.exit":
                sys.exit(4)
            os.kill(os.getpid(), signal.SIGKILL)
        return index


@pytest.mark.parametrize(
    ("death", "how"),
    [
        ("exit", "exited unexpectedly with exit code 3"),
        ("sys.exit", "exited unexpectedly with exit code 4"),
        ("kill", "exited unexpectedly: it was killed by signal SIGKILL, as the system does when"),
    ],
)
def test_the_death_of_a_worker_is_an_error(death: str, how: str) -> None:
    got: list[int] = []
    with pytest.raises(RuntimeError, match=rf"DataLoader worker \(pid\(s\) \d+\) {how}"):
        got.extend(DataLoader(Deadly(death), None, num_workers=2))
    assert 5 not in got


def test_after_a_death_the_iterator_is_of_no_use_and_the_loader_is() -> None:
    loader = DataLoader(Deadly("exit"), None, num_workers=2)
    iterator = iter(loader)
    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"exited|ended: make a new iterator"):
            list(iterator)
    assert next(iter(loader)) == 0


def test_persistent_workers_are_started_again_after_a_death() -> None:
    loader = DataLoader(Deadly("exit"), None, num_workers=2, persistent_workers=True)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="exited unexpectedly"):
            list(loader)
    assert next(iter(loader)) == 0


def test_a_batch_that_takes_too_long_is_an_error() -> None:
    program = run("""
        class Sleepy(Numbers):
            def __getitem__(self, index):
                time.sleep(1000 if index == 2 else 0)
                return index

        iterator = iter(DataLoader(Sleepy(), None, num_workers=2, timeout=0.3))
        try:
            for batch in iterator:
                print(batch)
        except RuntimeError as error:
            print(error, flush=True)
        for process in multiprocessing.active_children():
            process.kill()
    """)
    assert program == (0, "0\n1\nDataLoader timed out after 0.3 seconds\n", "")


def test_an_error_that_only_the_worker_knows() -> None:
    class Local(Exception):
        pass

    class Raises(Dataset):
        def __len__(self) -> int:
            return 2

        def __getitem__(self, index: int) -> int:
            raise Local("of the worker")

    with pytest.raises(RuntimeError, match=r"(?s)Caught Local in .* process 0.*of the worker"):
        list(DataLoader(Raises(), num_workers=1))


def test_data_that_cannot_travel_is_an_error() -> None:
    loader = DataLoader(range(4), 2, num_workers=1, collate_fn=lambda batch: lambda: batch)
    with pytest.raises(Exception, match=r"(?si)in DataLoader worker process 0.*pickle") as caught:
        list(loader)
    assert not isinstance(caught.value, AssertionError)


class Ends(Dataset):
    """A map-style dataset whose StopIteration must not end the loop in silence."""

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> int:
        raise StopIteration


def test_stop_iteration_from_a_dataset_does_not_pass_for_the_end() -> None:
    with pytest.raises(RuntimeError, match="Caught StopIteration"):
        list(DataLoader(Ends(), num_workers=1))


def test_several_loaders_at_once_and_one_after_the_other() -> None:
    data = TensorDataset(torch.arange(12))
    before = set(multiprocessing.active_children())
    one, two = (DataLoader(data, 3, num_workers=2, persistent_workers=True) for _ in range(2))
    for _ in range(2):
        for (a,), (b,) in zip(one, two, strict=True):
            assert a.tolist() == b.tolist()
    started = set(multiprocessing.active_children()) - before
    assert len(started) == 4
    del one, two
    assert not started & set(multiprocessing.active_children())


def test_an_iterator_cannot_be_pickled() -> None:
    import pickle

    with pytest.raises(NotImplementedError, match="cannot be pickled"):
        pickle.dumps(iter(DataLoader(range(3))))
