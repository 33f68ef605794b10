"""Elementwise functions: values, derivatives, in-place and out= forms, errors, as in torch."""

import importlib
import itertools

import numpy as np
import pytest
import torch

import rushlight
from rushlight.ops import bitwise, comparison, complex, pointwise, transcendental
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

ROOMS = (pointwise, transcendental, comparison, bitwise, complex)
NAMES = [name for room in ROOMS for name in room.__all__]


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
    *comparison.__all__,
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
WHOLE = {*bitwise.__all__}


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


# ---- single functions ---------------------------------------------------------------------------


def test_numbers_and_promotion():
    parity(
        """
        f, d, i = torch.ones(2), torch.ones(2, dtype=torch.float64), torch.arange(2)
        h, b = torch.ones(2, dtype=torch.float16), torch.tensor([True, False])
        z = torch.tensor(2.0, dtype=torch.float64)
        sums = [f + d, f + i, f + z, i + z, i + 1.5, i + 2, b + 1, b + 0.5, h + f, h + 1.5, h * z]
        quotients = [i / 2, i // 2, b / 2, 1 / i.add(1), 3 / f, i / i.add(1), 2 // i.add(1)]
        powers = [i**2, i**0.5, 2**i, 2.0**i, f**3, f**-1, f**-2, (f * 4) ** -0.5, (f * 4) ** 0.5]
        whole = [i.add(5) % 3, -i % 3, 7 % i.add(2), i - 3, 3 - i, i * True, abs(i - 1)]
        both = [torch.add(2, 3.5), torch.mul(2, 3), torch.div(5, 2), torch.sub(1, f)]
        complexes = [f * 1j, d + 2j, i * (1 + 1j), 1j - f]
        """
    )


def test_division_rounds_as_asked():
    parity(
        """
        x = torch.tensor([7.0, -7.0, 7.5, -0.5, 0.0])
        i = torch.tensor([7, -7, 8, -1, 0])
        results = []
        for mode in (None, "floor", "trunc"):
            for y in (2, -2, 0.75, torch.tensor(3.0), torch.tensor(-2)):
                results += [torch.div(x, y, rounding_mode=mode)]
                results += [torch.div(i, y, rounding_mode=mode)]
        results += [x // 2, x % 2, x % -2, i // -2, i % -2, torch.fmod(i, -2), torch.fmod(x, 2)]
        errors = [attempt(lambda: i // 0), attempt(lambda: i % 0)]
        errors += [attempt(lambda: torch.fmod(i, 0))]
        errors += [attempt(lambda: torch.div(x, 2, rounding_mode="up"))]
        """
    )


def test_integer_powers():
    parity(
        """
        i = torch.tensor([2, 1, -1, -3, 0])
        results = [i ** torch.tensor([3, -2, -3, -1, 2]), 2 ** torch.tensor([-1, 0, 3])]
        errors = [attempt(lambda: i**-1), attempt(lambda: torch.pow(2, 3))]
        """
    )


def test_clamp():
    parity(
        """
        x = torch.tensor([-2.0, 0.0, 0.5, 1.0, 3.0, float("nan")], requires_grad=True)
        low, high = torch.zeros(6, requires_grad=True), torch.ones(6, requires_grad=True)
        y = x.clamp(0, 1) * 2 + x.clamp(min=0) * 3 + torch.clip(x, max=1) + x.clamp(low, high) * 5
        (y + torch.clamp(x, high, low) + x.clamp(torch.tensor(0.2))).sum().backward()
        whole = [torch.arange(5).clamp(1, 3), torch.arange(5).clamp(0.5)]
        whole += [torch.arange(5).clamp_max(2)]
        swapped = torch.arange(5.0).clamp(3, 1)
        errors = [attempt(lambda: x.clamp()), attempt(lambda: x.clamp("a"))]
        errors += [attempt(lambda: torch.ones(2, dtype=torch.complex64).clamp(0))]
        """
    )


