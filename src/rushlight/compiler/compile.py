"""`compile`: a function that runs as C from its second call on."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.compiler.build import NoCompiler
from rushlight.compiler.calling import MISS, CannotWrite, caller
from rushlight.compiler.machine import Machine, Stopped
from rushlight.compiler.recording.entries import Perform
from rushlight.compiler.recording.errors import CannotRecord, Changed
from rushlight.compiler.recording.program import Program
from rushlight.compiler.recording.record import Proof, attempt
from rushlight.core.turned import held
from rushlight.nn.modules.module import Module

if TYPE_CHECKING:
    from rushlight.compiler.report import Report

# So many programs of one function are kept, and so many refusals are taken before it stays eager.
PROGRAMS, TRIES = 8, 3


class Compiled:
    """One program, as C, and how it is called."""

    def __init__(self, program: Program, machine: Machine) -> None:
        self.program, self.machine = program, machine
        self.fast: Any = None
        self.text = ""

    def settle(self) -> None:
        """Write the function that calls it."""
        try:
            self.fast, self.text = caller(self.program, self.machine, self.resume)
        except CannotWrite:
            self.fast = None

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Its result; MISS if it does not fit."""
        if self.fast is not None:
            result = self.fast(args, kwargs)
            if result is not MISS:
                return result
        program = self.program
        try:
            given = program.world.check(args, kwargs)
            tensors = program.loaded(given)
        except Changed:
            return MISS
        slots: list[Any] = [None] * program.size
        for one, tensor in zip(program.sources, tensors, strict=True):
            slots[one.value.index] = held(tensor)
        before = program.snapshot(tensors) if self.machine.reversible else None
        try:
            self.machine.run(tensors, slots)
        except Stopped:
            if before is not None:
                before.restore()
            if not any(isinstance(step, Perform) for step in self.machine.order):
                return MISS
            # What Python gave cannot be taken back: what is left is done without C.
            program.run(slots, done=True)
        except BaseException:
            if before is not None:
                before.restore()
            raise
        result = program.leave(given, slots, tensors)
        if self.fast is not None:
            self.settle()
        return result

    def resume(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], performed: dict[int, Any]
    ) -> Any:
        """The rest of a run whose C has stopped, after Python gave what cannot be taken back."""
        program = self.program
        given = program.world.check(args, kwargs)
        tensors = program.loaded(given)
        slots: list[Any] = [None] * program.size
        for one, tensor in zip(program.sources, tensors, strict=True):
            slots[one.value.index] = held(tensor)
        for index, tensor in performed.items():
            slots[index] = held(tensor)
        program.run(slots, done=True)
        return program.leave(given, slots, tensors)


class Step:
    """A compiled function: one program for each kind of call."""

    def __init__(self, function: Callable[..., Any], whole: bool = False) -> None:
        # whole: what cannot be compiled is an error, and does not run eagerly.
        self.whole = whole
        functools.update_wrapper(self, function)
        self.function = function
        self.programs: list[Compiled] = []
        self.refusals: list[str] = []

    @property
    def program(self) -> Program:
        """What the latest recording wrote down: print it to read it."""
        return self._latest().program

    @property
    def source(self) -> str:
        """The C of the latest program."""
        return self._latest().machine.file.text

    @property
    def caller(self) -> str:
        """The Python around that C: guards, pointers, results; empty where it is called the slow way."""
        return self._latest().text

    def report(self) -> Report:
        """What each function of the C takes, what stays with NumPy, and what was refused: print it.

        All programs are run a few times for it, on their tensors, which are then as before.
        """
        from rushlight.compiler.report import report

        return report([compiled.program for compiled in self.programs], self.refusals)

    def _latest(self) -> Compiled:
        if not self.programs:
            why = f": {self.refusals[-1]}" if self.refusals else ": call it first"
            raise RuntimeError(f"{self.function!r} is not compiled{why}")
        return self.programs[0]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run, as C where a program fits."""
        for compiled in self.programs:
            result = compiled(args, kwargs)
            if result is not MISS:
                return result
        if len(self.refusals) >= TRIES or len(self.programs) >= PROGRAMS:
            return self.function(*args, **kwargs)
        return self._record(args, kwargs)

    def _record(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        made: list[Compiled] = []

        def build(program: Program, proof: Proof) -> None:
            if any(result.graph for result in program.kept()):
                raise CannotRecord("its results are to be differentiated outside of it")
            machine = Machine(program)
            _proved(machine, proof)
            made.append(Compiled(program, machine))

        try:
            result, _, refused = attempt(self.function, args, kwargs, build)
        except NoCompiler as error:
            warnings.warn(str(error), stacklevel=3)
            self.refusals = [str(error)] * TRIES
            raise
        if refused is not None:
            self.refusals.append(str(refused))
            if self.whole:
                raise refused
        else:
            made[0].settle()
            self.programs.insert(0, made[0])
        return result


def compile(
    model: Any = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = "inductor",
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    disable: bool = False,
) -> Any:
    """A function that does what model does, as C from its second call on; also a decorator.

    What cannot be compiled runs eagerly, with the same results; with fullgraph that is an error. The other
    parameters are torch's, and change nothing.

    >>> import rushlight as torch
    >>> double = torch.compile(lambda x: (x * 2).sum())
    >>> [double(torch.tensor([1.0, float(i)])).item() for i in range(3)]
    [2.0, 4.0, 6.0]
    """
    if model is None:
        return functools.partial(
            compile, fullgraph=fullgraph, dynamic=dynamic, backend=backend, mode=mode, options=options,
            disable=disable,
        )  # fmt: skip
    if disable or backend == "eager" or isinstance(model, Module | Step):
        return model
    return Step(model, fullgraph)


def _proved(machine: Machine, proof: Proof) -> None:
    """Raise CannotRecord unless the machine does what was recorded, but for rounding.

    Rounding may be seen: the gradient of a ReLU is another where a zero is missed by a last bit, and Adam
    makes steps of full length of gradients that are rounding alone. So arrays are compared as a whole, and a
    few small ones may differ.
    """
    off = total = 0
    for _, made, known in proof(functools.partial(machine.run, again=True)):
        total += known.size
        if not _alike(made, known):
            off += known.size
    if off > total // 20:
        raise CannotRecord(
            f"the C gives other values than the recording, in {off} of {total} elements"
        )


def _alike(made: Any, known: Any) -> bool:
    """Whether two arrays differ by no more than rounding may explain."""
    if known.dtype.kind not in "fc":
        return int((made != known).sum()) <= known.size // 50
    finite = np.isfinite(known)
    if not np.array_equal(finite, np.isfinite(made)):
        return False
    a, b = made[finite].astype(np.float64), known[finite].astype(np.float64)
    return bool(np.linalg.norm(a - b) <= 0.2 * np.linalg.norm(b) + 1e-30)
