"""A program as C: its graph, the groups of its loops, and the file."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.compiler.build import target
from rushlight.compiler.emit.anysize import AnySizeWriter
from rushlight.compiler.emit.file import CFile, write_file
from rushlight.compiler.graph import Graph, Memory, NoC, Outside
from rushlight.compiler.kernels.target import Target
from rushlight.compiler.lowering import lower
from rushlight.compiler.passes.copies import drop_copies
from rushlight.compiler.passes.dead import drop_dead
from rushlight.compiler.passes.fuse import Group, fuse
from rushlight.compiler.passes.hoist import hoist
from rushlight.compiler.passes.layout import lay_out
from rushlight.compiler.passes.quotients import divide_once
from rushlight.compiler.recording.entries import Cut
from rushlight.compiler.recording.program import Program
from rushlight.threads import get_num_threads


class Written:
    """The C of a program.

    any_size: written so that another size changes nothing but numbers. known: what `lasting` gave, before.
    """

    graph: Graph
    groups: list[Group]
    # The entries behind which a backward begins.
    cuts: list[Any]
    file: CFile

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
        if known is None:
            self._write(program, any_size, processor or target())
        else:
            self.graph, self.groups = known["graph"], known["groups"]
            self.cuts, self.file = known["cuts"], known["file"]

    def lasting(self) -> dict[str, Any]:
        """What it consists of, but for the program."""
        return {"graph": self.graph, "groups": self.groups, "cuts": self.cuts, "file": self.file}

    def _write(self, program: Program, any_size: bool, processor: Target) -> None:
        self.graph = lower(program)
        hoist(self.graph)
        drop_dead(self.graph)
        if not any_size:
            # What these do goes by sizes.
            drop_copies(self.graph)
            divide_once(self.graph)
        lay_out(self.graph, processor)
        self.groups = fuse(self.graph, fine=not any_size)
        self._save()
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
