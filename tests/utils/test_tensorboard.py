"""The files that SummaryWriter writes, read back record by record and field by field."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

import rushlight as torch
from rushlight.utils.tensorboard import SummaryWriter
from rushlight.utils.tensorboard.events import masked_crc32c, message


def records(path):
    """The events in a file, checksums compared."""
    content = path.read_bytes()
    while content:
        head, (length,) = content[:8], struct.unpack("<Q", content[:8])
        event = content[12 : 12 + length]
        checks = struct.unpack("<I", content[8:12]) + struct.unpack(
            "<I", content[12 + length : 16 + length]
        )
        assert checks == (masked_crc32c(head), masked_crc32c(event))
        yield fields(event)
        content = content[16 + length :]


def fields(encoded):
    """{number: [values]} of a message."""
    found = {}
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = encoded[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(encoded):
        key = varint()
        kind = key & 7
        if kind == 0:
            value = varint()
        elif kind == 2:
            length = varint()
            value = encoded[at : at + length]
            at += length
        else:
            size = {1: 8, 5: 4}[kind]
            (value,) = struct.unpack({8: "<d", 4: "<f"}[size], encoded[at : at + size])
            at += size
        found.setdefault(key >> 3, []).append(value)
    return found


def written(folder, *parts):
    """(step, fields of the value) of each summary in the only file of a folder."""
    (path,) = folder.joinpath(*parts).glob("events.out.tfevents.*")
    events = list(records(path))
    assert events[0][3] == [b"brain.Event:2"]
    return [(event[2][0], fields(fields(event[5][0])[1][0])) for event in events[1:] if 5 in event]


@pytest.fixture
def writer(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        yield writer


def test_checksums():
    # The check value of CRC-32C, masked.
    crc = 0xE3069283
    assert masked_crc32c(b"123456789") == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def test_messages():
    assert message((1, -1)) == b"\x08" + b"\xff" * 9 + b"\x01"
    assert fields(message((1, 300), (2, 0.5), (200, "text"), (4, [1.0, 2.0]))) == {
        1: [300],
        2: [0.5],
        200: [b"text"],
        4: [struct.pack("<dd", 1, 2)],
    }


def test_scalars(tmp_path, writer):
    writer.add_scalar("loss/train", 0.5, 3, walltime=7.0)
    writer.add_scalar("loss/train", torch.tensor([0.25], requires_grad=True), torch.tensor(4))
    writer.add_scalar("tensor", np.float64(0.1), new_style=True, double_precision=True)
    writer.add_scalar("tensor", 2, new_style=True)
    writer.close()
    (one, two, three, four) = written(tmp_path)
    assert one == (3, {1: [b"loss/train"], 2: [0.5]})
    assert two == (4, {1: [b"loss/train"], 2: [0.25]})
    assert fields(three[1][8][0]) == {1: [2], 6: [struct.pack("<d", 0.1)]}
    assert fields(four[1][8][0]) == {1: [1], 5: [struct.pack("<f", 2)]}
    assert fields(fields(four[1][9][0])[1][0])[1] == [b"scalars"]


def test_groups_of_scalars(tmp_path, writer):
    writer.add_scalars("losses", {"train/a": 1, "test": 2}, 5)
    writer.close()
    assert written(tmp_path, "losses_train_a") == [(5, {1: [b"losses"], 2: [1.0]})]
    assert written(tmp_path, "losses_test") == [(5, {1: [b"losses"], 2: [2.0]})]
    assert written(tmp_path) == []


def test_text(tmp_path, writer):
    writer.add_text("note", "all *good* ✓", 1)
    writer.close()
    ((step, value),) = written(tmp_path)
    assert (step, value[1]) == (1, [b"note/text_summary"])
    assert fields(value[8][0])[8] == ["all *good* ✓".encode()]


def histogram_of(value):
    found = fields(value[5][0])
    limits, counts = (np.frombuffer(found[n][0], "<f8") for n in (6, 7))
    return [found[n][0] for n in range(1, 6)], limits, counts


def test_histograms(tmp_path, writer):
    values = np.array([1.0, 2, 2, 3, -1, 1e-13])
    writer.add_histogram("default", values, 4)
    writer.add_histogram("numpy", torch.arange(10), bins="auto")
    writer.add_histogram("few", list(range(100)), bins=[0, 10, 20, 30, 40, 50], max_bins=2)
    writer.add_histogram_raw("raw", 0, 1, 2, 1, 1, [0.5, 1], [1, 1])
    writer.close()
    default, numpy, few, raw = (histogram_of(value) for _, value in written(tmp_path))
    facts, limits, counts = default
    assert facts == pytest.approx([-1, 3, 6, 7, 19])
    assert len(limits) == len(counts)
    assert counts[0] == 0
    assert counts.sum() == 6
    assert limits[0] < -1 < limits[1]
    assert limits[-2] <= 3 < limits[-1]
    assert numpy[1].tolist() == pytest.approx([0, 1.8, 3.6, 5.4, 7.2, 9])
    assert numpy[2].tolist() == [0, 2, 2, 2, 2, 2]
    assert few[1].tolist() == [0, 20, 40, 50]
    assert few[2].tolist() == [0, 20, 20, 11]
    assert raw == ([0, 1, 2, 1, 1], pytest.approx([0.5, 1]), pytest.approx([1, 1]))


def pixels(value):
    found = fields(value[4][0])
    picture = np.asarray(Image.open(io.BytesIO(found[4][0])))
    assert picture.shape == (found[1][0], found[2][0], found[3][0])
    return picture


def test_images(tmp_path, writer):
    rng = np.random.RandomState(0)
    color = rng.rand(3, 4, 5)
    gray = rng.randint(0, 256, (4, 5)).astype(np.uint8)
    several = rng.randint(0, 256, (10, 1, 2, 3)).astype(np.uint8)
    writer.add_image("color", torch.from_numpy(color))
    writer.add_image("gray", gray, dataformats="HW")
    writer.add_image("opacity", rng.rand(4, 5, 4), dataformats="HWC")
    writer.add_images("several", several)
    writer.close()
    first, second, third, fourth = (pixels(value) for _, value in written(tmp_path))
    assert (first == (color.transpose(1, 2, 0) * 255).astype(np.uint8)).all()
    assert (second == gray[..., None]).all()
    assert third.shape == (4, 5, 4)
    assert fourth.shape == (4, 24, 3)
    assert (fourth[2:4, 3:6, 0] == several[9, 0]).all()
    assert (fourth[2:4, 6:] == 0).all()


def test_figures(tmp_path, writer):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2, 1), dpi=50)
    figure.subplots().plot([1, 2, 3])
    writer.add_figure("curve", figure, 2)
    writer.close()
    ((step, value),) = written(tmp_path)
    picture = pixels(value)
    assert (step, picture.shape) == (2, (50, 100, 3))
    assert 0 < (picture == 255).mean() < 1


def test_hyperparameters(tmp_path, writer):
    settings = {"lr": 0.1, "name": "adam", "flag": True, "size": torch.tensor(3)}
    writer.add_hparams(settings, {"accuracy": 0.9}, run_name="first", global_step=2)
    writer.close()
    values = [value for _, value in written(tmp_path, "first")]
    assert [value[1][0] for value in values] == [
        b"_hparams_/experiment",
        b"_hparams_/session_start_info",
        b"_hparams_/session_end_info",
        b"accuracy",
    ]
    content = [fields(fields(fields(value[9][0])[1][0])[2][0]) for value in values[:3]]
    experiment = fields(content[0][2][0])
    assert [fields(info) for info in experiment[4]] == [
        {1: [name], 4: [kind]}
        for name, kind in ((b"lr", 3), (b"name", 1), (b"flag", 3), (b"size", 3))
    ]
    assert fields(fields(experiment[5][0])[1][0]) == {2: [b"accuracy"]}
    start = [fields(entry) for entry in fields(content[1][3][0])[1]]
    assert {e[1][0]: fields(e[2][0]) for e in start} == {
        b"lr": {2: [0.1]}, b"name": {3: [b"adam"]}, b"flag": {2: [1.0]}, b"size": {2: [3.0]},
    }  # fmt: skip
    assert content[2] == {4: [message((1, 1))]}


def test_graphs(tmp_path, writer):
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU())
    with torch.no_grad():
        writer.add_graph(model, torch.ones(1, 2))
    writer.close()
    (path,) = tmp_path.glob("events*")
    (event,) = (event for event in records(path) if 4 in event)
    nodes = [fields(node) for node in fields(event[4][0])[1]]
    inputs = {node[1][0].decode(): [i.decode() for i in node.get(3, [])] for node in nodes}
    assert set(inputs["Addmm_1"]) == {"parameters/0.weight", "parameters/0.bias"}
    assert inputs["Relu_0"] == ["Addmm_1"]
    assert inputs["output/0"] == ["Relu_0"]


def test_files_and_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    writer = SummaryWriter(comment="_lr1", filename_suffix=".mine")
    assert writer.get_logdir().startswith("runs/")
    assert writer.get_logdir().endswith("_lr1")
    (path,) = (tmp_path / writer.log_dir).iterdir()
    assert path.name.endswith(".mine")
    size = path.stat().st_size
    writer.add_scalar("a", 1)
    writer.flush()
    assert path.stat().st_size > size
    writer.close()
    writer.close()
    writer.add_scalar("b", 1)
    writer.close()
    assert len(list(path.parent.iterdir())) == 2


def test_values_are_flushed_in_time(tmp_path):
    with SummaryWriter(tmp_path, flush_secs=0) as writer:
        writer.add_scalar("a", 1)
        assert len(written(tmp_path)) == 1


def test_purging(tmp_path):
    SummaryWriter(tmp_path, purge_step=7).close()
    (path,) = tmp_path.iterdir()
    *_, event = records(path)
    assert (event[2], fields(event[7][0])) == ([7], {1: [1]})


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda w: w.add_scalar("x", "text"), TypeError),
        (lambda w: w.add_scalar("x", None), TypeError),
        (lambda w: w.add_scalar("x", [1, 2]), ValueError),
        (lambda w: w.add_text("x", 5), TypeError),
        (lambda w: w.add_histogram("x", []), ValueError),
        (lambda w: w.add_histogram("x", [1.0], bins=[5, 6]), ValueError),
        (lambda w: w.add_histogram_raw("x", 0, 1, 1, 1, 1, [1, 2], [1]), ValueError),
        (lambda w: w.add_image("x", np.zeros((2, 2))), ValueError),
        (lambda w: w.add_image("x", np.zeros((5, 2, 2))), ValueError),
        (lambda w: w.add_image("x", np.zeros((3, 2, 2)), dataformats="CHX"), ValueError),
        (lambda w: w.add_hparams(1, {}), TypeError),
        (lambda w: w.add_hparams({"a": [1]}, {}), ValueError),
    ],
)
def test_what_cannot_be_shown_is_not_written(call, error, tmp_path, writer):
    with pytest.raises(error):
        call(writer)
    writer.close()
    assert written(tmp_path) == []
    assert len(list(tmp_path.iterdir())) == 1
