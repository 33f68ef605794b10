"""A state in several files and an index."""

from __future__ import annotations

import json

import pytest
import safetensors.torch
import torch as real

import rushlight as torch
from rushlight.serialization import safetensors as ours
from rushlight.serialization.shards import load_sharded, save_sharded

MADE = {
    "a.weight": torch.arange(8.0).reshape(2, 4), "a.bias": torch.ones(2), "b": torch.ones(3).half(),
    "large": torch.arange(20.0), "c": torch.zeros(0, 3), "d": torch.tensor(5),
}  # fmt: skip


def same(got, made):
    assert sorted(got) == sorted(made)
    for name, tensor in made.items():
        assert got[name].dtype == tensor.dtype
        assert got[name].tolist() == tensor.tolist()


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_there_and_back(tmp_path):
    files = save_sharded(MADE, tmp_path, 40, {"format": "pt"})
    assert names_in(tmp_path) == sorted(files)
    assert len(files) == 4
    same(load_sharded(tmp_path), MADE)
    same(load_sharded(tmp_path / "model.safetensors.index.json"), MADE)
    index = json.loads((tmp_path / "model.safetensors.index.json").read_text())
    assert index["metadata"]["total_size"] == sum(t.nbytes for t in MADE.values())
    for name, place in index["weight_map"].items():
        assert name in safetensors.torch.load_file(tmp_path / place)
        assert ours.load_metadata(tmp_path / place) == {"format": "pt"}


def test_what_fits_into_one_file(tmp_path):
    save_sharded(MADE, tmp_path, 40)
    assert save_sharded(MADE, tmp_path, "1KiB") == ["model.safetensors"]
    # The files of before, and their index, are gone.
    assert names_in(tmp_path) == ["model.safetensors"]
    same(load_sharded(tmp_path), MADE)
    assert len(save_sharded(MADE, tmp_path, "41 B")) == 4
    assert "model.safetensors" not in names_in(tmp_path)
    same(load_sharded(tmp_path), MADE)


def test_pickled_files_of_torch(tmp_path):
    state = {name: real.tensor(t.tolist()) for name, t in MADE.items()}
    halves = {"x.bin": ["a.weight", "a.bias"], "y.bin": ["b", "large", "c", "d"]}
    for file, names in halves.items():
        real.save({name: state[name] for name in names}, tmp_path / file)
    places = {name: file for file, names in halves.items() for name in names}
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": places}))
    got = load_sharded(tmp_path)
    assert {name: t.tolist() for name, t in got.items()} == {n: t.tolist() for n, t in MADE.items()}


def test_a_failed_save_changes_nothing(tmp_path, monkeypatch):
    save_sharded(MADE, tmp_path, 40)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    calls = []

    def fails(part, metadata):
        calls.append(part)
        if len(calls) == 2:
            raise OSError("the disk is full")
        return b"new"

    monkeypatch.setattr(ours, "save", fails)
    with pytest.raises(OSError, match="full"):
        save_sharded(MADE, tmp_path, 40)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    "place", ["../x.safetensors", "/etc/x", "a/b", "..", "", 5, None, "a\\b", "C:x"]
)
def test_an_index_reaches_nothing_beyond_its_folder(place, tmp_path):
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": place}}))
    with pytest.raises(ValueError, match="no file beside it"):
        load_sharded(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"weight_map": []}', "\x00"])
def test_what_is_no_index(text, tmp_path):
    (tmp_path / "model.safetensors.index.json").write_text(text)
    with pytest.raises(ValueError, match="no index"):
        load_sharded(tmp_path)


def test_what_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match="no index"):
        load_sharded(tmp_path)
    save_sharded(MADE, tmp_path, 40)
    index = tmp_path / "model.safetensors.index.json"
    content = json.loads(index.read_text())
    content["weight_map"]["gone"] = content["weight_map"]["b"]
    index.write_text(json.dumps(content))
    with pytest.raises(KeyError, match="gone"):
        load_sharded(tmp_path)
    (tmp_path / content["weight_map"]["b"]).unlink()
    with pytest.raises(FileNotFoundError):
        load_sharded(tmp_path)


@pytest.mark.parametrize("size", [0, -1, "5", "GB", "0MB", 2.5, "5TB"])
def test_sizes_that_are_none(size, tmp_path):
    with pytest.raises(ValueError, match="max_shard_size"):
        save_sharded(MADE, tmp_path, size)
