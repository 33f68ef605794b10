"""The entries of a program: what each does when it is run again, and how it is printed.

An entry reads its operands from the slots of the run and puts what it makes there. Its line is the
user's line from which it came; `back` says that it belongs to the derivative of that line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.caller import Line
from rushlight.compiler.recording.errors import Changed, place
from rushlight.compiler.recording.facts import same
from rushlight.compiler.recording.printing import SIGNS, call, called, shown
from rushlight.compiler.recording.tree import apart
from rushlight.compiler.recording.values import Figure, Value, fingerprint
from rushlight.core import doors
from rushlight.core.tensor import Array, wrap
from rushlight.core.turned import held, turned
from rushlight.dtypes import cast
from rushlight.errors import explained

if TYPE_CHECKING:
    from rushlight.core.row import Primitive

Slots = list[Any]
# The user's line, and whether it is the derivative of that line.
Where = tuple[Line, bool]
_ndarray = np.ndarray
_PLAIN = (np.dtype(np.float32), np.dtype(np.float64))


def names_in(operand: Any) -> list[Value | Figure]:
    """What an operand reads from slots."""
    kind = operand.__class__
    if kind is Value or kind is Figure:
        return [operand]
    found: list[Value | Figure] = []
    if kind is tuple or kind is list:
        _gather(operand, found)
    return found


def _gather(operands: Any, found: list[Value | Figure]) -> None:
    for part in operands:
        kind = part.__class__
        if kind is Value or kind is Figure:
            found.append(part)
        elif kind is tuple or kind is list:
            _gather(part, found)


def filled(operand: Any, slots: Slots) -> Any:
    """An operand with what stands in the slots."""
    kind = operand.__class__
    if kind is Value or kind is Figure:
        return slots[operand.index]
    if kind is tuple or kind is list:
        return kind([filled(part, slots) for part in operand])
    return operand


class Entry:
    """One line of a program: its operands, and what it makes."""

    __slots__ = ("line", "back", "inputs", "outs", "sums", "frees")

    # Whether it may say at a replay that something has changed.
    checks = False

    def __init__(self, where: Where, inputs: Sequence[Any], outs: Sequence[Any] = ()) -> None:
        self.line, self.back = where
        self.inputs = tuple(inputs)
        self.outs: list[Any] = list(outs)
        # What the arrays that it made, or wrote, held when it was recorded.
        self.sums: list[int | None] = []
        # Slots that nobody reads after this entry.
        self.frees: tuple[int, ...] = ()

    def run(self, slots: Slots) -> None:
        """Do it again."""
        raise NotImplementedError

    def again(self, slots: Slots) -> None:
        """Do it as it was when it was recorded: what comes from outside comes from the recording."""
        self.run(slots)

    def text(self) -> str:
        """How it is printed, but for what it makes."""
        raise NotImplementedError

    def reads(self) -> list[Value | Figure]:
        """What it reads."""
        return names_in(self.inputs)

    def made(self) -> Sequence[Any]:
        """What holds values of its making when it has run."""
        return self.outs


class _Call(Entry):
    """An entry with parameters besides its operands, and arrays that come out."""

    __slots__ = ("static", "several", "moving")

    def __init__(
        self,
        where: Where,
        inputs: Sequence[Any],
        outs: Sequence[Value],
        static: dict[str, Any],
        several: bool,
    ) -> None:
        super().__init__(where, inputs, outs)
        self.static = static
        self.several = several
        self.moving = bool(static) and bool(names_in(tuple(static.values())))

    def reads(self) -> list[Value | Figure]:
        """What it reads, as a parameter, too."""
        return names_in((*self.inputs, *self.static.values()) if self.moving else self.inputs)

    def operands(self, slots: Slots) -> tuple[list[Any], dict[str, Any]]:
        """The operands and the parameters of this run."""
        inputs = [filled(x, slots) for x in self.inputs]
        if not self.moving:
            return inputs, self.static
        return inputs, {name: filled(value, slots) for name, value in self.static.items()}

    def put(self, result: Any, slots: Slots) -> None:
        """Put what came out into the slots."""
        for out, part in zip(self.outs, result if self.several else (result,), strict=True):
            array = part if part.__class__ is _ndarray else np.asarray(part)
            if array.shape != out.shape or array.dtype != out.dtype:
                raise Changed(
                    f"{self.text()} gave {array.dtype}{list(array.shape)}, and {out.kind} when it was "
                    f"recorded, at {place(self.line)}: its shape depends on the values of its operands"
                )
            slots[out.index] = array


class Operation(_Call):
    """A row of the table, applied."""

    __slots__ = ("row", "forward", "promote", "layout", "turning", "owned")

    # Its shape may depend on values.
    checks = True

    def __init__(self, row: Primitive, arrays: Sequence[Any], *rest: Any) -> None:
        super().__init__(*rest)
        self.row = row
        # Decided once, as `apply` decides each time: shapes, types and strides will be the same.
        self.promote = row.promote if _promoted(arrays) else None
        known = list(arrays) if self.promote is None else self.promote(list(arrays))
        self.forward, layout = row.settled([a for a in known if a.__class__ is _ndarray])
        self.layout = None if row.view else layout
        # The result shows its memory turned, but is a copy.
        self.turning = False
        # Per result whether it owns its memory; None where several lie in the same.
        self.owned: tuple[bool, ...] | None = None

    def run(self, slots: Slots) -> None:
        """Compute it, as `apply` does."""
        inputs, static = self.operands(slots)
        try:
            if self.row.turns:
                result = inputs[0][...]
            else:
                if self.promote is not None:
                    inputs = self.promote(inputs)
                if self.layout is not None:
                    result = self.layout(self.forward, inputs, static)
                else:
                    result = self.forward(*inputs, **static)
        except (ValueError, IndexError, TypeError) as error:
            raise explained(self.row, inputs, static, error) from None
        if self.turning:
            result = tuple(map(turned, result)) if self.several else turned(result)
        self.put(result, slots)

    def text(self) -> str:
        """As a call."""
        return call(self.row.name, self.inputs, self.static)


def _promoted(arrays: Sequence[Any]) -> bool:
    """Whether `apply` asks the row for the types."""
    if len(arrays) > 2:
        return True
    kinds = [a.dtype if a.__class__ is _ndarray else None for a in arrays]
    return bool(kinds) and (kinds[0] not in _PLAIN or kinds[0] is not kinds[-1])


class Turn(Entry):
    """The memory of a tensor conjugated or negated, as it shows it."""

    __slots__ = ()

    def run(self, slots: Slots) -> None:
        """Turn what lies there now."""
        slots[self.outs[0].index] = turned(slots[self.inputs[0].index])

    def text(self) -> str:
        """As a call."""
        return call("conj" if self.outs[0].dtype.kind == "c" else "neg", self.inputs)


class Write(_Call):
    """A kernel that writes into memory."""

    __slots__ = ("target", "kernel", "turning")

    def __init__(
        self, target: Value, kernel: Callable[..., Any], turning: bool, *rest: Any
    ) -> None:
        super().__init__(*rest)
        self.target = target
        self.kernel = kernel
        self.turning = turning

    def run(self, slots: Slots) -> None:
        """Write, as `into` does."""
        inputs, static = self.operands(slots)
        memory = slots[self.target.index]
        if self.turning:
            shows = turned(memory)
            self.kernel(shows, *inputs, **static)
            np.copyto(memory, turned(cast(shows, memory.dtype)))
        else:
            self.kernel(memory, *inputs, **static)

    def reads(self) -> list[Value | Figure]:
        """What it reads, what it writes into among that."""
        return [self.target, *super().reads()]

    def made(self) -> Sequence[Any]:
        """What it has written into."""
        return (self.target,)

    def text(self) -> str:
        """As the method with an underscore."""
        return call(f"{self.target}.{called(self.kernel)}_", self.inputs, self.static)


class Cut(Entry):
    """The gradients of the results are given: what comes before is done at the call, what comes after later."""

    __slots__ = ("arrays",)

    def __init__(self, arrays: list[Array], *rest: Any) -> None:
        super().__init__(*rest)
        self.arrays = arrays

    def run(self, slots: Slots) -> None:
        """Give those of the recording."""
        for out, array in zip(self.outs, self.arrays, strict=True):
            slots[out.index] = array

    def text(self) -> str:
        """What is given."""
        return "the gradients of the results"


class Draw(_Call):
    """Random numbers."""

    __slots__ = ("numbers", "generator")

    def __init__(self, numbers: Callable[..., Any], generator: Any, *rest: Any) -> None:
        super().__init__(*rest)
        self.numbers = numbers
        self.generator = generator

    def run(self, slots: Slots) -> None:
        """Draw the next ones."""
        inputs, static = self.operands(slots)
        self.put(self.numbers(*inputs, generator=self.generator, **static), slots)

    def text(self) -> str:
        """The distribution, as a call."""
        return "draw " + call(called(self.numbers), self.inputs, self.static)


class Constant(Entry):
    """What a function makes of Python's numbers alone."""

    __slots__ = ("array", "fresh")

    def __init__(self, array: Array, *rest: Any) -> None:
        super().__init__(*rest)
        self.array = array
        # Somebody writes into it, or gets to see it: each run has its own.
        self.fresh = False

    def run(self, slots: Slots) -> None:
        """Be there."""
        slots[self.outs[0].index] = self.array.copy("K") if self.fresh else self.array

    def text(self) -> str:
        """Its elements, if these are few."""
        size = self.array.size
        if 0 < size <= 4:
            return f"constant {self.array.tolist()}"
        if size and (self.array == self.array.flat[0]).all():
            return f"constant, all {self.array.flat[0]}"
        return "constant"


