"""What a function under vmap may do, and what it may not."""

from tests.parity import parity


def test_random_numbers():
    parity(
        """
        x = torch.zeros(4, 3)
        def equal(rows):
            return all(bool((a == b).all()) for a, b in zip(rows, rows[1:]))
        def noisy(r):
            return r + torch.rand(3)
        wrong = [
            attempt(lambda: torch.vmap(noisy)(x)),
            attempt(lambda: torch.vmap(noisy, randomness="none")(x)),
        ]
        same = equal(torch.vmap(noisy, randomness="same")(x))
        different = equal(torch.vmap(noisy, randomness="different")(x))
        masks = equal(torch.vmap(lambda r: F.dropout(r + 1, 0.5), randomness="same")(x))
        none = equal(torch.vmap(lambda r: F.dropout(r + 1, 0.0))(x))
        off = equal(torch.vmap(lambda r: F.dropout(r + 1, 0.5, training=False))(x))
        own = torch.vmap(lambda r: torch.randn(3, generator=torch.Generator()) + r, randomness="different")
        apart = equal(own(x))
        torch.manual_seed(3)
        drawn = torch.vmap(lambda r: F.dropout(r + 1, 0.5), randomness="different")(x)
        """
    )


def test_values_of_one_example():
    parity(
        """
        x = torch.tensor([[1.0, 0.0], [2.0, 3.0]])
        refused = [
            attempt(lambda: torch.vmap(f)(x))
            for f in (
                lambda r: r.sum().item(), lambda r: r.nonzero(), lambda r: r if r.sum() > 0 else -r,
                lambda r: r[r > 0], lambda r: torch.tensor(r.tolist()), lambda r: r * float(r[0]),
                lambda r: r.numpy(), lambda r: torch.unique(r), lambda r: r.masked_select(r > 0),
                lambda r: 1,
            )
        ]
        chosen = torch.vmap(lambda r: torch.where(r > 0, r, 7.0))(x)
        fixed = torch.vmap(lambda r: torch.nonzero_static(r, size=2))(x)
        length = torch.vmap(lambda r: torch.tensor(len(r)))(x)
        order = torch.vmap(lambda r: r.is_contiguous() and r)(x)
        """
    )


def test_changes_in_place():
    parity(
        """
        vmap, zeros, ones = torch.vmap, torch.zeros, torch.ones
        a, x, y = zeros(3), zeros(2, 3), zeros(2, 3)
        refused = [
            attempt(lambda: vmap(lambda r: a.add_(r))(ones(2, 3))),
            attempt(lambda: vmap(lambda r: zeros(3).add_(r))(ones(2, 3))),
            attempt(lambda: vmap(lambda i: a.__setitem__(i, 1.0) or a)(torch.arange(2))),
        ]
        added = vmap(lambda r: r.add_(1))(x)
        fresh = vmap(lambda r: r.new_zeros(3).add_(r))(ones(2, 3))
        filled = vmap(lambda r, i: r.index_fill_(0, i, 5.0))(y, torch.tensor([[0], [1]]))
        def several(x):
            z = x.clone()
            z[0] = x[1]
            z[1:].add_(x[:-1])
            z *= 2
            z[:2].zero_()
            z[2].fill_(x[0])
            return z
        given = torch.arange(8.0).reshape(2, 4)
        changed = vmap(several)(given)
        each = vmap(torch.func.grad(lambda x: (several(x) * x).sum()))(given)
        whole = torch.func.grad(lambda x: vmap(several)(x).pow(2).sum())(given)
        along = torch.func.jacfwd(several)(given[0])
        curved = torch.func.hessian(lambda x: (several(x * x) * x).sum())(given[0])
        leaf = given.clone().requires_grad_()
        inner = leaf * 1
        vmap(lambda r: r.mul_(r.sum()))(inner).sum().backward()
        where = torch.tensor([[0, 1, 2, 3], [3, 2, 1, 0]])
        scattered = vmap(lambda x, i: x.scatter_(0, i, x * 2))(given.clone(), where)
        """
    )


