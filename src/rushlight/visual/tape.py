"""The graph behind a tensor, read from `grad_fn` and `next_functions` alone: so torch's tensors are read, too.

The tape does not know modules. Where the parameters have paths, what computes with those of one module is
taken to run in it, and what comes between two modules to run in the smallest one around both.
"""

from __future__ import annotations

import itertools
import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rushlight.nn.parameter import Parameter
from rushlight.visual.boxes import Box, Item, Step, grouped, with_leaves
from rushlight.visual.facts import facts_of, shape_of

# AddBackward0, MyFunctionBackward, torch::autograd::CopySlices
_NAME = re.compile(r"(?:.*::)?(.+?)(?:Backward\d*)?")


def short(name: str) -> str:
    """What a node of the tape is called: AddBackward0 is an Add."""
    found = _NAME.fullmatch(name)
    return found[1] if found else name


def read(
    tensors: Sequence[tuple[str, Any]], names: Mapping[int, str], model: Any = None
) -> list[Item]:
    """The boxes of all operations behind tensors, of the leaves they read, and of the tensors, by name."""
    made = [(name, tensor) for name, tensor in tensors if tensor.grad_fn is not None]
    if not made:
        return [_leaf(tensor, names, {}) for _, tensor in tensors]
    walk = _walk([tensor.grad_fn for _, tensor in made])
    nodes = sorted(reversed(walk.order), key=_age)
    leaves: dict[int, Box] = {}
    boxes = {node: _box(node) for node in nodes}
    for node, box in boxes.items():
        for inner, number in node.next_functions:
            if inner is None:
                continue
            if _is_leaf(inner):
                source, words = _leaf(inner.variable, names, leaves), ""
            else:
                source, words = boxes[inner], f" {number}" if inner in walk.several else ""
            box.reads.append((source, words))
    outputs: list[Item] = []
    for name, tensor in made:
        output = Box("output", names.get(id(tensor), name), "output", facts_of(tensor))
        output.reads.append((boxes[tensor.grad_fn], ""))
        outputs.append(output)
    ways = _ways(list(boxes.values()), model) if model is not None else {}
    items = grouped((box, ways.get(box, ())) for box in boxes.values())
    return [*with_leaves(items, list(leaves.values())), *outputs]


@dataclass
class _Walk:
    """The operations behind nodes, each after all that use it, and those with several outputs."""

    order: list[Any]
    several: set[Any]


def _walk(roots: Sequence[Any]) -> _Walk:
    users: dict[Any, int] = dict.fromkeys(roots, 0)
    several = set()
    pending = list(users)
    while pending:
        for inner, number in _operations(pending.pop()):
            if inner not in users:
                users[inner] = 0
                pending.append(inner)
            users[inner] += 1
            if number:
                several.add(inner)
    order = []
    ready = deque(root for root, count in users.items() if not count)
    while ready:
        node = ready.popleft()
        order.append(node)
        for inner, _ in _operations(node):
            users[inner] -= 1
            if not users[inner]:
                ready.append(inner)
    return _Walk(order, several)


def _operations(node: Any) -> Iterable[tuple[Any, int]]:
    return ((n, number) for n, number in node.next_functions if n is not None and not _is_leaf(n))


def _is_leaf(node: Any) -> bool:
    return bool(node.name().endswith("AccumulateGrad"))


def _age(node: Any) -> int:
    return int(node._sequence_nr())


def _box(node: Any) -> Box:
    name = node.name()
    shape = getattr(node, "_shape", None)
    facts = [] if shape is None else [shape_of(shape, node._meta(0)[1])]
    return Box("operation", short(name), name, facts, tooltip=name, operations=1)


def _leaf(tensor: Any, names: Mapping[int, str], leaves: dict[int, Box]) -> Box:
    box = leaves.get(id(tensor))
    if box is None:
        name = names.get(id(tensor))
        kind = "leaf" if name is None and not isinstance(tensor, Parameter) else "parameter"
        box = Box(kind, name or kind, kind, facts_of(tensor))
        if kind == "parameter":
            box.parameters, box.elements = 1, tensor.numel()
        leaves[id(tensor)] = box
    return box


# ---- modules, from the names of parameters -------------------------------------------------------


def _ways(boxes: list[Box], model: Any) -> dict[Box, tuple[Step, ...]]:
    """The modules around each operation, as far as the parameters tell."""
    kinds = {path: type(module) for path, module in model.named_modules()}
    known = [_owner(box, kinds) for box in boxes]
    anchors = [at for at, way in enumerate(known) if way is not None]
    ways = [way or () for way in known]
    for one, two in itertools.pairwise(anchors):
        around = _without_layer(_common(ways[one], ways[two]))
        for at in range(one + 1, two):
            ways[at] = around
    _take_tails(boxes, ways, anchors)
    return dict(zip(boxes, ways, strict=True))


def _owner(box: Box, kinds: Mapping[str, type]) -> tuple[Step, ...] | None:
    """The modules around an operation that reads parameters: those that own all of them."""
    found: tuple[Step, ...] | None = None
    for source, _ in box.reads:
        path = source.title.partition(" = ")[0].rpartition(".")[0]
        if source.kind != "parameter" or path not in kinds:
            continue
        parts = path.split(".") if path else []
        way = tuple(
            Step(name, name, kinds[name].__name__, is_layer(kinds[name]))
            for name in (".".join(parts[: i + 1]) for i in range(len(parts)))
        )
        found = way if found is None else _common(found, way)
    return found


def is_layer(kind: type) -> bool:
    """Whether a class is one of the layers that rushlight or torch brings, and no mere container."""
    ours = kind.__module__.startswith(("rushlight.nn.", "torch.nn."))
    return ours and kind.__name__ not in ("Sequential", "ModuleList", "ModuleDict")


def _common(one: tuple[Step, ...], two: tuple[Step, ...]) -> tuple[Step, ...]:
    size = 0
    while size < min(len(one), len(two)) and one[size] == two[size]:
        size += 1
    return one[:size]


def _without_layer(way: tuple[Step, ...]) -> tuple[Step, ...]:
    return way[:-1] if way and way[-1].layer else way


def _take_tails(boxes: list[Box], ways: list[tuple[Step, ...]], anchors: list[int]) -> None:
    """What follows each of several modules of one class alike, as the sum of a residual block, is theirs."""
    depth = max(map(len, ways), default=0)
    for level in reversed(range(depth)):
        last: dict[str, int] = {}
        for at in anchors:
            if len(ways[at]) > level and not ways[at][level].layer:
                last[ways[at][level].name] = at
        siblings: dict[tuple[str, str], list[int]] = {}
        for name, at in last.items():
            key = name.rpartition(".")[0], ways[at][level].what
            siblings.setdefault(key, []).append(at)
        for ends in siblings.values():
            if len(ends) < 2:
                continue
            tails = []
            for at in ends:
                stop = next((a for a in anchors if a > at), len(boxes))
                tails.append([box.likeness[:2] for box in boxes[at + 1 : stop]])
            size = 0
            while size < min(map(len, tails)) and len({tuple(t[: size + 1]) for t in tails}) == 1:
                size += 1
            for at in ends:
                for place in range(at + 1, at + 1 + size):
                    ways[place] = max(ways[place], ways[at][: level + 1], key=len)