class Look(Entry):
    """The one value of a tensor as a Python number."""

    __slots__ = ()

    def run(self, slots: Slots) -> None:
        """Take it out."""
        slots[self.outs[0].index] = slots[self.inputs[0].index].item()

    def text(self) -> str:
        """Of which tensor."""
        return f"number {self.inputs[0]}"


class Option(Entry):
    """A number among the options of an optimizer, as it is when the program runs."""

    __slots__ = ("options", "key", "part", "found")

    checks = True

    def __init__(
        self, options: dict[str, Any], key: str, part: int | None, found: Any, *rest: Any
    ) -> None:
        super().__init__(*rest)
        self.options = options
        self.key = key
        self.part = part
        self.found = found

    def run(self, slots: Slots) -> None:
        """Look it up."""
        value = self.options[self.key]
        if self.part is not None:
            value = value[self.part]
        if value.__class__ is not self.found.__class__:
            raise Changed(
                f"the {self.text()} is a {type(value).__name__} now, and was a "
                f"{type(self.found).__name__} when it was recorded, at {place(self.line)}"
            )
        slots[self.outs[0].index] = value

    def again(self, slots: Slots) -> None:
        """Be what was found."""
        slots[self.outs[0].index] = self.found

    def text(self) -> str:
        """Its name."""
        return f"option {self.key}" + ("" if self.part is None else f"[{self.part}]")


