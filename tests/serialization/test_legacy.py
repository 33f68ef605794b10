"""The format of torch before 1.6."""

from __future__ import annotations

import io

import pytest
import torch
from tests.serialization.test_torch_files import PROGRAMS, alike, build

import rushlight


def old(made):
    file = io.BytesIO()
    torch.save(made, file, _use_new_zipfile_serialization=False)
    file.seek(0)
    return file


@pytest.mark.parametrize("weights_only", [True, False])
@pytest.mark.parametrize("name", PROGRAMS)
def test_loads(name, weights_only):
    made = build(name, torch)
    alike(made, rushlight.load(old(made), weights_only=weights_only))


def test_sharing_survives():
    got = rushlight.load(old(build("views", torch)))
    got["base"][1, 0] = -1
    assert got["rows"][0, 0].item() == got["columns"][1, 0].item() == -1


def test_from_a_path(tmp_path):
    (tmp_path / "old.pt").write_bytes(old([torch.ones(3), 5]).getvalue())
    tensor, number = rushlight.load(tmp_path / "old.pt")
    assert (tensor.tolist(), number) == ([1, 1, 1], 5)
    with pytest.raises(RuntimeError, match="mmap"):
        rushlight.load(tmp_path / "old.pt", mmap=True)


def test_bfloat16():
    with pytest.warns(UserWarning, match="bfloat16"):
        got = rushlight.load(old([torch.tensor([1.5, 2], dtype=torch.bfloat16)]))
    assert got[0].tolist() == [1.5, 2]


def test_is_not_written():
    with pytest.raises(NotImplementedError, match="only read"):
        rushlight.save(1, io.BytesIO(), _use_new_zipfile_serialization=False)
