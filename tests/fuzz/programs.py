"""Programs as data: statements with named results, drawn at random and run as they are drawn."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import rushlight
from tests.fuzz.draws import Draws, Impossible
from tests.fuzz.holes import HOLES
from tests.fuzz.lockstep import OFF_BY_DEFAULT, Difference, Pair, quiet
from tests.fuzz.operations import GROUPS, Operation, rows
from tests.fuzz.rounding import magnitude
from tests.fuzz.subjects import MODULES

TABLE = {group: rows(text) for group, (_, text) in GROUPS.items()}
WEIGHTS = [weight for weight, _ in GROUPS.values()]
DELETE = Operation("del", False, ())
NAME = re.compile(r"\b[tmo]\d+\b")
MODES = (
    ("with torch.no_grad(): ", 0.07),
    ("with torch.inference_mode(): ", 0.012),
    ("with torch.autocast('cpu'): ", 0.012),
    ("with torch.enable_grad(): ", 0.005),
    ("with torch.autograd.graph.save_on_cpu(): ", 0.005),
    ("with torch.autograd.graph.saved_tensors_hooks(packed, unpacked): ", 0.01),
    ("with torch.autograd.detect_anomaly(): ", 0.008),
)

MOST_NAMES = 11
LARGEST, MOST_ELEMENTS = 1e4, 150


@dataclass(frozen=True)
class Statement:
    """A line: an operation whose holes are filled, the name of its result, the mode it runs in."""

    operation: Operation
    arguments: tuple[str, ...]
    target: str = ""
    mode: str = ""

    def __str__(self) -> str:
        text = self.operation.template
        for hole, argument in zip(self.operation.holes, self.arguments, strict=True):
            text = text.replace(f"{{{hole}}}", argument, 1)
        if self.operation is DELETE:
            return f"del {self.target}"
        return f"{self.mode}{self.target} = {text}" if self.target else self.mode + text

    def uses(self) -> set[str]:
        """The names it reads."""
        if self.operation is DELETE:
            return {self.target}
        return set(NAME.findall(" ".join(self.arguments)))


Program = list[Statement]


@dataclass
class Result:
    """A program that was drawn, and what differed."""

    program: Program = field(default_factory=list)
    difference: Difference | None = None
    refused: int = 0
    stopped: bool = False


class Author:
    """Draws a program, statement by statement, and runs it."""

    def __init__(self, seed: int, without: Iterable[str], candidate: Any) -> None:
        self.draws = Draws(seed)
        self.random = self.draws.random
        self.pair = Pair(without, candidate)
        self.names: list[str] = []
        self.count = 0
        self.result = Result()

    def write(self) -> Result:
        """5 to 40 statements, or as many as agree."""
        wanted = self.random.randint(5, 40)
        for _ in range(self.random.randint(2, 4)):
            self.run(self.draw("creation"))
        while len(self.result.program) < wanted and not self.ended():
            group = self.random.choices([*GROUPS], WEIGHTS)[0]
            self.run(self.draw(group))
            self.tidy()
        return self.result

    def ended(self) -> bool:
        return self.result.difference is not None or self.result.stopped

    def draw(self, group: str) -> Statement:
        """A statement of a group for which there are arguments; else a new tensor."""
        for _ in range(4):
            operation = self.random.choice(TABLE[group])
            self.draws.primary = None
            self.draws.writes = not operation.makes
            try:
                arguments = tuple(HOLES[hole](self.draws) for hole in operation.holes)
            except Impossible:
                continue
            target = ""
            if operation.makes:
                self.count += 1
                kind = {"{newmodule}": "m", "{optimizer}": "o"}.get(operation.template, "t")
                target = f"{kind}{self.count}"
            mode = ""
            for text, chance in MODES:
                # A block that is one line holds no other.
                if self.random.random() < chance and not operation.template.startswith("with "):
                    mode = text
            return Statement(operation, arguments, target, mode)
        return self.draw("creation")

    def run(self, statement: Statement) -> None:
        if self.ended():
            return
        self.result.program.append(statement)
        outcome = self.pair.step(str(statement))
        self.result.difference, self.result.stopped = outcome.difference, outcome.stop
        if outcome.error is not None:
            self.result.refused += 1
        elif statement.operation is DELETE:
            self.forget(statement.target)
        elif statement.target:
            self.names.append(statement.target)
            if statement.target[0] == "m":
                self.draws.modules[statement.target] = MODULES[statement.arguments[0]]
            elif statement.target[0] == "o":
                self.draws.optimizers[statement.target] = self.pair.want.names[statement.target]
        if outcome.error is None and not self.ended():
            self.learn()

    def forget(self, name: str) -> None:
        self.names.remove(name)
        self.draws.modules.pop(name, None)
        self.draws.optimizers.pop(name, None)

    def learn(self) -> None:
        """Which tensors the next statements may use."""
        view = self.pair.seen[0]
        self.draws.tensors = [
            (path, t)
            for path, t in zip(view.paths, view.tensors, strict=True)
            if USABLE.fullmatch(path)
        ]

    def tidy(self) -> None:
        """Delete what has grown too large, and the oldest names if there are many."""
        if self.ended():
            return
        view = self.pair.seen[0]
        for path, array in zip(view.paths, view.arrays, strict=True):
            name = re.split(r"[.\[]", path)[0]
            if name in self.names and (array.size > MOST_ELEMENTS or magnitude(array) > LARGEST):
                self.run(Statement(DELETE, (), name))
        while len(self.names) > MOST_NAMES and not self.ended():
            self.run(Statement(DELETE, (), self.names[self.random.randrange(4)]))


USABLE = re.compile(r"t\d+(\[\d+\])?(\.grad)?|m\d+\.(weight|bias)(\.grad)?")


def write(seed: int, without: Iterable[str] = OFF_BY_DEFAULT, candidate: Any = rushlight) -> Result:
    """The program of a seed, run under both."""
    with quiet():
        return Author(seed, without, candidate).write()
