"""What SummaryWriter writes is what torch's writes, event by event."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.utils.tensorboard as torch_board
from PIL import Image
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

import rushlight
import rushlight.utils.tensorboard as board
from rushlight.utils.tensorboard import SummaryWriter


def events(folder):
    """The events in the only file of a folder, without their times."""
    (path,) = folder.glob("events.out.tfevents.*")
    found = [Event.FromString(record) for record in RawEventFileLoader(str(path)).Load()]
    for event in found:
        event.wall_time = 0
    assert found[0].file_version == "brain.Event:2"
    return found[1:]


def values(folder):
    return [value for event in events(folder) for value in event.summary.value]


@pytest.fixture
def writer(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        yield writer


GRAY = np.random.RandomState(0).randint(0, 256, (4, 5)).astype(np.uint8)
CALLS = {
    "scalar": "w.add_scalar('loss/train', 0.5, 3, walltime=7.0)",
    "tensor": "w.add_scalar('a', torch.tensor([0.25], requires_grad=True), torch.tensor(4))",
    "double": "w.add_scalar('a', np.float64(0.1), new_style=True, double_precision=True)",
    "single": "w.add_scalar('a', 2, new_style=True)",
    "text": "w.add_text('note', 'all *good* ✓', 1)",
    "raw": "w.add_histogram_raw('raw', 0, 1, 2, 1, 1, [0.5, 1], [1, 1])",
    "histogram": "w.add_histogram('h', np.array([1.0, 2, 2, 3, -1, 1e-13]), 4)",
    "auto": "w.add_histogram('h', torch.arange(10), bins='auto')",
    "curve": "w.add_pr_curve('pr', torch.tensor([1, 0, 1, 1, 0]), torch.tensor([0.9, 0.4, 0.5, 0.1, 1.0]), 2)",
    "weighted": "w.add_pr_curve('pr', np.array([1, 0, 1]), np.array([0.9, 0.4, 0.0]), 2, 5, np.array([1.0, 2, 3]))",
    "counted": "w.add_pr_curve_raw('pr', *np.arange(12.0).reshape(6, 2), num_thresholds=2)",
    "charts": "w.add_custom_scalars({'A': {'b': ['Multiline', ['x', 'y']], 'c': ['Margin', ['x', 'y', 'z']]}})",
    "lines": "w.add_custom_scalars_multilinechart(['x', 'y'])",
    "margin": "w.add_custom_scalars_marginchart(['x', 'y', 'z'], 'stocks', 'all')",
    "sound": "w.add_audio('s', torch.linspace(-1, 1, 50).view(1, 50), 3, sample_rate=8000)",
    "whole": "w.add_tensor('t', torch.tensor([[1.5, 2.0]]), 1)",
    "half": "w.add_tensor('t', torch.tensor([1.5, 2.0], dtype=torch.float16))",
    "bools": "w.add_tensor('t', torch.tensor([True, False]))",
    "mesh": "w.add_mesh('m', torch.rand(1, 4, 3).zero_(), faces=torch.zeros(1, 2, 3, dtype=torch.int32), "
    "colors=torch.ones(1, 4, 3, dtype=torch.uint8), config_dict={'material': {'size': 1}}, global_step=2)",
    "few": "w.add_histogram('h', list(range(100)), bins=[0, 10, 20, 30, 40, 50], max_bins=2)",
}


@pytest.mark.parametrize("name", CALLS)
def test_events_are_torchs(name, tmp_path):
    written = []
    for framework, module in ((torch, torch_board), (rushlight, board)):
        folder = tmp_path / framework.__name__
        with module.SummaryWriter(folder) as w:
            if name == "few":
                values = np.arange(100)
                w.add_histogram("h", values, bins=[0, 10, 20, 30, 40, 50], max_bins=2)
            else:
                eval(CALLS[name], {"torch": framework, "w": w, "np": np})
        written.append(events(folder))
    assert written[0] == written[1]


def test_embeddings_are_torchs(tmp_path):
    for framework, module in ((torch, torch_board), (rushlight, board)):
        images = framework.arange(5 * 3 * 4 * 4).view(5, 3, 4, 4) / 240
        points = framework.arange(10.0).view(5, 2) / 4
        with module.SummaryWriter(tmp_path / framework.__name__) as w:
            w.add_embedding(points, list("abcde"), images, 7, "all/of it")
            w.add_embedding(points, [("a", 1)] * 5, metadata_header=["name", "number"])
    files = {
        framework: {
            str(path.relative_to(tmp_path / framework)): path
            for path in (tmp_path / framework).rglob("*")
            if path.is_file() and "events" not in path.name
        }
        for framework in ("torch", "rushlight")
    }
    assert files["torch"].keys() == files["rushlight"].keys()
    for name, path in files["torch"].items():
        other = files["rushlight"][name]
        if name.endswith("png"):
            assert (np.asarray(Image.open(path)) == np.asarray(Image.open(other))).all()
        else:
            assert path.read_bytes() == other.read_bytes()


def test_films_and_frames(tmp_path, writer):
    writer.add_video("v", np.random.RandomState(0).rand(2, 3, 1, 8, 9), 1, fps=10)
    image = np.zeros((3, 20, 30), np.uint8)
    writer.add_image_with_boxes("b", image, np.array([[4, 5, 20, 15]]), labels=["x"], rescale=2)
    writer.close()
    video, boxes = values(tmp_path)
    film = Image.open(io.BytesIO(video.image.encoded_image_string))
    assert (film.format, film.n_frames, film.size) == ("GIF", 3, (18, 8))
    assert pixels(boxes).shape == (40, 60, 3)
    red, green, _ = pixels(boxes)[20, 8]
    assert red > 150
    assert not green


def test_groups_of_scalars(tmp_path, writer):
    writer.add_scalars("losses", {"train/a": 1, "test": 2}, 5)
    writer.close()
    for tag, number in (("train_a", 1), ("test", 2)):
        (value,) = values(tmp_path / f"losses_{tag}")
        assert (value.tag, value.simple_value) == ("losses", number)
    assert values(tmp_path) == []


def pixels(value):
    picture = np.asarray(Image.open(io.BytesIO(value.image.encoded_image_string)))
    assert picture.shape == (value.image.height, value.image.width, value.image.colorspace)
    return picture


def test_images(tmp_path, writer):
    rng = np.random.RandomState(0)
    color = rng.rand(3, 4, 5)
    several = rng.randint(0, 256, (10, 1, 2, 3)).astype(np.uint8)
    writer.add_image("color", rushlight.from_numpy(color))
    writer.add_image("gray", GRAY, dataformats="HW")
    writer.add_image("opacity", rng.rand(4, 5, 4), dataformats="HWC")
    writer.add_images("several", several)
    writer.close()
    first, second, third, fourth = map(pixels, values(tmp_path))
    assert (first == (color.transpose(1, 2, 0) * 255).astype(np.uint8)).all()
    assert (second == GRAY[..., None]).all()
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
    (event,) = events(tmp_path)
    picture = pixels(event.summary.value[0])
    assert (event.step, picture.shape) == (2, (50, 100, 3))
    assert 0 < (picture == 255).mean() < 1


def test_hyperparameters(tmp_path):
    written = []
    for framework, module in ((torch, torch_board), (rushlight, board)):
        written.append([])
        settings = {"lr": 0.1, "name": "adam", "flag": True, "size": framework.tensor([3.0])}
        with module.SummaryWriter(tmp_path / framework.__name__) as w:
            w.add_hparams(settings, {"accuracy": 0.9}, run_name="first", global_step=2)
            w.add_hparams({"lr": 0.5}, {"a": 1}, {"lr": [0.5, 0.1]}, run_name="second")
        for run in ("first", "second"):
            for value in values(tmp_path / framework.__name__ / run):
                content = value.metadata.plugin_data.content
                value.ClearField("metadata")
                written[-1].append((value, HParamsPluginData.FromString(content)))
    assert written[0] == written[1]


def graph_of(framework, module, folder):
    """The graph of a network with blocks; for each operation in which module it stands."""
    nn = framework.nn

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(2, 2, 3, padding=1)
            self.norm = nn.BatchNorm2d(2)

        def forward(self, x):
            return nn.functional.relu(self.norm(self.conv(x)) + x)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Conv2d(1, 2, 1)
            self.blocks = nn.ModuleList([Block(), Block()])
            self.head = nn.Sequential(nn.Flatten(), nn.Linear(32, 3))

        def forward(self, x):
            x = self.stem(x)
            for block in self.blocks:
                x = block(x)
            return self.head(x)

    with module.SummaryWriter(folder) as writer, framework.no_grad():
        writer.add_graph(Net().eval(), framework.ones(2, 1, 4, 4))
    (event,) = (
        events(folder)[-1:]
        if framework is rushlight
        else [e for e in events(folder) if e.graph_def]
    )
    return GraphDef.FromString(event.graph_def).node


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
def test_graphs_are_nested_as_modules_are(tmp_path):
    nodes = {
        framework: graph_of(framework, module, tmp_path / framework.__name__)
        for framework, module in ((torch, torch_board), (rushlight, board))
    }
    scopes = {
        framework: {n.name.rpartition("/")[0] for n in found if n.op.startswith("aten::")}
        for framework, found in nodes.items()
    }
    assert scopes[rushlight] == scopes[torch]
    assert "Net/Block[1]/BatchNorm2d[norm]" in scopes[torch]
    found = {n.name: n for n in nodes[rushlight]}
    assert all(name in found for n in nodes[rushlight] for name in n.input)
    assert len(found) == len(nodes[rushlight])
    convolutions = [n for n in found.values() if n.op == "aten::convolution"]
    assert [n.name.rpartition("/")[0].rpartition("/")[2] for n in convolutions] == [
        "Conv2d[stem]", "Conv2d[conv]", "Conv2d[conv]"
    ]  # fmt: skip
    assert list(convolutions[0].input) == [
        "input/x",
        "Net/Conv2d[stem]/weight",
        "Net/Conv2d[stem]/bias",
    ]
    assert [d.size for d in convolutions[0].attr["_output_shapes"].list.shape[0].dim] == [
        2,
        2,
        4,
        4,
    ]
    assert found["output/output.1"].input[0].startswith("Net/Sequential[head]/Linear[1]/")


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


def test_purging(tmp_path):
    written = []
    for framework, module in ((torch, torch_board), (rushlight, board)):
        module.SummaryWriter(tmp_path / framework.__name__, purge_step=7).close()
        written.append(events(tmp_path / framework.__name__))
    assert written[0] == written[1]


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
    assert events(tmp_path) == []
    assert len(list(tmp_path.iterdir())) == 1


def test_without_the_package_the_error_says_what_brings_it():
    code = "import sys; sys.modules['tensorboard'] = None; import rushlight.utils.tensorboard"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert 'pip install "rushlight[tensorboard]"' in ended.stderr
