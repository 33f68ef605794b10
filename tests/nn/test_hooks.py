"""Forward hooks, pre-hooks, backward hooks, and those of all modules."""

import gc
import weakref

from tests.parity import parity

import rushlight as torch
from rushlight import nn


def test_forward_hooks_and_their_order() -> None:
    parity(
        """
        log = []
        class Add(nn.Module):
            def forward(self, x, y=1):
                log.append(("forward", float(x), float(y)))
                return x + y
        m = Add()
        m.register_forward_pre_hook(lambda mod, args: log.append(("pre", len(args))))
        m.register_forward_pre_hook(lambda mod, args: (args[0] * 10,))
        first = m.register_forward_pre_hook(lambda mod, args: log.append("first"), prepend=True)
        with_kwargs = m.register_forward_pre_hook(
            lambda mod, args, kwargs: (args, {**kwargs, "y": 5}), with_kwargs=True)
        m.register_forward_hook(lambda mod, args, out: log.append(("hook", len(args), float(out))))
        m.register_forward_hook(lambda mod, args, out: out * 2)
        m.register_forward_hook(
            lambda mod, args, kwargs, out: log.append(sorted(kwargs)), with_kwargs=True)
        m.register_forward_hook(lambda mod, args, out: log.append("prepended"), prepend=True)
        a = m(torch.tensor(1.0))
        first.remove()
        with_kwargs.remove()
        b = m(torch.tensor(2.0), y=3)
        with m.register_forward_hook(lambda mod, args, out: out + 100):
            c = m(torch.tensor(1.0))
        d = m(torch.tensor(1.0))
        m.register_forward_pre_hook(lambda mod, args, kwargs: 3, with_kwargs=True)
        wrong = attempt(lambda: m(torch.tensor(1.0)))
        """
    )


def test_hooks_that_are_always_called() -> None:
    parity(
        """
        log = []
        class Bad(nn.Module):
            def forward(self, x):
                raise KeyError("bad")
        m = Bad()
        m.register_forward_hook(lambda mod, args, out: log.append(out), always_call=True)
        m.register_forward_hook(lambda mod, args, out: log.append("never"))
        error = attempt(lambda: m(1))
        """
    )


def test_hooks_of_all_modules() -> None:
    parity(
        """
        from torch.nn.modules.module import (register_module_forward_hook,
            register_module_forward_pre_hook, register_module_parameter_registration_hook,
            register_module_buffer_registration_hook, register_module_module_registration_hook)
        log = []
        net = nn.Sequential(nn.Identity(), nn.Flatten(0))
        handles = [
            register_module_forward_pre_hook(lambda m, args: log.append(("pre", type(m).__name__))),
            register_module_forward_hook(lambda m, args, out: log.append(type(m).__name__)),
        ]
        x = net(torch.ones(2, 2))
        for handle in handles:
            handle.remove()
        y = net(torch.ones(2, 2))
        handles = [
            register_module_parameter_registration_hook(lambda m, name, p: log.append(name)),
            register_module_buffer_registration_hook(lambda m, name, b: log.append(name)),
            register_module_module_registration_hook(lambda m, name, c: log.append(name)),
        ]
        m = nn.Module()
        m.p = nn.Parameter(torch.ones(1))
        m.register_buffer("b", None)
        m.child = nn.ReLU()
        for handle in handles:
            handle.remove()
        """
    )


BACKWARD = """
log = []
class Product(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor([2.0, 3.0]))
    def forward(self, x, y, note=None):
        return x * y * self.scale, note, x + y
m = Product()
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = torch.tensor([5.0, 7.0])
"""


def test_full_backward_hooks_see_and_replace_gradients() -> None:
    parity(
        BACKWARD
        + """
m.register_full_backward_hook(lambda mod, gi, go: log.append(("first", gi, go)))
m.register_full_backward_hook(lambda mod, gi, go: (gi[0] * 10, None, None))
m.register_full_backward_pre_hook(lambda mod, go: log.append(("pre", go)))
out, note, total = m(x, y, "note")
(out.sum() + 2 * total.sum()).backward()
grad, scale = x.grad, m.scale.grad
"""
    )


def test_a_backward_pre_hook_replaces_what_comes_in() -> None:
    parity(
        BACKWARD
        + """
handle = m.register_full_backward_pre_hook(lambda mod, go: (go[0] * 3, None, go[2]))
out, _, total = m(x, y)
(out.sum() + total.sum()).backward()
handle.remove()
again, _, _ = m(x, y)
plain = torch.autograd.grad(again.sum(), x)
"""
    )


