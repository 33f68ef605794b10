"""torch.utils.checkpoint against torch."""

from __future__ import annotations

import pytest
import torch

import rushlight
from rushlight.utils.checkpoint import CheckpointError, checkpoint
from tests.parity import parity

SETUP = """
    from torch.utils.checkpoint import checkpoint, checkpoint_sequential
    w = torch.linspace(-1, 1, 9).reshape(3, 3).requires_grad_()
    x = torch.linspace(0, 1, 6).reshape(2, 3).requires_grad_()
    _calls = []
    def f(x):
        _calls.append(x.shape)
        return torch.tanh(x @ w).exp() * w.sum()
"""


@pytest.mark.parametrize(
    "program",
    [
        """
        out = checkpoint(f, x, use_reentrant=False)
        out.sum().backward()
        """,
        """
        out = checkpoint(f, x * 2, use_reentrant=True)
        out.sum().backward()
        """,
        """
        out = checkpoint(f, checkpoint(f, x, use_reentrant=False), use_reentrant=False)
        out.sum().backward()
        """,
        """
        # A weight and something computed from it, both used inside.
        h = w * 2
        out = checkpoint(lambda x: (x @ h).sigmoid() @ w, x, use_reentrant=False)
        grads = torch.autograd.grad(out.sum(), [x, w])
        """,
        """
        out = checkpoint(lambda: w.exp().sum(), use_reentrant=False)
        out.backward()
        """,
        """
        first, second = checkpoint(lambda a, b: (a * b, a + 1), x, x * 3, use_reentrant=False)
        (first.sum() * second.mean()).backward()
        """,
        """
        out = checkpoint(lambda a, scale=1: a.sin() * scale, x, use_reentrant=False, scale=3)
        out.sum().backward()
        """,
        """
        out = checkpoint(lambda a, n: [a * n, "text", n], x, 2, use_reentrant=False)
        out[0].sum().backward()
        """,
        """
        out = checkpoint(f, x, use_reentrant=False)
        (g,) = torch.autograd.grad(out.sum(), x, create_graph=True)
        (g**2).sum().backward()
        """,
        """
        out = checkpoint(lambda a: a, x * 2, use_reentrant=False)
        out.sum().backward()
        """,
        """
        def dropped(a):
            return torch.nn.functional.dropout(a.expand(50, 2, 3), 0.5)
        out = checkpoint(dropped, x, use_reentrant=False)
        torch.rand(3)
        out.sum().backward()
        after = torch.rand(2)
        """,
        """
        layers = torch.nn.Sequential(*[torch.nn.Linear(3, 3) for _ in range(5)])
        out = checkpoint_sequential(layers, 2, x, use_reentrant=False)
        out.sum().backward()
        """,
        """
        with torch.no_grad():
            out = checkpoint(f, x, use_reentrant=False)
        """,
        """
        out = checkpoint(f, x, use_reentrant=False)
        out.sum().backward()
        again = attempt(lambda: out.sum().backward())
        """,
        """
        wrong = [
            attempt(lambda: checkpoint(f, x, use_reentrant=True, scale=1)),
            attempt(lambda: checkpoint(f, x, use_reentrant=True, context_fn=lambda: 1)),
            attempt(lambda: checkpoint(f, x, use_reentrant=False, determinism_check="maybe")),
            attempt(lambda: checkpoint(f, torch.ones(5), use_reentrant=False)),
        ]
        """,
    ],
)  # fmt: skip
def test_like_torch(program):
    parity(SETUP + program.replace("        ", "    "))


def test_nothing_wants_a_gradient():
    for framework in (torch, rushlight):
        run = framework.utils.checkpoint.checkpoint
        with pytest.warns(UserWarning, match="None of the inputs"):
            out = run(lambda a: a * 2, framework.ones(2), use_reentrant=True)
        assert not out.requires_grad
        assert not run(lambda a: a * 2, framework.ones(2), use_reentrant=False).requires_grad
        with pytest.warns(UserWarning, match="use_reentrant parameter should be passed"):
            run(lambda a: a * 2, framework.ones(2, requires_grad=True))


