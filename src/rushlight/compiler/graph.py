"""The graph of loops: what the passes work on, between a program and its C.

A program says which rows ran on which arrays. Here every array is a place in some memory, and what
computes are loops over elements (`Loop`), products of matrices (`Product`), convolutions and pooling
(`Images`), Python numbers (`Number`), comparisons that must come out as they did (`Guard`), and what
stays with NumPy (`Outside`). Views are gone: a view is another `Place` in the same memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from rushlight.caller import Line
from rushlight.core.tensor import Array

if TYPE_CHECKING:
    from rushlight.compiler.recording.entries import Entry
    from rushlight.compiler.recording.values import Figure

Shape = tuple[int, ...]
Dtype = np.dtype[Any]
# The user's line, and whether it is the derivative of that line.
Where = tuple[Line, bool]

# What C calls the elements.
C_TYPES = {
    "bool": "uint8_t", "uint8": "uint8_t", "int8": "int8_t", "int16": "int16_t", "int32": "int32_t",
    "int64": "int64_t", "uint16": "uint16_t", "uint32": "uint32_t", "uint64": "uint64_t",
    "float32": "float", "float64": "double",
    # Narrow floats are their bits: whoever computes with them widens them first.
    "float16": "uint16_t", "bfloat16": "uint16_t",
}  # fmt: skip


class NoC(Exception):
    """There is no C for this: it stays with NumPy. The message says why."""


def c_type(dtype: Dtype) -> str:
    """The type of C for the elements of an array."""
    found = C_TYPES.get(dtype.name)
    if found is None:
        raise NoC(f"elements of type {dtype}")
    return found


# ---- memory and places in it ---------------------------------------------------------------------


@dataclass(eq=False)
class Memory:
    """A stretch of memory whose elements are of one type."""

    name: str
    dtype: Dtype
    # How many elements it has.
    size: int
    # "source": was there before; "constant"; "given": NumPy or Python hands it out; "own": a temporary,
    # in the arena; "kept": made anew at each call, for a result or a gradient; "saved": a temporary that
    # belongs to one call, until its backward has run; "stream": that of a random generator.
    kind: str
    # The elements of a constant, or of a stream.
    array: Array | None = None
    # Where its pointer stands in the table of pointers.
    number: int = -1
    # There are zeros around what is written, which stay: it keeps its memory to itself.
    bordered: bool = False

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Place:
    """An array: a shape laid over memory; strides and offset in elements."""

    memory: Memory
    offset: int
    shape: Shape
    strides: Shape

    @property
    def dtype(self) -> Dtype:
        """The type of the elements."""
        return self.memory.dtype

    @property
    def size(self) -> int:
        """How many elements it shows."""
        size = 1
        for n in self.shape:
            size *= n
        return size

    def spread(self, shape: Shape) -> Place:
        """As NumPy broadcasts it."""
        missing = len(shape) - len(self.shape)
        strides = [0] * missing
        # An assignment takes leading dimensions of size 1 that the target lacks.
        ours = zip(self.shape[max(-missing, 0) :], self.strides[max(-missing, 0) :], strict=True)
        for (n, stride), wanted in zip(ours, shape[max(missing, 0) :], strict=True):
            strides.append(stride if n == wanted else 0)
        return replace(self, shape=shape, strides=tuple(strides))

    def permuted(self, dims: Sequence[int]) -> Place:
        """The dimensions in another order."""
        return replace(
            self,
            shape=tuple(self.shape[d] for d in dims),
            strides=tuple(self.strides[d] for d in dims),
        )

    def is_whole(self) -> bool:
        """Whether it is all of its memory, in row order."""
        return (
            self.offset == 0
            and self.size == self.memory.size
            and self.strides == in_rows(self.shape)
        )

    def reshaped(self, shape: Shape) -> Place:
        """The same elements in another shape; NoC unless they lie in row order."""
        if self.shape == shape:
            return self
        if self.strides != in_rows(self.shape) and self.size > 1:
            strides = _regrouped(self.shape, self.strides, shape)
            if strides is None:
                raise NoC("another shape of what is no row order")
            return replace(self, shape=shape, strides=strides)
        return replace(self, shape=shape, strides=in_rows(shape))

    def span(self) -> tuple[int, int]:
        """The first element and the one behind the last."""
        last = sum((n - 1) * s for n, s in zip(self.shape, self.strides, strict=True))
        return self.offset, self.offset + last + 1

    def overlaps(self, other: Place) -> bool:
        """Whether they may share an element."""
        if self.memory is not other.memory:
            return False
        a, b = self.span(), other.span()
        return a[0] < b[1] and b[0] < a[1]


def _regrouped(shape: Shape, strides: Shape, wanted: Shape) -> Shape | None:
    """The strides of the same elements in another shape; None if there are none."""
    dims = [(n, s) for n, s in zip(shape, strides, strict=True) if n != 1]
    result: list[int] = []
    rest = list(dims)
    for n in reversed(wanted):
        if n == 1:
            result.append(1)
            continue
        if not rest:
            return None
        size, stride = rest.pop()
        while size < n:
            if not rest or rest[-1][1] != size * stride:
                return None
            more, _ = rest.pop()
            size *= more
        if size % n:
            return None
        result.append(stride)
        if size > n:
            rest.append((size // n, stride * n))
    return tuple(reversed(result)) if not rest else None


def in_rows(shape: Shape) -> Shape:
    """The strides of row order, in elements."""
    strides, step = [0] * len(shape), 1
    for d in reversed(range(len(shape))):
        strides[d] = step
        step *= max(shape[d], 1)
    return tuple(strides)


# ---- what is computed for each element -----------------------------------------------------------


@dataclass(frozen=True)
class Expression:
    """A value for each element of a loop."""

    dtype: Dtype

    def parts(self) -> tuple[Expression, ...]:
        """What it is made of."""
        return ()

    def rebuilt(self, parts: Sequence[Expression]) -> Expression:
        """The same, made of others."""
        return self


@dataclass(frozen=True)
class Load(Expression):
    """An element of an array of the shape of the loop."""

    place: Place


@dataclass(frozen=True)
class Literal(Expression):
    """A number that is known."""

    value: Any


@dataclass(frozen=True)
class Scalar(Expression):
    """A Python number of this run."""

    figure: Figure


@dataclass(frozen=True)
class Position(Expression):
    """Where the loop stands along a dimension."""

    dim: int


@dataclass(frozen=True)
class Compute(Expression):
    """A C expression over others: a format string with their names."""

    template: str
    names: tuple[str, ...]
    inputs: tuple[Expression, ...]
    fragments: tuple[str, ...] = ()

    def parts(self) -> tuple[Expression, ...]:
        """What it is made of."""
        return self.inputs

    def rebuilt(self, parts: Sequence[Expression]) -> Expression:
        """The same, made of others."""
        return replace(self, inputs=tuple(parts))


@dataclass(frozen=True)
class Cast(Expression):
    """Another type."""

    x: Expression

    def parts(self) -> tuple[Expression, ...]:
        """What it is made of."""
        return (self.x,)

    def rebuilt(self, parts: Sequence[Expression]) -> Expression:
        """The same, made of others."""
        return replace(self, x=parts[0])


@dataclass(frozen=True)
class Pick(Expression):
    """The element of an array at computed positions, one for each of its dimensions."""

    place: Place
    indices: tuple[Expression, ...]

    def parts(self) -> tuple[Expression, ...]:
        """What it is made of."""
        return self.indices

    def rebuilt(self, parts: Sequence[Expression]) -> Expression:
        """The same, made of others."""
        return replace(self, indices=tuple(parts))


def walk(x: Expression) -> Iterator[Expression]:
    """An expression and all that it is made of."""
    yield x
    for part in x.parts():
        yield from walk(part)


def mapped(x: Expression, change: Callable[[Expression], Expression | None]) -> Expression:
    """An expression with some parts changed, from the outside in; None leaves a part."""
    changed = change(x)
    if changed is not None:
        return changed
    parts = x.parts()
    if not parts:
        return x
    return x.rebuilt([mapped(part, change) for part in parts])


# ---- what is done --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fold:
    """How the elements along some dimensions become one."""

    # "+", "*", "max", "min", "|", "&".
    kind: str
    # The C of what it starts with.
    initial: str


@dataclass(eq=False)
class Statement:
    """Something that is done, and the user's line from which it came."""

    where: Where
    # Whether it takes its arrays as they lie: no pass may lay one out otherwise without knowing how.
    as_they_lie: ClassVar[bool] = False

    def reads(self) -> Iterator[Place]:
        """The arrays that it reads."""
        return iter(())

    def writes(self) -> Iterator[Place]:
        """The arrays that it writes."""
        return iter(())

    def numbers_read(self) -> Iterator[Figure]:
        """The Python numbers that it reads."""
        return iter(())

    def number_written(self) -> Figure | None:
        """The Python number that it makes."""
        return None


