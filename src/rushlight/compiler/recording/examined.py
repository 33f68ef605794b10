"""Values that are only checked: by them Python decides whether to raise an error, and nothing else.

A check has to be made again at each replay, on the values that are there then. So while it is made
its steps are noted, NumPy's functions one after another, up to the bool in which they end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.compiler.recording.values import Value
from rushlight.core.tensor import Array

if TYPE_CHECKING:
    from rushlight.compiler.recording.entries import Slots
    from rushlight.compiler.recording.recorder import Recorder

# How a value comes about, from what stands in the slots of a run.
Recipe = Callable[["Slots"], Any]


class Examined(np.ndarray):
    """An array whose use is noted."""

    recipe: Recipe | None = None
    sources: tuple[Value, ...] = ()
    recorder: Recorder
    why: str

    def __array_finalize__(self, parent: Any) -> None:
        # Parts that are made past us, by `reshape` or `flat`, know no recipe: they decide by all.
        if isinstance(parent, Examined):
            self.sources, self.recorder, self.why = parent.sources, parent.recorder, parent.why

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **named: Any) -> Any:
        """A function of NumPy's, or a sum and its kind."""
        return self._noted(getattr(ufunc, method), inputs, named)

    def __array_function__(self, function: Any, types: Any, inputs: Any, named: Any) -> Any:
        """Another function of NumPy's."""
        return self._noted(function, inputs, named)

    def __getitem__(self, key: Any) -> Any:
        """A part."""
        return self._noted(lambda array: array[key], (self,), {})

    def reshape(self, *shape: Any, **named: Any) -> Any:
        """In another shape."""
        return self._noted(lambda array: array.reshape(*shape, **named), (self,), {})

    def view(self, *kind: Any) -> Any:  # type: ignore[override]
        """Read as another type."""
        return self._noted(lambda array: array.view(*kind), (self,), {})

    def astype(self, *kind: Any, **named: Any) -> Any:
        """As another type."""
        return self._noted(lambda array: array.astype(*kind, **named), (self,), {})

    def __bool__(self) -> bool:
        found = bool(bare(self))
        self._decides(lambda array: bool(array), found)
        return found

    def __int__(self) -> int:
        found = int(bare(self))
        self._decides(lambda array: int(array), found)
        return found

    def __float__(self) -> float:
        found = float(bare(self))
        self._decides(lambda array: float(array), found)
        return found

    def __index__(self) -> int:
        return int(self)

    def __iter__(self) -> Any:
        self._decides(lambda array: array.tobytes(), bare(self).tobytes())
        return iter(bare(self))

    def __format__(self, spec: str) -> str:
        # Only the message of an error, which a replay does not give.
        return format(bare(self)[()] if not self.ndim else bare(self), spec)

    def __repr__(self) -> str:
        return repr(bare(self))

    def _noted(self, function: Any, inputs: Any, named: dict[str, Any]) -> Any:
        found = np.asarray(function(*map(bare, inputs), **{k: bare(v) for k, v in named.items()}))
        result = found.view(Examined)
        examined = [x for x in (*inputs, *named.values()) if isinstance(x, Examined)]
        result.recorder, result.why = self.recorder, self.why
        result.sources = tuple({id(v): v for x in examined for v in x.sources}.values())
        if examined and all(x.recipe is not None for x in examined):
            # Of what was examined the recipes stay, not the arrays.
            parts = [_Part.of(x) for x in inputs]
            options = {key: _Part.of(value) for key, value in named.items()}
            result.recipe = lambda slots: function(
                *[part.again(slots) for part in parts],
                **{key: part.again(slots) for key, part in options.items()},
            )
        return result

    def _decides(self, ending: Callable[[Any], Any], found: Any) -> None:
        recipe = self.recipe
        if recipe is None:
            for source in self.sources:
                self.recorder.pin(source, self.why)
        else:
            self.recorder.decides(
                lambda slots: ending(recipe(slots)), self.sources, found, self.why
            )


def examine(array: Array, value: Value, why: str, recorder: Recorder) -> Examined:
    """The elements of a value of the program, to be checked."""
    result = array.view(Examined)
    result.recipe = lambda slots: slots[value.index]
    result.sources, result.why, result.recorder = (value,), why, recorder
    return result


def bare(x: Any) -> Any:
    """x without the notes."""
    return np.ndarray.view(x, np.ndarray) if isinstance(x, Examined) else x


class _Part:
    """An operand of a step of a check: another step, or what it is."""

    def __init__(self, recipe: Recipe | None, value: Any) -> None:
        self.recipe = recipe
        self.value = value

    @classmethod
    def of(cls, x: Any) -> _Part:
        return cls(x.recipe, None) if isinstance(x, Examined) else cls(None, x)

    def again(self, slots: Slots) -> Any:
        return self.value if self.recipe is None else self.recipe(slots)
