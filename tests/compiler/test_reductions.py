"""The folds of rows in C against their forwards, with several accumulators, on ordinary and odd values."""

import ctypes
import subprocess

import numpy as np
import pytest

from rushlight.compiler.emit.expressions import C_TYPES
from rushlight.compiler.emit.fragments import HEADERS, fragments
from rushlight.compiler.emit.reductions import REDUCTIONS, reduction
from rushlight.core.table import TABLE
from tests.compiler.test_expressions import COMPILER, FLAGS, TYPES, values

pytestmark = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")
FOLDED = {"dim": None, "keepdim": False}
STATICS = {
    "var": [{**FOLDED, "correction": c} for c in (0, 1, 2.5)],
    "vector_norm": [{**FOLDED, "ord": o} for o in (0.0, 0.5, 1.0, 2.0, 3.0, np.inf, -np.inf)],
    "inner": [{"dims": (0,)}],
    "signed_sum": [{"dims": (0,)}],
    "dot": [{}],
}
TWO = {"inner", "dot"}
STATICS["std"] = STATICS["var"]


def lines(dtype: np.dtype) -> list[np.ndarray]:
    """Values to fold: ordinary, with signs and ties, one alone, and what is odd."""
    odd = values(dtype)
    if dtype.kind not in "fc":
        return [odd, odd[:1], odd[len(odd) // 2 :], np.zeros(3, dtype)]
    ordinary = np.random.default_rng(1).normal(0.3, 1, 1000).astype(dtype)
    odd = odd[np.abs(odd) < 1e10]
    infinite = [np.append(ordinary[:9], x).astype(dtype) for x in (np.inf, -np.inf, np.nan)]
    return [
        ordinary,
        odd,
        ordinary[:1],
        np.zeros(3, dtype),
        *(infinite if dtype.kind == "f" else []),
    ]


COMBINED = {
    "max": "{b} > {a} || {b} != {b} ? {b} : {a}", "min": "{b} < {a} || {b} != {b} ? {b} : {a}",
    **{sign: f"{{a}} {sign} {{b}}" for sign in "+*|&"},
}  # fmt: skip


def case(number, row, x, y, static) -> tuple[str, set[str], np.dtype] | None:
    made = reduction(row, [x.dtype] * (1 + (row.name in TWO)), static, x.size)
    if made is None:
        return None
    kind, out = C_TYPES[x.dtype.name], C_TYPES[made.dtype.name]
    body = [f"void case_{number}(const {kind} *x, const {kind} *y, {out} *out) {{", "    (void)y;"]
    for fold in made.passes:
        own, name, combined = C_TYPES[fold.dtype.name], f"{fold.name}_", COMBINED[fold.kind]
        known = {f.name: f"{f.name}_" for f in made.passes}
        body += [
            f"    {own} {name}s[4] = {{{', '.join([fold.initial] * 4)}}};",
            f"    for (long i = 0; i < {x.size}; i++) {{",
            f"        const {own} term = {fold.term.format(x='x[i]', y='y[i]', position='i', **known)};",
            f"        {name}s[i % 4] = {combined.format(a=f'{name}s[i % 4]', b='term')};", "    }",
            *(f"    {name}s[{i - 1}] = {combined.format(a=f'{name}s[{i - 1}]', b=f'{name}s[{i}]')};"
              for i in (3, 2, 1)),
            f"    const {own} {name} = {fold.finish.format(a=f'{name}s[0]', **known)};",
        ]  # fmt: skip
    return (
        "\n".join([*body, f"    *out = {made.passes[-1].name}_;", "}"]),
        set(made.fragments),
        made.dtype,
    )


def test_folds_are_what_forwards_are(tmp_path):
    cases, texts, names = [], [], set()
    for name in REDUCTIONS:
        for dtype in TYPES[:-2]:
            for x in lines(dtype):
                for static in STATICS.get(name, [FOLDED]):
                    y = np.roll(x, 1)
                    found = case(len(cases), TABLE[name], x, y, static)
                    if found is not None:
                        texts.append(found[0])
                        names |= found[1]
                        cases.append((name, x, y, static, found[2]))
    assert {name for name, *_ in cases} == set(REDUCTIONS)
    (tmp_path / "folds.c").write_text("\n\n".join([HEADERS, fragments(names), *texts]))
    made = subprocess.run(
        [COMPILER, *FLAGS, "-o", tmp_path / "folds.so", tmp_path / "folds.c", "-lm"],
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr[:3000]
    library = ctypes.CDLL(str(tmp_path / "folds.so"))
    wrong = []
    for number, (name, x, y, static, dtype) in enumerate(cases):
        found = np.empty((), dtype)
        arrays = (ctypes.c_void_p(a.ctypes.data) for a in (x, y, found))
        getattr(library, f"case_{number}")(*arrays)
        with np.errstate(all="ignore"):
            given = (x, y) if name in TWO else (x,)
            expected = np.asarray(TABLE[name].forward(*given, **static)).reshape(())
            # Sums in another order.
            scale = 4e-7 if dtype in (np.float32, np.complex64) else 2e-15
            room = (
                scale * max(np.abs(expected), np.sqrt(np.square(np.abs(x)).sum()))
                if dtype.kind in "fc"
                else 0
            )
            if name == "prod" and dtype.kind in "fc":
                room = 1e2 * scale * np.abs(expected)
            near = found == expected or np.abs(found - expected) <= room
        assert expected.dtype == dtype, name
        if not (near or (np.isnan(found) and np.isnan(expected))):
            wrong.append(
                f"{name} {x.dtype} of {x.size} {static}: {found}, forward gives {expected}"
            )
    assert not wrong, f"{len(wrong)} of {len(cases)}\n" + "\n".join(wrong[:40])