class Listed(Statement):
    """A statement that lists what it reads and what it writes."""

    inputs: tuple[Place, ...]
    outs: tuple[Place, ...]

    def reads(self) -> Iterator[Place]:
        """Its operands."""
        yield from self.inputs

    def writes(self) -> Iterator[Place]:
        """Its results."""
        yield from self.outs


def expression_reads(x: Expression) -> Iterator[tuple[Place, tuple[Expression, ...] | None]]:
    """The arrays that an expression reads, each with the positions at which it is picked from."""
    for part in walk(x):
        if isinstance(part, Load | Pick):
            yield part.place, part.indices if isinstance(part, Pick) else None


def expression_places(x: Expression) -> Iterator[Place]:
    """The arrays that an expression reads."""
    for place, _ in expression_reads(x):
        yield place


def expression_figures(x: Expression) -> Iterator[Figure]:
    """The Python numbers that an expression reads."""
    for part in walk(x):
        if isinstance(part, Scalar):
            yield part.figure


@dataclass(eq=False)
class Loop(Statement):
    """out[...] = value, for every element of `shape`; with a fold, out has stride 0 where it folds.

    With `indices` it is out[indices] = value: a scatter, done in the order of the elements.
    """

    shape: Shape
    out: Place
    value: Expression
    fold: Fold | None = None
    indices: tuple[Expression, ...] | None = None

    def reads(self) -> Iterator[Place]:
        """The arrays that it reads."""
        yield from expression_places(self.value)
        for index in self.indices or ():
            yield from expression_places(index)
        if self.indices is not None:
            yield self.out

    def writes(self) -> Iterator[Place]:
        """The array that it writes."""
        yield self.out

    def numbers_read(self) -> Iterator[Figure]:
        """The Python numbers that it reads."""
        yield from expression_figures(self.value)
        for index in self.indices or ():
            yield from expression_figures(index)


