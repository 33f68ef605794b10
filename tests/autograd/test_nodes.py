"""Nodes as programs see them, and what they saved, as torch has them: each program runs under both."""

import pytest

from tests.described import described, raised, said
from tests.parity import parity

GIVEN = {"d": described, "e": raised, "m": said}

PROGRAMS = [
    """
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    n = y.grad_fn
    a = n.name(), type(n).__name__, isinstance(n, torch.autograd.graph.Node), len(n.next_functions)
    b = n.next_functions[0][0].name(), n.next_functions[0][1]
    c = n.next_functions[0][0].variable is x
    """,
    """
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    n = (x * 3).grad_fn
    r = n(torch.ones(2))
    k = type(r).__name__
    """,
    """
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    w = torch.tensor([5.0, 2.0], requires_grad=True)
    n = (x * w).grad_fn
    r = n(torch.ones(2))
    s, o = n._saved_self, n._saved_other
    rs = type(n._raw_saved_self).__name__
    """,
    """
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    n = x.exp().grad_fn
    s = n._saved_result
    t = s.grad_fn is n
    h = hasattr(n, "_saved_self")
    """,
    """
    x = torch.ones(3, requires_grad=True)
    n = x.pow(3).grad_fn
    s, e2 = n._saved_self, n._saved_exponent
    """,
    """
    x = torch.ones(3, 4, requires_grad=True)
    n = x.sum(1).grad_fn
    a = n._saved_dim, n._saved_keepdim, tuple(n._saved_self_sym_sizes)
    """,
    """
    x = torch.ones(3, 4, requires_grad=True)
    n = x.mean().grad_fn
    a = tuple(n._saved_self_sym_sizes), n._saved_self_sym_numel
    """,
    """
    x = torch.ones(3, 4, requires_grad=True)
    n = x.t().grad_fn
    a = n.name()
    n = x.transpose(0, 1).grad_fn
    b = n.name(), n._saved_dim0, n._saved_dim1
    """,
    """
    x = torch.ones(3, 4, requires_grad=True)
    w = torch.ones(4, 2)
    n = (x @ w).grad_fn
    a, b = n._saved_self, n._saved_mat2
    """,
    """
    x = torch.ones(3, requires_grad=True)
    n = (x * x).grad_fn
    (x * 1).sum().backward()
    n2 = x.exp()
    n3 = n2.grad_fn
    n2.sum().backward()
    err = e(lambda: n3._saved_result), m(lambda: n3._saved_result)[:60]
    """,
    """
    x = torch.randn(3, 4, requires_grad=True)
    n = x.softmax(1).grad_fn
    a = n._saved_result, n._saved_dim
    n = x.log_softmax(-1).grad_fn
    b = n._saved_result
    """,
    """
    x = torch.randn(2, 3, 5, 5, requires_grad=True)
    w = torch.randn(4, 3, 3, 3, requires_grad=True)
    n = F.conv2d(x, w, padding=1, stride=2).grad_fn
    a = (
        n.name(),
        n._saved_input is not None,
        n._saved_weight.shape,
        tuple(n._saved_stride),
        tuple(n._saved_padding),
        tuple(n._saved_dilation),
        n._saved_groups,
        n._saved_transposed,
    )
    """,
    """
    x = torch.randn(5, requires_grad=True)
    n = x[1:3].grad_fn
    a = n.name(), n._saved_dim, n._saved_start, n._saved_end, n._saved_step
    n = x[2].grad_fn
    b = n.name(), n._saved_dim, n._saved_index
    """,
    """
    x = torch.randn(5, requires_grad=True)
    n = x.clamp(-1, 0.5).grad_fn
    a = n._saved_min, n._saved_max, n._saved_self
    n = x.view(5, 1).grad_fn
    b = tuple(n._saved_self_sym_sizes)
    n = x.unsqueeze(0).grad_fn
    c = n._saved_dim
    n = x.expand(2, 5).grad_fn
    dd = tuple(n._saved_self_sym_sizes)
    """,
    """
    x = torch.randn(5, 3, requires_grad=True)
    n = torch.cat([x, x], 1).grad_fn
    a = n._saved_dim, len(n.next_functions)
    n = torch.stack([x, x], 1).grad_fn
    b = n._saved_dim
    n = x.permute(1, 0).grad_fn
    c = tuple(n._saved_dims)
    """,
    """
    x = torch.randn(5, 3, requires_grad=True)
    n = x.index_select(0, torch.tensor([0, 2])).grad_fn
    a = n._saved_dim, n._saved_index
    n = x.gather(0, torch.tensor([[0, 1, 2]])).grad_fn
    b = n._saved_dim, n._saved_index
    n = x[torch.tensor([0, 1])].grad_fn
    c = n.name(), n._saved_indices
    """,
    """
    x = torch.randn(5, 3, requires_grad=True)
    n = F.layer_norm(x, (3,)).grad_fn
    a = n.name(), n._saved_input, tuple(n._saved_normalized_shape)
    n = F.embedding(torch.tensor([1, 2]), x).grad_fn
    b = (
        n.name(),
        n._saved_indices,
        n._saved_padding_idx,
        n._saved_scale_grad_by_freq,
        n._saved_sparse,
    )
    """,
    """
    x = torch.randn(3, requires_grad=True)
    n = (x * 2).grad_fn
    n.metadata["a"] = 1
    a = n.metadata
    err = e(lambda: setattr(n, "foo", 1))
    """,
    """
    x = torch.randn(3, requires_grad=True)
    a, b = x * 2, x * 3
    k = b.grad_fn._sequence_nr() > a.grad_fn._sequence_nr()
    acc = a.grad_fn.next_functions[0][0]
    j = acc._sequence_nr() > 10**15
    same = acc is b.grad_fn.next_functions[0][0]
    s = (
        acc.name(),
        type(acc).__name__,
        acc.next_functions,
        isinstance(acc, torch.autograd.graph.Node),
    )
    """,
    """
    x = torch.ones(3, requires_grad=True)
    y = x * x
    raw = y.grad_fn._raw_saved_self
    raw.register_hooks(lambda t: t * 3, lambda t: t)
    y.sum().backward()
    """,
    """
    x = torch.ones(3, requires_grad=True)
    y = x.exp()
    raw = y.grad_fn._raw_saved_result
    log = []
    raw.register_hooks(lambda t: (log.append("p"), t)[1], lambda t: (log.append("u"), t * 2)[1])
    y.sum().backward()
    er = (
        e(lambda: raw.register_hooks(lambda t: t, lambda t: t)),
        m(lambda: raw.register_hooks(lambda t: t, lambda t: t))[:60],
    )
    """,
    """
    x = torch.randn(3, 3, requires_grad=True)
    v = torch.randn(3, requires_grad=True)
    n = [
        t.grad_fn.name()
        for t in (
            x @ x,
            v @ v,
            x @ v,
            F.linear(x, x, v),
            F.linear(x[None], x, v),
            x[0],
            x[:, None],
            x[[0, 1]],
            x.T,
            1 - x,
            2 / x,
            2**x,
            x.norm(),
            x.t().reshape(9),
            x.double(),
            F.cross_entropy(x, torch.tensor([0, 1, 2])),
            x.flatten(),
            F.softmax(x, -1),
            x.split(1)[0],
            F.scaled_dot_product_attention(x[None, None], x[None, None], x[None, None]),
        )
    ]
    """,
    """
    from torch.autograd.graph import Node

    x = torch.ones(2, requires_grad=True)
    a = issubclass(type((x * 2).grad_fn), Node), isinstance(3, Node), isinstance(x, Node)
    er = e(lambda: Node())
    """,
    """
    x = torch.ones(2, requires_grad=True)
    y = x.exp()
    y.backward(torch.ones(2), retain_graph=True)
    y.backward(torch.ones(2))
    er = e(lambda: y.backward(torch.ones(2)))
    er2 = e(lambda: y.grad_fn(torch.ones(2)))
    """,
    """
    x = torch.ones(2, requires_grad=True)
    y = x.exp()
    r = y.grad_fn(torch.ones(2))
    r2 = y.grad_fn(torch.ones(2))
    er = e(lambda: y.grad_fn())
    """,
    """
    x = torch.ones(2, requires_grad=True)
    acc = torch.autograd.graph.get_gradient_edge(x).node
    acc(torch.full((2,), 3.0))
    """,
    """
    w = torch.ones(2, requires_grad=True)
    with torch.no_grad():
        y = w * 2
    a = y.grad_fn
    z = w.view_as(w)
    acc = z.grad_fn.next_functions[0][0]
    b = acc.variable is w, acc.name(), repr(acc)[:15]
    """,
    """
    x = torch.ones(2, requires_grad=True)
    y = (x * 2).grad_fn
    r = repr(y)[:13], y.__class__.__name__, callable(y), y.__class__.__mro__[-1].__name__
    """,
    """
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x**2
    n = y.grad_fn
    r = n._saved_exponent
    err = e(lambda: n._saved_foo)
    s = n._raw_saved_self
    k = s.data if hasattr(s, "data") else None
    """,
]


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_program(program):
    parity(program, given=GIVEN)
