"""Drawings of modules and of runs: frames around modules, and what repeats drawn once."""

import re
import subprocess
import sys

import numpy as np
import pytest

import rushlight as torch
import rushlight.nn.functional as F
from rushlight import nn
from rushlight.visual import Capture, draw, watch
from rushlight.visual.recorded import look


class Block(nn.Module):
    def __init__(self, width, out, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(width, out, 3, stride, 1, bias=False)
        self.norm = nn.BatchNorm2d(out)
        self.short = nn.Conv2d(width, out, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x):
        return F.relu(self.norm(self.conv(x)) + self.short(x))


class Net(nn.Module):
    def __init__(self, count=3):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.first = nn.Sequential(*[Block(8, 8) for _ in range(count)])
        self.second = nn.Sequential(Block(8, 16, 2), *[Block(16, 16) for _ in range(count - 1)])
        self.head = nn.Linear(16, 10)

    def forward(self, x):
        x = self.second(self.first(self.stem(x)))
        return self.head(F.avg_pool2d(x, 4).flatten(1))


def labels(drawing):
    """The frames, and the titles of the boxes with what stands under them."""
    frames = re.findall(r'^\t+\tlabel="?(.*?)"?$', drawing.source, re.M)
    boxes = []
    for cells in re.findall(r"^\t\w+ \[label=<<table.*?</table>>", drawing.source, re.M | re.S):
        boxes.append([re.sub("<.*?>", "", cell) for cell in re.findall("<td>(.*?)</td>", cells)])
    return [frame for frame in frames if "operation" not in frame], boxes


def edges(drawing):
    names = {}
    for name, cells in re.findall(
        r"^\t(\w+) \[label=<<table(.*?)</table>>", drawing.source, re.M | re.S
    ):
        names[name] = re.sub("<.*?>", "", re.findall("<td>(.*?)</td>", cells)[0])
    return {(names[a], names[b]) for a, b in re.findall(r"^\t(\w+) -> (\w+)", drawing.source, re.M)}


def test_a_residual_network_is_drawn_in_frames_with_its_blocks_once():
    frames, boxes = labels(draw(Net(), (1, 3, 8, 8)))
    assert frames == [
        "first Sequential",
        "first.0 … first.2 Block × 3",
        "second Sequential",
        "second.0 Block",
        "second.1 … second.2 Block × 2",
    ]
    titles = [box[0] for box in boxes]
    assert titles.count("conv Conv2d") == 3
    assert len(boxes) == 19
    stem = next(box for box in boxes if box[0] == "stem Conv2d")
    assert stem == ["stem Conv2d", "weight [8, 3, 3, 3]", "bias [8]", "→ [1, 8, 8, 8]"]


def test_the_same_from_the_names_of_parameters_alone():
    net = Net()
    for _ in range(2):
        loss = F.cross_entropy(net(torch.ones(2, 3, 8, 8)), torch.tensor([1, 2]))
        loss.backward()
    frames, boxes = labels(draw(loss, params=net, detail="layers"))
    assert "first.0 … first.2 Block × 3" in frames
    assert "second.1 … second.2 Block × 2" in frames
    conv = next(box for box in boxes if box[0] == "conv Conv2d")
    assert re.fullmatch(r"weight \[16, 16, 3, 3\] · grad norm \S+ … \S+", conv[1])


def test_blocks_that_differ_or_are_joined_otherwise_are_all_drawn():
    class Dense(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = nn.ModuleList(
                [nn.Sequential(nn.Linear(4, 4), nn.ReLU()) for _ in range(3)]
            )

        def forward(self, x):
            a = self.parts[0](x)
            b = self.parts[1](a)
            return self.parts[2](a) + b

    frames, _ = labels(draw(Dense(), (1, 4)))
    assert frames == ["parts.0 … parts.1 Sequential × 2", "parts.2 Sequential"]
    stack = nn.Sequential(*[nn.Sequential(nn.Linear(n, n + 1), nn.ReLU()) for n in (2, 3)])
    assert labels(draw(stack, (1, 2)))[0] == ["0 Sequential", "1 Sequential"]


def test_a_cell_that_runs_again_and_again_is_one_box():
    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell, self.out = nn.GRUCell(4, 8), nn.Linear(8, 2)

        def forward(self, x):
            h = torch.zeros(x.shape[0], 8)
            for t in range(x.shape[1]):
                h = self.cell(x[:, t], h)
            return self.out(h)

    drawing = draw(Loop(), (2, 6, 4))
    frames, boxes = labels(drawing)
    assert frames == ["× 6"]
    assert [box[0] for box in boxes].count("cell GRUCell") == 1
    assert {("h", "cell GRUCell"), ("Slice", "cell GRUCell")} <= edges(drawing)
    assert ("cell GRUCell", "out Linear") in edges(drawing)


def test_detail():
    net = Net()
    deep = labels(draw(net, (1, 3, 8, 8), detail="operations"))[1]
    assert "first.0.conv.weight" not in [box[0] for box in deep]
    assert "conv.weight" in [box[0] for box in deep]
    flat = labels(draw(net, (1, 3, 8, 8), detail=0))
    assert flat[0] == []
    first = next(box for box in flat[1] if box[0] == "first Sequential")
    assert first == ["first Sequential", "9 parameters (1,776 elements)", "→ [1, 8, 8, 8]"]
    with pytest.raises(ValueError, match="detail must be"):
        draw(net, (1, 3, 8, 8), detail="all")


def test_what_a_module_is_given():
    class Two(nn.Module):
        def forward(self, x, *, mask=None):
            return {"sum": x if mask is None else x * mask, "count": x.sum()}

    drawing = draw(Two(), {"x": torch.ones(2), "mask": torch.ones(2)})
    assert edges(drawing) == {
        ("x", "Mul"), ("mask", "Mul"), ("Mul", "output[&#x27;sum&#x27;]"),
        ("x", "Sum"), ("Sum", "output[&#x27;count&#x27;]"),
    }  # fmt: skip
    two = edges(draw(nn.Bilinear(2, 3, 4), [(5, 2), (5, 3)], detail="layers"))
    assert {"input1", "input2"} <= {source for source, _ in two}
    for wrong in (1.5, "x", ()):
        with pytest.raises(TypeError, match="draw: inputs are a tensor"):
            draw(Two(), wrong)
    with pytest.raises(TypeError, match="inputs are for modules"):
        draw(torch.ones(2), torch.ones(2))


def test_arguments_as_in_a_call_functions_and_several_tensors():
    pair = nn.Bilinear(3, 4, 2)
    x, y = torch.randn(2, 3), torch.randn(2, 4)
    for drawn in (draw(pair, x, y), draw(pair, x, input2=y), draw(pair, (x, y))):
        assert "input1" in drawn.source
        assert "input2" in drawn.source
    source = draw(lambda query, key: F.softmax(query @ key.T, -1), x, x.clone()).source
    assert all(name in source for name in ("query", "key", "Matmul", "Softmax", "3 operations"))
    w = torch.ones(2, requires_grad=True)
    source = draw({"twice": w * 2, "more": [w + 1, (w * 2).exp()]}).source
    names = ("output['twice']", "output['more'][0]", "output['more'][1]", "4 operations")
    assert all(name in source for name in names)
    with pytest.raises(TypeError, match="inputs are for modules and functions"):
        draw(w * 2, x)


def test_drawing_leaves_a_module_as_it_was():
    model = nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2))
    buffers = {name: (buffer, buffer._version) for name, buffer in model.named_buffers()}
    torch.manual_seed(0)
    draw(model, torch.randn(8, 4))
    after = torch.rand(1)
    torch.manual_seed(0)
    torch.randn(8, 4)
    assert torch.equal(after, torch.rand(1))
    for name, (buffer, version) in buffers.items():
        assert model.get_buffer(name) is buffer
        assert buffer._version == version
    with pytest.raises(RuntimeError, match="mat1 and mat2 shapes cannot be multiplied"):
        draw(nn.Sequential(nn.BatchNorm1d(3), nn.Linear(4, 2)), torch.randn(8, 3))


