"""torch.onnx: models written as ONNX files, and ONNX files run as modules."""

from __future__ import annotations

from rushlight.absent import refused

# Loaded whole, before modules inside of it are: another thread may be loading it just now (`heavy`).
from rushlight.compiler import record as record
from rushlight.onnx import errors, symbolic_helper, utils
from rushlight.onnx.errors import OnnxExporterError
from rushlight.onnx.exporting.export import export
from rushlight.onnx.exporting.program import ONNXProgram
from rushlight.onnx.loading.load import load
from rushlight.onnx.modes import (
    OperatorExportTypes,
    TrainingMode,
    is_in_onnx_export,
    select_model_mode_for_export,
)
from rushlight.onnx.utils import register_custom_op_symbolic, unregister_custom_op_symbolic

__all__ = [
    "ONNXProgram", "OnnxExporterError", "OperatorExportTypes", "TrainingMode", "errors", "export",
    "is_in_onnx_export", "load", "register_custom_op_symbolic", "select_model_mode_for_export", "symbolic_helper",
    "unregister_custom_op_symbolic", "utils",
]  # fmt: skip

producer_name, producer_version = "rushlight", ""

_EXPORT = "call torch.onnx.export on the module with an example"
ExportableModule = refused("modules that bring their own example", _EXPORT, __name__)
InputObserver = refused("observed calls as an example", _EXPORT, __name__)
ops = refused(
    "ONNX's operators by name", "use torch's functions: they are exported as these", __name__
)
