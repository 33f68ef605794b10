"""Find the operation, and the user's line, whose derivative first produced a nan."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from rushlight.caller import HERE
from rushlight.core.doors import Interpreter, check
from rushlight.core.node import Node
from rushlight.core.row import Primitive
from rushlight.core.state import state
from rushlight.core.tensor import TensorBase
from rushlight.errors import warn


class Watch(Interpreter):
    """Notes, for every operation, the user's line; and where nan or infinity first came up."""

    def __init__(self, check_nan: bool) -> None:
        self.check_nan = check_nan
        self.first: str | None = None

    def apply(self, row: Primitive, inputs: tuple[Any, ...], static: dict[str, Any]) -> Any:
        """Run a primitive as without us, then look at what it gave."""
        out = super().apply(row, inputs, static)
        outs = out if isinstance(out, tuple) else (out,)
        node = outs[0]._node_
        if node is not None and node._site is None:
            node._site = where()
        if self.check_nan and self.first is None and state.walk is None:
            for o in outs:
                bad = _bad_value(o)
                if bad is not None and not any(map(_is_bad, (*inputs, *static.values()))):
                    shapes = [list(t._data_.shape) for t in inputs if isinstance(t, TensorBase)]
                    self.first = (
                        f"{row.name} produced {bad} from operands of shape "
                        f"{', '.join(map(str, shapes))}, at\n{where()}"
                    )
        return out

    def look(self, node: Node, gradients: Any) -> None:
        """Raise if one of the gradients that node gave is nan."""
        if not self.check_nan:
            return
        for number, g in enumerate(gradients):
            if g is not None and _bad_value(g) == "nan":
                made = f" It was recorded at\n{node._site}" if node._site else ""
                first = f"\nThe first bad value of the forward: {self.first}" if self.first else ""
                raise RuntimeError(
                    f"Function '{node.name()}' returned nan values in its {number}th output."
                    f"{made}{first}"
                )

    def tell(self, node: Node) -> None:
        """Warn that the derivative of node raised an error, and where the node is from."""
        known = "No forward pass information available: record with anomaly detection on as well."
        if node._site:
            known = f"Traceback of forward call that caused the error:\n{node._site}"
        warn(f"Error detected in {node.name()}. {known}")


class detect_anomaly:
    """Check what every operation's derivative gives, in the block, for nan.

    The error names the operation, the line of the program that asked for it, and where in the forward
    nan or infinity first came out of good operands. Costs a pass over every result: for debugging.
    With check_nan=False only the lines are remembered.

    >>> import rushlight as torch
    >>> x = torch.zeros(1, requires_grad=True)
    >>> with torch.autograd.set_detect_anomaly(True):
    ...     (x / x).backward()
    Traceback (most recent call last):
    ...
    RuntimeError: Function 'DivBackward0' returned nan values ...
    """

    def __init__(self, check_nan: bool = True) -> None:
        warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be "
            "enabled for debugging."
        )
        self.check_nan = check_nan

    def __enter__(self) -> None:
        self.before = state.anomaly
        set_anomaly_enabled(True, self.check_nan)

    def __exit__(self, *exception: Any) -> None:
        _put(self.before)


class set_detect_anomaly:
    """Turn anomaly detection on or off; also usable as a context manager."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self.before = state.anomaly
        set_anomaly_enabled(mode, check_nan)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: Any) -> None:
        _put(self.before)


def set_anomaly_enabled(enabled: bool, check_nan: bool = True) -> None:
    """Turn anomaly detection on or off in this thread."""
    _put(Watch(check_nan) if enabled else None)


def _put(watch: Watch | None) -> None:
    """Let this one look for anomalies, in the place of whoever does."""
    if state.anomaly is not None:
        state.anomaly.__exit__()
    state.anomaly = watch
    if watch is not None:
        watch.__enter__()


def is_anomaly_enabled() -> bool:
    """Whether this thread is looking for anomalies."""
    return state.anomaly is not None


def is_anomaly_check_nan_enabled() -> bool:
    """Whether it looks, or would look, for nan."""
    return state.anomaly is None or bool(state.anomaly.check_nan)


def _bad_value(t: TensorBase) -> str | None:
    if t._data_.dtype.kind not in "fcV":
        return None
    array = check(t, "whether it is nan")
    if np.isfinite(array).all():
        return None
    return "nan" if np.isnan(array).any() else "-inf" if (array == -np.inf).any() else "inf"


def _is_bad(operand: Any) -> bool:
    # Who writes float("-inf") into a mask has asked for it.
    if isinstance(operand, TensorBase):
        return _bad_value(operand) is not None
    return isinstance(operand, float) and not math.isfinite(operand)


def where() -> str:
    """The user's line that is running, as a traceback prints it."""
    import traceback  # only when there is something to say

    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(HERE):
        frame = frame.f_back
    (line,) = traceback.format_list(traceback.extract_stack(frame, limit=1))
    return line.rstrip()
