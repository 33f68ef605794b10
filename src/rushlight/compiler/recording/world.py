"""What a function can see of Python: its closure, the globals it names, the objects behind them.

A program replays tensors, not Python. So what Python looked at must be as it was: `World` walks over
everything that can be reached from a function and its arguments before it runs, and notes it as
facts. Two questions are then asked of them. Has the function changed one itself? Then a replay,
which would not, is refused. Do all hold at a replay? If not, the error says which does not.
"""

from __future__ import annotations

import array
import builtins
import collections
import dis
import functools
import io
import os
import pickle
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rushlight.compiler.recording.errors import CannotRecord, Changed
from rushlight.compiler.recording.facts import (
    MISSING,
    PLAIN,
    VALUES,
    Fact,
    Place,
    Taken,
    Through,
    but_of,
    same,
    told,
)
from rushlight.compiler.recording.modes import mode_changed, modes
from rushlight.compiler.recording.origin import OWN, USER, origin
from rushlight.compiler.recording.rates import rates_of, state_of, without_rates
from rushlight.compiler.recording.tree import Leaf, apart, containers
from rushlight.compiler.recording.values import fingerprint
from rushlight.core.tensor import TensorBase
from rushlight.nn.modules.hooks import (
    _global_backward_hooks,
    _global_backward_pre_hooks,
    _global_forward_hooks,
    _global_forward_pre_hooks,
)
from rushlight.optim.lr_scheduler import LRScheduler
from rushlight.optim.optimizer import Optimizer, _post_hooks_of_all, _pre_hooks_of_all
from rushlight.random import Generator

# So much is walked over, and not more.
MOST = 200_000
_HOOKS_OF_ALL = {
    "the hooks before the steps of all optimizers": _pre_hooks_of_all,
    "the hooks after the steps of all optimizers": _post_hooks_of_all,
    "the hooks before all modules": _global_forward_pre_hooks,
    "the hooks after all modules": _global_forward_hooks,
    "the hooks before the backward of all modules": _global_backward_pre_hooks,
    "the hooks after the backward of all modules": _global_backward_hooks,
}
_INSIDE_OF_MODULES = {"_parameters", "_buffers", "_modules"}


