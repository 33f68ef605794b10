"""Every row of the table through the emitter, on its samples and in every type that it takes.

Many rows make one program, so that the compiler of C is called a few times only. What the C gives is
compared with the row's own forward, on the values of the samples and on others. Rows for which there is
no C stay with NumPy, as an entry between pieces of C: they are listed in `outside.txt`, with the reason,
and a row that leaves that list does so for good. `python -m tests.compiler.test_emitted_rows` prints
what the list should say.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight.compiler import record
from rushlight.compiler.graph import Outside
from rushlight.compiler.lowering import lower
from rushlight.compiler.machine import Machine
from rushlight.compiler.recording.entries import Operation, Turn
from rushlight.core.doors import apply
from rushlight.core.table import TABLE
from rushlight.core.tensor import wrap
from rushlight.core.turned import held

# Samples of other types overflow, and are compared all the same.
pytestmark = [pytest.mark.usefixtures("quick"), pytest.mark.filterwarnings("ignore")]

LISTED = Path(__file__).with_name("outside.txt")
# Memory that is not filled holds anything.
LEFT_OUT = {"blank"}
OTHERS = ("float32", "float64", "int64", "int32", "uint8", "bool", "float16", "bfloat16")
# How many digits of a type must agree: sums are added in another order.
CLOSE = {
    "bfloat16": 1e-2,
    "float16": 2e-3,
    "float32": 2e-5,
    "float64": 1e-12,
    "complex64": 2e-5,
    "complex128": 1e-12,
}
# Samples of a row that are taken in other types than they come in.
FEW = 1


@dataclass
class Case:
    """One sample of a row, in one type."""

    row: str
    number: int
    dtype: str
    arrays: list[Any]
    static: dict[str, Any]

    def run(self, tensors: list[Any]) -> Any:
        given = iter(tensors)
        inputs = [next(given) if isinstance(x, np.ndarray) else x for x in self.arrays]
        return apply(TABLE[self.row], *inputs, **self.static)

    def tensors(self, mixed: bool = False) -> list[Any]:
        arrays = [x for x in self.arrays if isinstance(x, np.ndarray)]
        return [wrap((mix(x) if mixed else x.copy("K"))[...]) for x in arrays]

    def given(self, mixed: bool) -> list[Any]:
        """The tensors of a call, mixed if the row takes them so."""
        try:
            with np.errstate(all="ignore"):
                self.run(self.tensors(mixed))
        except Exception:
            return self.tensors()
        return self.tensors(mixed)

    def __str__(self) -> str:
        return f"{self.row}[{self.number}] {self.dtype}"


def mix(x: np.ndarray) -> np.ndarray:
    """Other values of the same kind, laid out alike."""
    mixed = np.empty_like(x)
    mixed[...] = x.reshape(-1)[::-1].reshape(x.shape)
    return mixed


def cases(name: str) -> Iterator[Case]:
    """The samples of a row, and the first few in other types, as far as the row takes them."""
    for number, sample in enumerate(TABLE[name].samples()):
        arrays = [np.asarray(x) if isinstance(x, np.generic) else x for x in sample.arrays]
        kinds = {x.dtype.kind for x in arrays if isinstance(x, np.ndarray)}
        own = next((x.dtype for x in arrays if isinstance(x, np.ndarray)), np.dtype("f8"))
        others = ["float32"] if "f" in kinds else []
        # A whole number without dimensions is no sample of an array.
        if (
            own.kind != "c"
            and number < FEW
            and all(x.ndim for x in arrays if isinstance(x, np.ndarray))
        ):
            others += [d for d in OTHERS if d not in others]
        for dtype in dict.fromkeys([own.name, *others]):
            cast = [_cast(x, own, getattr(torch, dtype).numpy) for x in arrays]
            order = "F" if number % 2 else "C"
            cast = [np.array(x, order=order) if isinstance(x, np.ndarray) else x for x in cast]
            case = Case(name, number, dtype, cast, sample.static)
            if _is_taken(case):
                yield case


def _cast(x: Any, own: np.dtype[Any], dtype: np.dtype[Any]) -> Any:
    """What is of the sample's first type in another; indices stay what they are."""
    if not isinstance(x, np.ndarray) or x.dtype != own or x.dtype == dtype:
        return x
    if dtype.kind in "iu" and x.dtype.kind == "f":
        x = np.abs(x * 3) if dtype.kind == "u" else x * 3
    return x.astype(dtype)


