"""A program that fails, made small, and printed as a test."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import torch

import rushlight
from tests.fuzz.lockstep import OFF_BY_DEFAULT, Difference, Invalid, Pair, quiet, run
from tests.fuzz.operations import Operation
from tests.fuzz.prelude import PRELUDE
from tests.fuzz.programs import NAME, Program, Statement

GIVEN = Operation("{tensor}", True, ("tensor",))
FRESH = re.compile(r"torch\.(tensor|randn|zeros|ones)\(")


def shrink(
    program: Program,
    difference: Difference,
    without: Iterable[str] = OFF_BY_DEFAULT,
    candidate: Any = rushlight,
    budget: int = 400,
) -> Program:
    """The same operation fails in the same way, after as little as possible."""
    last = program[difference.number - 1]
    kind = difference.aspect, last.operation
    program = program[: difference.number]
    tries = 0

    def fails(trial: Program) -> bool:
        nonlocal tries
        tries += 1
        try:
            found = run(map(str, trial), without, candidate)
        except (Invalid, SyntaxError):
            return False
        if found is None or found.number != len(trial):
            return False
        return (found.aspect, trial[-1].operation) == kind

    while tries < budget:
        for trial in simpler(program):
            if tries >= budget:
                break
            if fails(trial):
                program = trial
                break
        else:
            break
    return program


def simpler(program: Program) -> Iterator[Program]:
    """Programs one step smaller, the largest steps first."""
    last = len(program) - 1
    for number in range(last):
        rest = dropped(program, number)
        if rest is not None:
            yield rest
    for number in range(last - 1, -1, -1):
        yield from replaced(program, number)
    for number in range(last, -1, -1):
        if program[number].mode:
            yield changed(program, number, mode="")
        yield from argued(program, number)


def dropped(program: Program, number: int) -> Program | None:
    """Without a statement, and without those that need its result; not without the last."""
    gone: set[str] = {program[number].target} - {""}
    rest = program[:number]
    for statement in program[number + 1 :]:
        if statement.uses() & gone:
            if statement.target:
                gone.add(statement.target)
        else:
            rest = [*rest, statement]
    return rest if rest and rest[-1] is program[-1] else None


def replaced(program: Program, number: int) -> Iterator[Program]:
    """With what a statement was made of in the place of its result, or a new tensor."""
    statement = program[number]
    if not statement.target or statement.operation is GIVEN:
        return
    for argument in statement.arguments:
        if NAME.match(argument):
            later = [renamed(s, statement.target, argument) for s in program[number + 1 :]]
            yield [*program[:number], *later]
    if statement.operation.template in ("{tensor}", "{leaftensor}"):
        return
    with quiet():
        pair = Pair()
        for line in program[: number + 1]:
            if pair.want.run(compile(str(line), "<program>", "exec")) is not None:
                break
    value = pair.want.names.get(statement.target)
    if isinstance(value, torch.Tensor):
        text = literal(tuple(value.shape), value.dtype, value.requires_grad)
        given = Statement(GIVEN, (text,), statement.target)
        yield [*program[:number], given, *program[number + 1 :]]


def renamed(statement: Statement, name: str, other: str) -> Statement:
    return replace(
        statement,
        arguments=tuple(re.sub(rf"\b{name}\b", other, a) for a in statement.arguments),
    )


def changed(program: Program, number: int, **what: Any) -> Program:
    return [*program[:number], replace(program[number], **what), *program[number + 1 :]]


def argued(program: Program, number: int) -> Iterator[Program]:
    """With one simpler argument."""
    statement = program[number]
    earlier = [s.target for s in program[:number] if s.target.startswith("t")]
    for index, (hole, argument) in enumerate(
        zip(statement.operation.holes, statement.arguments, strict=True)
    ):
        for other in alternatives(hole, argument, earlier):
            if rank(other) < rank(argument):
                arguments = (
                    *statement.arguments[:index],
                    other,
                    *statement.arguments[index + 1 :],
                )
                yield changed(program, number, arguments=arguments)


def rank(argument: str) -> tuple[int, int, str]:
    """Shorter is simpler; a name is simpler than numbers, and an early one than a late one."""
    plain = argument.replace("torch.float32", "").replace("dtype=", "")
    return len(NAME.sub("", plain)), len(plain), plain


def alternatives(hole: str, argument: str, earlier: list[str]) -> Iterator[str]:
    if FRESH.match(argument) and hole not in ("index", "advanced"):
        value = eval(argument, {"torch": torch})
        shape, dtype, needs = tuple(value.shape), value.dtype, value.requires_grad
        for text in smaller(shape):
            yield literal(text, dtype, needs)
        if dtype is not torch.float32:
            yield literal(shape, torch.float32, needs)
        yield literal(shape, dtype, needs)
        if needs:
            yield literal(shape, dtype, False)
        if hole in ("other", "same"):
            yield "2"
    if NAME.match(argument) or hole in ("other", "same", "maskof"):
        yield from earlier[:4]
        yield from earlier[-2:]
    if hole in ("dtype",):
        yield from ("torch.bool", "torch.int64", "torch.float64")
    if hole == "number":
        yield from ("1", "2", "0.5")
    if hole in ("dim", "position", "start", "length", "count", "newdim"):
        yield from ("0", "1")
    if hole in ("index", "slice", "advanced"):
        yield from ("0", "...", ":1", "1:", "::2", "[0]")
        parts = argument.split(", ")
        for at in range(len(parts)):
            yield ", ".join([*parts[:at], *parts[at + 1 :]])
            yield ", ".join([*parts[:at], ":", *parts[at + 1 :]])
    if hole == "flag":
        yield "True"
    if hole in ("shape", "regrouped", "expanded", "dims", "padding"):
        yield from map(str, smaller(eval(argument)))
        yield "(-1,)"
    if hole == "newmodule":
        yield from ("nn.Linear(2, 1, bias=False)", "nn.Linear(3, 2)")
    if hole == "optimizer":
        yield re.sub(r", lr=.*", ", lr=0.1)", re.sub(r"\.\w+\(", ".SGD(", argument, count=1))
        yield re.sub(r", t\d+\]", "]", argument)


def smaller(shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Shapes with a dimension less, or a smaller one."""
    for at, size in enumerate(shape):
        yield (*shape[:at], *shape[at + 1 :])
        for less in (1, 2):
            if size > less:
                yield (*shape[:at], less, *shape[at + 1 :])


