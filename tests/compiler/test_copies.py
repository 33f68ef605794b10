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


def test_what_was_before_each_step_lies_where_the_steps_lie():
    def step(x, w, given):
        states = torch.tanh(x @ w)
        before = torch.cat([given, states[:-4]])
        ahead = torch.cat([states[:8], given])
        changed = torch.sin(x @ w)
        late = torch.cat([given, changed[:-4]])
        changed.mul_(2)
        return (
            before.t() @ x,
            states.sum(0),
            ahead.t() @ x[:12],
            late.t() @ changed,
            (states @ w)[-4:],
        )

    x, w, given = _random(24, 16), _random(16, 16), _random(4, 16)
    compiled = torch.compile(step)
    compiled(x, w, given)
    for made, known in zip(compiled(x, w, given), step(x, w, given), strict=True):
        np.testing.assert_allclose(made.numpy(), known.numpy(), rtol=1e-4, atol=1e-4)
    assert compiled.refusals == []
    # `before` needs no copy of the states; what changes afterwards does.
    assert [line for line in _copies(compiled) if "tanh" not in line] == [
        "  t8[i] = t6[i]  for i in [8, 16]",
        "  t12[i] = t10[i]  for i in [20, 16]",
    ]


def test_a_recurrent_layer_keeps_states_once():
    layer = torch.nn.GRU(8, 16)
    x = _random(6, 3, 8)

    def step():
        layer.zero_grad()
        layer(x)[0].square().mean().backward()
        return [p.grad.clone() for p in layer.parameters()]

    compiled = torch.compile(step)
    known = step()
    compiled()
    for made, eager in zip(compiled(), known, strict=True):
        np.testing.assert_allclose(made.numpy(), eager.numpy(), rtol=1e-4, atol=1e-6)
    assert compiled.refusals == []
