"""Every row's expression in C against its forward: samples, ordinary values, nan, infinities, zeros, edges.

All cases stand in one file, which is compiled once.
"""

import ctypes
import functools
import itertools
import shutil
import subprocess
import warnings

import numpy as np
import pytest

from rushlight import dtypes
from rushlight.compiler.emit.expressions import (
    ABSENT,
    C_TYPES,
    Figure,
    expression,
    written_expression,
)
from rushlight.compiler.emit.fragments import HEADERS, fragments
from rushlight.core.table import TABLE
from rushlight.narrow import write_rounded
from rushlight.primitives import formulas, writing

COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
# Thousands of small functions: what optimises them takes longer than all else (test_fragments does it).
FLAGS = [
    "-O1",
    "-std=c99",
    "-fPIC",
    "-shared",
    "-fno-trapping-math",
    "-fno-math-errno",
    "-ffp-contract=off",
]
pytestmark = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")

# How many units in the last place a result may be off, where arithmetic is not exact; NumPy and C both err.
ULPS = {
    "exp": 2, "log": 2, "exp2": 2, "expm1": 3, "log2": 2, "log10": 2, "log1p": 2, "tanh": 4, "sigmoid": 4,
    "silu": 4, "elu": 4, "softplus": 4, "mish": 8, "log_sigmoid": 4, "erf": 2, "erfc": 16, "pow": 2,
    "sin": 2, "cos": 2, "tan": 4, "asin": 4, "acos": 4, "atan": 4, "sinh": 4, "cosh": 4, "asinh": 4,
    "acosh": 4, "atanh": 4, "atan2": 4, "hypot": 2, "logaddexp": 4, "logaddexp2": 4, "sinc": 4,
    "lgamma": 4, "logit": 4, "entr": 4, "xlogy": 3, "xlog1py": 3, "spherical_bessel_j0": 4,
    "binary_cross_entropy": 8, "polar": 4, "angle": 4,
    # NumPy multiplies complex numbers with one rounding less where the processor can.
    "mul": 2, "div": 3, "square": 2, "abs": 2, "reciprocal": 3,
}  # fmt: skip
EXACT_IF_REAL = {"mul", "div", "square", "abs", "reciprocal"}
# Where NumPy's is a difference, or the sum of two terms that cancel: the error is one of the terms.
ABSOLUTE = {"gelu": 1e-6, "lgamma": 1e-6, "logit": 2e-7, "binary_cross_entropy": 1e-6, "logaddexp": 2e-7,
            "logaddexp2": 3e-7}  # fmt: skip

FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 0.1, 3.0, -3.0, 1.5, 2.5, -2.5, 20.0, 100.0, -100.0,
          np.inf, -np.inf, np.nan, 1e-30, -1e-30, 1e30, -1e30, 1e-42, 7.25, -7.25]  # fmt: skip
TYPES = [np.dtype(t) for t in "f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 ? c8 c16 f2".split()]  # noqa: SIM905
TYPES.append(dtypes.bfloat16.numpy)
NARROW = TYPES[-2:]
NUMBERS = (0.5, -2)
POWERS = (0.5, 2, 3, -1.0, 0.0, 1, -0.5, -2, 0.3, 1.7, -3.0, 0.1)


def values(dtype: np.dtype) -> np.ndarray:
    rng = np.random.default_rng(0)
    if dtype in NARROW:
        with np.errstate(all="ignore"):
            return values(np.dtype("f4"))[::2].astype(dtype)
    if dtype.kind == "f":
        limits = np.finfo(dtype)
        some = [limits.max, limits.min, limits.tiny, limits.smallest_subnormal, limits.eps]
        return np.concatenate([FLOATS, some, rng.normal(0, 2, 20), rng.uniform(0, 1, 8)]).astype(
            dtype
        )
    if dtype.kind == "c":
        part = values(np.empty(0, dtype).real.dtype)[np.r_[:20, 32:52]]
        part = part[np.isfinite(part)]
        return (part[:, None] + 1j * part[None]).reshape(-1).astype(dtype)[::5]
    if dtype.kind == "b":
        return np.array([True, False])
    limits = np.iinfo(dtype)
    some = [limits.min, limits.min + 1, limits.max, limits.max - 1, 0, 1, 2, 3, 5, 31, 63, 64, 100]
    near = [-1, -2, -3, -5, -8] if limits.min else []
    return np.array([*some, *near, *rng.integers(-9 if limits.min else 0, 20, 8)], dtype)


