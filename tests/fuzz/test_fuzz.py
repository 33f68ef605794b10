"""The fuzzer can fail, and finds nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import rushlight
from tests.fuzz.known import known
from tests.fuzz.layouts import LAYOUTS, Tried, name, operations
from tests.fuzz.lockstep import ASPECTS, Difference, run
from tests.fuzz.programs import TABLE, write
from tests.fuzz.shrinking import as_test, shrink
from tests.fuzz.workers import signature

Method = Callable[..., Any]

# Programs that differed once, without the line that says so.
MENDED = Path(__file__).with_name("mended.txt").read_text().strip().split("\n\n")[1:]
# Kinds that are still to be mended, one a line.
OPEN_LAYOUTS = frozenset(Path(__file__).with_name("open_layouts.txt").read_text().splitlines())
OPEN = frozenset(Path(__file__).with_name("open_kinds.txt").read_text().splitlines())


def wrong_gradient(sum: Method) -> Method:
    def changed(x: Any, *args: Any, **kwargs: Any) -> Any:
        out = sum(x, *args, **kwargs)
        return out if args or kwargs or not out.requires_grad else out * 2 - out.detach()

    return changed


def copying(method: Method) -> Method:
    return lambda *args, **kwargs: method(*args, **kwargs).clone()


def wrong_dtype(method: Method) -> Method:
    return lambda *args, **kwargs: method(*args, **kwargs).to(rushlight.float64)


def uncounted(method: Method) -> Method:
    def changed(x: Any, *args: Any, **kwargs: Any) -> Any:
        count = x._version
        out = method(x, *args, **kwargs)
        x._changes_[0] = count
        return out

    return changed


def early(method: Method) -> Method:
    """Writes before it checks."""

    def changed(x: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(x, *args, **kwargs)
        except Exception:
            x._data_[...] = 9
            raise

    return changed


def detached(method: Method) -> Method:
    return lambda *args, **kwargs: method(*args, **kwargs).detach()


def transposed(method: Method) -> Method:
    def changed(x: Any, *args: Any, **kwargs: Any) -> Any:
        out = method(x, *args, **kwargs)
        return out.t().contiguous().t() if out.dim() == 2 else out

    return changed


MUTANTS = {
    "gradient": ("sum", wrong_gradient, "values"),
    "no view": ("__getitem__", copying, "sharing"),
    "dtype": ("__truediv__", wrong_dtype, "dtype"),
    "version": ("add_", uncounted, "version"),
    "early write": ("mul_", early, "changed by a failed call"),
    "no graph": ("__mul__", detached, "requires_grad"),
    "strides": ("clone", transposed, "strides"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_mutants_are_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    method, mutate, aspect = MUTANTS[name]
    for seed in range(300):
        with monkeypatch.context() as patch:
            patch.setattr(rushlight.Tensor, method, mutate(getattr(rushlight.Tensor, method)))
            result = write(seed)
        if kind(result.difference) == aspect and run(map(str, result.program)) is None:
            return
    pytest.fail(f"300 programs did not find the mutant {name}")


def kind(difference: Difference | None) -> str:
    return difference.aspect if difference else ""


@pytest.mark.parametrize("first", range(0, 500, 100))
def test_programs_agree(first: int) -> None:
    found: dict[str, int] = {}
    for seed in range(first, first + 100):
        result = write(seed)
        if result.difference is not None and known(result.difference) is None:
            kind = signature(result.program[-1].operation.name, result.difference)
            found.setdefault(kind, seed)
    new = {kind: seed for kind, seed in found.items() if kind not in OPEN}
    assert not new, f"{new}; see them with python -m tests.fuzz --show --seed N"


@pytest.mark.parametrize("part", range(4))
def test_gradients_lie_as_torchs(part: int) -> None:
    new: dict[str, str] = {}
    for number, operation in [*enumerate(operations())][part::4]:
        layout = random.Random(number).choice(LAYOUTS)
        tried = Tried(operation, layout, number)
        if tried.found is not None and name(operation, tried.found) not in OPEN_LAYOUTS:
            new[name(operation, tried.found)] = "\n".join([*tried.lines, f"# {tried.found}"])
    assert not new, "\n\n".join(new.values())


@pytest.mark.parametrize("program", MENDED)
def test_what_was_mended_agrees(program: str) -> None:
    found = run(program.replace("T(", "torch.tensor(").splitlines())
    assert found is None, f"{found.line}: {found}"


def test_a_program_is_its_seed() -> None:
    assert [*map(str, write(11).program)] == [*map(str, write(11).program)]


def test_failures_shrink_to_a_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rushlight.Tensor, "exp_", uncounted(rushlight.Tensor.exp_))
    monkeypatch.setattr(rushlight.Tensor, "add_", uncounted(rushlight.Tensor.add_))
    results = (write(seed) for seed in range(300))
    result = next(r for r in results if kind(r.difference) == "version")
    assert result.difference is not None
    program = shrink(result.program, result.difference)
    assert len(program) <= 3
    found = run(map(str, program))
    assert found is not None
    assert found.aspect == "version"
    text = as_test(program, found)
    assert "parity('''" in text
    assert "_version" in text
    compile(text, "test", "exec")


def test_the_table_is_read_as_meant() -> None:
    names = [operation.name for group in TABLE.values() for operation in group]
    assert "{x} % {other}" in names
    assert "{float}.exp_()" in names
    assert not any("::" in name for name in names)
    assert len(names) > 500


def test_aspects_have_an_order() -> None:
    assert len(set(ASPECTS)) == len(ASPECTS)