def test_lerp_reaches_both_ends():
    parity(
        """
        a = torch.tensor([1e8, -1.0, 3.0], requires_grad=True)
        b = torch.tensor([1.0, 7.0, -2.0], requires_grad=True)
        w = torch.tensor([0.1, 0.5, 0.9], requires_grad=True)
        ends = [a.lerp(b, 0.0), a.lerp(b, 1.0), a.lerp(b, w), torch.lerp(a, b, torch.tensor(0.25))]
        sum(e.sum() for e in ends).backward()
        errors = [attempt(lambda: a.lerp(b.double(), 0.5))]
        errors += [attempt(lambda: torch.arange(3).lerp(b, 0.5))]
        """
    )


def test_addcmul_and_addcdiv():
    parity(
        """
        x = torch.tensor([[1.0], [2.0]], requires_grad=True)
        a = torch.tensor([3.0, 4.0, 5.0], requires_grad=True)
        b = torch.tensor(2.0, requires_grad=True)
        y = torch.addcmul(x, a, b, value=0.5) + x.addcdiv(a, b, value=-2) + x.addcmul(a, a)
        y.sum().backward()
        i = torch.tensor([1, 2])
        whole = [torch.addcmul(i, i, i, value=3), torch.addcmul(i, i, i, value=0.5)]
        whole += [i.addcmul(x, x)]
        errors = [attempt(lambda: torch.addcdiv(i, i, i))]
        errors += [attempt(lambda: torch.addcmul(x, 1.0, a))]
        """
    )


def test_where():
    parity(
        """
        x = torch.tensor([[-1.0, 2.0], [3.0, -4.0]], requires_grad=True)
        y = torch.where(x > 0, x, 0.0) + torch.where(x > 0, 1, x) + x.where(x < 0, x * 2)
        y.sum().backward()
        c = torch.tensor([True, False])
        numbers = [torch.where(c, 1, 2), torch.where(c, 1.0, 2)]
        numbers += [torch.where(c, 1, torch.ones(2).double())]
        places = torch.where(x > 0)
        errors = [attempt(lambda: torch.where(torch.tensor([1]), 1, 2))]
        errors += [attempt(lambda: torch.where(c, 1))]
        errors += [attempt(lambda: torch.where(c, torch.ones(3), 0.0))]
        """
    )


def test_rounding():
    parity(
        """
        x = torch.tensor([0.5, 1.5, 2.5, -0.5, 1.25, 123.456])
        rounded = [x.round(), torch.round(x, decimals=1), x.round(decimals=-2), x.trunc(), x.frac()]
        whole = [torch.tensor([15, 25]).round(), torch.tensor([3]).floor()]
        whole += [torch.tensor([3]).ceil()]
        error = attempt(lambda: torch.tensor([15]).round(decimals=-1))
        pieces = torch.frexp(torch.tensor([6.0, -0.1, 0.0]))
        joined = torch.ldexp(pieces.mantissa, pieces.exponent)
        """
    )


def test_closeness():
    parity(
        """
        inf, nan = float("inf"), float("nan")
        x = torch.tensor([1.0, inf, -inf, nan, 2.0])
        y = torch.tensor([1.0 + 1e-6, inf, inf, nan, 2.1])
        close = [torch.isclose(x, y), torch.isclose(x, y, equal_nan=True), x.isclose(y, rtol=0.1)]
        close += [torch.isclose(x, y, rtol=0.0, atol=0.0), torch.isclose(x > 0, y > 0)]
        whole = [torch.allclose(x, y), torch.allclose(x[:2], y[:2]), torch.equal(x, x)]
        whole += [torch.equal(x, x[:2])]
        whole += [torch.equal(torch.ones(2), torch.ones(2, dtype=torch.int64)), x[:2].equal(y[:2])]
        errors = [attempt(lambda: torch.isclose(x, y.double()))]
        errors += [attempt(lambda: x.isclose(y, atol=-1.0))]
        """
    )


