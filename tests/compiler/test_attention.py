"""Attention as one kernel: its C against NumPy in float64, where it is recognised, and what it leaves alone."""

import ctypes
import itertools

import numpy as np
import pytest

import rushlight as torch
import rushlight.nn.functional as F
from rushlight.compiler import build
from rushlight.compiler.kernels import attention
from rushlight.compiler.kernels.attention import Heads
from rushlight.compiler.kernels.fragments import together
from rushlight.compiler.kernels.target import Target
from rushlight.compiler.kernels.text import together as texts
from tests.compiler.guarded import Guarded, compiled, pointer
from tests.compiler.test_strips import threads_set

TARGETS = {"avx512": Target(16, 32), "avx2": Target(8, 16), "sse": Target(4, 16)}
BATCH, HEADS = 2, 3
# Whole tiles, tails of rows and of columns, one panel and several, more rows than a block, widths that differ.
KINDS = [
    Heads(64, 64, 32, 32, True, 0.17677669),
    Heads(24, 24, 16, 16, True),
    Heads(13, 21, 16, 32, True, 0.5),
    Heads(21, 13, 32, 16, False, 0.4),
    Heads(100, 101, 32, 48, True, 0.3),
    Heads(9, 130, 16, 16, False, 0.25),
    Heads(150, 70, 16, 16, False, 0.3),
    Heads(8, 8, 16, 16, True),
]


def attended(q, k, v, g, heads):
    """Means, and the gradients of q, k and v, in float64: [batch, heads, rows, numbers]."""
    q, k, v, g = (x.astype(np.float64).transpose(0, 2, 1, 3) for x in (q, k, v, g))
    scores = q @ k.swapaxes(-1, -2) * heads.scale
    if heads.causal:
        scores = np.where(np.tri(*scores.shape[-2:], dtype=bool), scores, -np.inf)
    w = np.exp(scores - scores.max(-1, keepdims=True))
    w /= w.sum(-1, keepdims=True)
    slopes = g @ v.swapaxes(-1, -2)
    slopes = w * (slopes - (slopes * w).sum(-1, keepdims=True)) * heads.scale
    found = w @ v, slopes @ k, slopes.swapaxes(-1, -2) @ q, w.swapaxes(-1, -2) @ g
    return [x.transpose(0, 2, 1, 3) for x in found]


