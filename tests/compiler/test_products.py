"""Emitted matrix products against NumPy in float64: shapes, layouts, batches, kinds of processors."""

import ctypes
import random
import subprocess
from itertools import pairwise

import numpy as np
import pytest

from rushlight.compiler import build
from rushlight.compiler.kernels.fragments import together
from rushlight.compiler.kernels.product import product
from rushlight.compiler.kernels.target import PLAIN, Target, of_compiler, of_macros
from tests.compiler.guarded import COMPILER, Guarded, compiled, pointer

TARGETS = {
    "avx512": Target(16, 32),
    "avx2": Target(8, 16),
    "sse": Target(4, 16),
    "plain": PLAIN,
}
# Where there are registers for matrices, and the system lets a process use them.
if build.target().matrices:
    TARGETS["amx"] = build.target()


def dense(m, n, k, layout, **more):
    """The arguments for operands without gaps, each by rows ("n") or by columns ("t")."""
    a = (k, 1) if layout[0] == "n" else (1, m)
    b = (n, 1) if layout[1] == "n" else (1, k)
    return {"m": m, "n": n, "k": k, "a": a, "b": b, "c": (n, 1), **more}


# One of each kind: the workloads' shapes in small, edges in each dimension, vectors, outer products.
TABLE = [
    *(dense(24, 64, 40, layout) for layout in ("nn", "nt", "tn", "tt")),
    *(dense(13, 37, 19, layout, accumulate=True) for layout in ("nn", "nt", "tn", "tt")),
    *(dense(m, n, k, "nt") for m, n, k in [(1, 70, 50), (50, 1, 70), (100, 16, 2), (1, 1, 1), (3, 1, 200)]),
    *(dense(m, n, k, "tn") for m, n, k in [(16, 2, 100), (40, 1, 33), (1, 65, 17), (9, 10, 1), (65, 128, 64)]),
    dense(10, 33, 700, "nn"),
    dense(13, 5, 481, "tn"),
    {**dense(13, 3, 700, "nn", form="tiles"), "b": (5, 1)},
    dense(150, 100, 270, "tn"),
    dense(150, 40, 401, "nt"),
    dense(300, 64, 64, "nn"),
    dense(64, 10, 128, "nn"),
    dense(64, 10, 128, "nt", form="dots"),
    dense(7, 9, 5, "nt", form="dots"),
    dense(1, 100, 60, "nn", along="columns"),
    dense(2, 100, 60, "nt", along="columns"),
    dense(2, 75, 60, "nt", along="columns", form="dots"),
    {**dense(30, 20, 11, "nn"), "c": (1, 30)},
    {**dense(30, 20, 11, "nt"), "c": (1, 31), "accumulate": True},
    {**dense(12, 36, 20, "nn"), "a": (50, 2), "b": (90, 2), "c": (40, 1)},
    {**dense(12, 36, 20, "nn"), "a": (0, 1), "b": (36, 1)},
    # Attention: two dimensions of items, heads beside each other in memory.
    {**dense(16, 16, 8, "nt"), "a": (32, 1), "b": (1, 32), "batch": [(3, 512, 512, 1024), (4, 8, 8, 256)]},
    {**dense(16, 8, 16, "nn"), "b": (32, 1), "c": (32, 1), "batch": [(3, 1024, 512, 512), (4, 256, 8, 8)]},
    dense(5, 30, 12, "nn", batch=[(4, 60, 0, 150)]),
    dense(5, 30, 12, "nt", batch=[(4, 60, 0, 150)], accumulate=True),
    dense(5, 30, 12, "nt", batch=[(2, 0, 360, 150)]),
    dense(9, 1, 12, "nn", batch=[(3, 108, 12, 9)]),
    dense(12, 1, 9, "tn", batch=[(3, 108, 9, 12)]),
    # Columns of a so far apart that they are copied first, in two groups of rows; rows at the edge.
    dense(320, 160, 140, "tn"),
    {**dense(37, 160, 300, "tn"), "a": (1, 512)},
    {**dense(150, 70, 300, "tn", along="columns"), "a": (1, 512)},
    # The panels of all items, before; those of each, inside.
    dense(2, 300, 250, "tt", batch=[(2, 500, 75000, 600)], form="packed"),
    dense(5, 75, 40, "nt", batch=[(3, 200, 3000, 375)], form="packed"),
    dense(40, 75, 340, "nt", form="inside"),
    dense(300, 40, 20, "nn", form="inside"),
    dense(2, 50, 33, "nn", form="inside", along="columns"),
    dense(130, 70, 30, "tt", form="inside", accumulate=True),
    # Several groups of rows, pieces of the inner dimension and panels.
    *(dense(200, 96, 290, layout) for layout in ("nn", "nt", "tn", "tt")),
    dense(160, 64, 256, "nt"),
    dense(128, 65, 150, "tn", batch=[(2, 19200, 9750, 8320)]),
]  # fmt: skip


