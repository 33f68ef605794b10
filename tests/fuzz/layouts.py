"""Every operation of the table on tensors that lie in memory in all ways, and how its gradients lie.

    python -m tests.fuzz.layouts             each operation on each layout
    python -m tests.fuzz.layouts relu        those whose row matches

Random programs come by such tensors seldom; here they are the first line. After the operation come gradients
that are spread from one number, dense, and transposed, those of gradients, and what lands in `.grad`.
"""

from __future__ import annotations

import random
import re
import sys
from collections import defaultdict

import torch

from tests.fuzz.draws import Impossible
from tests.fuzz.holes import HOLES
from tests.fuzz.known import known
from tests.fuzz.lockstep import Difference, Invalid, Outcome, quiet
from tests.fuzz.operations import Operation
from tests.fuzz.programs import OFF_BY_DEFAULT, TABLE, Author, Statement
from tests.fuzz.workers import signature

LAYOUTS = """
torch.randn(2, 3)
torch.randn(3, 2).t()
torch.randn(2, 6)[:, ::2]
torch.randn(6, 2).t()[:, ::2]
torch.randn(1, 3).expand(2, 3)
torch.randn(2, 1).expand(2, 3)
torch.randn(1, 3)
torch.randn(3, 1).t()
torch.randn(4, 3)[::2][:1]
torch.randn(1, 3).t()
torch.randn(3, 4)[:, 1:2]
torch.randn(2, 2)[:1, 1:]
torch.randn(6)[::2]
torch.randn(1)
torch.randn(1).expand(3)
torch.randn(6)[::3][:1]
torch.randn(())
torch.randn(3)[1]
torch.zeros(0, 3)
torch.zeros(3, 0).t()
torch.randn(3, 2, 2).permute(2, 1, 0)
torch.randn(3, 1, 2).permute(2, 1, 0)
torch.randn(2, 1, 3).expand(2, 2, 3)
torch.randn(1, 2, 2, 3).to(memory_format=torch.channels_last)
torch.randn(2, 2, 2, 2).to(memory_format=torch.channels_last)
torch.randn(2, 1, 2, 3).to(memory_format=torch.channels_last)
torch.randn(2, 3, 1, 1).to(memory_format=torch.channels_last)
torch.randn(3, 3).t()
torch.randn(6, 3)[::2]
torch.randn(1, 1, 3).permute(2, 0, 1)
""".strip().splitlines()

AFTER = """
g = torch.autograd.grad({r}.sum(), t1, retain_graph=True, allow_unused=True)
g = torch.autograd.grad({r}, t1, torch.ones_like({r}), retain_graph=True, allow_unused=True)
g = torch.autograd.grad({r}, t1, torch.randn({r}.mT.shape).mT, retain_graph=True, allow_unused=True)
g = torch.autograd.grad(({r} ** 2).sum(), t1, create_graph=True, allow_unused=True)
{r}.sum().backward(retain_graph=True)
({r} ** 2).sum().backward()
""".strip().splitlines()

GROUPS = ("views", "in place", "augmented", "assignment", "arithmetic", "pointwise", "reductions",
          "scans and orders", "gathers", "joins", "algebra", "layers", "losses")  # fmt: skip


class Tried:
    """A program of one operation, run line by line until something differs."""

    def __init__(self, operation: Operation, layout: str, seed: int) -> None:
        self.author = Author(seed, OFF_BY_DEFAULT, sys.modules["rushlight"])
        self.lines: list[str] = []
        self.found: Difference | None = None
        other = random.Random(seed).choice([layout, *LAYOUTS])
        with quiet():
            self.run(operation, layout, other)

    def step(self, line: str) -> Outcome:
        """One more line under both."""
        self.lines.append(line)
        outcome = self.author.pair.step(line)
        if outcome.difference is not None:
            if known(outcome.difference) is None:
                self.found = outcome.difference
            raise Invalid("what comes after is of no interest")
        if outcome.stop:
            raise Invalid("torch itself is elsewhere")
        return outcome

    def run(self, operation: Operation, layout: str, other: str) -> None:
        """The tensors, the operation, and its gradients."""
        author, draws = self.author, self.author.draws
        try:
            self.step(f"t2 = {other}")
            self.step(f"t1 = {layout}.requires_grad_()")
            author.learn()
            draws.tensors.sort(key=lambda pair: pair[0] == "t1")
            arguments = tuple(HOLES[hole](draws) for hole in operation.holes)
            text = str(Statement(operation, arguments, "t4" if operation.makes else ""))
            if not operation.makes:
                self.step("t4 = t1.clone()")
                text = re.sub(r"\bt1\b", "t4", text, count=1)
            if self.step(text).error is None:
                self.differentiate()
        except (Invalid, Impossible, ValueError):
            return

    def differentiate(self) -> None:
        """The gradients of the first result that has one."""
        view = self.author.pair.seen[0]
        for path, t in zip(view.paths, view.tensors, strict=True):
            if re.match(r"t4(\[\d+\])?$", path) and t.requires_grad and t.is_floating_point():
                for line in AFTER:
                    self.step(line.format(r=path))
                return


def name(operation: Operation, difference: Difference) -> str:
    """The kind of what differs."""
    return signature(operation.name, difference)


def operations() -> list[Operation]:
    """The rows of the table that compute something."""
    return [*dict.fromkeys(row for group in GROUPS for row in TABLE[group])]


def main() -> int:
    pattern = sys.argv[1] if len(sys.argv) > 1 else ""
    torch.set_num_threads(1)
    kinds: dict[str, list[Tried]] = defaultdict(list)
    for operation in operations():
        if re.search(pattern, operation.template):
            for number, layout in enumerate(LAYOUTS):
                tried = Tried(operation, layout, number)
                if tried.found is not None:
                    kinds[name(operation, tried.found)].append(tried)
    for kind, found in sorted(kinds.items()):
        shortest = min(found, key=lambda tried: len("".join(tried.lines)))
        print(f"## {len(found)} x {kind}: {shortest.found}")
        print("   ", "\n    ".join(shortest.lines))
    return 1 if kinds else 0


if __name__ == "__main__":
    sys.exit(main())
