"""Reading and writing by index against torch."""

import random

import numpy as np
import pytest

import rushlight as torch
from tests.ops.expressions import check
from tests.parity import parity

READS = """
    x[0]
    x[-1]
    x[:, 1]
    x[..., 2]
    x[1:]
    x[:, ::2]
    x[:, -2:, 1:3]
    x[None]
    x[:, None, 1]
    x[...]
    x[()]
    x[0, 1, 2]
    x[True]
    x[False].sum(0)
    x[torch.tensor(1)]
    x[torch.tensor(True)]
    x[[1, 0, 1]]
    x[:, [2, 0]]
    x[:, :, [0, -1, 0]]
    x[[0, 1], [2, 0]]
    x[[[0, 1], [2, 0]]]
    x[:, [0, 1], [1, 2]]
    x[[0, 1], :, [1, 2]]
    x[0, :, [1, 2]]
    x[[0, 1], None, 1]
    x[:, None, [0, 1]]
    x[torch.tensor([[0, 1], [1, 0]])]
    x[torch.tensor([[1], [0]]), torch.tensor([0, 2])]
    x[np.array([1, 0])]
    x[x > 0]
    m[b]
    x[b]
    x[:, torch.tensor([True, False, True])]
    x[torch.tensor([True, False]), 0]
    x[b, [0, 1, 2]]
    x[range(2)]
    x[[slice(0, 1), 1]]
    m.gather(1, torch.tensor([[0, 2, 2], [1, 1, 0]]))
    m.gather(0, torch.tensor([[1, 0]]))
    x.gather(2, torch.zeros(2, 1, 3, dtype=torch.int64))
    s.gather(0, torch.tensor(0))
    torch.take_along_dim(x, torch.tensor([[[0], [2]]]), 1)
    m.take_along_dim(torch.tensor([5, 0, 0]))
    x.index_select(1, i)
    s.index_select(0, torch.tensor([0]))
    x.take(torch.tensor([[0, 23], [-1, 5]]))
    m.masked_select(b)
    x.masked_select(torch.tensor([True, False, True, True]))
"""

WRITES = """
    m.scatter(1, torch.tensor([[0, 2], [1, 0]]), m[:, 1:] * 2)
    m.scatter(0, torch.tensor([[1, 0]]), 3.5)
    m.scatter(0, torch.tensor([[1, 0]]), value=3.5)
    s.scatter(0, torch.tensor(0), s * 2)
    m.scatter_add(1, torch.tensor([[0, 2, 0], [1, 0, 1]]), m * m)
    m.scatter_add(0, torch.tensor([[0, 0, 1]]), m[1:])
    m.scatter_reduce(1, torch.tensor([[0, 2, 0], [1, 0, 1]]), m * 2, "sum")
    m.scatter_reduce(1, torch.tensor([[0, 2, 0], [1, 0, 1]]), m * 2, "sum", include_self=False)
    m.scatter_reduce(1, torch.tensor([[0, 2, 0], [1, 0, 1]]), m * 2, "mean")
    m.scatter_reduce(1, torch.tensor([[0, 2, 0], [1, 0, 1]]), m * 2, "mean", include_self=False)
    m.scatter_reduce(1, torch.tensor([[0, 2, 0], [1, 0, 1]]), m * 2, "prod")
    m.scatter_reduce(1, torch.tensor([[0, 2, 0], [1, 0, 1]]), m * 2, "prod", include_self=False)
    m.scatter_reduce(0, torch.tensor([[0, 0, 1]]), m[:1] + 1, "amax")
    m.scatter_reduce(0, torch.tensor([[0, 0, 1]]), m[:1] + 1, "amin", include_self=False)
    x.index_add(1, i, x * 2)
    x.index_add(1, i, x, alpha=-0.5)
    x.index_copy(2, torch.tensor([3, 0]), x[:, :, :2] * 2)
    x.index_fill(1, i, 2.0)
    x.index_fill(2, torch.tensor([1, 1]), s)
    x.index_put((torch.tensor([1, 0]), torch.tensor([2, 2])), v)
    x.index_put((i, i), s, accumulate=True)
    x.index_put((b,), torch.stack([v, v, v]))
    m.index_reduce(1, i, m * 2, "amax")
    m.index_reduce(0, torch.tensor([1]), m[:1], "prod", include_self=False)
    m.index_reduce(1, i, m * 2, "mean")
    m.put(torch.tensor([0, -1]), v[:2])
    m.put(torch.tensor([[0, 0]]), v[:2].reshape(1, 2), accumulate=True)
    m.masked_fill(b, 0.0)
    m.masked_fill(b, s)
    x.masked_fill(torch.tensor([True, False, True, False]), -1)
    m.masked_scatter(b, x)
"""


