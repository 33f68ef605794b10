"""torch.autograd.graph, nodes, hooks and functions, as torch has them: each program runs under both."""

import pytest

from tests.described import described, raised, said
from tests.parity import parity

GIVEN = {"d": described, "e": raised, "m": said}

PROGRAMS = [
    """
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    n = y.grad_fn
    a = n.name(), type(n).__name__, isinstance(n, torch.autograd.graph.Node), len(n.next_functions)
    b = n.next_functions[0][0].name(), n.next_functions[0][1]
    c = n.next_functions[0][0].variable is x
    """,
    """
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    n = (x * 3).grad_fn
    r = n(torch.ones(2))
    k = type(r).__name__
    """,
    """
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    w = torch.tensor([5.0, 2.0], requires_grad=True)
    n = (x * w).grad_fn
    r = n(torch.ones(2))
    s, o = n._saved_self, n._saved_other
    rs = type(n._raw_saved_self).__name__
    """,
    """
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    n = x.exp().grad_fn
    s = n._saved_result
    t = s.grad_fn is n
    h = hasattr(n, "_saved_self")
    """,
    """
    x = torch.ones(3, requires_grad=True)
    n = x.pow(3).grad_fn
    s, e2 = n._saved_self, n._saved_exponent
    """,
    """
    x = torch.ones(3, 4, requires_grad=True)
    n = x.sum(1).grad_fn
    a = n._saved_dim, n._saved_keepdim, tuple(n._saved_self_sym_sizes)
    """,
    """
    x = torch.ones(3, 4, requires_grad=True)
    n = x.mean().grad_fn
    a = tuple(n._saved_self_sym_sizes), n._saved_self_sym_numel
    """,
    """
    x = torch.ones(3, 4, requires_grad=True)
    n = x.t().grad_fn
    a = n.name()
    n = x.transpose(0, 1).grad_fn
    b = n.name(), n._saved_dim0, n._saved_dim1
    """,
    """
    x = torch.ones(3, 4, requires_grad=True)
    w = torch.ones(4, 2)
    n = (x @ w).grad_fn
    a, b = n._saved_self, n._saved_mat2
    """,
    """
    x = torch.ones(3, requires_grad=True)
    n = (x * x).grad_fn
    (x * 1).sum().backward()
    n2 = x.exp()
    n3 = n2.grad_fn
    n2.sum().backward()
    err = e(lambda: n3._saved_result), m(lambda: n3._saved_result)[:60]
    """,
    """
    x = torch.randn(3, 4, requires_grad=True)
    n = x.softmax(1).grad_fn
    a = n._saved_result, n._saved_dim
    n = x.log_softmax(-1).grad_fn
    b = n._saved_result
    """,
    """
    x = torch.randn(2, 3, 5, 5, requires_grad=True)
    w = torch.randn(4, 3, 3, 3, requires_grad=True)
    n = F.conv2d(x, w, padding=1, stride=2).grad_fn
    a = (
        n.name(),
        n._saved_input is not None,
        n._saved_weight.shape,
        tuple(n._saved_stride),
        tuple(n._saved_padding),
        tuple(n._saved_dilation),
        n._saved_groups,
        n._saved_transposed,
    )
    """,
    """
    x = torch.randn(5, requires_grad=True)
    n = x[1:3].grad_fn
    a = n.name(), n._saved_dim, n._saved_start, n._saved_end, n._saved_step
    n = x[2].grad_fn
    b = n.name(), n._saved_dim, n._saved_index
    """,
    """
    x = torch.randn(5, requires_grad=True)
    n = x.clamp(-1, 0.5).grad_fn
    a = n._saved_min, n._saved_max, n._saved_self
    n = x.view(5, 1).grad_fn
    b = tuple(n._saved_self_sym_sizes)
    n = x.unsqueeze(0).grad_fn
    c = n._saved_dim
    n = x.expand(2, 5).grad_fn
    dd = tuple(n._saved_self_sym_sizes)
    """,
    """
    x = torch.randn(5, 3, requires_grad=True)
    n = torch.cat([x, x], 1).grad_fn
    a = n._saved_dim, len(n.next_functions)
    n = torch.stack([x, x], 1).grad_fn
    b = n._saved_dim
    n = x.permute(1, 0).grad_fn
    c = tuple(n._saved_dims)
    """,
    """
    x = torch.randn(5, 3, requires_grad=True)
    n = x.index_select(0, torch.tensor([0, 2])).grad_fn
    a = n._saved_dim, n._saved_index
    n = x.gather(0, torch.tensor([[0, 1, 2]])).grad_fn
    b = n._saved_dim, n._saved_index
    n = x[torch.tensor([0, 1])].grad_fn
    c = n.name(), n._saved_indices
    """,
    """
    x = torch.randn(5, 3, requires_grad=True)
    n = F.layer_norm(x, (3,)).grad_fn
    a = n.name(), n._saved_input, tuple(n._saved_normalized_shape)
    n = F.embedding(torch.tensor([1, 2]), x).grad_fn
    b = (
        n.name(),
        n._saved_indices,
        n._saved_padding_idx,
        n._saved_scale_grad_by_freq,
        n._saved_sparse,
    )
    """,
    """
    x = torch.randn(3, requires_grad=True)
    n = (x * 2).grad_fn
    n.metadata["a"] = 1
    a = n.metadata
    err = e(lambda: setattr(n, "foo", 1))
    """,
    """
    x = torch.randn(3, requires_grad=True)
    a, b = x * 2, x * 3
    k = b.grad_fn._sequence_nr() > a.grad_fn._sequence_nr()
    acc = a.grad_fn.next_functions[0][0]
    j = acc._sequence_nr() > 10**15
    same = acc is b.grad_fn.next_functions[0][0]
    s = (
        acc.name(),
        type(acc).__name__,
        acc.next_functions,
        isinstance(acc, torch.autograd.graph.Node),
    )
    """,
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
    y = x * x
    raw = y.grad_fn._raw_saved_self
    raw.register_hooks(lambda t: t * 3, lambda t: t)
    y.sum().backward()
    """,
    """
    x = torch.ones(3, requires_grad=True)
    y = x.exp()
    raw = y.grad_fn._raw_saved_result
    log = []
    raw.register_hooks(lambda t: (log.append("p"), t)[1], lambda t: (log.append("u"), t * 2)[1])
    y.sum().backward()
    er = (
        e(lambda: raw.register_hooks(lambda t: t, lambda t: t)),
        m(lambda: raw.register_hooks(lambda t: t, lambda t: t))[:60],
    )
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
    class Sq(torch.autograd.Function):
        @staticmethod
        def forward(x):
            return x * x

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 2 * x * g


    x = torch.tensor([3.0], requires_grad=True)
    y = Sq.apply(x)
    y.backward()
    n = (
        y.grad_fn.name(),
        type(y.grad_fn).__name__,
        isinstance(y.grad_fn, torch.autograd.graph.Node),
        isinstance(y.grad_fn, torch.autograd.function.BackwardCFunction),
    )
    g = torch.autograd.functional.hessian(lambda t: Sq.apply(t).sum(), torch.ones(2))
    """,
    """
    class Two(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, a, b):
            ctx.log = (a is None, b is None)
            log.append(ctx.log)
            return (a if a is not None else 0) * 2 + (b if b is not None else 0) * 3


    log = []
    x = torch.ones(2, requires_grad=True)
    a, b = Two.apply(x)
    b.sum().backward()
    """,
    """
    class Nd(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            s, i = x.sort()
            ctx.mark_non_differentiable(i)
            ctx.save_for_backward(x, i)
            return s, i

        @staticmethod
        def backward(ctx, g, gi):
            x, i = ctx.saved_tensors
            z = torch.zeros_like(x)
            z.index_add_(0, i, g)
            return z


    x = torch.tensor([3.0, 1.0, 2.0], requires_grad=True)
    s, i = Nd.apply(x)
    r = i.requires_grad, s.requires_grad
    (s * torch.arange(3.0)).sum().backward()
    """,
    """
    from torch.autograd.function import once_differentiable


    class O(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        @once_differentiable
        def backward(ctx, g):
            return g * 2


    x = torch.ones(2, requires_grad=True)
    (g,) = torch.autograd.grad(O.apply(x).sum(), x, create_graph=True)
    r = g.requires_grad
    x2 = torch.ones(2, requires_grad=True)
    go = torch.ones(2, requires_grad=True)
    (g,) = torch.autograd.grad(O.apply(x2), x2, go, create_graph=True)
    er = e(lambda: g.sum().backward()), m(lambda: g.sum().backward())[:60]
    """,
    """
    class G(torch.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x):
            return x.sin()

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * x.cos()


    r = torch.vmap(G.apply)(torch.arange(6.0).view(2, 3))
    r2 = torch.vmap(torch.func.grad(lambda x: G.apply(x).sum()))(torch.arange(6.0).view(2, 3))
    """,
    """
    class D(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            x.mul_(2)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 2


    x = torch.ones(2, requires_grad=True)
    y = x.clone()
    z = D.apply(y)
    k = z is y, y.grad_fn.name()
    z.sum().backward()
    """,
    """
    class E(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, flag, *, k=1):
            return x * k

        @staticmethod
        def backward(ctx, g):
            return g, None


    er = e(lambda: E.apply(torch.ones(2, requires_grad=True), 1, k=2))
    """,
    """
    import torch.utils.hooks as H

    a = sorted(n for n in H.__all__)
    from collections import OrderedDict

    dct = OrderedDict()
    h = H.RemovableHandle(dct)
    dct[h.id] = print
    h.remove()
    l = len(dct)
    with H.RemovableHandle(dct) as h2:
        dct[h2.id] = 1
    l2 = len(dct)
    """,
    """
    from torch.utils.hooks import unserializable_hook, warn_if_has_hooks


    @unserializable_hook
    def f(g):
        return g


    a = f.__torch_unserializable__
    x = torch.ones(2, requires_grad=True)
    x.register_hook(f)
    warn_if_has_hooks(x)
    """,
    """
    from torch.utils.hooks import BackwardHook

    mod = nn.Linear(2, 2)
    log = []
    bw = BackwardHook(mod, [lambda m_, gi, go: log.append((len(gi), len(go), gi[0] is None))], [])
    x = torch.ones(1, 2, requires_grad=True)
    (inp,) = bw.setup_input_hook((x,))
    out = bw.setup_output_hook(mod(inp))
    out.sum().backward()
    """,
    """
    from torch.autograd import Variable
    from torch.autograd.variable import Variable as V2

    a = Variable is V2, isinstance(torch.ones(2), Variable)
    x = Variable(torch.ones(2), requires_grad=True)
    from torch.autograd import variable

    b = variable.__name__.split(".")[-1]
    """,
    """
    from torch.autograd.profiler import record_function, profile

    x = torch.ones(2)
    with record_function("label"):
        y = x + 1


    @record_function("f")
    def f(t):
        return t * 2


    z = f(x)
    """,
    """
    with torch.autograd.profiler.profile() as prof:
        x = torch.ones(2) + 1
    k = isinstance(prof.key_averages().table(), str)
    """,
    """
    x = torch.ones(2, requires_grad=True)
    with torch.autograd.set_grad_enabled(False):
        a = (x * 2).requires_grad
    b = torch.autograd._calculate_shape if False else 1
    n = [
        hasattr(torch.autograd, q)
        for q in (
            "Variable",
            "Function",
            "backward",
            "grad_mode",
            "NestedIOFunction",
            "detect_anomaly",
            "enable_grad",
            "grad",
            "gradcheck",
            "gradgradcheck",
            "inference_mode",
            "no_grad",
            "set_detect_anomaly",
            "set_grad_enabled",
            "set_multithreading_enabled",
            "variable",
            "profiler",
            "function",
            "graph",
            "functional",
            "forward_ad",
            "anomaly_mode",
        )
    ]
    """,
    """
    from torch.autograd.grad_mode import (
        no_grad,
        enable_grad,
        inference_mode,
        set_grad_enabled,
        set_multithreading_enabled,
    )

    x = torch.ones(2, requires_grad=True)
    with set_multithreading_enabled(False):
        (x * 2).sum().backward()
    with no_grad():
        a = (x * 2).requires_grad
    """,
    """
    from torch.autograd.function import (
        Function,
        FunctionCtx,
        InplaceFunction,
        NestedIOFunction,
        FunctionMeta,
        BackwardCFunction,
    )


    class I(InplaceFunction):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2


    x = torch.ones(2, requires_grad=True)
    I.apply(x).sum().backward()
    k = isinstance(I, FunctionMeta)
    """,
    """
    x = torch.ones(2, requires_grad=True)
    v = torch.ones(3, requires_grad=True)
    z = v * torch.ones(3)
    a = [None if f is None else f.name() for f, _ in z.grad_fn.next_functions]
    b = z.grad_fn._saved_self, z.grad_fn._saved_other
    """,
    """
    x = torch.randn(3, 3, requires_grad=True)
    v = torch.randn(3, requires_grad=True)
    n = [
        t.grad_fn.name()
        for t in (
            x @ x,
            v @ v,
            x @ v,
            F.linear(x, x, v),
            F.linear(x[None], x, v),
            x[0],
            x[:, None],
            x[[0, 1]],
            x.T,
            1 - x,
            2 / x,
            2**x,
            x.norm(),
            x.t().reshape(9),
            x.double(),
            F.cross_entropy(x, torch.tensor([0, 1, 2])),
            x.flatten(),
            F.softmax(x, -1),
            x.split(1)[0],
            F.scaled_dot_product_attention(x[None, None], x[None, None], x[None, None]),
        )
    ]
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
    from torch.autograd.graph import Node

    x = torch.ones(2, requires_grad=True)
    a = issubclass(type((x * 2).grad_fn), Node), isinstance(3, Node), isinstance(x, Node)
    er = e(lambda: Node())
    """,
    """
    x = torch.ones(2, requires_grad=True)
    y = x.exp()
    y.backward(torch.ones(2), retain_graph=True)
    y.backward(torch.ones(2))
    er = e(lambda: y.backward(torch.ones(2)))
    er2 = e(lambda: y.grad_fn(torch.ones(2)))
    """,
    """
    x = torch.ones(2, requires_grad=True)
    y = x.exp()
    r = y.grad_fn(torch.ones(2))
    r2 = y.grad_fn(torch.ones(2))
    er = e(lambda: y.grad_fn())
    """,
    """
    x = torch.ones(2, requires_grad=True)
    acc = torch.autograd.graph.get_gradient_edge(x).node
    acc(torch.full((2,), 3.0))
    """,
    """
    w = torch.ones(2, requires_grad=True)
    with torch.no_grad():
        y = w * 2
    a = y.grad_fn
    z = w.view_as(w)
    acc = z.grad_fn.next_functions[0][0]
    b = acc.variable is w, acc.name(), repr(acc)[:15]
    """,
    """
    x = torch.ones(2, requires_grad=True)
    y = (x * 2).grad_fn
    r = repr(y)[:13], y.__class__.__name__, callable(y), y.__class__.__mro__[-1].__name__
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
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x**2
    n = y.grad_fn
    r = n._saved_exponent
    err = e(lambda: n._saved_foo)
    s = n._raw_saved_self
    k = s.data if hasattr(s, "data") else None
    """,
    """
    a = torch.autograd.Function.__mro__[0].__name__
    er = e(lambda: torch.autograd.Function.apply(torch.ones(2)))


    class P(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x


    er2 = e(lambda: P.apply(torch.ones(2, requires_grad=True)).sum().backward())
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
]


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_program(program):
    parity(program, given=GIVEN)
