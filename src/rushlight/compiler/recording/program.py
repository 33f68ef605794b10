"""A program: what a recorded function did, as a flat list that can be read and run again."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from rushlight.caller import Line
from rushlight.compiler.recording.entries import Draw, Entry, Slots, Store, Write
from rushlight.compiler.recording.errors import Changed, source
from rushlight.compiler.recording.tree import Leaf, together
from rushlight.compiler.recording.values import Figure, Value
from rushlight.compiler.recording.world import World
from rushlight.core.node import Node, PrimitiveNode
from rushlight.core.tensor import Array, TensorBase, Untracked, wrap
from rushlight.core.turned import held, turn
from rushlight.memory import root

Tensors = list[Any]


# ---- where the tensors are that were there before ------------------------------------------------


@dataclass(frozen=True)
class Argument:
    """The tensor that is given as this one."""

    number: int
    name: str

    def find(self, given: Tensors) -> Any:
        """The tensor, at this call."""
        return given[self.number]


@dataclass(frozen=True)
class Held:
    """This very tensor: a parameter, a buffer, the state of an optimizer."""

    tensor: Any
    name: str

    def find(self, given: Tensors) -> Any:
        """The tensor, at this call."""
        return self.tensor


@dataclass(frozen=True)
class Grad:
    """What stands in the `.grad` of another."""

    owner: Any
    name: str

    def find(self, given: Tensors) -> Any:
        """The tensor, at this call; None if there is none."""
        return self.owner.find(given)._grad


@dataclass(frozen=True)
class At:
    """What stands in an attribute, a list or a variable that the program itself sets anew."""

    fact: Any
    key: Any
    name: str

    def find(self, given: Tensors) -> Any:
        """The tensor, at this call."""
        return self.fact.read().get(self.key)


Location = Argument | Held | Grad | At


@dataclass(eq=False)
class Source:
    """A tensor that the program takes: where it is found, and what it must be."""

    location: Location
    value: Value
    array: Array
    requires_grad: bool
    # How many changes a run counts for it, and the operation that made the last.
    changes: int = 0
    site: Any = None
    written: bool = False
    # The function itself lets it want a gradient, or not.
    wants: bool = False
    # It shows its memory conjugated or negated.
    turned: bool = False
    hooks: tuple[int, ...] = ()
    # Its gradient is handed on to whoever is there: its hooks, and the graph behind it, do not matter.
    open: bool = False
    # While it is recorded: the tensor itself, and the graph from which it came.
    tensor: Any = None
    node: Any = None

    def load(self, given: Tensors) -> Any:
        """The tensor, if it is as recorded."""
        tensor = self.location.find(given)
        name = self.location.name
        if not self.open and hooks_of(tensor) != self.hooks:
            raise Changed(f"{name} has other hooks now than when it was recorded")
        if not isinstance(tensor, TensorBase):
            raise Changed(f"{name} is {tensor!r} now, and was a tensor when it was recorded")
        array = held(tensor)
        if array is not self.array:
            value = self.value
            if not value.fits(array):
                now = Value(0, array.shape, array.dtype, array.strides, "")
                how = f"{now.kind}, and {value.kind}"
                if now.kind == value.kind:
                    how = f"laid out with strides {array.strides}, and {value.strides}"
                raise Changed(f"{name} is {how} when it was recorded")
        if tensor._requires_grad_ is not self.requires_grad:
            raise Changed(
                f"{name}.requires_grad is {tensor._requires_grad_} now, and was {self.requires_grad} "
                "when it was recorded"
            )
        if tensor._turned_ is not self.turned:
            raise Changed(f"{name} is a conjugated view, or was one when it was recorded")
        if tensor._node_ is not None and not self.open:
            raise Changed(f"{name} comes out of a graph (grad_fn): give it detached")
        return tensor


def hooks_of(tensor: Any) -> tuple[int, ...]:
    """Which hooks hang on a leaf."""
    hooks = getattr(tensor, "_hooks_", None)
    if hooks is None:
        return ()
    on_tensor = hooks.tensor.get(0, {})
    return (*on_tensor, *hooks.before, *hooks.after, *hooks.accumulated)


# ---- what a program leaves behind ----------------------------------------------------------------


@dataclass(eq=False)
class Result:
    """A tensor that the function returned, or left in a `.grad`."""

    # A tensor that was there before, or a value of the program.
    location: Location | None
    value: Value | None
    requires_grad: bool
    changes: int
    inference: bool
    # Its class, if that is one of the user's.
    kind: Any
    # It shows its memory conjugated or negated.
    turned: bool
    # The source with which it shares memory and counts changes.
    shares: int | None
    name: str | None = None
    # Its graph is whole when the function returns: somebody may want to go back through it.
    graph: bool = False

    def make(self, given: Tensors, slots: Slots, sources: Tensors) -> Any:
        """The tensor of this run."""
        if self.location is not None:
            return self.location.find(given)
        if self.value is None:
            raise Changed("a result has no value")
        tensor: Any = wrap(slots[self.value.index])
        if self.kind is not None:
            tensor.__class__ = self.kind
        if self.turned:
            turn(tensor)
        if self.inference:
            tensor._changes_ = Untracked((0, None))
        elif self.shares is None:
            tensor._changes_[0] = self.changes
        else:
            tensor._changes_ = sources[self.shares]._changes_
        if self.requires_grad:
            tensor._requires_grad_ = True
            tensor._node_ = Replayed(self.name or "Replayed", self.value.shape, self.value.dtype)
        return tensor


@dataclass(eq=False)
class Way:
    """A backward from some of the results, those of these numbers."""

    outs: tuple[int, ...]
    # Their gradients, and what the targets get (None: nothing).
    seeds: list[Value]
    grads: list[Result | None]


@dataclass(eq=False)
class Backward:
    """How gradients of the results become those of what the results were computed from."""

    # The results that are differentiated, and who gets a gradient.
    outs: list[Result]
    targets: list[Location]
    # The first goes back from all results.
    ways: list[Way]
    # Per result the targets to which its graph leads.
    reached: list[set[int]]


def is_whole(node: Any) -> bool:
    """Whether no backward has been through a graph yet."""
    waiting, seen = [node], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen or not isinstance(node, Node):
            continue
        seen.add(id(node))
        if isinstance(node, PrimitiveNode) and node.plan.saves and node.kept is None:
            return False
        waiting.extend(edge for edge in node._edges if edge is not None)
    return True


class Replayed(Node):
    """In the place of the graph of a result: a program is run without one."""

    __slots__ = ("title",)

    def __init__(self, title: str, shape: tuple[int, ...], dtype: Any) -> None:
        super().__init__((), None)
        self.title = title
        self._out_shape, self._out_dtype = shape, dtype

    def name(self) -> str:
        """What torch prints after `grad_fn=<`."""
        return self.title

    def _gradients(self, g: Any) -> Any:
        raise RuntimeError(
            "this tensor is the result of a program that was replayed, which leaves no graph behind: "
            "call backward() inside the function that is recorded"
        )


@dataclass(eq=False)
class Program:
    """What a function did when it was recorded; calling it does the same again.

    Printing it shows each line of the user's with the entries that came from it.
    """

    name: str
    world: World
    sources: list[Source]
    entries: list[Entry]
    size: int
    tree: tuple[Any, ...]
    results: list[Result]
    # Whose `.grad` the function set, and to what (None: to None).
    grads: list[tuple[Location, Result | None]]
    # Whose `.grad` it looked at before it set it, and whether there was one.
    looked: list[tuple[Location, bool]]
    # Which sources lie in one memory.
    shared: list[int]
    # Attributes, elements and variables that the function set to other tensors.
    rebound: list[tuple[At, Result]]
    backward: Backward | None = None

    def __post_init__(self) -> None:
        self._free()
        # A check may fail after the first write: then what was written is taken back.
        writes = [i for i, entry in enumerate(self.entries) if isinstance(entry, Write)]
        checks = [i for i, entry in enumerate(self.entries) if entry.checks]
        self.reversible = bool(writes and checks and writes[0] < checks[-1])
        draws = {id(e.generator): e.generator for e in self.entries if isinstance(e, Draw)}
        self.generators = list(draws.values())
        self.stores = [e for e in self.entries if isinstance(e, Store)]

    @functools.cached_property
    def outline(self) -> tuple[list[Any], list[Any]]:
        """What two programs have in common that differ in sizes alone; and the sizes."""
        made = [[x for x in entry.made() if x.__class__ is Value] for entry in self.entries]
        rows = [(entry.__class__, getattr(entry, "row", None)) for entry in self.entries]
        kinds = [[(x.dtype, len(x.shape)) for x in values] for values in made]
        sizes = [x.shape for values in made for x in values]
        sizes += [source.value.shape for source in self.sources]
        return [*zip(rows, kinds, strict=True)], sizes

    @functools.cached_property
    def numbered(self) -> list[Value | Figure]:
        """Every array and number."""
        found: dict[int, Value | Figure] = {}
        waiting: list[Any] = [source.value for source in self.sources]
        for entry in self.entries:
            waiting += entry.outs
            waiting += entry.reads()
        while waiting:
            x = waiting.pop()
            if x is not None and x.index not in found:
                found[x.index] = x
                waiting.append(getattr(x, "base", None))
        return list(found.values())

    def _free(self) -> None:
        """Find out after which entry each slot is not needed any more."""
        kept = {source.value.index for source in self.sources}
        kept |= {result.value.index for result in self.lasting() if result.value is not None}
        kept |= {leaf.index for leaf in self.tree[1] if leaf.__class__ is Figure}
        seen: set[int] = set(kept)
        for entry in reversed(self.entries):
            here = {x.index for x in (*entry.reads(), *entry.outs)} - seen
            entry.frees = tuple(here)
            seen |= here

    def kept(self) -> Iterator[Result]:
        """The tensors that are there when it has run."""
        yield from self.results
        for _, result in (*self.grads, *self.rebound):
            if result is not None:
                yield result

    def lasting(self) -> Iterator[Result]:
        """The tensors that anybody sees: those, and the gradients that a backward gives."""
        yield from self.kept()
        for way in () if self.backward is None else self.backward.ways:
            yield from (result for result in way.grads if result is not None)

    # ---- running ---------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run on NumPy's arrays; raises Changed, and changes nothing, where it does not fit any more."""
        given = self.world.check(args, kwargs)
        tensors = self.loaded(given)
        slots: Slots = [None] * self.size
        for one, tensor in zip(self.sources, tensors, strict=True):
            slots[one.value.index] = held(tensor)
        if not self.reversible:
            self.run(slots)
        else:
            before = self.snapshot(tensors)
            try:
                self.run(slots)
            except BaseException:
                before.restore()
                raise
        return self.leave(given, slots, tensors)

    def snapshot(self, tensors: Tensors) -> State:
        """What a run changes, as it is now."""
        written = [held(t) for s, t in zip(self.sources, tensors, strict=True) if s.written]
        return State(written, self.generators, self.stores)

    def loaded(self, given: Tensors) -> Tensors:
        """The tensors that it takes, if all is as recorded."""
        tensors = [source.load(given) for source in self.sources]
        self._check_memory(tensors)
        for location, found in self.looked:
            grad = location.find(given)._grad
            if (grad is not None) is not found:
                was, now = ("a tensor", "None") if found else ("None", "a tensor")
                raise Changed(
                    f"{location.name}.grad is {now} now, and was {was} when it was recorded"
                )
        return tensors

    def run(self, slots: Slots) -> None:
        """Run every entry."""
        for entry in self.entries:
            entry.run(slots)
            for index in entry.frees:
                slots[index] = None

    def _check_memory(self, tensors: Tensors) -> None:
        """Sources lie in one memory where they did."""
        known: dict[int, int] = {}
        for number, tensor in enumerate(tensors):
            first = known.setdefault(id(root(held(tensor))), number)
            if first != self.shared[number]:
                other = self.sources[min(first, self.shared[number])].location.name
                now = "shares memory" if first != number else "does not share memory"
                raise Changed(
                    f"{self.sources[number].location.name} {now} with {other}, other than when it was "
                    "recorded"
                )

    def leave(
        self,
        given: Tensors,
        slots: Slots,
        tensors: Tensors,
        attach: Callable[[Tensors], None] | None = None,
    ) -> Any:
        """Leave counts, gradients and results as eager would; attach gives those differentiated a node."""
        for one, tensor in zip(self.sources, tensors, strict=True):
            if one.changes:
                tensor._changes_[0] += one.changes
                tensor._changes_[1] = one.site
            if one.wants is not one.requires_grad:
                tensor._requires_grad_ = one.wants
        known = {id(r): r.make(given, slots, tensors) for r in self.kept()}
        if self.backward is not None and attach is not None:
            attach([known[id(result)] for result in self.backward.outs])
        made = [known[id(result)] for result in self.results]
        grads = [
            (location.find(given), None if result is None else known[id(result)])
            for location, result in self.grads
        ]
        places = [(at, known[id(result)]) for at, result in self.rebound]
        for tensor, grad in grads:
            tensor._grad = grad
        for at, tensor in places:
            at.fact.put(at.key, tensor)
        return together(self.tree, lambda leaf: _leaf(leaf, made, slots))

    # ---- reading ---------------------------------------------------------------------------------

    def __str__(self) -> str:
        return "\n".join(self._lines())

    __repr__ = __str__

    def _lines(self) -> Iterator[str]:
        yield f"program {self.name}"
        for one in self.sources:
            what = "input" if isinstance(one.location, Argument) else "state"
            kind = one.value.kind + (" requires_grad" if one.requires_grad else "")
            yield f"  {what:<8}{one.value.name}: {kind}" + (", written" if one.written else "")
        shown: tuple[Line, bool] | None = None
        for entry in self.entries:
            if (entry.line, entry.back) != shown:
                shown = entry.line, entry.back
                where = f"{os.path.basename(entry.line[0])}:{entry.line[1]}"
                back = "backward of " if entry.back else ""
                yield f"{back}{where}  {source(entry.line)}"
            makes = entry.outs
            if not makes:
                yield f"    {entry.text()}"
                continue
            kinds = ", ".join(m.kind for m in makes if isinstance(m, Value))
            names = ", ".join(m.name for m in makes)
            yield f"    {names} = {entry.text()}" + (f"  # {kinds}" if kinds else "")
        for location, result in self.grads:
            yield f"  grad    {location.name}.grad = {_name(result)}"
        for at, result in self.rebound:
            yield f"  set     {at.name} = {_name(result)}"
        for result in self.results:
            yield f"  result  {_name(result)}"
        ways, targets = (
            ((), ()) if self.backward is None else (self.backward.ways, self.backward.targets)
        )
        for way in ways:
            begin = ", ".join(seed.name for seed in way.seeds)
            for target, made in zip(targets, way.grads, strict=True):
                yield f"  from {begin}: {target.name} gets {_name(made)}"


def _name(result: Result | None) -> str:
    if result is None:
        return "None"
    return (
        result.value.name
        if result.value is not None
        else str(result.location and result.location.name)
    )


def _leaf(leaf: Any, made: Tensors, slots: Slots) -> Any:
    if leaf.__class__ is Leaf:
        return made[leaf.number]
    return slots[leaf.index] if leaf.__class__ is Figure else leaf


class State:
    """Arrays and generators as they were, to go back to."""

    def __init__(self, arrays: list[Array], generators: list[Any], stores: list[Store]) -> None:
        self.numbers = [(s.options, s.key, s.options[s.key]) for s in stores]
        memories = {id(memory): memory for memory in map(root, arrays)}
        self.arrays = [(memory, memory.copy()) for memory in memories.values()]
        self.generators = [(g, g.get_state()) for g in generators]

    def restore(self) -> None:
        """Be as before."""
        for array, values in self.arrays:
            array[...] = values
        for generator, state in self.generators:
            generator.set_state(state)
        for options, key, value in self.numbers:
            options[key] = value
