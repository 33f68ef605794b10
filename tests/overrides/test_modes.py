"""Modes see every public function, and torch.overrides knows which these are."""

import pytest

from tests.parity import parity

SETUP = """
def tried(f):
    try:
        return f()
    except Exception as error:
        return type(error).__name__
from torch.overrides import BaseTorchFunctionMode, TorchFunctionMode
seen = []
class Log(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        seen.append((func.__name__, [t.__name__ for t in types]))
        return func(*args, **(kwargs or {}))
x = torch.ones(2, 2)
"""
PROGRAMS = {
    "functions, methods, properties": "with Log(): torch.zeros(2) + 1; x.shape; x.sum(); F.relu(x); x[0]; x.T",
    "one in another": "with Log(), Log(): torch.add(x, 1)",
    "switches": "with Log(): torch.is_tensor(x); torch.get_default_dtype(); torch.is_grad_enabled()",
    "constructors": "with Log(): torch.tensor([1.0]); torch.as_tensor([1]); torch.arange(3); torch.full((2,), 1.0)",
    "nobody is asked": "with torch._C.DisableTorchFunction(), Log(): torch.add(x, 1)",
    "classes are not": "with torch._C.DisableTorchFunctionSubclass(), Log(): torch.add(x, 1)",
    "backward": "with Log(): (x.clone().requires_grad_() * 2).sum().backward()",
    "left by an error": """
try:
    with Log():
        raise ValueError
except ValueError:
    torch.add(x, 1)
""",
    "one that answers": """
class Seven(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        return 7
with Seven():
    results = [torch.add(x, 1), x.shape, x + 1, F.relu(x), torch.zeros(3)]
after = torch.add(x, 1)
""",
    "one that refuses": """
class No(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        return NotImplemented
with No():
    results = [tried(lambda: torch.add(x, 1)), tried(lambda: F.relu(x)), tried(lambda: x + 1)]
""",
    "a default of one's own": """
class Doubles(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in (torch.zeros, torch.ones):
            kwargs.setdefault("dtype", torch.float64)
        return func(*args, **kwargs)
with Doubles():
    made = [torch.zeros(2), torch.ones(2), torch.rand(2)]
with BaseTorchFunctionMode():
    plain = torch.zeros(2)
""",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_modes(name):
    parity(f"{SETUP}{PROGRAMS[name]}\nprint(seen)")


def test_what_torch_overrides_knows():
    parity("""
from torch import overrides as O
class B:
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return "B"
class L(torch.Tensor):
    pass
x = torch.ones(2)
y = x.as_subclass(L)
names = [O.resolve_name(f) for f in (torch.add, torch.Tensor.add, torch.Tensor.shape.__get__, F.relu, print)]
like = [O.is_tensor_like(v) for v in (x, B(), [1], y)]
asked = [O.has_torch_function((v,)) for v in (x, B(), y, nn.Parameter(x))]
methods = [O.is_tensor_method_or_property(f) for f in (torch.Tensor.add, torch.add, torch.Tensor.shape.__get__)]
def f(a, b=1):
    return O.handle_torch_function(f, (a,), a, b=b) if O.has_torch_function((a,)) else "plain"
@O.wrap_torch_function(lambda a: (a,))
def g(a):
    return "plain"
results = [f(B()), f(x), f(y), g(B()), g(x), g(y)]
_tests = O.get_testing_overrides()
known = [torch.add in _tests, torch.Tensor.add in _tests, F.relu in _tests, _tests[torch.add](1, 2)]
_ignored = O.get_ignored_functions()
known += [torch.is_tensor in _ignored, torch.add in _ignored, torch.is_grad_enabled in _ignored]
known += [torch.add in O.get_overridable_functions()[torch], torch.add is torch.Tensor.add, F.conv2d is torch.conv2d]
import copy, pickle
known += [pickle.loads(pickle.dumps(f)) is f for f in (torch.add, F.relu, torch.Tensor.add)]
known += [copy.deepcopy(torch.add) is torch.add]
y = None
""")