def test_complex_parts():
    parity(
        """
        x = torch.tensor([1.0, -2.0], requires_grad=True)
        y = torch.tensor([0.5, 3.0], requires_grad=True)
        z = torch.complex(x, y)
        w = z.conj() * z.angle() + z.sgn() * z.abs() + torch.polar(y, x) * z.imag + z.real**2
        (w.real.sum() + torch.view_as_real(w * w).sum()).backward()
        pairs = torch.view_as_complex(torch.stack([x, y], -1))
        shared = torch.tensor([1 + 2j, 3j])
        shared.real[0] = 7
        shared.imag.zero_()
        shared.real = torch.tensor([8.0, 9.0])
        flags = [z.is_complex(), x.is_complex(), torch.isreal(z), torch.is_conj(x), x.real is x]
        errors = [attempt(lambda: x.imag), attempt(lambda: torch.view_as_real(x))]
        errors += [attempt(lambda: torch.view_as_complex(x[:1]))]
        errors += [attempt(lambda: torch.complex(x, y.double()))]
        errors += [attempt(lambda: torch.polar(torch.arange(2), torch.arange(2)))]
        """
    )


def test_changes_in_place_reach_through_complex_views():
    parity(
        """
        leaves, results = [], []


        def _run(leaf, program):
            results.append(program(leaf).detach())
            leaves.append(leaf)


        def _real_part(x):
            z = torch.complex(x, x * 3)
            z.real.mul_(x)
            z.abs().sum().backward()
            return z


        def _seen_from_the_parts(x):
            z = torch.complex(x, x * 3)
            real, imag = z.real, z.imag
            z.mul_(2j)
            (real * 3 + imag * imag).sum().backward()
            return real


        def _seen_from_the_pairs(x):
            y = x * 1
            z = torch.view_as_complex(y.reshape(2, 2))
            z.mul_(2j)
            (y * torch.arange(4.0)).sum().backward()
            return y


        def _pairs_changed(x):
            y = x * 1
            z = torch.view_as_complex(y.reshape(2, 2))
            y.mul_(x)
            z.abs().sum().backward()
            return z


        def _parts_set(x):
            z = x * 2
            z.imag = torch.tensor([5.0, 6.0])
            z.real[1] = 9.0
            torch.view_as_real(z.flip(0)[1]).exp_()
            (z.abs() ** 2).sum().backward()
            return z


        for _program in (_real_part, _seen_from_the_parts):
            _run(torch.tensor([1.0, 2.0], requires_grad=True), _program)
        for _program in (_seen_from_the_pairs, _pairs_changed):
            _run(torch.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True), _program)
        _run(torch.tensor([1 + 1j, 3j], requires_grad=True), _parts_set)
        """,
        rtol=1e-5,
    )


COMPLEX = "exp log sqrt sin cos tan tanh reciprocal square sgn abs sigmoid"


@pytest.mark.parametrize("name", COMPLEX.split())
def test_complex_derivatives(name):
    parity(
        f"""
        z = torch.tensor([0.5 + 0.3j, -1.0 + 2.0j], dtype=torch.complex128, requires_grad=True)
        out = torch.{name}(z)
        loss = (out * (2 - 1j)).real.sum() if out.is_complex() else (out * out).sum()
        loss.backward()
        """
    )


def test_bits():
    parity(
        """
        x, y = torch.tensor([6, -7, 12]), torch.tensor([3, 5, -10])
        results = [x & y, x | y, x ^ y, ~x, x << 2, x >> 1, 1 << torch.arange(3)]
        results += [100 >> torch.arange(3)]
        results += [x << 70, x >> 70, torch.gcd(x, y), torch.lcm(x, y), x & 1, 3 | y, 5 ^ y]
        b = torch.tensor([True, False])
        booleans = [b & True, b | ~b, b ^ b, ~b, b & torch.tensor([1, 2])]
        x &= 4
        y |= 1
        b ^= True
        errors = [attempt(lambda: x & 1.5), attempt(lambda: x << torch.ones(3))]
        errors += [attempt(lambda: b << b)]
        """
    )


