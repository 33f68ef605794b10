"""Boxes and groups as DOT, the language of Graphviz."""

from __future__ import annotations

import html
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from rushlight.visual.boxes import UNSEEN, Box, Drawn, Item, boxes_in

_FONT = "Helvetica,Arial,sans-serif"
_QUIET, _LOUD = "#6b6b6b", "#b3261e"
_GRAPH = {
    "fontname": _FONT,
    "fontsize": "9",
    "fontcolor": _QUIET,
    "labelloc": "b",
    "nodesep": "0.22",
    "ranksep": "0.32",
    "pad": "0.2",
    "bgcolor": "white",
}
_NODE = {
    "shape": "box",
    "fontname": _FONT,
    "fontsize": "11",
    "fontcolor": "#262626",
    "height": "0.3",
    "margin": "0.1,0.04",
}
_EDGE = {
    "color": "#8c8c8c",
    "arrowsize": "0.6",
    "penwidth": "0.9",
    "fontname": _FONT,
    "fontsize": "8",
    "fontcolor": _QUIET,
}
# Tensors are rectangles, what computes is rounded: the kinds differ without colour too.
_KINDS = {
    "parameter": {"style": "filled", "fillcolor": "#dce8f6", "color": "#7398c4"},
    "buffer": {"style": "filled", "fillcolor": "#eceff3", "color": "#a3b0c0"},
    "leaf": {"style": "filled", "fillcolor": "#e1f0e2", "color": "#7fae84"},
    "input": {"style": "filled", "fillcolor": "#e1f0e2", "color": "#7fae84"},
    "constant": {"style": "filled", "fillcolor": "#f3f3f3", "color": "#b5b5b5"},
    "operation": {"style": "filled,rounded", "fillcolor": "#f5f3ee", "color": "#b9b2a3"},
    "module": {"style": "filled,rounded", "fillcolor": "#eee9f7", "color": "#9f8fc0"},
    "output": {"style": "filled", "fillcolor": "#fbe9cb", "color": "#cda35a", "penwidth": "1.4"},
    "omitted": {"style": "dashed,rounded", "color": "#a8a8a8", "fontcolor": _QUIET},
}
_GROUND = ("#fafafa", "#f2f2f2")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z_0-9]*|-?\d+(\.\d+)?")
# What XML, in which labels are read, has no way to say.
_UNSAYABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def written(drawn: Drawn, caption: str, rankdir: str) -> str:
    """The DOT text: boxes, then edges, then which boxes stand in which group."""
    lines = [
        "digraph computation {",
        f"\tgraph {_attributes({**_GRAPH, 'rankdir': rankdir})}",
        f"\tnode {_attributes(_NODE)}",
        f"\tedge {_attributes(_EDGE)}",
    ]
    names = _identifiers(drawn.items)
    repeated = dict(_repeated(drawn.items, ""))
    for box, name in names.items():
        title = box.title.removeprefix(repeated.get(box, ""))
        lines.append(f"\t{name} {_attributes(_label(box, title))}")
    for source, box, words in drawn.edges():
        made = {"style": "invis"} if words == UNSEEN else {"label": words} if words else {}
        if source.kind == "omitted":
            made["style"] = "dashed"
        lines.append(
            f"\t{names[source]} -> {names[box]}" + (f" {_attributes(made)}" if made else "")
        )
    lines.append(f"\tlabel={_quoted(caption)}")
    lines += _clusters(drawn.items, names, itertools.count(), 0)
    return "\n".join([*lines, "}", ""])


def _identifiers(items: Iterable[Item]) -> dict[Box, str]:
    """op0 is the operation that ran last."""
    boxes = list(boxes_in(items))
    working = [box for box in boxes if box.operations]
    names = {box: f"op{number}" for number, box in enumerate(reversed(working))}
    counts: Counter[str] = Counter()
    for box in boxes:
        if box not in names:
            kind = box.kind if box.kind in ("output", "omitted") else "leaf"
            number = counts[kind]
            names[box] = f"{kind}{number}" if number or kind == "leaf" else kind
            counts[kind] += 1
    return {
        box: names[box] for box in [*reversed(working), *(b for b in boxes if not b.operations)]
    }


def _repeated(items: Iterable[Item], within: str) -> Iterator[tuple[Box, str]]:
    """What the names of boxes begin with that stand for several of another beginning."""
    for item in items:
        if isinstance(item, Box):
            yield item, within
        else:
            inner = f"{item.name}." if item.count > 1 and item.name else within
            yield from _repeated(item.items, inner)


def _clusters(
    items: Iterable[Item],
    names: Mapping[Box, str],
    counter: Iterator[int],
    depth: int,
    within: str = "",
) -> list[str]:
    lines = []
    indent = "\t" * (depth + 1)
    for item in items:
        if isinstance(item, Box):
            if depth:
                lines.append(f"{indent}{names[item]}")
            continue
        number = next(counter)
        look = {
            "label": item.title.removeprefix(within), "labelloc": "t", "labeljust": "l",
            "fontname": _FONT, "fontsize": "9", "fontcolor": _QUIET,
            "style": "rounded,filled", "fillcolor": _GROUND[depth % 2], "color": "#d2d2d2", "margin": "8",
        }  # fmt: skip
        if item.count > 1:
            look |= {"color": "#9f8fc0", "penwidth": "1.6", "fontcolor": "#5b4a85"}
        lines.append(f"{indent}subgraph cluster_{number} {{")
        lines += [f"{indent}\t{name}={_quoted(value)}" for name, value in look.items()]
        inner = f"{item.name}." if item.count > 1 and item.name else within
        lines += _clusters(item.items, names, counter, depth + 1, inner)
        lines.append(f"{indent}}}")
    return lines


def _label(box: Box, title: str) -> dict[str, str]:
    rows = [_said(title)]
    if box.kind == "module":
        what = f' <font color="{_QUIET}">{_said(box.what)}</font>' if box.what != box.title else ""
        rows = [f"<b>{_said(title)}</b>{what}"]
    for fact in box.facts:
        color = _LOUD if fact.alarming else _QUIET
        rows.append(f'<font point-size="9" color="{color}">{_said(fact.text)}</font>')
    cells = "".join(f"<tr><td>{row}</td></tr>" for row in rows)
    return {
        "label": f'<<table border="0" cellspacing="0" cellpadding="1">{cells}</table>>',
        "tooltip": _clear(box.tooltip or box.title),
        **_KINDS[box.kind],
    }


def _clear(text: str) -> str:
    # Graphviz expands \N and its like even where they are escaped; a look-alike is safe.
    return _UNSAYABLE.sub("�", text.replace("\\", "∖"))


def _said(text: str) -> str:
    return html.escape(_clear(text))


def _quoted(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    return '"' + _clear(text).replace('"', '\\"') + '"'


def _attributes(made: Mapping[str, str]) -> str:
    parts = []
    for name, value in made.items():
        said = value if name == "label" and value.startswith("<<") else _quoted(value)
        parts.append(f"{name}={said}")
    return f"[{' '.join(parts)}]"
