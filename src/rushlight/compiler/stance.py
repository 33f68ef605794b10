"""How compiled functions run in this process: `torch.compiler.set_stance`, and what is not to be compiled."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from rushlight.compiler.recording.errors import CannotRecord
from rushlight.compiler.recording.recorder import Recorder
from rushlight.core.state import state
from rushlight.settings import exporting

STANCES = (
    "default", "force_eager", "eager_on_recompile", "fail_on_recompile", "eager_then_compile",
    "aot_eager_then_compile",
)  # fmt: skip
# The one that is in force.
current = ["default"]


class set_stance:
    """How compiled functions run, from here on or in a block or a function.

    "force_eager": as if they were not compiled; "eager_on_recompile": as C where a program fits, else
    eagerly; "fail_on_recompile": an error there; "eager_then_compile": the first call is not recorded.

    >>> import rushlight as torch
    >>> double = torch.compile(lambda x: 2 * x)
    >>> with torch.compiler.set_stance("force_eager"):
    ...     double(torch.ones(1))
    tensor([2.])
    """

    def __init__(
        self,
        stance: str = "default",
        *,
        skip_guard_eval_unsafe: bool = False,
        force_backend: Any = None,
    ) -> None:
        if stance not in STANCES:
            raise RuntimeError(
                f"invalid torch.compile stance {stance!r}: one of {', '.join(STANCES)}"
            )
        if force_backend is not None and stance != "default":
            raise RuntimeError("non-default stance cannot have force_backend set")
        self.stance, self.before = stance, current[0]
        current[0] = "force_eager" if force_backend == "eager" else stance

    def __call__(self, fn: Any) -> Any:
        """The function, run so."""
        current[0] = self.before

        @functools.wraps(fn)
        def run(*args: Any, **kwargs: Any) -> Any:
            with set_stance(self.stance):
                return fn(*args, **kwargs)

        return run

    def __enter__(self) -> None:
        """It is in force already."""

    def __exit__(self, *exception: Any) -> None:
        """That of before is in force again."""
        current[0] = self.before


def tracers() -> tuple[Any, ...]:
    """Who writes a graph down in this thread, or watches operations otherwise."""
    return state.interpreters


def tracer() -> Any:
    """Who writes down a graph for a backend in this thread, if anybody does."""
    return next((w for w in reversed(state.interpreters) if hasattr(w, "end_graph")), None)


def recorder() -> Recorder | None:
    """Who records in this thread, if anybody does."""
    for watcher in state.interpreters:
        if isinstance(watcher, Recorder):
            return watcher
    return None


def is_exporting() -> bool:
    """Whether this is run to be exported."""
    return bool(exporting[0])


def is_dynamo_compiling() -> bool:
    """Whether this is run to be compiled, or exported with strict=True."""
    found = recorder()
    recording = (found is not None and found.recording) or tracer() is not None
    return recording or exporting[0] == "strict"


def is_compiling(*args: Any, **options: Any) -> bool:
    """Whether this is run to be compiled or exported."""
    return bool(exporting[0]) or is_dynamo_compiling()


def left_out(why: str) -> None:
    """What is being recorded is not to be compiled."""
    found = recorder()
    if found is not None:
        found.refuse(CannotRecord(why))


def graph_break(msg: str = "") -> None:
    """Whatever calls this is run eagerly; a graph for a backend ends here."""
    if (tracing := tracer()) is not None:
        tracing.end_graph("Call to `torch._dynamo.graph_break()`")
    left_out(f"torch._dynamo.graph_break() was called {msg}".strip())


def not_compiled(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which runs eagerly, as does what calls it."""

    @functools.wraps(fn)
    def eager(*args: Any, **kwargs: Any) -> Any:
        if not state.interpreters:
            return fn(*args, **kwargs)
        if (tracing := tracer()) is not None:
            tracing.end_graph("Skip calling `torch.compiler.disable()`d function")
            with tracing.off():
                return fn(*args, **kwargs)
        left_out(
            f"{getattr(fn, '__qualname__', fn)} is not to be compiled (torch.compiler.disable)"
        )
        return fn(*args, **kwargs)

    eager._torchdynamo_orig_callable = fn  # type: ignore[attr-defined]
    eager._torchdynamo_disable = True  # type: ignore[attr-defined]
    return eager
