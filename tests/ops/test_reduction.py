"""Reductions and scans: values, dtypes, ties, nan, empty inputs, derivatives, errors."""

import itertools

import numpy as np
import pytest
import torch
from tools.write_names import read

import rushlight
from tests.parity import parity

ROOMS = ("ops.reduction", "ops.extremes", "ops.scan")
NAMES = [e.shown for e in read() if e.room in ROOMS and e.place == "torch"]


def test_names_and_methods_are_torchs():
    assert not [name for name in NAMES if not hasattr(torch, name)]
    for form in ("{}", "{}_"):
        names = [form.format(name) for name in NAMES]
        assert not [n for n in names if hasattr(torch.Tensor, n) != hasattr(rushlight.Tensor, n)]


FOLDS = """
    sum mean prod std var amax amin all any logsumexp nansum nanmean count_nonzero argmax
    argmin max min median nanmedian mode
"""
SINGLE = {"prod", "argmax", "argmin", "max", "min", "median", "nanmedian", "mode"}
NO_KEEPDIM = {"count_nonzero"}


@pytest.mark.parametrize("name", FOLDS.split())
def test_dimensions(name):
    """Every way to name dimensions; axis and keepdims are NumPy's words for them."""
    keep = [", keepdim=True", ", keepdims=True"] if name not in NO_KEEPDIM else []
    calls = [f"torch.{name}(x, {dim}{k})" for dim in (0, -1, 1) for k in ["", *keep]]
    calls += [f"x.{name}(dim=2)", f"x.{name}(axis=0)"]
    if name not in SINGLE:
        calls += [f"x.{name}({dim})" for dim in ("(0, 2)", "[1]", "(-1, 0)", "(0, 1, 2)")]
    if name != "logsumexp":
        calls += [f"torch.{name}(x)", f"x.{name}()"]
    again = "" if name in SINGLE else f"errors += [attempt(lambda: torch.{name}(x, (0, 0)))]"
    point = "0" if name in ("std", "var") else f"torch.tensor(2.0).{name}(0)"
    parity(
        f"""
        x = torch.randn(2, 3, 4)
        results = [{", ".join(calls)}]
        point = {point}
        errors = [attempt(lambda: torch.{name}(x, 3)), attempt(lambda: torch.{name}(x, -4))]
        errors += [attempt(lambda: torch.{name}(x, "a")), attempt(lambda: torch.{name}(2.0, 0))]
        {again}
        """,
        rtol=2e-5,
        atol=1e-6,
    )


@pytest.mark.parametrize("name", ["std_mean", "var_mean"])
def test_pairs(name):
    parity(
        f"""
        x = torch.randn(2, 3, 4)
        results = [torch.{name}(x), torch.{name}(x, 1), torch.{name}(x, (0, 2), keepdim=True)]
        results += [torch.{name}(x, 0, unbiased=False), torch.{name}(x, correction=0)]
        results += [torch.{name}(x, False), torch.{name}(x, axis=1, keepdims=True)]
        errors = [attempt(lambda: torch.{name}(x, 3)), attempt(lambda: torch.{name}(x, (0, 0)))]
        """,
        rtol=2e-5,
        atol=1e-6,
    )


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64", "float16", "float64"])
def test_types(dtype):
    floating = dtype.startswith("float")
    parity(
        f"""
        x = torch.tensor([[1, 0, 1], [1, 1, 0]]).to(torch.{dtype})
        results = [x.sum(), x.prod(1), x.cumsum(0), x.cumprod(1), x.amax(0), x.min(), x.max(1)]
        results += [x.sum(dtype=torch.float64), x.sum(0, dtype=torch.int32), x.any(1), x.all()]
        results += [x.nansum()]
        results += [x.count_nonzero(1), x.cumsum(1, dtype=torch.int8), x.logsumexp(0), x.cummax(1)]
        results += [x.mean(dtype=torch.float32), x.diff(), x.mode(0), torch.aminmax(x)]
        if {dtype != "bool"}:
            results += [x.argmax(), x.argmin(1), x.median(), x.median(1)]
        if {floating}:
            results += [x.mean(), x.std(0), x.var(), x.norm(), x.norm(1, 0)]
        errors = []
        if not {floating}:
            errors = [attempt(lambda: x.mean()), attempt(lambda: x.std())]
            errors += [attempt(lambda: x.norm())]
        """,
        rtol=2e-3 if dtype == "float16" else 1e-6,
    )


