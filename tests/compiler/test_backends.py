"""Backends that are callables: the graphs that they are handed, when, and what becomes of them, as in torch."""

import pytest

from rushlight.core import doors
from rushlight.core.state import state
from rushlight.overriding.asking import thread
from tests.parity import parity

START = """
import torch
from torch import nn
import torch.nn.functional as F
torch._dynamo.reset()
graphs = []
def text(value):
    return value if isinstance(value, str) else value.__name__
def backend(gm, inputs):
    graphs.append([(n.op, n.name, text(n.target), str(n.args), str(n.kwargs)) for n in gm.graph.nodes])
    return gm.forward
def compiled(f, **options):
    return torch.compile(f, backend=backend, **options)
x = torch.arange(6.0).view(2, 3)
"""

PROGRAMS = {
    "names": """
def helper(q):
    w = q * 2
    return w
def f(x, y):
    a = torch.cos(x)
    b, c = x + 3, a.sum(dim=1, keepdim=True)
    most, where = x.max(dim=0)
    d = helper(b) / c
    d += y
    d[0] = 5
    d[1:] *= 2
    return d.T, d[None], -d, 2 / d, d ** 2, abs(d), d > 0, most, where, F.softmax(d, -1)
out = compiled(f)(x, x)
""",
    "code": """
codes = []
def shown(gm, inputs):
    codes.append(gm.code)
    codes.append([tuple(i.shape) for i in inputs])
    return gm.forward
out = torch.compile(lambda x, y: torch.sin(x) @ y, backend=shown)(x, x.T)
""",
    "modules": """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.0))
        self.scale = nn.Parameter(torch.ones(4))
        self.register_buffer("shift", torch.zeros(4))
    def forward(self, x):
        x = self.layers(x)
        return x * self.scale + self.shift
torch.manual_seed(0)
net = Net()
model = compiled(net)
out = model(x)
out.sum().backward()
net.eval()
with torch.no_grad():
    quiet = model(x)
builtin = compiled(nn.Sequential(nn.Linear(3, 1), nn.Softmax(-1)))(x)
""",
    "sources": """
W = torch.ones(3)
def make():
    inner, listed = torch.ones(3) * 7, [torch.ones(3), torch.zeros(3)]
    def f(d, l, *args, k=None, **rest):
        return {"o": d["a"] * W + inner + listed[1] + l[1] + args[0] * rest["z"], "k": k - 1, "n": 3}
    return f
out = compiled(make())({"a": x}, [x, x * 2], x * 3, k=x * 4, z=x * 5)
""",
    "breaks": """
def branch(a, b):
    x = a / (torch.abs(a) + 1)
    if b.sum() < 0:
        b = b * -1
    return x * b
f = compiled(branch)
outs = [f(x, x), f(x, -x), f(x, -x)]
def inner(z):
    w = z + 1
    torch._dynamo.graph_break()
    return w * 2
def number(x):
    s = x.sum().item()
    y = x * s
    print("in between")
    z = y[y > 3]
    return inner(z) - 1
outs.append(compiled(number)(x))
def loop(x):
    out = []
    for i in range(2):
        out.append(x * i)
        print(i)
    return sum(out)
outs.append(compiled(loop)(x))
@torch.compiler.disable
def side(x):
    return x * 10 if torch.compiler.is_compiling() else x * 100
outs.append(compiled(lambda x: side(x + 1) - 1)(x))
graphs[3] = None  # where the broken function of two was called: torch starts its graph there
""",
    "recompiled": """
def count(calls, f=lambda x: x.view(x.shape[0], 2) * 2, **options):
    torch._dynamo.reset()
    graphs.clear()
    step, seen = compiled(f, **options), []
    for call in calls:
        step(call)
        seen.append(len(graphs))
    return seen
sizes = [torch.ones(n, 2) for n in (4, 5, 6, 1, 0, 7, 2, 1)]
counts = [count(sizes), count(sizes, dynamic=True), count(sizes, dynamic=False)]
kinds = [x, x.double(), x.clone().requires_grad_(), x, x.T, x.int(), x[0], x]
counts.append(count(kinds, lambda x: x + 1))
counts.append(count([torch.ones(n) for n in (3, 4, 7, 8, 3)], lambda x: x + 1 if len(x) > 5 else x - 1))
""",
    "symbols": """
outs = [f(x) for f in [compiled(lambda x: x.reshape(x.shape[0] * x.shape[1]) / x.size(0), dynamic=True)]]
f = compiled(lambda x, k: x * k)
outs += [f(x, k) for k in (2, 3, 4, 2.5, 3.5, True)]
marked = torch.ones(4, 3)
torch._dynamo.mark_dynamic(marked, 0)
g = compiled(lambda x: x.sum(1))
outs += [g(marked), g(torch.ones(5, 3))]
""",
    "limits": """
def tried(**options):
    torch._dynamo.reset()
    f, seen = compiled(lambda x, s: x * len(s), **options), []
    for s in ("a", "bb", "ccc", "a"):
        try:
            seen.append(f(x, s))
        except Exception as error:
            seen.append(type(error).__name__)
    return seen
with torch._dynamo.config.patch(recompile_limit=2):
    seen = [tried(), tried(fullgraph=True)]
with torch._dynamo.config.patch(error_on_recompile=True):
    seen.append(tried())
""",
    "whole": """
def tried(f):
    try:
        return torch.compile(f, backend=backend, fullgraph=True)(x)
    except Exception as error:
        return type(error).__name__, isinstance(error, RuntimeError)
def asserted(x):
    assert x.sum() > 100, "too little"
    return x
def printed(x):
    print(x)
    return x
seen = [tried(f) for f in (
    lambda x: x if x.sum() > 0 else -x, lambda x: x.tolist(), printed, asserted, lambda x: x[x > 2] + 1,
    lambda x: x * x.sum().item(), lambda x: x + torch.ones(5), lambda x: (len(x), x.dtype, x.device.type),
)]
del graphs  # with sizes that depend on elements torch's have assertions, too
""",
    "modes": """
p = torch.ones(3, requires_grad=True)
def f(x):
    with torch.no_grad():
        y = x * 2
    return y + x
out = compiled(f)(p)
def g(x):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return x @ x.T
lowered = compiled(g)(x)
""",
    "effects": """
seen, total = [], 0
def f(x):
    global total
    total += 1
    y = x + total
    seen.append(y)
    x.mul_(2)
    return y, x
step = compiled(f)
outs = [step(x) for _ in range(3)]
facts = [seen[0] is outs[0][0], outs[0][1] is x, len(graphs), x._version]
torch.manual_seed(3)
noise = compiled(lambda: torch.rand(3))
noises = [noise(), noise(), noise()]
""",
    "what backends return": """
def swapped(gm, inputs):
    for node in gm.graph.nodes:
        if node.target is __import__("operator").add:
            node.target = torch.mul
    gm.recompile()
    return gm
outs = [torch.compile(lambda x, y: x + y, backend=swapped)(x, x)]
outs.append(torch.compile(lambda x: x + 1, backend=lambda gm, inputs: lambda *a: (a[0] * 100,))(x))
def failing(gm, inputs):
    raise ValueError("no")
for other in (failing, lambda gm, inputs: None):
    error = attempt(lambda: torch.compile(lambda x: x - 1, backend=other)(x))
    outs.append([type(error).__name__, isinstance(error, torch._dynamo.exc.TorchDynamoException)])
""",
    "registered": """
from torch._dynamo import list_backends, lookup_backend, register_backend
from torch._dynamo.testing import CompileCounter, EagerAndRecordGraphs
name = f"named_{torch.__name__}"
register_backend(backend, name=name)
outs = [torch.compile(lambda x: x + 1, backend=name)(x), name in list_backends(), lookup_backend(name) is backend]
counter, kept = CompileCounter(), EagerAndRecordGraphs()
outs.append(torch.compile(lambda x: (x + 1).sin() * 2, backend=counter)(x))
outs.append(torch.compile(lambda x: x - 1, backend=kept)(x))
facts = [counter.frame_count, counter.op_count, kept.graphs[0].code]
def with_options(gm, inputs, **options):
    facts.append(options)
    return lookup_backend("eager")(gm, inputs)
torch.compile(lambda x: x * 3, backend=with_options, options={"level": 3})(x)
torch._dynamo.utils.counters.clear()
torch.compile(lambda x: x * 4 + 1, backend="eager")(x)
facts.append(dict(torch._dynamo.utils.counters["stats"]))
del name, lookup_backend, register_backend, list_backends
""",
    "explained": """
def f(a, b):
    x = a / (torch.abs(a) + 1)
    print("woo")
    if b.sum() < 0:
        b = b * -1
    return x * b
e = torch._dynamo.explain(f)(x, x)
facts = [e.graph_count, e.graph_break_count, e.op_count, [[text(o) for o in ops] for ops in e.ops_per_graph]]
facts.append([reason.reason.split(chr(10))[0] for reason in e.break_reasons])
facts.append(str(e).splitlines()[:4])
del e
""",
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_graphs(name):
    parity(START + PROGRAMS[name])
    assert (doors.watching, state.interpreters, thread.modes) == (0, (), ())


FX = {
    "forward": """
w, b = torch.ones(4, 3), torch.ones(4)
codes = [make_fx(f)(x).code for f in (
    lambda x: torch.sin(x) + 1, lambda x: (x @ x.t()).relu(), lambda x: x.sum(0) * 2 - x.mean(),
    lambda x: F.linear(x, w, b), lambda x: F.softmax(x, -1), lambda x: torch.zeros(3) + x,
    lambda x: x.view(-1)[0:2].unsqueeze(0).expand(3, 2).clone(), lambda x: 1 - x ** 2, F.gelu,
    lambda x: x.clone().add_(1).mul_(2), torch.func.functionalize(lambda x: x.clone().add_(1).mul_(2)),
    lambda x: F.layer_norm(x, (3,)), lambda x: w * x[:1] + torch.tensor([1.0, 2.0, 3.0]),
)]
nested = make_fx(lambda d: d["a"] + d["b"][0])({"a": x, "b": [x]})
codes.append(nested.code)
error = attempt(lambda: make_fx(lambda x: x if x.sum() > 0 else -x)(x))
""",
    "values": """
w = torch.ones(4, 3)
def functions():
    grad = torch.func.grad
    yield lambda x: grad(lambda x: F.softmax(x, -1).log().sum())(x)
    yield lambda x: grad(lambda x: F.gelu(x).sum())(x)
    yield lambda x: grad(lambda x: F.layer_norm(x, (3,)).pow(2).sum())(x)
    yield lambda x: grad(lambda x: F.cross_entropy(x, torch.tensor([0, 1])))(x)
    yield lambda x: grad(lambda x: F.mse_loss(torch.tanh(F.linear(x, w)), x[:, :1].expand(2, 4)))(x)
    yield lambda x: x.max(dim=1)[0] + x.std() + x.var(0).sum()
    yield lambda x: F.scaled_dot_product_attention(x[None], x[None], x[None])
    yield lambda x: torch.where(x > 2, x, -x).clamp(0, 3.5).bfloat16().float()
outs = [make_fx(f)(x)(x / 3 + 0.1) for f in functions()]
del functions
""",
    "two compilers": """
from torch._dynamo.backends.common import aot_autograd
def keep(gm, inputs):
    graphs.append([(n.op, n.name, str(n.target)) for n in gm.graph.nodes])
    return gm
split = aot_autograd(fw_compiler=keep, bw_compiler=keep)
f = torch.compile(lambda x, y: torch.sin(x) * y, backend=split)
quiet = f(x, x)
p = torch.ones(2, 3, requires_grad=True)
f(p, x).sum().backward()
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(3, 8), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 2), nn.Softmax(-1))
counted = []
def count(gm, inputs):
    counted.append(len(inputs) > 0)
    return gm.forward
model = torch.compile(net, backend=aot_autograd(fw_compiler=count, bw_compiler=count))
opt = torch.optim.SGD(net.parameters(), lr=0.1)
losses = []
for _ in range(3):
    opt.zero_grad()
    loss = model(x).pow(2).sum()
    loss.backward()
    opt.step()
    losses.append(loss.item())
del split, f
""",
}


@pytest.mark.parametrize("name", FX)
def test_operators_of_aten(name):
    parity(START + "from torch.fx.experimental.proxy_tensor import make_fx\n" + FX[name])