def _is_taken(case: Case) -> bool:
    try:
        with np.errstate(all="ignore"):
            result = case.run(case.tensors())
            differs(result, result)
    except Exception:
        return False
    return True


class Batch:
    """Many cases as one program."""

    def __init__(self, found: list[Case]) -> None:
        self.cases = found
        tensors = [case.tensors() for case in found]

        counts = list(map(len, tensors))

        def run(*given: Any) -> Any:
            rest = iter(given)
            return [
                case.run([next(rest) for _ in range(count)])
                for case, count in zip(found, counts, strict=True)
            ]

        self.function = run
        _, self.program = record(run, *[t for part in tensors for t in part])

    def outside(self) -> Iterator[tuple[Case, str]]:
        """Which of them stay with NumPy, and why."""
        made = [e for e in self.program.entries if isinstance(e, Operation)]
        of = {id(entry): case for entry, case in zip(made, self.cases, strict=True)}
        for statement in lower(self.program).statements:
            if isinstance(statement, Outside) and not isinstance(statement.entry, Turn):
                yield of[id(statement.entry)], statement.reason

    def compare(self) -> Iterator[str]:
        """What differs between the C and NumPy."""
        machine = Machine(self.program)
        for mixed in (False, True):
            given = [t for case in self.cases for t in case.given(mixed)]
            with np.errstate(all="ignore"):
                expected = self.program(*given) if mixed else self.function(*given)
            tensors = self.program.loaded(self.program.world.check(tuple(given), {}))
            slots: list[Any] = [None] * self.program.size
            for one, tensor in zip(self.program.sources, tensors, strict=True):
                slots[one.value.index] = held(tensor)
            machine.run(tensors, slots)
            found = self.program.leave(given, slots, tensors)
            for case, want, got in zip(self.cases, expected, found, strict=True):
                told = differs(want, got)
                if told:
                    yield f"{case}{' mixed' if mixed else ''}: {told}"


def differs(want: Any, got: Any) -> str:
    if isinstance(want, tuple | list):
        return "".join(filter(None, (differs(a, b) for a, b in zip(want, got, strict=True))))
    a, b = (t.detach().resolve_conj().resolve_neg()._data_ for t in (want, got))
    if (a.dtype, a.shape) != (b.dtype, b.shape) or (a.size and a.strides != b.strides):
        return f"{b.dtype}{b.shape}{b.strides} in place of {a.dtype}{a.shape}{a.strides}"
    if a.dtype.name not in CLOSE:
        return "" if np.array_equal(a, b) else f"{b} in place of {a}"
    wide = np.complex128 if a.dtype.kind == "c" else np.float64
    x, y = a.astype(wide), b.astype(wide)
    finite = np.isfinite(x)
    same = np.array_equal(x[~finite], y[~finite], equal_nan=True)
    size = float(np.abs(x[finite]).max()) if finite.any() else 0.0
    off = np.abs(x[finite] - y[finite])
    if same and (off <= CLOSE[a.dtype.name] * max(size, 1e-30)).all():
        return ""
    return f"{y} in place of {x}"


ROWS = sorted(TABLE.keys() - LEFT_OUT)


PARTS = 8


def batch(part: int) -> Batch:
    """Some of the rows as a program."""
    return Batch([case for name in ROWS[part::PARTS] for case in cases(name)])


def reasons(made: Batch) -> dict[str, str]:
    """Why rows stay with NumPy, by their names."""
    found: dict[str, str] = {}
    for case, reason in made.outside():
        found.setdefault(case.row, f"{case.dtype}: {reason}")
    return found


@pytest.mark.parametrize("part", range(PARTS))
def test_rows(part: int) -> None:
    made = batch(part)
    assert list(made.compare()) == []
    listed = {line.split(": ")[0] for line in LISTED.read_text().splitlines()}
    assert reasons(made).keys() == listed.intersection(ROWS[part::PARTS])


if __name__ == "__main__":
    told = {}
    for part in range(PARTS):
        try:
            made = batch(part)
            told.update(reasons(made))
            for line in made.compare() if "compare" in sys.argv else ():
                print("DIFFERS", line[:300], flush=True)
        except Exception as error:
            print("FAILED", part, type(error).__name__, str(error)[:500], flush=True)
    for name in sorted(told):
        print(f"{name}: {told[name]}")
