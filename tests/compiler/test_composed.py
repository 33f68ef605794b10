"""Composites that become two kernels in C: the same results, gradients, nodes and refusals."""

import numpy as np
import pytest

import rushlight as torch
import rushlight.nn.functional as F
from rushlight import heavy

pytestmark = pytest.mark.usefixtures("quick")


def normal(*shape, seed=0):
    numbers = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    return torch.tensor(numbers, requires_grad=True)


def heads(seed):
    return normal(3, 24, 4, 32, seed=seed).transpose(1, 2)


CALLS = {
    "attention": (lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
                  lambda: [heads(1), heads(2), heads(3)], "ScaledDotProductFlashAttentionForCpuBackward0"),
    "grid_sample": (lambda x, g: F.grid_sample(x, g.tanh() * 1.2, align_corners=False),
                    lambda: [normal(2, 3, 16, 16), normal(2, 8, 8, 2, seed=4)], "GridSampler2DBackward0"),
    "reflected": (lambda x, g: F.grid_sample(x, g.tanh() * 1.2, padding_mode="reflection", align_corners=True),
                  lambda: [normal(2, 3, 16, 16), normal(2, 8, 8, 2, seed=4)], "GridSampler2DBackward0"),
    "volumes": (lambda x, g: F.grid_sample(x, g.tanh(), align_corners=False),
                lambda: [normal(2, 2, 6, 6, 6), normal(2, 3, 3, 3, 3, seed=4)], "GridSampler3DBackward0"),
    "pdist": (torch.pdist, lambda: [normal(24, 8)], "PdistBackward0"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(heavy, "ASKED", 2)
    monkeypatch.setattr(heavy, "TAKEN", 4)


@pytest.mark.parametrize("name", CALLS)
def test_kernels_give_what_the_composite_gives(name):
    function, make, node = CALLS[name]
    inputs = make()
    outs = [function(*inputs) for _ in range(6)]
    g = torch.randn(outs[0].shape)
    for early in (False, True):
        assert outs[-early].grad_fn.name() == node
        assert outs[-early].stride() == outs[0].stride()
    # The node of many became one.
    assert hasattr(outs[-1].grad_fn, "made")
    torch.testing.assert_close(outs[-1], outs[0], rtol=1e-5, atol=1e-5)
    plain, fast = (
        torch.autograd.grad(out, inputs, g, retain_graph=True) for out in (outs[0], outs[-1])
    )
    for one, other in zip(plain, fast, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-5)
    with torch.no_grad():
        late = [function(*inputs) for _ in range(6)][-1]
    torch.testing.assert_close(late, outs[0].detach(), rtol=1e-5, atol=1e-5)
    assert not late.requires_grad
    with torch.backends.c.flags(enabled=False):
        assert torch.equal(function(*inputs), outs[0])


@pytest.mark.parametrize("name", CALLS)
def test_a_gradient_of_a_gradient_is_refused_as_before(name):
    function, make, _ = CALLS[name]
    inputs = make()
    errors = []
    for _ in range(6):
        (first, *_) = torch.autograd.grad(
            function(*inputs).square().sum(), inputs, create_graph=True
        )
        try:
            first.sum().backward()
            errors.append("")
        except (RuntimeError, NotImplementedError) as error:
            errors.append(f"{type(error).__name__}: {error}")
    assert len(set(errors)) == 1


def test_what_was_saved_and_changed_is_an_error_and_some_may_want_no_gradient():
    q, k, v = heads(1).detach().requires_grad_(), heads(2).detach(), heads(3).detach()
    for _ in range(6):
        out = F.scaled_dot_product_attention(q, k, v)
    assert hasattr(out.grad_fn, "made")
    (dq,) = torch.autograd.grad(out.sum(), q, retain_graph=True)
    assert dq.shape == q.shape
    k.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.sum().backward()
    loss = F.scaled_dot_product_attention(q, k, v).sum()
    loss.backward()
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()


def test_nothing_changes_while_a_function_is_recorded_or_batched():
    q, k, v = (heads(i).detach() for i in (1, 2, 3))
    for _ in range(6):
        expected = F.scaled_dot_product_attention(q, k, v)
    step = torch.compile(lambda: F.scaled_dot_product_attention(q, k, v))
    torch.testing.assert_close(step(), expected)
    assert not step.refusals
    batched = torch.func.vmap(F.scaled_dot_product_attention)(q, k, v)
    torch.testing.assert_close(batched, expected, rtol=1e-5, atol=1e-5)