def lines(table):
    return [line.strip() for line in table.strip().splitlines()]


@pytest.mark.parametrize("expression", lines(READS))
def test_reads(expression):
    check(expression, strides=False)


@pytest.mark.parametrize("expression", lines(WRITES))
def test_writes(expression):
    check(expression, strides=False)


# What stands left of `= value`, and the value.
ASSIGNMENTS = """
    y[0] | v
    y[0] | 2
    y[:, 1] | v
    y[..., 1:3] | s
    y[1, 2] | m[0, 0]
    y[:, ::2] | x[:, :2].detach()
    y[[1, 0]] | v
    y[:, [0, 0]] | 3.0
    y[torch.tensor([0, 1]), :, 1] | m[:, :1]
    y[0, [1, 2]] | v
    y[y > 0] | 0.0
    y[b] | v
    y[b] | x[1].detach()
    y[None, 0] | v
    y[True] | s
    y[1][0] | v
    y.mT[0, 1] | m[0]
    y.view(6, 4)[2:4] | v
    y[...] | v
    y[torch.tensor(1)] | 1
"""


@pytest.mark.parametrize("assignment", lines(ASSIGNMENTS))
def test_assignments(assignment):
    place, value = assignment.split(" | ")
    parity(
        f"""
        x = torch.linspace(-1.5, 2, 24, dtype=torch.float64).sin().reshape(2, 3, 4).requires_grad_()
        m = torch.linspace(-1, 2, 6, dtype=torch.float64).cos().reshape(2, 3).requires_grad_()
        v = torch.linspace(0.5, 2, 4, dtype=torch.float64).requires_grad_()
        s = torch.tensor(1.5, dtype=torch.float64, requires_grad=True)
        b = torch.tensor([[True, False, True], [False, False, True]])
        y = x * x
        before = y.sum(0)
        {place} = {value}
        name = y.grad_fn.name().split("::")[-1] if "{place}" != "y[...]" else ""
        (y * y * torch.arange(1.0, 25).reshape(2, 3, 4)).sum().backward(retain_graph=True)
        before.sum().backward()
        with torch.no_grad():
            y = x * x
            {place} = {value}
        """
    )


def index_part(draw, size):
    """The text of one part of an index into a dimension of this size."""
    numbers = [draw.randrange(-size, size) for _ in range(2)]
    choices = (
        str(draw.randrange(-size - 1, size + 1)), ":", "1:", "::2", f":{size}", "-2:", "3:1",
        "None",
        "...", str(numbers), f"torch.tensor({numbers})", f"torch.tensor([[{numbers[0]}], "
        "[{numbers[1]}]])",
        f"torch.tensor({[bool(draw.randrange(2)) for _ in range(size)]})", "True", "False",
        f"torch.tensor({draw.randrange(size)})", f"np.array({numbers})", "np.int64(0)",
    )  # fmt: skip
    return draw.choice(choices)


def test_any_index():
    # Indices at random, read and written; of torch's rules only two are left out: it takes several
    # `...`, and does not look at indices where nothing can come out.
    draw = random.Random(0)
    cases = []
    while len(cases) < 400:
        shape = [draw.choice((1, 2, 3)) for _ in range(draw.randrange(1, 4))]
        count = draw.randrange(1, len(shape) + 2)
        parts = [index_part(draw, shape[min(n, len(shape) - 1)]) for n in range(count)]
        if parts.count("...") < 2 and "3:1" not in parts:
            cases.append((shape, ", ".join(parts)))
    program = """
def outcome(action):
    try:
        return action()
    except Exception as error:
        return next(t.__name__ for t in type(error).__mro__ if t.__module__ == "builtins")


def written(x, place):
    y = x * 2
    value = torch.tensor(3.0, requires_grad=True)
    place(y, value)
    (y * torch.arange(1.0, y.numel() + 1).reshape(y.shape)).sum().backward()
    # Where nothing was written there may be no gradient, or one of zero.
    return y.detach(), x.grad, 0.0 if value.grad is None else value.grad.item()


results = []
"""
    for shape, index in cases:
        program += f"""
x = (torch.arange({np.prod(shape)}.0) + 1).reshape({shape})
results.append(outcome(lambda: x[{index}]))
def place(y, value): y[{index}] = value
results.append(outcome(lambda: written(x.requires_grad_(), place)))
"""
    got = parity(program)
    refused = sum(isinstance(result, str) for result in got["results"])
    assert 50 < refused < 500


