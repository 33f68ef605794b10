"""The table drives its own tests; and broken rows show that the tests can fail."""

import dataclasses
import importlib
import pkgutil

import numpy as np
import pytest

import rushlight.primitives
from rushlight.core.row import Primitive, Sample
from rushlight.core.table import TABLE
from rushlight.primitives import pointwise, transcendental
from tests.primitives.checks import problems

for _module in pkgutil.iter_modules(rushlight.primitives.__path__):
    importlib.import_module(f"rushlight.primitives.{_module.name}")


@pytest.mark.parametrize("name", TABLE)
def test_row(name):
    assert not problems(TABLE[name])


def test_every_row_is_under_its_own_name():
    assert all(row.name == name for name, row in TABLE.items())
    assert len(TABLE) > 150


def test_families_are_few():
    assert len({row.family for row in TABLE.values()}) < len(TABLE) / 5


def test_a_name_is_given_once():
    with pytest.raises(ValueError, match="two rows"):
        dataclasses.replace(TABLE["add"])


# ---- rows broken on purpose ---------------------------------------------------------------------


def mutant(row: Primitive, **changes) -> list[str]:
    """What the checks say of the row with these columns changed."""
    broken = dataclasses.replace(row, name=f"broken_{row.name}", plans={}, **changes)
    try:
        return problems(broken)
    finally:
        del TABLE[broken.name]


def test_the_unchanged_row_passes():
    assert mutant(transcendental.sin) == []


def scale_in_place(x, y):
    x *= 2
    return x * y / 2


def same_memory(x):
    return x


def coarse(x):
    return np.sin(x.astype(np.float16) if x.dtype == np.float32 else x).astype(x.dtype)


def all_from_the_start(g, xs_shapes, dim):
    return [g.narrow(dim, 0, shape[dim]) for shape in xs_shapes]


SIN, MUL, SUM = TABLE["sin"], TABLE["mul"], TABLE["sum"]

MUTANTS = {
    "has_first_derivative": [
        (SIN, {"vjp": (lambda g, x: -g * transcendental.cos(x),)}),
        (MUL, {"vjp": (lambda g, x: g * x, lambda g, x: g * x)}),
        (TABLE["clamp"], {"vjp": (lambda g: g, *TABLE["clamp"].vjp[1:])}),
        (TABLE["cumsum"], {"vjp": (lambda g, dim: pointwise.mul(g, 1.0),)}),
        (TABLE["cat"], {"vjp": all_from_the_start}),
    ],
    "has_second_derivative": [
        (SIN, {"vjp": (lambda g, x: g * transcendental.cos(x).detach(),)}),
        (MUL, {"vjp": (lambda g, y: g.detach() * y, lambda g, x: g * x)}),
    ],
    "agrees_with_rule": [
        (SIN, {"rule": lambda x: (x.shape, np.dtype(np.float32))}),
        (SUM, {"rule": lambda x, *, dim, keepdim: (x.shape, x.dtype)}),
        (SIN, {"forward": lambda x: np.full_like(x, np.inf)}),
    ],
    "agrees_in_single": [
        (SIN, {"forward": coarse, "vjp": None}),
        (SIN, {"forward": lambda x: np.sin(x).astype(np.float64), "vjp": None}),
    ],
    "leaves_inputs_alone": [
        (MUL, {"forward": scale_in_place, "vjp": None}),
        (SIN, {"forward": same_memory, "vjp": None}),
    ],
    "owns_only_rows": [
        (SIN, {"forward": lambda x: np.asfortranarray(np.sin(x)), "vjp": None, "layout": None}),
    ],
    "is_closed": [
        (SIN, {"vjp": (lambda g, x: g * constant_cos(x),)}),
    ],
}


def constant_cos(x):
    return TABLE["a_row_without_a_rule"](x)


@pytest.fixture
def _row_without_a_rule():
    dataclasses.replace(TABLE["cos"], name="a_row_without_a_rule", vjp=None, plans={})
    yield
    del TABLE["a_row_without_a_rule"]


@pytest.mark.usefixtures("_row_without_a_rule")
@pytest.mark.parametrize(
    ("check", "row", "changes"),
    [(check, row, changes) for check, broken in MUTANTS.items() for row, changes in broken],
)
def test_broken_rows_are_caught(check, row, changes):
    assert any(problem.startswith(check) for problem in mutant(row, **changes))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"c": ""}, "c is ''"),
        ({"family": None}, "family is None"),
        ({"rule": None}, "rule is not callable"),
        ({"samples": lambda: []}, "no samples"),
        ({"vjp": (None, None, None)}, "3 rules for 1 inputs"),
        ({"vjp": 3}, "vjp is 3"),
    ],
)
def test_missing_columns_are_caught(changes, complaint):
    from tests.primitives.checks import has_every_column

    broken = dataclasses.replace(SIN, name="broken_sin", plans={}, **changes)
    try:
        assert complaint in list(has_every_column(broken))
    finally:
        del TABLE[broken.name]


def test_samples_reach_the_difficult_places():
    """Products of several zeros, empty and 0-d arrays are among the samples."""
    products = [s.arrays[0] for s in TABLE["prod"].samples()]
    assert any((x == 0).sum() > 1 for x in products)
    for name in ("add", "exp", "sum"):
        shapes = [s.arrays[0].shape for s in TABLE[name].samples()]
        assert () in shapes
        assert any(0 in shape for shape in shapes)


def test_a_sample_is_a_call():
    sample = Sample((np.array([1.0, 2.0]),), {"dim": None, "keepdim": False})
    assert SUM.forward(*sample.arrays, **sample.static) == 3.0
