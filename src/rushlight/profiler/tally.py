"""Adds up as it goes, for programs that run long: by operation, module and line, and as a tree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import prod
from typing import Any

from rushlight.caller import user_line
from rushlight.core.doors import Interpreter
from rushlight.core.tensor import TensorBase
from rushlight.profiler.watch import DOOR, MODULE, NODE, Mark, Watch

_PRODUCTS = {
    "matmul",
    "linear",
    "linear_weight",
    "dot",
    "convolution",
    "convolution_weight",
    "convolution_transpose",
}


class Branch:
    """What ran at one place of the tree: how often, how long, and what within."""

    __slots__ = ("calls", "inside", "kind", "nanoseconds")

    def __init__(self, kind: int = -1) -> None:
        self.kind, self.calls, self.nanoseconds = kind, 0, 0
        self.inside: dict[str, Branch] = {}

    @property
    def own(self) -> int:
        """The time that nothing within took."""
        return self.nanoseconds - sum(branch.nanoseconds for branch in self.inside.values())


class Sum:
    """What one operation, module or line took together."""

    __slots__ = ("bytes", "calls", "flops", "nanoseconds")

    def __init__(self) -> None:
        self.calls = self.nanoseconds = 0
        self.flops = self.bytes = 0.0

    def add(self, nanoseconds: int, flops: float = 0.0, moved: float = 0.0) -> None:
        """Once more."""
        self.calls += 1
        self.nanoseconds += nanoseconds
        self.flops += flops
        self.bytes += moved


class Tally(Watch):
    """Adds up what marks say, and forgets them."""

    def __init__(self) -> None:
        super().__init__(modules=True)
        self.root = Branch()
        self.operations: dict[str, Sum] = defaultdict(Sum)
        self.module_sums: dict[str, Sum] = defaultdict(Sum)
        self.lines: dict[tuple[str, int], Sum] = defaultdict(Sum)
        self.marks = 0
        self._branches: dict[int, list[Branch]] = defaultdict(list)
        # The lines of operations whose backward is still to come.
        self._asked: dict[int, tuple[str, int]] = {}

    def begin(self, kind: int, name: str, inputs: Sequence[Any] = ()) -> Mark:
        """Something begins."""
        mark = super().begin(kind, name, inputs)
        mark.children = []
        open_here = self._branches[mark.thread]
        parent = open_here[-1] if open_here else self.root
        branch = parent.inside.get(name)
        if branch is None:
            branch = parent.inside[name] = Branch(kind)
        open_here.append(branch)
        self.marks += 1
        return mark

    def end(self, mark: Mark) -> None:
        """It ends, and is added."""
        super().end(mark)
        branch = self._branches[mark.thread].pop()
        took = mark.end - mark.start
        branch.calls += 1
        branch.nanoseconds += took
        if mark.parent is None:
            self.roots.clear()
        else:
            mark.parent.children.clear()
        if mark.kind == MODULE:
            # What modules within it take is theirs.
            self.module_sums[mark.name.removeprefix("nn.Module: ")].add(took - mark.bytes)
            outer = mark.parent
            while outer is not None and outer.kind != MODULE:
                outer = outer.parent
            if outer is not None:
                outer.bytes += took
        elif (
            mark.kind == NODE
            and mark.sequence in self._asked
            and not mark.name.startswith("autograd")
        ):
            self.lines[self._asked.pop(mark.sequence)].add(took)

    def _came(self, mark: Mark, out: Any) -> None:
        super()._came(mark, out)
        if mark.kind != DOOR:
            return
        sizes = [given for given in mark.shapes or () if isinstance(given, tuple)]
        first: Any = out[0] if isinstance(out, tuple) and out else out
        moved = sum(prod(s) * d.itemsize for s, _, d in sizes)
        count = float(prod(mark.out or ()))
        if isinstance(first, TensorBase):
            moved += first._data_.nbytes
        self.operations[mark.name].add(
            mark.end - mark.start, _flops(mark.name, sizes, count), moved
        )
        if not _in_backward(mark):
            line = user_line()
            self.lines[line].add(mark.end - mark.start)
            if mark.sequence >= 0:
                self._asked[mark.sequence] = line

    def into(self, target: Any, kernel: Any, inputs: Any, static: Any) -> None:
        """A write."""
        mark = self.begin(DOOR, f"{kernel.__name__}_", (target, *inputs))
        try:
            Interpreter.into(self, target, kernel, inputs, static)
        finally:
            self.end(mark)
        size, moved = float(target._data_.size), 2.0 * target._data_.nbytes
        self.operations[mark.name].add(mark.end - mark.start, size, moved)
        if not _in_backward(mark):
            self.lines[user_line()].add(mark.end - mark.start)


def _in_backward(mark: Mark) -> bool:
    parent = mark.parent
    while parent is not None:
        if parent.kind == NODE:
            return True
        parent = parent.parent
    return False


def _flops(name: str, sizes: Sequence[Any], count: float) -> float:
    """Arithmetic: products and convolutions by their formula, else one operation for each element."""
    if name not in _PRODUCTS or len(sizes) < 2:
        return max(count, float(prod(sizes[0][0])) if sizes else 0.0)
    x, y = sizes[0][0], sizes[1][0]
    if name == "convolution":
        return 2.0 * count * prod(y[1:])
    if name == "linear_weight":
        return 2.0 * count * prod(x[:-1])
    return 2.0 * count * (x[-1] if x else 1)
