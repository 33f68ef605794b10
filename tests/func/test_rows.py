"""Every row of the table under vmap and forward mode, against a loop and against differences."""

from pathlib import Path

import numpy as np
import pytest

import rushlight as torch
from rushlight.core.row import Primitive, Sample
from rushlight.core.table import TABLE
from rushlight.core.tensor import wrap
from rushlight.func import jvp, rules, vmap

PAGE = Path(__file__).parents[2] / "docs" / "func.md"
# Structural rows stand for what another row refuses or has no inputs to batch.
SKIPPED = {"entry", "closed", "dependent", "constant"}
# Their outputs turn with the input by a sign or a phase that is free.
GAUGED = {"linalg_eig", "linalg_eigh", "linalg_svd", "linalg_qr"}
# They read one triangle, which differences do not know; or round, which hides differences.
UNEVEN = {"cholesky_solve", "linalg_cholesky_ex", "convert"}
# What has no derivative says so in forward mode, too.
UNDERIVED = {
    "ctc", "floor_division", "geqrf", "heaviside", "igamma", "igammac", "linalg_ldl_factor_ex",
    "linalg_ldl_solve", "zeta",
}  # fmt: skip
# As many samples of a row as are tried.
FEW = 3


def samples(row: Primitive) -> list[Sample]:
    found = [s for s in row.samples() if s.arrays]
    step = max(1, len(found) // FEW)
    return found[::step][:FEW]


def tensors_of(sample: Sample) -> list[int]:
    return [i for i, a in enumerate(sample.arrays) if isinstance(a, np.ndarray | np.generic)]


def varied(array: np.ndarray, k: int) -> np.ndarray:
    """Another example: floating values moved a little, whole numbers as they are."""
    return array * (1 + 0.01 * k) if array.dtype.kind in "fc" else array


def outputs(result: object) -> list[np.ndarray]:
    parts = result if isinstance(result, tuple) else (result,)
    return [np.asarray(p._data_) for p in parts]


@pytest.mark.parametrize("name", sorted(TABLE.keys() - SKIPPED))
def test_vmap_gives_what_a_loop_gives(name):
    row = TABLE[name]
    for sample in samples(row):
        places = tensors_of(sample)
        for batched in {tuple(places), tuple(places[:1]), tuple(places[-1:])}:

            def call(*given, batched=batched, sample=sample, places=places):
                rest = iter(given)
                inputs = [
                    next(rest) if i in batched else wrap(np.asarray(a)) if i in places else a
                    for i, a in enumerate(sample.arrays)
                ]
                return row(*inputs, **sample.static)

            examples = [
                [wrap(np.asarray(varied(np.asarray(sample.arrays[i]), k))) for i in batched]
                for k in range(3)
            ]
            columns = [torch.stack(column) for column in zip(*examples, strict=True)]
            together = outputs(vmap(call)(*columns))
            loop = [outputs(call(*example)) for example in examples]
            for number, got in enumerate(together):
                expected = np.stack([each[number] for each in loop])
                assert got.dtype == expected.dtype
                np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-11)


def differentiable() -> list[str]:
    return sorted(
        name
        for name, row in TABLE.items()
        if row.vjp is not None and name not in SKIPPED | GAUGED | UNEVEN
    )


def has_rule(row: Primitive, i: int) -> bool:
    return callable(row.vjp) or i >= len(row.vjp) or row.vjp[i] is not None


@pytest.mark.parametrize("name", differentiable())
def test_forward_mode_gives_differences(name):
    row = TABLE[name]
    generator = np.random.default_rng(0)
    for sample in samples(row):
        floating = [
            i
            for i in tensors_of(sample)
            if np.asarray(sample.arrays[i]).dtype.kind == "f" and has_rule(row, i)
        ]
        arrays = [np.asarray(a) if isinstance(a, np.generic) else a for a in sample.arrays]
        directions = {i: generator.standard_normal(arrays[i].shape) for i in floating}
        if not floating:
            continue

        def call(*given, arrays=arrays, floating=floating, sample=sample):
            rest = iter(given)
            inputs = [
                next(rest) if i in floating else wrap(a) if isinstance(a, np.ndarray) else a
                for i, a in enumerate(arrays)
            ]
            return row(*inputs, **sample.static)

        def moved(by, call=call, arrays=arrays, floating=floating, directions=directions):
            return outputs(
                call(*(wrap(np.asarray(arrays[i] + by * directions[i])) for i in floating))
            )

        points = tuple(wrap(arrays[i].copy()) for i in floating)
        along = tuple(wrap(np.asarray(directions[i])) for i in floating)
        if name in UNDERIVED:
            with pytest.raises((NotImplementedError, RuntimeError), match="derivative"):
                jvp(call, points, along)
            continue
        _, tangents = jvp(call, points, along)
        step = 1e-6
        for got, high, low in zip(outputs(tangents), moved(step), moved(-step), strict=True):
            if got.dtype.kind not in "fc":
                continue
            np.testing.assert_allclose(got, (high - low) / (2 * step), rtol=1e-4, atol=1e-6)


def test_the_page_says_which_rows_loop():
    looping = sorted(name for name, row in TABLE.items() if rules.rule_of(row) is rules.looped)
    block = PAGE.read_text().partition("<!-- rows that loop -->")[2].partition("<!-- end -->")[0]
    assert block.replace("`", "").replace(",", " ").split() == looping
