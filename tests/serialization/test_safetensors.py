"""The safetensors format, byte by byte."""

from __future__ import annotations

import json
import os
import struct

import pytest

import rushlight as torch
from rushlight.serialization import safetensors
from rushlight.serialization.safetensors import SafetensorError


def pack(header, content=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + content


def entry(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def test_the_bytes():
    made = {"b": torch.tensor([1, 2], dtype=torch.uint8), "a": torch.ones(2, 1)}
    content = safetensors.save(made, {"by": "hand"})
    (length,) = struct.unpack("<Q", content[:8])
    assert length % 8 == 0
    assert json.loads(content[8 : 8 + length]) == {
        "__metadata__": {"by": "hand"},
        "b": entry("U8", [2], 8, 10),
        "a": entry("F32", [2, 1], 0, 8),
    }
    assert content[8 + length :] == b"\0\0\x80\x3f\0\0\x80\x3f\x01\x02"


def test_there_and_back(tmp_path):
    made = {
        name: torch.tensor([[0, 1, 2]]).to(getattr(torch, name))
        for name in (
            "bool", "uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64",
            "float16", "float32", "float64", "complex64",
        )
    }  # fmt: skip
    made |= {"empty": torch.zeros(0, 3), "scalar": torch.tensor(2.5)}
    made["turned"] = torch.arange(6.0).reshape(2, 3).t()
    path = tmp_path / "x.safetensors"
    safetensors.save_file(made, path, {"a": "1"})
    for got in (safetensors.load_file(path), safetensors.load(path.read_bytes())):
        assert list(got) == sorted(made)
        for name, tensor in made.items():
            assert got[name].dtype == tensor.dtype
            assert got[name].shape == tensor.shape
            assert got[name].tolist() == tensor.tolist()
        got["scalar"].add_(1)
    assert safetensors.load_metadata(path) == {"a": "1"}
    safetensors.save_file({}, path)
    assert safetensors.load_file(path) == {}
    assert os.listdir(tmp_path) == ["x.safetensors"]


def test_bfloat16():
    file = pack({"x": entry("BF16", [2], 0, 4)}, b"\xc0\x3f\x00\xc0")
    got = safetensors.load(file)["x"]
    assert got.dtype == torch.bfloat16
    assert got.tolist() == [1.5, -2]


@pytest.mark.parametrize(
    ("made", "error", "match"),
    [
        ([torch.ones(1)], ValueError, "dict"),
        ({"x": 1}, ValueError, "expected torch.Tensor"),
        ({1: torch.ones(1)}, ValueError, "name"),
        ({"x": torch.zeros(1, dtype=torch.complex128)}, ValueError, "complex128"),
        (dict.fromkeys("ab", torch.ones(2)), RuntimeError, "'a' and 'b'"),
    ],
)
def test_what_cannot_be_saved(made, error, match, tmp_path):
    path = tmp_path / "x.safetensors"
    safetensors.save_file({"x": torch.ones(1)}, path)
    with pytest.raises(error, match=match):
        safetensors.save_file(made, path)
    assert safetensors.load_file(path)["x"].tolist() == [1]


def test_parts_of_one_tensor_can_be_saved():
    whole = torch.arange(4.0)
    got = safetensors.load(safetensors.save({"a": whole[:2], "b": whole[2:]}))
    assert (got["a"].tolist(), got["b"].tolist()) == ([0, 1], [2, 3])


GOOD = safetensors.save({"a": torch.ones(3), "b": torch.zeros(2)})


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "too small"),
        (b"\x01", "too small"),
        (struct.pack("<Q", 2**40) + b"{}", "too large"),
        (struct.pack("<Q", 99) + b"{}", "invalid header length"),
        (pack(b"{nonsense"), "JSON"),
        (pack(b"\xff\xfe"), "header"),
        (pack([1]), "header"),
        (pack({"x": 1}), "header"),
        (pack({"x": entry("F32", [1], 4, 8)}, b"12345678"), "offset"),
        (pack({"x": entry("F32", [1], 0, 4)}, b"12"), "deserializ|invalid|offset"),
        (pack({"x": entry("F32", [1], 0, 4)}, b"12345"), "deserializ|invalid|offset"),
        (pack({"x": entry("F32", [2], 0, 4)}, b"1234"), "deserializ|invalid|offset"),
        (pack({"x": entry("F32", [-1], 0, -4)}, b""), "header"),
        (pack({"x": entry("F4", [2], 0, 1)}, b"1"), "F4"),
        (
            pack({"x": entry("U8", [2], 0, 2), "y": entry("U8", [2], 1, 3)}, b"123"),
            "offset",
        ),
    ],
)
def test_what_cannot_be_read(content, match):
    with pytest.raises(SafetensorError, match=match):
        safetensors.load(content)


def test_cut_off_anywhere(tmp_path):
    path = tmp_path / "x.safetensors"
    for end in range(len(GOOD)):
        path.write_bytes(GOOD[:end])
        with pytest.raises(SafetensorError):
            safetensors.load_file(path)
