"""What is held against the recording before C is used: results, and how memory changed."""

from typing import Any

import numpy as np
import pytest

from rushlight.compiler.proved import proved
from rushlight.compiler.recording.errors import CannotRecord
from rushlight.compiler.recording.record import Compared

BIG = np.linspace(-1, 1, 100_000, dtype=np.float32)
STEP = BIG + np.float32(0.001) * np.sin(np.arange(BIG.size, dtype=np.float32))


class Machine:
    """One that does nothing: what it would have made is given."""

    def run(self, *args: Any, again: bool) -> None:
        """Nothing."""


def verdict(*pairs: Compared) -> None:
    proved(Machine(), lambda run: iter(pairs))  # type: ignore[arg-type]


def state(made: Any, known: Any, before: Any) -> Compared:
    return Compared(np.asarray(made), np.asarray(known), np.asarray(before), returned=False)


def result(made: Any, known: Any) -> Compared:
    return Compared(np.asarray(made), np.asarray(known), None, returned=True)


RIGHT = state(STEP * np.float32(1 + 1e-7), STEP, BIG)


def test_rounding_passes() -> None:
    verdict(RIGHT, result(np.float32([1.0000001, 2]), np.float32([1, 2])))


def test_gradients_that_are_rounding_alone_pass() -> None:
    noise = np.full(100, 0.001, np.float32)
    verdict(RIGHT, state(noise, -noise, np.zeros(100, np.float32)))


WRONG = {
    "a result beside much that is right": (RIGHT, result(np.float32([1, 3]), np.float32([1, 2]))),
    "a step the other way": (state(2 * BIG - STEP, STEP, BIG),),
    "a step not taken": (state(BIG, STEP, BIG),),
    "a small thing beside much that is only read": (
        state(BIG, BIG, BIG), state(np.zeros(3, np.float32), np.ones(3, np.float32), np.zeros(3, np.float32)),
    ),
    "a whole number": (RIGHT, result(np.int64([3]), np.int64([4]))),
    "no number": (RIGHT, result(np.float32([np.nan]), np.float32([1]))),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_is_refused(name: str) -> None:
    with pytest.raises(CannotRecord, match="the C gives other"):
        verdict(*WRONG[name])
