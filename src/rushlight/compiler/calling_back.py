"""What happens around the C of a call whose results are differentiated, as straight lines of Python."""

from __future__ import annotations

from typing import Any

from rushlight.compiler.calling import Caller, CannotWrite
from rushlight.compiler.graph import Memory
from rushlight.compiler.handing import CompiledFunctionBackward, Handing, Kept
from rushlight.compiler.recording.program import Argument, Held, Result
from rushlight.core.tape import refresh
from rushlight.core.turned import held


class HandingCaller(Caller):
    """Writes the function that calls a program with a backward."""

    def __init__(self, handing: Handing) -> None:
        super().__init__(handing.program, handing.machine)
        self.handing = handing
        self.back = {memory.number for memory in handing.arrays}

    def _handed(self, result: Result) -> bool:
        return any(result is one for one in self.handing.backward.outs)

    def _result(self, memory: Memory, shape: Any, apart: bool = False) -> str:
        """A result that the backward reads has memory of its own from the start."""
        return super()._result(memory, shape, apart or memory.number in self.back)

    def _run(self) -> None:
        text, machine = self.text, self.machine
        if machine.blocks is not None:
            p, blocks = text.name(machine.pointers, "p"), machine.blocks
            text.line(f"block = {text.name(blocks.take)}()")
            text.line(f"{p}[{text.name(blocks.numbers)}] = block.addresses")
            if self.outside:
                text.line(f"{text.name(machine.flat, 'flat')}.update(block.parts)")
        super()._run()

    def _attach(self, made: dict[int, str]) -> None:
        text, machine, handing = self.text, self.machine, self.handing
        edges, numbers = [], []
        for location in handing.backward.targets:
            if isinstance(location, Argument):
                t = self.given[location.number]
                text.line(f"if {t}._view_ is not None:")
                text.line(f"    {text.name(refresh)}({t})")
                edges.append(f"{t} if {t}._node_ is None else {t}._node_")
                numbers.append(f"0 if {t}._node_ is None else {t}._output_nr_")
            elif isinstance(location, Held):
                edges.append(text.name(location.tensor, "t"))
                numbers.append("0")
            else:
                raise CannotWrite
        read = [self._located(self.program.sources[number].location) for number in handing.sources]
        versions = "".join(f"{t}._changes_, {t}._changes_[0], " for t in read)
        # What lies in arrays that come with a call is kept with it.
        arrays = "".join(
            f"{t}._data_, " for t, number in zip(read, handing.sources, strict=True)
            if isinstance(self.program.sources[number].location, Argument)
        )  # fmt: skip
        given = text.name(machine.given, "given")
        kept = ", ".join(
            f"{m.number}: r{m.number}" if m.kind == "kept" else f"{m.number}: {given}[{m.number}]"
            for m in handing.arrays
        )
        p = text.name(machine.pointers, "p")
        every = f"[{text.name(held)}(t) for t in tensors]" if handing.python else "()"
        if handing.python and not self.outside:
            tensors = ", ".join(self._located(source.location) for source in self.program.sources)
            every = f"[{text.name(held)}(t) for t in ({tensors},)]"
        block = "None" if machine.blocks is None else "block"
        figures = f"{text.name(machine.numbers)}.copy()" if handing.numbers else "None"
        text.line(
            f"kept = {text.name(Kept)}({p}[{text.name(handing.pointers)}], {block}, ({arrays}), {{{kept}}}, "
            f"{every}, {figures})"
        )
        several = f"[{', '.join(numbers)}]" if any(n != "0" for n in numbers) else "None"
        results = ", ".join(made[id(result)] for result in handing.backward.outs)
        text.line(
            f"{text.name(CompiledFunctionBackward)}({text.name(handing)}, [{', '.join(edges)}], {several}, "
            f"kept, [{versions}]).put_on([{results}])"
        )


__all__ = ["HandingCaller"]
