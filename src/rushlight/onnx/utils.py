"""torch.onnx.utils: the older place of the exporter's functions."""

from __future__ import annotations

from typing import Any, NoReturn

from rushlight.onnx.exporting.export import export, exporter_context
from rushlight.onnx.modes import is_in_onnx_export, select_model_mode_for_export

__all__ = [
    "export", "exporter_context", "is_in_onnx_export", "register_custom_op_symbolic",
    "select_model_mode_for_export", "unconvertible_ops", "unregister_custom_op_symbolic",
]  # fmt: skip


def register_custom_op_symbolic(*args: Any, **named: Any) -> NoReturn:
    """An error: symbolic functions translate nodes of TorchScript, which rushlight has not."""
    raise NotImplementedError(
        "register_custom_op_symbolic translates nodes of TorchScript, which rushlight has not: write the model "
        "with operations that ONNX has, or edit the graph of ONNXProgram.model_proto"
    )


def unregister_custom_op_symbolic(*args: Any, **named: Any) -> None:
    """Nothing: none is ever registered."""


def unconvertible_ops(*args: Any, **named: Any) -> NoReturn:
    """An error: call export, which names the first operation that has no operator."""
    raise NotImplementedError(
        "unconvertible_ops lists operators of TorchScript, which rushlight has not: torch.onnx.export names the "
        "first operation that ONNX has no operator for, with its line"
    )