def test_half_precision_folds_in_single():
    parity(
        """
        x = torch.full((5000,), 20.0, dtype=torch.float16)
        results = [x.sum(), x.mean(), x.norm(), (x / 20).prod(), x.var(), x.logsumexp(0)]
        """,
        rtol=1e-3,
    )


def test_long_sums_are_accurate():
    """Sums along memory take another way for many elements."""
    values = np.random.default_rng(0).standard_normal((300, 700)).astype(np.float32)
    values += 1
    x = rushlight.from_numpy(values)
    exact = values.astype(np.float64)
    for got, want in (
        (x.sum(), exact.sum()), (x.sum(1), exact.sum(1)),
        (x.sum((0, 1)), exact.sum()), (x.mean(), exact.mean()), (x.mean(-1), exact.mean(-1)),
        (x[:, ::2].sum(1), exact[:, ::2].sum(1)),
        (x.sum(1, keepdim=True), exact.sum(1, keepdims=True)),
        (x[:1].expand(300, 700).sum(1), exact[:1].repeat(300, 0).sum(1)),
    ):  # fmt: skip
        assert got.dtype == rushlight.float32
        assert tuple(got.shape) == np.shape(want)
        np.testing.assert_allclose(got.numpy(), want, rtol=1e-6)
    np.testing.assert_allclose(x.sum(0).numpy(), exact.sum(0), rtol=3e-6)
    assert np.isnan(rushlight.full((20000,), float("nan")).sum().item())
    x[0, 0] = float("inf")
    assert x.sum().item() == float("inf")


def test_empty():
    parity(
        """
        e = torch.zeros(0)
        m = torch.zeros(2, 0, 3)
        results = [e.sum(), e.prod(), e.mean(), e.any(), e.all(), e.norm(), e.nansum(), e.median()]
        results += [m.sum(1), m.prod(1), m.mean(1), m.any(1), m.all(1), m.norm(dim=1)]
        results += [m.logsumexp(1)]
        results += [m.amax(0), m.max(2), m.argmax(0), m.cumsum(1), m.cummax(1), m.std(2)]
        results += [m.count_nonzero()]
        results += [e.cumprod(0), torch.zeros(0, 2).sum(0), e.logcumsumexp(0), e.diff()]
        results += [torch.trapezoid(e)]
        errors = [attempt(lambda: e.max()), attempt(lambda: m.max(1)), attempt(lambda: m.amax(1))]
        errors += [attempt(lambda: e.argmax()), attempt(lambda: m.argmin(1))]
        errors += [attempt(lambda: e.min(0))]
        errors += [attempt(lambda: m.median(1)), attempt(lambda: m.mode(1))]
        errors += [attempt(lambda: e.amin())]
        errors += [attempt(lambda: torch.aminmax(e)), attempt(lambda: e.norm(float("inf")))]
        errors += [attempt(lambda: e.quantile(0.5))]
        """
    )


def test_no_degrees_of_freedom():
    run = parity(
        """
        x = torch.tensor([[1.0, 2.0]])
        results = [x.var(0), x.std(0), torch.zeros(0).var(), x.var(1, correction=2)]
        results += [x.var(1, correction=5)]
        fine = x.var(0, correction=0)
        """
    )
    assert run.warned == [UserWarning] * 5


def test_nan():
    parity(
        """
        nan = float("nan")
        x = torch.tensor([[1.0, nan, 3.0], [4.0, 5.0, 4.0], [nan, nan, nan]])
        results = [x.sum(), x.nansum(), x.nansum(1), x.nanmean(1), x.nanmean(), x.max()]
        results += [x.max(1), x.min(1)]
        results += [x.argmax(1), x.argmin(1), x.amax(0), x.median(1), x.nanmedian(1)]
        results += [x.nanmedian(), x.median()]
        results += [x.cummax(1), x.cummin(1), x.any(1), x.all(), x.norm(dim=1), x.logsumexp(1)]
        results += [torch.aminmax(x)]
        results += [x.nanquantile(0.5, dim=1), x.quantile(0.5, dim=1), x.count_nonzero(1)]
        results += [x.logcumsumexp(1)]
        """,
        rtol=1e-5,
    )


