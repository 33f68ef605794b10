"""A function whose graphs go to a backend."""

from __future__ import annotations

import functools
import logging
import sys
import traceback
import types
import weakref
from collections.abc import Callable
from types import FrameType
from typing import Any

from rushlight.compiler.graphs.building import Building
from rushlight.compiler.graphs.direct import MISS, Direct, Watch, direct
from rushlight.compiler.graphs.kept import Handed, Place, code_of, forget_all, kept_of, roots_of
from rushlight.compiler.graphs.matching import fits, pattern
from rushlight.compiler.graphs.peeking import Otherwise, Run
from rushlight.compiler.graphs.places import needed
from rushlight.compiler.graphs.sources import Sources
from rushlight.compiler.graphs.symbols import Term, name_of, number
from rushlight.compiler.graphs.tracing import Tracing
from rushlight.compiler.graphs.written import Value, mapped
from rushlight.compiler.sizes import is_marked
from rushlight.compiler.stance import current, tracers
from rushlight.core.tensor import TensorBase
from rushlight.outline import Outline

log = logging.getLogger("torch._dynamo")

_SLOTS = ("_data_", "_node_", "_requires_grad_", "_grad", "_changes_", "_view_")


# So many calls that are graphs alone are kept of a function.
MOST = 8


# All that are there.
_steps: weakref.WeakSet[GraphStep] = weakref.WeakSet()


def reset() -> None:
    """Forget all graphs of all functions."""
    forget_all()
    for step in _steps:
        step.forget()