class Store(Entry):
    """A number among the options, or in the state, of an optimizer is set."""

    __slots__ = ("options", "key")

    def __init__(self, options: dict[str, Any], key: str, *rest: Any) -> None:
        super().__init__(*rest)
        self.options = options
        self.key = key

    def run(self, slots: Slots) -> None:
        """Set it."""
        self.options[self.key] = slots[self.inputs[0].index]

    def again(self, slots: Slots) -> None:
        """It is set already."""

    def text(self) -> str:
        """As an assignment."""
        return f"option {self.key} := {self.inputs[0]}"


class Arithmetic(Entry):
    """Python's own arithmetic."""

    __slots__ = ("operation",)

    def __init__(self, operation: Callable[..., Any], *rest: Any) -> None:
        super().__init__(*rest)
        self.operation = operation

    def run(self, slots: Slots) -> None:
        """Compute in Python."""
        slots[self.outs[0].index] = self.operation(*[filled(x, slots) for x in self.inputs])

    def text(self) -> str:
        """With its sign, if it has one."""
        sign = SIGNS.get(self.operation.__name__)
        if sign is None:
            return call(self.operation.__name__, self.inputs)
        return f" {sign} ".join(map(shown, self.inputs))


class Decision(Entry):
    """A comparison of numbers by which Python decided; it must come out as it did."""

    __slots__ = ("operation", "found")

    checks = True

    def __init__(self, operation: Callable[..., Any], found: bool, *rest: Any) -> None:
        super().__init__(*rest)
        self.operation = operation
        self.found = found

    def run(self, slots: Slots) -> None:
        """Compare again."""
        now = self.operation(*[filled(x, slots) for x in self.inputs])
        if bool(now) is not bool(self.found):
            raise Changed(
                f"{self.text()[6:]} held when it was recorded, and does not now: the branch that Python "
                f"took there is another, at {place(self.line)}"
            )

    def text(self) -> str:
        """What must hold."""
        words = f" {SIGNS[self.operation.__name__]} ".join(map(shown, self.inputs))
        return f"check {words}" if self.found else f"check not {words}"