MISTAKES = """
    x[2]
    x[-3]
    x[0, 0, 0, 0]
    x[0, 3]
    x[::-1]
    x[::0]
    x[1.0]
    x["a"]
    x[{}]
    x[1.5:]
    x[torch.tensor(1.0)]
    x[torch.tensor([1, 2], dtype=torch.int8)]
    x[[0, 2]]
    x[:, [-4]]
    x[[0, 1], [0, 1, 2]]
    x[torch.tensor([True, False, True])]
    x[torch.zeros(2, 2, dtype=torch.bool)]
    torch.tensor(1.0)[0]
    x.__setitem__(0, torch.ones(3))
    x.__setitem__(x > 0, torch.ones(2))
    x.__setitem__(0, [1, 2])
    x.__setitem__(0, np.ones(4))
    x.__setitem__(0, None)
    x.__setitem__(0, "a")
    x.__setitem__(0, 1j)
    x.__setitem__([0, 1], torch.ones(2, 3, 4).double())
    x.__setitem__(5, 1)
    x.gather(1, i)
    x.gather(1, torch.zeros(2, 3, 4))
    x.gather(1, torch.full((2, 3, 4), 3))
    x.gather(0, torch.zeros(1, 4, 4, dtype=torch.int64))
    x.gather(3, torch.zeros(2, 3, 4, dtype=torch.int64))
    m.scatter(0, i.reshape(1, 3), torch.zeros(1, 2))
    m.scatter(0, i.reshape(1, 3), torch.zeros(1, 3).double())
    m.scatter(0, i.reshape(1, 3), 1.0, reduce="mean")
    m.scatter_reduce(0, i.reshape(1, 3), m, "median")
    m.scatter_add(0, torch.tensor([[5]]), m)
    x.index_select(1, i.float())
    x.index_select(1, i.reshape(1, 3))
    x.index_select(0, torch.tensor([3]))
    x.index_fill(1, i.float(), 1)
    x.index_add(1, torch.tensor([0, 1]), x)
    x.index_add(1, torch.tensor([0, 1, 3]), x)
    x.index_add(1, i, m)
    x.index_add(1, i, x.double())
    x.index_copy(0, i, x)
    x.index_fill(1, i, m)
    x.index_put(i, m)
    x.index_put((torch.tensor([7]),), torch.tensor(1.0))
    x.index_put((i,), torch.tensor(1.0).double())
    x.index_reduce(1, i, x, "sum")
    x.take(torch.tensor([24]))
    x.take(torch.tensor([0.0]))
    x.put(i, m)
    m.masked_fill(m, 1.0)
    m.masked_fill(m > 0, m)
    m.masked_fill(m > 0, 1j)
    i.masked_fill(i > 0, float("inf"))
    m.masked_scatter(m == 0, torch.zeros(2))
    m.masked_select(torch.ones(4) > 0)
    m.masked_select(m)
    torch.ones(3).fill_diagonal_(1)
    torch.ones(2, 3, 2).fill_diagonal_(1)
    torch.unravel_index(torch.tensor([1.0]), (2, 3))
    torch.ones(2, requires_grad=True).index_fill_(0, torch.tensor([0]), 1)
"""


@pytest.mark.parametrize("expression", lines(MISTAKES))
def test_mistakes(expression):
    parity(
        f"""
        x = torch.zeros(2, 3, 4)
        m, i = torch.zeros(2, 3), torch.tensor([0, 1, 1])
        error = attempt(lambda: {expression})
        unchanged = x
        """
    )


