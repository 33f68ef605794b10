"""Classes of programs that descend from Tensor keep themselves through operations."""

import subprocess
import sys

import pytest

from tests.parity import parity

SETUP = """
class Named(torch.Tensor):
    def doubled(self):
        return self * 2
class Finer(Named):
    pass
x = torch.arange(1.0, 5.0).view(2, 2).as_subclass(Named)
c, f = torch.ones(2, 2), torch.ones(2, 2).as_subclass(Finer)
def kind(value):
    return [kind(v) for v in value] if isinstance(value, (tuple, list)) else type(value).__name__
"""
EXPRESSIONS = [
    "x + 1", "1 + x", "c + x", "c @ x", "x + f", "f + x", "-x", "x > 1", "x.sum()", "x[0]", "x[x > 1]",
    "x.t()", "x.T", "x.view(-1)", "torch.exp(x)", "torch.cat([c, x])", "x.split(1)", "x.max(0)",
    "x.topk(1)", "list(x)", "x.clone()", "x.detach()", "x.data", "x.double()", "x.long()", "x.nonzero()",
    "x.unique()", "torch.zeros_like(x)", "torch.rand_like(x)", "x.new_ones(2)", "x.new_tensor([1.0])",
    "torch.where(c > 0, c, x)", "F.softmax(x, 0)", "F.linear(c, x)", "nn.Linear(2, 2)(x)", "x.add_(1)",
    "torch.linalg.svd(x)", "x.as_subclass(torch.Tensor)", "torch.tensor(x)", "x.doubled().doubled()",
    "nn.Parameter(c) + 1", "nn.Parameter(c) + x", "x.to(torch.complex64).conj()",
]  # fmt: skip


def test_results_are_of_the_class_of_their_operands():
    calls = "\n".join(f"kinds.append(kind({e}))" for e in EXPRESSIONS)
    parity(f"{SETUP}\nkinds = []\n{calls}\nprint(x, repr(x.sum()))\nx, f = None, None")


def test_gradients_are_plain_tensors():
    parity(f"""{SETUP}
layer = nn.Linear(2, 2)
y = layer(x)
y.sum().backward()
kinds = kind([y, layer.weight.grad, layer.weight])
y = x = f = None
""")


def test_a_class_that_opts_out():
    parity("""
class Outside(torch.Tensor):
    __torch_function__ = torch._C._disabled_torch_function_impl
x = torch.ones(2).as_subclass(Outside)
kinds = [type(v).__name__ for v in (x, x + 1, x[0], x.sum())]
x = None
""")


def test_classes_that_do_not_know_each_other_do_not_mix():
    parity("""
class One(torch.Tensor):
    pass
class Other(torch.Tensor):
    pass
x, y = torch.ones(2).as_subclass(One), torch.ones(2).as_subclass(Other)
error = attempt(lambda: x + y)
x = y = None
""")


@pytest.mark.parametrize("defined", [False, True])
def test_without_such_a_class_nothing_is_asked(defined):
    define = "class S(torch.Tensor): pass" if defined else ""
    script = f"""
import rushlight as torch
before = torch.add.__code__, torch.Tensor.add.__code__, torch.Tensor.shape.fget.__code__
torch.nn.Linear(2, 2)
{define}
after = torch.add.__code__, torch.Tensor.add.__code__, torch.Tensor.shape.fget.__code__
assert (before != after) is {defined}
"""
    subprocess.run([sys.executable, "-c", script], check=True)
