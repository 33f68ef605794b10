"""An exported model: saved, called, looked at."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.core.tensor import TensorBase
from rushlight.onnx.errors import OnnxExporterError, TorchExportError
from rushlight.onnx.proto import element_type, onnx, tensor_of
from rushlight.public import torch as T

if TYPE_CHECKING:
    from rushlight.onnx.exporting.asked import Asked


# Files above this cannot hold their own weights.
_LARGE = 1536 * 1024 * 1024


class InvalidArgument(Exception):
    """A tensor is no input of the graph; called as what onnxruntime raises then."""


def _fits(value: Any, tensor: Any) -> None:
    """Raise InvalidArgument unless a tensor has the type and the fixed sizes of an input."""
    kind = value.type.tensor_type
    sizes = [d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim]
    if element_type(tensor.dtype.numpy) != kind.elem_type:
        raise InvalidArgument(f"Unexpected input data type of {value.name}: {tensor.dtype}")
    if len(sizes) != tensor.ndim:
        raise InvalidArgument(
            f"Invalid rank for input: {value.name} Got: {tensor.ndim} Expected: {len(sizes)}"
        )
    for dim, (wanted, found) in enumerate(zip(sizes, tensor.shape, strict=True)):
        if wanted not in (None, found):
            raise InvalidArgument(
                f"Got invalid dimensions for input: {value.name}, index: {dim} Got: {found} Expected: {wanted}"
            )


class ONNXProgram:
    """A model as ONNX: `model_proto` is the graph, `save` writes it, and calling it runs it in rushlight.

    It is called as the model is, and gives a tuple of all results.
    """

    def __init__(self, proto: Any, asked: Asked | None = None) -> None:
        self._proto = proto
        self._asked = asked
        self._loaded: Any = None
        self.exported_program: Any = None

    @property
    def model_proto(self) -> Any:
        """The `ModelProto` of the library `onnx`."""
        return self._proto

    @property
    def model(self) -> Any:
        """The same."""
        return self._proto

    def __repr__(self) -> str:
        return f"ONNXProgram(\n{onnx().printer.to_text(self._proto)}\n)"

    def __call__(self, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Run the graph. InvalidArgument for a tensor of another type or fixed size than an input."""
        self.initialize_inference_session()
        given = self._flat(args, kwargs)
        names = [i.name for i in self._proto.graph.input]
        if len(given) < len(names):
            raise ValueError(
                f"Required inputs ({names[len(given) :]}) are missing from input feed ({names[: len(given)]})."
            )
        for value, tensor in zip(self._proto.graph.input, given, strict=False):
            _fits(value, tensor)
        result = self._loaded.run(dict(zip(names, given, strict=False)))
        return tuple(result)

    def _flat(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        from rushlight.onnx.exporting.asked import Asked

        if self._asked is not None:
            with contextlib.suppress(TorchExportError):
                return Asked(self._asked.model, args, kwargs).tensors
        return [x for x in (*args, *kwargs.values()) if isinstance(x, TensorBase)]

    def call_reference(self, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Run it by the reference implementation of the library `onnx`."""
        import onnx.reference

        from rushlight.ops.creation import from_numpy

        evaluator = onnx.reference.ReferenceEvaluator(self._proto)
        names = [i.name for i in self._proto.graph.input]
        given = [x.detach().numpy() for x in self._flat(args, kwargs)]
        return tuple(
            from_numpy(np.array(x))
            for x in evaluator.run(None, dict(zip(names, given, strict=False)))
        )

    def compute_values(
        self, value_names: Sequence[str], args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> tuple[Any, ...]:
        """The values of these names anywhere in the graph."""
        self.initialize_inference_session()
        names = [i.name for i in self._proto.graph.input]
        given = self._flat(tuple(args), kwargs or {})
        return tuple(self._loaded.run(dict(zip(names, given, strict=False)), value_names))

    def initialize_inference_session(self, initializer: Any = None) -> None:
        """Make ready to be called."""
        from rushlight.onnx.loading.load import load

        if self._loaded is None:
            self._loaded = load(self._proto)

    def release(self) -> None:
        """Forget what was made ready."""
        self._loaded = None

    def optimize(self) -> None:
        """Nothing is left to do: what is constant is folded while the graph is written."""

    def _compare(self) -> None:
        """Raise unless the graph computes what the model does on the example."""
        from rushlight.utils.trees import tree_leaves

        if self._asked is None:
            return
        expected: list[Any] = [
            x
            for x in tree_leaves(self._asked.call(*self._asked.tensors))
            if isinstance(x, TensorBase)
        ]
        names = [i.name for i in self._proto.graph.input]
        self.initialize_inference_session()
        found = self._loaded.run(dict(zip(names, self._asked.tensors, strict=True)))
        for name, one, other in zip(self._proto.graph.output, found, expected, strict=False):
            if not T.allclose(one.double(), other.double(), rtol=1e-3, atol=1e-4, equal_nan=True):
                raise OnnxExporterError(f"the graph computes another {name.name} than the model")

    def apply_weights(self, state_dict: dict[str, Any]) -> None:
        """Put other weights in the place of the initializers of these names."""
        for i, tensor in enumerate(self._proto.graph.initializer):
            if tensor.name in state_dict:
                array = state_dict[tensor.name].detach().numpy()
                self._proto.graph.initializer[i].CopyFrom(tensor_of(array, tensor.name))
        self.release()

    def rename_axes(self, names: dict[Any, str]) -> None:
        """Give open sizes other names."""
        plain = {str(getattr(old, "__name__", old)): new for old, new in names.items()}
        for value in (*self._proto.graph.input, *self._proto.graph.output):
            for dim in value.type.tensor_type.shape.dim:
                if dim.dim_param in plain:
                    dim.dim_param = plain[dim.dim_param]

    def save(
        self,
        destination: Any,
        *,
        include_initializers: bool = True,
        keep_initializers_as_inputs: bool = False,
        external_data: bool | None = None,
    ) -> None:
        """Write the file; with external_data, or above 1.5 GB, the weights in a second one, NAME.onnx.data."""
        proto = self._proto
        if keep_initializers_as_inputs or not include_initializers:
            proto = onnx().ModelProto()
            proto.CopyFrom(self._proto)
            if keep_initializers_as_inputs:
                proto.graph.input.extend(
                    onnx().helper.make_tensor_value_info(t.name, t.data_type, list(t.dims))
                    for t in proto.graph.initializer
                )
            if not include_initializers:
                del proto.graph.initializer[:]
        size = sum(len(t.raw_data) for t in proto.graph.initializer)
        if not isinstance(destination, str | os.PathLike):
            if external_data:
                raise TypeError("weights in a second file need a path to stand beside")
            destination.write(proto.SerializeToString())
            return
        path = Path(destination)
        if external_data or size > _LARGE:
            beside = f"{path.name}.data"
            (path.parent / beside).unlink(missing_ok=True)
            copy = onnx().ModelProto()
            copy.CopyFrom(proto)
            onnx().save_model(
                copy, str(path), save_as_external_data=True, all_tensors_to_one_file=True, location=beside,
                size_threshold=0,
            )  # fmt: skip
            return
        data = io.BytesIO(proto.SerializeToString())
        path.write_bytes(data.getvalue())
