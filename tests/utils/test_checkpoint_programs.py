"""torch.utils.checkpoint, as torch has it: each program runs under both."""

import pytest

from tests.described import described, raised, said
from tests.parity import parity

GIVEN = {"d": described, "e": raised, "m": said}

PROGRAMS = [
    """
    from torch.utils.checkpoint import checkpoint

    x = torch.randn(3, requires_grad=True)
    y = checkpoint(lambda t: t.sin().exp(), x, use_reentrant=False)
    y.sum().backward()
    n = y.grad_fn.name()
    """,
    """
    from torch.utils.checkpoint import checkpoint

    x = torch.randn(3, requires_grad=True)
    y = checkpoint(lambda t: t.sin().exp(), x, use_reentrant=True)
    n = y.grad_fn.name()
    y.sum().backward()
    """,
    """
    from torch.utils.checkpoint import checkpoint

    x = torch.randn(3, requires_grad=True)
    count = []


    def f(t, k=2):
        count.append(1)
        return (t * k).sin()


    y = checkpoint(f, x, k=3, use_reentrant=False)
    y.sum().backward()
    """,
    """
    from torch.utils.checkpoint import checkpoint

    x = torch.randn(3, requires_grad=True)
    state = {"n": 0}


    def f(t):
        state["n"] += 1
        return t.sin() * (t.exp() if state["n"] == 1 else 1)


    y = checkpoint(f, x, use_reentrant=False)


    def g():
        y.sum().backward()


    er, ms = e(g), None
    """,
    """
    from torch.utils.checkpoint import checkpoint

    x = torch.randn(3, requires_grad=True)
    state = {"n": 0}


    def f(t):
        state["n"] += 1
        return (t[:2] if state["n"] > 1 else t).sin().exp()


    y = checkpoint(f, x, use_reentrant=False)
    ms = m(lambda: y.sum().backward())
    """,
    """
    from torch.utils.checkpoint import checkpoint, CheckpointError

    x = torch.randn(3, requires_grad=True)
    state = {"n": 0}


    def f(t):
        state["n"] += 1
        return t.sin() if state["n"] > 1 else t.sin().exp()


    y = checkpoint(f, x, use_reentrant=False)
    ms = m(lambda: y.sum().backward())
    k = CheckpointError.__mro__[1].__name__
    """,
    """
    from torch.utils.checkpoint import checkpoint

    x = torch.randn(3, requires_grad=True)
    state = {"n": 0}


    def f(t):
        state["n"] += 1
        return (t[:2] if state["n"] > 1 else t).sin().exp()


    y = checkpoint(f, x, use_reentrant=False, determinism_check="none")
    er = e(lambda: y.sum().backward())
    """,
    """
    from torch.utils.checkpoint import checkpoint

    x = torch.randn(3, requires_grad=True)
    er = (
        e(lambda: checkpoint(lambda t: t, x, use_reentrant=False, determinism_check="foo")),
        m(lambda: checkpoint(lambda t: t, x, use_reentrant=False, determinism_check="foo")),
    )
    """,
    """
    from torch.utils.checkpoint import checkpoint

    x = torch.randn(3, requires_grad=True)
    er = (
        e(lambda: checkpoint(lambda t: t, x, use_reentrant=True, foo=1)),
        m(lambda: checkpoint(lambda t: t, x, use_reentrant=True, foo=1)),
    )
    er2 = (
        e(lambda: checkpoint(lambda t: t, x, use_reentrant=True, debug=True)),
        m(lambda: checkpoint(lambda t: t, x, use_reentrant=True, debug=True)),
    )
    """,
    """
    from torch.utils.checkpoint import checkpoint
    import contextlib

    x = torch.randn(3, requires_grad=True)
    log = []


    @contextlib.contextmanager
    def ctx(n):
        log.append("in " + n)
        yield
        log.append("out " + n)


    y = checkpoint(
        lambda t: t.sin().exp(), x, use_reentrant=False, context_fn=lambda: (ctx("fwd"), ctx("re"))
    )
    y.sum().backward()
    """,
    """
    from torch.utils.checkpoint import checkpoint, set_checkpoint_early_stop

    x = torch.randn(3, requires_grad=True)
    log = []


    def f(t):
        log.append("a")
        y = t.sin()
        z = y.exp()
        log.append("b")
        return z + 1


    y = checkpoint(f, x, use_reentrant=False)
    y.sum().backward()
    l1 = list(log)
    log.clear()
    with set_checkpoint_early_stop(False):
        y = checkpoint(f, x, use_reentrant=False)
    y.sum().backward()
    """,
    """
    from torch.utils.checkpoint import checkpoint

    x = torch.randn(3, requires_grad=True)
    log = []


    def f(t):
        log.append("a")
        y = t.sin()
        z = y.exp()
        log.append("b")
        return z + 1


    y = checkpoint(f, x, use_reentrant=False, early_stop=False)
    y.sum().backward()
    """,
    """
    from torch.utils.checkpoint import checkpoint

    torch.manual_seed(3)
    x = torch.ones(20, requires_grad=True)
    y = checkpoint(lambda t: F.dropout(t, 0.5), x, use_reentrant=False)
    a = torch.rand(2)
    y.sum().backward()
    b = torch.rand(2)
    """,
    """
    from torch.utils.checkpoint import checkpoint

    torch.manual_seed(3)
    x = torch.ones(20, requires_grad=True)
    y = checkpoint(
        lambda t: F.dropout(t, 0.5) * t.sin(), x, use_reentrant=True, preserve_rng_state=False
    )
    a = torch.rand(2)
    y.sum().backward()
    b = torch.rand(2)
    """,
    """
    from torch.utils.checkpoint import checkpoint_sequential

    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2), nn.Tanh())
    x = torch.randn(4, 2, requires_grad=True)
    y = checkpoint_sequential(net, 2, x, use_reentrant=False)
    y.sum().backward()
    """,
    """
    from torch.utils.checkpoint import checkpoint_sequential

    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2), nn.Tanh())
    x = torch.randn(4, 2, requires_grad=True)
    y = checkpoint_sequential(net, 3, x, use_reentrant=True)
    y.sum().backward()
    er = e(lambda: checkpoint_sequential(net, 2, x, use_reentrant=True, foo=1))
    """,
    """
    from torch.utils.checkpoint import checkpoint_sequential

    net = [torch.sin, torch.exp]
    x = torch.randn(4, 2, requires_grad=True)
    er = e(lambda: checkpoint_sequential(net, 5, x, use_reentrant=False))
    y = checkpoint_sequential(net, 1, x, use_reentrant=False)
    y.sum().backward()
    """,
    """
    from torch.utils.checkpoint import get_device_states, set_device_states

    r = get_device_states(torch.ones(2), 3)
    set_device_states(*r)
    """,
    """
    from torch.utils.checkpoint import checkpoint

    x = torch.randn(3, requires_grad=True)
    y = checkpoint(lambda t: t.sin(), x, use_reentrant=True)
    er = e(lambda: torch.autograd.grad(y.sum(), x)), m(lambda: torch.autograd.grad(y.sum(), x))[:60]
    """,
    """
    from torch.utils.checkpoint import checkpoint

    x = torch.randn(3, requires_grad=True)
    y = checkpoint(lambda t: t.sin(), x, use_reentrant=False)
    g = torch.autograd.grad(y.sum(), x, create_graph=True)
    h = torch.autograd.grad(g[0].sum(), x)
    """,
    """
    from torch.utils.checkpoint import checkpoint

    x = torch.randn(3, requires_grad=True)
    y = checkpoint(lambda t: t.sin(), x, use_reentrant=False)
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    er = e(lambda: y.sum().backward())
    """,
    """
    from torch.utils.checkpoint import checkpoint

    x = torch.randn(3, requires_grad=True)
    y = checkpoint(
        lambda t: checkpoint(torch.sin, t, use_reentrant=False).exp(), x, use_reentrant=False
    )
    y.sum().backward()
    """,
    """
    from torch.utils.checkpoint import checkpoint

    x = torch.randn(3)
    y = checkpoint(lambda t: t.sin(), x, use_reentrant=False)
    r = y.requires_grad
    import warnings

    with warnings.catch_warnings(record=True) as w:
        warnings.simplefilter("always")
        z = checkpoint(lambda t: t.sin(), x, use_reentrant=True)
        checkpoint(lambda t: t.sin(), x)
    k = [str(q.message)[:50] for q in w]
    """,
    """
    from torch.utils.checkpoint import checkpoint

    lin = nn.Linear(3, 3)
    x = torch.randn(2, 3)
    y = checkpoint(lin, x, use_reentrant=False)
    y.sum().backward()
    g = lin.weight.grad
    """,
    """
    from torch.utils.checkpoint import checkpoint

    x = torch.randn(3, requires_grad=True)


    def f(d, l):
        return {"a": d["x"] * 2, "b": [l[0].exp()]}


    y = checkpoint(f, {"x": x}, [x], use_reentrant=False)
    (y["a"] + y["b"][0]).sum().backward()
    """,
    """
    from torch.utils.checkpoint import CheckpointPolicy

    a = [(p.name, p.value) for p in CheckpointPolicy]
    """,
    """
    from torch.utils.checkpoint import detach_variable, check_backward_validity

    x = torch.randn(3, requires_grad=True)
    y = detach_variable((x, 3))
    a = y[0].requires_grad, y[0].is_leaf, y[1]
    er = e(lambda: detach_variable([x]))
    """,
    """
    from torch.utils.checkpoint import checkpoint

    x = torch.randn(3, requires_grad=True)


    class Boom(Exception):
        pass


    def f(t):
        raise ValueError("q")


    er = (
        e(lambda: checkpoint(f, x, use_reentrant=False)),
        e(lambda: checkpoint(f, x, use_reentrant=True)),
    )
    y = checkpoint(lambda t: t.sin(), x, use_reentrant=False)
    y.sum().backward()
    """,
    """
    from torch.utils.checkpoint import checkpoint

    x = torch.randn(3, requires_grad=True)
    state = {"n": 0}


    def f(t):
        state["n"] += 1
        if state["n"] == 2:
            raise ValueError("second")
        return t.sin().exp()


    y = checkpoint(f, x, use_reentrant=False)
    er = e(lambda: y.sum().backward())
    y.sum().backward()
    """,
    """
    from torch.utils.checkpoint import checkpoint

    x = torch.randn(3, requires_grad=True)


    def f(t):
        return t.clone().mul_(2).sin_().exp()


    y = checkpoint(f, x, use_reentrant=False)
    y.sum().backward()
    """,
    """
    from torch.utils.checkpoint import checkpoint

    x = torch.randn(3, 4, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = checkpoint(lambda t: (t @ t.t()).sin(), x, use_reentrant=False)
    y.float().sum().backward()
    """,
    """
    from torch.utils.checkpoint import checkpoint

    x = torch.randn(3, requires_grad=True)
    y, z = checkpoint(lambda t: (t.sin(), t.cos()), x, use_reentrant=False)
    y.sum().backward(retain_graph=True)
    z.sum().backward()
    """,
    """
    from torch.utils.checkpoint import checkpoint

    x = torch.randn(3, requires_grad=True)
    y, z = checkpoint(lambda t: (t.sin(), None), x, use_reentrant=True)
    y.sum().backward()
    a = z
    """,
    """
    from torch.utils.checkpoint import checkpoint

    x = torch.randn(3, requires_grad=True)
    with torch.no_grad():
        y = checkpoint(lambda t: t.sin(), x, use_reentrant=False)
        z = checkpoint(lambda t: t.sin(), x, use_reentrant=True)
    r = y.requires_grad, z.requires_grad
    """,
    """
    from torch.utils.checkpoint import checkpoint

    x = torch.randn(3, requires_grad=True)
    p = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: p.append(1) or t, lambda t: t):
        y = checkpoint(lambda t: t.sin().exp(), x, use_reentrant=False)
    y.sum().backward()
    """,
    """
    from torch.utils.checkpoint import checkpoint

    x = torch.randn(3, requires_grad=True)


    def f(t):
        with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):
            return t.sin().exp()


    y = checkpoint(f, x, use_reentrant=False)
    y.sum().backward()
    """,
    """
    from torch.utils.checkpoint import checkpoint


    class Sq(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            return 2 * ctx.saved_tensors[0] * g


    x = torch.randn(3, requires_grad=True)
    y = checkpoint(lambda t: Sq.apply(t.exp()), x, use_reentrant=False)
    y.sum().backward()
    """,
    """
    from torch.utils.checkpoint import checkpoint


    class Sq(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            ctx.saved_tensors
            return 2 * ctx.saved_tensors[0] * g


    x = torch.randn(3, requires_grad=True)
    y = checkpoint(lambda t: Sq.apply(t.exp()), x, use_reentrant=False)
    er = e(lambda: y.sum().backward()), m(lambda: y.sum().backward())[:100]
    """,
    """
    from torch.utils.checkpoint import checkpoint

    lin = nn.Linear(3, 3)
    x = torch.randn(2, 3)
    er = m(lambda: checkpoint(lin, x, use_reentrant=True).sum().backward())[:60]
    """,
    """
    from torch.utils.checkpoint import checkpoint

    x = torch.randn(3, requires_grad=True)
    y = checkpoint(lambda t: t.detach(), x, use_reentrant=True)
    er = e(lambda: y.sum().backward()), m(lambda: y.sum().backward())[:70]
    """,
    """
    import functools
    from torch.utils.checkpoint import CheckpointPolicy, checkpoint, create_selective_checkpoint_contexts as selective

    aten = torch.ops.aten
    asked = []
    _seen = []


    def _policy(ctx, op, *args, **kwargs):
        asked.append((str(op), ctx.is_recompute, ctx.op_output.shape, len(args)))
        return CheckpointPolicy.MUST_SAVE if op == aten.mm.default else CheckpointPolicy.PREFER_RECOMPUTE


    def _run(how, change=False, **options):
        def f(x, w):
            _seen.append(x @ w)
            return torch.sin(torch.sigmoid(_seen[-1]) @ w).sum()

        torch.manual_seed(0)
        x, w = torch.randn(3, 3, requires_grad=True), torch.randn(3, 3, requires_grad=True)
        contexts = functools.partial(selective, how, **options)
        y = checkpoint(f, x, w, use_reentrant=False, context_fn=contexts)
        if change:
            # What was kept is what backward finds: seen where somebody changes it.
            with torch.no_grad():
                _seen[-1].mul_(2)
        y.backward(retain_graph=True)
        return y, x.grad, w.grad


    a = _run(_policy)
    b = _run([aten.mm.default]), _run([aten.sigmoid.default, aten.sin.default])
    c = _run(lambda ctx, op, *args, **kwargs: True)
    d = _run([aten.mm.default], change=True, allow_cache_entry_mutation=True)
    er = m(lambda: _run([aten.mm.default], change=True)), m(lambda: _run([aten.mm]))[:50], e(lambda: _run(3))
    """,
    """
    import functools
    from torch.utils.checkpoint import checkpoint, create_selective_checkpoint_contexts as selective

    x, w = torch.randn(3, 3, requires_grad=True), torch.randn(3, 3, requires_grad=True)
    y = checkpoint(lambda a, b: (a @ b).sin(), x, w, use_reentrant=False,
                   context_fn=functools.partial(selective, [torch.ops.aten.mm.default]))
    y.sum().backward(retain_graph=True)
    er = m(lambda: y.sum().backward())
    """,
    """
    import functools
    from torch.utils.checkpoint import checkpoint, create_selective_checkpoint_contexts as selective

    layers = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Dropout(0.5), nn.Linear(5, 2))
    x = torch.randn(3, 4)
    _ops = torch.ops.aten
    _keep = functools.partial(selective, [_ops.addmm.default])
    y = checkpoint(layers, x, use_reentrant=False, context_fn=_keep)
    y.sum().backward()
    """,
]


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_program(program):
    parity(program, given=GIVEN)