def test_ties():
    """The first of equal ones has the index; without dim, and in amax, they share the gradient."""
    parity(
        """
        x = torch.tensor([[3.0, 1.0, 3.0], [2.0, 2.0, 2.0]], requires_grad=True)
        values = [x.max(1), x.min(1), x.argmax(), x.argmin(1), x.median(1), x.mode(1)]
        values += [x.cummax(1), x.cummin(1)]
        leaves = []
        for _fold in (
            lambda t: t.max(), lambda t: t.max(1)[0].sum(), lambda t: t.amax(1).sum(),
            lambda t: t.median(),
            lambda t: t.median(1)[0].sum(), lambda t: t.min(), lambda t: t.amin((0, 1)),
            lambda t: t.mode(1).values.sum(), lambda t: t.cummax(1).values.sum(),
            lambda t: t.cummin(0).values.sum(), lambda t: torch.aminmax(t).min,
            lambda t: t.norm(float("inf")), lambda t: torch.maximum(t, t.flip(1)).sum(),
            lambda t: torch.max(t, t.detach() + 0).sum(),
        ):
            leaf = x.detach().clone().requires_grad_()
            _fold(leaf).backward()
            leaves.append(leaf)
        """
    )


ORDERS = ["0", "0.5", "1", "1.5", "2", "3", "float('inf')", "-float('inf')", "-1"]


@pytest.mark.parametrize("p", ORDERS)
def test_norms(p):
    parity(
        f"""
        x = torch.tensor([[3.0, -4.0, 1.0], [0.5, 2.0, -0.25]]).double().requires_grad_()
        parts = [x.norm({p}), x.norm({p}, 0), x.norm({p}, (0, 1), True)]
        parts += [x.norm(p={p}, dim=1, keepdim=True)]
        sum(part.sum() for part in parts).backward()
        z = torch.tensor([3 + 4j, 1j, -2.0], requires_grad=True)
        size = z.norm({p})
        size.backward()
        narrow = torch.norm(x.float().detach(), {p}, dtype=torch.float64)
        """,
        rtol=2e-6,
    )


def test_norms_at_zero():
    parity(
        """
        leaves, results = [], []
        for p in (0.5, 1, 1.5, 2, 3, float("inf")):
            x = torch.tensor([[0.0, 0.0], [0.0, 2.0]], requires_grad=True)
            y = x.norm(p, 1)
            y.sum().backward()
            leaves.append(x)
            results.append(y)
        words = [torch.norm(torch.ones(2, 2), "fro"), torch.ones(2, 3).norm("fro", dim=0)]
        words += [torch.dist(x, x * 2, 1)]
        errors = [attempt(lambda: x.norm("max")), attempt(lambda: torch.arange(3).norm())]
        """
    )


def test_nuclear_norm():
    parity("x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])\nn = torch.norm(x, 'nuc')", rtol=1e-5)


def test_products_with_zeros_have_all_derivatives():
    parity(
        """
        results = []
        for values in ([2.0, 3.0, 4.0], [2.0, 0.0, 4.0], [0.0, 3.0, 0.0], [0.0, 0.0, 0.0]):
            for _fold in (
                lambda t: t.prod(), lambda t: t.prod(0), lambda t: (t.cumprod(0) ** 2).sum()
            ):
                x = torch.tensor(values, dtype=torch.float64, requires_grad=True)
                (g,) = torch.autograd.grad(_fold(x), x, create_graph=True)
                results.append(g)
                if g.requires_grad:
                    weighted = (g * torch.arange(1.0, 4.0)).sum()
                    results += torch.autograd.grad(weighted, x, allow_unused=True)
        m = torch.tensor([[1.0, 0.0], [2.0, 5.0]], requires_grad=True)
        (m.prod(1, keepdim=True) * m.cumprod(1)).sum().backward()
        """
    )


