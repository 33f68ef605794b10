"""Files that are cut off or altered give torch's kinds of error, and no wrong values."""

from __future__ import annotations

import collections
import contextlib
import fractions
import io
import pickle
import struct
import zipfile

import pytest
import torch

import rushlight

ERRORS = (RuntimeError, EOFError, pickle.UnpicklingError)


def make(framework, **options):
    file = io.BytesIO()
    framework.save({"a": framework.arange(8.0), "b": [1, "two"]}, file, **options)
    return file.getvalue()


OLD = {"_use_new_zipfile_serialization": False}
FILES = {"ours": make(rushlight), "theirs": make(torch), "legacy": make(torch, **OLD)}


def same(got):
    return got["a"].tolist() == list(range(8)) and got["b"] == [1, "two"]


@pytest.mark.parametrize("name", FILES)
def test_cut_off_anywhere(name):
    content = FILES[name]
    for end in range(len(content) - 1):
        with pytest.raises(ERRORS) as caught:
            rushlight.load(io.BytesIO(content[:end]))
        assert str(caught.value), end


@pytest.mark.parametrize("weights_only", [True, False])
@pytest.mark.parametrize("name", ["ours", "theirs"])
def test_altered_anywhere(name, weights_only):
    # A bit may be one that means nothing (a date, padding): then the values are what they were.
    content = FILES[name]
    for at in range(len(content)):
        wrong = bytearray(content)
        wrong[at] ^= 1 << (at % 8)
        try:
            got = rushlight.load(io.BytesIO(bytes(wrong)), weights_only=weights_only)
        except ERRORS:
            continue
        assert same(got), at


def test_the_old_format_altered_anywhere():
    # It has no checksums: what is read may be wrong, and what cannot be read is one of these errors.
    content = FILES["legacy"]
    for at in range(len(content)):
        wrong = bytearray(content)
        wrong[at] ^= 1 << (at % 8)
        with contextlib.suppress(*ERRORS):
            rushlight.load(io.BytesIO(bytes(wrong)))


def test_a_length_beyond_all_memory():
    for code in (b"\x96", b"\x8e", b"\x8d"):  # bytearray, bytes and string of a length in 8 bytes
        for size in (2**40, 2**63 - 1, 2**64 - 1):
            file = zipped(**{"x__data.pkl": b"\x80\x05" + code + struct.pack("<Q", size) + b"a."})
            with pytest.raises(ERRORS):
                rushlight.load(file)


def test_what_a_file_would_use():
    file = io.BytesIO()
    torch.save([fractions.Fraction(1, 2), torch.ones(1), {"a": collections.deque([1])}], file)
    want = None
    for framework in (torch, rushlight):
        file.seek(0)
        names = framework.serialization.get_unsafe_globals_in_checkpoint(file)
        assert sorted(names) == (want := want or sorted(names))
    with pytest.raises(ValueError, match="checkpoint returned"):
        rushlight.serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(b"hello"))


def test_altered_values_are_noticed(tmp_path):
    content = bytearray(FILES["theirs"])
    content[content.index(b"\x00\x00\x80\x3f")] ^= 1
    with pytest.raises(RuntimeError, match="PytorchStreamReader failed reading file data/0"):
        rushlight.load(io.BytesIO(bytes(content)))


@pytest.mark.parametrize(
    ("content", "error", "match"),
    [
        (b"", EOFError, "Ran out of input"),
        (FILES["ours"][:-9], RuntimeError, "failed finding central directory"),
        (b"no pickle at all", pickle.UnpicklingError, "corrupt"),
        (b"\x80\x02N.", RuntimeError, "Invalid magic number"),
        (pickle.dumps({"a": 1}), RuntimeError, "Invalid magic number"),
    ],
)
@pytest.mark.parametrize("as_path", [True, False])
def test_messages(content, error, match, as_path, tmp_path):
    (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(error, match=match):
        rushlight.load(tmp_path / "x.pt" if as_path else io.BytesIO(content))


def zipped(**records):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in records.items():
            archive.writestr(name.replace("__", "/"), content)
    file.seek(0)
    return file


@pytest.mark.parametrize(
    ("file", "match"),
    [
        (zipped(notes="text"), "not in a subdirectory"),
        (zipped(x__notes="text"), "failed locating file data.pkl"),
        (zipped(x__constants="", **{"x__data.pkl": "", "x__constants.pkl": ""}), "TorchScript"),
        (zipped(), "Invalid magic number|no records|corrupt"),
    ],
)
def test_other_zip_files(file, match):
    with pytest.raises(ERRORS, match=match):
        rushlight.load(file)


def test_a_storage_of_another_size():
    stored = zipfile.ZipFile(io.BytesIO(FILES["ours"]))
    records = {name: stored.read(name) for name in stored.namelist()}
    records["archive/data/0"] = b"\0" * 12
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in records.items():
            archive.writestr(name, content)
    file.seek(0)
    with pytest.raises(RuntimeError, match="expected 32 got 12"):
        rushlight.load(file)


def test_a_failed_load_changes_nothing(tmp_path):
    path = tmp_path / "x.pt"
    path.write_bytes(FILES["ours"][:-5])
    with pytest.raises(RuntimeError):
        rushlight.load(path)
    assert path.read_bytes() == FILES["ours"][:-5]