def test_in_place_forms():
    parity(
        """
        i, b = torch.tensor([1, 0, 1]), torch.tensor([[True, False, True], [False, False, True]])
        m = torch.linspace(-1, 2, 6).cos().reshape(2, 3)
        changes = [
            lambda t: t.scatter_(1, i.expand(2, 3), m),
            lambda t: t.scatter_(1, i.expand(2, 3), 2.0),
            lambda t: t.scatter_(1, i.expand(2, 3), 2.0, reduce="multiply"),
            lambda t: t.scatter_(1, i.expand(2, 3), m, reduce="add"),
            lambda t: t.scatter_add_(1, i.expand(2, 3), m),
            lambda t: t.scatter_reduce_(1, i.expand(2, 3), m, "amax"),
            lambda t: t.index_add_(1, i, m), lambda t: t.index_copy_(1, i[:2], m[:, :2]),
            lambda t: t.index_fill_(1, i, 5.0), lambda t: t.index_put_((i[:2],), m),
            lambda t: t.index_put_((i,), m[0], accumulate=True),
            lambda t: t.index_reduce_(1, i, m, "mean"),
            lambda t: t.put_(torch.tensor([0, -1]), m[0, :2]), lambda t: t.masked_fill_(b, -1.0),
            lambda t: t.masked_fill_(b[0], -1.0), lambda t: t.masked_scatter_(b, m),
        ]
        plain, views, gradients = [], [], []
        for change in changes:
            t = torch.arange(6.0).reshape(2, 3)
            plain.append((change(t) is t, t))
            whole = torch.arange(12.0).reshape(3, 4)
            change(whole.t()[1:3])
            views.append(whole)
            if change is not changes[2] and change is not changes[3]:
                start = torch.arange(1.0, 7).reshape(2, 3).requires_grad_()
                t = start * 2
                change(t)
                (t * t).sum().backward()
                gradients.append((t.detach(), start.grad))
        del change, changes, t, start, whole
        """
    )


def test_fill():
    parity(
        """
        x = torch.ones(2, 3, requires_grad=True)
        s = torch.tensor(2.0, requires_grad=True)
        a, b = torch.fill(x, 3.0), torch.fill(x, s)
        (a + b * torch.arange(6.0).reshape(2, 3)).sum().backward()
        """
    )


def test_diagonals_are_filled():
    parity(
        """
        square, tall, cube = torch.zeros(3, 3), torch.zeros(7, 2), torch.zeros(2, 2, 2)
        results = square.fill_diagonal_(1), tall.clone().fill_diagonal_(2)
        wrapped = tall.fill_diagonal_(3, wrap=True)
        deep = cube.fill_diagonal_(4)
        x = torch.ones(2, 2, requires_grad=True)
        y = (x * 2).fill_diagonal_(5.0)
        y.sum().backward()
        """
    )


def test_where_elements_are():
    parity(
        """
        x = torch.tensor([[0, 1, 0], [2, 0, 3]])
        places = x.nonzero(), torch.nonzero(x > 0, as_tuple=True), torch.argwhere(x)
        scalars = torch.tensor(3).nonzero(), torch.tensor(0).nonzero()
        parts = torch.tensor(3).nonzero(as_tuple=True)
        static = torch.nonzero_static(x, size=4), torch.nonzero_static(x, size=2, fill_value=9)
        apart = torch.unravel_index(torch.tensor([1, 5, 3]), (2, 3))
        line = torch.unravel_index(torch.tensor(4), 6)
        """
    )


def test_byte_masks_are_deprecated():
    mask = torch.tensor([1, 0, 1], dtype=torch.uint8)
    with pytest.warns(UserWarning, match="uint8"):
        assert torch.arange(3)[mask].tolist() == [0, 2]


def test_repeated_rows_add_up():
    # Every way in which `add_at` adds: whole rows, few and many; columns; single elements; masks.
    draw = np.random.default_rng(0)
    for shape, axis, count in (
        ((7, 3), 0, 50),
        ((50, 400), 0, 60),
        ((5, 40, 300), 1, 80),
        ((9,), 0, 40),
    ):
        x = torch.tensor(draw.standard_normal(shape), requires_grad=True)
        index = torch.tensor(draw.integers(-shape[axis], shape[axis], count))
        picked = x[(slice(None),) * axis + (index,)]
        weight = draw.standard_normal(picked.shape)
        (picked * torch.tensor(weight)).sum().backward()
        wanted = np.zeros(shape)
        np.add.at(wanted, (slice(None),) * axis + (index.numpy(),), weight)
        assert np.allclose(x.grad.numpy(), wanted)