class GraphStep:
    """What `torch.compile` makes of a function for a backend that is a callable.

    As torch does: the backend is called with a GraphModule and examples once for each graph; what it
    returns is called from then on. What cannot be in a graph ends it, and Python does it; with whole that
    is an error.
    """

    def __init__(
        self, function: Callable[..., Any], backend: Callable[..., Any], whole: bool = False,
        dynamic: bool | None = None, options: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.function, self.backend, self.whole, self.dynamic = function, backend, whole, dynamic
        functools.update_wrapper(self, function, updated=())
        self.options = options or {}
        self.forget()
        self._torchdynamo_orig_callable = function
        _steps.add(self)

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        """The function as a method."""
        return self if owner is None else types.MethodType(self, owner)

    def __reduce__(self) -> Any:
        name = getattr(self, "__qualname__", "")
        if getattr(sys.modules.get(self.__module__), name, None) is self:
            return name
        return type(self), (self.function, self.backend, self.whole, self.dynamic, self.options)

    def forget(self) -> None:
        """As if it had never been called."""
        self.kept = kept_of(self.function, self.backend)
        # Calls that are one graph alone; and how often it is tried to find such.
        self.direct: list[Direct] = []
        self.tries = 3
        # The last graph that ran, with its inputs and results.
        self.ran: Any = None
        # Sizes that are symbols in the call that runs, by value.
        self.sizes: dict[int, str] = {}

    # ---- a call ------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the function gives."""
        from rushlight._dynamo import config

        if current[0] == "force_eager" or config.disable or self.kept.skipped or tracers():
            return self.function(*args, **kwargs)
        for one in self.direct:
            if (result := one(args, kwargs)) is not MISS:
                return result
        tracing = Tracing(self)
        place = self.kept.places.get(None)
        if place is not None and place.handed and self.tries:
            # It comes for the second time: perhaps its Python need not run again.
            tracing.watch = Watch(self.function, args, kwargs)
        self.roots = roots_of(self.function, args, kwargs)
        self.sources: Sources | None = None
        self.arguments: dict[str, str] = {}
        args, kwargs = self._with_symbols(tracing, args, kwargs)
        try:
            result = tracing.run(self.function, args, kwargs)
        except Exception as error:
            with tracing.off():
                self._after_error(tracing)
            if self.whole and not _is_ours(error):
                from rushlight._dynamo.exc import Unsupported

                raise Unsupported(
                    f"Observed exception\n  {type(error).__name__}: {error}"
                ) from error
            if not (tracing.flushed or tracing.broke or self.whole or _is_ours(error)):
                self.kept.skipped = True
            raise
        if not (tracing.flushed or tracing.broke or self.whole):
            # As in torch, which leaves a function alone in which it found nothing to compile.
            self.kept.skipped = True
        if tracing.watch is not None:
            self._keep_direct(tracing, result)
        return result

    def _keep_direct(self, tracing: Tracing, result: Any) -> None:
        """Let the graph run alone from now on, if the call was no more than that."""
        found = None
        if tracing.flushed == 1 and not tracing.broke and self.ran is not None:
            handed, inputs, outs = self.ran
            if not handed.symbols:
                found = direct(tracing, handed, inputs, outs, result)
        self.ran = None
        if found is None:
            self.tries -= 1
        else:
            self.direct = [found, *self.direct][:MOST]

    def _after_error(self, tracing: Tracing) -> None:
        """What had been written down before an error is done, where anybody sees it."""
        alive = any(shell() is not None for shell, _ in tracing.shells)
        if alive and tracing.calls:
            tracing._start()

    def _with_symbols(self, tracing: Tracing, args: Any, kwargs: Any) -> Any:
        """The arguments, numbers that change as symbols; and which sizes are symbols."""
        self.sizes = {}
        taken: set[str] = set()
        place = self.kept.places.get(None)
        seen = place.seen if place is not None else {}
        if self.dynamic is False or not (self.dynamic or seen or self._has_marks()):
            return args, kwargs
        by_identity: dict[int, Any] = {}
        for source, tensor in self._given_tensors():
            symbols = []
            for dim, size in enumerate(tensor.shape):
                name = None
                if size > 1 and self._changes(tensor, dim, size, source, seen):
                    if size not in self.sizes:
                        self.sizes[size] = name_of(f"{source}.size()[{dim}]", taken)
                    name = self.sizes[size]
                    tracing.symbols[name] = size
                symbols.append(name)
            tracing.sized[id(tensor)] = tuple(symbols)
        for name, value in self.roots.items():
            source = f"L[{name!r}]"
            kind = type(value)
            changed = self.dynamic or (
                seen.get(source, value) is None or seen.get(source, value) != value
            )
            if (
                kind in (int, float)
                and source in seen | dict.fromkeys([source] if self.dynamic else [])
                and changed
            ):
                symbol = name_of(source, taken)
                tracing.symbols[symbol] = value
                self.arguments[symbol] = source
                by_identity[id(value)] = number(value, Term(symbol))
        if not by_identity:
            return args, kwargs

        def exchange(value: Any) -> Any:
            return by_identity.get(id(value), value) if type(value) in (int, float) else value

        return tuple(map(exchange, args)), {k: exchange(v) for k, v in kwargs.items()}

    def _given_tensors(self) -> list[tuple[str, Any]]:
        found: list[tuple[str, Any]] = []

        def look(value: Any, source: str) -> None:
            if isinstance(value, TensorBase):
                if not isinstance(value._data_, Outline):
                    found.append((source, value))
            elif isinstance(value, list | tuple):
                for i, part in enumerate(value):
                    look(part, f"{source}[{i}]")
            elif isinstance(value, dict):
                for key, part in value.items():
                    look(part, f"{source}[{key!r}]")

        for name, value in self.roots.items():
            look(value, f"L[{name!r}]")
        return found

    def _has_marks(self) -> bool:
        return any(is_marked([tensor]) for _, tensor in self._given_tensors())

    def _changes(self, tensor: Any, dim: int, size: int, source: str, seen: dict[str, Any]) -> bool:
        marks = tensor.__dict__
        if dim in marks.get("_dynamo_static_indices", ()):
            return False
        if dim in marks.get("_dynamo_dynamic_indices", ()) or dim in marks.get(
            "_dynamo_weak_dynamic_indices", ()
        ):
            return True
        if self.dynamic:
            return True
        if source not in seen:
            return False
        sizes = seen[source]
        # None: the number of dimensions has changed as well.
        return (
            sizes is None or len(sizes) != tensor.dim() or sizes[dim] is None or sizes[dim] != size
        )

    # ---- a graph -----------------------------------------------------------------------------------

    def graph(
        self,
        tracing: Tracing,
        why: str,
        frame: FrameType | None,
        result: Any,
        left: FrameType | None,
    ) -> None:
        """Run what was written down: as a graph that the backend had before, or has now."""
        place = self.kept.places.setdefault(tracing.where, Place())
        outs = self._outs(tracing, frame, result, left)
        kept = [v for _, v in outs]
        numbers = {v.number: i for i, v in enumerate([*tracing.inputs, *_made(tracing)])}
        now = pattern(tracing, kept, set(), numbers)
        handed = self._known(place, now, tracing)
        if handed is None:
            if not self._may(place, tracing):
                self._eagerly(tracing, outs)
                return
            handed = self._hand(place, tracing, kept, numbers, why, frame)
            symbols = {name: tracing.symbols[name] for name in handed.symbols}
        else:
            symbols = self.values
        given = [tracing_value(tracing, what, symbols, self.arguments) for what in handed.fetch]
        results = handed(given)
        for (shell, _), made in zip(outs, results, strict=False):
            _become(shell, made)
        if tracing.watch is not None:
            self.ran = handed, [v.tensor for v in tracing.inputs], [shell for shell, _ in outs]

    def _known(self, place: Place, now: Any, tracing: Tracing) -> Handed | None:
        given = {name: tracing.symbols[name] for name in self.arguments}
        for handed in place.handed:
            self.values: dict[str, Any] = {}
            if fits(handed.like, now, self.values, given):
                return handed
        return None

    def _may(self, place: Place, tracing: Tracing) -> bool:
        """Whether one more graph may be handed over; False: it runs eagerly. An error where torch has one."""
        from rushlight._dynamo import config
        from rushlight._dynamo.exc import FailOnRecompileLimitHit, RecompileError

        code = code_of(self.function)
        name = getattr(self.function, "__name__", "")
        if current[0] == "fail_on_recompile":
            raise RuntimeError(
                "Detected recompile when torch.compile stance is 'fail_on_recompile'. "
                f"filename: '{code.co_filename}', function name: '{name}', line number: {code.co_firstlineno}"
            )
        if current[0] == "eager_on_recompile":
            return False
        if not place.handed:
            return True
        if config.error_on_recompile:
            raise RecompileError(
                f"Recompiling function {code.co_name} in {code.co_filename}:{code.co_firstlineno}\n"
                "    triggered by the following guard failure(s): no graph of it fits this call"
            )
        if len(place.handed) < config.recompile_limit:
            return True
        if self.whole or config.fail_on_recompile_limit_hit:
            raise FailOnRecompileLimitHit(
                f"recompile_limit reached ({config.recompile_limit}). Hard failure due to "
                + ("fullgraph=True" if self.whole else "fail_on_recompile_limit_hit")
            )
        if not self.kept.limited:
            log.warning(
                "torch._dynamo hit config.recompile_limit (%s)\n   function: '%s' (%s:%s)\n",
                config.recompile_limit, name, code.co_filename, code.co_firstlineno,
            )  # fmt: skip
        self.kept.limited = True
        return False

    def _hand(
        self, place: Place, tracing: Tracing, outs: list[Value], numbers: dict[int, int], why: str,
        frame: FrameType | None,
    ) -> Handed:  # fmt: skip
        from rushlight._dynamo import config, utils
        from rushlight._dynamo.exc import BackendCompilerFailed
        from rushlight.export.program import ConstraintViolationError

        names = self._names(tracing, frame)
        if bound := self._bound(tracing):
            tracing.sized = {}
        symbols = {s for s in tracing.symbols if not s.startswith("item ")}
        built = Building(tracing, outs, names, symbols, self.arguments)
        given = built.examples
        utils.counters["stats"]["calls_captured"] += sum(
            node.op.startswith("call") for node in built.graph.nodes
        )
        utils.counters["stats"]["unique_graphs"] += 1
        for kind in ("total", "ok"):
            utils.counters["frames"][kind] += 1
        built.module.compile_subgraph_reason = Reason(why or "return_value", frame, bool(why))
        built.module.guards = [
            f"local {source!r} TENSOR_MATCH" for source in names.values() if source[0] == "L"
        ]
        try:
            with _no_modes(tracing):
                run = self.backend(built.module, given, **self.options)
            if not callable(run):
                raise AssertionError("compiler_fn did not return callable")
        except Exception as error:
            if config.suppress_errors:
                run = built.module.forward
            else:
                name = getattr(self.backend, "__name__", None) or type(self.backend).__name__
                raise BackendCompilerFailed(
                    f"backend={name!r} raised:\n{type(error).__name__}: {error}\n\nSet "
                    "TORCHDYNAMO_VERBOSE=1 for the internal stack trace"
                ) from error
        if bound:
            raise ConstraintViolationError(
                f"Constraints violated ({', '.join(bound)})! For more information, run with "
                f'TORCH_LOGS="+dynamic".\n  - {bound[0]} was marked as dynamic, and what is done with it works '
                "with this size alone."
            )
        used = {what for what in built.fetch if isinstance(what, str)}
        handed = Handed(run, built.fetch, pattern(tracing, outs, used, numbers), used)
        place.handed.insert(0, handed)
        self._note(place, tracing)
        return handed

    def _bound(self, tracing: Tracing) -> list[str]:
        """The sizes that the program has marked as dynamic, where the graph works with no other."""
        marked = [
            (f"{source}.size()[{dim}]", tracing.sized[id(tensor)][dim])
            for source, tensor in self._given_tensors()
            for dim in tensor.__dict__.get("_dynamo_dynamic_indices", ())
            if id(tensor) in tracing.sized
        ]
        if not any(name for _, name in marked):
            return []
        others = {k: v + 1 if isinstance(v, int) else v for k, v in tracing.symbols.items()}
        return [] if Otherwise(tracing, others).works() else [place for place, _ in marked]

    def _names(self, tracing: Tracing, frame: FrameType | None) -> dict[int, str]:
        """The sources of inputs: what the function sees when it begins, or goes on after a break."""
        resumed = tracing.locals is not None
        sources = Sources(self.roots if tracing.locals is None else tracing.locals, self.function)
        found = {v.number: sources.of(v.tensor) for v in tracing.inputs}
        now = {} if frame is None else {id(v): name for name, v in frame.f_locals.items()}
        stack = 0
        for value in tracing.inputs:
            if found[value.number] is None and resumed:
                name = now.get(id(value.tensor), f"stack{stack}")
                stack += name == f"stack{stack}"
                found[value.number] = f"L[{name!r}]"
        return {n: s for n, s in found.items() if s is not None}

    def _note(self, place: Place, tracing: Tracing) -> None:
        """Which sizes and numbers were seen: those that change are symbols from the next graph on."""
        for source, tensor in self._given_tensors():
            now = tuple(tensor.shape)
            before = place.seen.get(source, now)
            if before is None or len(before) != len(now):
                place.seen[source] = None
            else:
                place.seen[source] = tuple(
                    n if b == n else None for b, n in zip(before, now, strict=True)
                )
        for name, value in self.roots.items():
            if type(value) in (int, float):
                source = f"L[{name!r}]"
                before = place.seen.get(source, value)
                place.seen[source] = value if before == value else None

    def _outs(
        self, tracing: Tracing, frame: FrameType | None, result: Any, left: FrameType | None
    ) -> list[tuple[Any, Value]]:
        """The tensors that are still needed, in torch's order."""
        dead = _dead(tracing, frame or left, left)
        alive = []
        for shell, value in tracing.shells:
            tensor = shell()
            # One name is here, one is the argument of getrefcount.
            if tensor is None or sys.getrefcount(tensor) - 2 <= dead.get(id(tensor), 0):
                continue
            alive.append((tensor, tracing.known.get(id(tensor), value)))
        order: dict[int, int] = {}
        if frame is None:
            mapped(result, lambda t: order.setdefault(id(t), len(order)))
        else:
            names = [n for n in frame.f_code.co_varnames if n in frame.f_locals]
            for at, name in enumerate(names):
                if isinstance(found := frame.f_locals[name], TensorBase):
                    order.setdefault(id(found), at)
            # What stands on the stack comes first.
            return sorted(alive, key=lambda pair: order.get(id(pair[0]), -1))
        return sorted(alive, key=lambda pair: order.get(id(pair[0]), len(order)))

    def give_up(self, tracing: Tracing) -> None:
        """Run what was written down without a backend, and write nothing down in calls that begin so."""
        self.kept.places.setdefault(tracing.where, Place()).skipped = True
        if tracing.where is None:
            self.kept.skipped = True
        self._eagerly(tracing, self._outs(tracing, None, None, None))

    def is_skipped(self, where: Any) -> bool:
        """Whether nothing is written down of what begins there."""
        place = self.kept.places.get(where)
        return place is not None and place.skipped

    def _eagerly(self, tracing: Tracing, outs: list[tuple[Any, Value]]) -> None:
        """Run what was written down without a backend."""
        values = Run(tracing)()
        for shell, value in outs:
            _become(shell, values[value.number])

    # ---- breaks ------------------------------------------------------------------------------------

    def broken(self, why: str, frame: FrameType, whole: bool) -> None:
        """A graph ends before it is whole: an error where it must be."""
        from rushlight._dynamo import utils
        from rushlight._dynamo.exc import Unsupported

        place = (
            f'  File "{frame.f_code.co_filename}", line {frame.f_lineno}, in {frame.f_code.co_name}'
        )
        if self.whole:
            raise Unsupported(
                f"{why}\n  Explanation: this cannot be in a graph, and with fullgraph=True all of the function "
                f"must be.\n  Hint: leave fullgraph out, or do it outside of the function.\n\nfrom user code:\n{place}"
            )
        utils.counters["graph_break"][why] += 1

    def captures(self, number: bool) -> bool:
        """Whether what depends on elements stands in graphs: numbers, or tensors whose shape does."""
        from rushlight._dynamo import config

        one = config.capture_scalar_outputs if number else config.capture_dynamic_output_shape_ops
        return self.whole or one

    def failed(self, public: Any, error: Exception) -> Exception:
        """What the caller is told of an operation that refuses its arguments."""
        from rushlight._dynamo.exc import TorchRuntimeError

        return TorchRuntimeError(
            f"RuntimeError when making fake tensor call\n  Explanation: {public.name} refused its arguments: "
            f"{type(error).__name__}: {error}"
        )


class Reason:
    """Why a graph ends there."""

    def __init__(self, reason: str, frame: FrameType | None, graph_break: bool) -> None:
        # What torch's explain calls it where Python decides by a tensor.
        self.reason = (
            "generic_jump TensorVariable()" if reason == "Data-dependent branching" else reason
        )
        self.graph_break = graph_break
        self.user_stack = []
        if frame is not None:
            code = frame.f_code
            self.user_stack = [
                traceback.FrameSummary(code.co_filename, frame.f_lineno, code.co_name)
            ]

    def __repr__(self) -> str:
        return (
            f"GraphCompileReason(reason={self.reason!r}, user_stack={self.user_stack}, "
            f"graph_break={self.graph_break})"
        )


class _no_modes:
    """A block for the backend, in which nothing is traced."""

    def __init__(self, tracing: Tracing) -> None:
        self.block = tracing.off()

    def __enter__(self) -> None:
        self.block.__enter__()

    def __exit__(self, *exception: Any) -> None:
        self.block.__exit__(*exception)


def tracing_value(
    tracing: Tracing, what: Any, symbols: dict[str, Any], arguments: dict[str, str]
) -> Any:
    """One argument of a graph."""
    if isinstance(what, str):
        value = symbols[what]
        if isinstance(value, float):
            from rushlight import dtypes
            from rushlight.ops.creation import tensor

            return tensor(value, dtype=dtypes.float64)
        return value
    return tracing.inputs[what].tensor


def _made(tracing: Tracing) -> list[Value]:
    return [value for call in tracing.calls for value in call.values]


def _become(shell: Any, result: Any) -> None:
    """Let a tensor that had not been computed be the result."""
    if result._node_ is None and result._requires_grad_:
        # Another tensor than the leaf, on the same memory.
        result = result.view_as(result)
    for slot in _SLOTS:
        setattr(shell, slot, getattr(result, slot))
    if result.__dict__:
        shell.__dict__.update(result.__dict__)


def _dead(tracing: Tracing, frame: FrameType | None, left: FrameType | None) -> dict[int, int]:
    """How many names that nobody reads again each tensor has; none are read in `left`, which has ended."""
    found: dict[int, int] = {}
    # Before Python 3.13 a frame's locals are a second dictionary.
    each = 1 if sys.version_info >= (3, 13) else 2
    here = frame
    while here is not None and here is not tracing.outer:
        if here.f_code.co_flags & 2:
            live = frozenset() if here is left else needed(here.f_code, here.f_lasti)
            for name, value in here.f_locals.items():
                if name not in live and isinstance(value, TensorBase):
                    found[id(value)] = found.get(id(value), 0) + each
        here = here.f_back
    return found


def _is_ours(error: BaseException) -> bool:
    from rushlight._dynamo.exc import FailOnRecompileLimitHit, TorchDynamoException

    return isinstance(error, TorchDynamoException | FailOnRecompileLimitHit | RuntimeError)