@dataclass(eq=False)
class World:
    """The facts about a function and its arguments."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    facts: list[Fact] = field(default_factory=list)
    # Tensors that were found, by identity, and what they are called.
    names: dict[int, str] = field(default_factory=dict)
    tensors: list[Any] = field(default_factory=list)
    iterators: list[Place] = field(default_factory=list)
    optimizers: list[tuple[str, Optimizer]] = field(default_factory=list)
    # The groups of optimizers, and what their numbers are unless the function itself changes them.
    rates: list[tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=list)
    # States of random generators that are not ours.
    streams: list[tuple[str, Callable[[], Any], Any]] = field(default_factory=list)
    # The state of optimizers per parameter, and what was in it.
    states: list[tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=list)
    used: set[str] | None = None

    def __post_init__(self) -> None:
        self.seen: dict[int, Any] = {}
        self.recording = False
        # Is told of every tensor that is found.
        self.found: Callable[[Any], Any] = lambda tensor: None
        # Arguments that the function also finds elsewhere.
        self.pinned: list[tuple[int, Any]] = []
        self.tensors_given, self.rest = apart((self.args, self.kwargs))
        self.kinds = list(map(type, self.tensors_given))
        self.modes = modes()
        given = _names(self.function, self.args)
        for name, value in [*given.items(), *self.kwargs.items()]:
            self.walk(value, name)
        self.walk(self.function, getattr(self.function, "__name__", type(self.function).__name__))
        self.environment = self._note(lambda key: f"os.environ[{key!r}]", lambda: os.environ, False)
        for name, hooks in _HOOKS_OF_ALL.items():
            self._note(
                functools.partial(_keyed, name),
                functools.partial(_itself, hooks),
                False,
                holder=hooks,
            )
        if "numpy.random" in sys.modules:
            self.walk(np.random.mtrand._rand, "numpy.random")

    # ---- walking ---------------------------------------------------------------------------------

    def walk(self, thing: Any, name: str) -> None:
        """Note what thing holds, and everything behind it."""
        waiting = [(thing, name)]
        while waiting:
            thing, name = waiting.pop()
            if isinstance(thing, PLAIN) or id(thing) in self.seen:
                continue
            self.seen[id(thing)] = thing
            if len(self.seen) > MOST:
                raise CannotRecord(
                    f"more than {MOST} objects can be reached from {self.function}: they would have to "
                    "be watched. Hand what the function needs to it as arguments"
                )
            waiting.extend(reversed(list(self._behind(thing, name))))

    def _behind(self, thing: Any, name: str) -> Iterator[tuple[Any, str]]:
        if isinstance(thing, TensorBase):
            self.names[id(thing)] = name
            self.tensors.append(thing)
            self.found(thing)
        elif isinstance(thing, np.ndarray):
            if thing.dtype.kind != "O":
                self._note(lambda _: name, lambda: {VALUES: fingerprint(thing)}, None)
            else:
                yield from self._numbered(thing.reshape(-1), name)
        elif isinstance(thing, bytearray | array.array):
            self._note(lambda _: name, lambda: {VALUES: bytes(thing)}, None)
        elif isinstance(thing, dict):
            yield from self._mapping(thing, lambda: thing, lambda k: f"{name}[{k!r}]", False)
        elif isinstance(thing, list | collections.deque):
            yield from self._numbered(thing, name)
        elif isinstance(thing, tuple | set | frozenset):
            if isinstance(thing, set):
                self._note(
                    lambda _: name, lambda: {"elements": frozenset(thing)}, None, holder=thing
                )
            for number, part in enumerate(thing):
                if _is_iterator(part):
                    self._iterator(part, f"{name}[{number}]", None)
                yield part, f"{name}[{number}]"
        elif isinstance(thing, types.FunctionType):
            yield from self._function(thing, name)
        elif isinstance(thing, Through):
            yield thing.function, name
        elif isinstance(thing, types.MethodType):
            yield thing.__self__, name.rpartition(".")[0] or name
            yield thing.__func__, name
        elif isinstance(thing, functools.partial):
            yield from ((part, name) for part in (thing.func, thing.args, thing.keywords))
        elif isinstance(thing, property):
            yield from ((part, name) for part in (thing.fget, thing.fset) if part is not None)
        elif isinstance(thing, staticmethod | classmethod):
            yield thing.__func__, name
        elif isinstance(thing, type):
            if origin(thing.__module__) == USER:
                for cls in thing.__mro__:
                    if origin(cls.__module__) == USER:
                        yield from self._class(cls)
        elif isinstance(thing, types.ModuleType):
            return
        elif isinstance(thing, Optimizer):
            self.optimizers.append((name, thing))
            self.states += [(state, dict(state)) for state in thing.state.values()]
            for group in thing.param_groups:
                self.rates.append((group, rates_of(group)))
                yield group["params"], name
            # A subclass of the user's keeps more.
            if origin(type(thing).__module__) == USER:
                yield type(thing), type(thing).__name__
        elif isinstance(thing, np.random.Generator | np.random.RandomState):
            bits = (
                thing.bit_generator
                if isinstance(thing, np.random.Generator)
                else thing._bit_generator
            )
            self.streams.append((name, lambda: pickle.dumps(bits.state), pickle.dumps(bits.state)))
        elif isinstance(thing, LRScheduler | Generator):
            return
        else:
            yield from self._object(thing, name)

    def _object(self, thing: Any, name: str) -> Iterator[tuple[Any, str]]:
        cls = type(thing)
        if cls.__module__ == "builtins" or origin(cls.__module__) not in (USER, OWN):
            own = getattr(thing, "__dict__", None)
            if cls.__module__ == "random" and hasattr(thing, "getstate"):
                self.streams.append((name, thing.getstate, thing.getstate()))
            elif type(own) is dict and own:
                yield from self._mapping(own, lambda: own, lambda k: f"{name}.{k}", True)
            return
        yield cls, cls.__name__
        own = getattr(thing, "__dict__", None)
        if type(own) is dict:
            inside = self._mapping(
                own,
                lambda: thing.__dict__,
                lambda k: f"{name}.{k}",
                True,
                found=(thing, "__dict__"),
            )
            for value, label in inside:
                if label.rpartition(".")[2] in _INSIDE_OF_MODULES and type(value) is dict:
                    self.seen[id(value)] = value
                    yield from self._mapping(
                        value, functools.partial(_itself, value), lambda k: f"{name}.{k}", False
                    )
                else:
                    yield value, label
        slots = [
            slot
            for base in cls.__mro__
            if origin(base.__module__) == USER
            for slot in _slots(base)
            if slot not in ("__dict__", "__weakref__")
        ]
        if slots:

            def held() -> dict[str, Any]:
                return {slot: getattr(thing, slot) for slot in slots if hasattr(thing, slot)}

            yield from self._mapping(held(), held, lambda k: f"{name}.{k}", True, place=False)

    def _note(
        self,
        name: Any,
        read: Callable[[], Any],
        by_name: bool | None,
        put: Any = None,
        holder: Any = None,
        found: tuple[Any, ...] | None = None,
    ) -> Fact:
        fact = Fact(name, read, dict(read()), bool(by_name), put, holder, found)
        self.facts.append(fact)
        return fact

    def _mapping(
        self,
        mapping: Any,
        read: Callable[[], Any],
        name: Callable[[Any], str],
        by_name: bool,
        place: bool = True,
        found: tuple[Any, ...] | None = None,
    ) -> Iterator[Any]:
        holder = (
            mapping if read() is mapping or isinstance(mapping, types.MappingProxyType) else None
        )
        self._note(name, read, by_name, mapping.__setitem__ if place else None, holder, found)
        for key, value in list(mapping.items()):
            if _is_iterator(value):
                put = functools.partial(mapping.__setitem__, key) if place else None
                self._iterator(value, name(key), put)
            elif not isinstance(value, PLAIN):
                yield value, name(key)

    def _numbered(self, things: Any, name: str) -> Iterator[tuple[Any, str]]:
        self._note(
            lambda k: f"{name}[{k}]",
            lambda: dict(enumerate(things)),
            False,
            things.__setitem__,
            things,
        )
        for number, value in enumerate(things):
            if _is_iterator(value):
                put = functools.partial(things.__setitem__, number)
                self._iterator(value, f"{name}[{number}]", put)
            elif not isinstance(value, PLAIN):
                yield value, f"{name}[{number}]"

    def _iterator(self, iterator: Any, name: str, put: Any) -> None:
        if put is None:
            raise CannotRecord(
                f"{name} is an iterator in a place where it cannot be watched: hand what is next in it to "
                "the function, or keep it in a variable or an attribute"
            )
        else:
            self.iterators.append(Place(name, iterator, put))
            if self.recording:
                put(Taken(iterator))

    def take(self) -> None:
        """Recording starts: what is taken from iterators is taken at each run."""
        self.recording = True
        for spot in self.iterators:
            spot.put(Taken(spot.iterator))

    def give_back(self) -> None:
        """Recording is over."""
        self.recording = False
        for spot in self.iterators:
            spot.put(spot.iterator)

    def _class(self, cls: type) -> Iterator[tuple[Any, str]]:
        name = cls.__name__
        yield from self._mapping(
            vars(cls), lambda: vars(cls), lambda k: f"{name}.{k}", True, place=False
        )

    def _function(self, function: types.FunctionType, name: str) -> Iterator[tuple[Any, str]]:
        code = function.__code__
        if origin(function.__module__ or "") not in (USER, OWN):
            return
        for variable, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):

            def read(cell: Any = cell, variable: str = variable) -> dict[str, Any]:
                try:
                    return {variable: cell.cell_contents}
                except ValueError:
                    return {}

            def put_in(_: Any, value: Any, cell: Any = cell) -> None:
                cell.cell_contents = value

            self._note(lambda _, variable=variable: variable, read, False, put_in, cell)
            value = read().get(variable)
            if _is_iterator(value):
                put = functools.partial(setattr, cell, "cell_contents")
                self._iterator(value, variable, put)
            elif not isinstance(value, PLAIN):
                yield value, variable
        defaults = (function.__defaults__ or (), tuple((function.__kwdefaults__ or {}).values()))
        yield defaults, name

    def _globals_of(self, code: Any, known: dict[str, Any]) -> Iterator[tuple[Any, str]]:
        """What code finds among its globals, and in the modules there."""
        named = globals_in(code)
        # In an order that other processes have, too.
        wanted = sorted(n for n in named if n in known and known[n] is not vars(builtins).get(n))
        if not wanted:
            return
        self._note(
            lambda k: f"the global {k}",
            lambda: {n: known[n] for n in wanted if n in known},
            False,
            known.__setitem__,
            known,
        )
        for variable in wanted:
            value = known[variable]
            if _is_iterator(value):
                put = functools.partial(known.__setitem__, variable)
                self._iterator(value, variable, put)
            elif isinstance(value, types.ModuleType) and origin(value.__name__) == USER:
                inside = {n: vars(value)[n] for n in sorted(names_of(code) & vars(value).keys())}
                yield from self._mapping(
                    inside,
                    functools.partial(_chosen, vars(value), inside.keys()),
                    functools.partial(_dotted, variable),
                    True,
                    place=False,
                )
            elif not isinstance(value, PLAIN):
                yield value, variable

    def enter(self, code: Any, known: dict[str, Any]) -> None:
        """A function of the user's runs: note the globals that it names."""
        for value, name in list(self._globals_of(code, known)):
            self.walk(value, name)

    # ---- asking ----------------------------------------------------------------------------------

    def changes(self) -> Iterator[tuple[Fact, Any, Any, Any]]:
        """What the function has changed: where, its key, what was and what is there."""
        for fact in self.facts:
            for found in fact.differences():
                yield fact, *found

    def other_mode(self) -> str | None:
        """The mode that the function has left switched."""
        now = modes()
        return None if now == self.modes else mode_changed(self.modes, now)

    def moved(self) -> tuple[str, Any, Any, Any] | None:
        """A random generator that is not ours, and that the function has drawn from."""
        for name, read, before in self.streams:
            if read() != before:
                return f"the state of the random generator {name}", name, MISSING, MISSING
        return None

    def places_of(self, tensor: Any) -> int:
        """In how many places a tensor is found."""
        return sum(value is tensor for fact in self.facts for value in fact.expected.values())

    def made(self, state: dict[str, Any]) -> None:
        """The state of a parameter has been made, which was not there before."""
        self.states.append((state, dict(state)))

    def stored(self, state: dict[str, Any], key: str) -> None:
        """A number in the state of an optimizer is set by the program."""
        for known, before in self.states:
            if known is state:
                before.pop(key, None)
        for group, expected in self.rates:
            if group is state:
                expected[key] = state[key]

    def step(self) -> tuple[str, Any, Any, Any] | None:
        """The function has run: the optimizers have their state now. What changed that is no tensor."""
        known = {id(state): before for state, before in self.states}
        for name, optimizer in self.optimizers:
            self._optimizer(optimizer, name)
            for own in optimizer.state.values():
                before = known.get(id(own), {})
                for key, value in before.items():
                    if not same(own.get(key, MISSING), value):
                        return f"{name}.state[...][{key!r}]", key, value, own.get(key, MISSING)
                for key in without_rates(own).keys() - before.keys():
                    return f"{name}.state[...][{key!r}]", key, MISSING, own[key]
        return None

    def settle(self, used: set[str] | None) -> None:
        """The recording is done: keep the facts about what the code that ran names; None: about all."""
        self.used = used
        self.seen = {}
        if used is not None:
            if not used & {"environ", "getenv"}:
                self.facts.remove(self.environment)
            for fact in self.facts:
                fact.keep(used)
        self.facts = but_of(self.facts, containers((self.args, self.kwargs)))
        self.pinned = [
            (number, tensor)
            for number, tensor in enumerate(self.tensors_given)
            if self.places_of(tensor)
        ]

    def _optimizer(self, optimizer: Optimizer, name: str) -> None:
        """Its numbers are read at each run; the rest must be as it is."""
        groups = optimizer.param_groups
        self._note(
            lambda _: f"{name}.param_groups",
            lambda: dict(enumerate(optimizer.param_groups)),
            False,
            holder=groups,
            found=(optimizer, "param_groups"),
        )
        for kind in ("pre", "post"):
            hooks = f"_optimizer_step_{kind}_hooks"
            self._note(
                functools.partial(_keyed, f"{name}.{hooks}"),
                functools.partial(getattr, optimizer, hooks),
                False,
                holder=getattr(optimizer, hooks),
                found=(optimizer, hooks),
            )
        for number, group in enumerate(optimizer.param_groups):
            title = f"{name}.param_groups[{number}]"
            params = group["params"]
            self._note(
                functools.partial(_keyed, title),
                functools.partial(without_rates, group),
                False,
                holder=group,
            )
            self._note(
                functools.partial(_keyed, f"{title}['params']"),
                functools.partial(_enumerated, params),
                False,
                holder=params,
            )
            for p in params:
                own = optimizer.state.get(p)
                called = self.names.get(id(p), "parameter")
                self._note(
                    functools.partial(_keyed, f"{name}.state[{called}]"),
                    functools.partial(state_of, optimizer, p),
                    False,
                    holder=own,
                    found=(optimizer, "state", p),
                )
                for key, value in (own or {}).items():
                    if isinstance(value, TensorBase):
                        self.names.setdefault(id(value), f"{name}.state[{called}].{key}")

    def let_go(self) -> None:
        """The recording is over: keep no tensor but those by which facts are told."""
        self.args, self.kwargs, self.tensors, self.tensors_given = (), {}, [], []
        self.states, self.streams, self.seen = [], [], {}
        self.found = lambda tensor: None

    def check(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """The tensors among the arguments of a call, if all is as it was."""
        tensors, (spec, leaves) = apart((args, kwargs))
        if spec != self.rest[0]:
            raise Changed(
                "the arguments are nested in another way, or more or fewer, than when recorded"
            )
        for now, before in zip(leaves, self.rest[1], strict=True):
            if now.__class__ is before.__class__ is Leaf:
                if now != before:
                    raise Changed(
                        "two arguments are one tensor that were two when recorded, or the other way round"
                    )
            elif not same(now, before):
                raise Changed(
                    f"an argument is {told(now)} now, and was {told(before)} when recorded"
                )
        for tensor, kind in zip(tensors, self.kinds, strict=True):
            if type(tensor) is not kind:
                raise Changed(
                    f"an argument is a {type(tensor).__name__} now, and was a {kind.__name__} when recorded"
                )
        if modes() != self.modes:
            raise Changed(mode_changed(self.modes, modes()))
        for fact in self.facts:
            for found in fact.differences(self.used):
                raise Changed(fact.message(*found))
        for number, tensor in self.pinned:
            if tensors[number] is not tensor:
                raise Changed(
                    f"argument {number} is another tensor now; when it was recorded it was "
                    f"{self.names[id(tensor)]}, too, which the function also looks at"
                )
        return tensors


def _itself(mapping: Any) -> Any:
    return mapping


def _chosen(mapping: Any, keys: Any) -> dict[str, Any]:
    return {key: mapping[key] for key in keys if key in mapping}


def _dotted(name: str, key: Any) -> str:
    return f"{name}.{key}"


def _keyed(name: str, key: Any) -> str:
    return f"{name}[{key!r}]"


def _enumerated(things: Any) -> dict[int, Any]:
    return dict(enumerate(things))


def names_of(code: Any) -> set[str]:
    """The names that a piece of code, and the functions in it, use."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= names_of(constant)
    return names


def globals_in(code: Any) -> set[str]:
    """The globals among them: an attribute may have the name of one that it is not."""
    names = {
        x.argval for x in dis.get_instructions(code) if x.opname.endswith(("_GLOBAL", "_NAME"))
    }
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= globals_in(constant)
    return names


def _is_iterator(value: Any) -> bool:
    return hasattr(type(value), "__next__") and not isinstance(value, TensorBase | io.IOBase)


def _slots(cls: type) -> tuple[str, ...]:
    slots = vars(cls).get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _names(function: Any, args: tuple[Any, ...]) -> dict[str, Any]:
    """The arguments by the names of the parameters, as far as these are known."""
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    known = () if code is None else code.co_varnames[: code.co_argcount]
    if hasattr(function, "__self__"):
        known = known[1:]
    return {known[i] if i < len(known) else f"argument {i}": value for i, value in enumerate(args)}