def test_variance():
    parity(
        """
        x = torch.tensor([[1.0, 2.0, 4.0], [0.0, 5.0, 5.0]], requires_grad=True)
        forms = [x.var(), x.var(0), x.var(1, False), x.var(1, True, True)]
        forms += [x.var(unbiased=False), x.var(False)]
        forms += [x.var(dim=1, correction=0), x.var((0, 1), correction=3)]
        forms += [torch.var(x, correction=0.5)]
        forms += [x.std(), x.std(1, keepdim=True), x.std(1, False)]
        forms += [torch.std(x, dim=(0, 1), unbiased=True)]
        forms += [*torch.std_mean(x, 1), *torch.var_mean(x, 0, correction=0)]
        sum(f.sum() for f in forms).backward()
        constant = torch.ones(3, requires_grad=True)
        constant.std().backward()
        z = torch.tensor([1 + 1j, 2.0, 3j]).var()
        errors = [attempt(lambda: x.var(0, correction=0, unbiased=True))]
        errors += [attempt(lambda: torch.arange(3).std())]
        """
    )


@pytest.mark.parametrize("interpolation", ["linear", "lower", "higher", "midpoint", "nearest"])
def test_quantiles(interpolation):
    parity(
        f"""
        x = torch.tensor([[1.0, 5.0, 2.0], [3.0, 3.0, 8.0]]).double().requires_grad_()
        q = torch.tensor([0.0, 0.3, 0.5, 1.0], dtype=torch.float64)
        how = {{"interpolation": "{interpolation}"}}
        forms = [x.quantile(0.4, **how), x.quantile(q, **how), x.quantile(q, 1, **how)]
        forms += [x.quantile(0.7, 0, **how)]
        forms += [x.quantile(q, 0, True, **how), torch.quantile(x, 0.5, keepdim=True, **how)]
        forms += [torch.nanquantile(x, q, dim=-1, keepdim=True, **how), x.nanquantile(q[1], **how)]
        sum((f * 1.5).sum() for f in forms).backward()
        """
    )


def test_quantile_errors():
    parity(
        """
        x = torch.randn(3)
        errors = [attempt(lambda: x.quantile(1.5))]
        errors += [attempt(lambda: x.quantile(torch.tensor([0.1]).double()))]
        errors += [attempt(lambda: x.quantile(0.5, interpolation="cubic"))]
        errors += [attempt(lambda: x.quantile("a"))]
        errors += [attempt(lambda: x.quantile(torch.ones(1, 1)))]
        errors += [attempt(lambda: torch.arange(3).quantile(0.5))]
        """
    )


def test_scans():
    parity(
        """
        x = torch.tensor([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]], requires_grad=True)
        forms = [x.cumsum(0), x.cumsum(-1), x.cumprod(1), x.logcumsumexp(1), x.cummax(1)[0]]
        forms += [x.cummin(0)[0]]
        sum((f * f).sum() for f in forms).backward()
        point = torch.tensor(2.0, requires_grad=True)
        (point.cumsum(0) + point.cumprod(0) + point.logcumsumexp(0)).backward()
        (point.cummax(0).values).backward()
        places = [x.cummax(1).indices, torch.cummin(x, 0).indices]
        places += [torch.cummax(torch.tensor(1.0), 0)]
        ints = torch.arange(4)
        same = ints.cumsum_(0) is ints
        inf = float("inf")
        extremes = torch.tensor([-inf, 1.0, inf, 2.0, -inf]).logcumsumexp(0)
        errors = [attempt(lambda: x.cumsum(2)), attempt(lambda: x.cumsum())]
        errors += [attempt(lambda: x.cummax("a"))]
        """,
        rtol=2e-5,
    )


def test_single_precision_is_summed_in_double():
    x = torch.full((100_000,), 0.1)
    want = x.cumsum(0).numpy()
    got = rushlight.from_numpy(x.numpy()).cumsum(0).numpy()
    assert np.array_equal(got, want)


def test_differences_and_areas():
    parity(
        """
        y = torch.tensor([[1.0, 2.0, 4.0], [3.0, 0.0, -1.0]], requires_grad=True)
        x = torch.tensor([0.0, 1.0, 3.0])
        forms = [y.diff(), y.diff(dim=0), y.diff(n=2)]
        forms += [torch.diff(y, prepend=y[:, :1], append=y[:, 1:])]
        forms += [torch.trapezoid(y), torch.trapezoid(y, dx=0.5, dim=0), torch.trapezoid(y, x)]
        forms += [torch.trapz(y, x)]
        forms += [torch.cumulative_trapezoid(y, x), torch.cumulative_trapezoid(y, dim=0)]
        forms += [y.diff(n=5), y.diff(n=0)]
        sum(f.sum() for f in forms).backward()
        booleans = torch.tensor([True, False, False]).diff()
        whole = [torch.trapezoid(torch.tensor([1, 2, 4])), torch.tensor([1, 4, 9]).diff()]
        errors = [attempt(lambda: torch.tensor(1.0).diff()), attempt(lambda: y.diff(n=-1))]
        errors += [attempt(lambda: torch.trapezoid(y, x[:2])), attempt(lambda: y.diff(prepend=x))]
        errors += [attempt(lambda: torch.trapezoid(y > 0))]
        """
    )


