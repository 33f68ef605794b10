"""Where more is measured than passes the doors: functions that stand there while somebody measures.

A public function, a node of backward, a module, an optimizer: each is exchanged for one that makes a mark around
it, and put back as the last one stops. So it costs nothing while nobody measures.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from rushlight.core.node import Node
from rushlight.overriding import functions
from rushlight.profiler import naming
from rushlight.profiler.events import BACKWARD
from rushlight.profiler.watch import (
    BLOCK,
    CALL,
    FORWARD,
    MODULE,
    NODE,
    PART,
    Watch,
    closed,
    opened,
    watches,
)

_put_back: list[Callable[[], None]] = []


def start(watch: Watch) -> None:
    """Let watch measure."""
    if not watches:
        functions.listen(record for record in functions.records() if naming.called(record.name))
        for change in (_calls, _nodes, _functions, _leaves, _modules, _optimizers, _loaders):
            for holder, name, value in change():
                _exchange(holder, name, value)
    watch.start()


def stop(watch: Watch) -> None:
    """Let it measure no more."""
    watch.stop()
    if not watches:
        while _put_back:
            _put_back.pop()()
        functions.unlisten()


def _exchange(holder: Any, name: str, value: Any) -> None:
    before = vars(holder)[name] if isinstance(holder, type) else getattr(holder, name)
    setattr(holder, name, value)
    _put_back.append(lambda: setattr(holder, name, before))


# (who has it, under which name, what stands there meanwhile)
Change = tuple[Any, str, Any]


def _calls() -> Iterator[Change]:
    """Public functions and methods that are operations of ATen."""
    for record in functions.records():
        name = naming.called(record.name)
        if name is not None:
            yield record, "plain", _call(name, record.plain)


def _call(name: str, plain: Callable[..., Any]) -> Callable[..., Any]:
    kept = name in naming.ALWAYS

    def measured(*args: Any, **kwargs: Any) -> Any:
        marks = opened(CALL, name, (*args, *kwargs.values()) if kwargs else args)
        for _, mark in marks:
            mark.kept = kept
        try:
            return plain(*args, **kwargs)
        finally:
            closed(marks)

    measured.__wrapped__ = plain  # type: ignore[attr-defined]
    return measured


def _below(cls: type[Any]) -> Iterator[type[Any]]:
    yield cls
    for heir in cls.__subclasses__():
        yield from _below(heir)


def _own(cls: type[Any], name: str) -> Iterator[type[Any]]:
    return (c for c in dict.fromkeys(_below(cls)) if name in vars(c))


def _nodes() -> Iterator[Change]:
    """The rules of backward."""
    for cls in _own(Node, "_gradients"):
        yield cls, "_gradients", _rule(vars(cls)["_gradients"])


def _rule(rule: Callable[..., Any]) -> Callable[..., Any]:
    def measured(self: Any, g: Any) -> Any:
        if self in _running:
            return rule(self, g)
        name, row, wants = self.name(), _row(self), [edge is not None for edge in self._edges]
        before, own, after = naming.around(row, name, wants)
        if row in ("mean", "sum") and self._label and _row(self._edges[0]) in naming.REDUCED:
            _parts.add(self._edges[0])
        outer = opened(NODE, f"autograd::engine::evaluate_function: {own}")
        given: Any = g if isinstance(g, list) else (g,)
        inner = opened(NODE, own, given)
        for _, mark in outer:
            mark.of = PART if self in _parts else (before, after)
        for _, mark in (*outer, *inner):
            mark.sequence = self._sequence
        for _, mark in inner:
            mark.scope = BACKWARD
        _running.add(self)
        try:
            return rule(self, g)
        finally:
            _running.discard(self)
            closed(inner)
            closed(outer)

    return measured


def _row(node: Any) -> str:
    plan = getattr(node, "plan", None)
    return "" if plan is None else str(plan.row.name)


# Nodes that are one with the node before them, in torch.
_parts: weakref.WeakSet[Node] = weakref.WeakSet()
# Nodes whose rule runs: one class asks that of its base.
_running: set[Any] = set()


def _module(name: str) -> Any:
    """A room, under our name or torch's, if it is loaded: what is not has nothing to be measured."""
    return sys.modules.get(f"rushlight.{name}") or sys.modules.get(f"torch.{name}")


def _functions() -> Iterator[Change]:
    """Forwards of the user's own functions."""
    room = _module("autograd.function")
    if room is None:
        return
    apply = room.Function.__dict__["apply"].__func__

    def measured(cls: Any, *args: Any, **kwargs: Any) -> Any:
        marks = opened(FORWARD, cls.__name__, args)
        try:
            return apply(cls, *args, **kwargs)
        finally:
            closed(marks)

    yield room.Function, "apply", classmethod(measured)


def _leaves() -> Iterator[Change]:
    """The sums of gradients at leaves."""
    engine = _module("autograd.engine")
    if engine is None:
        return
    accumulate = engine.accumulate
    name = "torch::autograd::AccumulateGrad"

    def measured(leaf: Any, g: Any, create_graph: bool, alone: bool) -> None:
        outer = opened(NODE, f"autograd::engine::evaluate_function: {name}")
        inner = opened(NODE, name, (g,))
        for _, mark in inner:
            mark.scope = BACKWARD
        try:
            return accumulate(leaf, g, create_graph, alone)
        finally:
            closed(inner)
            closed(outer)

    yield engine, "accumulate", measured


def _modules() -> Iterator[Change]:
    """Calls of modules, for those who want to know."""
    room = _module("nn.modules.module")
    if room is None:
        return
    for cls in _own(room.Module, "__call__"):
        yield cls, "__call__", _forward(vars(cls)["__call__"])


def _forward(call: Callable[..., Any]) -> Callable[..., Any]:
    def measured(self: Any, *args: Any, **kwargs: Any) -> Any:
        marks = [
            (watch, watch.begin(MODULE, f"nn.Module: {watch.module_name(self)}"))
            for watch in watches
            if watch.modules
        ]
        for _, mark in marks:
            mark.of = self
        try:
            return call(self, *args, **kwargs)
        finally:
            closed(marks)

    return measured


def _optimizers() -> Iterator[Change]:
    """Steps of optimizers."""
    room = _module("optim.optimizer")
    if room is None:
        return
    for name in ("step", "zero_grad"):
        for cls in _own(room.Optimizer, name):
            yield cls, name, _block(vars(cls)[name], f"Optimizer.{name}#{{}}.{name}")


def _loaders() -> Iterator[Change]:
    """What data loaders give."""
    room = _module("utils.data.dataloader")
    if room is None:
        return
    for cls in _own(room._BaseDataLoaderIter, "__next__"):
        yield cls, "__next__", _block(vars(cls)["__next__"], "enumerate(DataLoader)#{}.__next__")


def _block(function: Callable[..., Any], pattern: str) -> Callable[..., Any]:
    """A method as a block that is named after the class; the outermost, where one calls that of its base."""

    def measured(self: Any, *args: Any, **kwargs: Any) -> Any:
        name = pattern.format(type(self).__name__)
        marks: list[Any] = []
        if not any(_within(watch, name) for watch in watches):
            marks = opened(BLOCK, name)
        try:
            return function(self, *args, **kwargs)
        finally:
            closed(marks)

    return measured


def _within(watch: Watch, name: str) -> bool:
    mark = watch.here.open
    while mark is not None:
        if mark.name == name:
            return True
        mark = mark.parent
    return False
