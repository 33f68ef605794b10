"""A graph of a file as steps: each operator by its line in the tables, or by the function that defines it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rushlight.core.tensor import TensorBase
from rushlight.onnx.loading.control import CONTROL
from rushlight.onnx.loading.nets import NETS
from rushlight.onnx.loading.operator import CannotRun, Handler, Operator, constant_of, dtype_of
from rushlight.onnx.loading.others import OTHERS
from rushlight.onnx.loading.pointwise import POINTWISE
from rushlight.onnx.loading.recurrent import RECURRENT
from rushlight.onnx.loading.reductions import REDUCTIONS
from rushlight.onnx.loading.resize import RESIZE
from rushlight.onnx.loading.shapes import SHAPES
from rushlight.onnx.proto import element_type, onnx

# From an operator of ONNX to what does the same here.
OPERATORS: dict[str, Handler] = {
    **POINTWISE, **SHAPES, **REDUCTIONS, **NETS, **RESIZE, **RECURRENT, **CONTROL, **OTHERS,
}  # fmt: skip

_DEFAULT = ("", "ai.onnx")
Scope = Mapping[str, Any]


class Context:
    """What all graphs of a file share: the versions, the functions that it defines, whether it is in training."""

    def __init__(
        self,
        versions: dict[str, int],
        functions: dict[Any, Any],
        training: Callable[[], bool],
        folder: str,
    ) -> None:
        self.versions, self.functions, self.training, self.folder = (
            versions,
            functions,
            training,
            folder,
        )

    def array(self, tensor: Any) -> Any:
        """The elements of a tensor of the file, which may lie in a file beside it."""
        if tensor.data_type == onnx().TensorProto.STRING:
            raise CannotRun(
                f"the tensor {tensor.name!r} of the file holds strings, which tensors cannot"
            )
        return onnx().numpy_helper.to_array(tensor, self.folder)


class Graph:
    """The nodes of a graph, ready to run."""

    def __init__(self, proto: Any, context: Context, attributes: Scope | None = None) -> None:
        self.context = context
        self.inputs = [_name(i) for i in proto.input]
        self.outputs = [_name(o) for o in proto.output]
        self.constants = {
            t.name: constant_of(context.array(t)) for t in getattr(proto, "initializer", ())
        }
        self.told = [_told(o) for o in proto.output]
        self.steps = [Step(node, context, attributes or {}) for node in proto.node]
        needed: set[str] = set(self.outputs)
        for step in reversed(self.steps):
            used = step.uses - needed
            step.frees = tuple(used)
            needed |= used

    def run(
        self,
        given: Mapping[str, Any],
        outer: Scope | None = None,
        keep: Iterable[str] | None = None,
    ) -> list[Any]:
        """The results, or the values of other names, from the inputs by name; outer is what a graph inside sees."""
        scope: dict[str, Any] = {**(outer or {}), **self.constants, **given}
        wanted = self.outputs if keep is None else list(keep)
        for step in self.steps:
            step.run(scope)
            if keep is None and outer is None:
                for name in step.frees:
                    if name not in given:
                        scope.pop(name, None)
        if keep is not None and outer is None and not all(name in scope for name in wanted):
            raise KeyError(f"the graph has no value {next(n for n in wanted if n not in scope)!r}")
        return [scope.get(name) for name in wanted]


def _name(value: Any) -> str:
    return value if isinstance(value, str) else str(value.name)


def _told(value: Any) -> tuple[list[int], int]:
    """What the file says of the shape and type of a result."""
    if isinstance(value, str) or not value.type.HasField("tensor_type"):
        return [], 1
    kind = value.type.tensor_type
    return [d.dim_value for d in kind.shape.dim], kind.elem_type or 1


class Step:
    """A node: its operator and the names of what it takes and gives."""

    def __init__(self, node: Any, context: Context, attributes: Scope) -> None:
        self.context, self.node = context, node
        self.inputs, self.outputs = list(node.input), list(node.output)
        found = {}
        for attribute in node.attribute:
            if attribute.ref_attr_name:
                if attribute.ref_attr_name in attributes:
                    found[attribute.name] = attributes[attribute.ref_attr_name]
                continue
            found[attribute.name] = self._attribute(attribute, attributes)
        version = context.versions.get(node.domain, 1)
        self.operator = Operator(
            node.op_type, node.name or (self.outputs[0] if self.outputs else ""), found, version,
            max(1, len(self.outputs)), context.training, tuple(self.inputs),
        )  # fmt: skip
        self.graphs = [v for v in found.values() if isinstance(v, Graph)]
        self.uses = set(self.inputs)
        for graph in self.graphs:
            self.uses |= {name for step in graph.steps for name in step.uses} | set(graph.outputs)
        self.uses.discard("")
        self.frees: tuple[str, ...] = ()
        self.handler = OPERATORS.get(node.op_type) if node.domain in _DEFAULT else None
        # The function that defines the operator, by the types of the inputs.
        self.bodies: dict[Any, Graph] = {}

    def _attribute(self, attribute: Any, attributes: Scope) -> Any:
        kinds = onnx().AttributeProto
        if attribute.type == kinds.GRAPH:
            return Graph(attribute.g, self.context, attributes)
        if attribute.type == kinds.TENSOR:
            return constant_of(self.context.array(attribute.t))
        value = onnx().helper.get_attribute_value(attribute)
        if isinstance(value, bytes):
            return value.decode()
        if attribute.type == kinds.STRINGS:
            return [part.decode() for part in value]
        return list(value) if attribute.type in (kinds.INTS, kinds.FLOATS) else value

    def run(self, scope: dict[str, Any]) -> None:
        """Compute it, and put what comes out into the scope."""
        given = [scope[name] if name else None for name in self.inputs]
        while given and given[-1] is None:
            given.pop()
        if self.handler is None or (self.node.domain, self.node.op_type) in self.context.functions:
            result: Any = self._defined(given)
        else:
            if self.graphs:
                self.operator.scope = scope
            result = self.handler(self.operator, *given)
        parts = result if isinstance(result, tuple) else (result,)
        for name, part in zip(self.outputs, parts, strict=False):
            if name:
                scope[name] = part

    def _defined(self, given: list[Any]) -> Any:
        """What the function gives that defines the operator: in the file, or in ONNX's own specification."""
        key = tuple(_type(x) for x in given)
        body = self.bodies.get(key)
        if body is None:
            body = self.bodies[key] = self._body(given)
        # What is left out at the end is nothing; results that are not asked for may not be made.
        scope = {**dict.fromkeys(body.inputs), **dict(zip(body.inputs, given, strict=False))}
        asked = body.outputs[: self.operator.count]
        return tuple(body.run(scope, {}, asked))

    def _body(self, given: list[Any]) -> Graph:
        node, context = self.node, self.context
        proto = context.functions.get((node.domain, node.op_type))
        if proto is None:
            proto = self._specified(given)
        versions = {o.domain: o.version for o in proto.opset_import} or context.versions
        values = dict(self.operator.attributes)
        for standard in proto.attribute_proto:
            values.setdefault(standard.name, self._attribute(standard, {}))
        inner = Context(
            {**context.versions, **versions}, context.functions, context.training, context.folder
        )
        return Graph(proto, inner, values)

    def _specified(self, given: list[Any]) -> Any:
        node, version = self.node, self.operator.version
        defs = onnx().defs
        try:
            schema = defs.get_schema(
                node.op_type, version, "" if node.domain in _DEFAULT else node.domain
            )
        except defs.SchemaError:
            raise self.operator.refuse(
                f"there is no such operator in version {version} of the domain {node.domain or 'ai.onnx'!r}"
            ) from None
        made = onnx().FunctionProto()
        if schema.has_function:
            found = schema.get_function_with_opset_version(
                max(v for v in schema.function_opset_versions if v <= version)
            )
        elif schema.has_context_dependent_function:
            types = [_described(x).SerializeToString() for x in given]
            versions = [v for v in schema.context_dependent_function_opset_versions if v <= version]
            found = schema.get_context_dependent_function_with_opset_version(
                max(versions), node.SerializeToString(), types
            )
            if not found:
                raise self.operator.refuse("its definition does not fit inputs of these types")
        else:
            raise self.operator.refuse("rushlight has nothing that does the same")
        made.ParseFromString(found)
        for attribute in schema.attributes.values():
            if attribute.default_value.type and attribute.name not in self.operator.attributes:
                self.operator.attributes[attribute.name] = self._attribute(
                    attribute.default_value, {}
                )
        return made


def _described(x: Any) -> Any:
    """What ONNX is told of an input: its type and how many dimensions it has."""
    helper = onnx().helper
    if isinstance(x, list):
        return helper.make_sequence_type_proto(
            _described(x[0]) if x else helper.make_tensor_type_proto(1, None)
        )
    if x is None:
        return onnx().TypeProto()
    return helper.make_tensor_type_proto(element_type(dtype_of(x)), [None] * len(x.shape))


def _type(x: Any) -> Any:
    """What tells definitions of one operator apart."""
    if isinstance(x, TensorBase):
        return dtype_of(x), x._data_.ndim
    return (_type(x[0]) if x else 0,) if isinstance(x, list) else None
