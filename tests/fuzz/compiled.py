"""Random programs as functions: run eagerly and compiled, and compared call by call.

    python -m tests.fuzz.compiled --programs 1000 --seed 7

The first lines of a program make tensors, modules and optimizers; the rest becomes the body of a function
that returns all it has made. It is called a few times under both, and what comes of it is differentiated
outside where it can be. After every call everything is compared that `lockstep` sees: values, shapes,
strides, sharing, versions, gradients, the error if there is one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import rushlight
from rushlight.compiler.compile import Step
from tests.fuzz.compiling import FAULTS, main
from tests.fuzz.lockstep import Difference, Pair, Side, View, quiet
from tests.fuzz.programs import DELETE, Program, write

CALLS = 4
LONGEST = 14


class Twice(Pair):
    """The same function under rushlight, eagerly and compiled."""

    def __init__(self) -> None:
        self.without = frozenset({"grad_fn"})
        self.want, self.got = Side(rushlight), Side(rushlight)
        self.line, self.lines, self.number = "", [], 0
        self.seen = (View(), View())
        self.unseen = self.single = False

    def both(self, line: str) -> Exception | None:
        """Run a line under both."""
        code = compile(line, "<program>", "exec")
        found = None
        for side in (self.want, self.got):
            rushlight.manual_seed(self.number)
            found = side.run(code)
        return found

    def call(self, number: int, line: str) -> Iterator[Difference]:
        """Call the function under both and compare."""
        self.line, self.number = line, number
        code = compile(line, "<program>", "exec")
        errors = []
        for side in (self.want, self.got):
            rushlight.manual_seed(number)
            errors.append(side.run(code))
        drawn = [side.names.pop("drawn", None) for side in (self.want, self.got)]
        yield from self.errors(*errors)
        found = [*self.compare(False, self.seen[1], [])]
        if errors[0] is None:
            yield from found
        if drawn[0] != drawn[1]:
            yield self.differ("values", "the next random number", *drawn)


def parts(program: Program) -> tuple[list[str], list[str], list[str]]:
    """The lines before the function, those of its body, and the names that the function can hand out."""
    before: list[str] = []
    body: list[str] = []
    made: set[str] = set()
    side = Side(rushlight)
    for number, statement in enumerate(program):
        line = str(statement)
        if statement.operation is DELETE or len(body) == LONGEST:
            continue
        rushlight.manual_seed(number)
        with quiet():
            if side.run(compile(line, "<program>", "exec")) is not None:
                continue
        first = not body and number < 4
        own = statement.target[:1] in ("m", "o") and made.isdisjoint(statement.uses())
        if first or own:
            before.append(line)
        else:
            body.append(line)
            made.add(statement.target)
    names = [name for name in assigned(body) if _is_result(side.names.get(name))]
    return before, body, names


def _is_result(value: Any) -> bool:
    """Whether it is more than a leaf that wants a gradient, which no program can hand out."""
    try:
        return not (isinstance(value, rushlight.Tensor) and value.is_leaf and value.requires_grad)
    except RuntimeError:
        return False


def assigned(lines: list[str]) -> list[str]:
    """The names that lines give values to."""
    names = (line.partition(" = ")[0].rpartition(": ")[2] for line in lines if " = " in line)
    return [*dict.fromkeys(name for name in names if name.isidentifier())]


def function(before: list[str], body: list[str], results: list[str], seed: int) -> tuple[str, str]:
    """The text of the function, and how it is called: half of the tensors are arguments, the rest globals."""
    given = [name for name in assigned(before) if name.startswith("t")]
    given = given[: (seed % 3) * len(given) // 2]
    lines = [f"def step({', '.join(given)}):", *(f"    {line}" for line in body)]
    lines.append(f"    return ({''.join(f'{name}, ' for name in results)})")
    call = [f"out = step({', '.join(given)})", "drawn = torch.rand(1).item()"]
    return "\n".join(lines), "\n".join(call)


OUTSIDE = """
flat = [x for part in out for x in (part if isinstance(part, tuple | list) else (part,)) if isinstance(x, torch.Tensor)]
loss = sum(x.abs().double().sum() for x in flat if x.requires_grad)
if isinstance(loss, torch.Tensor): loss.backward()
del loss, flat, out
"""


def run(seed: int) -> tuple[Difference | None, str, str]:
    """What differs in the program of a seed, how it was run, and its text, as short as it can be."""
    with quiet():
        before, body, results = parts(write(seed).program)
        found, how = tried(before, body, results, seed)
        while found is not None:
            for lines in (body, before):
                for line in list(lines):
                    at = lines.index(line)
                    lines.remove(line)
                    less = [name for name in results if name in assigned(body)]
                    other, _ = tried(before, body, less, seed)
                    if other is not None and other.aspect == found.aspect:
                        found, results = other, less
                        break
                    lines.insert(at, line)
                else:
                    continue
                break
            else:
                break
    return found, how, "\n".join([*before, *function(before, body, results, seed)])


def tried(
    before: list[str], body: list[str], results: list[str], seed: int
) -> tuple[Difference | None, str]:
    """What differs between a function as it is and compiled."""
    text, call = function(before, body, results, seed)
    if not body:
        return None, "empty"
    pair = Twice()
    for number, line in enumerate([*before, text]):
        pair.number = number
        if pair.both(line) is not None:
            return None, "broken"
    pair.got.names["step"] = step = Step(pair.got.names["step"])
    for side in (pair.want, pair.got):
        side.own |= {"step", "drawn"}
    for number in range(CALLS):
        for difference in pair.call(number, call):
            return difference, "compiled" if step.programs else "refused"
        if number % 2 and seed % 2:
            for difference in pair.call(100 + number, OUTSIDE):
                return difference, "compiled"
    for refusal in step.refusals:
        if refusal.startswith(FAULTS):
            return pair.differ("error", "", "no fault of the compiler", refusal), "refused"
    if step.programs:
        return None, "compiled"
    return None, f"refused: {step.refusals[-1]}" if step.refusals else "never"


def _told(seed: int) -> tuple[str, str, str]:
    """The same, with the call at which it differs in words."""
    difference, how, text = run(seed)
    return (f"at call {difference.number}: {difference}" if difference else ""), how, text


if __name__ == "__main__":
    sys.exit(main("tests.fuzz.compiled", __doc__, "program", 1000, _told))
