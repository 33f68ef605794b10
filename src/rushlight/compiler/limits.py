"""What this machine can do at most, measured: arithmetic in a nanosecond, and bytes moved."""

from __future__ import annotations

import ctypes
import time
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rushlight.compiler.build import built, join_pool, target
from rushlight.compiler.kernels.fragments import together
from rushlight.memory import address

# Work on that much memory by each thread: in the first cache, the second, the third, and beyond.
SIZES = (16 << 10, 256 << 10, 2 << 20, 32 << 20)
_SECONDS, _TURNS = 0.01, 6

_TEXT = """
#include <string.h>
typedef struct {{ float *memory; long size, times; }} Given;

/* Chains enough to keep the processor's units busy, in as many registers. */
static void multiply(void *context, long begin, long end)
{{
    const Given *const given = context;
    for (long part = begin; part < end; part++) {{
        vfloat sums[{chains}], x = vfloat_of(0.5f), y = vfloat_of(1.0f);
        for (int i = 0; i < {chains}; i++) sums[i] = vfloat_of((float)i);
        for (long t = 0; t < given->times; t++)
            for (int i = 0; i < {chains}; i++) sums[i] = vfloat_fma(sums[i], x, y);
        for (int i = 0; i < {chains}; i++)
            memcpy(given->memory + part * 4096 + i * {lanes}, &sums[i], sizeof sums[i]);
    }}
}}

/* x = 1 - x, over and over: as much is read as written. */
static void move(void *context, long begin, long end)
{{
    const Given *const given = context;
    for (long part = begin; part < end; part++) {{
        float *const x = given->memory + part * given->size;
        for (long t = 0; t < given->times; t++)
            for (long i = 0; i < given->size; i += {lanes})
                vfloat_store(x + i, vfloat_of(1.0f) - vfloat_load(x + i));
    }}
}}

void run_multiply(Given *given, long threads) {{ parallel(multiply, given, threads, 1); }}
void run_move(Given *given, long threads) {{ parallel(move, given, threads, 1); }}
"""


@dataclass(frozen=True)
class Limits:
    """What so many threads can do together; GFLOP/s and GB/s are so many in a nanosecond."""

    threads: int
    flops: float
    # (bytes of each thread, GB/s), from the first cache to memory.
    bandwidth: tuple[tuple[int, float], ...]

    def nanoseconds(self, flops: float, moved: float) -> float:
        """How long so much float32 arithmetic and so many bytes take at least."""
        fast = next(
            (rate for size, rate in self.bandwidth if moved <= 2 * size * self.threads),
            self.bandwidth[-1][1],
        )
        return max(flops / self.flops, moved / fast)

    def __str__(self) -> str:
        names = ", ".join(f"{rate:,.0f} GB/s in {_bytes(size)}" for size, rate in self.bandwidth)
        return f"{self.flops:,.0f} GFLOP/s; {names}"


class _Given(ctypes.Structure):
    _fields_ = (
        ("memory", ctypes.c_void_p),
        ("size", ctypes.c_long),
        ("times", ctypes.c_long),
    )


@lru_cache
def limits(threads: int) -> Limits:
    """The limits of so many threads, measured once in a process, in a tenth of a second."""
    here = target()
    chains = 12 if here.registers > 16 else 8
    lanes = here.lanes(4)
    library = built(
        together(["vectors_float", "threads_float"], here)
        + _TEXT.format(chains=chains, lanes=lanes)
    )
    join_pool(library)
    memory = np.ones(threads * SIZES[-1] // 4 + 16, np.float32)
    start = address(memory) + -address(memory) % 64

    def rate(name: str, size: int, work: float) -> float:
        """So much work a nanosecond, at best."""
        function = getattr(library, name)
        given = _Given(start, size, 1)
        best, times, turns = 0.0, 1, 0
        end = time.perf_counter() + _SECONDS
        while turns < _TURNS or time.perf_counter() < end:
            turns += 1
            given.times = times
            began = time.perf_counter_ns()
            function(ctypes.byref(given), ctypes.c_long(threads))
            took = max(time.perf_counter_ns() - began, 1)
            best = max(best, threads * work * times / took)
            if took < 200_000:
                times *= 2
        return best

    return Limits(
        threads,
        rate("run_multiply", 0, 2.0 * chains * lanes),
        tuple((size, rate("run_move", size // 4, 2.0 * size)) for size in SIZES),
    )


def _bytes(size: int) -> str:
    return f"{size >> 20} MB" if size >= 1 << 20 else f"{size >> 10} KB"