def test_assigning_in_a_loop_does_not_copy_the_whole():
    # Each step of the graph remembers an index, not the tensor.
    out = torch.zeros(50, 1000)
    w = torch.ones(1000, requires_grad=True)
    address = out.data_ptr()
    for t in range(50):
        out[t] = w * t
    assert out.data_ptr() == address
    out.sum().backward()
    assert w.grad.tolist() == [sum(range(50))] * 1000


def test_a_failed_assignment_changes_nothing():
    x = torch.zeros(3)
    for index, value in ((5, 1.0), ([0, 9], 1.0), (slice(0, 2), torch.ones(3))):
        with pytest.raises((IndexError, RuntimeError)):
            x[index] = value
    assert x.tolist() == [0, 0, 0]
    assert x._version == 0


def test_values_of_another_type():
    """A single mask is filled with a number of any type; other places want the tensor's own."""
    parity("""
        _x = torch.arange(6.0).reshape(2, 3)
        two, long = torch.tensor(2), torch.tensor([2])
        results = []
        for _index in (_x > 1, torch.tensor([True, False]), True, 0, slice(1), torch.tensor(1)):
            for _value in (two, long, two.double()):
                _y = _x.clone()
                _y[_index] = _value
                results.append(_y)
        errors = []
        for _index in ([0, 1], torch.tensor([0]), (0, [0, 1]), ([0, 1], [0, 1]), torch.tensor(True)):
            for _value in (two, long, two.double()):
                errors.append(attempt(lambda: _x.__setitem__(_index, _value)))
        _c = torch.tensor([1j, 2])
        errors.append(attempt(lambda: _c.__setitem__(0, torch.tensor([1.0, 2.0]))))
        errors.append(attempt(lambda: _x.__setitem__(_x > 1, torch.ones(2, 3))))
    """)


@pytest.mark.parametrize(
    "index", ["..., ...", "..., 0, ...", "0, ..., ...", "..., None, ...", "..., [0, 1], ..."]
)
def test_a_second_ellipsis_stands_for_nothing(index):
    parity(f"""
        x = torch.arange(24.0).reshape(2, 3, 4)
        y = x[{index}]
        refused = attempt(lambda: x[..., ..., 0])
    """)


def test_what_is_wrong_first():
    # Too many parts, or else the first wrong one; warnings only where it comes to that.
    parity(
        """
        import warnings
        x = torch.arange(12.0).view(3, 4)
        n = torch.tensor(3.0)
        u, z = torch.tensor([0, 1], dtype=torch.uint8), torch.zeros(0, dtype=torch.bool)
        _indices = [
            [[0], [1]], [slice(0, 1)], ([slice(0, 1)], 0), [None], ([None], 0), "a", ("a", 0), (0, 0, "a"), b"a",
            ([torch.tensor([0]), torch.tensor([1])], 0), ([x[0].long(), x[0].long()], 0), 1.0, z, (slice(None), z),
            np.bool_(True), np.array(True), np.array([0, 1], dtype=">i8"), np.array([1, 0])[::-1],
            (0, 0, slice(0, 1, 0)),
            (5, slice(0, 1, 0)), (slice(0, 1, 0), 5), (7, [0]), (7, torch.tensor([0.0])), (torch.tensor([0.0]), 7), u,
            (u, 0, 0), torch.tensor(1, dtype=torch.int8), torch.tensor(1, dtype=torch.uint8), {},
            (x > 2, 0), slice(0, 1),
        ]
        def _seen(f, *args):
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                try:
                    result = f(*args)
                    found = None if result is None else (tuple(result.shape), result.stride())
                except Exception as error:
                    found = type(error).__name__
            return found, [str(w.message)[:30] for w in told]
        got = [_seen(t.__getitem__, i) for t in (x, n) for i in _indices]
        _values = 1, torch.ones(2, 1), torch.ones(4).double(), [1]
        set_ = [_seen(x.__setitem__, i, v)[0] for i in _indices for v in _values]
        put = [_seen(x.index_put, (i,), v) for i in (u, z, torch.tensor([0.0])) for v in (n, torch.ones(2, 4))]
        """
    )
