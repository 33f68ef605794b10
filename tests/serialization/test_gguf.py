"""GGUF files, made by the format's library, read as it reads them."""

from __future__ import annotations

import struct

import gguf
import numpy as np
import pytest

import rushlight as torch
from rushlight.serialization import gguf as reading

Kind = gguf.GGMLQuantizationType
RNG = np.random.default_rng(0)


def written(path, tensors, endianess=gguf.GGUFEndian.LITTLE):
    writer = gguf.GGUFWriter(path, "llama", endianess=endianess)
    writer.add_block_count(2)
    writer.add_token_list(["a", "é", "<s>"])
    writer.add_array("some.numbers", [1.5, 2.5])
    writer.add_bool("some.flag", True)
    for name, (data, kind) in tensors.items():
        writer.add_tensor(name, data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_plain_numbers_keep_their_type(tmp_path):
    made = {
        name: RNG.normal(size=(2, 3, 4)).astype(name)
        for name in ("float32", "float16", "float64", "int8", "int16", "int32", "int64")
    }
    got = reading.load_file(written(tmp_path / "a.gguf", {n: (a, None) for n, a in made.items()}))
    assert list(got) == list(made)
    for name, array in made.items():
        assert got[name].dtype is getattr(torch, name)
        assert np.array_equal(got[name].numpy(), array)
    got["float32"].add_(1)  # in memory of its own


QUANTIZED = [Kind.BF16, Kind.Q4_0, Kind.Q4_1, Kind.Q5_0, Kind.Q5_1, Kind.Q8_0]


@pytest.mark.parametrize("kind", QUANTIZED, ids=lambda kind: kind.name)
def test_what_was_quantized(kind, tmp_path):
    array = RNG.normal(size=(3, 64)).astype(np.float32)
    data = gguf.quantize(array, kind)
    got = reading.load_file(written(tmp_path / "a.gguf", {"w": (data, kind)}))["w"]
    assert got.dtype is (torch.bfloat16 if kind is Kind.BF16 else torch.float32)
    assert np.array_equal(got.float().numpy(), gguf.dequantize(data, kind))
    assert np.abs(got.float().numpy() - array).max() < 0.6


@pytest.mark.parametrize(
    "kind", ["Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "TQ1_0", "MXFP4"]
)
def test_blocks_of_other_kinds(kind, tmp_path):
    kind = Kind[kind]
    block, size = gguf.GGML_QUANT_SIZES[kind]
    # Any bytes are a block; scales that are no numbers are left out.
    data = RNG.integers(0, 60, size=(2, 4 * size), dtype=np.uint8)
    got = reading.load_file(written(tmp_path / "a.gguf", {"w": (data, kind)}))["w"]
    assert got.shape == (2, 4 * block)
    assert np.array_equal(got.numpy(), gguf.dequantize(data, kind))


def test_q4_0_by_hand(tmp_path):
    # A block: the scale in float16, then 32 numbers of 4 bits, 8 more than they mean; low halves first.
    block = np.float16(0.5).tobytes() + bytes(range(16))
    data = np.frombuffer(block, np.uint8).reshape(1, 18)
    got = reading.load_file(written(tmp_path / "a.gguf", {"w": (data, Kind.Q4_0)}))["w"]
    assert got.tolist() == [[0.5 * (n - 8) for n in range(16)] + [-4.0] * 16]


def test_what_a_file_says_of_its_model(tmp_path):
    got = reading.load_metadata(written(tmp_path / "a.gguf", {}))
    assert got["general.architecture"] == "llama"
    assert got["llama.block_count"] == 2
    assert got["tokenizer.ggml.tokens"] == ["a", "é", "<s>"]
    assert got["some.numbers"] == [1.5, 2.5]
    assert got["some.flag"] is True


def test_a_file_of_the_other_byte_order(tmp_path):
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    path = written(tmp_path / "a.gguf", {"w": (array, None)}, gguf.GGUFEndian.BIG)
    assert reading.load_file(path)["w"].tolist() == array.tolist()


def test_the_weights_go_into_a_module(tmp_path):
    layer = torch.nn.Linear(64, 8, bias=False)
    data = gguf.quantize(layer.weight.detach().numpy(), Kind.Q8_0)
    state = reading.load_file(written(tmp_path / "a.gguf", {"weight": (data, Kind.Q8_0)}))
    twin = torch.nn.Linear(64, 8, bias=False)
    twin.load_state_dict(state)
    x = torch.ones(1, 64)
    torch.testing.assert_close(twin(x), layer(x), atol=0.02, rtol=0.05)


def whole(tmp_path):
    array = np.arange(4, dtype=np.float32)
    return written(tmp_path / "a.gguf", {"w": (array, None)}).read_bytes()


def test_cut_off_anywhere(tmp_path):
    content = whole(tmp_path)
    for end in [*range(0, 60), *range(60, len(content) - 16, 17)]:
        (tmp_path / "cut.gguf").write_bytes(content[:end])
        with pytest.raises(ValueError, match="cut off or altered"):
            reading.load_file(tmp_path / "cut.gguf")


HUGE = struct.pack("<Q", 1 << 60)


@pytest.mark.parametrize(
    "alter",
    [
        lambda c: c[:8] + HUGE + c[16:],  # tensors
        lambda c: c[:16] + HUGE + c[24:],  # entries
        lambda c: c[:24] + HUGE + c[32:],  # the length of a name
        lambda c: c.replace(struct.pack("<IIQ", 9, 6, 2), struct.pack("<II", 9, 6) + HUGE),
        lambda c: c.replace(struct.pack("<IIQ", 9, 6, 2), struct.pack("<II", 9, 9) + HUGE),
        lambda c: c.replace(struct.pack("<IIQ", 9, 8, 3), struct.pack("<II", 9, 8) + HUGE),
        lambda c: c.replace(b"w" + struct.pack("<IQ", 1, 4), b"w" + struct.pack("<I", 1) + HUGE),
        lambda c: c.replace(b"w" + struct.pack("<I", 1), b"w" + struct.pack("<I", 1 << 30)),
        lambda c: c.replace(struct.pack("<IIQ", 9, 6, 2), struct.pack("<IIQ", 99, 6, 2)),
        lambda c: b"GGML" + c[4:],
        lambda c: c[:4] + struct.pack("<I", 77) + c[8:],
    ],
)
def test_files_that_announce_more_than_they_have(alter, tmp_path):
    content = whole(tmp_path)
    changed = alter(content)
    assert changed != content
    (tmp_path / "b.gguf").write_bytes(changed)
    with pytest.raises(ValueError, match="cut off or altered"):
        reading.load_file(tmp_path / "b.gguf")
