"""For tests of emitted C: memory between pages that nobody may touch, and a compiler."""

import ctypes
import os
import shlex
import subprocess

import numpy as np

PAGE = 4096
FLAGS = "-march=native -ffp-contract=off -fno-trapping-math -fno-math-errno -Wall -Werror"
# Vectors wider than the processor's are passed in memory; gcc tells.
FLAGS += " -Wno-unused-function -Wno-psabi"
COMPILER = shlex.split(os.environ.get("CC", "gcc"))

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
READ_WRITE, PRIVATE_ANONYMOUS = 3, 0x22


class Guarded:
    """An array that ends, or else begins, at a page whose touch ends the process."""

    def __init__(self, size, dtype, *, at_the_end):
        count = size * np.dtype(dtype).itemsize
        inside = -(-count // PAGE) * PAGE
        self.total = inside + 2 * PAGE
        self.base = libc.mmap(None, self.total, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0)
        libc.mprotect(self.base, PAGE, 0)
        libc.mprotect(self.base + PAGE + inside, PAGE, 0)
        start = self.base + PAGE + (inside - count if at_the_end else 0)
        self.array = np.frombuffer((ctypes.c_char * count).from_address(start), dtype)

    def __del__(self):
        libc.munmap(self.base, self.total)


def compiled(text, folder, name, flags="-O1"):
    """A text of C as a loaded library."""
    source, library = folder / f"{name}.c", folder / f"{name}.so"
    source.write_text(text)
    command = [*COMPILER, *flags.split(), *FLAGS.split(), "-shared", "-fPIC", "-pthread"]
    shown = subprocess.run(
        [*command, source, "-o", library, "-lm"], capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stderr
    return ctypes.CDLL(str(library))


def pointer(array):
    return ctypes.c_void_p(array.ctypes.data)