# What has a formula: one that nothing was compiled of would pass unseen.
FORMULAS = {row.name for row in TABLE.values() if not isinstance(row.c, str) or "{" in row.c} | {
    kernel.__name__ for kernel in formulas.FORMULAS
}  # fmt: skip


class Case:
    """One expression, its operands, and what NumPy gives."""

    def __init__(self, name, found, names, operands, run, static=None):
        self.name, self.found, self.names = name, found, names
        self.operands, self.run, self.figures = operands, run, static or {}

    def text(self, number: int) -> str:
        lines, texts, place = [], {}, 0
        size = 1
        for name, operand in zip(self.names, self.operands, strict=True):
            if isinstance(operand, np.ndarray):
                kind = C_TYPES[operand.dtype.name]
                lines.append(f"    const {kind} *{name}_ = p[{place}];")
                texts[name] = f"{name}_[i]"
                size = operand.size
            else:
                lines.append(f"    const double {name}_ = *(const double *)p[{place}];")
                texts[name] = f"{name}_"
            place += 1
        for name in self.figures:
            lines.append(f"    const double {name}_figure = *(const double *)p[{place}];")
            place += 1
        kind = C_TYPES[self.found.dtype.name]
        value = self.found.template.format(**texts)
        check = (self.found.check or "0").format(**texts)
        used = "".join(f"(void){name}_;" for name in self.names)
        return "\n".join([
            f"void case_{number}(void **p) {{", *lines, f"    {kind} *out = p[{place}];",
            f"    uint8_t *raises = p[{place + 1}];", f"    {used}",
            f"    for (long i = 0; i < {size}; i++) {{ out[i] = {value}; raises[i] = {check}; }}", "}",
        ])  # fmt: skip


def cases_of_rows():
    for row in TABLE.values():
        if isinstance(row.c, str) and "{" not in row.c:
            continue
        statics = [sample.static for sample in row.samples()]
        if row.name == "convert":
            statics = [{"dtype": dtype} for dtype in TYPES]
        if row.name == "laid_out":
            statics = [{"strides": None}]
        names = [name for name in row.inputs if not name.startswith("*")]
        for number, static in enumerate(statics):
            if static in statics[:number]:
                continue
            seen = set()
            for dtype in TYPES if row.family != "view" else [t for t in TYPES if t.kind in "fc"]:
                for operands in operands_of(row, names, dtype):
                    yield from case_of(row, names, operands, static, seen)


def operands_of(row, names, dtype):
    one = values(dtype)
    if row.name == "where":
        condition = np.resize([True, False, False], one.size)
        yield [condition, one, one[::-1].copy()]
        yield [condition, one, 0]
        yield [condition, 0.5, one]
    elif row.name == "clamp":
        few = one[:20]
        x, low, high = (
            a.reshape(-1).copy()
            for a in np.broadcast_arrays(few[:, None, None], few[None, :, None], few)
        )
        yield from (
            [x, low, high],
            [x, None, high],
            [x, low, None],
            [one, 0, None],
            [one, None, 1],
            [one, 0, 1],
        )
        yield from ([one, -0.5, 0.5], [one, None, 0.0])
    elif row.name == "lerp":
        x, end = (a.reshape(-1).copy() for a in np.broadcast_arrays(one[:, None], one))
        yield from ([x, end, w] for w in (np.resize(one, x.shape), 0.3, 0.7, 0.5, -0.6))
    elif row.name in ("addcmul", "addcdiv"):
        x, first = (a.reshape(-1).copy() for a in np.broadcast_arrays(one[:, None], one))
        yield from ([x, first, np.roll(first, 3), value] for value in (1, 2, 0.3))
    elif len(names) == 1:
        yield [one]
    elif len(names) == 2:
        x, y = (a.reshape(-1).copy() for a in np.broadcast_arrays(one[:, None], one))
        yield [x, y]
        numbers = (
            POWERS if row.name == "pow" else NUMBERS if row.name != "binary_cross_entropy" else ()
        )
        for number in numbers:
            yield [one, number]
            yield [number, one]


