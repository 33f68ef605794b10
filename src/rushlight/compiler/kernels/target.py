"""The processor for which C is written: all that the generators know of a machine."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A kind of processor. `width` 1 stands for plain C99, without any extension of a compiler."""

    width: int = 1
    """Floats in one vector register: 16, 8, 4, or 1."""
    registers: int = 16
    """How many vector registers there are."""
    l1: int = 32 << 10
    """Bytes of the first cache, for data."""
    l2: int = 512 << 10
    """Bytes of the second cache, of one core."""
    flops: float = 2.0
    """Multiplications with addition that one vector register's worth of hardware starts in a cycle."""
    ghz: float = 3.0
    """Cycles in a nanosecond, for estimates."""
    matrices: bool = False
    """Whether there are registers for matrices of bfloat16 (AMX), as `kernels/thirds.py` uses them."""
    as_blas: int = 0
    """If not 0, products sum in OpenBLAS's order: an inner dimension that is longer in two halves."""

    def lanes(self, itemsize: int) -> int:
        """Elements of that many bytes in one register."""
        return max(1, self.width * 4 // itemsize)


PLAIN = Target()
"""C99 that any compiler takes, and that a good one turns into vector instructions by itself."""

# Macros that compilers define, the best first, and what they tell.
_KINDS = (
    ("__AMX_BF16__", Target(16, 32, 48 << 10, 2 << 20, matrices=True)),
    ("__AVX512F__", Target(16, 32, 32 << 10, 1 << 20)),
    ("__AVX2__", Target(8, 16)),
    ("__AVX__", Target(8, 16)),
    ("__aarch64__", Target(4, 32, 64 << 10, 1 << 20)),
    ("__SSE2__", Target(4, 16)),
    ("__wasm_simd128__", Target(4, 16)),
)


def of_macros(text: str) -> Target:
    """The target of a compiler that predefines these macros: what `cc -march=native -dM -E` prints.

    >>> of_macros("#define __SSE2__ 1\\n#define __AVX2__ 1\\n").width
    8
    """
    defined = {line.split()[1] for line in text.splitlines() if line.startswith("#define ")}
    return next((target for macro, target in _KINDS if macro in defined), PLAIN)


# Seconds that a compiler may take to say what it predefines.
PATIENCE = 20


def macros_of(command: Sequence[str]) -> str:
    """What a compiler with its flags predefines, such as ["gcc", "-march=native"]; nothing if it does not tell."""
    try:
        shown = subprocess.run(
            [*command, "-dM", "-E", "-x", "c", "-"],
            input="",
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return shown.stdout


def of_compiler(command: Sequence[str]) -> Target:
    """The target of a compiler; one that does not tell is written plain C."""
    return of_macros(macros_of(command))