def test_other_random_numbers_on_wish():
    x = rushlight.ones(1000, requires_grad=True)
    masks = []

    def noisy(a):
        masks.append(rushlight.rand(1000))
        return a * masks[-1]

    checkpoint(noisy, x, use_reentrant=False).sum().backward()
    checkpoint(noisy, x, use_reentrant=False, preserve_rng_state=False).sum().backward()
    assert masks[0].equal(masks[1])
    assert not masks[2].equal(masks[3])


def test_a_function_that_is_not_the_same_twice():
    sizes = iter([3, 2])
    out = checkpoint(
        lambda a: a[: next(sizes)].exp(), rushlight.ones(3, requires_grad=True), use_reentrant=False
    )
    with pytest.raises(CheckpointError, match="different metadata"):
        out.sum().backward()


def test_memory_is_given_back():
    import tracemalloc

    w = rushlight.ones(1, requires_grad=True)

    def wide(x):
        for _ in range(20):
            x = (x * w).exp().log()
        return x

    kept = {}
    for name, run in {
        "plain": wide,
        "checkpoint": lambda x: checkpoint(wide, x, use_reentrant=False),
    }.items():
        x = rushlight.ones(100_000)
        tracemalloc.start()
        out = run(x)
        kept[name] = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        out.sum().backward()
    assert kept["checkpoint"] < kept["plain"] / 10


RUNS = ["a.exp()", "a[:1].exp()", "a.exp().exp()", "a.exp().sin()", "a * 3", "a.double().exp()"]


@pytest.mark.parametrize("options", ["", ", determinism_check='none'", ", early_stop=False"])
def test_the_second_run_is_compared_with_the_first(options):
    parity(f"""
from torch.utils.checkpoint import checkpoint
found = []
def alternating(first, second):
    runs = iter([first, second])
    return lambda a: next(runs)(a).sum()
for first in {RUNS!r}:
    for second in {RUNS!r}:
        x = torch.linspace(0.1, 0.5, 2).requires_grad_()
        f = alternating(eval("lambda a: " + first), eval("lambda a: " + second))
        y = checkpoint(f, x, use_reentrant=False{options})
        found.append(y.grad_fn.name())
        try:
            y.backward()
            found.append(x.grad)
        except RuntimeError as error:
            found.append(error.with_traceback(None))
y = None
""")


@pytest.mark.parametrize("reentrant", [False, True])
def test_what_surrounds_a_checkpoint(reentrant):
    parity(f"""
from torch.utils.checkpoint import checkpoint
found, calls = [], []
def f(a):
    calls.append((torch.is_grad_enabled(), torch.is_autocast_enabled("cpu")))
    return torch.nn.functional.dropout(a * a.exp(), 0.5)
def tried(action):
    try:
        return action()
    except Exception as error:
        return error.with_traceback(None)
def start():
    return torch.linspace(0.1, 0.9, 5).requires_grad_()
x = start(); y = checkpoint(f, x, use_reentrant={reentrant}).sum()
found += [torch.rand(1), tried(lambda: y.backward(retain_graph=True)), x.grad, tried(y.backward), x.grad]
x = start(); y = checkpoint(f, x, use_reentrant={reentrant}).sum()
found += [tried(lambda: torch.autograd.grad(y, x)), tried(lambda: y.backward(inputs=[x])), x.grad]
x = start(); y = checkpoint(f, x, use_reentrant={reentrant}).sum(); y.backward()
found.append(tried(y.backward))
x = start(); q = x * 1; y = checkpoint(f, q, use_reentrant={reentrant}); q.add_(1)
found.append(tried(lambda: y.sum().backward()))
with torch.autocast("cpu", dtype=torch.float16):
    x = start(); y = checkpoint(f, x, use_reentrant={reentrant})
y.float().sum().backward()
found += [x.grad, calls]
y = q = None
""")