@pytest.mark.parametrize(
    "call",
    [
        "torch.sum(x, 1, out=o)", "torch.mean(x, 1, out=o)", "torch.amax(x, 1, out=o)",
        "torch.var(x, 1, out=o)", "torch.logsumexp(x, 1, out=o)", "torch.norm(x, dim=1, out=o)",
        "torch.prod(x, 1, out=o)", "torch.nansum(x, 1, out=o)", "torch.quantile(x, 0.5, 1, out=o)",
    ],
)  # fmt: skip
def test_out(call):
    parity(
        f"""
        x = torch.tensor([[1.0, 2.0], [3.0, 5.0]])
        o = torch.zeros(2)
        same = {call} is o
        pair = torch.zeros(2), torch.zeros(2, dtype=torch.int64)
        named = tuple(torch.max(x, 1, out=pair))
        wide = torch.zeros(2, 2), torch.zeros(2, 2, dtype=torch.int64)
        scanned = tuple(torch.cummin(x, 1, out=wide))
        middle = tuple(torch.median(x, 1, out=pair))
        places = torch.argmax(x, 1, out=torch.zeros(2, dtype=torch.int64))
        running = torch.cumsum(x, 1, out=torch.zeros(2, 2))
        """,
        rtol=1e-6,
    )


def test_named_results():
    parity(
        """
        x = torch.tensor([[1.0, 5.0], [4.0, 2.0]])
        shown = [repr(x.max(1)), repr(x.median(0)), repr(torch.aminmax(x)), repr(x.mode())]
        shown += [repr(x.cummax(0))]
        values, indices = x.min(1, keepdim=True)
        fields = [x.max(1).values, x.max(1).indices, x.nanmedian(1).values]
        fields += [torch.aminmax(x, dim=0).max]
        other = [torch.max(x, x.t()), x.min(x.t()), torch.max(x, other=x * 0)]
        errors = [attempt(lambda: torch.max(x, (0, 1))), attempt(lambda: torch.aminmax(x, 0))]
        """
    )


def test_sum_to_size():
    parity(
        """
        x = torch.randn(4, 2, 3, requires_grad=True)
        forms = [x.sum_to_size(2, 3), x.sum_to_size((2, 1)), x.sum_to_size(1, 1, 3)]
        forms += [x.sum_to_size(4, 2, 3)]
        sum((f * f).sum() for f in forms).backward()
        errors = [attempt(lambda: x.sum_to_size(5)), attempt(lambda: x.sum_to_size(1, 4, 2, 3))]
        """,
        rtol=1e-4,
        atol=1e-5,
    )


