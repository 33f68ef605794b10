"""backward and grad: the numbers, what is kept, what is refused."""

import gc
import sys
import weakref

import pytest

import rushlight
from tests.parity import parity

PROGRAMS = {
    "accumulates into leaves only": """
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        w = torch.tensor([3.0, 4.0], requires_grad=True)
        y = x * w
        z = (y * y).sum()
        z.backward()
        first = x.grad.clone()
        (x * 2).sum().backward()
        kept = y.grad_fn is not None, y.is_leaf, x.is_leaf
    """,
    "a tensor used many times": """
        a = torch.tensor(2.0, requires_grad=True)
        b = a + a
        c = b * a + b
        for _ in range(3):
            c = c * b + a
        c.backward()
    """,
    "broadcasting is undone": """
        a = torch.ones(2, 1, 3, requires_grad=True)
        b = torch.ones(4, 1, requires_grad=True)
        c = torch.tensor(2.0, requires_grad=True)
        ((a * b + c) ** 2).sum().backward()
    """,
    "promotion is undone": """
        a = torch.ones(3, dtype=torch.float32, requires_grad=True)
        b = torch.ones(3, dtype=torch.float64, requires_grad=True)
        n = torch.arange(3)
        (a * b + n * a).sum().backward()
    """,
    "non-scalar roots": """
        x = torch.arange(4.0, requires_grad=True)
        y = x ** 2
        y.backward(torch.tensor([1.0, 0.0, 2.0, 0.5]))
        u = torch.arange(3.0, requires_grad=True)
        torch.autograd.backward([u * 2, u ** 2], [torch.ones(3), torch.ones(3) * 3])
    """,
    "retain_grad": """
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        y = x * 3
        y.retain_grad()
        z = (y ** 2).sum()
        z.backward()
        kept = y.grad, y.retains_grad
    """,
    "retain_graph and a second backward": """
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        y = (x ** 3).sum()
        y.backward(retain_graph=True)
        y.backward()
        again = attempt(lambda: y.backward())
    """,
    "nothing saved, nothing to free": """
        x = torch.ones(2, requires_grad=True)
        y = (x + 1).sum()
        y.backward()
        y.backward()
    """,
    "inputs": """
        a = torch.tensor(2.0, requires_grad=True)
        b = torch.tensor(3.0, requires_grad=True)
        (a * b).backward(inputs=[a])
        none = b.grad
    """,
    "frozen": """
        a = torch.ones(3, requires_grad=True)
        b = torch.ones(3)
        y = (a * b).sum()
        y.backward()
        none = b.grad
        a.requires_grad_(False)
        frozen = (a * b).requires_grad
    """,
    "detach shares memory": """
        x = torch.ones(3, requires_grad=True)
        d = x.detach()
        d[0] = 5.0
        y = (x * d).sum()
        y.backward()
    """,
    "third derivative": """
        x = torch.tensor([0.3, 0.7], dtype=torch.float64, requires_grad=True)
        y = (x.exp() * x.sin() + x ** 4).sum()
        (g,) = torch.autograd.grad(y, x, create_graph=True)
        (h,) = torch.autograd.grad(g.sum(), x, create_graph=True)
        (k,) = torch.autograd.grad(h.sum(), x)
    """,
    "grad touches no .grad": """
        x = torch.tensor(2.0, requires_grad=True)
        y = torch.tensor(3.0, requires_grad=True)
        dx, dy = torch.autograd.grad(x * y ** 2, [x, y])
        untouched = x.grad, y.grad
    """,
    "grad of a non-leaf": """
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        h = x * 2
        z = (h ** 2).sum()
        (dh,) = torch.autograd.grad(z, h)
    """,
    "unused inputs": """
        x = torch.ones(2, requires_grad=True)
        y = torch.ones(2, requires_grad=True)
        error = attempt(lambda: torch.autograd.grad((x * 2).sum(), [x, y]))
        dx, dy = torch.autograd.grad((x * 2).sum(), [x, y], allow_unused=True)
        zx, zy = torch.autograd.grad((x * 2).sum(), [x, y], materialize_grads=True)
    """,
    "gradient penalty": """
        x = torch.randn(4, 3, requires_grad=True)
        w = torch.randn(3, 2, requires_grad=True)
        out = torch.tanh(x @ w).sum()
        (g,) = torch.autograd.grad(out, x, create_graph=True)
        penalty = ((g.norm(2, dim=1) - 1) ** 2).mean()
        penalty.backward()
    """,
    "errors": """
        x = torch.ones(2, requires_grad=True)
        vector = attempt(lambda: (x * 2).backward())
        constant = attempt(lambda: torch.ones(1).backward())
        shape = attempt(lambda: (x * 2).backward(torch.ones(3)))
        integers = attempt(lambda: torch.ones(2, dtype=torch.long).requires_grad_())
        inner = x * 2
        unfreeze = attempt(lambda: inner.requires_grad_(False))
        mismatch = attempt(lambda: setattr(x, "grad", torch.ones(3)))
        numpy = attempt(lambda: x.numpy())
    """,
    "modes": """
        x = torch.ones(2, requires_grad=True)
        with torch.no_grad():
            off = (x * 2).requires_grad
            with torch.enable_grad():
                on = (x * 2).requires_grad
        with torch.set_grad_enabled(False):
            set_off = (x * 2).requires_grad, torch.is_grad_enabled()
        torch.set_grad_enabled(False)
        after_call = torch.is_grad_enabled()
        torch.set_grad_enabled(True)

        @torch.no_grad()
        def plain(t):
            return t * 2

        @torch.no_grad()
        def generator(t):
            yield (t * 2).requires_grad
            yield torch.is_grad_enabled()

        decorated = plain(x).requires_grad
        generated = [(flag, torch.is_grad_enabled()) for flag in generator(x)]
        with torch.inference_mode():
            inference = (x * 2).requires_grad, torch.is_inference_mode_enabled()
    """,
    "hooks": """
        seen = []
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        y = x * 3
        handle = y.register_hook(lambda g: g * 2)
        x.register_hook(lambda g: seen.append(g.clone()))
        x.register_post_accumulate_grad_hook(lambda t: seen.append(t.grad.clone()))
        (y ** 2).sum().backward()
        handle.remove()
        x.grad = None
        (x * 3).sum().backward()
    """,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    parity(PROGRAMS[name])


def test_a_chain_of_100_000_operations():
    x = rushlight.ones(1, requires_grad=True)
    y = x
    for _ in range(100_000):
        y = y + 1
    y.sum().backward()
    assert x.grad.item() == 1
    del y


def test_the_graph_goes_when_the_last_name_goes():
    gc.collect()
    gc.disable()
    try:
        x = rushlight.ones(3, requires_grad=True)
        y = (x.exp() * x).tanh()
        node = weakref.ref(y.grad_fn)
        saved = weakref.ref(y)
        y.sum().backward()
        del y
        assert node() is None
        assert saved() is None
    finally:
        gc.enable()


def test_training_without_the_collector_needs_no_more_memory():
    w1 = rushlight.ones(20, 20, requires_grad=True)
    x = rushlight.ones(10, 20)

    def step():
        w1.grad = None
        h = (x @ w1).sigmoid()
        v = h[:, :5]
        v = v * 2
        ((v.softmax(1) - 1) ** 2).mean().backward()

    gc.collect()
    gc.disable()
    try:
        # CPython keeps up to 2,000 freed tuples of each length for later: let it fill that store.
        for _ in range(2500):
            step()
        before = sys.getallocatedblocks()
        for _ in range(500):
            step()
        after = sys.getallocatedblocks()
    finally:
        gc.enable()
    assert after - before < 100


def test_backward_frees_as_it_goes():
    x = rushlight.ones(1000, requires_grad=True)
    y = x
    for _ in range(50):
        y = y.exp().log()
    node = y.grad_fn
    y.sum().backward()
    assert node.kept is None


def test_a_failing_backward_leaves_gradients_alone():
    class Fails(rushlight.autograd.Function):
        @staticmethod
        def forward(ctx, t):
            return t.clone()

        @staticmethod
        def backward(ctx, g):
            raise ValueError("on purpose")

    x = rushlight.ones(2, requires_grad=True)
    w = rushlight.ones(2, requires_grad=True)
    x.grad = rushlight.ones(2)
    with pytest.raises(ValueError, match="on purpose"):
        (Fails.apply(x) * w).sum().backward()
    assert w.grad is None
    assert x.grad.tolist() == [1.0, 1.0]


def test_gradients_do_not_share_memory():
    a = rushlight.ones(3, requires_grad=True)
    b = rushlight.ones(3, requires_grad=True)
    seed = rushlight.ones(3)
    (a + b).backward(seed)
    a.grad[0] = 7
    assert b.grad.tolist() == [1, 1, 1]
    assert seed.tolist() == [1, 1, 1]
    c = rushlight.ones(2, 3, requires_grad=True)
    c.sum().backward()
    c.grad[0, 0] = 5
    assert c.grad.sum().item() == 10


def test_a_gradient_nobody_else_holds_is_not_copied():
    x = rushlight.ones(3, requires_grad=True)
    seen = []

    class Give(rushlight.autograd.Function):
        @staticmethod
        def forward(ctx, t):
            return t.clone()

        @staticmethod
        def backward(ctx, g):
            given = rushlight.ones(3)
            seen.append(given._data_.__array_interface__["data"][0])
            return given

    Give.apply(x).sum().backward()
    assert x.grad._data_.__array_interface__["data"][0] == seen[0]


def test_stale_saved_tensor_names_operation_and_line():
    x = rushlight.ones(3, requires_grad=True)
    y = x.exp()
    y.add_(1)
    with pytest.raises(RuntimeError, match=r"ExpBackward0.*add_ at .*test_backward\.py:\d+"):
        y.sum().backward()
