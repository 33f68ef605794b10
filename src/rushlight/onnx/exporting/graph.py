"""An ONNX graph while it is written: nodes, initializers, names, and how operators changed with the versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rushlight.core.tensor import Array
from rushlight.onnx.errors import UnsupportedOperatorError
from rushlight.onnx.proto import element_type, onnx, tensor_of

# Initializers up to this size are kept once if they are equal.
_SMALL = 1024
# What must give all of its results.
_WHOLE = {"TopK"}
# What gives something else each time.
_RANDOM = ("Random", "Bernoulli", "Dropout")


# What it leaves out even so.
_UNSAID = {("BatchNormalization", "training_mode")}


@dataclass(eq=False)
class Node:
    """One operator."""

    op: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any]


@dataclass(eq=False)
class Graph:
    """Nodes in order, and the arrays that are given with them.

    `op` appends a node and gives the names of what comes out. The methods below it write what is spelled
    differently in different versions of the operators.
    """

    opset: int
    nodes: list[Node] = field(default_factory=list)
    initializers: dict[str, Array] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    known: dict[Any, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    # What nodes have made, and nodes by what they compute: what was computed is not computed again.
    made: set[str] = field(default_factory=set)
    same: dict[Any, Node] = field(default_factory=dict)

    def name(self, wanted: str) -> str:
        """A name that is free: the wanted one, or with a number behind it."""
        number = self.counts.get(wanted, 0)
        found = wanted if not number else f"{wanted}_{number}"
        while found in self.names:
            number += 1
            found = f"{wanted}_{number}"
        self.counts[wanted] = number + 1
        self.names.add(found)
        return found

    def value(self) -> str:
        """A name for what has none of its own."""
        number = self.counts.get("val_", 0)
        while f"val_{number}" in self.names:
            number += 1
        self.counts["val_"] = number + 1
        self.names.add(f"val_{number}")
        return f"val_{number}"

    def op(self, op: str, *inputs: str | None, **attributes: Any) -> str:
        """Append an operator with one result."""
        return self.several(op, 1, *inputs, **attributes)[0]

    def several(
        self, op: str, count: int, *inputs: str | None, **attributes: Any
    ) -> tuple[str, ...]:
        """Append an operator with several results."""
        given = [name or "" for name in inputs]
        while given and not given[-1]:
            given.pop()
        kept = {key: value for key, value in attributes.items() if value is not None}
        key = None if op.startswith(_RANDOM) else (op, count, *given, repr(sorted(kept.items())))
        known = self.same.get(key)
        if known is not None:
            return tuple(known.outputs)
        outputs = [self.value() for _ in range(count)]
        node = Node(op, given, outputs, kept)
        self.nodes.append(node)
        self.made.update(outputs)
        if key is not None:
            self.same[key] = node
        return tuple(outputs)

    def cut(self, length: int) -> None:
        """Take back what was written behind the first so many nodes."""
        gone = set(map(id, self.nodes[length:]))
        del self.nodes[length:]
        self.same = {key: node for key, node in self.same.items() if id(node) not in gone}
        names = {x for node in self.nodes for x in node.outputs}
        self.known = {k: v for k, v in self.known.items() if v in names or v in self.initializers}

    def rename(self, old: str, new: str) -> None:
        """Give the result of a node another name."""
        for node in reversed(self.nodes):
            node.inputs = [new if x == old else x for x in node.inputs]
            if old in node.outputs:
                node.outputs = [new if x == old else x for x in node.outputs]
                break
        for key, known in self.known.items():
            if known == old:
                self.known[key] = new
        self.made.add(new)
        number = self.counts.get("val_", 0) - 1
        if old == f"val_{number}":
            # The next value may have it.
            self.counts["val_"] = number
            self.names.discard(old)
            self.same = {key: node for key, node in self.same.items() if old not in key}

    def constant(self, values: Any, dtype: Any = None) -> str:
        """An array that is given with the graph; equal small ones are one."""
        array = np.asarray(values, dtype)
        key = (array.dtype, array.shape, array.tobytes()) if array.size <= _SMALL else None
        if key is None or key not in self.known:
            name = self.value()
            self.initializers[name] = array
            if key is None:
                return name
            self.known[key] = name
        return self.known[key]

    def ints(self, *values: int) -> str:
        """A list of whole numbers."""
        return self.constant(np.array(values, np.int64))

    def number(self, value: Any, dtype: Any) -> str:
        """One number."""
        return self.constant(np.asarray(value).astype(dtype))

    def needs(self, version: int, row: str) -> None:
        """Raise unless the version of the operators is at least this."""
        if self.opset < version:
            raise UnsupportedOperatorError(row, self.opset, version)

    # ---- what the versions spell differently -----------------------------------------------------

    def cast(self, x: str, dtype: Any) -> str:
        """x in another type."""
        return self.op("Cast", x, to=element_type(np.dtype(dtype)))

    def reduce(self, op: str, x: str, dims: Sequence[int] | None, keepdim: bool) -> str:
        """A reduction along dims, all of them if None."""
        keep = int(keepdim)
        if dims is not None and not len(dims):
            dims = None
        if dims is None:
            return self.op(op, x, keepdims=keep)
        if self.opset >= (13 if op == "ReduceSum" else 18):
            return self.op(op, x, self.ints(*dims), keepdims=keep)
        return self.op(op, x, axes=list(dims), keepdims=keep)

    def unsqueeze(self, x: str, *dims: int) -> str:
        """x with dimensions of size 1 put in."""
        if not dims:
            return x
        if self.opset >= 13:
            return self.op("Unsqueeze", x, self.ints(*dims))
        return self.op("Unsqueeze", x, axes=list(dims))

    def squeeze(self, x: str, *dims: int) -> str:
        """x without these dimensions of size 1."""
        if not dims:
            return x
        if self.opset >= 13:
            return self.op("Squeeze", x, self.ints(*dims))
        return self.op("Squeeze", x, axes=list(dims))

    def split(self, x: str, sizes: Sequence[int], dim: int) -> tuple[str, ...]:
        """x cut into pieces of these sizes."""
        if self.opset >= 18 and len(set(sizes)) == 1:
            return self.several("Split", len(sizes), x, axis=dim, num_outputs=len(sizes))
        if self.opset >= 13:
            return self.several("Split", len(sizes), x, self.ints(*sizes), axis=dim)
        return self.several("Split", len(sizes), x, split=list(sizes), axis=dim)

    def clip(self, x: str, low: Any, high: Any, dtype: Any) -> str:
        """x between two numbers; None is no limit."""
        low = None if low is None else self.number(low, dtype)
        high = None if high is None else self.number(high, dtype)
        return self.op("Clip", x, low, high)

    def transpose(self, x: str, dims: Sequence[int]) -> str:
        """x with its dimensions in another order."""
        return x if list(dims) == sorted(dims) else self.op("Transpose", x, perm=list(dims))

    def reshape(self, x: str, *shape: int) -> str:
        """x in another shape, 0 for a size that stays, -1 for what is left."""
        return self.op("Reshape", x, self.ints(*shape))

    def slice(self, x: str, dim: int, start: Any, stop: Any, step: int = 1) -> str:
        """Part of x along one dimension; the ends are numbers or the names of lists of one number."""
        ends = [end if isinstance(end, str) else self.ints(end) for end in (start, stop)]
        steps = self.ints(step) if step != 1 else None
        return self.op("Slice", x, *ends, self.ints(dim), steps)

    def size(self, x: str, dim: int) -> str:
        """The size of a dimension, as a list of one number."""
        key = ("size", x, dim)
        if key not in self.known:
            if self.opset >= 15:
                self.known[key] = self.op("Shape", x, start=dim, end=dim + 1)
            else:
                self.known[key] = self.op("Gather", self.op("Shape", x), self.ints(dim), axis=0)
        return self.known[key]

    def softmax(self, op: str, x: str, dim: int, rank: int) -> str:
        """Softmax, or LogSoftmax, along a dimension; before version 13 it is along all from there on."""
        if self.opset >= 13 or dim == rank - 1:
            return self.op(op, x, axis=dim)
        order = [*(d for d in range(rank) if d != dim), dim]
        back = [order.index(d) for d in range(rank)]
        return self.transpose(self.op(op, self.transpose(x, order), axis=rank - 1), back)

    def compare(self, op: str, x: str, y: str) -> str:
        """LessOrEqual and GreaterOrEqual, which are new in version 12."""
        if self.opset >= 12 or op not in ("LessOrEqual", "GreaterOrEqual"):
            return self.op(op, x, y)
        return self.op("Not", self.op("Greater" if op == "LessOrEqual" else "Less", x, y))

    # ---- the end ---------------------------------------------------------------------------------

    def drop_unused(self, outputs: Sequence[str]) -> None:
        """Leave out what nobody reads."""
        needed = set(outputs)
        kept: list[Node] = []
        for node in reversed(self.nodes):
            if needed.isdisjoint(node.outputs):
                continue
            while node.op not in _WHOLE and node.outputs[-1] not in needed:
                node.outputs.pop()
            needed.update(node.inputs)
            kept.append(node)
        self.nodes = kept[::-1]
        self.initializers = {k: v for k, v in self.initializers.items() if k in needed}

    def named_first(self, names: Sequence[str]) -> None:
        """Let the arrays of these names come first, in this order."""
        first = {name: self.initializers.pop(name) for name in names if name in self.initializers}
        self.initializers = {**first, **self.initializers}

    def merge_equal(self, keep: Sequence[str]) -> None:
        """Keep one of small arrays that are equal."""
        first: dict[Any, str] = {}
        other: dict[str, str] = {}
        for name, array in list(self.initializers.items()):
            if array.size > _SMALL or name in keep:
                continue
            key = (array.dtype, array.shape, array.tobytes())
            if first.setdefault(key, name) != name:
                other[name] = first[key]
                del self.initializers[name]
        for node in self.nodes:
            node.inputs = [other.get(x, x) for x in node.inputs]

    def say_all(self) -> None:
        """Write attributes down also where they are what holds without them, as torch's newer exporter does."""
        for node in self.nodes:
            for name, attribute in _schema(node.op, self.opset).attributes.items():
                unsaid = (node.op, name) in _UNSAID or name not in _now(node.op, self.opset)
                if not unsaid and attribute.default_value.type:
                    value = onnx().helper.get_attribute_value(attribute.default_value)
                    node.attributes.setdefault(name, value)
            if node.op == "MaxPool":
                node.attributes.setdefault("dilations", [1] * len(node.attributes["kernel_shape"]))

    def protos(self) -> list[Any]:
        """The nodes as ONNX has them."""
        helper = onnx().helper
        made = []
        for number, node in enumerate(self.nodes):
            made.append(
                helper.make_node(
                    node.op,
                    node.inputs,
                    node.outputs,
                    f"node_{node.op}_{number}",
                    **node.attributes,
                )
            )
        return made

    def tensors(self) -> list[Any]:
        """The arrays as ONNX has them."""
        return [tensor_of(array, name) for name, array in self.initializers.items()]


def _now(op: str, opset: int) -> Any:
    """The attributes that it has in the version that is written."""
    return onnx().defs.get_schema(op, opset).attributes


def _schema(op: str, opset: int) -> Any:
    """What an operator takes: as in version 18, in which torch writes, if it is that old."""
    defs = onnx().defs
    try:
        return defs.get_schema(op, min(opset, 18))
    except defs.SchemaError:
        return defs.get_schema(op, opset)
