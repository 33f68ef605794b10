"""For each function and element type: the type of the result, or of the exception, as in torch."""

import importlib
import warnings

import pytest

from tests.parity import parity

DTYPES = ("bool", "uint8", "int8", "int64", "float16", "float32", "float64", "complex64")

UNARY = """
    abs neg positive sign sgn signbit sqrt rsqrt square reciprocal exp exp2 expm1 log log2 log10
    log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh sinc sigmoid logit erf erfc
    erfinv lgamma digamma i0 ceil floor trunc round frac deg2rad rad2deg nan_to_num isnan isinf
    isfinite isposinf isneginf isreal logical_not bitwise_not real imag conj angle relu frexp
    conj_physical resolve_conj is_complex is_floating_point sum mean prod std var std_mean
    var_mean max min amax amin aminmax argmax argmin all any norm nansum nanmean median nanmedian
    mode count_nonzero special.entr special.erfcx special.i0e special.i1 special.i1e
    special.log_ndtr special.ndtr special.ndtri special.airy_ai special.bessel_j0
    special.bessel_y1 special.modified_bessel_k0 special.scaled_modified_bessel_k1
    special.spherical_bessel_j0 special.psi special.expit
"""

BINARY = """
    add sub mul div floor_divide remainder fmod pow maximum minimum fmax fmin atan2 hypot copysign
    nextafter ldexp float_power logaddexp logaddexp2 heaviside gcd lcm xlogy eq lt logical_and
    bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift isclose igamma
    igammac true_divide rsub complex polar clamp_min special.xlog1py special.zeta
    special.chebyshev_polynomial_t special.hermite_polynomial_h dist
"""

ALONG = """
    sum mean prod std var std_mean var_mean max min amax amin aminmax argmax argmin all any norm
    nansum nanmean median nanmedian mode count_nonzero logsumexp cumsum cumprod cummax cummin
    logcumsumexp diff trapezoid cumulative_trapezoid
"""


def kind(torch, value):
    if isinstance(value, tuple):
        return tuple(kind(torch, v) for v in value)
    if isinstance(value, torch.Tensor):
        return str(value.dtype)
    return type(value).__name__


def outcome(framework, name, dtype, call):
    """The dtype of the result, or the name of the exception's builtin type."""
    torch = importlib.import_module(framework)
    function = torch
    for part in name.split("."):
        function = getattr(function, part)
    x = torch.ones(2).to(getattr(torch, dtype))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return kind(torch, call(function, x))
        except Exception as error:
            return next(t.__name__ for t in type(error).__mro__ if t.__module__ == "builtins")


CALLS = {
    "alone": (UNARY, lambda f, x: f(x)),
    "with itself": (BINARY, lambda f, x: f(x, x)),
    "with a float": (BINARY, lambda f, x: f(x, 1.5)),
    "with an int": (BINARY, lambda f, x: f(x, 2)),
    "with a bool": (BINARY, lambda f, x: f(x, True)),
    "after a number": (BINARY, lambda f, x: f(2, x)),
    "with a 0-d double": (BINARY, lambda f, x: f(x, (x[0] * 0 + 1).abs().double())),
    "along 0": (ALONG, lambda f, x: f(x, dim=0)),
}


# torch's kernels for numbers and 0-d tensors differ from those for tensors here; rushlight has one.
ONE_KERNEL = {
    "pow(bool) with a bool", "clamp_min(bool) with a bool", "sub(bool) with a 0-d double",
    "rsub(bool) with a 0-d double", "dist(bool) with a 0-d double",
}  # fmt: skip


def agree(want, got):
    # NotImplementedError is a RuntimeError for whoever catches it.
    return want == got or {want, got} == {"RuntimeError", "NotImplementedError"}


