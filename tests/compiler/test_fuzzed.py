"""Random programs and networks, eagerly and compiled.

`python -m tests.fuzz.compiled` and `python -m tests.fuzz.networks` run thousands.
"""

from pathlib import Path

import pytest

from tests.fuzz import networks
from tests.fuzz.compiled import run

# Programs that differed once, and some that never did.
SEEDS = (32, 39, 40, 52, 71, 348, 377, 509)


@pytest.mark.usefixtures("quick")
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


# Images whose rows were taken for columns, a batch that a depthwise convolution reads, and numbers that a
# compiler lost: with the flags that users get.
@pytest.mark.parametrize("seed", [1084, 1159, 1001, 1392])
def test_networks_train_alike_when_compiled(
    seed: int, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUSHLIGHT_CACHE", str(programs))
    found, how, text = networks.run(seed)
    assert (found, how) == ("", "compiled"), text
