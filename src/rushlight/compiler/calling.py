"""What happens around the C at each call, written as straight lines of Python.

A call has to see that all is as it was recorded, hand pointers over, and leave counts, gradients and
results as eager would. As loops over lists that takes longer than the arithmetic of a small network; so
it is written out, once, as the source of a function (`Step.caller` shows it): `a is b` for each
fact, with everything it names in its closure.

The function gives `MISS` where something is not the very same: then the slow way looks (`World.check`),
which knows what is only another object of the same value, and says what has changed.
"""

from __future__ import annotations

import collections
import functools
import sys
import types
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.compiler.fresh import Fresh, counts, gradient
from rushlight.compiler.graph import Memory
from rushlight.compiler.machine import Machine
from rushlight.compiler.midway import Stranded
from rushlight.compiler.recording.entries import Entry, Perform
from rushlight.compiler.recording.facts import PLAIN, TENSOR, Fact, same
from rushlight.compiler.recording.program import (
    Argument,
    Held,
    Location,
    Program,
    Replayed,
    Result,
    Source,
)
from rushlight.compiler.recording.tree import Leaf
from rushlight.compiler.recording.values import Figure
from rushlight.compiler.straight import Text
from rushlight.core.state import state
from rushlight.core.tensor import TensorBase, inference, wrap
from rushlight.core.turned import held
from rushlight.memory import address, root
from rushlight.overriding.asking import ALL, thread
from rushlight.utils.trees import tree_unflatten

MISS = object()
# Results up to this many bytes are copied out of the arena.
_SMALL = 4096


class CannotWrite(Exception):
    """This program is called the slow way."""


def caller(program: Program, machine: Machine) -> tuple[Any, str]:
    """The function that calls a machine, and its text; CannotWrite if it is too unlike others."""
    return Caller(program, machine).write()