def drawn(rng):
    """Arguments as they may come."""
    m, n, k = (rng.choice([1, 2, 3, 8, 15, 16, 17, 31, 33, 64, rng.randint(1, 120)]) for _ in "mnk")

    def strides(rows, columns):
        gap = rng.choice([0, 0, 0, 1, 5])
        return rng.choice([(columns + gap, 1), (1, rows + gap), (2 * columns + gap, 2)])

    a, b, c = strides(m, k), strides(k, n), rng.choice([(n, 1), (n, 1), (n + 3, 1)])
    along, accumulate = rng.choice(["rows", "rows", "columns"]), rng.random() < 0.3
    return {
        "m": m,
        "n": n,
        "k": k,
        "a": a,
        "b": b,
        "c": c,
        "along": along,
        "accumulate": accumulate,
    }


def cases(target, dtype):
    rng = random.Random(f"{target} {dtype}")
    asked = TABLE if dtype == "float32" else TABLE[::3]
    chosen = {}
    for arguments in [*asked, *(drawn(rng) for _ in range(12))]:
        # Plain C has one kernel for all.
        form = arguments.get("form") if target.width > 1 else None
        if target.matrices and form is None:
            form = rng.choice(["thirds", "thirds_inside"])
            try:
                product(**{**arguments, "form": form}, target=target, dtype=dtype)
            except ValueError:
                form = None
        plan = product(**{**arguments, "form": form}, target=target, dtype=dtype)
        chosen[plan.kernel.name] = (arguments, plan)
    return list(chosen.values())


def text_of(plans, target, T):
    kernels = [p.kernel for p in plans] + [p.pack.kernel for p in plans if p.pack]
    parts = [together([f for kernel in kernels for f in kernel.fragments], target)]
    parts += [kernel.source for kernel in kernels]
    for i, plan in enumerate(plans):
        operands = f"const {T} *a, const {T} *b, {T} *c, long begin, long end"
        parts.append(f"void run_{i}({operands}) {{ {plan.kernel.name}(a, b, c, begin, end); }}")
        if plan.pack:
            operands = f"const {T} *b, {T} *packed, long begin, long end"
            parts.append(
                f"void pack_{i}({operands}) {{ {plan.pack.kernel.name}(b, packed, begin, end); }}"
            )
    return "\n".join(parts)


@pytest.fixture(scope="module")
def libraries(tmp_path_factory):
    """By target and dtype: the cases, and all their kernels in one library."""
    made = {}

    def get(name, dtype):
        if (name, dtype) not in made:
            chosen = cases(TARGETS[name], dtype)
            T = {"float32": "float", "float64": "double"}[dtype]
            text = text_of([plan for _, plan in chosen], TARGETS[name], T)
            flags = "-O1 -std=c99 -Wpedantic" if name == "plain" else "-O1"
            library = compiled(text, tmp_path_factory.mktemp("products"), f"{name}_{dtype}", flags)
            made[name, dtype] = chosen, library
        return made[name, dtype]

    return get


