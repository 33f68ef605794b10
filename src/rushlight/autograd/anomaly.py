"""Find the operation, and the user's line, that first produced a nan or an infinity."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from rushlight.autograd.state import _Switch, state
from rushlight.primitives import core
from rushlight.tensor_base import _HERE, TensorBase


class AnomalyError(RuntimeError):
    """A computation produced a value that is not finite."""


class detect_anomaly(_Switch):
    """Check every operation in the block, forward and backward, for nan and infinity.

    The error names the first operation with a bad result from good operands, and the line of the
    program that asked for it; for a gradient, the line of the forward operation. Costs a pass over
    every result: for debugging. With check_nan=False only the lines are remembered.

    >>> import rushlight as torch
    >>> x = torch.tensor(0.0, requires_grad=True)
    >>> with torch.autograd.detect_anomaly():
    ...     torch.log(x)
    Traceback (most recent call last):
    ...
    rushlight.autograd.anomaly.AnomalyError: log produced -inf ...
    """

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan

    def _fresh(self) -> detect_anomaly:
        return detect_anomaly(self.check_nan)

    def __enter__(self) -> None:
        self.before = state.interpreter
        state.interpreter = self.interpret

    def __exit__(self, *exception: Any) -> None:
        state.interpreter = self.before

    def interpret(
        self, row: core.Primitive, inputs: tuple[Any, ...], static: dict[str, Any]
    ) -> Any:
        """Run a primitive eagerly, then look at what it gave."""
        state.interpreter = self.before
        try:
            out = core.apply(row, *inputs, **static)
        finally:
            state.interpreter = self.interpret
        outs = out if isinstance(out, tuple) else (out,)
        node = outs[0]._node
        if node is not None and node.site is None:
            node.site = _where()
        if self.check_nan:
            for o in outs:
                bad = _bad_value(o._data)
                if bad is not None and not any(map(_is_bad, (*inputs, *static.values()))):
                    raise AnomalyError(_message(row, inputs, bad))
        return out


class set_detect_anomaly(detect_anomaly):
    """Turn anomaly detection on or off; also usable as a context manager."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        super().__init__(check_nan)
        self.outer = state.interpreter
        state.interpreter = self.interpret if mode else None
        self.before = None

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: Any) -> None:
        state.interpreter = self.outer


def is_anomaly_enabled() -> bool:
    """Whether this thread is looking for anomalies."""
    return isinstance(getattr(state.interpreter, "__self__", None), detect_anomaly)


def _bad_value(array: Any) -> str | None:
    if array.dtype.kind not in "fc" or np.isfinite(array).all():
        return None
    return "nan" if np.isnan(array).any() else "-inf" if (array == -np.inf).any() else "inf"


def _is_bad(operand: Any) -> bool:
    # Who writes float("-inf") into a mask has asked for it.
    if isinstance(operand, TensorBase):
        return _bad_value(operand._data) is not None
    return isinstance(operand, float) and not math.isfinite(operand)


def _where() -> str:
    """The user's line that is running, as a traceback prints it."""
    import traceback  # only when there is something to say

    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
    (line,) = traceback.format_list(traceback.extract_stack(frame, limit=1))
    return line.rstrip()


def _message(row: core.Primitive, inputs: tuple[Any, ...], bad: str) -> str:
    shapes = ", ".join(str(list(t._data.shape)) for t in inputs if isinstance(t, TensorBase))
    node = state.backward_node
    if node is None:
        return f"{row.name} produced {bad} from operands of shape {shapes}, at\n{_where()}"
    made = f", which was recorded at\n{node.site}" if node.site else ""
    return (
        f"Function '{node.name()}' returned {bad} values in its backward: {row.name} on shapes "
        f"{shapes}{made}"
    )
