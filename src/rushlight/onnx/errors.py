"""Errors and warnings of the exporter, under torch's names."""

from __future__ import annotations

from typing import Any

__all__ = [
    "OnnxExporterError",
    "OnnxExporterWarning",
    "SymbolicValueError",
    "TorchExportError",
    "UnsupportedOperatorError",
]


class OnnxExporterWarning(UserWarning):
    """What the exporter tells of, and goes on."""


class OnnxExporterError(RuntimeError):
    """The model cannot be written as ONNX; the message says which line, and what to do."""


class UnsupportedOperatorError(OnnxExporterError):
    """There is no ONNX for an operation, or not in this version of the operators."""

    def __init__(
        self, name: str, version: int, supported_version: int | None = None, more: str = ""
    ) -> None:
        if supported_version is not None:
            said = (
                f"Exporting the operator '{name}' to ONNX opset version {version} is not supported. Support "
                f"for this operator was added in version {supported_version}, try exporting with this version"
            )
        else:
            said = (
                f"Exporting the operator '{name}' to ONNX opset version {version} is not supported"
            )
        super().__init__(said + more)
        self.name, self.version, self.supported_version = name, version, supported_version


class SymbolicValueError(OnnxExporterError):
    """A value is not what an operator of ONNX takes."""

    def __init__(self, msg: str, value: Any = None) -> None:
        super().__init__(msg if value is None else f"{msg}  [Caused by the value '{value}']")


class ConversionError(OnnxExporterError):
    """What the newer exporter (dynamo=True) cannot write as ONNX."""


class TorchExportError(OnnxExporterError):
    """What the model does depends on values or sizes, so that one graph cannot hold it."""
