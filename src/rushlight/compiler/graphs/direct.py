"""A call that is one graph and no more: while Python is as it was, the graph alone runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rushlight import dtypes
from rushlight.compiler.recording.errors import CannotRecord, Changed
from rushlight.compiler.recording.tree import Leaf, apart, together
from rushlight.compiler.recording.world import World
from rushlight.core.tensor import TensorBase

if TYPE_CHECKING:
    from rushlight.compiler.graphs.step import Handed
    from rushlight.compiler.graphs.tracing import Tracing

MISS = object()
_PLAIN = (int, float, complex, str, bytes, bool, type(None), dtypes.dtype, slice, range)


class Watch:
    """What a function sees of Python while it is traced: see `World`."""

    def __init__(self, function: Any, args: Any, kwargs: Any) -> None:
        self.world: World | None = None
        self.used: set[str] = set()
        self.codes: set[Any] = set()
        self.by_any_name = False
        try:
            self.world = World(function, args, kwargs)
        except CannotRecord:
            self.refuse()

    def refuse(self) -> None:
        """It cannot be told whether all is as it was."""
        self.world = None

    def enter(self, frame: Any, is_users: bool) -> None:
        """A function is called."""
        code = frame.f_code
        if code in self.codes or self.world is None:
            return
        self.codes.add(code)
        self.used.update(code.co_names)
        if is_users:
            self.used.update(c for c in code.co_consts if isinstance(c, str))
            try:
                self.world.enter(code, frame.f_globals)
            except CannotRecord:
                self.refuse()

    def settled(self) -> World | None:
        """The world, if the function has changed nothing in it."""
        world = self.world
        if world is None or any(world.changes()) or world.other_mode() or world.moved():
            return None
        world.settle(None if self.by_any_name else self.used)
        return world


def _kind(tensor: Any) -> Any:
    data = tensor._data_
    return (
        tensor.__class__, data.__class__, data.dtype, data.shape, data.strides, tensor._requires_grad_,
        tensor._node_ is None, tensor._turned_,
    )  # fmt: skip


class Direct:
    """One graph, called without the function's Python."""

    def __init__(
        self, world: World, handed: Handed, inputs: list[Any], outs: list[Any], result: Any
    ) -> None:
        given = {id(tensor): number for number, tensor in enumerate(world.tensors_given)}
        self.world, self.handed = world, handed
        self.kinds = [_kind(tensor) for tensor in world.tensors_given]
        fetched = [inputs[what] for what in handed.fetch]
        # What graphs are given: a number of an argument, or a tensor that stays.
        self.fetch = [given.get(id(tensor), tensor) for tensor in fetched]
        self.held = [t for t in self.fetch if isinstance(t, TensorBase)]
        self.held_kinds = [_kind(tensor) for tensor in self.held]
        made = {id(tensor): number for number, tensor in enumerate(outs)}
        tensors, self.rest = apart(result)
        if any(
            not isinstance(leaf, _PLAIN) and leaf.__class__ is not Leaf for leaf in self.rest[1]
        ):
            raise CannotRecord("it returns an object of Python's")
        # What the result is made of: (0, number of a result), (1, number of an argument), (2, a tensor).
        self.results: list[tuple[int, Any]] = []
        for tensor in tensors:
            if id(tensor) in made:
                self.results.append((0, made[id(tensor)]))
            elif id(tensor) in given:
                self.results.append((1, given[id(tensor)]))
            else:
                self.results.append((2, tensor))
        # A result that the function also keeps elsewhere is another at each call.
        if {n for k, n in self.results if k == 0} != set(range(len(outs))):
            raise CannotRecord("it keeps tensors that it makes")
        world.let_go()

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The result; MISS if something is not as it was."""
        try:
            given = self.world.check(args, kwargs)
        except Changed:
            return MISS
        if [_kind(t) for t in given] != self.kinds:
            return MISS
        if [_kind(t) for t in self.held] != self.held_kinds:
            return MISS
        made = self.handed([given[w] if w.__class__ is int else w for w in self.fetch])
        places = made, given
        found = [what if kind == 2 else places[kind][what] for kind, what in self.results]
        return together(
            self.rest, lambda leaf: found[leaf.number] if leaf.__class__ is Leaf else leaf
        )


def direct(
    tracing: Tracing, handed: Handed, inputs: list[Any], outs: list[Any], result: Any
) -> Direct | None:
    """The last call of a tracing as a graph that runs alone; None if it was more than that."""
    watch = tracing.watch
    world = None if watch is None else watch.settled()
    if world is None:
        return None
    try:
        return Direct(world, handed, inputs, outs, result)
    except CannotRecord:
        return None
