"""`record`: run a function once, and give what it did as a program, which is then tried."""

from __future__ import annotations

import dis
import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rushlight.allocation import Uncollected
from rushlight.caller import Line
from rushlight.compiler.recording.entries import Entry
from rushlight.compiler.recording.errors import CannotRecord, place
from rushlight.compiler.recording.facts import MISSING, PLAIN, TENSOR, told
from rushlight.compiler.recording.grads import Grads
from rushlight.compiler.recording.memories import Memories, put, same_bits
from rushlight.compiler.recording.program import (
    At,
    Backward,
    Held,
    Location,
    Program,
    Result,
    is_whole,
)
from rushlight.compiler.recording.rates import rates_of
from rushlight.compiler.recording.recorder import Recorder, position
from rushlight.compiler.recording.spy import Spy
from rushlight.compiler.recording.tree import Leaf, apart, together
from rushlight.compiler.recording.values import fingerprint, is_number, plain
from rushlight.compiler.recording.waiting import Known, Waiting
from rushlight.compiler.recording.world import World
from rushlight.core.state import state
from rushlight.core.tensor import Array, TensorBase, is_inference, result_class
from rushlight.core.turned import class_of, held
from rushlight.heavy import unchanged
from rushlight.memory import root
from rushlight.ops.creation import from_numpy

# While something is recorded a property covers the slot of gradients, for all threads.
_one_at_a_time = threading.Lock()


