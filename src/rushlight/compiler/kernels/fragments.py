"""Pieces of C that several kernels share: vectors, and what is done with whole registers.

The text goes by the target's width; which of a compiler's spellings is right, the text itself asks.
A fragment is named `vectors_float`; those that it needs come before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.resources import files

from rushlight.compiler.kernels.target import Target

ITEMSIZE = {"float": 4, "double": 8}

# clang: in the last line contraction is asked for, in this function alone.
_VECTORS = """\
/* {lanes} numbers in one register, and the ways in and out of memory. */
typedef {T} v{T} __attribute__((vector_size({bytes})));
typedef {T} v{T}_anywhere __attribute__((vector_size({bytes}), aligned({itemsize}), may_alias));
#define INLINE_{T} static inline __attribute__((always_inline, unused))

INLINE_{T} v{T} v{T}_load(const {T} *from) {{ return *(const v{T}_anywhere *)from; }}
INLINE_{T} void v{T}_store({T} *to, v{T} x) {{ *(v{T}_anywhere *)to = x; }}
INLINE_{T} v{T} v{T}_of({T} x) {{ return (v{T}){{{copies}}}; }}

/* Numbers that will soon be read or written are sent for. */
INLINE_{T} void v{T}_near(const {T} *from, long count)
{{
    for (long i = 0; i < count; i += {line})
        __builtin_prefetch(from + i, 0, 2);
}}

/* The first `count` numbers, zeros behind them: nothing past the end is read or written. */
INLINE_{T} v{T} v{T}_first(const {T} *from, int count)
{{
    v{T} x = {{0}};
    __builtin_memcpy(&x, from, count * sizeof({T}));
    return x;
}}
INLINE_{T} void v{T}_part({T} *to, v{T} x, int first, int count)
{{
    __builtin_memcpy(to, (const {T} *)&x + first, count * sizeof({T}));
}}

