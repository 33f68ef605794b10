"""`load`: an ONNX file as a module, whose weights are parameters."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from rushlight.core.tensor import TensorBase
from rushlight.nn.modules.module import Module
from rushlight.nn.parameter import Parameter
from rushlight.onnx.loading.graph import Context, Graph
from rushlight.onnx.loading.operator import constant_of, tensor_of
from rushlight.onnx.proto import onnx

# Inputs of operators that are settings, or statistics, and no weights: the first of them.
_SETTINGS = {
    "BatchNormalization": 3, "Clip": 1, "Dropout": 1, "Pad": 1, "Resize": 1, "Upsample": 1, "Range": 0,
    "OneHot": 1, "QuantizeLinear": 1, "DequantizeLinear": 0, "NonMaxSuppression": 2, "Where": 0,
    "ReduceMax": 1, "TopK": 1, "ConstantOfShape": 0, "Expand": 1, "GridSample": 9,
}  # fmt: skip


class Loaded(Module):
    """A module that runs the graph of an ONNX file.

    It is called with the inputs in the graph's order, or by name, and gives what the graph gives: a tensor, or a
    tuple. `graph_inputs` and `graph_outputs` are the names. In train() batch norm takes the statistics of the batch
    and dropout drops.
    """

    def __init__(self, proto: Any, folder: str, trainable: Callable[[str, Any], bool]) -> None:
        super().__init__()
        versions = {o.domain: o.version for o in proto.opset_import} or {"": 1}
        versions.setdefault("", versions.get("ai.onnx", 1))
        functions = {(f.domain, f.name): f for f in proto.functions}
        context = Context(versions, functions, lambda: self.training, folder)
        arrays = {t.name: context.array(t) for t in proto.graph.initializer}
        for sparse in proto.graph.sparse_initializer:
            arrays[sparse.values.name] = _dense(sparse, context)
        kept = list(proto.graph.initializer)
        del proto.graph.initializer[:]
        _statistics_apart(proto.graph, arrays)
        self.graph = Graph(proto.graph, context)
        proto.graph.initializer.extend(kept)
        weights = _weights(self.graph)
        # Where the tensor of each name is: in which module, and under which name there.
        self._places: dict[str, tuple[Module, str]] = {}
        for name, array in arrays.items():
            wanted = name in weights and array.ndim > 0 and _is_weight(array)
            if trainable(name, wanted):
                self._keep(name, Parameter(tensor_of(np.array(array))))
            else:
                self._keep(name, constant_of(np.array(array)))
        self.graph_inputs = [name for name in self.graph.inputs if name not in arrays]
        self.graph_outputs = list(self.graph.outputs)

    def _keep(self, name: str, tensor: Any) -> None:
        parts = name.split(".")
        owner: Module = self
        if not all(part.replace("_", "a").isalnum() for part in parts) or (
            hasattr(self, parts[0]) and len(parts) == 1
        ):
            parts = [name.replace(".", "_")]
        for part in parts[:-1]:
            inside = owner._modules.get(part)
            if inside is None:
                if hasattr(owner, part):
                    parts = [*parts[:-1], parts[-1]]
                inside = Module()
                owner._modules[part] = inside
            owner = inside
        last = parts[-1]
        if isinstance(tensor, Parameter):
            owner._parameters[last] = tensor
        else:
            owner._buffers[last] = tensor
        self._places[name] = owner, last

    def initializers(self) -> dict[str, Any]:
        """The tensors of the file by its names."""
        found = {}
        for name, (owner, last) in self._places.items():
            found[name] = (
                owner._parameters[last] if last in owner._parameters else owner._buffers[last]
            )
        return found

    def run(self, given: Mapping[str, Any], keep: Iterable[str] | None = None) -> list[Any]:
        """All results, or the values of other names, from the inputs by name."""
        return self.graph.run({**self.initializers(), **given}, None, keep)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The results of the graph."""
        if len(args) > len(self.graph_inputs):
            raise TypeError(
                f"the graph takes {len(self.graph_inputs)} inputs, {self.graph_inputs}: {len(args)} are given"
            )
        given = {**dict(zip(self.graph_inputs, args, strict=False)), **kwargs}
        missing = [name for name in self.graph_inputs if name not in given]
        if missing:
            raise TypeError(f"the graph takes {self.graph_inputs}: {missing} are missing")
        out = self.run({name: _tensor(value) for name, value in given.items()})
        return out[0] if len(out) == 1 else tuple(out)

    def extra_repr(self) -> str:
        """The names of what goes in and comes out."""
        return f"{', '.join(self.graph_inputs)} -> {', '.join(self.graph_outputs)}"


