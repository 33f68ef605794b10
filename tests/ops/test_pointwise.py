"""Elementwise functions: values, derivatives, in-place and out= forms, errors, as in torch."""

import importlib
import itertools

import numpy as np
import pytest
import torch
from tools.write_names import read

import rushlight
from tests.parity import parity

INF, NAN = float("inf"), float("nan")
POINTS = [INF, -INF, NAN, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, -2.5, 100.0, -100.0, 3e-30, 1e20, -1e20]

UNARY = """
    abs acos acosh angle asin asinh atan atanh ceil cos cosh deg2rad digamma erf erfc erfinv exp
    exp2 expm1 floor frac i0 isfinite isinf isnan isneginf isposinf isreal lgamma log log10 log1p
    log2 logical_not logit nan_to_num neg rad2deg reciprocal relu round rsqrt sgn sigmoid sign
    signbit sin sinc sinh sqrt square tan tanh trunc special.entr special.erfcx special.i0e
    special.i1 special.i1e special.log_ndtr special.ndtr special.ndtri special.spherical_bessel_j0
"""
BINARY = """
    add atan2 copysign div eq floor_divide fmax fmin ge gt heaviside hypot le logaddexp logaddexp2
    logical_and logical_or logical_xor lt maximum minimum mul ne nextafter pow sub xlogy
    special.xlog1py
"""


def resolve(framework, name):
    found = importlib.import_module(framework)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def both(name, *arrays, gradient=False):
    """The results of torch and of rushlight, or their gradients, as arrays."""
    found = []
    for framework in ("torch", "rushlight"):
        module = importlib.import_module(framework)
        inputs = [module.from_numpy(a.copy()) for a in arrays]
        if gradient:
            inputs = [t.requires_grad_() for t in inputs]
        out = resolve(framework, name)(*inputs)
        if not gradient:
            found.append([out.numpy()])
        elif not out.requires_grad:
            found.append(None)
        else:
            out.backward(module.ones_like(out))
            zero = [np.zeros_like(a) for a in arrays]
            found.append(
                [
                    z if t.grad is None else (t.grad + 0).numpy()
                    for t, z in zip(inputs, zero, strict=True)
                ]
            )
    return found


def assert_same(name, points, want, got, rtol):
    for a, b in zip(want, got, strict=True):
        same = (
            np.isclose(b, a, rtol=rtol, atol=rtol, equal_nan=True)
            if a.dtype.kind == "f"
            else a == b
        )
        same &= ~np.isinf(a) | (a == b) if a.dtype.kind == "f" else True
        assert a.dtype == b.dtype
        where = [tuple(float(p[i]) for p in points) for i in np.flatnonzero(~same)]
        assert not where, f"{name} at {where}: {a[~same]}, not {b[~same]}"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", UNARY.split())
