"""From a model to a file: what `torch.onnx.export` does."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from rushlight.autograd.state import no_grad
from rushlight.core.tensor import TensorBase
from rushlight.errors import warn
from rushlight.export.program import ExportedProgram
from rushlight.nn.modules.module import Module
from rushlight.onnx.errors import OnnxExporterError, OnnxExporterWarning, TorchExportError
from rushlight.onnx.exporting.asked import Asked, Seen
from rushlight.onnx.exporting.fusing import fuse
from rushlight.onnx.exporting.graph import Graph
from rushlight.onnx.exporting.program import ONNXProgram
from rushlight.onnx.exporting.sizes import NoFormula, Symbol
from rushlight.onnx.exporting.story import Passed, Var, Varying
from rushlight.onnx.exporting.writer import Writer
from rushlight.onnx.modes import TrainingMode, exporting, select_model_mode_for_export
from rushlight.onnx.proto import element_type, onnx

# The version of the operators that is written unless another is asked for, and the oldest and newest.
OPSET = 20
OLDEST = 11
# The format's version in which torch's exporter writes.
_IR = 10


def export(
    model: Any,
    args: Any = (),
    f: Any = None,
    *,
    kwargs: dict[str, Any] | None = None,
    verbose: bool | None = None,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    opset_version: int | None = None,
    dynamo: bool = True,
    external_data: bool = True,
    dynamic_shapes: Any = None,
    custom_translation_table: dict[Callable[..., Any], Callable[..., Any]] | None = None,
    report: bool = False,
    optimize: bool = True,
    verify: bool = False,
    profile: bool = False,
    dump_exported_program: bool = False,
    artifacts_dir: Any = ".",
    export_params: bool = True,
    keep_initializers_as_inputs: bool = False,
    dynamic_axes: Mapping[str, Any] | None = None,
    training: TrainingMode = TrainingMode.EVAL,
    operator_export_type: Any = None,
    do_constant_folding: bool = True,
    custom_opsets: Mapping[str, int] | None = None,
    export_modules_as_functions: Any = False,
    autograd_inlining: bool = True,
) -> ONNXProgram | None:
    """Write what a model does as an ONNX file, by running it on an example and translating what it did.

    args are the example: a tensor, or a tuple of the arguments; tensors become the inputs of the graph, all
    else is fixed. Sizes are those of the example, but for those in dynamic_shapes (`{"x": {0: "batch"}}`, or
    `Dim`s) or dynamic_axes: the model is then run at other sizes, too, and what follows from them is computed
    in the graph. Parameters and buffers are initializers under their names in the state_dict.

    With dynamo=True, torch's default, gives an ONNXProgram, which `save`s and can be called, and writes f if
    there is one; with dynamo=False writes f, as the model answers in eval() unless `training` says otherwise.
    OnnxExporterError names the line of what ONNX has no operator for. `verify` compares what the graph
    computes with what the model does.

    >>> import io, rushlight as torch
    >>> file = io.BytesIO()
    >>> model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU()).eval()
    >>> program = torch.onnx.export(model, torch.ones(1, 3), dynamic_shapes=({0: "batch"},))
    >>> [node.op_type for node in program.model_proto.graph.node]
    ['Gemm', 'Relu']
    """
    onnx()
    if custom_translation_table:
        raise NotImplementedError(
            "custom_translation_table translates ATen's operators, which rushlight has not: write the model with "
            "operations that ONNX has"
        )
    if not callable(model):
        raise TypeError(f"torch.onnx.export takes a module, not a {type(model).__name__}")
    if isinstance(model, ExportedProgram):
        if not args and not kwargs:
            args, kwargs = model.example_inputs
        model, dynamo = model.module(check_guards=False), True
    version = _version(opset_version, dynamo)
    if dynamo and len(set(output_names or ())) < len(output_names or ()):
        raise ValueError(f"Output names cannot be duplicated: {list(output_names or ())}")
    if dynamo and not isinstance(model, Module):
        raise TorchExportError(
            f"a module is exported, not a {type(model).__name__}: wrap it in one"
        )
    if dynamo and isinstance(args, list):
        raise TorchExportError(
            f"the example is a tuple of the arguments, not a list of {len(args)}"
        )
    given, named = _given(args, kwargs)
    if dynamo:
        _warn_of_training(model)
        if dynamic_axes is not None and dynamic_shapes is None:
            warn(
                "# 'dynamic_axes' is not recommended when dynamo=True: supply 'dynamic_shapes' instead."
            )
        mode = TrainingMode.PRESERVE
    else:
        warn(
            "You are using the interface of the TorchScript-based ONNX export; dynamo=True is the default since "
            "PyTorch 2.9.",
            DeprecationWarning,
        )
        if dynamic_shapes:
            raise ValueError(
                "dynamic_shapes goes with dynamo=True; with dynamo=False the sizes are in dynamic_axes"
            )
        if f is None:
            raise ValueError("with dynamo=False a file is written: say which, f=")
        mode = training
    with select_model_mode_for_export(model, mode), exporting(), no_grad():
        asked = Asked(model, given, named)
        names = _input_names(asked, input_names, dynamo)
        if dynamic_shapes is not None:
            opened = asked.opened(dynamic_shapes)
        else:
            opened = asked.named(dynamic_axes, names)
        seen = Seen(asked, opened, _warn, traced=not dynamo)
        made = _Model(
            asked, seen, names, output_names, dynamic_axes if dynamic_shapes is None else None, version,
            fold=optimize if dynamo else do_constant_folding, training=not dynamo and mode is not TrainingMode.EVAL,
            dynamo=dynamo,
        )  # fmt: skip
        proto = made.proto(_IR if dynamo else 0)
    program = ONNXProgram(proto, asked)
    if verify:
        program._compare()
    if f is not None:
        _save(program, f, dynamo, export_params, keep_initializers_as_inputs, external_data)
    return program if dynamo else None


def _version(wanted: int | None, dynamo: bool) -> int:
    """The version of the operators; the newer exporter writes 18 where it cannot write the one that is asked for."""
    version = OPSET if wanted is None else int(wanted)
    newest = onnx().defs.onnx_opset_version()
    if OLDEST <= version <= newest:
        return version
    if not dynamo:
        raise ValueError(
            f"opset_version={version}: rushlight writes versions {OLDEST} to {newest} of the operators"
        )
    _warn(f"opset_version={version} is not among {OLDEST} to {newest}: version 18 is written")
    return 18


def _warn(message: str) -> None:
    warn(message, OnnxExporterWarning)


def _warn_of_training(model: Any) -> None:
    if getattr(model, "training", False) and isinstance(model, Module):
        warn(
            "Exporting a model while it is in training mode. Please ensure that this is intended, as it may lead "
            "to different behavior during inference. Calling model.eval() before export is recommended."
        )


def _given(args: Any, kwargs: dict[str, Any] | None) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Positional arguments and keywords; a dict that comes last holds keywords."""
    args = (args,) if isinstance(args, TensorBase) else tuple(args)
    if not kwargs and args and isinstance(args[-1], dict):
        return args[:-1], args[-1]
    return args, dict(kwargs or {})