def view(array, rows, columns, strides, offset=0):
    """A matrix in a flat array, by strides in elements."""
    size = array.itemsize
    return np.lib.stride_tricks.as_strided(
        array[offset:], (rows, columns), (strides[0] * size, strides[1] * size)
    )


def items_of(arguments):
    """The offsets of a, b and c, for each item of the batch."""
    offsets = [(0, 0, 0)]
    for count, *steps in arguments.get("batch", []):
        offsets = [
            tuple(o + i * s for o, s in zip(offset, steps, strict=True))
            for offset in offsets
            for i in range(count)
        ]
    return offsets


def run(library, number, plan, a, b, c, parts):
    """Pack, and compute the ranges between these cuts, the last one first."""
    operands = {"a": a, "b": b}
    if plan.pack:
        packed = Guarded(plan.pack.size, a.dtype, at_the_end=True)
        packed.array[:] = np.nan
        source = operands[plan.pack.operand]
        half = plan.pack.count // 2
        for begin, end in ((half, plan.pack.count), (0, half)):
            pack = getattr(library, f"pack_{number}")
            pack(pointer(source), pointer(packed.array), ctypes.c_long(begin), ctypes.c_long(end))
        operands[plan.pack.operand] = packed.array
    compute = getattr(library, f"run_{number}")
    for begin, end in reversed(list(pairwise(parts))):
        ranges = ctypes.c_long(begin), ctypes.c_long(end)
        compute(pointer(operands["a"]), pointer(operands["b"]), pointer(c), *ranges)


def check(library, number, arguments, plan, dtype, *, at_the_end, spoil=None):
    m, n, k = (arguments[name] for name in "mnk")
    offsets = items_of(arguments)
    shapes = {"a": (m, k), "b": (k, n), "c": (m, n)}
    rng = np.random.default_rng(number)
    held = {}
    for position, (name, (rows, columns)) in enumerate(shapes.items()):
        row, column = arguments[name]
        size = (rows - 1) * row + (columns - 1) * column + 1 + max(o[position] for o in offsets)
        held[name] = Guarded(size, dtype, at_the_end=at_the_end)
        held[name].array[:] = rng.standard_normal(size)
    a, b, c = (held[name].array for name in "abc")
    if spoil is not None:
        a[rng.integers(a.size)], b[rng.integers(b.size)] = spoil
    before, want, scale = c.copy(), c.astype(np.float64), np.zeros(c.size)
    with np.errstate(invalid="ignore"):
        for at_a, at_b, at_c in offsets:
            x = view(a, m, k, arguments["a"], at_a).astype(np.float64)
            y = view(b, k, n, arguments["b"], at_b).astype(np.float64)
            out = view(want, m, n, arguments["c"], at_c)
            # einsum, as BLAS may lose a NaN behind a zero
            out[:] = (out if arguments.get("accumulate") else 0) + np.einsum("ik,kj->ij", x, y)
            view(scale, m, n, arguments["c"], at_c)[:] = np.abs(x) @ np.abs(y) + 1
        assert plan.block % plan.rows == 0
        cut = plan.count // 3 // plan.rows * plan.rows
        run(library, number, plan, a, b, c, sorted({0, cut, plan.count}))
        written = scale != 0
        assert np.array_equal(c[~written], before[~written]), plan.kernel.name
        if spoil is None:
            bound = 4 * np.finfo(dtype).eps * scale * max(1, k) ** 0.5
            assert (np.abs(c - want) <= bound)[written].all(), plan.kernel.name
        else:
            same = np.where(
                np.isnan(want), np.isnan(c), (c == want) | np.isfinite(c) & np.isfinite(want)
            )
            assert same.all(), plan.kernel.name


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", TARGETS)
def test_products_are_numpys_and_touch_nothing_else(libraries, name, dtype):
    chosen, library = libraries(name, dtype)
    for number, (arguments, plan) in enumerate(chosen):
        for at_the_end in (True, False):
            check(library, number, arguments, plan, dtype, at_the_end=at_the_end)