def test_values_of_one(name, dtype):
    x = np.array(POINTS, dtype)
    want, got = both(name, x)
    assert_same(name, [x], want, got, 2e-6 if dtype == "float32" else 1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", BINARY.split())
def test_values_of_two(name, dtype):
    x, y = (
        np.array(column, dtype) for column in zip(*itertools.product(POINTS, POINTS), strict=True)
    )
    want, got = both(name, x, y)
    assert_same(name, [x, y], want, got, 2e-6 if dtype == "float32" else 1e-10)


# torch's derivatives at the edges are kept, even where others could be given.
EDGES = [INF, -INF, NAN, 0.0, 1.0, -1.0, 0.5, -2.0]
NO_DERIVATIVE = {"isreal", "special.spherical_bessel_j0"}
# Where torch's formula gives a number that is no derivative.
ASIDE = {
    "digamma": [-INF, -1.0, -2.0],
    "special.i1": [NAN],
    "special.i1e": [NAN],
    "special.log_ndtr": [-INF],
}


@pytest.mark.parametrize("name", [n for n in UNARY.split() if n not in NO_DERIVATIVE])
def test_derivatives_of_one(name):
    x = np.array(
        [p for p in EDGES if not any(np.array_equal(p, q, True) for q in ASIDE.get(name, ()))]
    )
    want, got = both(name, x, gradient=True)
    assert (want is None) == (got is None)
    if want is not None:
        assert_same(name, [x], want, got, 1e-9)


# Here torch raises, or its own derivative is nan where it could be a number.
OTHERWISE = {"heaviside", "floor_divide", "xlogy", "special.xlog1py", "hypot", "pow"}


@pytest.mark.parametrize("name", [n for n in BINARY.split() if n not in OTHERWISE])
def test_derivatives_of_two(name):
    finite = [0.0, 1.0, -1.0, 0.5, -2.0, NAN]
    x, y = (np.array(column) for column in zip(*itertools.product(finite, finite), strict=True))
    want, got = both(name, x, y, gradient=True)
    assert (want is None) == (got is None)
    if want is not None:
        assert_same(name, [x, y], want, got, 1e-9)


def test_erf_of_many_elements_is_exact_to_three_units():
    x = np.linspace(-5, 5, 100_001, dtype=np.float32)
    got = rushlight.from_numpy(x).erf().numpy()
    exact = torch.from_numpy(x.astype(np.float64)).erf().numpy()
    unit = np.spacing(np.abs(exact).astype(np.float32))
    assert got.dtype == np.float32
    assert (np.abs(got - exact) <= 3.5 * np.maximum(unit, 1e-38)).all()
    assert np.array_equal(rushlight.tensor([INF, -INF, NAN] * 1000).erf()[:2], [1.0, -1.0])


@pytest.mark.parametrize("name", ["relu", "sigmoid", "sign", "clamp", "where", "lerp", "abs"])
def test_many_elements_are_like_few(name):
    """The long loops take other ways than the short ones."""
    calls = {
        "relu": lambda m, x: x.relu(),
        "sigmoid": lambda m, x: x.sigmoid(),
        "sign": lambda m, x: x.sign(),
        "clamp": lambda m, x: m.stack([x.clamp(-1, 1), x.clamp(min=0), x.clamp(max=0.5)]),
        "where": lambda m, x: m.where(x > 0, x, 2.5) + m.where(x > 1, 3.0, x * 2),
        "lerp": lambda m, x: x.lerp(x * x, 0.3),
        "abs": lambda m, x: x.abs(),
    }
    values = np.random.default_rng(0).standard_normal(5000).astype(np.float32)
    values[:4] = INF, -INF, NAN, -0.0
    want = calls[name](torch, torch.from_numpy(values)).numpy()
    got = calls[name](rushlight, rushlight.from_numpy(values)).numpy()
    np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-7)
    assert np.array_equal(np.signbit(got[got == 0]), np.signbit(want[want == 0]))


# ---- names --------------------------------------------------------------------------------------


def names_of(*rooms):
    """What `torch` has of these rooms of ops."""
    rooms = [f"ops.{room}" for room in rooms]
    return [e.shown for e in read() if e.room in rooms and e.place == "torch"]


NAMES = names_of("pointwise", "transcendental", "comparison", "bitwise", "complex")
NAMES.remove("abs_")


def test_every_name_is_torchs():
    assert not [name for name in NAMES if not hasattr(torch, name)]


def test_methods_and_in_place_methods_are_those_of_torch():
    for form in ("{}", "{}_"):
        names = [form.format(name) for name in NAMES]
        wrong = [n for n in names if hasattr(torch.Tensor, n) != hasattr(rushlight.Tensor, n)]
        assert not wrong


def test_special_names_are_torchs():
    names = rushlight.special.__all__
    assert not [name for name in names if not hasattr(torch.special, name)]
    functions = {
        n
        for n, f in vars(torch.special).items()
        if n[0] != "_" and type(f).__name__.startswith("builtin_f")
    }
    assert functions <= set(names)


# ---- in place -----------------------------------------------------------------------------------

IN_PLACE = [
    name
    for name in NAMES
    if hasattr(torch.Tensor, f"{name}_")
    and name not in {"polygamma", "mvlgamma", "igamma", "igammac"}
]
# torch has no derivative for these in place, or no values in the gradient of zeros (sgn).
NO_GRADIENT = {
    "heaviside", "floor_divide", "acosh", "arccosh", "asinh", "arcsinh", "atanh", "arctanh", "sgn",
    *names_of("comparison"),
}  # fmt: skip
SECOND = {
    "addcdiv": "b, b",
    "addcmul": "b, b",
    "lerp": "b, 0.3",
    "clamp": "0.2, 0.6",
    "clip": "0.2, 0.6",
    "clamp_min": "0.5",
    "clamp_max": "0.5",
    "nextafter": "b",
}
WHOLE = set(names_of("bitwise"))