def load(model: Any, *, trainable: Iterable[str] | Callable[[str], bool] | None = None) -> Loaded:
    """An ONNX file, or a `ModelProto` of the library `onnx`, as a module that runs it, gradients included.

    Initializers are under their names: weights are parameters, statistics, settings and whole numbers buffers;
    trainable, a list of names or a function of a name, says otherwise which are parameters. Weights in files beside
    are read from there. The module is in eval(), as the file answers; train() lets batch norm and dropout train.
    NotImplementedError names the operator of what rushlight has nothing for.

    >>> import io, rushlight as torch
    >>> program = torch.onnx.export(torch.nn.Linear(2, 1).eval(), torch.ones(1, 2))
    >>> module = torch.onnx.load(program.model_proto)
    >>> list(module.state_dict()), module(torch.zeros(1, 2)).shape
    (['weight', 'bias'], torch.Size([1, 1]))
    """
    folder = ""
    if isinstance(model, str | os.PathLike):
        folder = os.path.dirname(os.path.abspath(model))
        proto = onnx().load(model, load_external_data=False)
    elif isinstance(model, bytes):
        proto = onnx().load_from_string(model)
    elif hasattr(model, "read"):
        proto = onnx().load_from_string(model.read())
    else:
        proto = onnx().ModelProto()
        proto.CopyFrom(getattr(model, "model_proto", model))
    chosen = None if trainable is None or callable(trainable) else set(trainable)

    def is_parameter(name: str, usual: bool) -> bool:
        if chosen is not None:
            return name in chosen
        return bool(trainable(name)) if callable(trainable) else usual

    return Loaded(proto, folder, is_parameter).eval()


def _tensor(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return tensor_of(value)
    if isinstance(value, TensorBase | list) or value is None:
        return value
    raise TypeError(f"the graph takes tensors, not a {type(value).__name__}")


def _is_weight(array: Any) -> bool:
    """Whether an array may be one: floats, of which none is infinite, as in a mask."""
    if array.dtype.kind not in "fV" or array.dtype.itemsize < 2:
        return False
    return bool(np.isfinite(array.astype(np.float32)).all())


def _statistics_apart(graph: Any, arrays: dict[str, Any]) -> None:
    """Give each batch norm statistics of its own: exporters keep one of arrays that are equal."""
    uses: dict[str, int] = {}
    for node in graph.node:
        for name in node.input:
            uses[name] = uses.get(name, 0) + 1
    for node in graph.node:
        if node.op_type != "BatchNormalization":
            continue
        home = node.input[1].rpartition(".")[0]
        for place, last in ((3, "running_mean"), (4, "running_var")):
            name = node.input[place]
            if name not in arrays or uses[name] < 2:
                continue
            own, number = f"{home}.{last}" if home else last, 1
            while own in arrays:
                number += 1
                own = f"{home}.{last}_{number}" if home else f"{last}_{number}"
            arrays[own] = arrays[name].copy()
            node.input[place] = own


def _weights(graph: Graph) -> set[str]:
    """The names that operators take as more than settings."""
    found: set[str] = set()
    for step in graph.steps:
        first = _SETTINGS.get(step.operator.kind, len(step.inputs))
        if step.operator.kind == "Where":
            found.update(step.inputs[1:])
            continue
        found.update(step.inputs[:first])
        for inner in step.graphs:
            found |= _weights(inner)
    return found


def _dense(sparse: Any, context: Context) -> Any:
    values, places = context.array(sparse.values), context.array(sparse.indices)
    shape = tuple(sparse.dims)
    out = np.zeros(shape, values.dtype)
    if places.ndim == 1:
        out.reshape(-1)[places] = values
    else:
        out[tuple(places.T)] = values
    return out
