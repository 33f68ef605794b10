"""Recording a model: its program, and which public functions it called on the way.

A row is often less than what ONNX has an operator for: a resize is two products here, a batch norm in
evaluation five steps. So calls of some public functions (`composites.COMPOSITES`) are noted with the
stretch of entries that came from them, and one operator may be written in their place.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rushlight.compiler.recording.errors import CannotRecord
from rushlight.compiler.recording.program import Program
from rushlight.compiler.recording.record import Recording, rehearse
from rushlight.compiler.recording.recorder import Recorder
from rushlight.core.tensor import TensorBase
from rushlight.overriding import functions


@dataclass(eq=False)
class Span:
    """A call of a public function: the entries from `begin` to before `end` came from it."""

    name: str
    begin: int
    end: int
    args: dict[str, Any]
    outs: list[Any]


@dataclass(eq=False)
class Observed:
    """A program with the calls in it."""

    program: Program
    spans: list[Span]
    # The tensors that the program takes.
    tensors: list[Any]


def observe(function: Callable[..., Any], args: tuple[Any, ...], names: Iterable[str]) -> Observed:
    """What a function does, which has run once; all is then as it was before."""
    wanted = frozenset(names)
    spans: list[Span] = []

    class Watching(Recording):
        def called(self) -> Any:
            with _noting(self.recorder, wanted, spans):
                return super().called()

    def read(program: Program) -> Observed:
        return Observed(program, spans, [source.tensor for source in program.sources])

    return rehearse(function, args, read, Watching)


@contextmanager
def _noting(recorder: Recorder, wanted: frozenset[str], spans: list[Span]) -> Iterator[None]:
    found = [record for record in functions.records() if record.name in wanted]
    before = [record.plain for record in found]
    for record in found:
        record.plain = _noted(record.name, record.plain, recorder, spans)
    functions.listen(found)
    try:
        yield
    finally:
        functions.unlisten()
        for record, plain in zip(found, before, strict=True):
            record.plain = plain


def _noted(
    name: str, plain: Callable[..., Any], recorder: Recorder, spans: list[Span]
) -> Callable[..., Any]:
    signature = inspect.signature(plain)

    def noting(*args: Any, **kwargs: Any) -> Any:
        if not recorder.recording:
            return plain(*args, **kwargs)
        try:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            given = {key: recorder.operand(value) for key, value in bound.arguments.items()}
        except (TypeError, CannotRecord):
            return plain(*args, **kwargs)
        begin = len(recorder.entries)
        span = Span(name, begin, begin, given, [])
        spans.append(span)
        out = plain(*args, **kwargs)
        parts = out if isinstance(out, tuple) else (out,)
        span.end = len(recorder.entries)
        span.outs = [
            recorder.operand(part) if isinstance(part, TensorBase) else None for part in parts
        ]
        return out

    noting.__wrapped__ = plain  # type: ignore[attr-defined]
    return noting
