"""FunctionDataset, which torch does not have."""

from __future__ import annotations

import pytest

import rushlight as torch
from rushlight.utils.data import DataLoader, FunctionDataset, TensorDataset, random_split


def test_uniform_points_and_values() -> None:
    torch.manual_seed(0)
    data = FunctionDataset(lambda x: x**2, -1.0, 3.0, 500)
    assert isinstance(data, TensorDataset)
    assert len(data) == 500
    assert data.x.shape == data.y.shape == (500, 1)
    assert data.x.dtype is data.y.dtype is torch.float32
    assert -1 <= data.x.min().item() < -0.9
    assert 2.9 < data.x.max().item() < 3
    x, y = data[7]
    assert y.item() == (x * x).item()
    torch.manual_seed(0)
    again = FunctionDataset(lambda x: x**2, -1.0, 3.0, 500)
    assert again.x.tolist() == data.x.tolist()


def test_several_arguments_grid_noise_and_generator() -> None:
    grid = FunctionDataset(lambda x: x[:, 0] * x[:, 1], [0, 1], [1, 3], 3, grid=True)
    assert grid.x.tolist()[:4] == [[0, 1], [0, 2], [0, 3], [0.5, 1]]
    assert grid.y.shape == (9, 1)
    assert grid.y.flatten().tolist()[-1] == 3
    noisy = [
        FunctionDataset(
            lambda x: torch.zeros(len(x), 2),
            0,
            1,
            2000,
            noise=0.5,
            dtype=torch.float64,
            generator=torch.Generator().manual_seed(3),
        )
        for _ in range(2)
    ]
    assert noisy[0].y.tolist() == noisy[1].y.tolist()
    assert noisy[0].y.dtype is torch.float64
    assert noisy[0].y.shape == (2000, 2)
    assert 0.45 < noisy[0].y.numpy().std() < 0.55


def test_it_works_with_loaders_and_splits() -> None:
    data = FunctionDataset(lambda x: 2 * x, 0, 1, 10)
    train, rest = random_split(data, [0.8, 0.2])
    for x, y in DataLoader(train, batch_size=4, shuffle=True):
        assert y.tolist() == (2 * x).tolist()
    assert len(rest) == 2
    assert repr(FunctionDataset(torch.sin, 0, 1, 3)) == "FunctionDataset(sin, low=0, high=1, n=3)"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((lambda x: x, 1, 0, 5), ValueError, "low must be below high"),
        ((lambda x: x, 0, float("inf"), 5), ValueError, "finite"),
        ((lambda x: x, [0, 1], [1], 5), ValueError, "one bound for each argument"),
        ((lambda x: x, 0, 1, 0), ValueError, "n should be a positive integer"),
        ((lambda x: x, 0, 1, 2.0), ValueError, "n should be a positive integer"),
        ((lambda x: x.numpy(), 0, 1, 5), TypeError, "should return a Tensor, but returned ndarray"),
        ((lambda x: x[1:], 0, 1, 5), ValueError, r"5 points .* returned shape \(4, 1\)"),
        ((lambda x: x.sum(), 0, 1, 5), ValueError, "as many rows"),
    ],
)
def test_wrong_arguments(arguments: tuple, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        FunctionDataset(*arguments)


def test_negative_noise() -> None:
    with pytest.raises(ValueError, match="standard deviation"):
        FunctionDataset(lambda x: x, 0, 1, 5, noise=-1.0)
