"""What a custom Function may return, mark, save and change, against torch."""

import gc
import weakref

import pytest

import rushlight
from tests.parity import parity

FORWARDS = {
    "new": "return x * 2", "itself": "return x", "view": "return x[:2]", "detached": "return x.detach()",
    "dirty": "x.mul_(2); ctx.mark_dirty(x); return x",
    "dirty, not returned": "x.mul_(2); ctx.mark_dirty(x); return x * 1",
    "changed, not marked": "x.mul_(2); return x", "constant": "y = x * 2; ctx.mark_non_differentiable(y); return y",
    "two": "return x * 2, x * 3", "list": "return [x * 2, x * 3]", "number": "return x * 2, 5", "None": "return None",
    "first no tensor": "return 5, x * 2, None, x.long()", "integers": "return x.long()",
    "twice": "y = x * 2; return y, y",
    "itself twice": "return x, x", "two views": "return x[:1], x[1:]", "dictionary": "return {'a': x * 2}",
    "double": "return x.double()", "wants a gradient": "return (x * 2).requires_grad_()",
}  # fmt: skip
CALLS = {
    "leaf": "x = start(); y = G.apply(x)",
    "result": "x = start(); y = G.apply(x * 1)",
    "plain": "x = torch.arange(1.0, 4.0); y = G.apply(x)",
    "no_grad": "x = start()\nwith torch.no_grad(): y = G.apply(x)",
    "view": "x = start(); y = G.apply((x * 1)[:])",
    "view of leaf": "x = start(); y = G.apply(x[:])",
}


@pytest.mark.parametrize("forward", FORWARDS)
def test_what_forward_returns(forward):
    programs = [
        f"""
def run{i}():
    {call.replace(chr(10), chr(10) + "    ")}
    tensors = [t for t in (y if isinstance(y, (tuple, list)) else [y]) if isinstance(t, torch.Tensor)]
    facts = [[t.requires_grad, t.is_leaf, t._is_view(), t._version, t.output_nr, t.tolist()] for t in tensors]
    facts.append([x.tolist(), x._version, y is x])
    wanting = [t for t in tensors if t.requires_grad]
    if wanting:
        sum(t.double().sum() for t in wanting).backward()
        facts.append(None if x.grad is None else x.grad.tolist())
    changed = []
    for t in wanting[:1]:
        changed.append(attempt(lambda: (t.add_(1), 1 / 0)))
    return facts, str(seen), changed
seen = []
try:
    found{i} = run{i}()
except RuntimeError as error:
    found{i} = error
"""
        for i, call in enumerate(CALLS.values())
    ]
    parity(f"""
def start(): return torch.arange(1.0, 4.0).requires_grad_()
class G(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x): {FORWARDS[forward]}
    @staticmethod
    def backward(ctx, *gs):
        seen.append([None if g is None else g.tolist() for g in gs])
        return sum(torch.ones(3) * 2 * g.double().sum() for g in gs if g is not None)
{"".join(programs)}
""")


RETURNS = [
    "g * 2", "None", "1.0", "[g]", "(g, None)", "(g, 1.0)", "(g, g, g)", "()", "g.sum()", "torch.ones(7)", "g[:, None]",
    "g.expand(2, 3)", "g.double()", "g.long()", "g * 1j", "'a'", "g.numpy()", "ctx.nothing",
]  # fmt: skip


@pytest.mark.parametrize("call", ["G.apply(x)", "G.apply(x, 1)", "G.apply(1, x)", "G.apply(x, x)"])
def test_what_backward_returns(call):
    parity("found = []" + "".join(f"""
class G(torch.autograd.Function):
    @staticmethod
    def forward(ctx, *a): return sum(t * 2 for t in a)
    @staticmethod
    def backward(ctx, g): return {result}
x = torch.ones(3, requires_grad=True)
try:
    {call}.sum().backward()
    found.append([x.grad])
except Exception as error:
    found.append(error.with_traceback(None))
""" for result in RETURNS))  # fmt: skip


def test_saved_tensors_that_were_changed():
    parity("".join(f"""
class G(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp(); ctx.save_for_backward({saved}); return y
    @staticmethod
    def backward(ctx, g): return g * ctx.saved_tensors[0]
a = torch.ones(2, requires_grad=True); x = a * 1; y = G.apply(x)
{change}
try:
    y.sum().backward(); found{i}{j} = [a.grad]
except RuntimeError as error:
    found{i}{j} = error.with_traceback(None)
x = y = None
""" for i, saved in enumerate(["x", "y", "x * 1"])
    for j, change in enumerate(["y.add_(1)", "y.zero_()", "y[0] = 1", "x.add_(1)", "x.data.add_(1)"])))  # fmt: skip


def test_what_ctx_knows_and_when():
    parity("""
seen = []
class G(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, k):
        seen.append([ctx.needs_input_grad, isinstance(ctx, torch.autograd.function.FunctionCtx), ctx.saved_tensors])
        ctx.k = k
        return x * k
    @staticmethod
    def backward(ctx, g): return g * ctx.k, None
x = torch.ones(2, requires_grad=True)
y = G.apply(x, 2.0)
seen.append([y.grad_fn.name(), type(y.grad_fn).__name__, y.grad_fn.k, y.grad_fn.needs_input_grad])
y.grad_fn.k = 7
y.sum().backward()
grad = x.grad
freed = attempt(lambda: y.grad_fn.saved_tensors)
class V(torch.autograd.Function):
    @staticmethod
    def forward(x): return x * 2
    @staticmethod
    def setup_context(ctx, inputs, output): pass
    @staticmethod
    def vjp(ctx, g): return g * 5
z = torch.ones(2, requires_grad=True); V.apply(x=z).sum().backward()
called = attempt(lambda: V()(z))
y = None
""")


def test_a_function_that_saves_its_output_lets_go_of_it():
    class Exp(rushlight.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[0]

    gc.collect()
    gc.disable()
    try:
        x = rushlight.ones(2, requires_grad=True)
        for run in (True, False):
            y = Exp.apply(x)
            alive = weakref.ref(y)
            if run:
                y.sum().backward()
            del y
            assert alive() is None
    finally:
        gc.enable()


def test_once_differentiable_and_gradients_that_do_not_come():
    parity("""
        from torch.autograd.function import once_differentiable
        class Square(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.set_materialize_grads(False)
                ctx.save_for_backward(x)
                return x * x
            @staticmethod
            @once_differentiable
            def backward(ctx, g):
                return 2 * ctx.saved_tensors[0] if g is None else g * 2 * ctx.saved_tensors[0]
        x, v = torch.tensor([2.0], requires_grad=True), torch.ones(1, requires_grad=True)
        (g,) = torch.autograd.grad(Square.apply(x), x, v, create_graph=True)
        nothing = torch.autograd.grad(g, v, allow_unused=True, retain_graph=True)
        refused = attempt(lambda: g.sum().backward())
        given = torch.rand(2, dtype=torch.float64, requires_grad=True)
        checks = (attempt(lambda: torch.autograd.gradcheck(Square.apply, (given,))),
                  torch.autograd.gradcheck(Square.apply, (given,), check_undefined_grad=False))
        kept = attempt(lambda: Square.apply(x).grad_fn(v))
    """)
