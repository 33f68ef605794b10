"""What a notebook shows of tensors and modules: by methods here, by IPython's formatters under torch's name."""

import base64
import io
import re
import subprocess
import sys

import numpy as np
import pytest

import rushlight as torch
from rushlight import nn
from rushlight.visual.pixels import heat, picture, png


def image_of(html):
    (data,) = re.findall(r"base64,([^\"]+)", html)
    PIL = pytest.importorskip("PIL.Image")
    return np.asarray(PIL.open(io.BytesIO(base64.b64decode(data))))


def test_a_picture_is_the_values():
    x = torch.zeros(20, 30)
    x[3, 4], x[5, 6], x[7, 8], x[9, 10] = 2.0, -2.0, float("nan"), float("inf")
    html = x._repr_html_()
    shown = image_of(html)
    assert shown.shape == (20, 30, 3)
    red, _, blue = shown[3, 4].astype(int)
    assert red > blue + 100
    red, _, blue = shown[5, 6].astype(int)
    assert blue > red + 100
    assert len({tuple(shown[at]) for at in ((0, 0), (3, 4), (5, 6), (7, 8), (9, 10))}) == 5
    for words in ("[20, 30] float32", "-2 … 2", "1 nan, 1 infinite", "100% zeros"):
        assert words in html, words
    assert "<pre>tensor([[" in html


def test_png_is_read_by_others():
    pixels = np.random.RandomState(0).randint(0, 256, (5, 7, 3)).astype(np.uint8)
    PIL = pytest.importorskip("PIL.Image")
    np.testing.assert_array_equal(np.asarray(PIL.open(io.BytesIO(png(pixels)))), pixels)


@pytest.mark.parametrize(
    ("shape", "pixels"),
    [
        ((100,), (1, 100)), ((300, 400), (150, 200)), ((4, 5, 6), (11, 13)), ((2, 3, 3, 3), (7, 11)),
        ((3, 16, 16), (16, 16)), ((100, 2, 2), (23, 23)), ((1, 1, 1), (1, 1)),
    ],
)  # fmt: skip
def test_shapes_of_pictures(shape, pixels):
    values = np.linspace(0, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)
    assert picture(values).shape == (*pixels, 3)


def test_heat_of_numbers_without_order():
    assert (heat(np.full((2, 2), np.nan), 0.0, 0.0) == heat(np.full((2, 2), np.nan), -1, 1)).all()
    assert heat(np.zeros((1, 1)), 0.0, 0.0).tolist() == [[[246, 246, 246]]]


def test_tensors_of_all_kinds():
    w = nn.Linear(3, 2)
    w(torch.ones(1, 3)).sum().backward()
    html = w.weight._repr_html_()
    assert "<b>Parameter</b> [2, 3] float32" in html
    assert "gradient of norm 2.449" in html
    assert html.count("<td") == 6
    assert "MulBackward0" in (w.weight * 2)._repr_html_()
    assert "<pre>tensor(3)</pre>" in torch.tensor(3)._repr_html_()
    assert "2 of 3 are True" in torch.tensor([True, False, True])._repr_html_()
    assert "bfloat16" in torch.ones(4, 40, dtype=torch.bfloat16)._repr_html_()
    assert "[0, 3]" in torch.zeros(0, 3)._repr_html_()
    assert torch.ones(2, device="meta")._repr_html_() is None
    assert torch.ones(2, dtype=torch.complex64)._repr_html_() is None
    assert torch.eye(3).to_sparse()._repr_html_() is None
    seen = []
    torch.func.vmap(lambda x: seen.append(x._repr_html_()) or x)(torch.ones(3, 2))
    assert seen == [None]


def test_a_class_that_prints_in_its_own_way_is_printed():
    class Own(torch.Tensor):
        def __repr__(self):
            return "mine"

    class Mine(nn.Module):
        def __repr__(self):
            return "mine"

    assert torch.ones(3).as_subclass(Own)._repr_html_() is None
    assert Mine()._repr_html_() is None


def test_modules_are_folded():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    model = nn.Sequential(nn.TransformerEncoder(layer, 6), nn.Linear(8, 3)).eval()
    model[1].bias.requires_grad_(False)
    html = model._repr_html_()
    assert html.count("<details>") == 4
    count = sum(p.numel() for p in model.parameters())
    for words in (f"{count:,} parameters · evaluation · {count - 3:,} trainable", "0 … 5", "× 6",
                  "weight [3, 8], bias [3] frozen"):  # fmt: skip
        assert words in html, words
    assert nn.ReLU()._repr_html_().count("ReLU") == 2


SCRIPT = """
import sys, types
formatters = {}
class Shell:
    class display_formatter:
        class html:
            for_type = staticmethod(lambda cls, shown: formatters.update({cls: shown}))
        formatters = {"text/html": html}
if len(sys.argv) > 1:
    sys.modules["IPython"] = types.SimpleNamespace(get_ipython=lambda: Shell)
import rushlight.as_torch
import torch
x = torch.ones(3)
print(hasattr(x, "_repr_html_"), hasattr(torch.nn.ReLU(), "_repr_html_"), "rushlight.visual.drawing" in sys.modules)
for cls, shown in formatters.items():
    print(cls.__name__, shown(x if cls is torch.Tensor else torch.nn.ReLU())[:15])
"""


@pytest.mark.parametrize("notebook", [False, True])
def test_under_torchs_name_there_is_no_such_method(notebook):
    command = [sys.executable, "-c", SCRIPT, *(["notebook"] if notebook else [])]
    shown = subprocess.run(command, capture_output=True, text=True)
    lines = [
        "False False False",
        *(["Tensor <div><div><b>Te", "Module <div><div><b>Re"] * notebook),
    ]
    assert shown.stdout.splitlines() == lines, shown.stderr
