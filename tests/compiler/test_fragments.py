"""The functions in C against double precision: over all floats of single precision, one of every few thousand."""

import ctypes
import subprocess

import numpy as np
import pytest
import scipy.special

from rushlight.compiler.emit.fragments import HEADERS, fragments
from tests.compiler.test_expressions import COMPILER, FLAGS

pytestmark = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")

# The function in double precision, and by how many units in the last place the one in C may be off.
FUNCTIONS = {
    "exp": (np.exp, 1.0), "expm1": (np.expm1, 1.5), "exp2": (np.exp2, 0.51), "tanh": (np.tanh, 1.4),
    "log": (np.log, 0.9), "log1p": (np.log1p, 0.9), "log2": (np.log2, 0.51), "log10": (np.log10, 0.51),
    "sin": (np.sin, 0.51), "cos": (np.cos, 0.51), "erf": (scipy.special.erf, 1.1),
    "erfc": (scipy.special.erfc, 0.51),
}  # fmt: skip
BASES = (0.3, 1.7, -2.5, 3.0, -1.0, 60.5)


@pytest.mark.parametrize("flags", [[], ["-O3", "-march=native"]], ids=["plain", "vectorised"])
def test_floats_from_everywhere(tmp_path, flags):
    names = [f"{name}_f32" for name in FUNCTIONS]
    loops = [
        f"void all_{name}(const float *restrict x, float *restrict y, long n)\n"
        f"{{\n    for (long i = 0; i < n; i++)\n        y[i] = {name}(x[i]);\n}}"
        for name in names
    ]
    loops += [
        f"void all_pow_{i}(const float *restrict x, float *restrict y, long n)\n"
        f"{{\n    for (long i = 0; i < n; i++)\n        y[i] = pow_f32(x[i], {float(base)}f);\n}}"
        for i, base in enumerate(BASES)
    ]
    (tmp_path / "all.c").write_text("\n\n".join([HEADERS, fragments([*names, "pow_f32"]), *loops]))
    command = [COMPILER, *FLAGS, *flags, "-o", tmp_path / "all.so", tmp_path / "all.c", "-lm"]
    made = subprocess.run(command, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr[:3000]
    library = ctypes.CDLL(str(tmp_path / "all.so"))
    x = np.arange(0, 2**32, 20011, dtype=np.uint64).astype(np.uint32).view(np.float32)
    odd = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 88.7228, 88.7229, -103.97, -103.98, 1e-45]
    x = np.concatenate([x, np.array(odd, np.float32)])
    for name, (function, ulps) in FUNCTIONS.items():
        with np.errstate(all="ignore"):
            compare(
                name, run(library, f"all_{name}_f32", x), function(x.astype(np.float64)), x, ulps
            )
    for i, base in enumerate(BASES):
        with np.errstate(all="ignore"):
            expected = np.power(x.astype(np.float64), float(np.float32(base)))
            compare(f"pow {base}", run(library, f"all_pow_{i}", x), expected, x, 0.51)


def run(library: ctypes.CDLL, name: str, x: np.ndarray) -> np.ndarray:
    y = np.empty_like(x)
    getattr(library, name)(
        ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(y.ctypes.data), ctypes.c_long(x.size)
    )
    return y


def compare(name: str, found: np.ndarray, exact: np.ndarray, x: np.ndarray, ulps: float) -> None:
    rounded = exact.astype(np.float32)
    special = ~np.isfinite(rounded) | ~np.isfinite(found)
    same = (found == rounded) | (np.isnan(found) & np.isnan(rounded))
    wrong = special & ~same
    wrong |= ~special & (np.signbit(found) != np.signbit(rounded))
    off = np.abs(found - exact) / np.spacing(np.abs(rounded))
    # What rounds up to a power of two is counted in the smaller units below it.
    wrong |= ~special & (off > ulps) & (np.abs(found - exact) > ulps * np.spacing(np.abs(found)))
    at = wrong.argmax()
    assert not wrong.any(), (
        f"{name}({x[at]!r}) = {found[at]!r}, rather {exact[at]!r}; {wrong.sum()} wrong"
    )
