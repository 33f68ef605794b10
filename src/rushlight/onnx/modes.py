"""Whether something is being exported, and in which mode the model then is."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rushlight.nn.modules.module import Module

__all__ = [
    "OperatorExportTypes",
    "TrainingMode",
    "exporting",
    "is_in_onnx_export",
    "select_model_mode_for_export",
]


class TrainingMode(enum.Enum):
    """How a model is exported: as it evaluates, as it is, or as it trains."""

    EVAL = 0
    PRESERVE = 1
    TRAINING = 2


class OperatorExportTypes(enum.Enum):
    """What stands for operations that ONNX has not; rushlight writes ONNX's operators alone."""

    ONNX = 0
    ONNX_ATEN = 1
    ONNX_ATEN_FALLBACK = 2
    ONNX_FALLTHROUGH = 3


_exports = 0


def is_in_onnx_export() -> bool:
    """Whether a model is being exported just now, for models that then do something else."""
    return _exports > 0


@contextmanager
def exporting() -> Iterator[None]:
    """While something is exported."""
    global _exports
    _exports += 1
    try:
        yield
    finally:
        _exports -= 1


@contextmanager
def select_model_mode_for_export(model: Any, mode: TrainingMode) -> Iterator[None]:
    """Put a model into the mode in which it is exported, and back afterwards."""
    if not isinstance(mode, TrainingMode):
        raise TypeError(
            f"'mode' should be a torch.onnx 'TrainingMode' enum, but got '{type(mode)}'."
        )
    if not isinstance(model, Module) or mode is TrainingMode.PRESERVE:
        yield
        return
    before = [(module, module.training) for module in model.modules()]
    model.train(mode is TrainingMode.TRAINING)
    try:
        yield
    finally:
        for module, training in before:
            module.training = training
