"""What an export asks of its arguments and sizes, and what it tells."""

import pytest

from tests.parity import parity

BEFORE = """
from torch.export import Dim, export

def tried(f, words=0):
    try:
        return f()
    except Exception as error:
        return type(error).__name__, str(error)[:words]

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin, self.c = nn.Linear(3, 2), torch.ones(2)
        self.register_buffer("b", torch.ones(2))
    def forward(self, x, *, k=None):
        return F.relu(self.lin(x)) + self.b + self.c

class Of(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f
    def forward(self, *args):
        return self.f(*args)

class Two(nn.Module):
    def forward(self, x, n):
        return x * n

net, x = Net(), torch.ones(4, 3)
"""

PARTS = {
    "its fields": """
ep = export(net, (x,))
s = ep.graph_signature
a = s.user_inputs, s.parameters, s.buffers, dict(s.inputs_to_parameters), dict(s.inputs_to_buffers)
b = s.lifted_tensor_constants, dict(s.buffers_to_mutate), s.non_persistent_buffers, s.backward_signature
c = list(ep.state_dict), list(ep.constants), [n for n, _ in ep.named_parameters()], [n for n, _ in ep.named_buffers()]
d = len(ep.example_inputs), [tried(f, 40) for f in (ep.module().train, ep.module().eval)], ep.module().training
e = [tried(lambda: ep.module()(*args)) for args in ((torch.ones(5, 3),), (), (x, x))]
f = tried(lambda: torch.export.save(3, "nowhere"), 40), tried(lambda: torch.export.load("/nowhere/at.all"))
ep = s = None
""",
    "what is no tensor is as it was": """
ep = export(Two(), (torch.ones(2), 3))
a = ep.module()(torch.ones(2), 3), tried(lambda: ep.module()(torch.ones(2), 4), 20)
class Nested(nn.Module):
    def forward(self, d):
        return {"o": d["a"] + d["b"][0]}
given = {"a": torch.ones(1), "b": [torch.ones(1)]}
ep = export(Nested(), (given,))
b = ep.module()(given), tried(lambda: ep.module()({"a": torch.ones(1)})), ep.graph_signature.user_inputs
ep = None
""",
    "sizes that are asked for": """
asked = [
    {"zz": {0: Dim("b")}}, {"x": {5: Dim("b")}}, {"x": (Dim("b"),)}, {"x": {0: "b"}}, {"x": {0: 5}}, {"x": {0: 4}},
    {"x": {0: Dim("b", min=5)}}, {"x": {0: Dim("b", max=3)}}, {"x": {1: Dim("c")}}, {"x": None}, [{0: Dim("b")}],
]
a = [tried(lambda: export(net, (x,), dynamic_shapes=one) and 1) for one in asked]
ep = export(net, (x,), dynamic_shapes={"x": {0: Dim("b", min=2, max=6)}})
b = [tried(lambda: ep.module()(torch.ones(n, 3)).shape) for n in (1, 2, 6, 7)]
c = repr([Dim("b"), Dim("b", min=2), Dim("b", min=3, max=6), Dim.AUTO, Dim("b") * 2, 2 * Dim("b") - 1, Dim("b") + 1])
d = [tried(f, 40) for f in (lambda: Dim("b") * Dim("c"), lambda: Dim("b") * 0, lambda: Dim("1b"))]
e = repr(torch.export.dims("a", "b", min=3))
ep = asked = None
""",
    "Python that decides by sizes": """
class Sized(nn.Module):
    def forward(self, x):
        return x if x.shape[0] > 3 else x * 2
class Counted(nn.Module):
    def forward(self, x):
        return torch.stack([x[i] * i for i in range(x.shape[0])]), [row.sum() for row in x], len(x)
class Held(nn.Module):
    def forward(self, x):
        assert x.shape[0] == 3, "three"
        return x
class Deciding(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x
a = [export(Sized(), (torch.ones(n),)).module()(torch.ones(n)) for n in (3, 4)]
b = export(Counted(), (torch.ones(2, 2),)).module()(torch.ones(2, 2))
c = tried(lambda: export(Held(), (torch.ones(4),)), 10), export(Held(), (torch.ones(3),)).module()(torch.ones(3))
d = tried(lambda: export(Deciding(), (torch.ones(4),)))
e = tried(lambda: export(Sized(), (torch.ones(4),), dynamic_shapes={"x": {0: Dim("b")}}), 22)
""",
    "nothing is changed by exporting": """
class Changing(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("n", torch.zeros(1))
    def forward(self, x):
        self.n.add_(1)
        return x.add_(self.n)
class Flagged(nn.Module):
    def forward(self, x):
        flags = torch.compiler.is_compiling(), torch.compiler.is_dynamo_compiling(), torch.compiler.is_exporting()
        return x + sum(2 ** i for i, on in enumerate(flags) if on)
given, m = torch.zeros(1), Changing()
ep = export(m, (given,))
a = given.clone(), m.n.clone()
b = ep.module()(given), given
c = export(Flagged(), (torch.zeros(1),)).module()(torch.zeros(1))
d = torch.compiler.is_compiling(), torch.compiler.is_exporting()
torch.manual_seed(1)
export(nn.Sequential(nn.Dropout(0.5)), (torch.ones(4),))
e = torch.rand(1)
ep = m = None
""",
}


@pytest.mark.parametrize("part", PARTS)
def test_as_in_torch(part: str) -> None:
    parity(BEFORE + PARTS[part] + "\ntried = net = None\n")