def test_backward_hooks_without_gradients_for_inputs() -> None:
    parity(
        BACKWARD
        + """
m.register_full_backward_hook(lambda mod, gi, go: log.append((gi, go)))
out, _, _ = m(x.detach(), y)
out.sum().backward()
scale = m.scale.grad
bad = Product()
bad.register_full_backward_hook(lambda mod, gi, go: (torch.ones(2), None))
_result = bad(x.detach(), y)[0].sum()
wrong = attempt(_result.backward)
_wrong_number = Product()
_wrong_number.register_full_backward_hook(lambda mod, gi, go: (torch.ones(2),))
_other = _wrong_number(x, y)[0].sum()
count = attempt(_other.backward)
with torch.no_grad():
    nothing = m(x, y)[0]
entries = len(log)
"""
    )


def test_the_two_kinds_of_backward_hooks_do_not_mix() -> None:
    parity(
        """
        a, b = nn.Linear(1, 1), nn.Linear(1, 1)
        a.register_full_backward_hook(lambda *args: None)
        b.register_backward_hook(lambda *args: None)
        first = attempt(lambda: a.register_backward_hook(lambda *args: None))
        second = attempt(lambda: b.register_full_backward_hook(lambda *args: None))
        """
    )


def test_the_old_backward_hook_sees_the_gradient_of_the_output() -> None:
    parity(
        """
        log = []
        m = nn.Sigmoid()
        m.register_backward_hook(lambda mod, gi, go: log.append((gi, go)))
        x = torch.tensor([0.5, -1.0], requires_grad=True)
        (m(x) * torch.tensor([1.0, 2.0])).sum().backward()
        """
    )


def test_backward_hooks_allow_second_derivatives() -> None:
    parity(
        """
        m = nn.Tanh()
        m.register_full_backward_hook(lambda mod, gi, go: (gi[0] * 2,))
        x = torch.tensor([0.5, -1.0], requires_grad=True)
        first, = torch.autograd.grad(m(x).sum(), x, create_graph=True)
        second, = torch.autograd.grad(first.sum(), x)
        """
    )


def test_gates_leave_no_cycle_behind() -> None:
    gc.disable()
    try:
        module = nn.Tanh()
        module.register_full_backward_hook(lambda *args: None)
        x = torch.ones(2, requires_grad=True)
        out = module(x)
        alive = weakref.ref(out)
        out.sum().backward()
        del out
        assert alive() is None
    finally:
        gc.enable()


def test_what_goes_with_a_hook_and_what_is_none() -> None:
    parity("""
        from collections import namedtuple

        layer = nn.Linear(2, 2)
        x = torch.ones(1, 2, requires_grad=True)
        handle = layer.register_forward_hook(lambda *a: None, with_kwargs=True, always_call=True)
        before = layer.register_forward_pre_hook(lambda *a: None, with_kwargs=True)
        tables = layer._forward_hooks_always_called, layer._forward_hooks_with_kwargs
        lengths = [len(t) for t in tables]
        handle.remove(), before.remove()
        lengths += [len(t) for t in (*tables, layer._forward_pre_hooks_with_kwargs)]
        nothing = layer.register_forward_hook(None)
        called = attempt(lambda: layer(x))
        nothing.remove()
        Pair = namedtuple("Pair", "a b")

        class Named(nn.Module):
            def forward(self, x):
                return Pair(x * 2, x)

        named = Named()
        named.register_full_backward_hook(lambda *a: print(len(a[1]), len(a[2])))
        pair = named(x)
        kind = type(pair).__name__
        pair.a.sum().backward()
        seen = []
        watch = nn.modules.module.register_module_parameter_registration_hook(
            lambda module, name, value: seen.append(name)
        )
        nn.Linear(1, 1, bias=False)
        watch.remove()
        elsewhere = attempt(lambda: setattr(x, "grad", torch.ones(1, 2, device="meta")))
        products = [
            (torch.ones(a, requires_grad=g) @ torch.ones(b, requires_grad=True)).grad_fn.name()
            for a in ((2, 3), (5, 2, 3), (1, 2, 3), (4, 5, 2, 3))
            for b in ((3, 2), (5, 3, 2), (1, 3, 2), (4, 5, 3, 2))
            for g in (True, False)
        ]
    """)