def case_of(row, names, operands, static, seen):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            given = row.promote(list(operands)) if row.promote else list(operands)
            row.rule(*given, **static)
        except (RuntimeError, NotImplementedError, TypeError, AttributeError):
            return
    size = max(np.size(x) for x in given if x is not None)
    # One element as a tensor without dimensions: a number beside tensors of its type.
    given = [np.full(size, x) if isinstance(x, np.ndarray) and not x.ndim else x for x in given]
    given = [np.resize(x, size) if isinstance(x, np.ndarray) else x for x in given]
    kinds = [x.dtype if isinstance(x, np.ndarray) else ABSENT if x is None else x for x in given]

    def run(arrays):
        narrow = any(isinstance(x, np.ndarray) and x.dtype in NARROW for x in arrays)
        return (row.narrow if narrow else row.forward)(*arrays, **static)

    for run_time in (False, True):
        if run_time:
            numbers = [i for i, k in enumerate(kinds) if isinstance(k, int | float | np.number)]
            moving = {n: v for n, v in static.items() if type(v) is float}
            if not numbers and not moving:
                return
            kinds = [None if i in numbers else kind for i, kind in enumerate(kinds)]
            figures = {**static, **{n: Figure(n + "_figure") for n in moving}}
        # Promotion made arrays of numbers: that has been seen, with more values.
        if (key := repr(kinds) + str(run_time)) in seen:
            return
        seen.add(key)
        for out in range(2 if row.name in ("gelu",) else 1):
            found = expression(row, kinds, figures if run_time else static, out)
            if found is not None:

                def part(arrays, out=out):
                    result = run(arrays)
                    return result[out] if isinstance(result, tuple) else result

                yield Case(row.name, found, names, given, part, moving if run_time else None)


