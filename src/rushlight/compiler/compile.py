"""`compile`: a function that runs as C from its second call on."""

from __future__ import annotations

import copy
import functools
import sys
import types
import weakref
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rushlight.caller import HERE
from rushlight.compiler.blocks import Block
from rushlight.compiler.build import NoCompiler
from rushlight.compiler.calling import MISS, CannotWrite, caller
from rushlight.compiler.calling_back import HandingCaller
from rushlight.compiler.foreseen import Foreseen
from rushlight.compiler.handing import Handing
from rushlight.compiler.machine import Late, Machine
from rushlight.compiler.midway import Midway, Stranded, finished
from rushlight.compiler.optimized import OptimizedModule
from rushlight.compiler.proved import proved
from rushlight.compiler.recording.entries import Perform
from rushlight.compiler.recording.errors import CannotRecord, Changed
from rushlight.compiler.recording.facts import Through
from rushlight.compiler.recording.joint import Joint
from rushlight.compiler.recording.modes import modes
from rushlight.compiler.recording.program import Backward, Program
from rushlight.compiler.recording.record import Proof, attempt
from rushlight.compiler.recording.waiting import Known
from rushlight.compiler.recording.world import World
from rushlight.compiler.remembered import Remembered
from rushlight.compiler.sizes import Alone, Sizes, is_marked, shapes_of
from rushlight.compiler.stance import current, recorder
from rushlight.core.state import state
from rushlight.core.turned import held
from rushlight.errors import warn
from rushlight.later import Unloaded
from rushlight.nn.modules.module import Module

if TYPE_CHECKING:
    from rushlight.compiler.report import Report

# So many refusals are taken before a function stays eager.
TRIES = 3


class Compiled:
    """One program, as C, and how it is called."""

    def __init__(self, program: Program, machine: Machine) -> None:
        self.program, self.machine = program, machine
        self.fast: Any = None
        self.text = ""
        # The shapes with which it was recorded, by which one of many programs is found soon.
        self.shapes: tuple[Any, ...] = ()

    def settle(self) -> None:
        """Write the function that calls it."""
        try:
            self.fast, self.text = caller(self.program, self.machine)
        except CannotWrite:
            self.fast = None

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Its result; MISS if it does not fit."""
        if self.fast is not None:
            result = self.fast(args, kwargs)
            if result is not MISS:
                return result
        if not self.machine.busy.acquire(False):
            # Another thread is in it, or the function itself: its memory is not ours.
            return self.program.world.function(*args, **kwargs)
        try:
            return self._checked(args, kwargs)
        finally:
            self.machine.busy.release()

    def _checked(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Its result, after all has been looked at; MISS, and nothing is changed, if it does not fit."""
        program, machine = self.program, self.machine
        try:
            given = program.world.check(args, kwargs)
            tensors = program.loaded(given)
        except Changed:
            return MISS
        slots: list[Any] = [None] * program.size
        for one, tensor in zip(program.sources, tensors, strict=True):
            slots[one.value.index] = held(tensor)
        before = program.snapshot(tensors) if machine.reversible else None
        block = self.begin()
        try:
            machine.run(tensors, slots)
        except Late as late:
            raise late.error from None
        except Exception:
            if before is not None:
                before.restore()
            if machine.performed:
                raise Stranded(program.world, machine.performed, machine.settings) from None
            # Eager finds what is wrong, too, and says it.
            return MISS
        finally:
            if self.fast is not None:
                # The pointers are those of this run.
                self.settle()
        return self.leave(given, slots, tensors, block)

    def begin(self) -> Block | None:
        """Before a run."""
        return None

    def leave(
        self, given: list[Any], slots: list[Any], tensors: list[Any], block: Block | None
    ) -> Any:
        """The results of a run."""
        return self.program.leave(given, slots, tensors)


class Differentiable(Compiled):
    """A program whose results are differentiated outside of it."""

    def __init__(self, program: Program, machine: Machine, backward: Backward) -> None:
        super().__init__(program, machine)
        self.handing = Handing(program, machine, backward)

    def settle(self) -> None:
        """Write the function that calls it."""
        try:
            self.fast, self.text = HandingCaller(self.handing).write()
        except CannotWrite:
            self.fast = None

    def begin(self) -> Block | None:
        """Take what its backward reads."""
        machine = self.machine
        if machine.blocks is None:
            return None
        block = machine.blocks.take()
        machine.save_in(block)
        return block

    def leave(
        self, given: list[Any], slots: list[Any], tensors: list[Any], block: Block | None
    ) -> Any:
        """The results, on which a node of the tape stands."""

        def attach(results: list[Any]) -> None:
            self.handing.node(given, tensors, block, results)

        return self.program.leave(given, slots, tensors, attach)