@pytest.fixture(scope="module", params=TARGETS)
def kernels(request, tmp_path_factory):
    """The library of all kernels for a processor, and their names."""
    target = TARGETS[request.param]
    names, made = {}, []
    for heads in KINDS:
        steps = [HEADS * n for n in (heads.width, heads.width, heads.values)]
        q, k, v = (
            (n * step, step)
            for n, step in zip((heads.rows, heads.columns, heads.columns), steps, strict=True)
        )
        o = heads.rows * steps[2], steps[2]

        def batch(*places):
            inner = [step // HEADS for _, step in places]
            return [(BATCH, *(item for item, _ in places)), (HEADS, *inner)]

        forward = [
            attention.forward(
                heads, batch(q, k, v, o), [s for _, s in (q, k, v, o)], target, keeps=keeps
            )
            for keeps in (False, True)
        ]
        places = o, q, k, v, q, k, v
        backward = attention.backward(heads, batch(*places), [s for _, s in places], target)
        made += [*forward, backward]
        names[heads] = [kernel.name for kernel in (*forward, backward)]
    text = together(
        [name for kernel in made for name in ("transposition_float", *kernel.fragments)], target
    )
    text += texts(made)
    for name in itertools.chain(*names.values()):
        text = text.replace(f"static void {name}(", f"void {name}(")
    folder = tmp_path_factory.mktemp("attention")
    return compiled(text, folder, request.param), names, target


@pytest.mark.parametrize("heads", KINDS, ids=str)
def test_kernels(kernels, heads):
    library, names, target = kernels
    assert attention.fits(heads, target)
    rng = np.random.default_rng(0)

    def filled(rows, width, at_the_end, value=None):
        memory = Guarded(BATCH * rows * HEADS * width, np.float32, at_the_end=at_the_end)
        memory.array[...] = rng.standard_normal(memory.array.size) if value is None else value
        return memory, memory.array.reshape(BATCH, rows, HEADS, width)

    for at_the_end in (False, True):
        sizes = [
            (heads.rows, heads.width),
            (heads.columns, heads.width),
            (heads.columns, heads.values),
        ]
        held, (q, k, v) = zip(*(filled(*size, at_the_end) for size in sizes), strict=True)
        also, (o, g) = zip(
            *(filled(heads.rows, heads.values, at_the_end, x) for x in (np.nan, None)), strict=True
        )
        more, (dq, dk, dv) = zip(
            *(filled(*size, at_the_end, np.nan) for size in sizes), strict=True
        )
        w = Guarded(
            BATCH * HEADS * heads.rows * attention.pitch(heads, target),
            np.float32,
            at_the_end=at_the_end,
        )
        w.array[...] = np.nan
        plain, keeping, backward = names[heads]
        means, *gradients = attended(q, k, v, g, heads)
        ends = ctypes.c_long(0), ctypes.c_long(BATCH * HEADS)
        getattr(library, plain)(*map(pointer, (q, k, v, o)), *ends)
        np.testing.assert_allclose(o, means, rtol=2e-5, atol=2e-6)
        o[...] = np.nan
        getattr(library, keeping)(*map(pointer, (q, k, v, o, w.array)), *ends)
        np.testing.assert_allclose(o, means, rtol=2e-5, atol=2e-6)
        getattr(library, backward)(*map(pointer, (g, q, k, v, w.array, dq, dk, dv)), *ends)
        for found, wanted in zip((dq, dk, dv), gradients, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
        del held, also, more


def test_what_is_not_finite(kernels):
    """Rows that see an infinity or nan give nan, others what they gave."""
    library, names, _ = kernels
    heads = KINDS[1]
    rng = np.random.default_rng(0)
    q, k, v, o = (rng.standard_normal((BATCH, 24, HEADS, 16)).astype(np.float32) for _ in range(4))
    k[0, 20, 0, 3] = np.nan
    k[0, 10, 1, 3] = np.inf
    getattr(library, names[heads][0])(
        *map(pointer, (q, k, v, o)), ctypes.c_long(0), ctypes.c_long(BATCH * HEADS)
    )
    with np.errstate(invalid="ignore"):
        means, *_ = attended(q, k, v, o, heads)
    assert np.isnan(o[0, 20:, 0]).all()
    assert not np.isnan(o[0, :16, 0]).any()
    finite = ~np.isnan(means)
    np.testing.assert_allclose(
        o[finite & ~np.isnan(o)], means[finite & ~np.isnan(o)], rtol=2e-5, atol=2e-6
    )


# ---- where it is recognised ----------------------------------------------------------------------


def trained(attend, wrap, length=24, width=48, heads=3, batch=4, layout=True):
    """Losses of a few steps of a layer, and its last gradients."""
    torch.manual_seed(0)
    expand, project = torch.nn.Linear(width, 3 * width), torch.nn.Linear(width, width)
    x, y = torch.randn(batch, length, width), torch.randn(batch, length, width)
    parameters = [*expand.parameters(), *project.parameters()]

    def step():
        q, k, v = (
            part.view(batch, length, heads, width // heads).transpose(1, 2)
            for part in expand(x).split(width, dim=2)
        )
        means = attend(q, k, v)
        loss = ((project(means.transpose(1, 2).reshape(batch, length, width)) - y) ** 2).mean()
        for p in parameters:
            p.grad = None
        loss.backward()
        with torch.no_grad():
            for p in parameters:
                p.sub_(p.grad, alpha=0.5)
        return loss

    run = wrap(step)
    losses = [run().item() for _ in range(4)]
    return losses, [p.grad.numpy().copy() for p in parameters], run


def by_hand(q, k, v):
    """As nanoGPT has it where there is no fused attention: a mask that is filled in."""
    scores = (q @ k.transpose(-2, -1)) * 0.25
    hidden = torch.tril(torch.ones(q.shape[-2], q.shape[-2])) == 0
    return F.softmax(scores.masked_fill(hidden, float("-inf")), dim=-1) @ v


def seen_outside(q, k, v):
    """The weights are used twice."""
    weights = F.softmax(q @ k.transpose(-2, -1), dim=-1)
    return weights @ v + weights.mean()


def shared(q, k, v):
    """Queries that others read, too."""
    scaled = q * 0.25
    return F.softmax(scaled @ k.transpose(-2, -1), dim=-1) @ v + scaled


WAYS = {
    "causal": (lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), True),
    "all": (F.scaled_dot_product_attention, True),
    "own scale": (lambda q, k, v: F.scaled_dot_product_attention(q, k, v, scale=1.5), True),
    "scale below 0": (lambda q, k, v: F.scaled_dot_product_attention(q, k, v, scale=-0.5), True),
    "shared": (shared, True),
    "with a mask": (
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, attn_mask=torch.ones(24, 24).tril(3) == 1),
        False,
    ),
    "dropout": (lambda q, k, v: F.scaled_dot_product_attention(q, k, v, dropout_p=0.2), False),
    "by hand": (by_hand, False),
    "seen outside": (seen_outside, False),
    "one head's keys": (lambda q, k, v: F.scaled_dot_product_attention(q, k[:, :1], v[:, :1], enable_gqa=True), None),
}  # fmt: skip


@pytest.mark.skipif(build.target().width < 4, reason="plain C is not fused")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("threads", [1, 2])
def test_training(way, threads):
    attend, fused = WAYS[way]
    losses, gradients, _ = trained(attend, lambda step: step)
    with threads_set(threads):
        found, others, run = trained(attend, torch.compile)
        assert not run.refusals
        if fused is not None:
            names = ("= attention(", "= attention_backward(")
            assert [name in run.graph for name in names] == [fused, fused]
    np.testing.assert_allclose(found, losses, rtol=1e-5)
    for one, other in zip(others, gradients, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-6)


@pytest.mark.skipif(build.target().width < 4, reason="plain C is not fused")
@pytest.mark.parametrize("length", [24, 77])
def test_inference_keeps_no_weights(length):
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, 3, length, 16) for _ in range(3))

    def attend(q, k, v):
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)

    run = torch.compile(attend)
    for _ in range(2):
        found = run(q, k, v)
    np.testing.assert_allclose(found.numpy(), attend(q, k, v).numpy(), rtol=1e-5, atol=1e-6)
    assert "= attention(" in run.graph
    assert f"[2, 3, {length}, {length}]" not in run.graph


