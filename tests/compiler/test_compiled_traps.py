"""The trap catalogue compiled: each call gives what eager gives, and does what it does to Python once.

The catalogue is loaded twice, as two modules with globals of their own: the functions of one run eagerly,
those of the other compiled, with the same things happening between the calls.
"""

import importlib.util
import os
import random
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight.compiler.compile import Step
from tests.compiler import test_traps
from tests.compiler.test_traps import TRAPS, told

pytestmark = [pytest.mark.usefixtures("quick"), *test_traps.pytestmark]

# What they give is another at every call.
NEVER_THE_SAME = {"clock", "date", "random_of_the_system"}


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, test_traps.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


torch.manual_seed(0)
EAGER = loaded("tests.compiler.eager_traps")
torch.manual_seed(0)
COMPILED = loaded("tests.compiler.compiled_traps")


def walk(module: ModuleType, name: str, compiled: bool) -> list[Any]:
    """What each call gives, and what it has left."""
    trap = module.TRAPS[name]
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)
    os.environ["RUSHLIGHT_TRAP"] = "1"
    function = Step(trap.function) if compiled else trap.function
    first = torch.tensor([0.5, -1.25, 0.75, 1.5])
    trace = []
    for x in (first, first, -first, first * 0.1, first, -first, first * 2):
        trap.meanwhile()
        given = x.clone()
        result = function(given)
        left = (module.SCALE, module.holder.__dict__.copy(), len(module.kept), told(given))
        trace.append((result, left, told(torch.get_rng_state()), random.getstate()[1][-1]))
    return trace


@pytest.mark.parametrize("name", sorted(TRAPS))
def test_trap(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setenv("RUSHLIGHT_TRAP", "1")
    eager, printed = walk(EAGER, name, False), capsys.readouterr().out
    compiled = walk(COMPILED, name, True)
    assert capsys.readouterr().out == printed
    for (a, left_a, *state_a), (b, left_b, *state_b) in zip(eager, compiled, strict=True):
        assert str(left_a) == str(left_b)
        assert state_a == state_b
        if name not in NEVER_THE_SAME:
            close(a, b)


def close(a: Any, b: Any) -> None:
    assert type(a) is type(b)
    if isinstance(a, tuple):
        assert len(a) == len(b)
        for one, other in zip(a, b, strict=True):
            close(one, other)
    elif isinstance(a, torch.Tensor):
        assert (a.dtype, a.shape, a.requires_grad, a._version) == (
            b.dtype,
            b.shape,
            b.requires_grad,
            b._version,
        )
        np.testing.assert_allclose(b.detach().numpy(), a.detach().numpy(), rtol=1e-6)
    else:
        assert a == pytest.approx(b, rel=1e-6)