def second_operand(name):
    if name in SECOND:
        return SECOND[name]
    import inspect

    parameters = list(inspect.signature(getattr(rushlight, name)).parameters)
    return "b" if len(parameters) > 1 and parameters[1] in ("other", "exponent") else ""


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place(name):
    """The tensor itself is returned and changed, and gradients flow through it."""
    values = "[1, 6, 3]" if name in WHOLE else "[0.3, 0.6, 0.9]"
    grad = name not in WHOLE
    kind = "" if name not in ("float_power",) else ", dtype=torch.float64"
    parity(
        f"""
        a = torch.tensor({values}{kind}, requires_grad={grad and name not in NO_GRADIENT})
        b = torch.tensor({values}{kind}) + 1
        x = a * 1
        before = x._version
        same = x.{name}_({second_operand(name)}) is x
        counted = x._version - before
        if x.requires_grad:
            x.sum().backward()
        """,
        rtol=2e-5,
    )


def test_in_place_refusals():
    parity(
        """
        leaf = torch.ones(2, requires_grad=True)
        whole = torch.ones(2, dtype=torch.int64)
        errors = [attempt(lambda: leaf.add_(1)), attempt(lambda: leaf.exp_())]
        errors += [attempt(lambda: whole.add_(0.5)), attempt(lambda: whole.div_(2))]
        errors += [attempt(lambda: whole.sqrt_())]
        errors += [attempt(lambda: torch.ones(1).add_(torch.ones(2)))]
        errors += [attempt(lambda: torch.ones(1).expand(2).add_(1))]
        kept = whole.clone()
        """
    )


def test_values_that_a_derivative_needs_survive_the_change():
    parity(
        """
        a = torch.tensor([0.5, 2.0], requires_grad=True)
        x = a * 1
        y = x.sin_().square_().mul_(3).exp_()
        y.sum().backward()
        b = torch.tensor([0.5, 2.0], requires_grad=True)
        base = b * 1
        view = base[:1]
        view.square_()
        base.log_()
        base.sum().backward()
        """
    )


# ---- out= ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        "torch.add(x, y, alpha=2, out=o)", "torch.mul(x, 2, out=o)", "torch.exp(x, out=o)",
        "torch.clamp(x, 0, 1, out=o)", "torch.lerp(x, y, 0.5, out=o)", "torch.pow(2, x, out=o)",
        "torch.where(x > 0, x, y, out=o)", "torch.addcmul(x, x, y, out=o)", "torch.logit(x, out=o)",
        "torch.polygamma(1, x, out=o)", "torch.round(x, decimals=1, out=o)",
        "torch.eq(x, y, out=o)",
        "torch.float_power(x, 2, out=o)", "torch.ldexp(x, y, out=o)", "torch.nan_to_num(x, out=o)",
    ],
)  # fmt: skip
def test_out(call):
    strict = any(name in call for name in ("clamp", "where", "decimals", "nan_to_num"))
    dtype = "float32" if strict else "float64"
    parity(
        f"""
        x, y = torch.tensor([0.2, 0.5]), torch.tensor([3.0, 4.0])
        o = torch.zeros(2, dtype=torch.{dtype})
        same = {call} is o
        """,
        rtol=1e-6,
    )


def test_out_refusals():
    parity(
        """
        x = torch.tensor([0.2, 0.5], requires_grad=True)
        errors = [attempt(lambda: torch.exp(x, out=torch.zeros(2)))]
        d = x.detach()
        errors += [attempt(lambda: torch.exp(d, out=torch.zeros(2, dtype=torch.int64)))]
        kept = torch.zeros(2, dtype=torch.int64)
        with torch.no_grad():
            o = torch.exp(x, out=torch.zeros(2))
        """
    )