class Seen(Entry):
    """Values or a number that Python looked at; they must be what they were."""

    __slots__ = ("found", "why")

    checks = True

    def __init__(self, found: Any, why: str, *rest: Any) -> None:
        super().__init__(*rest)
        self.found = found
        self.why = why

    def run(self, slots: Slots) -> None:
        """Compare with what was seen."""
        now = slots[self.inputs[0].index]
        if self.found.__class__ is _ndarray:
            unchanged = fingerprint(now) == fingerprint(self.found)
        else:
            unchanged = same(now, self.found)
        if not unchanged:
            raise Changed(
                f"Python looked at the values of {self.inputs[0]}, {self.why}, and they are others now, at "
                f"{place(self.line)}: what Python does with values cannot be replayed. Keep them in "
                "tensors (torch.where in the place of if), or look at them outside of what is recorded"
            )

    def text(self) -> str:
        """What must be as it was."""
        found = "as recorded" if self.found.__class__ is _ndarray else f"== {self.found!r}"
        return f"check {self.inputs[0]} {found}"


class Checked(Entry):
    """A check of values, which must come out as it did: else an error would be raised, or none."""

    __slots__ = ("decide", "found", "why")

    checks = True

    def __init__(self, decide: Callable[[Slots], Any], found: Any, why: str, *rest: Any) -> None:
        super().__init__(*rest)
        self.decide = decide
        self.found = found
        self.why = why

    def run(self, slots: Slots) -> None:
        """Check again."""
        if self.decide(slots) != self.found:
            raise Changed(
                f"the look at {', '.join(map(shown, self.inputs))} {self.why} finds something else than "
                f"when it was recorded, at {place(self.line)}"
            )

    def text(self) -> str:
        """What is checked."""
        return f"check {', '.join(map(shown, self.inputs))}, {self.why}"


@dataclass
class Outcome:
    """What came of Python code when it was recorded, to be had again without running it."""

    # What was returned besides tensors, the arrays of the tensors, and which of these are turned.
    rest: Any
    arrays: list[Array]
    turns: list[bool]
    # Memory that was written, with what was written, and generators that were moved, with where to.
    writes: list[tuple[Array, Array]]
    moved: list[tuple[Any, Array]]


class Perform(Entry):
    """Python code, run again each time: a scheduler's step, the next of an iterator."""

    __slots__ = ("function", "outcome", "given")

    checks = True

    def __init__(self, function: Callable[..., Any], outcome: Outcome, *others: Any) -> None:
        super().__init__(*others)
        self.function = function
        self.outcome = outcome
        # What it gave in this run, which it gives but once, or what it raised.
        self.given: tuple[Any, BaseException | None] | None = None

    def run(self, slots: Slots) -> None:
        """Call it."""
        given = [
            wrap(slots[x.index]) if x.__class__ is Value else filled(x, slots) for x in self.inputs
        ]
        try:
            result = doors.perform(self.function, *given)
        except BaseException as error:
            self.given = None, error
            raise
        self.given = result, None
        tensors, rest = apart(result)
        before = self.outcome
        if (
            rest != before.rest
            or [tensor._turned_ for tensor in tensors] != before.turns
            or any(tensor._requires_grad_ for tensor in tensors)
        ):
            raise Changed(
                f"{self.text()} gave something else than when it was recorded, at {place(self.line)}"
            )
        for out, tensor in zip(self.outs, tensors, strict=True):
            array = held(tensor)
            if not out.fits(array):
                raise Changed(
                    f"{self.text()} gave {array.dtype}{list(array.shape)}, and {out.kind} when it was "
                    f"recorded, at {place(self.line)}"
                )
            slots[out.index] = array

    def again(self, slots: Slots) -> None:
        """Give, and write, what came when it was recorded."""
        for memory, values in self.outcome.writes:
            memory[...] = values
        for generator, end in self.outcome.moved:
            generator.set_state(end)
        for out, array in zip(self.outs, self.outcome.arrays, strict=True):
            slots[out.index] = array

    def text(self) -> str:
        """As a call."""
        return "perform " + call(called(self.function), self.inputs)


class Seed(Perform):
    """A random generator is set."""

    __slots__ = ()

    def again(self, slots: Slots) -> None:
        """Set it, as at each run."""
        self.run(slots)