def test_limits_of_types():
    parity(
        """
        _floats = (torch.float16, torch.float32, torch.float64, torch.complex64)
        _whole = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
        shown = [repr(torch.finfo(t)) for t in _floats] + [repr(torch.iinfo(t)) for t in _whole]
        numbers = [torch.finfo().eps, torch.finfo(torch.float64).tiny]
        numbers += [torch.finfo(torch.float16).max]
        numbers += [torch.finfo(torch.float32).bits, torch.iinfo(torch.int64).max]
        numbers += [torch.iinfo(torch.uint8).bits]
        same = [torch.finfo(torch.float32) == torch.finfo()]
        same += [torch.iinfo(torch.int8) == torch.iinfo(torch.int16)]
        errors = [attempt(lambda: torch.finfo(torch.int8))]
        errors += [attempt(lambda: torch.iinfo(torch.float32))]
        errors += [attempt(lambda: torch.iinfo(torch.bool))]
        errors += [attempt(lambda: torch.finfo("float32"))]
        """
    )


def test_shapes_that_do_not_broadcast():
    parity(
        """
        a, b = torch.ones(2, 3), torch.ones(4, 3)
        errors = [attempt(lambda: a + b), attempt(lambda: torch.maximum(a, b))]
        errors += [attempt(lambda: a.lerp(b, 0.5))]
        errors += [attempt(lambda: torch.addcmul(a, b, b)), attempt(lambda: a == b)]
        errors += [attempt(lambda: a.clamp(b))]
        """
    )
    with pytest.raises(
        RuntimeError, match=r"size of tensor a \(2\) must match .* b \(4\).*\[2, 3\].*\[4, 3\]"
    ):
        rushlight.ones(2, 3) + rushlight.ones(4, 3)


@pytest.mark.parametrize(
    "call",
    [
        "torch.exp(1.0)", "torch.add('a', x)", "torch.add(x, 'a')", "torch.maximum(x, 1.0)",
        "x.exp(1)",
        "torch.sin(x, x)", "torch.clamp_min(x, None)", "x.pow('a')", "torch.isnan([1])", "x + 'a'",
        "torch.logical_and(x, 1)", "torch.where(x, x, x)", "torch.polygamma(-1, x)",
        "x.mvlgamma(0)",
        "torch.add(x, 1, alpha='a')", "x.add(1, alpha=True)", "torch.arange(2).add(1, alpha=0.5)",
        "-torch.tensor([True])", "+torch.tensor([True])",
        "torch.tensor([True]) - torch.tensor([True])",
        "torch.tensor([True]) - 1", "torch.heaviside(x, x.double())", "x.bitwise_and(1)", "~x",
        "torch.deg2rad(x * 1j)", "torch.frexp(torch.arange(2))", "torch.positive(x > 0)",
    ],
)  # fmt: skip
def test_bad_arguments(call):
    parity(f"x = torch.tensor([1.0, 2.0])\nerror = attempt(lambda: {call})")


def test_names_of_backward_functions():
    parity(
        """
        x = torch.tensor([0.3, 0.6], requires_grad=True)
        shown = [x + 1, 1 - x, x * 2, 1 / x, 2 / x, x**2, 2**x, x**x, x.exp2(), x.log1p()]
        shown += [x.clamp(0, 1)]
        shown += [x.clamp(x * 0, x), x.clamp_min(0), x.round(decimals=1), x.lerp(x, 0.5)]
        shown += [x.lerp(x, x)]
        shown += [torch.where(x > 0, x, 0.0), x.addcmul(x, x), x.deg2rad()]
        shown += [torch.special.i0e(x), x.float_power(2)]
        shown += [torch.complex(x, x).real, x.sgn(), torch.div(x, 2, rounding_mode="floor")]
        shown += [x.to(torch.float64)]
        """,
        grad_fn=True,
        rtol=1e-5,
    )