def literal(shape: tuple[int, ...], dtype: torch.dtype, requires_grad: bool) -> str:
    """A tensor typed out, with simple values."""
    ending = ", requires_grad=True)" if requires_grad else ")"
    if 0 in shape or math.prod(shape) > 24:
        return f"torch.ones({shape}, dtype={dtype}{ending}"
    count = iter(range(1, 100))

    def nested(sizes: tuple[int, ...]) -> Any:
        if sizes:
            return [nested(sizes[1:]) for _ in range(sizes[0])]
        number = next(count)
        if dtype is torch.bool:
            return number % 2 == 1
        return float(number) if dtype.is_floating_point else number

    plain = dtype in (torch.float32, torch.int64, torch.bool)
    return f"torch.tensor({nested(shape)}{'' if plain else f', dtype={dtype}'}{ending}"


# What shows an aspect in a program that `tests.parity` compares.
SHOWN = {
    "strides": "seen = {path}.stride()",
    "offset": "seen = {path}.storage_offset()",
    "version": "seen = {path}._version",
    "sharing": "seen = [a.untyped_storage().data_ptr() == {path}.untyped_storage().data_ptr() for a in ({names})]",
    "identity": "seen = [a is {path} for a in ({names})]",
    "lazy bits": "seen = {path}.is_conj(), {path}.is_neg()",
    "inference": "seen = {path}.is_inference()",
    "sign of zero": "seen = {path}.signbit()",
    "grad_fn": "seen = {path}.grad_fn.name()",
}


def as_test(program: Program, difference: Difference) -> str:
    """A test, ready to be pasted: the program typed once, for `tests.parity`."""
    text = "\n".join(map(str, program))
    blocks = PRELUDE_BLOCK.findall(PRELUDE)
    lines = [block.rstrip() for block, name in blocks if re.search(rf"\b{name}\b(?!\()", text)]
    if re.search(r"\blog\b", "\n".join(lines) + text):
        lines.insert(0, "log = []")
    names: list[str] = []
    with quiet():
        side = Pair().want
        for line in map(str, program):
            error = side.run(compile(line, "<program>", "exec"))
            lines += [line] if error is None else refused(line, error)
        tensors = (name for name, value in side.names.items() if isinstance(value, torch.Tensor))
        names += filter(NAME.fullmatch, tensors)
    if difference.aspect in SHOWN:
        others = ", ".join(names) + ","
        lines.append(SHOWN[difference.aspect].format(path=difference.path, names=others))
    body = textwrap.indent("\n".join(lines), " " * 8)
    return f"def test_found() -> None:\n    # {difference}\n    parity('''\n{body}\n    ''')\n"


def refused(line: str, error: Exception) -> list[str]:
    """A line that raises, in a program that goes on."""
    name = type(error).__name__
    return ["try:", f"    {line}", "except Exception as e:", f"    error = e  # {name}"]


PRELUDE_BLOCK = re.compile(r"^((?:def|class) (\w+)(?:.|\n)+?)(?=^def|^class|\Z)", re.MULTILINE)
