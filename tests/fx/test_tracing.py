"""Symbolic tracing: what is printed and written, character by character as by torch."""

import pytest

from tests.parity import parity

PREAMBLE = """
from torch import fx
import math, operator
def show(f, **options):
    traced = f if isinstance(f, fx.GraphModule) else fx.symbolic_trace(f, **options)
    print(repr(traced.code))
    print(traced.graph)
    return traced
"""


def check(program: str, **options: object) -> None:
    """The program under both, with `fx` and `show` at hand."""
    parity(PREAMBLE + program, **options)  # type: ignore[arg-type]


OPERATORS = """
    1 - x | 2 / x | 2 // x | 2 ** x | 5 % x | 1 << x | 1 & x | x << 1 | x >> 1 | x & 1 | x ^ 1 | x == 1 | x != 1
    x < 1 | x >= 1 | -x | ~x | +x | abs(x) | x @ x | [1] @ x | x[0] | x[0:2] | x[:, None] | x[..., 1:2, ::3]
    x[x > 0] | x[[0, 1]] | x(3) | x.a.b.c | x.a(1).b(2) | getattr(x, "shape") | pow(x, 2)
    x + float("inf") + float("nan") | x * 1j | x.foo("a'b") | x.T.mT.data
    x.to(torch.float64).sum(dtype=torch.float32) | x.to(torch.device("cpu"))
    x.contiguous(memory_format=torch.channels_last) | {"a": x, "b": [x, (x, slice(x, None))]} | (x,) | [x] | ()
    None | x.view(x.size(0), -1) | (x + 1) * (x - 1) / 2 | sum([x, x, x]) | operator.add(x, 1)
    operator.mul(2, x) | x if x is None else x + 1 | x.__add__(1) | x.masked_fill_(x > 0, 1).relu_()
    math.sqrt(x.shape[0]) | str(x)
"""
ERRORS = """
    divmod(x, 2) | round(x) | int(x) | float(x) | len(x) | [i for i in x] | [i for i in range(x)] | 3 in x | not x
    1 if x else 2 | x and 1 | dict(**x) | torch.cat([*x]) | max(x, 1) | operator.setitem(x, 0, 1)
    operator.index(x)
"""
FUNCTIONS = """
    torch.relu(x) | torch.add(x, 1, alpha=2) | torch.cat([x, x], dim=1) | torch.stack((x, x))
    torch.where(x > 0, x, 0.0) | torch.max(x, 1) | torch.flatten(x, 1) | torch.softmax(x, 1) | torch.sigmoid(x)
    torch.pow(2, x) | torch.topk(x, 3) | torch.einsum("ij,jk->ik", x, x) | torch.split(x, 2)
    torch.split(x, 2, dim=1) | torch.meshgrid(x, x, indexing="ij") | torch.norm(x) | torch.linalg.norm(x, dim=1)
    torch.linalg.inv(x) | torch.fft.fft(x) | torch.special.expit(x) | torch.special.gammaln(x)
    torch.tensordot(x, x) | torch.cdist(x, x) | torch.unique(x) | torch.block_diag(x, x) | torch.zeros_like(x)
    torch.rand_like(x) | torch.full((2,), x) | torch.arange(x.shape[0]) | torch.zeros(x.shape[0])
    torch.arange(0, x.shape[0], device=x.device) | torch.ones(3, device=x.device, dtype=x.dtype)
    torch.rand(x.shape) | torch.zeros((x.size(0), 3)) | torch._assert(x.shape[0] == 3, "m") | torch.numel(x)
    torch.is_tensor(x) | F.relu(x, True) | F.gelu(x, approximate="tanh") | F.softmax(x, dim=-1)
    F.dropout(x, 0.2) | F.max_pool2d(x, 2) | F.max_pool2d(x, 2, return_indices=True)
    F.adaptive_max_pool2d(x, 2) | F.layer_norm(x, (3,))
    F.interpolate(x, scale_factor=2) | F.linear(x, x) | F.sigmoid(x) | F.conv2d(x, x, padding=1)
    F.batch_norm(x, x, x) | F.avg_pool2d(x, 2) | F.adaptive_avg_pool2d(x, (1, 1)) | F.pad(x, (1, 1))
    F.cross_entropy(x, x) | F.mse_loss(x, x) | F.l1_loss(x, x) | F.embedding(x, x) | F.normalize(x)
    F.log_softmax(x, 1) | F.silu(x) | F.leaky_relu(x, 0.1) | F.elu(x) | F.glu(x) | F.one_hot(x, 3)
    F.logsigmoid(x) | F.softplus(x) | F.prelu(x, x) | F.scaled_dot_product_attention(x, x, x, is_causal=True)
    F.group_norm(x, 2) | F.cosine_similarity(x, x) | F.tanh(x)
"""
MIXED = """
    c - x | c + x | c @ x | c < x | c / x | c // x | c ** x | c % x | c & x | c == x | c[x] | c[x, 0] | c.add(x)
    c.to(x.device) | operator.iadd(c, x) | torch.add(c, x) | torch.cat([c, x])
"""