@pytest.mark.parametrize("how", CALLS)
def test_types(how):
    names, call = CALLS[how]
    wrong = []
    for name in names.split():
        for dtype in DTYPES:
            want = outcome("torch", name, dtype, call)
            if "complex32" in str(want) or (dtype == "float16" and "Error" in str(want)):
                continue
            got = outcome("rushlight", name, dtype, call)
            case = f"{name}({dtype}) {how}"
            if not agree(want, got) and case not in ONE_KERNEL:
                wrong.append(f"{case}: {want}, not {got}")
    assert not wrong, "\n".join(wrong)


def excused(dtype, other, want):
    """What is not followed: complex numbers of half precision, and True ** True, which is True."""
    return (dtype == "float16" and other == "a complex") or (
        dtype == "bool" and want == "torch.bool"
    )


OPERATORS = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
    "/": lambda a, b: a / b, "//": lambda a, b: a // b, "%": lambda a, b: a % b,
    "**": lambda a, b: a**b, "&": lambda a, b: a & b, "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b, "<<": lambda a, b: a << b, ">>": lambda a, b: a >> b,
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b, "==": lambda a, b: a == b, "!=": lambda a, b: a != b,
}  # fmt: skip
OTHERS = {
    "a tensor": lambda x: x, "an int": lambda x: 2, "a float": lambda x: 1.5,
    "a bool": lambda x: True, "a complex": lambda x: 2j, "None": lambda x: None,
    "a string": lambda x: "a", "a list": lambda x: [1],
}  # fmt: skip


@pytest.mark.parametrize("symbol", OPERATORS)
def test_operators(symbol):
    """Both ways round, with every type of tensor, and with what is no number."""
    wrong = []
    for dtype in DTYPES:
        for other, make in OTHERS.items():
            for way in ("left", "right"):

                def call(_, x, make=make, way=way):
                    operands = (x, make(x)) if way == "left" else (make(x), x)
                    return OPERATORS[symbol](*operands)

                want = outcome("torch", "Tensor", dtype, call)
                got = outcome("rushlight", "Tensor", dtype, call)
                if not agree(want, got) and not excused(dtype, other, want):
                    wrong.append(f"{dtype} {symbol} {other} ({way}): {want}, not {got}")
    assert not wrong, "\n".join(wrong)


def in_place(symbol):
    scope = {}
    exec(f"def change(a, b):\n    a {symbol}= b\n    return a", scope)
    return scope["change"]


ARITHMETIC = [symbol for symbol in OPERATORS if symbol not in ("<", "<=", ">", ">=", "==", "!=")]


@pytest.mark.parametrize("symbol", ARITHMETIC)
def test_in_place_operators(symbol):
    """The type stays what it is, or the result cannot be written."""
    change, wrong = in_place(symbol), []
    for dtype in DTYPES:
        for other in ("a tensor", "an int", "a float", "a bool", "a complex"):

            def call(_, x, other=other):
                return change(x.clone(), OTHERS[other](x))

            want = outcome("torch", "Tensor", dtype, call)
            got = outcome("rushlight", "Tensor", dtype, call)
            if not agree(want, got) and not excused(dtype, other, want):
                wrong.append(f"{dtype} {symbol}= {other}: {want}, not {got}")
    assert not wrong, "\n".join(wrong)


def test_what_torch_refuses():
    parity("""
        f, b, i = torch.ones(2), torch.tensor([True, False]), torch.ones(2, dtype=torch.int64)
        errors = [attempt(lambda: f - b), attempt(lambda: b - i), attempt(lambda: torch.rsub(f, b)),
                  attempt(lambda: f.sub_(b)), attempt(lambda: f - True), attempt(lambda: i.lerp(i, i)),
                  attempt(lambda: f - torch.tensor(True)), attempt(lambda: f.view(-4)),
                  attempt(lambda: f.reshape(-2, 1)), attempt(lambda: torch.reshape(i, (2, -3)))]
        taken = [f - b.float(), i - b.long(), f.view(-1), f.reshape(2, -1), f.reshape(1, 2, -1)]
        whole = torch.tensor([1.0, torch.nan, 2.5]).nansum(dtype=torch.int32)
        old = f.add(torch.tensor(2.0), f)
    """)