def test_dimensions_structures_and_parts():
    parity(
        """
        from collections import namedtuple
        Pair = namedtuple("Pair", "first second")
        vmap = torch.vmap
        x, y = torch.arange(24.0).reshape(2, 3, 4), torch.arange(12.0).reshape(4, 3)
        moved = [vmap(lambda x: x.sum(0), in_dims=d)(x) for d in (1, -1)]
        out = [vmap(lambda x: x * 2, out_dims=d)(x) for d in (2, -1)]
        crossed = vmap(vmap(torch.dot, in_dims=(None, 0)), in_dims=(0, None), out_dims=1)(y, y)
        def tree(t, s):
            return {"p": t["x"] * t["y"][0] * s, "q": [t["x"].sum()]}
        dims = ({"x": 0, "y": (1, None)}, None)
        nested = vmap(tree, in_dims=dims)({"x": y, "y": (y.t(), 5)}, 3.0)
        named = vmap(lambda p: Pair(p.first + 1, p.second * 2), out_dims=1)(Pair(y, y))
        def both(x, y):
            return x.sum(), {"y": y * 2}
        parts = [vmap(both, in_dims=(0, 1), chunk_size=n)(y, y.t()) for n in (1, 3, 9)]
        sorted_ = vmap(torch.sort)(y)
        wrong = [
            attempt(lambda: vmap(torch.add)(x, y)), attempt(lambda: vmap(torch.add, in_dims=(0,))(y, y)),
            attempt(lambda: vmap(torch.add, in_dims=2)(y, y)), attempt(lambda: vmap(torch.add, in_dims=None)(y, y)),
            attempt(lambda: vmap(torch.add)(y, 1.0)), attempt(lambda: vmap(torch.add, out_dims=3)(y, y)),
            attempt(lambda: vmap(torch.add, chunk_size=0)(y, y)), attempt(lambda: vmap(lambda: y)()),
            attempt(lambda: vmap(lambda x: x, out_dims=None)(y)),
        ]
        """
    )


def test_modules_as_functions():
    parity(
        """
        from torch.func import functional_call, jacfwd, jacrev, hessian
        class Tied(nn.Module):
            def __init__(self):
                super().__init__()
                self.a, self.b = nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)
                self.b.weight = self.a.weight
            def forward(self, x):
                return self.b(self.a(x))
        m, x = Tied(), torch.ones(1, 2)
        with torch.no_grad():
            m.a.weight.copy_(torch.eye(2))
        two, three = 2 * torch.eye(2), 3 * torch.eye(2)
        calls = [
            ({"a.weight": two}, {}), ({"a.weight": two}, {"tie_weights": False}),
            ({"a.weight": two, "b.weight": three}, {}), ({"b.weight": two}, {}),
            ({"a.weight": two, "b.weight": three}, {"tie_weights": False}),
            ({"a.weight": two, "zzz": two}, {}), ({"a.weight": two}, {"strict": True}),
            ({}, {}), ({}, {"strict": True}), (({"a.weight": two}, {"a.weight": three}), {}),
            ({"b.weight": two}, {"tie_weights": False}),
        ]
        def called(d, kw):
            try:
                return functional_call(m, d, (x,), **kw).detach()
            except (ValueError, RuntimeError) as error:
                return type(error).__name__
        found = [called(d, kw) for d, kw in calls]
        f = lambda x, y: {"b": x.sum() * y, "a": x}
        blocks = [j(f, argnums=(0, 1))(torch.ones(2), torch.ones(3)) for j in (jacrev, jacfwd)]
        curved = hessian(lambda x: x.sum(0))(torch.ones(2, 3)).shape
        aux = [j(lambda x: (x.sin(), x.cos()), has_aux=True)(torch.ones(2)) for j in (jacrev, jacfwd)]
        """
    )


