"""What has been written down, run without a backend: for its results, or only to see values beforehand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rushlight.autograd.state import no_grad
from rushlight.compiler.graphs.symbols import Real, Whole
from rushlight.compiler.graphs.written import Value, on_outlines, plain
from rushlight.core.tensor import wrap
from rushlight.outline import blank
from rushlight.random import get_rng_state, set_rng_state

if TYPE_CHECKING:
    from rushlight.compiler.graphs.tracing import Tracing


class Run:
    """Runs the calls of a tracing, each as Python would."""

    def __init__(self, tracing: Tracing) -> None:
        self.tracing = tracing
        self.values: dict[int, Any] = {}

    def __call__(self) -> dict[int, Any]:
        """All values by their numbers."""
        for value in self.tracing.inputs:
            self.values[value.number] = self._input(value.tensor)
        for call in self.tracing.calls:
            self._run(call)
        return self.values

    def _input(self, tensor: Any) -> Any:
        return tensor

    def _run(self, call: Any) -> None:
        args, kwargs = self.given(call.args), self.given(call.kwargs)
        if call.kind == "call_method":
            result = getattr(args[0], call.target)(*args[1:], **kwargs)
        else:
            result = call.target(*args, **kwargs)
        for value in call.values:
            self.values[value.number] = result if value.part is None else result[value.part]

    def given(self, value: Any) -> Any:
        """Arguments with tensors in the place of values."""
        if isinstance(value, Value):
            return self.values[value.number]
        if isinstance(value, tuple | list):
            parts = [self.given(v) for v in value]
            return type(value)(parts) if type(value) in (tuple, list) else plain(value)
        if isinstance(value, dict):
            return {k: self.given(v) for k, v in value.items()}
        if isinstance(value, slice):
            return slice(*map(self.given, (value.start, value.stop, value.step)))
        return plain(value)


class Otherwise(Run):
    """The same on outlines of other sizes: whether a graph does as well with these."""

    def __init__(self, tracing: Tracing, symbols: dict[str, Any]) -> None:
        super().__init__(tracing)
        self.symbols = symbols

    def works(self) -> bool:
        """Whether no operation refuses the sizes."""
        try:
            with self.tracing.off(), on_outlines(), no_grad():
                self()
        except (RuntimeError, ValueError, IndexError, TypeError):
            return False
        return True

    def _input(self, tensor: Any) -> Any:
        shape = list(tensor.shape)
        for dim, name in enumerate(self.tracing.sized.get(id(tensor), ())):
            if name is not None:
                shape[dim] = self.symbols[name]
        return wrap(blank(tuple(shape), tensor._data_.dtype))

    def given(self, value: Any) -> Any:
        """Arguments with tensors in the place of values, and other numbers in that of symbols."""
        if isinstance(value, Whole | Real):
            return value.term.value(self.symbols)
        return super().given(value)


class Peek(Run):
    """The same on copies, so that nothing changes: for what depends on elements."""

    def _input(self, tensor: Any) -> Any:
        return tensor.detach().clone()

    def see(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """What function gives for arguments in which values stand for tensors."""
        before = get_rng_state()
        try:
            with no_grad():
                self()
                return function(*self.given(args), **self.given(kwargs))
        finally:
            set_rng_state(before)