def cases_of_kernels():
    x = np.tile(values(np.dtype("f4")).astype("f8"), 20)
    for dtype, size in itertools.product((*TYPES[:2], *NARROW), (1000, 3000)):
        target, y, z = (np.resize(np.roll(x, k * 37), size).astype(dtype) for k in range(3))
        several = {
            writing.add: [([y], {}), ([y], {"alpha": 0.3}), ([0.7], {"alpha": 0.3}), ([2], {})],
            writing.sub: [([y], {}), ([y], {"alpha": 0.3}), ([0.7], {})],
            writing.mul: [([y], {}), ([0.3], {})],
            writing.div: [([y], {}), ([0.3], {})],
            writing.addcmul: [([y, z], {}), ([y, z], {"value": 0.3})],
            writing.addcdiv: [([y, z], {}), ([y, z], {"value": 0.3})],
            writing.lerp: [([y, w], {}) for w in (0.1, 0.3, 0.9)],
            writing.sqrt: [([], {})],
            writing.fill: [([0.3], {})],
            writing.fill_where: [([y > 0, 0.3], {})],
            writing.copy: [([y], {}), ([y.astype("f8")], {}), ([y > 0], {})],
        }
        for kernel, calls in several.items():
            for operands, static in calls:
                for run_time in (False, True):
                    kinds = [
                        a.dtype if isinstance(a, np.ndarray) else None if run_time else a
                        for a in operands
                    ]
                    figures = {
                        n: Figure(n + "_figure") if run_time else v for n, v in static.items()
                    }
                    found = written_expression(kernel, dtype, kinds, figures, size)
                    if dtype in NARROW:
                        plain = kernel in (writing.copy, writing.fill, writing.fill_where)
                        known = (
                            kernel
                            if plain
                            else functools.partial(write_rounded, kernel, kernel.__name__)
                        )
                        found = written_expression(known, dtype, kinds, figures, size)
                        if found is None and run_time:
                            continue
                    assert found is not None, kernel

                    kernel_of = known if dtype in NARROW else kernel

                    def run(arrays, kernel=kernel_of, static=static):
                        result = arrays[0].copy()
                        kernel(result, *arrays[1:], **static)
                        return result

                    names = ["target", *formulas.FORMULAS[kernel][0][1 : 1 + len(operands)]]
                    moving = static if run_time else None
                    yield Case(kernel.__name__, found, names, [target, *operands], run, moving)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    with np.errstate(all="ignore"):
        cases = [*cases_of_rows(), *cases_of_kernels()]
    names = {name for case in cases for name in case.found.fragments}
    folder = tmp_path_factory.mktemp("expressions")
    text = "\n\n".join([HEADERS, fragments(names), *(case.text(i) for i, case in enumerate(cases))])
    (folder / "cases.c").write_text(text)
    made = subprocess.run(
        [COMPILER, *FLAGS, "-o", folder / "cases.so", folder / "cases.c", "-lm"],
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr[:3000]
    return cases, ctypes.CDLL(str(folder / "cases.so"))


def test_expressions_are_what_forwards_are(compiled):
    cases, library = compiled
    wrong = []
    for number, case in enumerate(cases):
        if message := difference(case, getattr(library, f"case_{number}")):
            wrong.append(message)
    assert {case.name for case in cases} >= FORMULAS
    assert not wrong, f"{len(wrong)} of {len(cases)}:\n" + "\n".join(wrong[:80])


def difference(case, function) -> str:
    size = max(np.size(x) for x in case.operands if x is not None)
    out = np.empty(size, case.found.dtype)
    raises = np.empty(size, bool)
    numbers = [*case.operands, *case.figures.values()]
    cells = [
        x if isinstance(x, np.ndarray) else np.array(0.0 if x is None else x, float)
        for x in numbers
    ]
    pointers = (ctypes.c_void_p * (len(cells) + 2))(*(a.ctypes.data for a in (*cells, out, raises)))
    function(pointers)
    kept = ~raises
    arrays = [x[kept] if isinstance(x, np.ndarray) else x for x in case.operands]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if raises.any():
            with pytest.raises(RuntimeError):
                case.run(case.operands)
        expected = np.asarray(case.run(arrays))
        if expected.dtype != out.dtype:
            return f"{case.name}: {out.dtype}, forward gives {expected.dtype}"
        found = out[kept]
        if expected.shape != found.shape:
            expected = np.broadcast_to(expected, found.shape)
        bad = ~agree(case, found, expected)
    if not bad.any():
        return ""
    at = bad.argmax()
    shown = ", ".join(
        f"{name}={x[at] if isinstance(x, np.ndarray) else x!r}"
        for name, x in zip(case.names, arrays, strict=True)
    )
    kinds = [x.dtype.name if isinstance(x, np.ndarray) else "number" for x in arrays]
    return (
        f"{case.name} {kinds} {case.found.template}: {bad.sum()} of {bad.size}, at {shown}: {found[at]}, "
        f"forward gives {expected[at]}"
    )


def agree(case, found, expected) -> np.ndarray:
    if found.dtype.kind == "c":
        parts = agree(case, found.real, expected.real) & agree(case, found.imag, expected.imag)
        # A part may be a difference of products.
        return parts | (np.abs(found - expected) <= 2 * np.spacing(np.abs(expected)))
    if found.dtype in NARROW:
        # A last bit in single precision may show as one of the few that are left.
        wide, exact = found.astype(np.float32), expected.astype(np.float32)
        same = (wide == exact) & (np.signbit(wide) == np.signbit(exact))
        near = np.abs(wide - exact) <= np.abs(exact) * 2.0**-7 if case.name in ULPS else same
        return (
            same
            | near
            | (np.isnan(wide) & np.isnan(exact))
            | (np.abs(wide - exact) < ABSOLUTE.get(case.name, 0))
        )
    if found.dtype.kind not in "f":
        return found == expected
    both_nan = np.isnan(found) & np.isnan(expected)
    same = (found == expected) & (np.signbit(found) == np.signbit(expected))
    ulps = ULPS.get(case.name, 0)
    if (
        case.name in EXACT_IF_REAL
        and case.found.dtype.kind != "c"
        and "fabs_c" not in case.found.template
    ):
        ulps = 0
    near = np.zeros(found.shape, bool)
    if ulps:
        near = np.abs(found - expected) <= ulps * np.spacing(np.abs(expected))
    if case.name in ABSOLUTE:
        near |= np.abs(found - expected) <= ABSOLUTE[case.name] * np.maximum(1, np.abs(expected))
    return both_nan | same | near
