"""The format of torch before 1.6."""

from __future__ import annotations

import io
import pickle

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
    got = rushlight.load(old([torch.tensor([1.5, 2], dtype=torch.bfloat16)]))
    assert got[0].dtype == rushlight.bfloat16
    assert got[0].tolist() == [1.5, 2]


@pytest.mark.parametrize("weights_only", [True, False])
# torch writes unsigned integers of the newer kinds in this format, and then cannot read them.
@pytest.mark.parametrize("name", [name for name in PROGRAMS if name != "unsigned"])
def test_torch_loads_what_is_written(name, weights_only):
    file = io.BytesIO()
    rushlight.save(build(name, rushlight), file, _use_new_zipfile_serialization=False)
    file.seek(0)
    alike(torch.load(file, weights_only=weights_only), rushlight.load(old(build(name, torch))))


def test_no_more_memory_is_asked_for_than_the_file_has():
    content = old(torch.ones(7)).getvalue()
    at = content.index(b"K\x07N", content.index(b"cpuq"))
    huge = b"\x8a\x05" + (40_000_000_000).to_bytes(5, "little")
    with pytest.raises(RuntimeError, match="does not fit into the file"):
        rushlight.load(io.BytesIO(content[:at] + huge + content[at + 2 :]))


@pytest.mark.filterwarnings("ignore:.*source code of class")
def test_a_class_with_its_source():
    file = old(torch.nn.Linear(2, 1))
    assert isinstance(rushlight.load(file, weights_only=False), rushlight.nn.Linear)


@pytest.mark.parametrize(
    "content",
    [
        b"hello", b"import torch\n", b"<html>", b"<!DOCTYPE html>", b"\x89PNG\r\n\x1a\n", b"{}",
        b'{"a": 1}', b"\x93NUMPY", b"version https://git-lfs.github.com/spec/v1", b"\x1f\x8b\x08",
        b"\0" * 300, b"\x80\x7f", b"a" * 257 + b"ustar\0",
    ],
)  # fmt: skip
@pytest.mark.parametrize("weights_only", [True, False])
def test_what_is_no_checkpoint_says_so(content, weights_only):
    errors = pickle.UnpicklingError, RuntimeError
    with pytest.raises(errors, match=r"no checkpoint of torch.save|tar archive"):
        rushlight.load(io.BytesIO(content), weights_only=weights_only)