def _input_names(asked: Asked, wanted: Sequence[str] | None, dynamo: bool) -> list[str]:
    names = list(asked.names)
    if wanted is not None:
        if dynamo:
            wanted = wanted[: len(names)]
        if len(wanted) > len(names):
            raise RuntimeError(
                f"number of input names provided ({len(wanted)}) exceeded number of inputs ({len(names)})"
            )
        names[: len(wanted)] = wanted
    return names


def _state_names(model: Any) -> dict[int, str]:
    """Parameters and buffers by identity; of several names for one tensor the last."""
    if not isinstance(model, Module):
        return {}
    found: dict[str, Any] = dict(model.named_parameters(remove_duplicate=False))
    found.update(model.named_buffers(remove_duplicate=False))
    return {id(tensor): name for name, tensor in found.items()}


def _passed(result: Any) -> int | None:
    """The argument that a result is, if it is one."""
    if isinstance(result, Passed):
        return result.number
    return result.argument if isinstance(result, Var) else None


class _Model:
    """A graph with its inputs and outputs."""

    def __init__(
        self, asked: Asked, seen: Seen, inputs: list[str], outputs: Sequence[str] | None, axes: Any, version: int,
        fold: bool, training: bool, dynamo: bool,
    ) -> None:  # fmt: skip
        self.graph, self.seen, self.asked = Graph(version), seen, asked
        self.axes, self.merge = axes or {}, dynamo and fold
        self.wanted = None if outputs is None else list(outputs)
        self.given = self._kept_apart(inputs, seen.story.results)
        self.graph.names.update(self.given)
        self.parameters = _state_names(asked.model)
        self.writer = Writer(
            seen.story, self.graph, seen.symbols, self.parameters, seen.recordings, fold, training,
            dynamo,
        )  # fmt: skip
        self.arguments: list[Var] = []
        self.inputs = self._inputs()
        self.writer.write()
        self.outputs = self._outputs()

    def _kept_apart(self, names: list[str], results: list[Any]) -> list[str]:
        """The inputs; those that come out as they are leave their name to what comes out, as in torch."""
        names = list(names)
        if self.wanted is None:
            for result in results:
                number = _passed(result)
                if number is not None:
                    names[number] = f"{self.asked.names[number]}_orig"
        return names

    def _inputs(self) -> list[Any]:
        made = []
        sizes = {(s.argument, s.dim): s.name for s in self.seen.symbols}
        for one in self.seen.symbols:
            # Others that are the same size.
            for number, tensor in enumerate(self.asked.tensors):
                var = self.seen.story.arguments.get(number)
                for dim in range(tensor.ndim):
                    if var is not None and var.shape[dim] == Varying(one.values):
                        sizes.setdefault((number, dim), one.name)
        for number, (name, tensor) in enumerate(zip(self.given, self.asked.tensors, strict=True)):
            var = self.seen.story.arguments.get(number)
            if var is None:
                shape = [
                    Varying(s.values) if (s := self._symbol(number, d)) else n
                    for d, n in enumerate(tensor.shape)
                ]
                var = Var(-1 - number, tensor._data_.dtype, tuple(shape), argument=number)
            self.writer.argument(var, name)
            self.arguments.append(var)
            shown = [sizes.get((number, d), n) for d, n in enumerate(tensor.shape)]
            made.append(onnx().helper.make_tensor_value_info(name, element_type(var.dtype), shown))
        return made

    def _symbol(self, argument: int, dim: int) -> Symbol | None:
        return next((s for s in self.seen.symbols if (s.argument, s.dim) == (argument, dim)), None)

    def _outputs(self) -> list[Any]:
        results = [r for r in self.seen.story.results if r is not None]
        if self.wanted is not None and len(self.wanted) > len(results) and not self.writer.dynamo:
            raise RuntimeError(
                f"number of output names provided ({len(self.wanted)}) exceeded number of outputs ({len(results)})"
            )
        made, used = [], set(self.given) | set(self.graph.initializers)
        self.writer.step = None
        for number, result in enumerate(results):
            name, dtype, shape = self._result(result)
            if dtype.kind == "c":
                # Real and imaginary part, side by side.
                dtype, shape = np.empty(0, dtype).real.dtype, (*shape, 2)
            wanted = self._output_name(number, result)
            free = (
                name not in used and name not in self.graph.initializers and name not in self.given
            )
            if not free or (wanted is not None and wanted in self.graph.names and wanted != name):
                name = self.graph.op("Identity", name)
            if wanted is None and name.startswith("val_"):
                wanted = self.graph.name("output")
            if wanted is not None and wanted != name:
                if wanted in self.graph.names:
                    self._make_way(wanted)
                self.graph.names.add(wanted)
                self.graph.rename(name, wanted)
                for key, known in self.writer.env.items():
                    if known == name:
                        self.writer.env[key] = wanted
                name = wanted
            used.add(name)
            made.append((name, dtype, shape))
        labels = self.axes
        return [
            onnx().helper.make_tensor_value_info(
                name, element_type(dtype), [self._shown(n, d, labels.get(name), name) for d, n in enumerate(shape)]
            )
            for name, dtype, shape in made
        ]  # fmt: skip

    def _make_way(self, name: str) -> None:
        """Give a value inside that has the name of an output another one."""
        other = self.graph.value()
        for node in self.graph.nodes:
            node.inputs = [other if x == name else x for x in node.inputs]
            node.outputs = [other if x == name else x for x in node.outputs]
        if name in self.graph.initializers:
            self.graph.initializers[other] = self.graph.initializers.pop(name)
        for key, known in self.writer.env.items():
            if known == name:
                self.writer.env[key] = other

    def _output_name(self, number: int, result: Any) -> str | None:
        if self.wanted is not None and number < len(self.wanted):
            return self.wanted[number]
        passed = _passed(result)
        if self.wanted is None and passed is not None:
            name = self.asked.names[passed]
            return name if name not in self.graph.names else self.graph.name(f"{name}_alias")
        return None

    def _result(self, result: Any) -> tuple[str, Any, tuple[Any, ...]]:
        if isinstance(result, Passed):
            result = self.arguments[result.number]
        if isinstance(result, Var):
            return self.writer.name(result), result.dtype, result.shape
        if isinstance(result, Varying):
            dtype = np.dtype(np.int64 if isinstance(result.values[0], int) else np.float32)
            return self.writer.sizes.scalar(result, dtype), dtype, ()
        if isinstance(result, bool | int | float):
            array = np.asarray(result, np.float32 if isinstance(result, float) else None)
            return self.graph.constant(array), array.dtype, ()
        raise OnnxExporterError(
            f"the model returns a {type(result).__name__}: a graph gives tensors and numbers, in tuples, "
            "lists and dicts"
        )

    def _shown(self, size: Any, dim: int, labels: Any, name: str) -> Any:
        if isinstance(labels, dict) and dim in labels:
            return labels[dim]
        if isinstance(labels, list | tuple) and dim in labels:
            return f"{name}_dynamic_axes_{list(labels).index(dim) + 1}"
        if not isinstance(size, Varying):
            return size
        return self.writer.sizes.text(size.values) or f"{name}_dim_{dim}"

    def proto(self, ir: int) -> Any:
        """The model as ONNX has it, checked."""
        graph, helper = self.graph, onnx().helper
        names = [v.name for v in self.outputs]
        graph.drop_unused(names)
        if self.merge:
            fuse(graph, names)
            graph.drop_unused(names)
        graph.named_first(list(dict.fromkeys(self.parameters.values())))
        if self.merge:
            graph.merge_equal(names)
        if self.writer.dynamo:
            graph.say_all()
        opset = helper.make_opsetid("", graph.opset)
        made = helper.make_graph(
            graph.protos(), "main_graph", self.inputs, self.outputs, graph.tensors()
        )
        model = helper.make_model(
            made,
            opset_imports=[opset],
            producer_name="rushlight",
            ir_version=ir or helper.find_min_ir_version_for([opset]),
        )
        if model.ByteSize() < 2**31:
            try:
                onnx().checker.check_model(model)
            except onnx().checker.ValidationError as error:
                raise OnnxExporterError(
                    f"the graph that came of it is no valid ONNX: {error}"
                ) from error
        return model


def _save(
    program: ONNXProgram, f: Any, dynamo: bool, params: bool, as_inputs: bool, external: bool
) -> None:
    if isinstance(f, str | os.PathLike):
        program.save(
            f, include_initializers=params, keep_initializers_as_inputs=as_inputs or (not dynamo and not params),
            external_data=external if dynamo else None,
        )  # fmt: skip
        return
    if dynamo and isinstance(f, io.BytesIO):
        warn(
            "Saving ONNX model to a BytesIO object is deprecated. Please use a file path instead.",
            DeprecationWarning,
        )
    program.save(
        f,
        include_initializers=params,
        keep_initializers_as_inputs=as_inputs or (not dynamo and not params),
    )


@contextmanager
def exporter_context(model: Any, mode: Any, verbose: bool) -> Iterator[None]:
    """What surrounds an export: the mode of the model, and that one is on."""
    with select_model_mode_for_export(model, mode), exporting():
        yield


__all__ = ["NoFormula", "export", "exporter_context"]