def test_parts_of_a_module_that_has_not_run():
    frames, boxes = labels(
        draw(nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.ReLU(), nn.Dropout())))
    )
    assert frames == ["1 Sequential"]
    assert [box[0] for box in boxes] == ["1 Dropout", "0 ReLU", "0 Linear"]
    assert boxes[2][1:] == ["in_features=3, out_features=4, bias=True", "weight [4, 3]", "bias [4]"]


@pytest.mark.parametrize("watched", [lambda: Capture(look), watch])
def test_values_and_gradients_of_a_run(watched):
    a, b = (torch.tensor(v, requires_grad=True) for v in (2.0, -3.0))
    with watched() as run:
        c = a * b + 10
        loss = c.tanh() * 2
        loss.backward()
    boxes = {box[0]: box[1:] for box in labels(draw(run))[1]}
    value, grad = boxes["a"]
    assert value == "value 2"
    assert float(grad.split()[1]) == pytest.approx(a.grad.item(), rel=1e-4)
    value, grad = boxes["Add"][1:]
    assert (boxes["Add"][0], value) == ("with 10", "value 4")
    assert float(grad.split()[1]) == pytest.approx(2 * (1 - np.tanh(4.0) ** 2), rel=1e-4)
    assert boxes["loss"][0].startswith("value 1.998")