/* x * y + z, rounded once where the processor can. */
INLINE_{T} v{T} v{T}_fma(v{T} x, v{T} y, v{T} z)
{{
#if defined(__clang__)
#pragma clang fp contract(fast)
    return x * y + z;
#elif defined({macro})
    return (v{T}){builtin};
#else
    return x * y + z;
#endif
}}
"""

# What gcc calls it, where it can be done in one instruction: by bytes of a register and type.
_FMA = {
    (64, "float"): ("__AVX512F__", "__builtin_ia32_vfmaddps512_mask(x, y, z, -1, 4)"),
    (64, "double"): ("__AVX512F__", "__builtin_ia32_vfmaddpd512_mask(x, y, z, -1, 4)"),
    (32, "float"): ("__FMA__", "__builtin_ia32_vfmaddps256(x, y, z)"),
    (32, "double"): ("__FMA__", "__builtin_ia32_vfmaddpd256(x, y, z)"),
    (16, "float"): ("__aarch64__", "__builtin_aarch64_fmav4sf(x, y, z)"),
    (16, "double"): ("__aarch64__", "__builtin_aarch64_fmav2df(x, y, z)"),
}

_PLAIN = """\
/* A number at a time: a compiler turns the loops around it into vector instructions by itself. */
typedef {T} v{T};
static inline {T} v{T}_load(const {T} *from) {{ return *from; }}
static inline void v{T}_store({T} *to, {T} x) {{ *to = x; }}
static inline {T} v{T}_of({T} x) {{ return x; }}
static inline {T} v{T}_fma({T} x, {T} y, {T} z) {{ return x * y + z; }}
"""

_MEMORY = """\
#include <math.h>
#include <stdint.h>
#include <string.h>
"""

_SHUFFLES = """\
/* A vector picked from the lanes of two. */
#if defined(__clang__) || __GNUC__ >= 12
#define PICK_{T}(x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)
#else
typedef {I} v{T}_lanes __attribute__((vector_size({bytes})));
#define PICK_{T}(x, y, ...) __builtin_shuffle(x, y, (v{T}_lanes){{__VA_ARGS__}})
#endif
"""


def _vectors(T: str, target: Target) -> str:
    lanes = target.lanes(ITEMSIZE[T])
    if lanes == 1:
        return _PLAIN.format(T=T)
    macro, builtin = _FMA[lanes * ITEMSIZE[T], T]
    return _VECTORS.format(
        T=T,
        lanes=lanes,
        bytes=lanes * ITEMSIZE[T],
        itemsize=ITEMSIZE[T],
        line=64 // ITEMSIZE[T],
        copies=", ".join(["x"] * lanes),
        macro=macro,
        builtin=builtin,
    )


def _memory(T: str, target: Target) -> str:
    return _MEMORY


def _shuffles(T: str, target: Target) -> str:
    bytes_ = target.lanes(ITEMSIZE[T]) * ITEMSIZE[T]
    return _SHUFFLES.format(T=T, bytes=bytes_, I={"float": "int", "double": "long long"}[T])


def _picks(lanes: int, step: int) -> tuple[str, str]:
    """Of rows x and y that stand `step` apart: where blocks of that size come from when exchanged."""
    low = [j if not j & step else lanes + j - step for j in range(lanes)]
    high = [lanes + j if j & step else j + step for j in range(lanes)]
    return ", ".join(map(str, low)), ", ".join(map(str, high))


def _transposition(T: str, target: Target) -> str:
    lanes = target.lanes(ITEMSIZE[T])
    lines = [
        f"/* A square of {lanes} by {lanes} transposed in registers: blocks of 1, 2, 4 ... change places. */",
        f"INLINE_{T} void v{T}_transpose(v{T} r[{lanes}])",
        "{",
    ]
    step = lanes // 2
    while step:
        low, high = _picks(lanes, step)
        lines += [
            f"#pragma GCC unroll {lanes}",
            f"    for (int i = 0; i < {lanes}; i++)",
            f"        if (!(i & {step})) {{",
            f"            const v{T} x = r[i], y = r[i + {step}];",
            f"            r[i] = PICK_{T}(x, y, {low});",
            f"            r[i + {step}] = PICK_{T}(x, y, {high});",
            "        }",
        ]
        step //= 2
    return "\n".join([*lines, "}", ""])


def _sums(T: str, target: Target) -> str:
    lanes = target.lanes(ITEMSIZE[T])
    lines = [
        f"/* The sum over the lanes of each of {lanes} vectors, as one vector. */",
        f"INLINE_{T} v{T} v{T}_sums(v{T} r[{lanes}])",
        "{",
    ]
    step = lanes // 2
    while step:
        low, high = _picks(lanes, step)
        lines += [
            f"#pragma GCC unroll {lanes}",
            f"    for (int i = 0; i < {step}; i++) {{",
            f"        const v{T} x = r[i], y = r[i + {step}];",
            f"        r[i] = PICK_{T}(x, y, {low}) + PICK_{T}(x, y, {high});",
            "    }",
        ]
        step //= 2
    return "\n".join([*lines, "    return r[0];", "}", ""])


_EXPONENTIAL = """\
/* The bits of a vector; what comparisons give are all of them, or none. */
typedef int32_t v{T}_bits __attribute__((vector_size({bytes})));
INLINE_{T} v{T} v{T}_chosen(v{T}_bits all, v{T} x, v{T} y)
{{
    return (v{T})((all & (v{T}_bits)x) | (~all & (v{T}_bits)y));
}}

