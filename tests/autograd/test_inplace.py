"""In-place operations and views in the graph."""

import pytest

from tests.parity import parity

PROGRAMS = {
    "in place on a result": """
        x = torch.arange(4.0, requires_grad=True)
        y = x * 2
        y.add_(x)
        y *= 3
        (y ** 2).sum().backward()
    """,
    "in place on a view changes its base": """
        x = torch.arange(6.0, requires_grad=True)
        y = (x * 2).reshape(2, 3)
        v = y[0]
        v.mul_(5)
        w = y[:, 1]
        total = (y ** 2).sum() + v.sum() + w.sum()
        total.backward()
    """,
    "in place on the base changes its views": """
        x = torch.arange(6.0, requires_grad=True)
        y = x * 2
        v = y.view(2, 3)
        y.add_(x)
        z = (v * v).sum()
        z.backward()
    """,
    "a view of a view": """
        x = torch.arange(12.0, requires_grad=True)
        y = x.clone().view(3, 4)
        v = y.t()[1:3]
        v[0] += x[:3]
        v[:, 1] = x[5] * 2
        y.pow(2).sum().backward()
    """,
    "assignment": """
        x = torch.arange(3.0, requires_grad=True)
        out = torch.zeros(3, 3)
        out[0] = x
        out[1, 1:] = x[:2] * 2
        out[2, torch.tensor([0, 2])] = x[1:]
        out[out > 3] = 0.5
        (out ** 2).sum().backward()
    """,
    "assignment of numbers and lists": """
        t = torch.zeros(3, 4)
        t[0] = 1
        t[1, ::2] = torch.tensor([2.0, 3.0])
        t[:, -1] = torch.tensor([7, 8, 9])
        t[[0, 2], [1, 2]] = 5.5
        t[t == 0] = -1
        n = torch.arange(5)
        n[1] = 2.9
        n[..., 3:] = 0
    """,
    "copy_ and fill_": """
        x = torch.arange(3.0, requires_grad=True)
        y = torch.zeros(2, 3)
        y.copy_(x)
        y[0].fill_(2.0)
        (y * y).sum().backward()
        a = torch.zeros(2, dtype=torch.int64).copy_(torch.tensor([1.7, -1.7]))
    """,
    "a leaf cannot be changed in place": """
        x = torch.ones(3, requires_grad=True)
        leaf = attempt(lambda: x.add_(1))
        view = attempt(lambda: x[0].add_(1))
        item = attempt(lambda: x.__setitem__(0, 5.0))
        with torch.no_grad():
            x.add_(1)
            x[0] = 9
        y = (x * 2).sum()
        y.backward()
    """,
    "results that do not fit": """
        i = torch.ones(2, dtype=torch.int64)
        dtype = attempt(lambda: i.add_(1.5))
        a = torch.ones(2)
        shape = attempt(lambda: a.add_(torch.ones(3, 2)))
        e = torch.ones(1).expand(3)
        overlap = attempt(lambda: e.add_(1))
        unchanged = i, a
    """,
    "stale saved values": """
        x = torch.ones(3, requires_grad=True)
        y = x.exp()
        y.mul_(2)
        error = attempt(lambda: y.sum().backward())
        w = torch.ones(3, requires_grad=True)
        z = (w * 2) ** 2
        with torch.no_grad():
            w.add_(1)
        z.sum().backward()
        v = torch.ones(3, requires_grad=True)
        u = v * v
        with torch.no_grad():
            v.add_(1)
        changed = attempt(lambda: u.sum().backward())
    """,
    "versions": """
        x = torch.ones(3)
        v = x[1:]
        before = x._version
        x.add_(1)
        v.mul_(2)
        d = x.detach()
        d.add_(1)
        counts = x._version - before, v._version - before
    """,
    "detach in place": """
        x = torch.ones(3, requires_grad=True)
        y = x * 2
        y.detach_()
        flags = y.requires_grad, y.grad_fn is None
        z = (x * 3)
        error = attempt(lambda: z[0].detach_())
    """,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    parity(PROGRAMS[name])
