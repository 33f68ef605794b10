"""How functions are called: for ranges, by threads, strip by strip; and how long memory is needed for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rushlight.compiler.emit.sharing import (
    WORTH,
    Argument,
    added,
    call_of,
    in_parts,
    of_all,
    shared,
)
from rushlight.compiler.graph import C_TYPES, Dtype, Graph, Memory, NoC, Place, Statement, c_type
from rushlight.compiler.kernels.kernel import Kernel
from rushlight.compiler.kernels.target import Target
from rushlight.compiler.passes.fuse import Group
from rushlight.compiler.recording.entries import Entry


@dataclass(frozen=True)
class Call:
    """A call that the C makes."""

    text: str
    group: Group
    # Temporaries that nobody else touches.
    inside: set[int]
    # It prepares or ends what another call of the group does.
    beside: bool


class Caller:
    """The calls of a file, and the functions that are in it.

    How a pointer is written is said in methods, which another kind of file says anew.
    """

    def __init__(self, graph: Graph, groups: list[Group], target: Target, threads: int) -> None:
        self.graph, self.target, self.threads = graph, target, threads
        self.functions: dict[str, str] = {}
        # Which of them are kernels, whose text is vectors already; and whether others call them.
        self.kernels: dict[str, bool] = {}
        self.fragments: list[str] = []
        self.order: list[str | Entry] = []
        self.calls: list[str] = []
        self.runs: list[str] = []
        self.measured: list[Call] = []
        self.used: set[int] = set()
        self.lives: dict[int, tuple[int, int]] = {}
        # The group that is written, and the first and last of those that live at the same time.
        self.moment = 0
        self.during = 0, 0
        # In how many strips of rows calls are made now, and these calls.
        self.strips = 1
        self.stripped: list[str] = []
        # What is packed for all strips, where threads can share that out.
        self.packs: list[str] = []
        # What each thread does before its strips, and what is done after all of them.
        self.first: list[str] = []
        self.last: list[str] = []
        # Memory of which all strips use the same part, by number, and its elements; now, and in all runs.
        self.near: dict[int, int] = {}
        self.sizes_near: dict[int, int] = {}
        self.arrange(groups)

    def arrange(self, groups: list[Group]) -> None:
        """The groups, in the order in which they run."""
        self.groups = groups
        self.inside = _inside(self.graph, groups)

    def _end_run(self) -> None:
        """What is called between two things that Python does."""
        if not self.calls:
            return
        name = f"run_{len(self.runs)}"
        body = "\n".join(f"    {call}" for call in self.calls)
        self.runs.append(f"int {name}(void *const *p, double *n) {{\n{body}\n    return 0;\n}}\n")
        self.order.append(name)
        self.calls = []

    def _end_strips(self) -> None:
        """What is called strip by strip."""
        if not self.stripped:
            return
        lines = [f"    {line}" for line in self.stripped]
        if self.threads == 1:
            self.calls += [f"for (long s = 0; s < {self.strips}; s++) {{", *lines, "}"]
        else:
            self._end_packs()
            name, each = f"strips_{self.moment}", self.strips // self.threads
            bounds = f"long s = part * {each}; s < (part + 1) * {each}; s++"
            body = [*self.first, f"for ({bounds}) {{", *lines, "}"]
            self.functions[name] = of_all(name, body)
            self.fragments.append("threads_float")
            self.calls += [_handed_all(name, self.threads), *self.last]
        self.stripped, self.first, self.last = [], [], []

    def _end_packs(self) -> None:
        """What is packed for strips, each by one thread."""
        if len(self.packs) > 1:
            name = f"packs_{self.moment}"
            cases = [f"    case {at}: {pack} break;" for at, pack in enumerate(self.packs)]
            self.functions[name] = of_all(name, ["switch (part) {", *cases, "}"])
            self.packs = [_handed_all(name, len(self.packs))]
        self.calls += self.packs
        self.packs = []

    # ---- memory ----------------------------------------------------------------------------------

    def _pointer(self, memory: Memory, offset: int) -> str:
        """A pointer to an element, as C in the functions that call."""
        self._use(memory)
        at = f" + {offset}" if offset else ""
        if memory.number in self.near:
            # Each thread has its own.
            strip = "- s" if self.threads == 1 else "+ (part - s)"
            at += f" {strip} * {self.near[memory.number]}"
        return f"({c_type(memory.dtype)} *)p[{memory.number}]{at}"

    def _use(self, memory: Memory) -> None:
        """Memory is used at this moment."""
        self.used.add(memory.number)
        begin, end = self.during
        first, last = self.lives.get(memory.number, self.during)
        self.lives[memory.number] = min(first, begin), max(last, end)

    def _address(self, place: Place) -> str:
        """A pointer to the first element of a place."""
        return self._pointer(place.memory, place.offset)

    def _own(self, name: str, dtype: Dtype, size: int) -> Memory:
        """Memory for something in between."""
        return self.graph.own(name, dtype, size)

    # ---- calls -----------------------------------------------------------------------------------

    def _ranged(
        self,
        name: str,
        arguments: list[Argument],
        count: int,
        grain: int,
        cost: float,
        first: bool,
        beside: bool = False,
    ) -> None:
        """A call of a function that takes a range, by several threads where that pays."""
        alone = self.strips > 1 and not beside
        if self.threads > 1 and not alone and cost > WORTH and count > grain:
            text, call = shared(name, arguments, count, grain, first)
            self.functions.setdefault(f"{name}_share", text)
            self.fragments.append("threads_float")
        else:
            begin, end = ("0", str(count)) if beside else self._range(count)
            call = call_of(name, arguments, begin, end, first)
        self._call(call, beside)

    def _range(self, count: int) -> tuple[str, str]:
        """From where to where a function goes that is called now."""
        rows = count // self.strips
        return ("0", str(count)) if self.strips == 1 else (f"s * {rows}", f"(s + 1) * {rows}")

    def _parted(
        self,
        name: str,
        arguments: list[Argument],
        count: int,
        sums: dict[int, int],
        cost: float,
        first: bool,
    ) -> None:
        """A call of a function that adds up over its range, in parts of the range where that pays."""
        within = self.strips > 1 and self.threads > 1
        parts = min(self.threads, count)
        if (parts < 2 or cost < WORTH or not sums) and not within:
            self._call(call_of(name, arguments, *self._range(count), first))
            return
        if not sums:
            raise NoC("something else than sums over rows that several threads share")
        inner, ends = list(arguments), []
        for at, size in sums.items():
            kind = arguments[at].type.removesuffix("*").strip()
            dtype = next(d for d, c in C_TYPES.items() if c == kind)
            memory = self._own("parts", np.dtype(dtype), parts * size)
            inner[at] = Argument(arguments[at].type, self._pointer(memory, 0))
            all_parts = inner[at].text
            if within:
                own = f"{all_parts} + part * {size}"
                inner[at] = Argument(arguments[at].type, own)
                self.first.append(f"memset({own}, 0, {size * memory.dtype.itemsize});")
            adding, text = added(kind, size, parts)
            self.functions.setdefault(adding, text)
            ends.append(f"{adding}({all_parts}, {arguments[at].text})")
        if within:
            self._call(call_of(name, inner, *self._range(count), first))
            self.last += [self._measured("CALL", one, True) for one in ends]
            return
        text, call = in_parts(name, inner, count, parts, sums, first)
        self.functions.setdefault(f"{name}_parts", text)
        self.fragments.append("threads_float")
        self._call(call)
        for one in ends:
            self._call(one, beside=True)

    def _call(self, call: str, beside: bool = False) -> None:
        # What is packed for all strips is packed before.
        if beside or self.strips == 1:
            shares = beside and self.strips > 1 and self.threads > 1
            calls = self.packs if shares else self.calls
            calls.append(self._measured("CALL", call, beside))
        else:
            macro = "CALL" if self.threads == 1 else "PART"
            self.stripped.append(self._measured(macro, call, beside))

    def _measured(self, macro: str, call: str, beside: bool) -> str:
        """A call, and that it can be measured."""
        at = self.moment
        self.measured.append(Call(call, self.groups[at], self.inside[at], beside))
        return f"{macro}({len(self.measured) - 1}, {call});"

    def _checked(self, call: str) -> None:
        self.calls.append(f"{{ const int stopped = {call}; if (stopped) return stopped; }}")

    def _function(self, kernel: Kernel, called: bool = True) -> None:
        """A kernel is in the file; `called`: by others than kernels."""
        for needed in kernel.needs:
            self._function(needed, False)
        self.functions.setdefault(kernel.name, kernel.source)
        self.kernels[kernel.name] = called or self.kernels.get(kernel.name, False)
        self.fragments += kernel.fragments


def _handed_all(name: str, parts: int) -> str:
    """The call by which threads share out such parts."""
    return f"{{ const void *const x[] = {{p, n}}; parallel({name}, (void *)x, {parts}, 1); }}"


def memories_of(statement: Statement) -> list[Memory]:
    """What a statement touches."""
    return [place.memory for place in (*statement.reads(), *statement.writes())]


def _inside(graph: Graph, groups: list[Group]) -> list[set[int]]:
    """Per group the temporaries that no other group touches."""
    users: dict[int, set[int]] = {}
    for number, group in enumerate(groups):
        for statement in group.statements:
            for memory in memories_of(statement):
                users.setdefault(id(memory), set()).add(number)
    result: list[set[int]] = [set() for _ in groups]
    wanted = {id(graph.places[index].memory) for index in graph.wanted if index in graph.places}
    for memory in graph.memories:
        of = users.get(id(memory), set())
        if memory.kind == "own" and len(of) == 1 and id(memory) not in wanted:
            result[next(iter(of))].add(id(memory))
    return result
