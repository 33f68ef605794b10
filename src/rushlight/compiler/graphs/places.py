"""What the byte code around a call says: which name its result gets, and which locals are still needed."""

from __future__ import annotations

import dis
import functools
from types import CodeType, FrameType
from typing import Any

# Between a call and what is done with its result.
_NOTHING = {"CACHE", "NOP", "RESUME", "EXTENDED_ARG", "COPY", "NOT_TAKEN"}
_RETURNS = {"RETURN_VALUE"}
_ENDS = {"RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE"}


class After:
    """What becomes of the result of a call: `kind` is "name", "names", "returned", "dropped", "used" or "other"."""

    def __init__(self, kind: str, names: tuple[str, ...] = ()) -> None:
        self.kind, self.names = kind, names


@functools.lru_cache(maxsize=4096)
def _steps(code: CodeType) -> tuple[list[dis.Instruction], dict[int, int]]:
    steps = list(dis.get_instructions(code))
    numbers: dict[int, int] = {}
    for number, step in enumerate(steps):
        # A frame that called Python stands behind the instruction, at the end of its cache.
        end = steps[number + 1].offset if number + 1 < len(steps) else len(code.co_code)
        numbers.update((offset, number) for offset in range(step.offset, end))
    return steps, numbers


# How many values instructions take from the stack, and leave there.
_SIMPLE = {
    "LOAD_FAST": (0, 1), "LOAD_CONST": (0, 1), "LOAD_GLOBAL": (0, 1), "LOAD_DEREF": (0, 1),
    "LOAD_SMALL_INT": (0, 1), "LOAD_FAST_BORROW": (0, 1), "LOAD_ATTR": (1, 1), "BINARY_OP": (2, 1),
    "BINARY_SUBSCR": (2, 1), "UNARY_NEGATIVE": (1, 1), "UNARY_NOT": (1, 1), "UNARY_INVERT": (1, 1),
    "COMPARE_OP": (2, 1), "LOAD_METHOD": (1, 2), "PRECALL": (0, 0), "KW_NAMES": (0, 0), "PUSH_NULL": (0, 1),
}  # fmt: skip


def _effect(step: dis.Instruction) -> tuple[int, int] | None:
    """How many values an instruction takes from the stack and puts there; None for those that end the search."""
    if step.opname == "CALL":
        return (step.arg or 0) + 2, 1
    return _SIMPLE.get(step.opname)


@functools.lru_cache(maxsize=16384)
def after(code: CodeType, last: int) -> After:
    """What is done with what the instruction at `last` leaves."""
    steps, numbers = _steps(code)
    at, above = numbers[last] + 1, 0
    while at < len(steps):
        step = steps[at]
        name = step.opname
        if name in _NOTHING:
            at += 1
        elif name == "JUMP_FORWARD":
            at = numbers[step.argval]
        elif name == "SWAP" and step.arg in (above + 1, 2) and above < 2:
            # It changes places with the top.
            above = 0 if above else 1
            at += 1
        elif above and name.startswith("STORE_FAST"):
            above -= 1
            at += 1
        elif (effect := _effect(step)) is not None:
            if effect[0] > above:
                return After("used")
            above += effect[1] - effect[0]
            at += 1
        elif above:
            return After("other")
        elif name.startswith("STORE_FAST"):
            return After("name", _first(step.argval))
        elif name == "UNPACK_SEQUENCE":
            return After("names", _unpacked(steps, at))
        elif name in _RETURNS:
            return After("returned")
        else:
            return After("dropped" if name == "POP_TOP" else "other")
    return After("other")


def _unpacked(steps: list[dis.Instruction], at: int) -> tuple[str, ...]:
    """The names into which a sequence is taken apart."""
    names: list[str] = []
    count = steps[at].arg or 0
    while len(names) < count and at + 1 < len(steps):
        at += 1
        if steps[at].opname.startswith("STORE_FAST"):
            found = steps[at].argval
            names += found if isinstance(found, tuple) else [found]
        elif steps[at].opname not in _NOTHING:
            break
    return tuple(names)


def is_operator(code: CodeType, last: int) -> bool:
    """Whether it is an operator between two values that is at work there."""
    steps, numbers = _steps(code)
    return steps[numbers[last]].opname == "BINARY_OP"


def _first(names: Any) -> tuple[str, ...]:
    return (names[0] if isinstance(names, tuple) else names,)


def asserted(code: CodeType, last: int) -> str | None:
    """What an `assert` says whose truth is asked for at `last`; None if it is no assert that asks."""
    steps, numbers = _steps(code)
    at = numbers[last]
    while at < len(steps) and "JUMP" not in steps[at].opname:
        at += 1
    rest = [step for step in steps[at + 1 : at + 5] if step.opname not in _NOTHING]
    if not rest or (
        rest[0].opname != "LOAD_ASSERTION_ERROR" and rest[0].argval is not AssertionError
    ):
        return None
    said = rest[1].argval if len(rest) > 1 and rest[1].opname == "LOAD_CONST" else None
    return said if isinstance(said, str) else "assertion error"


@functools.lru_cache(maxsize=4096)
def in_loop(code: CodeType, last: int) -> bool:
    """Whether what comes after the instruction at `last` may lead back to before it."""
    steps, numbers = _steps(code)
    at = numbers[last]
    return any("BACKWARD" in step.opname and numbers[step.argval] < at for step in steps[at:])


@functools.lru_cache(maxsize=4096)
def needed(code: CodeType, last: int) -> frozenset[str]:
    """The local names that are read after the instruction at `last` before they are set anew."""
    if getattr(code, "co_exceptiontable", b""):
        # A handler may read any of them.
        return frozenset(code.co_varnames)
    steps, numbers = _steps(code)
    live: list[set[str]] = [set() for _ in steps]
    changed = True
    while changed:
        changed = False
        for at in range(len(steps) - 1, -1, -1):
            step = steps[at]
            now: set[str] = set()
            if (
                step.opname not in _ENDS
                and "JUMP_FORWARD" not in step.opname
                and at + 1 < len(steps)
            ):
                now |= live[at + 1]
            if step.opcode in dis.hasjrel or step.opcode in dis.hasjabs:
                now |= live[numbers[step.argval]]
            names = step.argval if isinstance(step.argval, tuple) else (step.argval,)
            if step.opname.startswith("STORE_FAST") or step.opname == "DELETE_FAST":
                now -= {n for n in names if isinstance(n, str)}
            if "LOAD_FAST" in step.opname:
                now |= {n for n in names if isinstance(n, str)}
            if now != live[at]:
                live[at], changed = now, True
    at = numbers[last] + 1
    return frozenset(live[at] if at < len(steps) else ()) | frozenset(code.co_cellvars)


def named(frame: FrameType, through: frozenset[CodeType], outer: FrameType) -> After:
    """What becomes of what a call gives, past the functions that only hand it on, below `outer`.

    through: the codes of functions that hand on whatever they call gives.
    """
    here: FrameType | None = frame
    while here is not None and here is not outer:
        if here.f_code not in through:
            found = after(here.f_code, here.f_lasti)
            if found.kind != "returned":
                return found
        here = here.f_back
    return After("returned")
