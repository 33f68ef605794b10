"""SummaryWriter: bytes as tensorboard 2.21 writes them, files, and what it refuses."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import rushlight as torch
from rushlight.utils.tensorboard import SummaryWriter
from rushlight.utils.tensorboard.events import masked_crc

SCALAR = "1a00000000000000129bd82d09000000000000f03f10032a0d0a0b0a046c6f7373150000003f7fb84377"
NEGATIVE = (
    "2300000000000000b09f774309000000000000f03f10ffffffffffffffffff012a0d0a0b0a046c6f7373"
    "15000020c0c5500b3c"
)
TEXT = (
    "4500000000000000ebe668b009000000000000f03f10ac022a370a350a12776f7264732f746578745f73756d6d61"
    "727942150807120412020801420b736f6d65202a746578742a4a080a060a04746578746ae8623c"
)


def records(folder: Path) -> list[bytes]:
    """The records of the only events file in a folder, with their lengths and checksums."""
    (path,) = folder.glob("events.out.tfevents.*")
    content, found = path.read_bytes(), []
    while content:
        size = 16 + struct.unpack("<Q", content[:8])[0]
        found.append(content[:size])
        content = content[size:]
    return found


def fields(message: bytes) -> Iterator[tuple[int, bytes | int]]:
    """The fields of a protobuf message, one level deep."""

    def varint(at: int) -> tuple[int, int]:
        value = shift = 0
        while True:
            value |= (message[at] & 0x7F) << shift
            shift += 7
            at += 1
            if message[at - 1] < 0x80:
                return value, at

    at = 0
    while at < len(message):
        key, at = varint(at)
        if key & 7 == 0:
            value, at = varint(at)
            yield key >> 3, value
            continue
        size = {1: 8, 5: 4}.get(key & 7)
        if size is None:
            size, at = varint(at)
        yield key >> 3, message[at : at + size]
        at += size


def values(folder: Path) -> list[dict[int, bytes | int]]:
    """The value of each summary by field number."""
    events = [dict(fields(record[12:-4])) for record in records(folder)[1:]]
    return [dict(fields(dict(fields(event[5]))[1])) for event in events]


def test_the_bytes_of_events(tmp_path: Path) -> None:
    with SummaryWriter(tmp_path) as writer:
        writer.add_scalar("loss", 0.5, 3, walltime=1.0)
        writer.add_scalar("loss", torch.tensor([-2.5]), -1, walltime=1.0)
        writer.add_text("words", "some *text*", 300, walltime=1.0)
    first, *others = records(tmp_path)
    assert b"brain.Event:2" in first
    assert [record.hex() for record in others] == [SCALAR, NEGATIVE, TEXT]
    assert masked_crc(b"123456789") == ((0xE3069283 >> 15 | 0xE3069283 << 17) + 0xA282EAD8) % 2**32


def test_histograms(tmp_path: Path) -> None:
    with SummaryWriter(tmp_path) as writer:
        writer.add_histogram("h", torch.tensor([1.0, 2.0, 2.5]), 0, bins=3)
        writer.add_histogram("h", np.arange(100), 0, bins=30, max_bins=10)
        writer.add_histogram("h", [-1.0, 0.0, 1e-3, 5.0])
    three, ten, growing = (dict(fields(value[5])) for value in values(tmp_path))
    moments = [struct.unpack("<d", three[n])[0] for n in range(1, 6)]
    assert moments == [1, 2.5, 3, 5.5, 11.25]
    assert struct.unpack("<4d", three[6]) == (1, 1.5, 2, 2.5)
    assert struct.unpack("<4d", three[7]) == (0, 1, 0, 2)
    assert struct.unpack("<11d", ten[7]) == (0, *[10] * 10)
    counts, limits = (np.frombuffer(growing[n]) for n in (7, 6))
    assert counts.sum() == 4
    assert counts[0] == 0
    assert counts[-1] > 0
    assert limits[-2] <= 5 < limits[-1]


@pytest.mark.parametrize(
    ("shape", "axes", "size"),
    [
        ((3, 5, 7), "CHW", (5, 7)),
        ((1, 5, 7), "CHW", (5, 7)),
        ((5, 7, 3), "HWC", (5, 7)),
        ((5, 7), "HW", (5, 7)),
        ((10, 3, 5, 7), "NCHW", (10, 56)),
        ((3, 5, 7, 1), "nhwc", (5, 21)),
    ],
)
def test_pictures(tmp_path: Path, shape: tuple[int, ...], axes: str, size: tuple[int, int]) -> None:
    from PIL import Image

    pixels = np.random.RandomState(0).randint(0, 256, shape).astype(np.uint8)
    with SummaryWriter(tmp_path) as writer:
        writer.add_image("p", pixels, dataformats=axes)
        writer.add_image("p", torch.from_numpy(pixels / np.float32(255)), dataformats=axes)
    exact, scaled = (dict(fields(value[4])) for value in values(tmp_path))
    assert (exact[1], exact[2], exact[3]) == (*size, 3)
    shown = [np.asarray(Image.open(io.BytesIO(picture[4]))) for picture in (exact, scaled)]
    assert shown[0].shape == (*size, 3)
    assert np.abs(shown[0].astype(int) - shown[1]).max() <= 1
    if axes == "CHW":
        assert (shown[0] == pixels.transpose(1, 2, 0)).all()


def test_figures(tmp_path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(1, 1), dpi=50)
    with SummaryWriter(tmp_path) as writer:
        writer.add_figure("f", figure)
    assert dict(fields(values(tmp_path)[0][4]))[1] == 50
    assert plt.get_fignums() == []


def test_several_numbers_get_folders_of_their_own(tmp_path: Path) -> None:
    with SummaryWriter(tmp_path) as writer:
        writer.add_scalars("loss/all", {"train": 1.0, "test": 2.0}, 1)
        assert writer.get_logdir() == str(tmp_path)
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {
        "loss_all_train",
        "loss_all_test",
    }
    assert values(tmp_path / "loss_all_test")[0][2] == struct.pack("<f", 2.0)


def test_events_are_written_now_and_then_and_at_the_end(tmp_path: Path) -> None:
    writer = SummaryWriter(tmp_path, max_queue=3)
    seen = []
    for step in range(7):
        writer.add_scalar("x", step, step)
        seen.append(len(records(tmp_path)) - 1)
    assert seen == [0, 0, 3, 3, 3, 6, 6]
    writer.flush()
    assert len(records(tmp_path)) - 1 == 7
    writer.add_scalar("x", 8)
    del writer
    assert len(records(tmp_path)) - 1 == 8
    program = f"""if True:
        from rushlight.utils.tensorboard import SummaryWriter
        SummaryWriter({str(tmp_path / "other")!r}).add_scalar("x", 1)
    """
    subprocess.run([sys.executable, "-c", program], check=True)
    assert len(records(tmp_path / "other")) == 2


def test_the_default_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    writer = SummaryWriter(comment="_mine", filename_suffix=".end")
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name.endswith("_mine")
    assert next(folder.iterdir()).name.endswith(".end")
    writer.close()


def test_what_is_refused(tmp_path: Path) -> None:
    writer = SummaryWriter(tmp_path)
    for action, error, message in (
        (lambda: writer.add_scalar("x", torch.ones(2)), AssertionError, r"one element, .*\(2,\)"),
        (lambda: writer.add_histogram("x", []), ValueError, "no element"),
        (lambda: writer.add_image("x", np.ones((2, 2))), AssertionError, "format are different"),
        (lambda: writer.add_image("x", np.ones((2, 4, 4))), AssertionError, "1, 3 or 4 channels"),
    ):
        with pytest.raises(error, match=message):
            action()
    writer.flush()
    assert len(records(tmp_path)) == 1
