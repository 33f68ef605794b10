"""torch.autograd.graph, its edges, hooks and saved tensors, as torch has them: each program runs under both."""

import pytest

from tests.described import described, raised, said
from tests.parity import parity

GIVEN = {"d": described, "e": raised, "m": said}

PROGRAMS = [
    """
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    log = []
    h = y.grad_fn.register_hook(
        lambda gi, go: log.append((len(gi), gi[0].tolist(), go[0].tolist()))
    )
    hp = y.grad_fn.register_prehook(lambda go: log.append(go[0].tolist()))
    y.sum().backward()
    """,
    """
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    h = y.grad_fn.register_hook(lambda gi, go: (gi[0] * 10, *gi[1:]))
    y.sum().backward()
    """,
    """
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    h = y.grad_fn.register_prehook(lambda go: (go[0] * 10,))
    y.sum().backward()
    g1 = x.grad.clone()
    h.remove()
    z = x * 2
    z.sum().backward()
    """,
    """
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    h = y.grad_fn.register_hook(lambda gi, go: (gi[0],) * 3)
    er = e(lambda: y.sum().backward())
    """,
    """
    x = torch.ones(3, requires_grad=True)
    acc = (x * 1).grad_fn.next_functions[0][0]
    log = []
    acc.register_prehook(lambda g: log.append(("pre", g[0].tolist())))
    acc.register_hook(lambda gi, go: log.append(("post", len(gi), go[0].tolist(), x.grad.tolist())))
    (x * 5).sum().backward()
    """,
    """
    from torch.autograd.graph import get_gradient_edge, GradientEdge

    x = torch.ones(3, requires_grad=True)
    ed = get_gradient_edge(x)
    a = type(ed).__name__, ed.output_nr, ed.node.name()
    y = x * 2
    g = torch.autograd.grad(y.sum(), ed)
    g2 = torch.autograd.grad((y * 3).sum(), get_gradient_edge(y))
    f = GradientEdge._fields
    """,
    """
    from torch.autograd.graph import get_gradient_edge

    x = torch.ones(3, requires_grad=True)
    y = x * 2
    ed = get_gradient_edge(y)
    g = torch.autograd.grad(ed, x, grad_outputs=torch.ones(3) * 7)
    """,
    """
    from torch.autograd.graph import get_gradient_edge

    x = torch.ones(3, requires_grad=True)
    y = (x * 2).sum()
    torch.autograd.backward(get_gradient_edge(y))
    """,
    """
    from torch.autograd.graph import get_gradient_edge

    x = torch.ones(3, requires_grad=True)
    w = torch.ones(3, requires_grad=True)
    y = (x * w).sum()
    torch.autograd.backward(y, inputs=[get_gradient_edge(x)])
    n = w.grad is None
    """,
    """
    from torch.autograd.graph import get_gradient_edge

    x = torch.ones(3, requires_grad=True)
    a, b = (x * torch.arange(3.0)).split([1, 2])
    ed = get_gradient_edge(b)
    q = ed.output_nr, ed.node.name()
    g = torch.autograd.grad(ed, x, torch.tensor([5.0, 6.0]), retain_graph=True)
    g1 = torch.autograd.grad((a.sum() + b.sum() * 2), ed)
    er = e(lambda: get_gradient_edge(torch.ones(2))), m(lambda: get_gradient_edge(torch.ones(2)))
    """,
    """
    from torch.autograd.graph import get_gradient_edge

    x = torch.ones(3, requires_grad=True)
    y = x * 2
    ed = get_gradient_edge(y)
    del y
    z = torch.ones(3, requires_grad=True)
    er = e(lambda: torch.autograd.grad(ed, z, torch.ones(3)))
    g = torch.autograd.grad(ed, (x, z), torch.ones(3), allow_unused=True)
    """,
    """
    from torch.autograd.graph import register_multi_grad_hook

    a = torch.ones(2, requires_grad=True)
    b = torch.ones(2, requires_grad=True)
    c = torch.ones(2, requires_grad=True)
    log = []
    h = register_multi_grad_hook(
        (a, b, c), lambda gs: log.append([None if g is None else g.tolist() for g in gs])
    )
    (a * 2 + b * 3).sum().backward()
    (a * c).sum().backward()
    h.remove()
    (a * b * c).sum().backward()
    """,
    """
    from torch.autograd.graph import register_multi_grad_hook

    a = torch.ones(2, requires_grad=True)
    b = torch.ones(2, requires_grad=True)
    log = []
    h = register_multi_grad_hook((a, b), lambda g: log.append(g.tolist()), mode="any")
    (a * 2 + b * 2).sum().backward()
    (b * 5).sum().backward()
    er = e(lambda: register_multi_grad_hook((a, b), print, mode="x"))
    h.remove()
    (b * 5).sum().backward()
    """,
    """
    from torch.autograd.graph import register_multi_grad_hook

    x = torch.ones(2, requires_grad=True)
    y = x * 2
    z = x * 3
    log = []
    register_multi_grad_hook((y, z), lambda gs: log.append(len(gs)))
    er = e(lambda: register_multi_grad_hook((torch.ones(2),), print))
    (y + z).sum().backward(retain_graph=True)
    (y + z).sum().backward()
    y.detach()
    """,
    """
    from torch.autograd.graph import saved_tensors_hooks

    x = torch.ones(3, requires_grad=True)
    log = []


    def pack(t):
        log.append(("pack", tuple(t.shape)))
        return t


    def unpack(t):
        log.append(("unpack", tuple(t.shape)))
        return t


    with saved_tensors_hooks(pack, unpack):
        y = x.exp() * x
    y.sum().backward()
    """,
    """
    from torch.autograd.graph import saved_tensors_hooks

    x = torch.ones(3, requires_grad=True)
    with saved_tensors_hooks(lambda t: 5, lambda t: t):
        y = x * x
    er = e(lambda: y.sum().backward()), m(lambda: y.sum().backward())[:60]
    """,
    """
    x = torch.ones(3, requires_grad=True)
    with torch.autograd.graph.save_on_cpu(pin_memory=False):
        y = x * x * x
    y.sum().backward()
    """,
    """
    x = torch.ones(3, requires_grad=True)
    log = []


    def f():
        with torch.autograd.graph.disable_saved_tensors_hooks("no hooks here"):
            with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):
                pass


    er = e(f), m(f)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):
        er2 = e(lambda: torch.autograd.graph.disable_saved_tensors_hooks("x").__enter__())
    """,
    """
    with torch.autograd.graph.allow_mutation_on_saved_tensors() as ctx:
        a = torch.ones(2, 3, requires_grad=True)
        b = a.clone()
        out = (b**2).sum()
        b.sin_()
        out.backward()
    k = type(ctx).__name__
    """,
    """
    with torch.autograd.graph.allow_mutation_on_saved_tensors() as ctx:
        a = torch.ones(3, requires_grad=True)
        b = a.clone()
        c = b.exp()
        dd = c.sin()
        c.mul_(2)
        b.zero_()
        (dd.sum() + c.sum()).backward()
    """,
    """
    with torch.autograd.graph.allow_mutation_on_saved_tensors():
        a = torch.ones(3, requires_grad=True)
        b = a * 2
        c = b * b
        b[0] = 100.0
        g = torch.autograd.grad(c.sum() + b.sum(), a)
    """,
    """
    with torch.autograd.graph.allow_mutation_on_saved_tensors():
        a = torch.ones(3, requires_grad=True)
        b = a * 2
        v = b[:2]
        c = v * v
        b.mul_(3)
        g = torch.autograd.grad(c.sum(), a)
    """,
    """
    def f():
        with torch.autograd.graph.allow_mutation_on_saved_tensors():
            with torch.autograd.graph.allow_mutation_on_saved_tensors():
                pass


    er = e(f), m(f)
    """,
    """
    with torch.autograd.graph.allow_mutation_on_saved_tensors() as ctx:
        a = torch.ones(3, requires_grad=True)
        b = a.clone()
        c = b * b
        b.add_(1)
    er = e(lambda: c.sum().backward())
    """,
    """
    with torch.autograd.graph.allow_mutation_on_saved_tensors() as ctx:
        a = torch.ones(3, requires_grad=True)
        b = a.clone()
        c = b * b
        b.add_(1)
        ctx.clear()
        er = e(lambda: c.sum().backward())
    """,
    """
    x = torch.ones(2)
    v = x._version
    torch.autograd.graph.increment_version(x)
    w = x._version
    torch.autograd.graph.increment_version([x, x])
    u = x._version
    er = e(lambda: torch.autograd.graph.increment_version(3))
    """,
    """
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    z = y * y
    torch.autograd.graph.increment_version(y)
    er = e(lambda: z.sum().backward())
    """,
    """
    k = torch.autograd.graph.set_warn_on_accumulate_grad_stream_mismatch(False)
    """,
    """
    names = sorted(torch.autograd.graph.__all__)
    """,
    """
    @torch.inference_mode()
    def f(x):
        return x * 2


    a = f(torch.ones(2)).is_inference()


    @torch.inference_mode
    def g(x):
        return x * 2


    b = g(torch.ones(2)).is_inference()


    @torch.inference_mode(False)
    def h(x):
        return x * 2


    c = h(torch.ones(2)).is_inference()
    """,
    """
    x = torch.ones(2, requires_grad=True)
    v = torch.ones(3, requires_grad=True)
    z = v * torch.ones(3)
    a = [None if f is None else f.name() for f, _ in z.grad_fn.next_functions]
    b = z.grad_fn._saved_self, z.grad_fn._saved_other
    """,
    """
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    log = []
    y.register_hook(lambda g: log.append(("t", g.tolist())))
    y.grad_fn.register_prehook(lambda g: log.append(("pre", g[0].tolist())))
    y.grad_fn.register_hook(lambda gi, go: log.append(("post", go[0].tolist())))
    x.register_post_accumulate_grad_hook(lambda t: log.append(("acc", t.grad.tolist())))
    y.sum().backward()
    """,
    """
    x = torch.ones(2, requires_grad=True)
    n = (x * 2).grad_fn
    h = n.register_hook(lambda gi, go: None)
    a = type(h).__name__
    import weakref

    h.remove()
    h.remove()
    """,
    """
    x = torch.ones(2, requires_grad=True)


    class C(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2


    y = C.apply(x)
    r = y.grad_fn.apply(torch.ones(2)) if hasattr(y.grad_fn, "apply") else None
    h = hasattr(y.grad_fn, "apply")
    """,
    """
    x = torch.ones(2, requires_grad=True)
    log = []


    def pack(t):
        log.append("p")
        return t


    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        with torch.autograd.graph.saved_tensors_hooks(
            lambda t: log.append("inner") or t, lambda t: t
        ):
            y = x.exp()
        z = x.exp()
    (y + z).sum().backward()
    """,
    """
    x = torch.ones(2, requires_grad=True)


    class C(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x, x * 2)
            return x * 2

        @staticmethod
        def backward(ctx, g):
            a, b = ctx.saved_tensors
            return g * a


    log = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda t: log.append(tuple(t.shape)) or t, lambda t: t * 10
    ):
        y = C.apply(x)
    y.sum().backward()
    """,
    """
    x = torch.ones(3, requires_grad=True)
    order = []
    a = x * 2
    b = a.exp()
    c = b.sum()
    for t, nme in ((a, "a"), (b, "b"), (c, "c")):
        t.grad_fn.register_prehook(lambda g, nme=nme: order.append(nme))
    c.backward()


    def walk(fn):
        return [fn.name()] + [walk(f) for f, _ in fn.next_functions if f is not None]


    w = walk((x.exp() + x * 2).sum().grad_fn)
    """,
    """
    x = torch.ones(3, requires_grad=True)
    w = torch.rand(3)
    seen = []
    held = torch.autograd.graph.saved_tensors_hooks(
        lambda t: seen.append((t is x, t is w, t.grad_fn and t.grad_fn.name(), *d(t)[4:])) or t,
        lambda t: seen.append((t is x, *d(t)[4:])) or t,
    )
    with held:
        y = ((x * w).exp() * x).softmax(0)
    (y * torch.arange(3)).sum().backward()
    """,
    """
    @torch.autograd.graph.disable_saved_tensors_hooks("none here")
    def inside(x):
        return m(lambda: torch.autograd.graph.save_on_cpu().__enter__())


    words = inside(1)
    with torch.autograd.graph.save_on_cpu():
        y = torch.ones(2, requires_grad=True).exp()
    no = [e(lambda: mode(len)) for mode in (torch.autograd.set_detect_anomaly(False),)]
    """,
    """
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    z = (y**2).sum()
    z.backward(inputs=[y], retain_graph=True)
    kept = [(y.retains_grad, y.grad.clone(), x.grad)]
    z.backward(inputs=[y, y], retain_graph=True)
    z.backward()
    kept.append((y.grad, x.grad))
    """,
    """
    q, k = torch.rand(2, 3, 4, requires_grad=True), torch.rand(3, 4, requires_grad=True)
    attend = torch.nn.functional.scaled_dot_product_attention
    kinds = [q, q[None], q[None, None], k, q.bfloat16(), q[None].half()]
    nodes = [attend(t, t, t).grad_fn.name() for t in kinds]
    nodes += [attend(q[None], q[None], q[None], dropout_p=0.5).grad_fn.name()]
    masks = [torch.ones(3, 3, requires_grad=wanted) for wanted in (False, True)]
    nodes += [attend(q[None], q[None], q[None], mask).grad_fn.name() for mask in masks]
    """,
    """
    class Own(torch.autograd.Function):
        @staticmethod
        def forward(x):
            return x * 2

        @staticmethod
        def setup_context(ctx, inputs, output):
            called.append(tuple(output.shape))

        @staticmethod
        def backward(ctx, g):
            return g * 2

        @staticmethod
        def vmap(info, in_dims, x):
            return x * 5, in_dims[0]


    called = []
    x = torch.rand(2, 3, requires_grad=True)
    y = torch.vmap(Own.apply)(x)
    y.sum().backward()
    within = torch.vmap(torch.func.grad(lambda t: Own.apply(t).sum()))(x)
    """,
]


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_program(program):
    parity(program, given=GIVEN)
