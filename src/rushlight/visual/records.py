"""What is written down of a run (`capture`): values, operations, calls of modules, backward's visits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from rushlight.core.row import Primitive

# The phase of an operation, and its kind.
FORWARD, BACKWARD, UPDATE = "forward", "backward", "update"
ROW, WRITE, RANDOM, FUNCTION = "row", "write", "random", "function"


@dataclass(frozen=True, slots=True)
class Line:
    """A place in the user's program; `library` if it is in one that was installed."""

    file: str
    number: int
    function: str
    library: bool


@dataclass(eq=False, slots=True)
class Call:
    """One run of a module's forward; parent is the call within which it happened."""

    number: int
    path: str
    kind: str
    parent: Call | None


@dataclass(eq=False, slots=True)
class Value:
    """An array between two changes of it.

    kind: "parameter", "buffer", "leaf" (wants a gradient), "input", "constant" or "result"; `seen` is what
    `look` made of it; `gradient` what backward left in its `.grad`.
    """

    number: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    kind: str
    name: str | None
    maker: Operation | None
    seen: Any = None
    gradient: Value | None = None


@dataclass(eq=False, slots=True)
class Operation:
    """A row that was applied, a write into memory, random numbers, or a Function of the user's.

    inputs: values, and Python's numbers as they are; line: the user's own, innermost first in `lines`;
    asked: the function of rushlight's called there; code: what computes it; visit: of backward's operations
    the visit within which they ran; owner: of an update the optimizer's class.
    """

    number: int
    kind: str
    name: str
    row: Primitive | None
    phase: str
    inputs: list[Any]
    static: dict[str, Any]
    module: Call | None
    lines: tuple[Line, ...]
    asked: str
    outputs: list[Value] = field(default_factory=list)
    visit: Visit | None = None
    owner: str | None = None
    code: Any = None
    # Of a user's Function, what ran within its forward.
    inside: list[Operation] = field(default_factory=list)
    error: str | None = None
    # Of an update, how far the step has moved the leaf by now, as a part of its length.
    moved: float | None = None

    @property
    def line(self) -> Line | None:
        """The user's own line: the innermost that is in no library."""
        return next((line for line in self.lines if not line.library), None) or next(
            iter(self.lines), None
        )


@dataclass(eq=False, slots=True)
class Visit:
    """Backward has come through an operation.

    incoming: the gradient of each output; outgoing: that for each input (None: none flows there); rule: the
    operations of its derivative; passing: what brought gradients to their shape, or added them up.
    """

    number: int
    operation: Operation
    incoming: list[Value | None]
    lines: tuple[Line, ...]
    outgoing: list[Value | None] = field(default_factory=list)
    rule: list[Operation] = field(default_factory=list)
    passing: list[Operation] = field(default_factory=list)
    done: bool = False


@dataclass(eq=False, slots=True)
class Landing:
    """A gradient is now in the `.grad` of a leaf."""

    number: int
    leaf: Value
    gradient: Value


Event = Operation | Visit | Landing
