"""Nodes that are fewer for the same result, as torch's exporter leaves them: what it does after it has translated.

A rule looks at one node and says what stands for it: the new node, or the name of a value that is there already.
What a rule leaves without use is dropped with everything else that nobody reads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from rushlight.core.tensor import Array
from rushlight.onnx.exporting.graph import Graph, Node


class Fusing:
    """A graph, who makes what in it, and how often each value is read."""

    def __init__(self, graph: Graph, outputs: Sequence[str]) -> None:
        self.graph, self.outputs = graph, list(outputs)
        self.makers = {name: node for node in graph.nodes for name in node.outputs}
        self.uses = Counter(self.outputs)
        self.uses.update(name for node in graph.nodes for name in node.inputs)

    def constant(self, node: Node, place: int) -> Array | None:
        """The elements of an input, if they stand in the file."""
        name = node.inputs[place] if place < len(node.inputs) else ""
        found: Array | None = self.graph.initializers.get(name)
        return found

    def before(self, node: Node, *ops: str) -> Node | None:
        """Who makes the first input, if that is one of these operators and made for this node alone."""
        made = self.makers.get(node.inputs[0]) if node.inputs else None
        if made is None or made.op not in ops or self.uses[node.inputs[0]] != 1:
            return None
        return made

    def run(self) -> bool:
        """Ask the rules of each node once; whether any had something to say."""
        changed = False
        for at, node in enumerate(self.graph.nodes):
            for rule in RULES.get(node.op, ()):
                found = rule(self, node)
                if found is None:
                    continue
                changed = True
                if isinstance(found, str):
                    found = Node("Identity", [found], node.outputs, {})
                self.graph.nodes[at] = found
                self.__init__(self.graph, self.outputs)  # type: ignore[misc]
                break
        return changed


def fuse(graph: Graph, outputs: Sequence[str]) -> None:
    """Apply the rules until none has anything to say."""
    while Fusing(graph, outputs).run():
        _hand_through(graph, outputs)


def _hand_through(graph: Graph, outputs: Sequence[str]) -> None:
    """Let those that read an Identity read what it is given, unless it makes a result."""
    other: dict[str, str] = {}
    nodes = []
    for node in graph.nodes:
        node.inputs = [other.get(name, name) for name in node.inputs]
        if node.op == "Identity" and node.outputs[0] not in outputs:
            other[node.outputs[0]] = node.inputs[0]
        else:
            nodes.append(node)
    graph.nodes[:] = nodes


Rule = Callable[[Fusing, Node], Node | str | None]


def _neutral(value: float, places: Sequence[int]) -> Rule:
    """An operand that changes nothing: the other one stands for the result."""

    def rule(f: Fusing, node: Node) -> str | None:
        for place in places:
            known = f.constant(node, place)
            if known is not None and known.ndim == 0 and known == value:
                return node.inputs[1 - place]
        return None

    return rule


def _twice_relu(f: Fusing, node: Node) -> Node | None:
    first = f.before(node, "Relu")
    return None if first is None else Node("Relu", first.inputs, node.outputs, {})


def _relu_and_clip(f: Fusing, node: Node) -> Node | None:
    """Relu and Clip, or two Clips, one after the other."""
    first = f.before(node, "Relu", "Clip")
    if first is None or "Clip" not in (first.op, node.op):
        return None
    lows: list[Array] = []
    highs: list[Array] = []
    for one in (first, node):
        if one.op == "Relu":
            lows.append(np.zeros((), np.float32))
            continue
        for place, bounds in ((1, lows), (2, highs)):
            if place < len(one.inputs) and one.inputs[place]:
                known = f.constant(one, place)
                if known is None:
                    return None
                bounds.append(known)
    dtype = next((b.dtype for b in (*highs, *lows[::-1])), np.dtype(np.float32))
    names = [
        f.graph.constant(np.asarray(choose(bounds), dtype)) if bounds else ""
        for choose, bounds in ((max, lows), (min, highs))
    ]
    while names and not names[-1]:
        names.pop()
    return Node("Clip", [first.inputs[0], *names], node.outputs, {})


def _twice_transposed(f: Fusing, node: Node) -> Node | str | None:
    order = node.attributes["perm"]
    first = f.before(node, "Transpose")
    if first is not None:
        order = [first.attributes["perm"][i] for i in order]
        return Node("Transpose", first.inputs, node.outputs, {"perm": order})
    return node.inputs[0] if list(order) == list(range(len(order))) else None


def _twice_reshaped(f: Fusing, node: Node) -> Node | None:
    first, shape = f.before(node, "Reshape"), f.constant(node, 1)
    if first is None or shape is None or not shape.all():
        return None
    return Node("Reshape", [first.inputs[0], node.inputs[1]], node.outputs, {})


def _padded(f: Fusing, node: Node) -> Node | None:
    """Zeros around an image are the convolution's own."""
    first = f.before(node, "Pad")
    if (
        first is None
        or first.attributes.get("mode", "constant") != "constant"
        or len(first.inputs) > 3
    ):
        return None
    pads, value = f.constant(first, 1), f.constant(first, 2)
    if pads is None or (
        len(first.inputs) == 3 and first.inputs[2] and (value is None or value.any())
    ):
        return None
    begin, end = np.split(pads, 2)
    if (pads < 0).any() or begin[:2].any() or end[:2].any():
        return None
    own = node.attributes["pads"]
    more = [a + int(b) for a, b in zip(own, [*begin[2:], *end[2:]], strict=True)]
    return Node(
        node.op,
        [first.inputs[0], *node.inputs[1:]],
        node.outputs,
        {**node.attributes, "pads": more},
    )


