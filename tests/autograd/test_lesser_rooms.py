"""Functions, grad modes, module hooks and the profiler, as torch has them: each program runs under both."""

import pytest

from tests.described import described, raised, said
from tests.parity import parity

GIVEN = {"d": described, "e": raised, "m": said}

PROGRAMS = [
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
    a = torch.autograd.Function.__mro__[0].__name__
    er = e(lambda: torch.autograd.Function.apply(torch.ones(2)))


    class P(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x


    er2 = e(lambda: P.apply(torch.ones(2, requires_grad=True)).sum().backward())
    """,
]


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_program(program):
    parity(program, given=GIVEN)


def test_functional_takes_tensors_and_is_strict():
    parity("""
from torch.autograd.functional import hessian, hvp, jacobian, jvp, vhp, vjp
x = torch.ones(2)
square = lambda a: (a ** 2).sum()
errors = [attempt(lambda: f(square, [x])) for f in (jacobian, hessian)]
errors += [attempt(lambda: f(square, x, [x])) for f in (jvp, vhp, hvp)]
errors += [attempt(lambda: f(lambda a: a.sum(), x, x, strict=True)) for f in (vhp, hvp)]
errors += [attempt(lambda: hessian(lambda a, b: (a ** 2).sum() + b.sum(), (x, x), strict=True))]
errors += [attempt(lambda: f(lambda a: a * 2, x, x, strict=True, create_graph=True)) for f in (vjp, jvp)]
right = vhp(lambda a, b: (a * b).sum(), (x, x), (x, x), strict=True), jvp(lambda a: a * 2, x, x, strict=True)
leaf = torch.ones(2)
def name(value): leaf.requires_grad = value
errors += [attempt(lambda: name(5)), attempt(lambda: name(None))]
with torch.inference_mode():
    leaf.requires_grad_().resize_(1)
counted = torch.zeros(2); counted.add_(1)
with torch.inference_mode():
    made = torch.ones(2)
counted.data = made
counts = counted._version, counted.add_(1)._version
""")
