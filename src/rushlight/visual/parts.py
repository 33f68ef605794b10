"""The parts of a module that has not run: layers with their parameters, in the modules that hold them."""

from __future__ import annotations

from typing import Any

from rushlight.visual.boxes import UNSEEN, Box, Fact, Group, Item, boxes_in
from rushlight.visual.facts import facts_of


def read(module: Any, name: str = "") -> list[Item]:
    """A box for each module without modules in it; where they run one after the other, joined."""
    children = list(module.named_children())
    if not children:
        return [_box(module, name)]
    items: list[Any] = []
    last: Box | None = None
    runs_in_order = type(module).__name__ == "Sequential"
    own = [_fact(key, tensor) for key, tensor in module.named_parameters(recurse=False)]
    if own:
        items.append(Box("parameter", name or type(module).__name__, "parameters", own))
        items[-1].parameters = len(own)
        items[-1].elements = sum(p.numel() for p in module.parameters(recurse=False))
    for key, child in children:
        path = f"{name}.{key}" if name else key
        inside = read(child, path)
        boxes = list(boxes_in(inside))
        if last is not None and boxes:
            boxes[0].reads.append((last, "" if runs_in_order else UNSEEN))
        last = boxes[-1] if boxes else last
        whole = next(child.children(), None) is None
        items += inside if whole else [Group(path, type(child).__name__, items=inside)]
    return items


def _box(module: Any, name: str) -> Box:
    what = type(module).__name__
    parameters = list(module.named_parameters())
    facts = [_fact(key, tensor) for key, tensor in parameters]
    settings = module.extra_repr()
    if settings:
        facts.insert(0, Fact(settings if len(settings) < 60 else f"{settings[:57]}…"))
    title = name.rpartition(".")[2] or what
    box = Box("module", title, what, facts, tooltip=f"{name}: {what}", operations=1)
    box.parameters = len(parameters)
    box.elements = sum(tensor.numel() for _, tensor in parameters)
    return box


def _fact(key: str, tensor: Any) -> Fact:
    shape, *rest = facts_of(tensor)
    gradient = next((fact for fact in rest if fact.words.startswith("grad")), None)
    words = f"{key} {shape.words}"
    return (
        Fact(words) if gradient is None else Fact(f"{words} · {gradient.words}", gradient.numbers)
    )