class Caller:
    """Writes the function that calls a program."""

    def __init__(self, program: Program, machine: Machine) -> None:
        self.program, self.machine = program, machine
        # The names of what Python gave in this call.
        self.performed: list[str] = []
        self.text = Text()
        self.tests: list[str] = []
        # What has been asked: two facts may lead to one question.
        self.asked: set[str] = set()
        self.lasts: dict[int, list[Any]] = {}
        # Whether NumPy runs between pieces of C.
        self.outside = any(
            isinstance(step, Entry) and not isinstance(step, Perform) for step in machine.order
        )

    def write(self) -> tuple[Any, str]:
        """The function, and its text."""
        program, machine = self.program, self.machine
        if program.rebound or machine.reversible or program.stores:
            raise CannotWrite
        text, busy = self.text, machine.busy
        text.line(f"if not {text.name(busy.acquire)}(False):")
        text.line(f"    return {text.name(MISS)}")
        text.line("try:")
        text.depth += 1
        text.line("try:")
        text.depth += 1
        self._arguments()
        self._modes()
        for fact in program.world.facts:
            self._fact(fact)
        self._sources()
        for location, found in program.looked:
            if not isinstance(location, Held):
                raise CannotWrite
            self.tests.append(
                f"{self.text.name(location.tensor)}._grad is {'not ' if found else ''}None"
            )
        self._flush()
        self._options()
        text.depth -= 1
        # What was looked for is not there any more.
        text.line("except (LookupError, AttributeError, ValueError):")
        text.line(f"    return {text.name(MISS)}")
        self._kept()
        self._run()
        self._leave()
        text.depth -= 1
        text.line("finally:")
        text.line(f"    {text.name(busy.release)}()")
        return self.text.function("def call(args, kwargs):")

    def _flush(self) -> None:
        """Ask all that has been gathered."""
        text = self.text
        tests = [test for test in dict.fromkeys(self.tests) if test not in self.asked]
        self.asked.update(tests)
        for start in range(0, len(tests), 16):
            part = tests[start : start + 16]
            text.line(f"if not ({' and '.join(part)}):")
            text.line(f"    return {text.name(MISS)}")
        self.tests = []

    # ---- what must be as it was ------------------------------------------------------------------

    def _arguments(self) -> None:
        """How many, and what is no tensor."""
        spec, leaves = self.program.world.rest
        args, kwargs = tree_unflatten(leaves, spec)
        self.given: dict[int, str] = {}
        self._parts("args", args)
        self._parts("kwargs", kwargs)
        for number, tensor in self.program.world.pinned:
            self.tests.append(f"a{number} is {self.text.name(tensor, 't')}")

    def _parts(self, name: str, known: Any) -> None:
        """The parts of a tuple, list or dict, which has as many as when it was recorded."""
        text = self.text
        self.tests.append(f"len({name}) == {len(known)}")
        keyed = known.items() if known.__class__ is dict else enumerate(known)
        if known.__class__ is dict and known:
            keys = " and ".join(f"{text.literal(key)} in {name}" for key in known)
            self.tests.append(f"({keys})")
        self._flush()
        for key, part in keyed:
            at = f"{name}[{text.literal(key)}]"
            if part.__class__ is Leaf:
                if part.number in self.given:
                    self.tests.append(f"{at} is {self.given[part.number]}")
                else:
                    self.given[part.number] = f"a{part.number}"
                    text.line(f"a{part.number} = {at}")
            elif part.__class__ in (tuple, list, dict):
                inner = f"{name}_{len(self.text.lines)}"
                text.line(f"{inner} = {at}")
                self.tests.append(f"{inner}.__class__ is {part.__class__.__name__}")
                self._flush()
                self._parts(inner, part)
            elif isinstance(part, tuple | list | dict):
                # A tuple with names, say: its class is taken apart the slow way.
                raise CannotWrite
            else:
                self.tests.append(self._same(at, part))

    def _same(self, found: str, value: Any) -> str:
        """Whether what is found is the value, or equals it if it is a number or a word."""
        text = self.text
        test = f"{found} is {text.name(value)}"
        if value is None or isinstance(value, bool) or not isinstance(value, PLAIN):
            return test
        return f"({test} or {text.name(same)}({found}, {text.name(value)}))"

    def _modes(self) -> None:
        grad, inferring, default, autocast, anomaly, packing, answers, watchers = (
            self.program.world.modes
        )
        if any((autocast, anomaly, packing, answers != (ALL, ()), watchers)):
            raise CannotWrite
        s = self.text.name(state, "state")
        self.tests += [
            f"{s}.grad is {grad}",
            f"{self.text.name(inference)}.on is {inferring}",
            f"{s}.autocast is None",
            f"{s}.anomaly is None",
            f"{s}.packing is None",
            f"not {self.text.name(thread)}.modes",
            f"{self.text.name(thread)}.asked == {ALL}",
            f"not {s}.interpreters",
            f"{self.text.name(dtypes.get_default_dtype)}() is {self.text.name(default)}",
        ]

    def _fact(self, fact: Fact) -> None:
        text, holder, world = self.text, fact.holder, self.program.world
        if fact.found is not None and len(fact.found) == 3:
            # All that an attribute holds: then what is not in it is not there.
            owner, attribute, _ = fact.found
            mapping = getattr(owner, attribute)
            self.tests += [
                f"{text.name(owner)}.{attribute} is {text.name(mapping)}",
                _counted(text.name(mapping), mapping),
            ]
            if holder is None:
                return
        if isinstance(holder, set):
            text.name(holder)
            self.tests.append(
                f"not {text.name(holder)}"
                if not holder
                else f"not any({text.name(fact)}.differences({text.name(world.used)}))"
            )
            return
        if holder is None or any(v is TENSOR for v in fact.expected.values()):
            self.tests.append(f"not any({text.name(fact)}.differences({text.name(world.used)}))")
            return
        where = text.name(holder)
        if fact.found is not None:
            found = f"{text.name(fact.found[0])}.{fact.found[1]}"
            if len(fact.found) == 3:
                mapping = getattr(fact.found[0], fact.found[1])
                found = f"{text.name(mapping)}[{text.name(fact.found[2])}]"
            self.tests.append(f"{found} is {where}")
        if isinstance(holder, types.CellType):
            for value in fact.expected.values():
                self.tests.append(self._same(f"{where}.cell_contents", value))
            return
        part = isinstance(holder, dict) and "__name__" in holder and "__spec__" in holder
        if not part:
            self.tests.append(_counted(where, holder))
        for key, value in fact.expected.items():
            at = repr(key) if isinstance(key, str | int) else text.name(key)
            now = (
                holder[key]
                if isinstance(holder, list | collections.deque)
                else holder.get(key, value)
            )
            if not same(value, now):
                raise CannotWrite
            self.tests.append(self._same(f"{where}[{at}]", now))

    def _sources(self) -> None:
        """Tensors are as they were; new arrays of arguments give new pointers."""
        text, machine = self.text, self.machine
        self.table = text.name(machine.table, "table")
        roots = {id(root(source.array)) for source in self.program.sources}
        self.pointers: list[str] = []
        pointed = {number: (at, back) for number, at, back in machine.sources}
        for number, source in enumerate(self.program.sources):
            location = source.location
            if source.turned:
                raise CannotWrite
            if isinstance(location, Held):
                t = text.name(location.tensor, "t")
                array = held(location.tensor)
                first = self.program.sources[self.program.shared[number]]
                if isinstance(first.location, Argument):
                    raise CannotWrite
                self.tests += [f"{t}._data_ is {text.name(array)}", *self._tensor_tests(t, source)]
                if number in pointed:
                    at, back = pointed[number]
                    machine.table[at] = address(array) - back
            elif isinstance(location, Argument):
                self._argument(number, source, pointed, roots)
            else:
                raise CannotWrite
        self._apart()
        self._flush()
        for line in self.pointers:
            text.line(line)
        self.pointers = []

    def _apart(self) -> None:
        """An argument that is written shares no memory with another."""
        text = self.text
        given = [
            (n, s) for n, s in enumerate(self.program.sources) if isinstance(s.location, Argument)
        ]
        for at, (number, source) in enumerate(given):
            for other, second in given[:at]:
                if source.written or second.written:
                    of = text.name(root)
                    self.tests.append(f"{of}(d{number}) is not {of}(d{other})")

    def _tensor_tests(self, t: str, source: Source) -> list[str]:
        tests = [f"{t}._requires_grad_ is {source.requires_grad}"]
        if source.open:
            # A leaf that is always the same is where its gradient goes.
            return [*tests, f"{t}._node_ is None"] if isinstance(source.location, Held) else tests
        tests.append(f"{t}._node_ is None")
        if source.hooks:
            raise CannotWrite
        tests.append(f"{t}._hooks_ is None")
        return tests

    def _argument(self, number: int, source: Source, pointed: Any, roots: set[int]) -> None:
        text = self.text
        location = source.location
        if not isinstance(location, Argument):
            raise CannotWrite
        t = self.given[location.number]
        if self.program.shared[number] != number:
            raise CannotWrite
        self.tests.append(
            f"{t}.__class__ is {text.name(self.program.world.kinds[location.number])}"
        )
        self.tests.append(f"not {t}._turned_")
        self.tests += self._tensor_tests(t, source)
        self._flush()
        d = f"d{number}"
        text.line(f"{d} = {t}._data_")
        last = text.name([None], "last")
        self.tests.append(f"({d} is {last}[0] or {text.name(self._fits(source, roots))}({d}))")
        if number in pointed:
            at, back = pointed[number]
            self.pointers += [
                f"if {d} is not {last}[0]:",
                f"    {self.table}[{at}] = {text.name(address)}({d}) - {back}",
                f"    {last}[0] = {d}",
            ]

    def _fits(self, source: Source, roots: set[int]) -> Any:
        """Whether another array is as the recorded one, and lies in no memory that is known."""
        others = roots - {id(root(source.array))}
        fits = source.value.fits
        # The recording's own array may come again.
        return lambda array: fits(array) and id(root(array)) not in others

    # ---- running ---------------------------------------------------------------------------------

    def _options(self) -> None:
        """Look up the numbers of optimizers."""
        text = self.text
        n = text.name(self.machine.doubles, "n")
        self.looked_up: list[str] = []
        for entry in self.machine.options:
            at = f"{text.name(entry.options)}[{entry.key!r}]"
            if entry.part is not None:
                at += f"[{entry.part}]"
            v = f"v{entry.outs[0].index}"
            text.line(f"{v} = {at}")
            text.line(f"if {v}.__class__ is not {text.name(entry.found.__class__)}:")
            text.line(f"    return {text.name(MISS)}")
            text.line(f"{n}[{entry.outs[0].index}] = {v}")
            self.looked_up.append(f"{at} is {v}")

    def _kept(self) -> None:
        """Memory for gradients and results: last time's, if nobody else has it."""
        program, machine, text = self.program, self.machine, self.text
        graph = machine.graph
        self.fresh: dict[int, str] = {}
        of: dict[int, list[Result]] = {}
        for result in program.kept():
            if result.value is not None:
                memory = graph.places[result.value.index].memory
                known = of.setdefault(memory.number, [])
                if all(result is not other for other in known):
                    known.append(result)
        self.reused: dict[int, str] = {}
        # The arrays of kept memory, which Python may read between pieces of C.
        self.lying: dict[int, str] = {}
        looked_at = machine.looked_at()
        for memory in machine.kept:
            results = of.get(memory.number, [])
            if len(results) != 1:
                raise CannotWrite
            (result,) = results
            spot = graph.places[result.value.index]  # type: ignore[union-attr]
            if not _is_plain(result) or not spot.is_whole():
                raise CannotWrite
            owners = [location for location, r in program.grads if r is result]
            seen = any(r is result for r in program.results) or result.requires_grad
            if len(owners) == 1 and isinstance(owners[0], Held) and not seen:
                box = [*gradient(machine, memory, spot.shape, result.changes)]
                tensors, arrays = counts(box)
                b, at = text.name(box, "b"), len(self.reused)
                count = text.name(sys.getrefcount, "count")
                text.line(f"g{at}, d = {b}")
                # One more has the tensor: the gradient's owner.
                text.line(
                    f"if {count}(d) != {arrays} or {count}(g{at}) > {tensors + 1} or g{at}._data_ is not d "
                    f"or g{at}._requires_grad_ or g{at}._view_ is not None or g{at}._node_ is not None "
                    f"or g{at}._changes_[0] != {result.changes}:"
                )
                renew = functools.partial(gradient, machine, memory, spot.shape, result.changes)
                text.line(f"    g{at}, d = {b}[:] = {text.name(renew)}()")
                self.reused[id(result)] = f"g{at}"
                if memory.number in looked_at:
                    self.lying[memory.number] = f"g{at}._data_"
            else:
                self.fresh[id(result)] = self._result(memory, spot.shape)

    def _result(self, memory: Memory, shape: Any, apart: bool = False) -> str:
        """The C of a new array: a small one is copied, into a large one the program writes."""
        machine, text = self.machine, self.text
        if 0 in shape:
            # NumPy gives no strides to what has no elements.
            raise CannotWrite
        if not (apart or self.outside) and memory.size * memory.dtype.itemsize <= _SMALL:
            array = np.empty(shape, memory.dtype)
            machine.table[memory.number] = address(array)
            return f"{text.name(array.copy)}()"
        make = text.name(Fresh(machine, memory, shape), "f")
        text.line(f"r{memory.number} = {make}.array()")
        return f"r{memory.number}"

    def _run(self) -> None:
        text, machine = self.text, self.machine
        if self.outside:
            if self.performed:
                raise CannotWrite
            tensors = ", ".join(self._located(source.location) for source in self.program.sources)
            text.line(f"tensors, slots = [{tensors}], [None] * {self.program.size}")
            flat = text.name(machine.flat, "flat")
            self.lying |= {int(name[1:]): name for name in self.fresh.values() if name[0] == "r"}
            for number, array in self.lying.items():
                text.line(f"{flat}[{number}] = {array}.reshape(-1)")
        for step in machine.order:
            if isinstance(step, Perform):
                self._perform(step)
            elif isinstance(step, Entry):
                call = f"{text.name(machine.step)}({text.name(step)}, tensors, slots, False)"
                if id(step) in machine.late:
                    text.line(call)
                    continue
                # Eager finds what is wrong, too, and says it: nothing has been changed.
                text.line("try:")
                text.line(f"    {call}")
                text.line("except Exception:")
                text.line(f"    {self._stopped()}")
            else:
                function = text.name(step, "run")
                run = f"{function}({text.name(machine._table)}, {text.name(machine._numbers)})"
                if machine.locks:
                    locks = ", ".join(text.name(lock, "lock") for lock in machine.locks)
                    text.line(f"with {locks}:")
                    text.line(f"    stopped = {run}")
                    run = "stopped"
                text.line(f"if {run}:")
                text.line(f"    {self._stopped()}")

    def _perform(self, entry: Perform) -> None:
        """Python's code, which gives a tensor or a tuple of tensors as it did."""
        text, machine = self.text, self.machine
        spec, leaves = entry.outcome.rest
        if entry.inputs or any(leaf.__class__ is not Leaf for leaf in leaves):
            raise CannotWrite
        # What was looked up before would have to be put back where the program stops.
        if len(early := machine.early[id(entry)]) < len(machine.options):
            raise CannotWrite
        if [leaf.number for leaf in leaves] != list(range(len(entry.outs))) or any(
            entry.outcome.turns
        ):
            raise CannotWrite
        parts = [f"y{entry.outs[0].index}_{at}" for at in range(len(leaves))] if leaves else []
        made = f"made{len(self.performed)}"
        self.performed.append(made)
        before = [f"({given}, None)" for given in self.performed[:-1]]
        text.line("try:")
        text.line(f"    {made} = {text.name(entry.function)}()")
        text.line("except BaseException as error:")
        text.line(f"    {self._stranded([*before, '(None, error)'])} from None")
        if spec.is_leaf() and len(parts) == 1:
            text.line(f"{parts[0]} = {made}")
        elif spec.type is tuple and len(spec.children_specs) == len(parts):
            text.line(f"if {made}.__class__ is not tuple or len({made}) != {len(parts)}:")
            text.line(f"    {self._stopped()}")
            text.line(f"{', '.join(parts)}{',' if len(parts) == 1 else ''} = {made}")
        elif parts:
            raise CannotWrite
        for part, out in zip(parts, entry.outs, strict=True):
            memory = machine.graph.places[out.index].memory
            text.line(
                f"if not isinstance({part}, {text.name(TensorBase)}) or {part}._turned_ "
                f"or {part}._requires_grad_:"
            )
            text.line(f"    {self._stopped()}")
            text.line(f"d = {part}._data_")
            text.line(f"if d is not {text.name(self._last(memory.number))}[0]:")
            text.line(f"    if not {text.name(out.fits)}(d):")
            text.line(f"        {self._stopped()}")
            text.line(f"    {self.table}[{memory.number}] = {text.name(address)}(d)")
            text.line(f"    {text.name(self._last(memory.number))}[0] = d")
        if early:
            text.line(f"if not ({' and '.join(self.looked_up)}):")
            text.line(f"    {self._stopped()}")

    def _stopped(self) -> str:
        """What happens when the program cannot go on as C."""
        name = self.text.name
        if not self.performed:
            return f"return {name(MISS)}"
        return self._stranded([f"({given}, None)" for given in self.performed])

    def _stranded(self, given: list[str]) -> str:
        """The function is run from its beginning, with what Python gave."""
        name = self.text.name
        return f"raise {name(Stranded)}({name(self.program.world)}, [{', '.join(given)}])"

    def _last(self, number: int) -> list[Any]:
        """Where the array is kept to which a pointer points."""
        return self.lasts.setdefault(number, [None])

    def _leave(self) -> None:
        program, text = self.program, self.text
        for source in program.sources:
            location = source.location
            if source.wants is not source.requires_grad:
                raise CannotWrite
            if source.changes:
                text.line(f"c = {self._located(location)}._changes_")
                text.line(f"c[0] += {source.changes}")
                text.line(f"c[1] = {text.name(source.site)}")
        made: dict[int, str] = dict(self.reused)
        for result in program.kept():
            if id(result) in made:
                continue
            if result.location is not None:
                made[id(result)] = self._located(result.location)
                continue
            name = f"x{len(made)}"
            array = self.fresh.get(id(result))
            if array is None:
                # NumPy has made it.
                if not self.outside or result.value is None or not _is_plain(result):
                    raise CannotWrite
                array = f"{text.name(self.machine.array)}({result.value.index}, tensors)"
            text.line(f"{name} = {text.name(wrap)}({array})")
            if result.requires_grad and result.value is not None and not self._handed(result):
                node = Replayed(result.name or "Replayed", result.value.shape, result.value.dtype)
                text.line(f"{name}._requires_grad_ = True")
                text.line(f"{name}._node_ = {text.name(node)}")
            if result.changes:
                text.line(f"{name}._changes_[0] = {result.changes}")
            made[id(result)] = name
        self._attach(made)
        for location, grad in program.grads:
            value = "None" if grad is None else made[id(grad)]
            text.line(f"{self._located(location)}._grad = {value}")
        results = [made[id(result)] for result in program.results]
        text.line(f"return {self._tree(results)}")

    def _handed(self, result: Result) -> bool:
        """Whether a result gets its node apart from the others."""
        return False

    def _attach(self, made: dict[int, str]) -> None:
        """Give results their node."""

    def _located(self, location: Location) -> str:
        """The name of a tensor that was there before."""
        if isinstance(location, Held):
            return self.text.name(location.tensor, "t")
        if isinstance(location, Argument):
            return self.given[location.number]
        raise CannotWrite

    def _tree(self, results: list[str]) -> str:
        spec, leaves = self.program.tree
        texts = []
        for leaf in leaves:
            if leaf.__class__ is Leaf:
                texts.append(results[leaf.number])
            elif leaf.__class__ is Figure:
                numbers = self.text.name(self.machine.doubles, "n")
                texts.append(f"{self.text.name(leaf.kind)}({numbers}[{leaf.index}])")
            elif isinstance(leaf, PLAIN):
                texts.append(self.text.name(leaf))
            else:
                raise CannotWrite
        return self._nested(tree_unflatten(texts, spec))

    def _nested(self, tree: Any) -> str:
        """Tuples, lists and dicts of texts as text."""
        if tree.__class__ is str:
            return str(tree)
        if tree.__class__ in (tuple, list):
            inner = "".join(f"{self._nested(part)}, " for part in tree)
            return f"({inner})" if tree.__class__ is tuple else f"[{inner}]"
        if tree.__class__ is dict:
            parts = (f"{self.text.literal(k)}: {self._nested(v)}" for k, v in tree.items())
            return f"{{{', '.join(parts)}}}"
        raise CannotWrite


def _counted(name: str, holder: Any) -> str:
    """Whether a container holds as many as it does now; an empty one of Python's own is false."""
    plain = holder.__class__ in (dict, list, set, collections.OrderedDict, collections.deque)
    return f"not {name}" if plain and not holder else f"len({name}) == {len(holder)}"


def _is_plain(result: Result) -> bool:
    """Whether a result is a tensor like any other, with memory of its own."""
    return (
        result.kind is None and not result.turned and not result.inference and result.shares is None
    )


__all__ = ["MISS", "Caller", "CannotWrite", "caller"]
