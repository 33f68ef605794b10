"""Objects that are no tensors answer for every public function, the first time too."""

import subprocess
import sys

import pytest

from tests.parity import parity

SETUP = """
import collections
def tried(f):
    try:
        return f()
    except Exception as error:
        return type(error).__name__
class A:
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return NotImplemented
class B:
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs="not given"):
        given = sorted(kwargs) if isinstance(kwargs, dict) else kwargs
        return func.__name__, [t.__name__ for t in types], len(args), given
class C(B):
    pass
class T(B, collections.namedtuple("T", "a b")):
    pass
x, t = torch.ones(2), T(torch.ones(1), 2)
"""
CALLS = {
    "precedence": "torch.add(x, A()), torch.add(A(), B()), torch.add(B(), C()), torch.stack((B(), C()))",
    "operators": "x + B(), B() + x, x - B(), B() - x, B() / x, x ** B(), B() @ x, x % B(), x < B(), x == A()",
    "refusals": "x + A(), A() + x, x < A(), F.relu(A()), F.dropout(A()), torch.split(A(), 1), x.add(A())",
    "lists": "torch.cat([x, B()]), torch.cat([[B()]]), torch.cat(B()), torch.cat([B(), x], dim=1)",
    "functions": "torch.sum(B(), dim=1), torch.mean(B()), torch.add(input=B(), other=1), torch.where(B(), x, x), "
    "torch.clamp(x, B()), torch.full((2,), B()), torch.ones_like(B()), torch.einsum('i,i', B(), x)",
    "layers": "F.linear(B(), x), F.conv2d(B(), x), F.mse_loss(x, B()), F.softmax(B(), 0), nn.ReLU()(B()), "
    "F.batch_norm(B(), None, None), F.cross_entropy(B(), x), F.pad(B(), (1, 1))",
    "rooms": "torch.linalg.svd(B()), torch.fft.fft(B()), torch.special.expit(B()), torch.nn.init.uniform_(B())",
    "methods": "x.add(B()), x.matmul(B()), x.copy_(B()), x.add_(B()), x[B()], x.clone().__iadd__(B())",
    "tuples": "F.conv2d(t, x), F.relu(t), x + t, t @ x, torch.cat([t, t]), torch.zeros(t), x.reshape(t)",
    "not asked": "torch.tensor(B()), torch.as_tensor(B()), torch.is_tensor(B()), nn.Parameter(B())",
}


@pytest.mark.parametrize("name", CALLS)
def test_objects_that_are_no_tensors(name):
    calls = "\n".join(f"print(tried(lambda: {call}))" for call in split(CALLS[name]))
    parity(f"{SETUP}{calls}")


def split(text):
    parts, depth, start = [], 0, 0
    for place, letter in enumerate(text):
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and not depth:
            parts.append(text[start:place].strip())
            start = place + 1
    return [*parts, text[start:].strip()]


@pytest.mark.parametrize(
    "call",
    ["torch.add(x, B())", "x + B()", "F.relu(B())", "x.add_(B())", "x[B()]", "torch.cat([B()])"],
)
def test_the_first_call_of_a_process(call):
    script = f"""
import rushlight as torch
import rushlight.nn.functional as F
class B:
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return "B"
x = torch.ones(2)
assert {call} == "B"
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_first_call_tells_what_was_named():
    script = """
import rushlight as torch
from rushlight.overriding.functions import forget
class B:
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return func, len(args), sorted(kwargs or {})
x = torch.ones(2)
CALLS = {
    (torch.exp, 0, ("input",)): lambda: torch.exp(input=B()),
    (torch.exp, 1, ("out",)): lambda: torch.exp(x, out=B()),
    (torch.exp, 1, ()): lambda: [*map(torch.exp, [B()])][0],
    (torch.abs, 1, ()): lambda: torch.abs(B()),
    (torch.add, 0, ("input", "other")): lambda: torch.add(other=B(), input=x),
    (torch.add, 2, ("alpha",)): lambda: torch.add(x, B(), alpha=2),
    (torch.Tensor.mul, 1, ("other",)): lambda: x.mul(other=B()),
    (torch.sum, 1, ("dim",)): lambda: torch.sum(B(), dim=1),
    (torch.bmm, 2, ()): lambda: torch.bmm(x, B()),
}
for (function, count, names), call in CALLS.items():
    forget()
    assert call() == (function, count, [*names]), (function, call())
    forget()
    assert torch.exp(x).shape == x.shape
"""
    subprocess.run([sys.executable, "-c", script], check=True)


MESSAGES = ["torch.add(x, A())", "F.relu(A())", "x.mul(A())", "torch.linalg.det(A())"]


def test_what_is_said_if_nobody_answers():
    calls = "\n".join(f"print(words(lambda: {call}))" for call in MESSAGES)
    parity(f"""{SETUP}
A.__module__ = "lab"
def words(f):
    try:
        f()
    except TypeError as error:
        return str(error)
{calls}""")