@pytest.mark.skipif(build.target().width < 4, reason="plain C is not fused")
def test_frozen_keys_stay_as_they_are():
    """Where a gradient is not asked for, the rest comes out as ever."""
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, 3, 24, 16) for _ in range(3))
    q.requires_grad_()

    def step():
        q.grad = None
        loss = (F.scaled_dot_product_attention(q, k, v) ** 2).sum()
        loss.backward()
        return loss

    wanted = step().item(), q.grad.numpy().copy()
    run = torch.compile(step)
    for _ in range(2):
        loss = run()
    assert loss.item() == pytest.approx(wanted[0], rel=1e-5)
    np.testing.assert_allclose(q.grad.numpy(), wanted[1], rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(build.target().width < 4, reason="plain C is not fused")
def test_backward_later():
    """As a module whose loss is computed outside: the weights are kept until backward."""
    torch.manual_seed(0)
    x = torch.randn(3, 24, 48)
    layer = torch.nn.MultiheadAttention(48, 3, batch_first=True)

    def gradients(attend):
        for p in layer.parameters():
            p.grad = None
        attend(x).square().mean().backward()
        return [p.grad.numpy().copy() for p in layer.parameters()]

    def attend(x):
        q, k, v = (
            part.view(3, 24, 3, 16).transpose(1, 2)
            for part in F.linear(x, layer.in_proj_weight, layer.in_proj_bias).split(48, dim=2)
        )
        means = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return layer.out_proj(means.transpose(1, 2).reshape(3, 24, 48))

    wanted = gradients(attend)
    run = torch.compile(attend)
    for _ in range(3):
        found = gradients(run)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-6)
