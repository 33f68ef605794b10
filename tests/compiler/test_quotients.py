"""Divisions by one number, and choices that are the same for a row: made once, and with the same results."""

from __future__ import annotations

import numpy as np
import pytest

import rushlight as torch
import rushlight.nn.functional as F

EDGES = [0.0, -0.0, float("inf"), -float("inf"), float("nan"), 1e-45, -1e-38, 3.4e38, 1.0, -1.0]


def _values(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    spread = rng.standard_normal(4000) * 10.0 ** rng.integers(-30, 30, 4000)
    return np.concatenate([np.array(EDGES), spread]).astype(np.float32)


@pytest.mark.parametrize("divisor", [3.0, -0.1, 7e-30, 1e30, float("inf"), 0.0])
def test_a_division_by_a_number_of_the_run_is_a_division(divisor):
    @torch.compile
    def divide(x, y):
        return x / y

    x, y = torch.from_numpy(_values(0)), torch.tensor(divisor)
    divide(x, y)
    with np.errstate(all="ignore"):
        expected = x.numpy() / np.float32(divisor)
    made = divide(x, y).numpy()
    assert divide.refusals == []
    assert "quotient_f32" in divide.source
    off = ~((made == expected) | (np.isnan(made) & np.isnan(expected)))
    # What is lost by rounding may itself be too small for a float: then the last bit may be another.
    near = (np.abs(x.numpy()) < 1e-30) | (np.abs(expected) < 1.2e-38)
    assert near[off].all()
    assert (np.abs(made[off] - expected[off]) <= np.spacing(np.abs(expected[off]))).all()
    numbers = ~np.isnan(expected)
    assert np.array_equal(np.signbit(made[numbers]), np.signbit(expected[numbers]))


def test_a_softmax_divides_by_the_sum_of_its_row():
    step = torch.compile(lambda x: torch.softmax(x, 1))
    x = torch.from_numpy(np.random.default_rng(1).standard_normal((9, 40), dtype=np.float32))
    step(x)
    assert "quotient_f32" in step.source
    np.testing.assert_allclose(step(x).numpy(), torch.softmax(x, 1).numpy(), rtol=1e-6)


def test_what_is_ignored_is_asked_once_for_a_row():
    x = torch.from_numpy(np.random.default_rng(2).standard_normal((70, 65), dtype=np.float32))
    labels = torch.arange(70) % 65
    labels[5] = labels[69] = -100

    def step(x, labels):
        x = x.detach().requires_grad_()
        F.cross_entropy(x, labels).backward()
        return x.grad

    compiled = torch.compile(step)
    compiled(x, labels)
    np.testing.assert_allclose(
        compiled(x, labels).numpy(), step(x, labels).numpy(), rtol=2e-6, atol=1e-9
    )
    assert compiled.refusals == []
    assert "const float same_0 = " in compiled.source


def test_long_rows_beside_what_has_none():
    step = torch.compile(
        lambda x: (x.sum(1), x * 2, torch.softmax(x.view(4, 32, 64) + x[0, :64], 2))
    )
    x = torch.from_numpy(np.random.default_rng(3).standard_normal((4, 2048), dtype=np.float32))
    known = step(x)
    for made, expected in zip(step(x), known, strict=True):
        np.testing.assert_allclose(made.numpy(), expected.numpy(), rtol=1e-5, atol=1e-5)
    assert step.refusals == []
