"""The drawing of a graph, under both frameworks: it reads only what torch's tensors have too."""

from __future__ import annotations

import importlib
import math
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rushlight.visual import Drawing, GraphvizNotFoundError, draw, graphviz

HEADS = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}


@pytest.fixture(params=["rushlight", "torch"])
def torch(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(request.param)


@pytest.fixture
def no_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(graphviz, "find_spec", lambda name: None)


class Boxes:
    """A drawing read back: the texts in each box, and who points to whom."""

    def __init__(self, drawing: Drawing) -> None:
        self.text: dict[str, list[str]] = {}
        self.fill: dict[str, str] = {}
        self.edges: list[tuple[str, str]] = []
        for line in drawing.source.splitlines():
            if edge := re.match(r"\t(\w+) -> (\w+)", line):
                self.edges.append((edge[1], edge[2]))
            elif box := re.match(r"\t(\w+) \[label=<<table", line):
                cells = re.findall(r"<td>(.*?)</td>", line)
                self.text[box[1]] = [re.sub(r"<.*?>", "", cell) for cell in cells]
                fill = re.search(r'fillcolor="(#\w+)"', line)
                self.fill[box[1]] = fill[1] if fill else ""
        caption = re.search(r'\tlabel="\s*([^"]*)"', drawing.source)
        self.caption = caption[1] if caption else ""

    def titles(self, kind: str) -> list[str]:
        return [text[0] for name, text in self.text.items() if name.startswith(kind)]

    def arrows(self) -> set[tuple[str, str]]:
        return {(self.text[a][0], self.text[b][0]) for a, b in self.edges}


def test_an_expression(torch: ModuleType) -> None:
    a = torch.tensor(2.0, requires_grad=True)
    b = torch.tensor([-3.0, 4.0], requires_grad=True, dtype=torch.float64)
    loss = (a * b).tanh().sum()
    loss.backward()
    boxes = Boxes(draw(loss, params={"a": a}))
    assert boxes.arrows() == {
        ("a", "Mul"),
        ("leaf", "Mul"),
        ("Mul", "Tanh"),
        ("Tanh", "Sum"),
        ("Sum", "output"),
    }
    texts = {text[0]: text[1:] for text in boxes.text.values()}
    assert texts["a"] == ["scalar", "value 2", f"grad {a.grad.item():.6g}"]
    norm = math.hypot(*b.grad.tolist())
    assert texts["leaf"] == ["[2] float64", f"grad norm {norm:.6g}"]
    assert texts["output"] == ["scalar float64", f"value {loss.item():.6g}"]
    assert boxes.caption == "3 operations · 1 parameter (1 element)"
    assert len(set(boxes.fill.values())) == 4


def test_shapes_of_operations() -> None:
    rushlight = importlib.import_module("rushlight")
    x = rushlight.ones(3, 4, requires_grad=True)
    boxes = Boxes(draw((x * x).sum(0).relu()))
    operations = {text[0]: text[1] for name, text in boxes.text.items() if name.startswith("op")}
    assert operations == {"Mul": "[3, 4]", "Sum": "[4]", "Relu": "[4]"}


def test_names_come_from_a_module(torch: ModuleType) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
    loss = model(torch.ones(5, 3)).mean()
    boxes = Boxes(draw(loss, params=model))
    assert sorted(boxes.titles("leaf")) == ["0.bias", "0.weight", "2.bias", "2.weight"]
    assert not any("grad" in line for text in boxes.text.values() for line in text)
    assert boxes.caption.endswith(" · 4 parameters (21 elements)")
    loss.backward()
    boxes = Boxes(draw(loss, params=dict(model.named_parameters())))
    leaves = [text for name, text in boxes.text.items() if name.startswith("leaf")]
    assert all(text[-1].startswith("grad ") for text in leaves)


def test_parameters_without_names() -> None:
    rushlight = importlib.import_module("rushlight")
    weight = rushlight.nn.Parameter(rushlight.ones(3))
    boxes = Boxes(draw((weight * rushlight.ones(3, requires_grad=True)).sum()))
    assert sorted(boxes.titles("leaf")) == ["leaf", "parameter"]
    assert boxes.caption == "2 operations · 1 parameter (3 elements)"


def test_frozen_parameters_are_not_in_the_graph(torch: ModuleType) -> None:
    layer = torch.nn.Linear(3, 4)
    layer.bias.requires_grad_(False)
    assert Boxes(draw(layer(torch.ones(2, 3)), params=layer)).titles("leaf") == ["weight"]


def test_a_leaf_used_often_is_one_box(torch: ModuleType) -> None:
    w = torch.ones(2, requires_grad=True)
    boxes = Boxes(draw(w * w + w, params={"w": w, "tied": w}))
    assert boxes.titles("leaf") == ["w = tied"]
    assert len(boxes.edges) == 5


def test_outputs_of_one_operation_are_numbered(torch: ModuleType) -> None:
    first, second = torch.ones(4, 2, requires_grad=True).split(2)
    source = draw(first * second).source
    assert re.findall(r'label=" (\d)"', source) == ["0", "1"]


def test_gradients_that_are_not_finite_stand_out(torch: ModuleType) -> None:
    x = torch.zeros(2, requires_grad=True)
    (x / 0).sum().backward()
    loud = re.compile(r'color="#b3261e">grad norm (inf|nan)<')
    assert loud.search(draw(x).source)
    x.grad.zero_()
    assert not loud.search(draw(x).source)


def test_gradient_of_a_result_that_keeps_it(torch: ModuleType) -> None:
    x = torch.ones((), requires_grad=True)
    y = x * 2
    y.retain_grad()
    (y * 3).backward()
    assert Boxes(draw(y, params={"y": y})).text["output"] == ["y", "scalar", "value 2", "grad 3"]


def test_custom_functions_show_their_name(torch: ModuleType) -> None:
    class Twice(torch.autograd.Function):  # type: ignore[name-defined, misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 2

    x = torch.ones(2, requires_grad=True)
    assert Boxes(draw(Twice.apply(x))).titles("op") == ["Twice"]


@pytest.mark.parametrize("requires_grad", [True, False])
def test_a_leaf_alone(torch: ModuleType, requires_grad: bool) -> None:
    boxes = Boxes(draw(torch.ones(2, 3, requires_grad=requires_grad)))
    assert boxes.text == {"leaf0": ["leaf", "[2, 3]"]}
    assert boxes.caption == "a leaf: no operation made it"


def test_a_very_long_chain(torch: ModuleType) -> None:
    # torch itself crashes when it frees a chain this long that Python has walked.
    length = 100_000 if torch.__name__ == "rushlight" else 5_000
    x = torch.zeros((), requires_grad=True)
    y = x
    for _ in range(length):
        y = y + 1
    boxes = Boxes(draw(y, params={"x": x}, limit=20))
    assert boxes.titles("op") == ["Add"] * 20
    assert boxes.titles("omitted") == [f"… {length - 20:,} earlier operations left out"]
    assert boxes.titles("leaf") == []
    assert boxes.caption == f"the last 20 of {length:,} operations"
    assert len(boxes.edges) == 21
    assert len(Boxes(draw(y)).titles("op")) == 500


def test_what_is_kept_has_no_gaps(torch: ModuleType) -> None:
    # The branch of sines is long: an order by depth alone would keep x * 2 before its last user.
    x = torch.ones((), requires_grad=True)
    early = x * 2
    y = early
    for _ in range(10):
        y = y.sin()
    boxes = Boxes(draw(y + early, limit=6))
    assert boxes.titles("op") == ["Add", "Sin", "Sin", "Sin", "Sin", "Sin"]
    assert boxes.titles("omitted") == ["… 6 earlier operations left out"]
    assert sorted(edge[1] for edge in boxes.edges if edge[0] == "omitted") == ["op0", "op5"]


def test_a_limit_that_just_fits_leaves_nothing_out(torch: ModuleType) -> None:
    x = torch.ones((), requires_grad=True)
    y = x.sin().sin().sin()
    assert not Boxes(draw(y, limit=3)).titles("omitted")
    assert Boxes(draw(y, limit=2)).titles("omitted") == ["… 1 earlier operation left out"]


NASTY = r"""a<b>&"'\N\G\n{x|y} é☃ -->"""


def test_names_cannot_break_the_drawing(torch: ModuleType) -> None:
    x = torch.ones(2, requires_grad=True)
    svg = draw(x * 2, params={NASTY: x})._repr_svg_()
    assert svg is not None
    assert """a&lt;b&gt;&amp;&quot;&#39;∖N∖G∖n{x|y} é☃ &#45;&#45;&gt;""" in svg


@pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
def test_pictures(kind: str, tmp_path: Path, torch: ModuleType) -> None:
    drawing = draw(torch.ones(2, requires_grad=True) * 2, format=kind)
    path = tmp_path / f"graph.{kind.upper()}"
    assert drawing.save(str(path)) == path
    assert path.read_bytes().startswith(HEADS[kind])
    assert drawing.render().startswith(HEADS[kind])
    (mime,) = set(drawing._repr_mimebundle_()) - {"text/plain"}
    assert mime.endswith({"svg": "svg+xml"}.get(kind, kind))
    assert (drawing._repr_svg_() is None) == (kind != "svg")


@pytest.mark.parametrize("rankdir", ["TB", "LR", "BT", "RL"])
def test_directions(rankdir: str, torch: ModuleType) -> None:
    x = torch.ones(2, requires_grad=True)
    svg = draw((x * 2).sin().cos(), rankdir=rankdir)._repr_svg_()
    assert svg is not None
    width, height = (int(size) for size in re.findall(r'(?:width|height)="(\d+)pt"', svg)[:2])
    assert (width > height) == (rankdir in ("LR", "RL"))


@pytest.mark.usefixtures("no_program")
def test_without_graphviz_dot_still_works(tmp_path: Path, torch: ModuleType) -> None:
    drawing = draw(torch.ones(2, requires_grad=True) * 2)
    for name in ("graph.dot", "graph.gv"):
        assert drawing.save(tmp_path / name).read_text(encoding="utf-8") == drawing.source
    kept = tmp_path / "graph.svg"
    kept.write_text("old")
    with pytest.raises(GraphvizNotFoundError, match=r"rushlight\[draw\]") as caught:
        drawing.save(kept)
    assert "\n" not in str(caught.value)
    assert kept.read_text() == "old"
    assert drawing._repr_svg_() is None
    bundle = drawing._repr_mimebundle_()
    assert set(bundle) == {"text/plain"}
    assert "rushlight[draw]" in bundle["text/plain"]


def test_the_program_is_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the package, a `dot` on the PATH draws."""
    monkeypatch.setattr(graphviz, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    program = tmp_path / "dot"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nprint(sys.argv[1:], len(sys.stdin.read()))"
    )
    program.chmod(0o755)
    assert graphviz.picture("digraph {}", "svg") == b"['-Tsvg'] 10\n"
    program.write_text(f"#!{sys.executable}\nimport sys\nsys.exit('out of ink')")
    with pytest.raises(graphviz.DrawingError, match="status 1: out of ink"):
        graphviz.picture("digraph {}", "svg")
    assert "out of ink" in (graphviz.problem("png") or "")


def test_a_machine_without_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    """matplotlib's are found: letters, and not one box like the other."""
    monkeypatch.setenv("FONTCONFIG_FILE", "/nowhere/fonts.conf")
    narrow, wide = (
        graphviz.picture(f'digraph {{ a [label="{t}"] }}', "svg") for t in ("iiiii", "WWWWW")
    )
    assert b'rx="27' in narrow
    assert b'rx="27' not in wide


def test_drawing_is_possible_here() -> None:
    assert [graphviz.problem(kind) for kind in graphviz.KINDS] == [None] * 3


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"format": "gif"}, ValueError, "format must be one of svg, png, pdf, got 'gif'"),
        ({"rankdir": "up"}, ValueError, "rankdir must be one of"),
        ({"limit": 0}, ValueError, "limit must be 1 or more"),
        ({"params": [1]}, TypeError, "a Module or a mapping of names to tensors, got list"),
    ],
    ids=str,
)
def test_wrong_arguments(
    arguments: dict[str, Any], error: type[Exception], words: str, torch: ModuleType
) -> None:
    with pytest.raises(error, match=words):
        draw(torch.ones(2), **arguments)


def test_what_is_no_tensor() -> None:
    with pytest.raises(TypeError, match="draw: expected a Tensor, got float"):
        draw(1.5)


def test_a_suffix_that_names_no_format(tmp_path: Path, torch: ModuleType) -> None:
    drawing = draw(torch.ones(2))
    for name in ("graph", "graph.jpeg2"):
        with pytest.raises(ValueError, match=r"use one of \.dot, \.gv, \.svg, \.png, \.pdf"):
            drawing.save(tmp_path / name)
    assert not list(tmp_path.iterdir())