@dataclass(eq=False)
class Product(Statement):
    """c = a @ b, with the same leading dimensions in all three; accumulate: c += a @ b."""

    a: Place
    b: Place
    c: Place
    accumulate: bool = False

    def reads(self) -> Iterator[Place]:
        """The factors."""
        yield self.a
        yield self.b
        if self.accumulate:
            yield self.c

    def writes(self) -> Iterator[Place]:
        """The product."""
        yield self.c


@dataclass(eq=False)
class Attention(Listed):
    """Attention of many heads, or what is behind it: places [..., rows, numbers] with the same leading dimensions."""

    # The `Heads` of `kernels/attention.py`.
    heads: Any
    backward: bool
    # q, k, v; behind it g, the gradient of o, then q, k, v, and the weights that were kept, in rows of whole panels.
    inputs: tuple[Place, ...]
    # o and, where they are kept, the weights; behind it the gradients of q, k and v.
    outs: tuple[Place, ...]


@dataclass(eq=False)
class Images(Listed):
    """A convolution or a pooling: what goes over images [N, C, H, W]."""

    as_they_lie = True
    # Of a convolution "forward", "input" and "weight" (its gradients); "maximum" and "scattered" of a pooling.
    way: str
    # The `Form` of a convolution, or the `Windows` of a pooling.
    form: Any
    # Which of them are images: all but a convolution's weights.
    inputs: tuple[Place, ...]
    outs: tuple[Place, ...]

    def images(self) -> tuple[Place, ...]:
        """The operands and results that are images, which may be laid out as suits best."""
        if self.way == "weight":
            return self.inputs
        if self.way in ("forward", "input"):
            return self.inputs[:1] + self.outs
        return self.inputs + self.outs


@dataclass(eq=False)
class Drawing(Statement):
    """The next numbers of a random stream, in the order of memory."""

    as_they_lie = True
    # The words of the generator, and where it stands.
    stream: Place
    out: Place
    # A function of `c/random.h`, and what it is given besides these two and how many.
    function: str
    parameters: tuple[str, ...]

    def reads(self) -> Iterator[Place]:
        """Where the generator stands."""
        yield self.stream

    def writes(self) -> Iterator[Place]:
        """The numbers, and where the generator stands then."""
        yield self.out
        yield self.stream


@dataclass(eq=False)
class Number(Statement):
    """A Python number computed, or looked up in an array."""

    figure: Figure
    value: Expression

    def reads(self) -> Iterator[Place]:
        """The array that it looks at."""
        yield from expression_places(self.value)

    def numbers_read(self) -> Iterator[Figure]:
        """The numbers that it is made of."""
        yield from expression_figures(self.value)

    def number_written(self) -> Figure | None:
        """The number."""
        return self.figure


@dataclass(eq=False)
class Guard(Statement):
    """A condition that must hold for every element of a shape; else the program stops."""

    shape: Shape
    condition: Expression
    # What has to be said if it does not hold; None: run the function as it is, which will say it.
    entry: Entry | None = None

    def reads(self) -> Iterator[Place]:
        """The arrays that it looks at."""
        yield from expression_places(self.condition)

    def numbers_read(self) -> Iterator[Figure]:
        """The numbers that it compares."""
        yield from expression_figures(self.condition)


@dataclass(eq=False)
class Outside(Listed):
    """An entry that runs as it is, in Python, between two pieces of C."""

    as_they_lie = True
    entry: Entry
    inputs: tuple[Place, ...] = ()
    outs: tuple[Place, ...] = ()
    # Why there is no C for it.
    reason: str = ""


@dataclass(eq=False)
class Graph:
    """All of a program: its memory, what is done in order, and where its values are."""

    memories: list[Memory]
    statements: list[Statement]
    # By the index of the value: where it lies.
    places: dict[int, Place]
    # Values that Python needs as arrays when the program has run: results, gradients, attributes.
    wanted: set[int] = field(default_factory=set)
    # The entries that are C whatever values there are; and whether whole numbers among these may stop it.
    certain: dict[int, bool] = field(default_factory=dict)

    def own(self, name: str, dtype: Dtype, size: int) -> Memory:
        """Memory for something in between."""
        self.memories.append(Memory(name, dtype, size, "own", None, len(self.memories)))
        return self.memories[-1]
