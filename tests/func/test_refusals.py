"""What a transformed function may not ask of its tensors, and how they are shown there."""

import pytest

from tests.parity import parity

BEFORE = """
import copy, functools
import torch.autograd.forward_ad as fw
from torch.func import functional_call, grad, jacfwd, jacrev, jvp, linearize, vjp, vmap
from torch._C._functorch import get_unwrapped, maybe_get_bdim, maybe_get_level

def tried(f, words=0):
    try:
        return f()
    except Exception as error:
        return type(error).__name__, str(error)[:words]

x = torch.tensor([1.0, 2.0, 3.0])
rows = torch.arange(6.0).view(2, 3)
"""

PARTS = {
    "a batch is shown as it came in": """
def show(v):
    print(v, repr(v * 2), v.sum(), torch.ones(1), sep="\\n")
    print(maybe_get_level(v), maybe_get_bdim(v), get_unwrapped(v))
    return v
a = vmap(show)(rows), vmap(show, in_dims=1)(rows), vmap(vmap(show))(rows)
show = None
print(maybe_get_level(x), maybe_get_bdim(x), tried(lambda: get_unwrapped(x), 20))
""",
    "what a batch has not": """
a = [tried(lambda: vmap(f)(rows), 40) for f in (
    lambda v: v.data, lambda v: copy.deepcopy(v), lambda v: v.untyped_storage(),
)]
b = [tried(lambda: vmap(f)(rows)) for f in (
    lambda v: v.tolist(), lambda v: v[None, None, None].contiguous(memory_format=torch.channels_last),
)]
c = vmap(lambda v: torch.ones(2).data.sum() + v)(rows)
""",
    "requires_grad_ belongs outside": """
def method(v):
    torch.ones(2).requires_grad_()
    return v.sum()
def flag(v):
    own = torch.ones(2, requires_grad=True)
    own.requires_grad = False
    return v.sum() + own.sum()
a = [tried(lambda: t(f)(x), 60) for f in (method, lambda v: v.requires_grad_(False)) for t in (grad, vmap)]
b = tried(lambda: jvp(method, (x,), (x,)), 60), grad(flag)(x), vmap(flag, randomness="same")(rows).shape
with fw.dual_level():
    c = torch.ones(1).requires_grad_()
""",
    "outputs and inputs that have no derivative": """
a = [tried(lambda: vjp(f, x), 60) for f in (lambda v: v > 0, lambda v: v.long(), lambda v: [], lambda v: ())]
b = tried(lambda: jacrev(lambda v: v.long())(x), 60), jacfwd(lambda v: v.long())(x)
z = torch.tensor([1 + 1j])
c = [tried(lambda: t(f)(z), 90) for t in (jacrev, jacfwd) for f in (torch.abs, lambda v: v * v)]
d = [tried(lambda: t(lambda v: v * 1j)(x), 90) for t in (jacrev, jacfwd)]
e = tried(lambda: linearize(lambda v: v, torch.tensor([1])), 80)
f = [tried(lambda: t(), 40) for t in (
    lambda: grad(lambda v: (v.sum(), "more"), has_aux=True)(x),
    lambda: jvp(lambda v: (v, 3), (x,), (x,), has_aux=True), lambda: jacfwd(lambda v: (v, "a"), has_aux=True)(x),
)]
pull = vjp(lambda v: (v * v, v), x)[1]
g = [tried(call) for call in (pull, lambda: pull(x), lambda: pull([x, x]), lambda: pull((x, x)))]
""",
    "whole numbers have no tangent": """
with fw.dual_level():
    d = fw.make_dual(x, torch.ones(3))
    a = [fw.unpack_dual(t).tangent for t in (d.long(), d > 1, d.argmax(), d.long().double())]
    b = tried(lambda: fw.unpack_dual(d, level=1), 40)
    c = fw.make_dual(nn.Parameter(x.clone()), torch.ones(3)).grad_fn.name()
    with torch.inference_mode():
        e = fw.unpack_dual(d * 2).tangent
    with fw._set_fwd_grad_enabled(False):
        f = fw.unpack_dual(d * 2).tangent
    f2 = fw.unpack_dual(d * 2).tangent
    import pickle
    h = pickle.loads(pickle.dumps(d))
    class Same(torch.autograd.Function):
        @staticmethod
        def forward(ctx, v):
            return v
        @staticmethod
        def jvp(ctx, t):
            return t * 3
    g = tried(lambda: Same.apply(fw.make_dual(x, torch.ones(3))), 60)
d = None
""",
    "a vmap of one's own is told where the batch lies": """
class Sine(torch.autograd.Function):
    @staticmethod
    def forward(v):
        return v.sin()
    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0].cos()
    @staticmethod
    def vmap(info, in_dims, v):
        print(info.batch_size, in_dims, v.shape)
        return Sine.apply(v), 0
class Wrong(Sine):
    @staticmethod
    def vmap(info, in_dims, v):
        return Sine.apply(v), (0, 0)
class Number(torch.autograd.Function):
    generate_vmap_rule = True
    @staticmethod
    def forward(v, n):
        return v * n, n
    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.n = inputs[1]
    @staticmethod
    def backward(ctx, g, _):
        return g * ctx.n, None
a = vmap(Sine.apply, in_dims=1)(rows), vmap(Sine.apply)(rows)
b = tried(lambda: vmap(Wrong.apply)(rows), 60)
c = tried(lambda: vmap(lambda v: Number.apply(v, 3))(rows), 40), vmap(lambda v: Number.apply(v, 3)[0])(rows)
""",
    "modules as functions": """
one = nn.Linear(2, 2)
a = functional_call(one, {"weight": torch.ones(2, 2), "bias": None}, torch.ones(1, 2))
b = tried(lambda: functional_call(one, {}, torch.ones(1, 2), strict=True), 200)
from torch.nn.utils import stateless
c = stateless.functional_call(one, {"weight": torch.ones(2, 2), "bias": torch.zeros(2)}, torch.ones(2))
""",
}  # fmt: skip


@pytest.mark.parametrize("part", PARTS)
def test_as_in_torch(part: str) -> None:
    parity(BEFORE + PARTS[part] + "\ntried = functional_call = one = pull = None\n")
