"""Numbers of Python's that are recorded: among the options of optimizers, and the parameters of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rushlight.compiler.recording.rates import is_rate
from rushlight.compiler.recording.values import Number, is_number, plain
from rushlight.core.node import PrimitiveNode
from rushlight.core.table import INPUT, REST, STATIC

if TYPE_CHECKING:
    from rushlight.compiler.recording.recorder import Recorder


class Options(dict[str, Any]):
    """The options of a group, with numbers that are recorded."""

    def __init__(self, recorder: Recorder, options: dict[str, Any]) -> None:
        super().__init__(options)
        self.recorder = recorder
        self.options = options

    def __getitem__(self, key: str) -> Any:
        found = super().__getitem__(key)
        if not is_rate(found):
            return found
        if isinstance(found, tuple):
            return tuple(
                self.recorder.option(self.options, key, i, part) for i, part in enumerate(found)
            )
        return self.recorder.option(self.options, key, None, found)

    def get(self, key: str, default: Any = None) -> Any:
        """What stands under key."""
        return self[key] if self.__contains__(key) else default

    def __setitem__(self, key: str, value: Any) -> None:
        self.options[key] = plain(value)
        super().__setitem__(key, plain(value))
        self.recorder.stored(self.options, key, value)


def plain_options(x: Any) -> Any:
    """Options as they are."""
    return x.options if isinstance(x, Options) else plain(x)


def has_numbers(static: dict[str, Any]) -> bool:
    """Whether there are some among the parameters of a row."""
    for value in static.values():
        kind = type(value)
        if kind is Number or ((kind is tuple or kind is list) and any(map(is_number, value))):
            return True
    return False


def remember(out: Any, inputs: tuple[Any, ...], static: dict[str, Any]) -> None:
    """Let the node of a result remember recorded numbers, not what they are just now."""
    first = out[0] if isinstance(out, tuple) else out
    node = first._node_
    if not isinstance(node, PrimitiveNode) or node.kept is None:
        return
    node.static = static
    kept = list(node.kept)
    for at, (kind, which) in enumerate(node.plan.gather):
        if kind == INPUT and which < len(inputs) and is_number(inputs[which]):
            kept[at] = inputs[which]
        elif kind == STATIC:
            kept[at] = static[which]
        elif kind == REST:
            kept[at] = tuple(inputs[which:])
    node.kept = kept