class Step(Through):
    """A compiled function: one program for each kind of call."""

    def __init__(
        self, function: Callable[..., Any], whole: bool = False, dynamic: bool | None = None
    ) -> None:
        functools.update_wrapper(self, function, updated=())
        # whole: what cannot be compiled is an error, and does not run eagerly. dynamic: from which size on
        # sizes are numbers of the call: True from the second on, None from the third, False never.
        self.whole, self.dynamic = whole, dynamic
        self._forget()
        self.function = self._torchdynamo_orig_callable = function
        _steps.add(self)

    def _forget(self) -> None:
        """As if it had never been called."""
        self.programs: list[Compiled] = []
        self.refusals: list[str] = []
        self.sizes = Sizes()
        # How often calls of these shapes came that no program fits.
        self.met: Counter[tuple[Any, ...]] = Counter()

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        """The function as a method."""
        return self if owner is None else types.MethodType(self, owner)

    @property
    def program(self) -> Program:
        """What the latest recording wrote down: print it to read it."""
        return self._latest().program

    @property
    def graph(self) -> str:
        """The latest program as loops, products and kernels, views gone and loops fused."""
        from rushlight.compiler.shown import graph_text

        return graph_text(self._latest().machine.groups)

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
            name = getattr(self.function, "__qualname__", type(self.function).__name__)
            raise RuntimeError(f"{name} is not compiled{why}")
        return self.programs[0]

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """Functions are their own copies; what a method belongs to is copied."""
        function = copy.deepcopy(self.function, memo)
        return self if function is self.function else type(self)(function, self.whole, self.dynamic)

    def __reduce__(self) -> Any:
        name = getattr(self, "__qualname__", "")
        if getattr(sys.modules.get(self.__module__), name, None) is self:
            return name
        return type(self), (self.function, self.whole, self.dynamic)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run, as C where a program fits."""
        stance = current[0]
        if stance == "force_eager":
            return self.function(*args, **kwargs)
        try:
            # Nearly always it is the latest program, called the fast way: no more is done then.
            if self.programs and (fast := self.programs[0].fast) is not None:
                result = fast(args, kwargs)
                if result is not MISS:
                    return result
            for number, compiled in enumerate(self._candidates(args, kwargs)):
                result = compiled(args, kwargs)
                if result is not MISS:
                    if number or compiled is not self.programs[0]:
                        self.programs.remove(compiled)
                        self.programs.insert(0, compiled)
                    return result
        except Stranded as stranded:
            return self._midway(stranded, args, kwargs)
        if self._is_eager(stance) or self._is_rare(args, kwargs):
            return self.function(*args, **kwargs)
        return self._record(args, kwargs)

    def _candidates(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Sequence[Compiled]:
        """The programs that may fit a call: all of a few, of many those for its shapes."""
        if len(self.programs) <= _FEW:
            return self.programs
        shapes = shapes_of(args, kwargs)
        return [compiled for compiled in self.programs if compiled.shapes == shapes]

    def _is_rare(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether sizes that keep changing have not come often enough to be recorded."""
        if len(self.programs) <= _FEW:
            return False
        if len(self.met) >= _MOST:
            self.met.clear()
        self.met[shapes := shapes_of(args, kwargs)] += 1
        return self.met[shapes] < 2

    def _midway(self, stranded: Stranded, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The same when a program could not go on after Python gave what it gives once."""
        worlds = [compiled.program.world for compiled in self.programs]
        with Midway(stranded):
            try:
                for compiled in self.programs[worlds.index(stranded.world) + 1 :]:
                    result = compiled(args, kwargs)
                    if result is not MISS:
                        return result
            except Stranded as again:
                return self._midway(again, args, kwargs)
            if self._is_eager(current[0]):
                return finished(stranded.world, self.function, args, kwargs)
            return self._record(args, kwargs)

    def _is_eager(self, stance: str) -> bool:
        """Whether what fits no program runs as it is."""
        # A part of what is recorded, or watched by somebody else.
        if (
            state.interpreters and (recorder() is not None or modes()[-1])
        ) or state.anomaly is not None:
            return True
        if stance != "default" and not self._is_new(stance):
            return True
        return len(self.refusals) >= TRIES or self._is_full()

    def _is_new(self, stance: str) -> bool:
        """Whether a call that fits no program is recorded."""
        self.waited = getattr(self, "waited", 0) + 1
        if stance.endswith("eager_then_compile"):
            return self.waited > 1
        if stance == "fail_on_recompile":
            raise RuntimeError(
                "Detected recompile when torch.compile stance is 'fail_on_recompile'. no program of "
                f"{getattr(self.function, '__name__', self.function)} fits this call"
            )
        return False

    def _is_full(self) -> bool:
        """Whether it has been compiled as often as it may be."""
        if not self.programs and type(sys.modules["rushlight._dynamo"]) is Unloaded:
            # Nobody has set anything, and to import it takes a while.
            return False
        from rushlight._dynamo import config

        limit = config.recompile_limit
        # Programs for many sizes are one that was compiled.
        compiled = [one.machine.library for one in self.programs]
        self.sizes.full = len({id(library) for library in compiled}) >= limit
        if config.disable or not self.sizes.full:
            return config.disable
        if self.sizes.libraries:
            return len(self.programs) >= _MOST
        if self.whole or config.fail_on_recompile_limit_hit:
            from rushlight._dynamo.exc import FailOnRecompileLimitHit

            raise FailOnRecompileLimitHit(
                f"recompile_limit reached ({limit}), hard failure due to fullgraph=True"
            )
        return True

    def _record(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        made: list[Compiled] = []
        memory: Remembered | None = None
        ran: Sequence[Any] = ()
        foreseen = Foreseen()

        def tried(program: Program, codes: Sequence[Any]) -> bool:
            nonlocal memory, ran
            ran = codes
            if not self._alike(program):
                with suppress(NoCompiler):
                    memory = Remembered(program, codes)
            return memory is not None and memory.known is not None

        def build(program: Program, proof: Proof) -> None:
            try:
                made.append(self._compiled(program, proof, memory))
                if memory is not None and (memory.known is None or foreseen.known is None):
                    foreseen.keep(program, made[0].machine.graph.certain, ran)
            except NoCompiler as error:
                warn(str(error))
                self.refusals += [str(error)] * TRIES
                raise CannotRecord(str(error)) from None

        def before(world: World) -> Known | None:
            with suppress(NoCompiler, OSError):
                return foreseen(world)
            return None

        try:
            result, _, refused = attempt(self.function, args, kwargs, build, Joint, tried, before)
        except RuntimeError as error:
            if type(error) is not RuntimeError or not _is_refusal(error):
                raise
            # As torch says it of an operation that refuses its arguments while it compiles.
            from rushlight._dynamo.exc import TorchRuntimeError

            raise TorchRuntimeError(str(error)) from error
        if refused is not None:
            self.refusals.append(str(refused))
            if self.whole:
                from rushlight._dynamo.exc import Unsupported

                raise Unsupported(str(refused)) from refused
        else:
            made[0].settle()
            made[0].shapes = shapes_of(args, kwargs)
            self.programs.insert(0, made[0])
        return result

    def _alike(self, program: Program) -> list[Program]:
        """The programs for other sizes with which it may be one library; none where it is alone."""
        if self.dynamic is False or self.sizes.failed:
            return []
        (known, now), others = program.outline, [one.program for one in self.programs]
        alike = [one for one in others if one.outline[0] == known and one.outline[1] != now]
        enough = 1 if self.dynamic or is_marked(source.tensor for source in program.sources) else 2
        return alike if len(alike) >= enough else []

    def _compiled(self, program: Program, proof: Proof, memory: Remembered | None) -> Compiled:
        """A program as C, which is that of other sizes where these keep changing."""
        if alike := self._alike(program):
            with suppress(Alone):
                return _compiled(program, proof, None, self.sizes, alike)
        if self.sizes.full:
            raise CannotRecord("there are as many programs as there may be")
        return _compiled(program, proof, memory)


def _is_refusal(error: BaseException) -> bool:
    """Whether it comes from an operation, and not from a `raise` of the program."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return place is not None and place.tb_frame.f_code.co_filename.startswith(HERE)


# More programs than that are looked up by shapes; and so many may there be.
_FEW, _MOST = 16, 256


# All that are there.
_steps: weakref.WeakSet[Step] = weakref.WeakSet()


def count() -> int:
    """How many compiled functions there are."""
    return len(_steps)


def reset() -> None:
    """Forget all programs of all functions."""
    for step in _steps:
        step._forget()
    if (graphs := sys.modules.get("rushlight.compiler.graphs.step")) is not None:
        graphs.reset()


def _compiled(
    program: Program,
    proof: Proof,
    memory: Remembered | None,
    sizes: Sizes | None = None,
    alike: Sequence[Program] = (),
) -> Compiled:
    """A program as C that does what it did when it was recorded."""
    backward = program.backward
    outs = [] if backward is None else backward.outs
    if any(result.graph and result not in outs for result in program.kept()):
        raise CannotRecord("it leaves a graph in what it changes")
    if outs and any(isinstance(entry, Perform) for entry in program.entries):
        raise CannotRecord("its results are differentiated, and Python is run in between")
    try:
        known = None if memory is None else memory.known
        machine = Machine(program, sizes=sizes, alike=alike, known=known)
    except (NoCompiler, Alone):
        raise
    except Exception as error:
        # A fault of the compiler is no fault of the program: that runs as it is.
        raise CannotRecord(f"a fault of the compiler: {type(error).__name__}: {error}") from error
    proved(machine, proof)
    if memory is not None:
        memory.keep(machine.lasting())
    if backward is None:
        return Compiled(program, machine)
    return Differentiable(program, machine, backward)


@dataclass(frozen=True)
class Context:
    """How the calls of a module are compiled."""

    whole: bool
    dynamic: bool | None = None
    backend: Any = None
    options: dict[str, Any] | None = None

    def __call__(self, function: Any) -> Any:
        """A function, or the call of a module, compiled: by the backend, if one is given."""
        if isinstance(function, Module):
            function = function.__call__
        if self.backend is None:
            return Step(function, self.whole, self.dynamic)
        from rushlight.compiler.graphs.step import GraphStep

        return GraphStep(function, self.backend, self.whole, self.dynamic, self.options)


# The names under which torch has compilers. Here all of them are the one there is.
BACKENDS = frozenset({
    "aot_eager", "aot_eager_decomp_partition", "aot_eager_decomp_partition_with_mode",
    "aot_eager_default_partitioner", "aot_ts", "cudagraphs", "eager", "eager_debug", "eager_noexcept",
    "inductor", "invoke_subgraph", "openxla", "openxla_eval", "pre_dispatch_eager", "ts", "tvm",
})  # fmt: skip
MODES = ("default", "lite", "reduce-overhead", "max-autotune-no-cudagraphs", "max-autotune")


# Backends that are called with graphs, by name.
registered: dict[str, Any] = {}


def backend_named(name: str) -> Any:
    """The backend of that name that is called with graphs; None where it is the compiler there is."""
    if name in registered:
        return registered[name]
    if name not in BACKENDS:
        from rushlight._dynamo.exc import InvalidBackend

        raise InvalidBackend(name)
    if name.startswith(("eager", "aot_eager", "pre_dispatch_eager")):
        from rushlight._dynamo.backends.registry import lookup_backend

        return lookup_backend(name)
    return None


def _need_options(options: dict[str, Any]) -> None:
    """Raise torch's errors for an option that is known, and set to something of another type."""
    from rushlight._inductor import config

    for name, value in options.items():
        found: Any = config
        for part in name.replace("-", "_").split("."):
            found = getattr(found, part, None)
        if isinstance(found, bool) and type(value) is not bool:
            raise RuntimeError(
                f"Unexpected type of attr {name}, got {type(value).__name__} should be bool"
            )


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
    """A function or module that does what model does, as C from its second call on; also a decorator.

    Where results are differentiated outside of it, C hands their gradients on, too. What cannot be
    compiled runs eagerly, with the same results; with fullgraph that is an error. Sizes that keep changing
    become numbers of the call, from the third on; with dynamic=True from the second, with False never. A
    backend that is a callable is handed graphs, and what it returns is run (see docs/compiler.md); so is
    "eager". The other parameters are torch's, and change nothing.

    >>> import rushlight as torch
    >>> double = torch.compile(lambda x: (x * 2).sum())
    >>> [double(torch.tensor([1.0, float(i)])).item() for i in range(3)]
    [2.0, 4.0, 6.0]
    """
    if mode is not None and options is not None:
        raise RuntimeError(
            "Either mode or options can be specified, but both can't be specified at the same time."
        )
    handed = backend_named(backend) if isinstance(backend, str) else backend
    if options is not None and backend == "inductor":
        _need_options(options)
    if mode is not None and mode not in MODES:
        raise RuntimeError(f"Unrecognized mode={mode}, should be one of: {', '.join(MODES)}")
    if model is None:

        def fn(model: Any) -> Any:
            return compile(
                model, fullgraph=fullgraph, dynamic=dynamic, backend=backend, mode=mode, options=options,
                disable=disable,
            )  # fmt: skip

        return fn
    if not callable(model):
        raise AssertionError(f"A callable function is expected, but {type(model)} is provided.")
    if disable or isinstance(model, Step):
        return model
    if isinstance(model, OptimizedModule):
        model = model._orig_mod
    if not callable(handed):
        handed = None
    given = {"mode": mode, "options": options}
    context = Context(fullgraph, dynamic, handed, {k: v for k, v in given.items() if v})
    return OptimizedModule(model, context) if isinstance(model, Module) else context(model)