def test_functions_of_several_operations_are_one_box():
    class Pool(nn.Module):
        def forward(self, x):
            return F.mse_loss(F.avg_pool2d(F.avg_pool2d(x, 2), 2), torch.zeros(1, 1, 2, 2))

    titles = [box[0] for box in labels(draw(Pool(), (1, 1, 8, 8)))[1]]
    assert titles == ["MseLoss", "AvgPool", "AvgPool", "x", "output"]


SCRIPT = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(*[nn.Sequential(nn.Linear(4, 4), nn.Tanh()) for _ in range(3)])

    def forward(self, x):
        return self.body(x)

torch.manual_seed(0)
net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
x = torch.ones(2, 4)
for _ in range(2):
    loss = net(x).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
"""


def test_boxes_are_named_by_what_is_computed_and_asked_for():
    titles = [box[0] for box in labels(draw(nn.LSTM(2, 3), torch.ones(4, 1, 2)))[1]]
    assert titles == ["LSTM", "input", "output[0]", "output[1][0]", "output[1][1]"]

    def changed(x, w):
        y = x * w
        y += x
        y.exp_()
        return {"y": y, "x": x}

    drawing = draw(changed, torch.ones(2), torch.ones(2, requires_grad=True))
    titles = [box[0] for box in labels(drawing)[1]]
    outputs = [f"output[&#x27;{name}&#x27;]" for name in "xy"]
    assert sorted(titles) == ["Add", "Exp", "Mul", *outputs, "w", "x"]
    assert drawing.svg.rstrip().endswith("</svg>")


def test_the_first_backward_of_a_program(tmp_path):
    (tmp_path / "train.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "rushlight", "run"]

    def run(*options):
        return subprocess.run(
            [*command, *options, "train.py"], cwd=tmp_path, capture_output=True, text=True
        )

    shown = run("--draw", "graph.svg")
    assert (shown.returncode, shown.stdout) == (0, run().stdout), shown.stderr
    assert shown.stderr == "rushlight: the graph of the first backward is in graph.svg\n"
    svg = (tmp_path / "graph.svg").read_text()
    for words in (
        "net Net",
        "net.body.0 … net.body.2 Sequential × 3",
        ">x<",
        ">loss<",
        "grad norm",
        "train.py:18",
    ):
        assert words in svg, words


def test_what_cannot_be_drawn_is_said_before_the_program_starts(tmp_path):
    (tmp_path / "train.py").write_text("print('started')")
    code = (
        "import sys; from rushlight.visual import graphviz; graphviz.find_spec = lambda name: None; "
        "from rushlight.cli import main; main(['run', '--draw', 'g.png', 'train.py'])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, env={"PATH": str(tmp_path)}
        | {k: v for k, v in __import__("os").environ.items() if k.startswith("PYTHON")},
    )  # fmt: skip
    assert (shown.returncode, shown.stdout) == (2, "")
    (line,) = shown.stderr.splitlines()
    assert "rushlight[draw]" in line
