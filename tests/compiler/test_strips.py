"""Strips: what is cut in strips of rows gives what eager gives, and what must not be cut is not."""

import mmap
import re
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

import rushlight as torch
import rushlight.nn.functional as F
from rushlight.compiler import build, room, written
from rushlight.compiler.kernels.target import Target
from rushlight.memory import address

HERE = build.target()


@contextmanager
def threads_set(count):
    """So many threads for a while."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def small_cache(monkeypatch):
    """A processor whose second cache is so small that little stays near; on one thread."""
    if HERE.width == 1:
        pytest.skip("plain C is not cut")
    monkeypatch.setattr(written, "target", lambda: replace(HERE, l2=1 << 16))
    with threads_set(1):
        yield


def strips_of(step):
    """In how many strips the C runs what."""
    found = re.findall(r"for \(long s = 0; s < (\d+); s\+\+\) \{\n(.*?)\n    \}", step.source, re.S)
    return [(int(n), re.findall(r"CALL\(\d+, (\w+)\(", body)) for n, body in found]


def layer(width=64, heads=4):
    """A layer of attention and a dense one, with norms whose weights have gradients over all rows."""
    return torch.nn.ModuleDict(
        {
            "norm": torch.nn.LayerNorm(width),
            "expand": torch.nn.Linear(width, 3 * width),
            "project": torch.nn.Linear(width, width),
            "up": torch.nn.Linear(width, 4 * width),
            "down": torch.nn.Linear(4 * width, width),
        }
    )


def through(m, x, heads=4):
    batch, length, width = x.shape
    q, k, v = (
        part.view(batch, length, heads, width // heads).transpose(1, 2)
        for part in m["expand"](m["norm"](x)).split(width, dim=2)
    )
    y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    x = x + m["project"](y.transpose(1, 2).reshape(batch, length, width))
    return x + m["down"](F.gelu(m["up"](x)))


def trained(wrap, steps=3, batch=8):
    torch.manual_seed(0)
    model = torch.nn.ModuleList(layer() for _ in range(2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    x = torch.randn(batch, 24, 64)
    y = torch.randn(batch, 24, 64)

    def step():
        h = x
        for m in model:
            h = through(m, h)
        loss = ((h - y) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    step = wrap(step)
    losses = [step().item() for _ in range(steps)]
    return losses, [p.detach().numpy().copy() for p in model.parameters()], step


def test_a_network_in_strips_is_what_it_is_eagerly(small_cache):
    losses, weights, step = trained(torch.compile)
    cut = strips_of(step)
    assert len(cut) > 3
    assert any("loop" in name for _, names in cut for name in names)
    # A norm's weight has its gradient added up from strip to strip.
    assert "if (begin) {" in step.source
    # What only one strip knows lies where that of the strip before lay.
    near = re.findall(r"\bp\[(\d+)\](?: \+ \d+)? - s \* \d+", step.source)
    assert len(set(near)) > 3
    expected, eager, _ = trained(lambda f: f)
    np.testing.assert_allclose(losses, expected, rtol=2e-6)
    for found, wanted in zip(weights, eager, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=2e-7)


@pytest.mark.parametrize("threads", [2, 4])
def test_threads_share_strips(small_cache, threads):
    with threads_set(threads):
        losses, weights, step = trained(torch.compile, batch=4 * threads)
        expected, eager, _ = trained(lambda f: f, batch=4 * threads)
    shared = re.findall(r"static void strips_\d+\(.*?\n\}\n", step.source, re.S)
    assert len(shared) > 1
    # A norm's weight: each thread adds up for itself.
    assert any("memset(" in text for text in shared)
    assert any("+ (part - s) * " in text for text in shared)
    for packs in re.findall(r"static void packs_\d+\(.*?\n\}\n", step.source, re.S):
        assert packs.count("break;") == len(re.findall(r"case \d+: CALL\(\d+, \w+_pack", packs)) > 1
    np.testing.assert_allclose(losses, expected, rtol=2e-6)
    for found, wanted in zip(weights, eager, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=2e-7)


@pytest.mark.parametrize("fold", [torch.amax, torch.sum, torch.prod])
def test_threads_and_what_is_made_of_all_rows(small_cache, fold):
    m, x = layer(), torch.randn(8, 24, 64)

    def f(x):
        y = through(m, x)
        return y, fold(y.view(-1, 64) * 0.01 + 1, 0), fold(x.view(-1, 64) * 0.01 + 1, 0)

    with torch.no_grad(), threads_set(2):
        expected = [y.numpy() for y in f(x)]
        compiled = torch.compile(f)
        for _ in range(3):
            found = [y.numpy() for y in compiled(x)]
    assert "strips_" in compiled.source
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_what_is_seen_later_is_kept_whole(small_cache):
    torch.manual_seed(2)
    m, x = layer(), torch.randn(8, 24, 64)

    def f(x):
        q, k, v = (
            part.view(8, 24, 4, 16).transpose(1, 2)
            for part in m["expand"](m["norm"](x)).split(64, dim=2)
        )
        seen = torch.softmax(q @ k.transpose(-2, -1), -1)
        return seen, (seen @ v).transpose(1, 2).reshape(8, 24, 64) + x

    with torch.no_grad():
        expected = [y.numpy() for y in f(x)]
        compiled = torch.compile(f)
        for _ in range(3):
            found = [y.numpy() for y in compiled(x)]
    assert strips_of(compiled)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_large_memory_begins_where_a_large_page_does():
    memory = room.zeros(5 << 20)
    assert memory.size == 5 << 20
    assert not memory.any()
    assert room.zeros(100).size == 100
    memory[:] = 1
    if hasattr(mmap, "MADV_HUGEPAGE"):
        assert address(memory) % (2 << 20) == 0
    assert int(memory.sum()) == memory.size


def test_what_reads_further_rows_is_not_cut(small_cache):
    torch.manual_seed(1)
    w, x = torch.randn(64, 256), torch.randn(192, 64)

    @torch.compile
    def f(x):
        h = x @ w
        # Row i of the result needs row i + 1 of the product.
        return (h[1:] - h[:-1]) @ w.T

    for _ in range(3):
        out = f(x)
    assert not strips_of(f)
    h = x.numpy() @ w.numpy()
    np.testing.assert_allclose(out.numpy(), (h[1:] - h[:-1]) @ w.numpy().T, atol=2e-3)


def test_rows_before_are_there(small_cache):
    torch.manual_seed(1)
    w, x = torch.randn(64, 256), torch.randn(192, 64)

    @torch.compile
    def f(x):
        h = torch.relu(x @ w)
        return h @ w.T + h.sum(0)[:64]

    for _ in range(3):
        out = f(x)
    h = np.maximum(x.numpy() @ w.numpy(), 0)
    np.testing.assert_allclose(out.numpy(), h @ w.numpy().T + h.sum(0)[:64], rtol=1e-4, atol=2e-3)


def test_matrices_are_only_there_where_the_system_hands_them_out(monkeypatch):
    monkeypatch.setenv("RUSHLIGHT_MATRICES", "0")
    build.target.cache_clear()
    try:
        assert not build.target().matrices
    finally:
        monkeypatch.undo()
        build.target.cache_clear()
    assert isinstance(build.target(), Target)