def test_median_of_many_equal_elements():
    """The index is that of a stable sort, with and without nan."""
    random = np.random.default_rng(0)
    for size, nan in itertools.product((1, 2, 5, 8, 16), (False, True)):
        values = random.integers(0, 4, (6, size)).astype(np.float32)
        if nan:
            values[::2, size // 2] = np.nan
        x = rushlight.from_numpy(values)
        for name in ("median", "nanmedian"):
            want = getattr(torch.from_numpy(values), name)(1)
            got = getattr(x, name)(1)
            np.testing.assert_array_equal(got.values.numpy(), want.values.numpy())
            taken = np.take_along_axis(values, got.indices.numpy()[:, None], 1)[:, 0]
            np.testing.assert_array_equal(taken, want.values.numpy())


def test_second_derivatives_of_folds():
    parity(
        """
        results = []
        for _fold in (
            lambda t: t.var(1).sum(), lambda t: t.std(), lambda t: t.logsumexp(1).sum(),
            lambda t: t.norm(), lambda t: t.norm(3, 1).sum(), lambda t: t.prod(1).sum(),
            lambda t: (t.cumsum(1) ** 3).sum(), lambda t: t.logcumsumexp(1).sum(),
            lambda t: t.amax(1).exp().sum(), lambda t: t.mean().exp(),
            lambda t: (t.max(0).values ** 2).sum(), lambda t: t.nansum().sin(),
        ):
            x = torch.tensor([[0.3, 1.2, -0.4], [2.0, 0.7, 0.1]]).double().requires_grad_()
            (g,) = torch.autograd.grad(_fold(x), x, create_graph=True)
            results += [g, *torch.autograd.grad((g * g).sum(), x)]
        """
    )


def test_types_of_norms():
    parity(
        """
        whole, x = torch.tensor([[1, 2], [3, 4]]), torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        wide = [torch.linalg.norm(x, dtype=torch.float64), x.norm(dtype=torch.float64)]
        wide += [torch.linalg.norm(x + 1j, dtype=torch.complex128)]
        wide += [torch.linalg.matrix_norm(x, "nuc", dtype=torch.float64)]
        errors = []
        for _norm in (torch.linalg.vector_norm, torch.linalg.matrix_norm, torch.norm):
            errors += [attempt(lambda: _norm(whole)), attempt(lambda: _norm(x, dtype=torch.int64))]
            errors += [attempt(lambda: _norm(whole, dtype=torch.float32))]
            errors += [attempt(lambda: _norm(x.double(), dtype=torch.float32))]
            errors += [attempt(lambda: _norm(x, dtype=torch.complex64))]
            errors += [attempt(lambda: _norm(x + 1j, dtype=torch.float64))]
        """
    )


def test_norms_where_they_are_zero():
    parity(
        """
        results = []
        for _ord in (0.5, 1, 1.5, 2, 2.5, 3, float("inf"), -float("inf")):
            for _values in ([[0.0, 0.0, 0.0], [2.0, 0.7, 0.1]], [[0.0, 3.0, -1.0], [1.0, 0.0, 0.0]]):
                x = torch.tensor(_values, dtype=torch.float64, requires_grad=True)
                g = torch.ones(2, dtype=torch.float64, requires_grad=True)
                n = torch.linalg.vector_norm(x, _ord, dim=1)
                (first,) = torch.autograd.grad(n, x, g, create_graph=True)
                results.append(first)
                if first.requires_grad and _ord != 1:
                    results += [
                        t + 0 for t in torch.autograd.grad((first * first).sum(), (x, g))
                    ]
        """
    )


def test_high_norms_in_half_precision():
    parity(
        """
        results = []
        for _values in ([0.1], [0.12, 0.1], [0.3], [3.0], [8.0], [12.0]):
            x = torch.tensor(_values, dtype=torch.float16, requires_grad=True)
            g = torch.ones((), dtype=torch.float16, requires_grad=True)
            (first,) = torch.autograd.grad(torch.linalg.vector_norm(x, 6), x, g, create_graph=True)
            results += [first, *torch.autograd.grad(first.sum(), (x, g))]
        """
    )


def test_running_folds_are_not_boolean():
    parity(
        """
        x = torch.tensor([True, False, True])
        counts = [x.cumsum(0), x.cumprod(0), x.int().cumsum(0, dtype=torch.int32)]
        errors = [attempt(lambda: x.cumsum(0, dtype=torch.bool))]
        errors += [attempt(lambda: torch.cumprod(x, 0, dtype=torch.bool))]
        """
    )


def test_hashes():
    parity(
        """
        x = torch.tensor([[0.5, -1.0, 3.0], [2.0, 0.0, 7.5]])
        forms = [torch.hash_tensor(x), torch.hash_tensor(x, 1), x.hash_tensor((0, 1), keepdim=True)]
        for _dtype in (torch.float16, torch.float64, torch.int8, torch.int64, torch.bool):
            forms.append(torch.hash_tensor(x.to(_dtype)))
        into = torch.hash_tensor(x, 0, out=torch.zeros(3, dtype=torch.uint64))
        errors = [attempt(lambda: torch.hash_tensor(x, mode=1)), attempt(lambda: x.hash_tensor(2))]
        errors += [attempt(lambda: torch.hash_tensor(torch.zeros(0)))]
        errors += [attempt(lambda: torch.hash_tensor(torch.zeros(2, 0), 1))]
        errors += [attempt(lambda: torch.hash_tensor(x + 1j))]
        errors += [attempt(lambda: torch.hash_tensor(x, out=torch.zeros(())))]
        """
    )
