"""Random programs as functions, eagerly and compiled; `python -m tests.fuzz.compiled` runs thousands."""

import pytest

from tests.fuzz.compiled import run

pytestmark = pytest.mark.usefixtures("quick")

# Programs that differed once, and some that never did.
SEEDS = (32, 39, 40, 52, 71, 348, 377, 509)


def test_programs_agree_when_compiled() -> None:
    found = {}
    compiled = 0
    for seed in SEEDS:
        difference, how, text = run(seed)
        compiled += how == "compiled"
        if difference is not None:
            found[seed] = f"{difference}\n{text}"
    assert not found, "\n\n".join(f"seed {seed}: {text}" for seed, text in found.items())
    assert compiled >= len(SEEDS) // 3
