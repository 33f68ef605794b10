"""What lands in `.grad` is owned by it, and laid out as its leaf."""

import pytest

from tests.parity import parity

RESULTS = [
    "a + b", "a - b", "torch.stack([a, b])", "torch.cat([a, b])", "a.view(-1) + b.reshape(-1)",
    "a.expand(2, 3) + b", "a[None].t() + b[:, None]", "torch.where(torch.tensor([True, False, True]), a, b)",
]  # fmt: skip


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("result", RESULTS)
def test_gradients_share_memory_with_nobody(result, create_graph):
    import rushlight as torch

    a = torch.arange(3.0).requires_grad_()
    b = torch.ones(3, requires_grad=True)
    y = eval(result, {"torch": torch, "a": a, "b": b})
    y.retain_grad()
    given = torch.full(tuple(y.shape), 2.0)
    y.backward(gradient=given, create_graph=create_graph)
    owners = [a.grad, b.grad, y.grad, given]
    assert len({t.data_ptr() for t in owners}) == len(owners)
    before = [t.tolist() for t in owners]
    with torch.no_grad():
        a.grad.mul_(5)
    assert [t.tolist() for t in owners[1:]] == before[1:]


LEAVES = {
    "rows": "torch.arange(6.0).view(2, 3)", "columns": "torch.arange(6.0).view(3, 2).t()",
    "expanded": "torch.arange(3.0).expand(2, 3)", "every other": "torch.arange(12.0).view(2, 6)[:, ::2]",
    "number": "torch.tensor(1.0)", "empty": "torch.zeros(0, 3)",
    "permuted": "torch.arange(24.0).view(2, 3, 4).permute(2, 0, 1)",
}  # fmt: skip


@pytest.mark.parametrize("leaf", LEAVES)
def test_a_gradient_lies_as_its_leaf(leaf):
    parity(f"""
strides, names, grads = [], [], []
for create_graph in (False, True):
    for f in (lambda x: x * 2, lambda x: x.sum(), lambda x: x * x, lambda x: x.transpose(-1, 0) if x.dim() else x,
              lambda x: x.expand(2, *x.shape), lambda x: x.reshape(-1)):
        x = {LEAVES[leaf]}
        x = x.detach().requires_grad_()
        for _ in range(2):
            f(x).sum().backward(create_graph=create_graph)
            strides.append(x.grad.stride()); grads.append(x.grad)
            names.append(str(x.grad.grad_fn and x.grad.grad_fn.name()))
""")


def test_into_an_expanded_gradient_nothing_is_added():
    parity("""
x = torch.ones(2, 3, requires_grad=True); w = torch.ones(2, 3, requires_grad=True)
x.grad = torch.ones(3).expand(2, 3)
error = attempt(lambda: (x * w).sum().backward())
x.grad = torch.ones(3).expand(2, 3)
(x * 2).sum().backward(create_graph=True)
grad = x.grad
x = w = None
""")


ARGUMENTS = [
    "torch.autograd.grad([], [])", "torch.autograd.grad(y.sum(), [])", "y.backward([1.0, 1.0, 1.0])",
    "y.backward(torch.ones(2))", "y.backward(1.0)", "y.backward(torch.ones(3, dtype=torch.complex64))",
    "torch.autograd.grad(y.sum(), 'x')", "torch.autograd.grad(y.sum(), [x, None])",
    "torch.autograd.grad(y.sum(), u)", "torch.autograd.grad(y.sum(), torch.ones(3), allow_unused=True)",
    "torch.autograd.backward([y, y], [torch.ones(3)])", "torch.autograd.backward(torch.ones(1))",
    "y.sum().backward(inputs=[])", "y.sum().backward(inputs=[torch.ones(1)])",
    "torch.autograd.backward([y.sum(), 1])", "[y.sum().backward() for _ in range(2)]",
    "torch.ones(2).register_post_accumulate_grad_hook(print)", "y.register_post_accumulate_grad_hook(print)",
]  # fmt: skip


def test_arguments_are_refused_as_torch_refuses_them():
    calls = "\n".join(f"errors.append(attempt(lambda: {call}))" for call in ARGUMENTS)
    parity(f"""
x = torch.arange(1.0, 4.0).requires_grad_(); u = torch.ones(3, requires_grad=True)
y = x * 2
errors = []
{calls}
grads = [x.grad, u.grad]
y = None
""")


def test_a_gradient_of_a_type_of_its_own():
    parity("""
        x = torch.ones(2, requires_grad=True)
        before, x.grad_dtype = x.grad_dtype, torch.float16
        seen = []
        x.register_hook(lambda g: seen.append(g.dtype))
        x.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.dtype))
        for factor in (2, 3):
            (x * x.expand(2, 2) * factor).sum().backward()
        total = x.grad
        refused = [attempt(lambda: setattr(x, "grad_dtype", t)) for t in (torch.float64, "half")]
        refused += [attempt(lambda: setattr(x, "grad", torch.ones(2)))]
        x.grad, x.grad_dtype = None, None
        x.grad = torch.ones(2, dtype=torch.float64)
        free = x.grad_dtype, x.grad
        refused += [attempt(lambda: (x * 2).grad_dtype)]
    """)


def test_a_hook_that_hands_its_leaf_back():
    parity("""
        x = torch.zeros(3, requires_grad=True)
        x.register_post_accumulate_grad_hook(lambda p: p.add_(p.grad, alpha=-0.5))
        x.backward(torch.tensor([1.0, 2.0, 3.0]))
        y = torch.zeros(3, requires_grad=True)
        y.register_post_accumulate_grad_hook(lambda p: p.grad)
        refused = attempt(lambda: y.sum().backward())
    """)
