"""What the tape still tells when nobody watched: the graph behind a tensor, and its gradients, taken anew."""

from __future__ import annotations

from typing import Any

from rushlight.autograd.api import grad
from rushlight.autograd.state import no_grad
from rushlight.core.node import Node, PrimitiveNode, SavedOutput, SavedOutputs
from rushlight.core.tensor import TensorBase, wrap
from rushlight.visual.capture import Capture, nodes_behind

_HOW = (
    "For the lines, modules, all values and the update, let it be watched while it runs: "
    "with rushlight.visual.watch() as run: ...; run.page(path)"
)


def read_tape(loss: TensorBase, capture: Capture) -> str:
    """Put down the graph behind loss and send a gradient through it; returns what is to be said of it.

    Values are those that rules remember, and what can be computed from them again. No `.grad` is touched.
    """
    nodes = nodes_behind([loss])
    arrays: dict[tuple[int, int], Any] = {}
    if loss._node_ is not None:
        arrays[id(loss._node_), loss._output_nr_] = loss._data_
    for node in nodes:
        for array, made, number in _remembered(node):
            arrays[id(made), number] = array
    for node in nodes:
        operation = capture.operation_of(node)
        count = len(operation.outputs)
        if any((id(node), n) not in arrays for n in range(count)):
            for n, array in enumerate(_again(node, arrays)):
                arrays.setdefault((id(node), n), array)
        for n, value in enumerate(operation.outputs):
            array = arrays.get((id(node), n))
            if array is not None and capture.look is not None:
                value.seen = capture.look(array)
    leaves = {id(e): e for node in nodes for e in node._edges if isinstance(e, TensorBase)}
    if not leaves:
        raise ValueError(
            "page: nothing that this tensor was computed from requires a gradient, so that there is no graph "
            "to step through: give the loss, or a function that takes a step"
        )
    try:
        with capture:
            grad([loss], list(leaves.values()), retain_graph=True, allow_unused=True)
    except RuntimeError as error:
        if "second time" not in str(error):
            raise
        return (
            "Backward has run and the graph was freed: its operations are left, their values are not. "
            f"{_HOW}"
        )
    return f"This was read off the tape after the forward had run. {_HOW}"


def send_back(result: Any) -> None:
    """Send a gradient through what a function gave that took no backward of its own; no `.grad` is touched."""
    loss = getattr(result, "loss", result)
    if not isinstance(loss, TensorBase) or loss._node_ is None or loss._data_.size != 1:
        return
    nodes = nodes_behind([loss])
    leaves = {id(e): e for node in nodes for e in node._edges if isinstance(e, TensorBase)}
    if leaves:
        grad([loss], list(leaves.values()), retain_graph=True, allow_unused=True)


def _remembered(node: Node) -> list[tuple[Any, Node, int]]:
    """The arrays that a node has kept: results of nodes before it, and its own."""
    found: list[tuple[Any, Node, int]] = []
    if not isinstance(node, PrimitiveNode):
        return found
    for kept in node.kept or ():
        parts = kept.parts if isinstance(kept, SavedOutputs) else (kept,)
        for part in parts if not isinstance(kept, tuple) else kept:
            if isinstance(part, SavedOutput):
                found.append((part.array, node, part.number))
            elif isinstance(part, TensorBase) and part._node_ is not None:
                found.append((part._data_, part._node_, part._output_nr_))
    return found


def _again(node: Node, arrays: dict[tuple[int, int], Any]) -> list[Any]:
    """The outputs of a node, computed again; nothing where an operand is not known."""
    if not isinstance(node, PrimitiveNode) or node.kept is None:
        return []
    kept = dict(zip(node.plan.inputs, node.kept, strict=False))
    operands: list[Any] = []
    for place, edge in enumerate(node._edges):
        if isinstance(edge, TensorBase):
            operands.append(edge.detach())  # type: ignore[attr-defined]
        elif edge is not None:
            number = node._edge_outputs[place] if node._edge_outputs is not None else 0
            array = arrays.get((id(edge), number))
            if array is None:
                return []
            operands.append(wrap(array))
        elif place in kept:
            operands.append(kept[place])
        else:
            return []
    with no_grad():
        try:
            out = node.plan.row(*operands, **node.static)
        except Exception:
            return []
    return [part._data_ for part in (out if isinstance(out, tuple) else (out,))]