def record(function: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[Any, Program]:
    """Run function(*args, **kwargs) once; returns its result, and the program of what it did.

    program(*args, **kwargs) does the same again on NumPy's arrays, bit for bit: it leaves parameters,
    the state of optimizers, buffers, gradients and random generators as another call would. What
    cannot be replayed is refused (CannotRecord), here or when it shows (Changed); then nothing is
    changed.

    >>> import rushlight as torch
    >>> from rushlight.compiler import record
    >>> w = torch.ones(2, requires_grad=True)
    >>> result, program = record(lambda x: (w * x).sum(), torch.tensor([1.0, 2.0]))
    >>> result.item(), program(torch.tensor([3.0, 4.0])).item()
    (3.0, 7.0)
    """
    if any(isinstance(watcher, Recorder) for watcher in state.interpreters):
        raise CannotRecord("this is being recorded already: one recording cannot hold another")
    with _one_at_a_time:
        result, program, _ = Recording(function, args, kwargs).run()
    if program is None:
        raise CannotRecord("nothing was recorded")
    return result, program


def attempt(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    also: Callable[[Program, Proof], None] | None = None,
    kind: type[Recording] | None = None,
    tried: Callable[[Program, Sequence[Any]], bool] | None = None,
    foreseen: Callable[[World], Known | None] | None = None,
) -> tuple[Any, Program | None, CannotRecord | None]:
    """Run a function once, whatever it does, and record it if that can be done.

    Returns its result, and the program or the reason why there is none; the function has run once in
    either case, as it would have without being watched. also(program, proof) is called before the
    recording lets go: what it raises as CannotRecord is such a reason, too. tried(program, codes) tells
    whether these functions of the user's have led to that program before, which was tried then;
    foreseen(world) what is known of the operations of a function that sees this.
    """
    if any(isinstance(watcher, Recorder) for watcher in state.interpreters):
        return function(*args, **kwargs), None, CannotRecord("this is being recorded already")
    with _one_at_a_time, Uncollected() as uncollected:
        try:
            recording = (kind or Recording)(
                function, args, kwargs, lenient=True, also=also, tried=tried, foreseen=foreseen
            )
        except CannotRecord as reason:
            uncollected.end()
            return function(*args, **kwargs), None, reason
        recording.recorder.uncollected = uncollected
        return recording.run()


def rehearse(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    read: Callable[[Program], Any],
    kind: type[Recording] | None = None,
) -> Any:
    """What `read` makes of the program of a function, which has run once; all is then as it was before.

    `read` is asked while every array holds what it held when the function began.
    """
    if any(isinstance(watcher, Recorder) for watcher in state.interpreters):
        raise CannotRecord("this is being recorded already: one recording cannot hold another")
    made: list[Any] = []
    with _one_at_a_time:
        recording = (kind or Recording)(function, args, {})

        def also(program: Program, proof: Proof) -> None:
            recording.undo()
            made.append(read(program))

        recording.also = also
        recording.run()
    return made[0]


@dataclass(frozen=True)
class Compared:
    """An array that something else made, or wrote, beside what the function left there."""

    made: Array
    known: Array
    # What it held before; None: it was made new.
    before: Array | None
    # Whether the function returned it.
    returned: bool


Proof = Callable[[Callable[[list[Any], list[Any]], None]], Iterator[Compared]]


class Recording:
    """One run of a function that is watched."""

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        lenient: bool = False,
        also: Callable[[Program, Proof], None] | None = None,
        tried: Callable[[Program, Sequence[Any]], bool] | None = None,
        foreseen: Callable[[World], Known | None] | None = None,
    ) -> None:
        self.function, self.args, self.kwargs = function, args, kwargs
        self.lenient, self.also, self.tried = lenient, also, tried
        self.world = World(function, args, kwargs)
        self.memories = Memories(self.world)
        self.grads = Grads()
        self.recorder = Recorder(self.world, self.memories, self.grads, lenient)
        known = None if foreseen is None else foreseen(self.world)
        if known is not None:
            self.recorder.waiting = Waiting(self.recorder, known)
        self.spy = Spy(self.world, self.recorder)
        self.rebound: list[tuple[At, Any, Any]] = []
        self.results: dict[int, Result] = {}
        self.made: dict[int, tuple[Any, Result]] = {}

    def run(self) -> tuple[Any, Program | None, CannotRecord | None]:
        """Run the function, then try the program."""
        # Between the two nothing eager changes from NumPy to C: bits are compared.
        with unchanged():
            return self._run()

    def _run(self) -> tuple[Any, Program | None, CannotRecord | None]:
        if not self.lenient:
            try:
                result = self._watched()
                program = self._tried(result)
            except BaseException:
                self.undo()
                raise
            return self._plain(result), program, None
        result = self._watched()
        try:
            program = self._tried(result)
        except CannotRecord as reason:
            self.recorder.settle()
            return self._plain(result), None, reason
        return self._plain(result), program, None

    def _tried(self, result: Any) -> Program:
        """The program, which has been run once."""
        if self.recorder.refused is not None:
            raise self.recorder.refused
        program = self._program(result)
        known = self.tried is not None and self.tried(program, self.spy.user_codes)
        if not (known and self._may_wait(program)):
            self.recorder.settle()
        if not known:
            self._try(program)
        if self.also is not None:
            self.also(program, functools.partial(self.prove, program, result))
        self.world.settle(None if self.spy.by_any_name else self.spy.used)
        self._let_go()
        return program

    def _plain(self, result: Any) -> Any:
        return together(apart(result)[1], self._given_back(result))

    def prove(
        self, program: Program, result: Any, run: Callable[[list[Any], list[Any]], None]
    ) -> Iterator[Compared]:
        """Let something else do what the program does, from where the function began.

        Yields the memory that was used, then what was made. What waits is computed by it: then there is
        nothing to compare.
        """
        if self.recorder.waiting is not None:
            self._fill(program, run)
            return
        with self._set_back(program) as (slots, after):
            run([source.tensor for source in program.sources], slots)
            for memory, values in after:
                before = self.memories.before[id(memory)][1]
                if not self.memories.is_written(memory) and not same_bits(values, before):
                    raise self._written_unseen(memory)
                yield Compared(memory, values, before, returned=False)
            for tensor, known in self.known_results():
                if known.value is not None:
                    returned = any(known is result for result in program.results)
                    yield Compared(slots[known.value.index], held(tensor), None, returned)

    def _may_wait(self, program: Program) -> bool:
        """Whether all that waits is what the program leaves, which C may compute."""
        waiting = self.recorder.waiting
        if waiting is None or program.backward is not None:
            return False
        made = [held(tensor) for tensor, known in self.known_results() if known.value is not None]
        return waiting.unseen(made)

    def _fill(self, program: Program, run: Callable[[list[Any], list[Any]], None]) -> None:
        """Let C do what the function has not done, from where that began."""
        generators = list(self.recorder.generators.values())
        ends = [position(generator) for generator, _ in generators]
        slots: list[Any] = [None] * program.size
        for source in program.sources:
            slots[source.value.index] = source.array
        self._back(generators)
        try:
            run([source.tensor for source in program.sources], slots)
            for (generator, _), end in zip(generators, ends, strict=True):
                if not (position(generator) == end).all():
                    raise CannotRecord("the random generator stands elsewhere after the C")
        except BaseException:
            self._back(generators)
            self.recorder.settle(everything=True)
            raise
        for tensor, known in self.known_results():
            if known.value is not None and known.location is None:
                held(tensor)[...] = slots[known.value.index]
        self.recorder.waiting = None

    def _back(self, generators: list[tuple[Any, Any]]) -> None:
        """Let memory and random generators be where the function began."""
        self.memories.go_back()
        for generator, before in generators:
            generator.set_state(from_numpy(before))

    @contextmanager
    def _set_back(self, program: Program) -> Iterator[tuple[list[Any], list[tuple[Array, Array]]]]:
        """Where the function began: the slots of its program, and what it left in memory, which comes back.

        What is done meanwhile must leave random generators as the function did.
        """
        after = self.memories.now()
        generators = list(self.recorder.generators.values())
        ends = [(generator, position(generator)) for generator, _ in generators]
        self._back(generators)
        slots: list[Any] = [None] * program.size
        for source in program.sources:
            slots[source.value.index] = source.array
        try:
            yield slots, after
            for generator, end in ends:
                if not (position(generator) == end).all():
                    raise CannotRecord(
                        "the random generator stands elsewhere after the recorded call than its draws "
                        "explain: seed it outside of what is recorded"
                    )
        finally:
            put(after)
            for generator, end in ends:
                generator.set_state(from_numpy(end))

    def _written_unseen(self, memory: Array) -> CannotRecord:
        return CannotRecord(
            f"{self._owner(memory)} holds other values after the recorded call than its "
            "operations give: it was written past rushlight (through NumPy?)"
        )

    def known_results(self) -> Iterator[tuple[Any, Result]]:
        """The tensors that are there at the end, with how each is made again."""
        yield from self.made.values()

    def _let_go(self) -> None:
        """Keep nothing alive but what the program needs."""
        for source in self.recorder.sources:
            source.tensor = None
        self.recorder.let_go()
        self.memories.let_go()
        self.world.let_go()

    def _watched(self) -> Any:
        """What the function returns, while everything is watched."""
        self.world.take()
        try:
            with self.recorder, self.grads, self.spy:
                result = self.called()
        except BaseException:
            self.recorder.settle()
            raise
        finally:
            self.recorder.recording = False
            self.world.give_back()
        if self.recorder.refused is not None and not self.lenient:
            raise self.recorder.refused
        return result

    def called(self) -> Any:
        """What the function returns."""
        return self.function(*self.args, **self.kwargs)

    def backward(self) -> Backward | None:
        """How gradients are handed on, if they are."""
        return None

    def undo(self) -> None:
        """Let tensors, gradients and generators be as before."""
        for at, before, _ in self.rebound:
            if before is not MISSING:
                at.fact.put(at.key, before)
        self.memories.go_back()
        self.memories.uncount()
        self.grads.back()
        for generator, before in self.recorder.generators.values():
            generator.set_state(from_numpy(before))

    # ---- what there is besides the entries -------------------------------------------------------

    def _program(self, result: Any) -> Program:
        recorder, grads = self.recorder, self.grads
        self._unchanged()
        self._rename()
        tensors, tree = apart(result)
        results = [self.result(tensor) for tensor in tensors]
        left: list[tuple[Location, Result | None]] = []
        looked: list[tuple[Location, bool]] = []
        for tensor, before, seen in list(grads.first.values()):
            if self.memories.find(tensor, held(tensor)) is not tensor:
                continue
            where = recorder.locate(tensor, held(tensor))
            if where is None:
                continue
            if seen:
                looked.append((where, before is not None))
            after = tensor._grad
            if after is not before or not seen:
                left.append((where, None if after is None else self.result(after)))
        tree = (tree[0], [self._leaf(leaf) for leaf in tree[1]])
        # Of all that is taken, what only lies in a result included.
        self._rename()
        known = {id(source.tensor._changes_) for source in recorder.sources}
        if (touched := self.memories.touched(known)) is not None:
            name = self.world.names.get(id(touched), f"a tensor of shape {list(touched.shape)}")
            raise CannotRecord(
                f"{name} was changed in what no replay changes: its hooks, or its memory"
            )
        counted: set[int] = set()
        for source in recorder.sources:
            tensor = source.tensor
            _same_place(source, tensor)
            count = self.memories.counts.get(id(tensor._changes_))
            if count is not None and id(tensor._changes_) not in counted:
                counted.add(id(tensor._changes_))
                apart_from = self.memories.apart.get(id(tensor._changes_), 0)
                source.changes = tensor._changes_[0] - count[1] - apart_from
                source.site = tensor._changes_[1]
            source.wants = tensor._requires_grad_
            source.written = self.memories.is_written(source.array)
        backward = self.backward()
        # Who gets to see memory may write into it.
        escapes = any(
            result is not None and result.value is not None
            for result in (*results, *(result for _, result in left))
        )
        for array, entry in recorder.constants:
            entry.fresh = self.memories.is_written(array) or escapes
        program = Program(
            getattr(self.function, "__name__", type(self.function).__name__),
            self.world, recorder.sources, recorder.entries, recorder.size, tree, results, left, looked,
            _shared([source.array for source in recorder.sources]),
            [(at, self.result(after)) for at, _, after in self.rebound], backward,
        )  # fmt: skip
        return program

    def _unchanged(self) -> None:
        """Raise if the function has changed what a replay would not."""
        found = self._rebinds() or self.world.moved() or self.world.step()
        if found is None:
            for group, known in self.world.rates:
                for key, value in rates_of(group).items():
                    if known.get(key) != value:
                        found = f"the option {key} of an optimizer", key, known.get(key), value
        if (mode := self.world.other_mode()) is not None:
            raise CannotRecord(f"{mode}: the function switches it, and leaves it so")
        if found is None:
            return
        name, key, before, after = found
        line = self._line_of(key)
        how = (
            ""
            if after is MISSING and before is MISSING
            else f" from {told(before)} to {told(after)}"
        )
        raise CannotRecord(
            f"{name} was changed{how}, at {place(line)}: a replay runs what was done to tensors, and no "
            "Python. Change it outside, keep it in a tensor that is changed in place, or return it"
        )

    def _rebinds(self) -> tuple[str, Any, Any, Any] | None:
        """Tensors that the function put in the place of others; what else it changed is returned."""
        for fact, key, before, after in list(self.world.changes()):
            name = fact.name(key)
            was_tensor = isinstance(before, TensorBase)
            if (
                fact.put is None
                or not isinstance(after, TensorBase)
                or not (was_tensor or before is None or before is MISSING)
                or (was_tensor and self.world.places_of(before) > 1)
                or (isinstance(key, int) and before is MISSING)
            ):
                return name, key, before, after
            self.rebound.append((At(fact, key, name), before, after))
        for at, before, _ in self.rebound:
            if isinstance(before, TensorBase):
                at.fact.expected[at.key] = TENSOR
        return None

    def _line_of(self, key: Any) -> Line:
        """The line that most likely changed what is called key."""
        best: Line | None = None
        wanted = {"append", "update", "pop", "extend", "add", "insert", "remove", "clear"}
        if key == "numpy.random":
            wanted = _DRAWING
        for code in self.spy.user_codes:
            line = code.co_firstlineno
            for step in dis.get_instructions(code):
                # From Python 3.13 on, starts_line says only whether one starts.
                where = step.positions
                line = (where and where.lineno) or line
                if step.argval == key and step.opname.startswith(
                    ("STORE_ATTR", "STORE_GLOBAL", "STORE_DEREF")
                ):
                    return code.co_filename, line
                if best is None and step.opname.startswith("STORE_SUBSCR"):
                    best = code.co_filename, line
                if best is None and step.argval in wanted:
                    best = code.co_filename, line
        if best is not None:
            return best
        code = self.spy.user_codes[0] if self.spy.user_codes else None
        return ("?", 0) if code is None else (code.co_filename, code.co_firstlineno)

    def _rename(self) -> None:
        """What optimizers hold is found after the run, and gets its names then."""
        moving = {id(before): at for at, before, _ in self.rebound}
        for source in self.recorder.sources:
            name = self.world.names.get(id(source.tensor))
            if id(source.tensor) in moving:
                source.location = moving[id(source.tensor)]
            elif isinstance(source.location, Held) and name is not None:
                source.location = Held(source.tensor, name)
                source.value.name = name

    def result(self, tensor: Any) -> Result:
        """How a tensor that is there at the end is made again; the same for the same tensor."""
        known = self.results.get(id(tensor))
        if known is None:
            known = self.results[id(tensor)] = self._new_result(tensor)
            self.made[id(tensor)] = tensor, known
        return known

    def _new_result(self, tensor: Any) -> Result:
        if tensor.is_sparse:
            raise CannotRecord(
                "the function returns, or leaves in a .grad, a sparse tensor: give it out with to_dense()"
            )
        array = held(tensor)
        found = self.memories.find(tensor, array)
        if found is tensor:
            where = self.recorder.locate(tensor, array)
            return Result(where, None, tensor._requires_grad_, 0, False, None, False, None)
        kind = class_of(tensor)
        marks = [name for name in vars(tensor) if not name.startswith("_")]
        if marks:
            raise CannotRecord(
                f"a tensor that the function returns has an attribute {marks[0]!r} of your own: a replay "
                "would not set it"
            )
        if tensor._grad is not None:
            raise CannotRecord("a tensor that the function returns was given a .grad")
        value = self.recorder.memory(tensor)
        if self.recorder.is_constant(array) and self.recorder.is_shared(array):
            raise CannotRecord("a result lies in the memory of another tensor by way of NumPy")
        shares = None
        for number, source in enumerate(self.recorder.sources):
            if source.tensor._changes_ is tensor._changes_:
                shares = number
        node = tensor._node_
        return Result(
            None,
            value,
            tensor._requires_grad_,
            tensor._changes_[0],
            is_inference(tensor),
            None if kind is result_class() else kind,
            tensor._turned_,
            shares,
            None if node is None else node.name(),
            node is not None and is_whole(node),
        )

    def _leaf(self, leaf: Any) -> Any:
        if is_number(leaf):
            return leaf.figure
        if leaf.__class__ is Leaf or isinstance(leaf, PLAIN):
            return leaf
        raise CannotRecord(
            f"the function returns a {type(leaf).__name__}: a program returns tensors and numbers, in "
            "tuples, lists and dicts"
        )

    def _given_back(self, result: Any) -> Callable[[Any], Any]:
        tensors, _ = apart(result)
        return lambda leaf: tensors[leaf.number] if leaf.__class__ is Leaf else plain(leaf)

    # ---- the proof -------------------------------------------------------------------------------

    def _try(self, program: Program) -> None:
        """Run the program from where the function began, and compare every bit."""
        with self._set_back(program) as (slots, after):
            for entry in program.entries:
                entry.again(slots)
                self._compare(entry, slots)
                for index in entry.frees:
                    slots[index] = None
            for memory, values in after:
                if fingerprint(memory) != fingerprint(values):
                    raise self._written_unseen(memory)

    def _compare(self, entry: Entry, slots: list[Any]) -> None:
        for value, known in zip(entry.made(), entry.sums, strict=False):
            if known is not None and fingerprint(slots[value.index]) != known:
                raise CannotRecord(
                    f"{entry.text()} gives other values when it is run again than it gave when recorded, "
                    f"at {place(entry.line)}: something that it uses was changed unseen (through NumPy?)"
                )

    def _owner(self, memory: Any) -> str:
        for source in self.recorder.sources:
            if root(source.array) is memory:
                return source.location.name
        return "a tensor"


# What numbers are drawn with from NumPy.
_DRAWING = {
    "rand", "randn", "random", "normal", "uniform", "integers", "randint", "choice", "shuffle",
    "permutation", "standard_normal", "random_sample", "seed",
}  # fmt: skip


def _same_place(source: Any, tensor: Any) -> None:
    name = source.location.name
    if held(tensor) is not source.array:
        raise CannotRecord(
            f"{name} was given other memory (.data = or set_): write into it with copy_ instead"
        )
    if tensor._node_ is not source.node:
        raise CannotRecord(
            f"{name} was changed in place by what is recorded for gradients, and keeps the graph: "
            "change it under torch.no_grad(), or work on a clone"
        )


def _shared(arrays: list[Any]) -> list[int]:
    """For each array the first that lies in the same memory."""
    first: dict[int, int] = {}
    return [first.setdefault(id(root(array)), i) for i, array in enumerate(arrays)]