def test_what_is_set_from_a_part_beside_it():
    parity(
        """
        x = torch.arange(6.0).reshape(2, 3)
        def moved(r):
            r[:1] = r[1:2]
            return r
        def picked(r):
            r[torch.tensor([0, 1])] = r[1:]
            return r
        results = [torch.vmap(f)(x.clone()) for f in (moved, picked)]
        """
    )


def test_segments_and_positions_of_each_example():
    parity(
        """
        x = torch.arange(12.0).reshape(2, 6) - 4
        lengths, offsets = torch.tensor([[2, 0, 4], [1, 3, 2]]), torch.tensor([[0, 2, 6], [1, 3, 3]])
        kinds = ("sum", "mean", "max", "min", "prod")
        def total(r, kind, **given):
            return (torch.segment_reduce(r, kind, **given) * torch.arange(1.0, 4)).sum()
        by_lengths = [torch.vmap(lambda r, n: torch.segment_reduce(r, k, lengths=n))(x, lengths) for k in kinds]
        slopes = [torch.vmap(torch.func.grad(lambda r, n: total(r, k, lengths=n)))(x, lengths) for k in kinds]
        by_offsets = torch.vmap(lambda r, n: torch.segment_reduce(r, "sum", offsets=n))(x, offsets)
        shared = torch.vmap(lambda n: torch.segment_reduce(x[0], "mean", lengths=n))(lengths)
        outside = torch.segment_reduce(x[0].requires_grad_(), "prod", lengths=lengths[0, :2], unsafe=True)
        places, values = torch.tensor([[0, 5], [2, 2]]), torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        put = [
            torch.vmap(lambda r, i, v: torch.index_put(r, (i,), v, accumulate=add))(x.detach(), places, values)
            for add in (True,)
        ]
        """
    )


def test_composites_that_are_one_kernel():
    parity(
        """
        vmap, grad, zero = torch.vmap, torch.func.grad, torch.tensor(0)
        image, signal = torch.randn(3, 2, 4, 4), torch.randn(3, 2, 8)
        of_images = (
            lambda x: F.avg_pool2d(x, 2), lambda x: F.adaptive_avg_pool2d(x, 3), lambda x: x.take(zero),
            lambda x: F.pad(x, (1, 2), mode="reflect"), lambda x: F.pad(x, (-1, 2), mode="replicate"),
            lambda x: F.interpolate(x[None], 3, mode="area"), lambda x: x.masked_select(torch.ones(4, 4) > 0),
        )
        of_signals = (lambda x: F.avg_pool1d(x, 2), lambda x: F.adaptive_avg_pool1d(x, 3))
        windows = vmap(grad(lambda x: torch.stft(x, 4, window=torch.ones(4), return_complex=True).abs().sum()))
        made = [
            [vmap(f)(x), vmap(grad(lambda t, f=f: f(t).square().sum()))(x)]
            for x, functions in ((image, of_images), (image.mT, of_images), (signal, of_signals))
            for f in functions
        ]
        heard = windows(torch.randn(2, 8))
        # One number an example.
        s, i = torch.randn(3), torch.zeros(3, dtype=torch.long)
        added = vmap(lambda a, i, s: a.scatter_add(0, i, s))(s, i, s)
        most = vmap(lambda a, i, s: a.scatter_reduce(0, i, s, "amax"))(s, i, s)
        """
    )


def test_a_position_of_each_example():
    parity(
        """
        x, k, vmap = torch.randn(3, 4, 5), torch.tensor([3, 0, 1]), torch.vmap
        def put(a, j):
            a = a.clone()
            a[:, j] = 7.0
            return a
        taken = [
            vmap(f)(x, k)
            for f in (
                lambda a, j: a[j], lambda a, j: a[..., j.int()], lambda a, j: a[j, 1:3], lambda a, j: a[j, None],
                lambda a, j: a[j, j], put,
            )
        ]
        same = vmap(lambda j: x[0][j])(k)
        """
    )