def _batch_norm(f: Fusing, node: Node) -> Node | None:
    """Fixed statistics become part of the weights: y = (x - mean) * gamma / sqrt(var + eps) + beta."""
    first = f.before(node, "Conv", "ConvTranspose", "Gemm")
    if first is None or len(node.outputs) > 1:
        return None
    if first.op == "ConvTranspose" and first.attributes["group"] != 1:
        return None
    weight, bias = f.constant(first, 1), f.constant(first, 2)
    known = [f.constant(node, place) for place in range(1, 5)]
    own = first.inputs[1:3]
    if weight is None or (len(own) > 1 and bias is None) or any(k is None for k in known):
        return None
    if any(f.uses[name] > 1 for name in own):
        return None
    gamma, beta, mean, variance = known
    scale = gamma / np.sqrt(variance + np.float32(node.attributes["epsilon"]))  # type: ignore[operator]
    side = 0 if first.op == "Conv" or first.attributes.get("transB", 0) else 1
    attributes = dict(first.attributes)
    factor = attributes.pop("beta", 1.0)
    wide = scale.reshape([-1 if d == side else 1 for d in range(weight.ndim)])
    moved = ((0 if bias is None else factor * bias) - mean) * scale + beta  # type: ignore[operator]
    names = own if len(own) > 1 else [own[0], f.graph.name(f"{own[0]}_bias")]
    for name, array, like in zip(names, (weight * wide, moved), (weight, weight), strict=True):
        f.graph.initializers[name] = np.asarray(array, like.dtype)
    return Node(first.op, [first.inputs[0], *names], node.outputs, attributes)


def _no_bias(f: Fusing, node: Node) -> Node | None:
    bias = f.constant(node, 2)
    if bias is None or bias.any():
        return None
    return Node(node.op, node.inputs[:2], node.outputs, node.attributes)


RULES: dict[str, tuple[Rule, ...]] = {
    "Mul": (_neutral(1, (0, 1)),),
    "Add": (_neutral(0, (0, 1)),),
    "Sub": (_neutral(0, (1,)),),
    "Div": (_neutral(1, (1,)),),
    "Relu": (_twice_relu, _relu_and_clip),
    "Clip": (_relu_and_clip,),
    "Transpose": (_twice_transposed,),
    "Reshape": (_twice_reshaped,),
    "Conv": (_padded, _no_bias),
    "ConvTranspose": (_no_bias,),
    "Gemm": (_no_bias,),
    "BatchNormalization": (_batch_norm,),
}