/* e to the power of x, which is at most 0. At most 1 unit in the last place off. */
INLINE_{T} v{T} v{T}_exp(v{T} x)
{{
    /* Below -104 nothing is left: masked scores, say. */
    const v{T}_bits none = x < v{T}_of(-104.0f);
    x = (v{T})((v{T}_bits)x & ~none);
    /* 3 * 2^22 leaves no bits behind the point: what is added is rounded, and stands in the last bits. */
    const v{T} shifted = v{T}_fma(x, v{T}_of(1.44269502f), v{T}_of(12582912.0f));
    const v{T} twos = shifted - v{T}_of(12582912.0f);
    v{T} rest = v{T}_fma(twos, v{T}_of(-0.693145752f), x);
    rest = v{T}_fma(twos, v{T}_of(-1.42860677e-6f), rest);
    v{T} p = v{T}_fma(v{T}_of(0.0013813168f), rest, v{T}_of(0.008369418f));
    p = v{T}_fma(p, rest, v{T}_of(0.041668456f));
    p = v{T}_fma(p, rest, v{T}_of(0.16666515f));
    p = v{T}_fma(p, rest, v{T}_of(0.49999994f));
    p = v{T}_fma(rest * rest, p, rest) + v{T}_of(1);
    /* In two steps, as the second may leave the range, or round in it. */
    const v{T}_bits power = (v{T}_bits)shifted - 0x4b400000, half = power >> 1;
    p *= (v{T})((half + 127) << 23);
    p *= (v{T})((power - half + 127) << 23);
    return (v{T})((v{T}_bits)p & ~none);
}}
"""


def _exponential(T: str, target: Target) -> str:
    lanes = target.lanes(ITEMSIZE[T])
    lines = [_EXPONENTIAL.format(T=T, bytes=lanes * ITEMSIZE[T])]
    kinds = {
        "total": ("The sum of all lanes, in each", "x + y"),
        "most": ("The largest of all lanes, in each", f"v{T}_chosen(x > y, x, y)"),
    }
    for name, (said, taken) in kinds.items():
        lines += [f"/* {said}. */", f"INLINE_{T} v{T} v{T}_{name}(v{T} x)", "{", f"    v{T} y;"]
        step = lanes // 2
        while step:
            order = ", ".join(str(lane ^ step) for lane in range(lanes))
            lines += [f"    y = PICK_{T}(x, x, {order});", f"    x = {taken};"]
            step //= 2
        lines += ["    return x;", "}"]
    return "\n".join([*lines, ""])


_BLAS = """\
/* BLAS as Fortran calls it, matrices by columns; set when the program is loaded. */
typedef void Gemm_{T}(char *, char *, int *, int *, int *, {T} *, {T} *, int *, {T} *, int *, {T} *, {T} *, int *);
static Gemm_{T} *gemm_{T};
"""


def _blas(T: str, target: Target) -> str:
    return _BLAS.format(T=T)


_THREADS = """\
/* Work shared out among threads: parallel(work, context, count, grain) calls work for ranges of 0 to
 * count that begin at multiples of grain. All of it in the calling thread until a pool is handed in. */
typedef void Work(void *context, long begin, long end);
static void alone(Work *work, void *context, long count, long grain)
{
    (void)grain;
    work(context, 0, count);
}
static void (*parallel)(Work *work, void *context, long count, long grain) = alone;
void set_parallel(void *pool) { parallel = (void (*)(Work *, void *, long, long))pool; }
"""


def _threads(T: str, target: Target) -> str:
    return _THREADS


def _thirds(T: str, target: Target) -> str:
    return files("rushlight.compiler").joinpath("c", "thirds.c").read_text()


# Each kind: its text, and the kinds that it needs.
_KINDS: dict[str, tuple[Callable[[str, Target], str], tuple[str, ...]]] = {
    "memory": (_memory, ()),
    "vectors": (_vectors, ()),
    "shuffles": (_shuffles, ("vectors",)),
    "transposition": (_transposition, ("shuffles",)),
    "sums": (_sums, ("shuffles",)),
    "exponential": (_exponential, ("memory", "shuffles")),
    "thirds": (_thirds, ("memory", "transposition")),
    "blas": (_blas, ()),
    "threads": (_threads, ()),
}


def together(names: Iterable[str], target: Target) -> str:
    """The text of these fragments and of those that they need, each once, in order."""
    texts: dict[str, str] = {}

    def add(name: str) -> None:
        if name not in texts:
            kind, _, T = name.partition("_")
            write, needs = _KINDS[kind]
            for need in needs:
                add(f"{need}_{T}")
            texts[name] = write(T, target)

    for name in names:
        add(name)
    return "\n".join(texts.values())
