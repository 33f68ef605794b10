"""Recording a function and its backward at once: gradients of the results become those of what they came from.

A function whose results are differentiated outside of it is run once, and then the rules of its graph are,
on gradients of no meaning: that is written down behind a `Cut`. What the graph hangs on outside of the
function, leaves and tensors that come out of other graphs, are the targets.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from rushlight.autograd import engine
from rushlight.compiler.recording.entries import (
    Checked,
    Cut,
    Decision,
    Draw,
    Entry,
    Option,
    Perform,
    Seen,
    Store,
    Write,
)
from rushlight.compiler.recording.errors import CannotRecord
from rushlight.compiler.recording.facts import MISSING, same
from rushlight.compiler.recording.program import Backward, Location, Way, is_whole
from rushlight.compiler.recording.record import Recording
from rushlight.compiler.recording.tree import apart
from rushlight.compiler.recording.values import Value
from rushlight.compiler.recording.world import World
from rushlight.core.node import PrimitiveNode
from rushlight.core.tensor import Array, TensorBase, wrap
from rushlight.core.turned import held
from rushlight.memory import root

# Up to so many results there is a way back from each alone: what nobody uses gives no gradient then.
_SINGLES = 4


class Joint(Recording):
    """One run of a function, and of its backward where its results have one."""

    def __init__(self, *what: Any, **options: Any) -> None:
        super().__init__(*what, **options)
        self.recorder.open = True
        # The results that are differentiated, what they came from, and the gradients that go back.
        self.outs: list[Any] = []
        self.targets: list[Any] = []
        self.ways: list[tuple[tuple[int, ...], list[Value], list[Any]]] = []
        self.begin = 0
        # Per result the numbers of the targets that its graph reaches; whether rules in it are the user's.
        self.reached: list[set[int]] = []
        self.foreign = False

    def called(self) -> Any:
        """What the function returns; its backward has been recorded, too."""
        result = super().called()
        if self.recorder.refused is None:
            try:
                self._go_back(apart(result)[0])
            except CannotRecord as reason:
                self.recorder.refuse(reason)
            except Exception as error:
                self.recorder.refuse(CannotRecord(f"its backward cannot be recorded: {error}"))
        return result

    def backward(self) -> Backward | None:
        """What was recorded behind the cut."""
        recorder = self.recorder
        for source in recorder.sources:
            source.open = not recorder.walked
            if source.node is not None and recorder.walked:
                raise CannotRecord(
                    f"{source.location.name} comes out of a graph (grad_fn), and the function calls backward "
                    "itself: give it detached"
                )
        if not self.outs:
            return None
        self._only_computes(recorder.entries[self.begin :])
        outs = [self.result(tensor) for tensor in self.outs]
        places = [self._place(target) for target in self.targets]
        ways = [
            Way(numbers, seeds, [None if grad is None else self.result(grad) for grad in grads])
            for numbers, seeds, grads in self.ways
        ]
        return Backward(outs, places, ways, self.reached)

    def _place(self, target: Any) -> Location:
        where = self.recorder.locate(target, held(target))
        if where is None:
            raise CannotRecord("what is differentiated is found nowhere")
        return where

    def _go_back(self, results: list[Any]) -> None:
        """Run the rules of the graph of the results."""
        self.outs = [t for t in results if t._node_ is not None and not self._was_there(t)]
        self.outs = [t for t in self.outs if is_whole(t._node_)]
        if any(t._requires_grad_ and not self._was_there(t) and t._node_ is None for t in results):
            raise CannotRecord("it returns a new leaf, which wants a gradient")
        if any(
            t._view_ is not None and t._node_ is None and _wants(t._view_.base) for t in results
        ):
            raise CannotRecord("a result is a view of what wants a gradient")
        if not self.outs:
            return
        self._own_memory(results)
        recorder = self.recorder
        beyond = {
            source.node: source.tensor for source in recorder.sources if source.node is not None
        }
        self.targets = list(self._targets(beyond))
        if not self.targets:
            raise CannotRecord("its results are differentiated towards nothing that was there")
        self.begin = len(recorder.entries)
        every = tuple(range(len(self.outs)))
        singles = [(i,) for i in every] if 1 < len(every) <= _SINGLES else []
        self.reached = [self._reached(t, beyond) for t in self.outs]
        recorder.handing = True
        # Rules of the user's may do anything, and eager has not run them yet.
        before = _contents(self.world) if self.foreign else None
        try:
            with _apart(beyond, self.targets):
                for numbers in (every, *singles):
                    self._go(numbers)
        finally:
            recorder.handing = False
            changed = None if before is None else _put_back(self.world, before)
        if changed is not None:
            raise CannotRecord(f"a backward of yours changes {changed}")

    def _go(self, numbers: tuple[int, ...]) -> None:
        """Go back from some of the results."""
        recorder = self.recorder
        outs = [self.outs[i] for i in numbers]
        random = np.random.RandomState(0)
        arrays = [_gradient(held(t), random) for t in outs]
        seeds = [recorder.new(a, f"gradient_{i}") for i, a in zip(numbers, arrays, strict=True)]
        recorder.entries.append(Cut(arrays, recorder.where(), (), seeds))
        recorder.kept.append(arrays)
        grads = engine.run(
            outs, [wrap(a) for a in arrays], retain_graph=True, create_graph=False,
            targets=self.targets, capture=True,
        )  # fmt: skip
        self.ways.append((numbers, seeds, grads))

    def _was_there(self, tensor: Any) -> bool:
        return self.memories.find(tensor, held(tensor)) is tensor

    def _own_memory(self, results: list[Any]) -> None:
        """Results that are differentiated lie in memory of their own: in-place changes would be missed."""
        users: dict[int, int] = {}
        for tensor in results:
            users[id(root(held(tensor)))] = (
                users.get(id(root(held(tensor))), 0) + tensor._requires_grad_
            )
        for source in self.recorder.sources:
            users[id(root(source.array))] = 2
        for tensor in self.outs:
            if users[id(root(held(tensor)))] > 1 or tensor._turned_:
                raise CannotRecord(
                    "a result is a view of another, or of what the function was given"
                )

    def _reached(self, out: Any, beyond: dict[Any, Any]) -> set[int]:
        """To which targets the graph of a result leads."""
        waiting, seen = [out._node_], set()
        while waiting:
            at = waiting.pop()
            if at is not None and id(at) not in seen:
                seen.add(id(at))
                waiting.extend(() if isinstance(at, TensorBase) or at in beyond else at._edges)
        ends = [t if t._node_ is None else t._node_ for t in self.targets]
        return {number for number, end in enumerate(ends) if id(end) in seen}

    def _targets(self, beyond: dict[Any, Any]) -> Iterator[Any]:
        """What the graph of the results hangs on: leaves, and tensors that come out of other graphs."""
        waiting: list[Any] = [t._node_ for t in self.outs]
        seen: set[int] = set()
        while waiting:
            at = waiting.pop()
            if at is None or id(at) in seen:
                continue
            seen.add(id(at))
            if isinstance(at, TensorBase):
                if self._was_there(at):
                    yield at
                elif at._hooks_ is not None:
                    raise CannotRecord("hooks hang on a leaf that it makes")
            elif at not in beyond:
                if at._hooks_ is not None or at._retained is not None:
                    raise CannotRecord("hooks hang on the graph of its results")
                self.foreign |= not isinstance(at, PrimitiveNode)
                waiting.extend(at._edges)
        for source in self.recorder.sources:
            if source.node is not None and id(source.node) in seen:
                yield source.tensor

    def _only_computes(self, entries: list[Entry]) -> None:
        """Raise if a backward does more than compute gradients from what is there."""
        made = {out.index for entry in entries for out in entry.outs}
        for entry in entries:
            wrong = isinstance(entry, Draw | Perform | Store | Option | Seen | Checked | Decision)
            if isinstance(entry, Write):
                target = entry.target
                while target.base is not None:
                    target = target.base
                wrong = target.index not in made
            if wrong:
                raise CannotRecord(f"its backward does more than compute gradients: {entry.text()}")


@contextmanager
def _apart(beyond: dict[Any, Any], targets: list[Any]) -> Iterator[None]:
    """Targets without hooks, and without the graphs behind them."""
    nodes = [(node, node._edges, node._hooks_, node._retained) for node in beyond]
    leaves = [(leaf, leaf._hooks_) for leaf in targets if leaf._node_ is None]
    try:
        for node, *_ in nodes:
            node._edges, node._hooks_, node._retained = (), None, None
        for leaf, _ in leaves:
            leaf._hooks_ = None
        yield
    finally:
        for node, edges, hooks, retained in nodes:
            node._edges, node._hooks_, node._retained = edges, hooks, retained
        for leaf, hooks in leaves:
            leaf._hooks_ = hooks


def _contents(world: World) -> list[dict[Any, Any]]:
    """What everything holds now."""
    return [dict(fact.read()) for fact in world.facts]


def _put_back(world: World, before: list[dict[Any, Any]]) -> str | None:
    """Let everything hold what it held; the name of something that held other things, if there is any."""
    changed = None
    for number, fact in enumerate(world.facts):
        # What was found since held what was found then.
        held = before[number] if number < len(before) else fact.expected
        now = dict(fact.read())
        differing = [
            key for key in (*held, *now)
            if not same(held.get(key, MISSING), now.get(key, MISSING))
        ]  # fmt: skip
        if differing and (number < len(before) or not fact.by_name):
            changed = changed or fact.name(differing[0])
            fact.hold(held, now)
    return changed


def _wants(tensor: Any) -> bool:
    """Whether it wants a gradient."""
    return tensor._requires_grad_ or tensor._node_ is not None


def _gradient(like: Array, numbers: Any) -> Array:
    """A gradient of no meaning for a result."""
    made = np.empty(like.shape, like.dtype)
    if like.dtype.kind == "c":
        made[...] = numbers.standard_normal(like.shape) + 1j * numbers.standard_normal(like.shape)
    else:
        made[...] = numbers.standard_normal(like.shape).astype(like.dtype)
    return made