def _split(table: str) -> list[str]:
    return [part.strip() for line in table.strip().splitlines() for part in line.split(" | ")]


@pytest.mark.parametrize(
    "table",
    [OPERATORS, ERRORS, FUNCTIONS, MIXED],
    ids=["operators", "errors", "functions", "mixed"],
)
def test_expressions(table):
    check(
        """
        c = torch.ones(3)
        for text in expressions:
            print(text)
            try:
                show(eval(f"lambda x: {text}", globals()))
            except Exception as error:
                print(type(error).__name__)
        """.replace("\n        ", "\n"),
        given={"expressions": _split(table)},
    )


PROGRAMS = {
    "parameters of all kinds": """
def f(x, *args, y=2, **kwargs): return x + y + args[0] * kwargs["s"]
show(f)
def g(x, *, k, j=2): return x + k * j
print(show(g)(torch.ones(1), k=torch.ones(1)))
def h(*args): return args[0] + args[1]
print(show(h)(torch.ones(1), torch.ones(1)))
def i(x, a=None, b=torch.float64, c=(1, 2), d=[1], e={"k": 1}, g=1e20, h=float("inf")): return x
show(i)
""",
    "what is not needed is let go": """
def f(x): y = x.view(x.shape[0], -1); return torch.relu(y).sum(dim=1)
show(f)
""",
    "names": """
def f(input, sum, add): a = torch.sum(input); b = input.sum(); c = a + b; d = sum.add(add); return c + d
show(f)
def g(add_1, add): return add_1 + add + 1 + 2
show(g)
def h(torch_, torch, device, inf): return torch + device + inf + torch_
show(h)
""",
    "annotations": """
from typing import Any, Dict, List, Optional, Tuple
def f(x: torch.Tensor, y: Optional[torch.Tensor] = None, z: List[int] = [1], v: int | None = None,
      u: Dict[str, torch.Tensor] = None, d: torch.device = None, t: Tuple[int, ...] = (), l: list[torch.Tensor] = None,
      dt: torch.dtype = torch.float32, m: nn.Module = None, a: Any = 3) -> Tuple[torch.Tensor, int]:
    return x, 1
show(f)
""",
    "modules": """
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([nn.Sequential(nn.Linear(4, 4), nn.ReLU()), nn.Linear(4, 4)])
        self.w = nn.Parameter(torch.ones(4))
        self.unused = nn.Linear(2, 2)
        self.register_buffer("b", torch.ones(4))
    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x * self.w + self.blocks[1].bias + self.b
model = Model().eval()
traced = show(model)
print(traced, type(traced).__name__, traced.training, traced.w is model.w, list(traced.state_dict()))
print(torch.equal(traced(torch.ones(2, 4)), model(torch.ones(2, 4))))
class Buffers(fx.Tracer):
    proxy_buffer_attributes = True
print(Buffers().trace(model))
print(fx.Tracer(param_shapes_constant=True).trace(model))
show(nn.Linear(2, 2))
""",
    "shared modules, leaves and the stack": """
class Inner(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin, self.p = nn.Linear(2, 2), nn.Parameter(torch.ones(2))
    def forward(self, x, k=1):
        return self.lin(x) * self.p + k
class Outer(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = Inner(), Inner()
        self.shared = self.one
    def forward(self, x):
        return self.one(x) + self.two(x, k=2) + self.shared(x)
traced = show(Outer())
print([(n.name, list(n.meta.get("nn_module_stack", {}))) for n in traced.graph.nodes])
class Leaves(fx.Tracer):
    def is_leaf_module(self, m, name):
        return isinstance(m, Inner) or super().is_leaf_module(m, name)
outer = Outer()
print(fx.GraphModule(outer, Leaves().trace(outer)))
""",
    "constants": """
c = torch.ones(3)
def f(x): x += 1; y = x + c; z = y * c; return z + torch.zeros(3) + torch.tensor(2.0)
traced = show(f)
t = torch.zeros(3)
print(traced(t), t, list(traced.state_dict()), [n for n, _ in traced.named_buffers()])
p = nn.Parameter(torch.ones(1))
print(type(attempt(lambda: fx.symbolic_trace(lambda x: x + p))).__name__)
layer = nn.Linear(1, 1)
print(type(attempt(lambda: fx.symbolic_trace(lambda x: layer(x)))).__name__)
""",
    "concrete arguments": """
def f(x, flag): return x + 1 if flag else x - 1
traced = show(f, concrete_args={"flag": True})
x = torch.zeros(1)
print(traced(x, True))
for call in (lambda: traced(x), lambda: traced(x, False), lambda: traced(x, flag=True)):
    print(type(attempt(call)).__name__)
def g(b, a): return {"s": a[0] + b["k"], "t": [a[1], b["k"]]}
both = show(g, concrete_args={"a": (fx.PH, fx.PH), "b": {"k": fx.PH}})
args = {"k": torch.ones(1)}, (torch.ones(1), torch.zeros(1))
print(both(*args), fx.Interpreter(both).run(*args))
def h(x, m=None): return x if m is None else x * m
print(show(h, concrete_args={"m": None})(x, None))
print(type(attempt(lambda: fx.symbolic_trace(g, concrete_args=(fx.PH,)))).__name__)
""",
    "what is left whole": """
@fx.wrap
def whole(x, y=1): return x + y if x.sum() > 0 else x - y
def helper(v): return len(v)
fx.wrap("helper")
fx.wrap("len")
traced = show(lambda x: whole(x, y=2) + helper(x) + len(x) + math.floor(x.shape[0]))
print(traced(torch.ones(2)), whole(torch.ones(1)))
def inner(): fx.wrap("foo")
print(type(attempt(inner)).__name__, type(attempt(lambda: fx.wrap(3))).__name__)
""",
    "where the program comes from": """
from torch.fx._symbolic_trace import is_fx_tracing
from torch.fx.annotate import annotate
show(lambda x: x + 1 if is_fx_tracing() else x)
show(lambda x: annotate(x + 1, int))
class Pair(metaclass=fx.ProxyableClassMeta):
    def __init__(self, a, b): self.a, self.b = a, b
    def add(self, o): return Pair(self.a + o.a, self.b + o.b)
def f(x, y: torch.Tensor): return x.add(Pair(y, y))
print(fx.symbolic_trace(f).graph)
class Other(fx.Tracer): traced_func_name = "other"
class Two(nn.Module):
    def forward(self, x): return x
    def other(self, x): return x + 1
print(Other().trace(Two()))
""",
    "layers": """
class Layers(nn.Module):
    def __init__(self):
        super().__init__()
        self.e, self.ln = nn.Embedding(5, 4), nn.LayerNorm(4)
        self.mha, self.gru = nn.MultiheadAttention(4, 2, batch_first=True), nn.GRU(4, 4, batch_first=True)
    def forward(self, i):
        x = self.ln(self.e(i))
        a, _ = self.mha(x, x, x, need_weights=False)
        o, h = self.gru(a)
        return o[:, -1], h
model = Layers().eval()
traced = show(model)
i = torch.tensor([[1, 2, 3]])
print(torch.equal(traced(i)[0], model(i)[0]))
show(nn.Sequential(nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)))
""",
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
@pytest.mark.filterwarnings("ignore:.*nested tensor")
def test_programs(program):
    check(program)
