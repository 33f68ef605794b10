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


def test_views_whose_base_has_become_part_of_the_graph():
    # A part that is set knows where it stands; the view as a whole does not, until somebody asks for its place.
    parity("""
        a = torch.tensor([0.5, 1.5, 2.5, 3.5], dtype=torch.float64)
        def _zeros():
            base = torch.zeros(8, dtype=torch.float64)
            return base, base.view(2, 4)
        def _by_parts(a, b, o):
            o[0] += a
            o[1, 1:] -= a[:3]
        def _by_slices(a, b, o):
            b[:4] = a
            o[:] = o * 2
            o[..., 1] = a[0]
        def _turned(a, b, o):
            o.t()[0] += a[:2]
            o[1] += a * 2
        def _whole(a, b, o):
            b[:4] = a
            o.mul_(2)
        def _masked(a, b, o):
            b[:4] = a
            o[o > 1] = 0.0
        def _of_several(a, b, o):
            left, right = b.split(4)
            b[2:6] = a
            left[0] = 1.0
        def _run(change):
            x = a.clone().requires_grad_()
            b, o = _zeros()
            change(x, b, o)
            (o * o * torch.arange(1.0, 9.0).view(2, 4)).sum().backward()
            return x.grad, b._version, o.grad_fn.name(), b.grad_fn.name()
        made = [_run(f) for f in (_by_parts, _by_slices, _turned)]
        refused = [attempt(lambda: _run(f)) for f in (_whole, _masked, _of_several)]
        func = torch.func.grad(lambda x: (lambda b, o: (_by_parts(x, b, o), (o * o).sum())[1])(*_zeros()))(a)
        with torch.no_grad():
            left, right = torch.zeros(4).split(2)
            right[0] = 3.0
    """)
