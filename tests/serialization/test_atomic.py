"""Whatever happens while a file is saved, the old one or the new one is there, whole."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

import rushlight
from rushlight.serialization.atomic import remove_leftovers, replacing

# Saves zeros, then in children of its own ones: the n-th child kills itself in the n-th step.
KILLED = """
import os, signal, sys
import rushlight
from rushlight.serialization import atomic

path = sys.argv[1]
last = 0

def step(before=lambda: None):
    global last
    last -= 1
    if last == 0:
        before()
        os.kill(os.getpid(), signal.SIGKILL)

def stepwise(function):
    def call(*args, **kwargs):
        step()
        return function(*args, **kwargs)
    return call

class Dying:
    def __init__(self, file):
        self.file, self.flush, self.fileno = file, stepwise(file.flush), file.fileno

    def write(self, part):
        step(lambda: (self.file.write(part[:len(part) // 2]), self.file.flush()))
        return self.file.write(part)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        stepwise(self.file.close)()

atomic.open = lambda *args: Dying(open(*args))
for name in ("fsync", "replace", "open"):
    setattr(os, name, stepwise(getattr(os, name)))

for n in range(1, 500):
    rushlight.save({"value": rushlight.zeros(5_000)}, path)
    child = os.fork()
    if child == 0:
        last = n
        rushlight.save({"value": rushlight.ones(5_000)}, path)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    value = rushlight.load(path)["value"]
    print(n, os.WIFSIGNALED(status), value.shape[0], value.min().item(), value.max().item())
    if os.WIFEXITED(status):
        break
"""


def test_killed_at_every_step(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "x.pt")],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line.split() for line in run.stdout.splitlines()]
    assert len(rows) > 20
    assert [killed for _, killed, *_ in rows] == ["True"] * (len(rows) - 1) + ["False"]
    assert {size for _, _, size, *_ in rows} == {"5000"}
    assert all(low == high for *_, low, high in rows)
    values = [high for *_, high in rows]
    assert values == sorted(values)
    assert {values[0], values[-1]} == {"0.0", "1.0"}


def _stopped_half_way(path):
    with replacing(path) as file:
        file.write(b"half")
        raise KeyboardInterrupt


def test_an_error_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.pt"
    rushlight.save([1], path)
    with pytest.raises(AttributeError, match="local object"):
        rushlight.save([2, lambda: 0], path)
    with pytest.raises(KeyboardInterrupt):
        _stopped_half_way(path)
    assert rushlight.load(path) == [1]
    assert os.listdir(tmp_path) == ["x.pt"]


def test_permissions_stay(tmp_path):
    path = tmp_path / "x.pt"
    before = os.umask(0o027)
    try:
        rushlight.save([1], path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o604)
    rushlight.save([2], path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    link = tmp_path / "x.pt"
    link.symlink_to(tmp_path / "real" / "y.pt")
    for value in (1, 2):
        rushlight.save([value], link)
        assert link.is_symlink()
        assert rushlight.load(tmp_path / "real" / "y.pt") == [value]
    assert os.listdir(tmp_path / "real") == ["y.pt"]


def test_devices_are_written_to():
    rushlight.save([1], os.devnull)
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


LEFT = """
import os, signal, sys
from rushlight.serialization.atomic import remove_leftovers, replacing
with replacing(sys.argv[1]) as file:
    file.write(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_left_is_removed_next_time(tmp_path):
    path, other = tmp_path / "x.pt", tmp_path / ".y.pt.1.0123abcd.partial"
    other.touch()
    for _ in range(2):
        subprocess.run([sys.executable, "-c", LEFT, str(path)], check=False)
    assert len(os.listdir(tmp_path)) == 2
    with replacing(path):
        # What is being written is no leftover, and that of another file is none of ours.
        rushlight.save([1], path)
        assert len(os.listdir(tmp_path)) == 3
    assert sorted(os.listdir(tmp_path)) == [other.name, path.name]
    subprocess.run([sys.executable, "-c", LEFT, str(path)], check=False)
    remove_leftovers(path)
    assert sorted(os.listdir(tmp_path)) == [other.name, path.name]
