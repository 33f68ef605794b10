"""A program as C: its graph, the groups of its loops, and the file."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.compiler.build import target
from rushlight.compiler.emit.cfile import CFile
from rushlight.compiler.graph import Graph, Guard, Memory, NoC, Outside
from rushlight.compiler.kernels.target import PLAIN, Target
from rushlight.compiler.recording.entries import Cut, Draw, Entry, Perform, Store
from rushlight.compiler.recording.program import Program
from rushlight.compiler.recording.values import Value
from rushlight.threads import get_num_threads

if TYPE_CHECKING:
    from rushlight.compiler.passes.fuse import Group


class Written:
    """The C of a program.

    any_size: written so that another size changes nothing but numbers. known: what `lasting` gave, before.
    """

    graph: Graph
    # The entries behind which a backward begins.
    cuts: list[Any]
    file: CFile
    # How many groups there are, whether the program may stop when something has been changed already,
    # and else the entries in Python before which something has been.
    count: int
    reversible: bool
    afterwards: list[Entry]

    def __init__(
        self,
        program: Program,
        any_size: bool = False,
        known: dict[str, Any] | None = None,
        processor: Target | None = None,
    ) -> None:
        self.program = program
        # Where a file for any size finds the numbers of its sizes.
        self.sizes: Memory | None = None
        # Where each temporary lies in their memory, and how large that is.
        self.laid: tuple[dict[int, int], int] | None = None
        if known is None:
            self._write(program, any_size, processor or target())
        else:
            vars(self).update(known)

    def lasting(self) -> dict[str, Any]:
        """What it consists of, but for the program, and for what is only read by those who look at it."""
        names = "graph", "cuts", "file", "count", "reversible", "afterwards", "laid"
        found = {name: getattr(self, name) for name in names}
        if self.program.backward is not None:
            return found | {"groups": self.groups}
        steps = [step for step in self.file.order if isinstance(step, Entry)]
        touched = [x for step in steps for x in (*step.reads(), *step.outs)]
        touched += [s.value for s in self.program.sources]
        touched += [r.value for r in self.program.lasting() if r.value is not None]
        known = self.graph.places
        places = {
            x.index: known[x.index] for x in touched if x.__class__ is Value and x.index in known
        }
        return found | {
            "graph": replace(self.graph, statements=[], places=places),
            "file": replace(self.file, parts=None, measured=[]),
        }

    @functools.cached_property
    def groups(self) -> list[Group]:
        """The groups of its loops; where it was found again they are made anew, for who looks at them."""
        return Written(self.program).groups

    def _write(self, program: Program, any_size: bool, processor: Target) -> None:
        # Where a program is found again nobody needs these, and to import them takes a while.
        from rushlight.compiler.emit.anysize import AnySizeWriter
        from rushlight.compiler.emit.file import write_file
        from rushlight.compiler.lowering import lower
        from rushlight.compiler.passes.copies import drop_copies
        from rushlight.compiler.passes.dead import drop_dead
        from rushlight.compiler.passes.fuse import fuse
        from rushlight.compiler.passes.hoist import hoist
        from rushlight.compiler.passes.layout import lay_out
        from rushlight.compiler.passes.lookups import multiply_tables
        from rushlight.compiler.passes.quotients import divide_once

        self.graph = lower(program, PLAIN if any_size else processor)
        hoist(self.graph)
        drop_dead(self.graph)
        if not any_size:
            # What these do goes by sizes.
            drop_copies(self.graph)
            multiply_tables(self.graph)
            divide_once(self.graph)
        lay_out(self.graph, processor)
        self.groups = fuse(self.graph, fine=not any_size)
        self._save()
        self.count = len(self.groups)
        self.reversible = _stops_late(self._of_the_call())
        self.afterwards = [] if self.reversible else _late(self._of_the_call())
        what = program.name, self.graph, self.groups, processor, get_num_threads()
        if any_size:
            number = len(self.graph.memories)
            self.sizes = Memory("sizes", np.dtype(np.int64), 0, "constant", None, number)
            self.graph.memories.append(self.sizes)
            self.file = AnySizeWriter(*what, self.sizes).write()
        else:
            self.file = write_file(*what)

    def _save(self) -> None:
        """Temporaries that a backward reads belong to its call."""
        firsts = [group.statements[0] for group in self.groups if self.is_cut(group)]
        self.cuts = [first.entry for first in firsts if isinstance(first, Outside)]
        # Per piece between cuts, the first of which is the call: what it touches, and writes.
        pieces: list[tuple[set[int], set[int]]] = [(set(), set())]
        for group in self.groups:
            if self.is_cut(group):
                pieces.append((set(), set()))
            written = {p.memory.number for p in group.writes()}
            pieces[-1][0].update({p.memory.number for p in group.reads()} | written)
            pieces[-1][1].update(written)
        (before, _), *later = pieces
        for number, (touched, _) in enumerate(later):
            others = {m for i, (_, written) in enumerate(later) if i != number for m in written}
            if touched & others - before:
                raise NoC("backwards that hand something to each other")
            for m in touched & before:
                memory = self.graph.memories[m]
                memory.kind = "saved" if memory.kind == "own" else memory.kind

    def _of_the_call(self) -> list[Group]:
        """The groups before any backward."""
        cuts = [number for number, group in enumerate(self.groups) if self.is_cut(group)]
        return self.groups[: cuts[0]] if cuts else self.groups

    @staticmethod
    def is_cut(group: Group) -> bool:
        """Whether a group is where a backward begins."""
        (first, *_) = group.statements
        return isinstance(first, Outside) and isinstance(first.entry, Cut)


def _stops_late(groups: list[Group]) -> bool:
    """Whether the program may stop when something has been changed already."""
    changed = False
    for group in groups:
        # A straight group puts back what it has changed itself.
        before = changed
        for statement in group.statements:
            if isinstance(statement, Guard) and (before if group.kind == "straight" else changed):
                return True
            if isinstance(statement, Outside):
                if statement.entry.checks and changed:
                    return True
                changed |= isinstance(statement.entry, Draw | Store)
            changed |= any(p.memory.kind in ("source", "stream") for p in statement.writes())
    return False


def _late(groups: list[Group]) -> list[Entry]:
    """The entries in Python before which something has been changed."""
    found, changed = [], False
    for group in groups:
        for statement in group.statements:
            if isinstance(statement, Outside):
                if changed and not isinstance(statement.entry, Perform):
                    found.append(statement.entry)
                changed |= isinstance(statement.entry, Draw | Store)
            changed |= any(p.memory.kind in ("source", "stream") for p in statement.writes())
    return found