@pytest.mark.parametrize("name", TARGETS)
def test_nan_and_infinity_go_where_numpy_takes_them(libraries, name):
    chosen, library = libraries(name, "float32")
    for spoil in ((np.nan, 1.0), (np.inf, 0.0), (-np.inf, np.inf), (1.0, np.nan)):
        for number, (arguments, plan) in enumerate(chosen):
            check(library, number, arguments, plan, "float32", at_the_end=True, spoil=spoil)


def test_each_way_is_taken_somewhere():
    forms = {plan.form for _, plan in cases(TARGETS["avx512"], "float32")}
    assert forms == {"tiles", "packed", "inside", "dots"}
    plans = [plan for _, plan in cases(TARGETS["avx512"], "float32")]
    assert any(plan.pack is not None for plan in plans)
    assert any("float rows[" in plan.kernel.source for plan in plans)  # a copied in groups
    for plan in plans:
        assert (plan.kernel.scratch > 0) == (
            "float panel[" in plan.kernel.source or "float rows[" in plan.kernel.source
        )


@pytest.mark.skipif("amx" not in TARGETS, reason="there are no registers for matrices")
def test_parts_are_as_exact_as_floats():
    plans = [plan for _, plan in cases(TARGETS["amx"], "float32")]
    assert {"thirds", "thirds_inside"} <= {plan.form for plan in plans}
    assert all(plan.kernel.scratch < 2 << 20 for plan in plans)


def test_a_batch_with_one_b_is_one_product():
    plan = product(**dense(5, 30, 12, "nn", batch=[(4, 60, 0, 150)]), target=TARGETS["avx2"])
    assert plan.count == 20
    assert "item" not in plan.kernel.source


def test_the_range_of_a_batch_goes_over_the_rows_of_all_items():
    plan = product(**dense(16, 16, 8, "nt", batch=[(12, 128, 128, 256)]), target=TARGETS["avx512"])
    assert plan.count == 12 * 16
    assert 16 % plan.rows == 0
    plan = product(**dense(13, 16, 8, "nn", batch=[(12, 104, 128, 208)]), target=TARGETS["sse"])
    assert plan.rows == 13


def test_a_weight_that_is_packed_once_for_many_products():
    arguments = dense(4, 512, 256, "nt")
    once = product(**arguments, target=TARGETS["avx512"])
    often = product(**arguments, target=TARGETS["avx512"], uses=64)
    assert once.pack is None
    assert often.form == "packed"
    assert product(**arguments, target=TARGETS["avx512"], uses=64, packing=False).pack is None


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="fill c with zeros"):
        product(**dense(3, 4, 0, "nn"), target=PLAIN)
    with pytest.raises(ValueError, match="one of c's strides must be 1"):
        product(**{**dense(3, 4, 5, "nn"), "c": (8, 2)}, target=TARGETS["avx2"])
    with pytest.raises(ValueError, match="cannot go by dots"):
        product(**dense(3, 4, 5, "tn", form="dots"), target=TARGETS["avx2"])


def test_the_target_is_read_off_the_compilers_macros():
    assert of_macros("#define __AVX512F__ 1\n#define __AVX2__ 1\n").width == 16
    assert of_macros("#define __aarch64__ 1\n").registers == 32
    assert of_macros("") == PLAIN
    assert of_compiler(["no-such-compiler"]) == PLAIN
    macros = subprocess.run(
        [*COMPILER, "-march=native", "-dM", "-E", "-x", "c", "/dev/null"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert of_compiler([*COMPILER, "-march=native"]) == of_macros(macros)
