"""Copies that need not be made: what is laid out anew is written, or read, where it lies."""

from __future__ import annotations

import numpy as np

import rushlight as torch
import rushlight.nn.functional as F


def _random(*shape: int) -> torch.Tensor:
    rng = np.random.default_rng(sum(shape))
    return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))


def _copies(step) -> list[str]:
    """Loops that only copy."""
    lines = step.graph.splitlines()
    return [line for line in lines if line.count("[i]") == 2 and "= t" in line and "*" not in line]


def test_heads_are_written_beside_each_other():
    def heads(x, w):
        batch, length, width = x.shape
        y = x.view(batch, length, 4, width // 4).transpose(1, 2)
        y = (y @ y.transpose(2, 3)) @ y
        return y.transpose(1, 2).reshape(batch, length, width) @ w

    x, w = _random(3, 8, 32), _random(32, 32)
    step = torch.compile(heads)
    step(x, w)
    np.testing.assert_allclose(step(x, w).numpy(), heads(x, w).numpy(), rtol=1e-4, atol=1e-3)
    assert step.refusals == []
    assert _copies(step) == []


def test_gradients_of_parts_are_written_where_they_belong():
    x, w = _random(3, 16, 24), _random(96, 24).requires_grad_()

    def step():
        w.grad = None
        q, k, v = (
            part.view(3, 16, 2, 16).transpose(1, 2) for part in F.linear(x, w).split(32, dim=2)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        y.transpose(1, 2).reshape(3, 16, 32).square().sum().backward()

    step()
    known = w.grad.numpy().copy()
    compiled = torch.compile(step)
    compiled()
    compiled()
    assert compiled.refusals == []
    np.testing.assert_allclose(w.grad.numpy(), known, rtol=1e-4, atol=1e-5 * np.abs(known).max())


def test_what_is_laid_out_twice_is_laid_out_once():
    def step(x, y):
        a = (x.view(4, 6, 8) + 1).transpose(0, 1)
        return (a.reshape(24, 8) @ y).sum(0), (a.reshape(24, 8) * 2) @ y

    x, y = _random(24, 8), _random(8, 8)
    compiled = torch.compile(step)
    compiled(x, y)
    for made, known in zip(compiled(x, y), step(x, y), strict=True):
        np.testing.assert_allclose(made.numpy(), known.numpy(), rtol=1e-4, atol=1e-4)
    assert compiled.refusals == []


def test_what_is_written_again_keeps_its_own_memory():
    def step(x, y):
        a = x @ y
        b = a.t().contiguous()
        a.add_(1)
        c = b @ y
        b.mul_(2)
        return a @ c + b, c

    x, y = _random(16, 16), _random(16, 17)[:, :16].contiguous()
    compiled = torch.compile(step)
    compiled(x, y)
    for made, known in zip(compiled(x, y), step(x, y), strict=True):
        np.testing.assert_allclose(made.numpy(), known.numpy(), rtol=1e-4, atol=1e-4)
    assert compiled.refusals == []


def test_parts_put_beside_each_other_over_what_was_there():
    def step(x, y):
        out = torch.zeros(16, 40)
        out[:, :16] = x @ y
        out[:, 8:24] = (y @ x).t()
        return torch.cat([out, (x @ x).t()], 1) @ torch.ones(56, 4), out.t().contiguous() @ x

    x, y = _random(16, 16), _random(17, 16)[:16]
    compiled = torch.compile(step)
    compiled(x, y)
    for made, known in zip(compiled(x, y), step(x, y), strict=True):
        np.testing.assert_allclose(made.numpy(), known.numpy(), rtol=1e-4, atol=1e-4)
    assert compiled.refusals == []
