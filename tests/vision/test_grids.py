"""make_grid and save_image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight.vision.utils import make_grid, save_image


def test_layout() -> None:
    batch = torch.arange(1.0, 6).reshape(5, 1, 1, 1).expand(5, 3, 2, 2)
    grid = make_grid(batch, nrow=2, padding=1, pad_value=9)
    assert grid.shape == (3, 10, 7)
    expected = np.full((10, 7), 9.0)
    for index in range(5):
        row, column = divmod(index, 2)
        expected[1 + 3 * row : 3 + 3 * row, 1 + 3 * column : 3 + 3 * column] = index + 1
    expected[7:9, 4:6] = 9  # no sixth image
    assert grid[1].tolist() == expected.tolist()
    assert make_grid(batch).shape == (3, 6, 22)
    assert make_grid(list(batch), nrow=3, padding=0).shape == (3, 4, 6)


def test_single_images_and_one_channel() -> None:
    assert make_grid(torch.rand(4, 5)).shape == (3, 4, 5)
    assert make_grid(torch.rand(1, 4, 5)).shape == (3, 4, 5)
    assert make_grid(torch.rand(3, 4, 5)).shape == (3, 4, 5)
    assert make_grid(torch.rand(1, 3, 4, 5)).shape == (3, 4, 5)
    assert make_grid(torch.rand(2, 1, 4, 5)).shape == (3, 8, 16)
    assert make_grid(torch.zeros(2, 3, 4, 5, dtype=torch.uint8)).dtype is torch.uint8


def test_normalisation_leaves_the_input_alone() -> None:
    batch = torch.tensor([0.0, 1.0, 2.0, 10.0]).reshape(2, 1, 1, 2)
    before = batch.tolist()
    whole = make_grid(batch, normalize=True, padding=0)
    each = make_grid(batch, normalize=True, scale_each=True, padding=0)
    given = make_grid(batch, normalize=True, value_range=(1, 5), padding=0)
    assert whole[0].flatten().tolist() == pytest.approx([0, 0.1, 0.2, 1])
    assert each[0].flatten().tolist() == [0, 1, 0, 1]
    assert given[0].flatten().tolist() == [0, 0, 0.25, 1]
    assert batch.tolist() == before
    assert make_grid(torch.ones(2, 1, 1, 1), normalize=True).max().item() == 0
    assert not make_grid(torch.rand(2, 3, 2, 2, requires_grad=True)).requires_grad


@pytest.mark.parametrize(
    ("wrong", "options"),
    [(3, {}), ([3], {}), (np.ones((3, 2, 2)), {}), ("rand", {"normalize": True, "value_range": 3})],
)
def test_wrong_arguments(wrong: Any, options: dict[str, Any]) -> None:
    tensor = torch.rand(2, 3, 2, 2) if isinstance(wrong, str) else wrong
    with pytest.raises(TypeError, match=r"expected, got|value_range has to be a tuple"):
        make_grid(tensor, **options)


def test_saved_images(tmp_path: Path) -> None:
    from PIL import Image

    values = torch.tensor([[-1.0, 0.0, 0.499], [0.5, 1.0, 2.0]])
    save_image(values, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert (image.mode, image.size) == ("RGB", (3, 2))
        assert np.asarray(image)[..., 0].tolist() == [[0, 0, 127], [128, 255, 255]]
    with open(tmp_path / "b", "wb") as file:
        save_image(torch.rand(4, 3, 5, 5), file, format="png", nrow=2, padding=1)
    with Image.open(tmp_path / "b") as image:
        assert image.size == (13, 13)
    with pytest.raises(ValueError, match="unknown file extension"):
        save_image(values, tmp_path / "c.what")
