"""The computation graph behind a tensor, as a picture.

It is read from `grad_fn` and `next_functions` alone, and written in DOT; Graphviz lays it out.
"""

from __future__ import annotations

import html
import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from rushlight.errors import require
from rushlight.nn.parameter import Parameter

_MIME = {"svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf"}
_SOURCE_SUFFIXES = ("dot", "gv")

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
# Parameters and leaves are rectangles, operations are rounded: the kinds differ without colour too.
_KINDS = {
    "parameter": {"style": "filled", "fillcolor": "#dce8f6", "color": "#7398c4"},
    "leaf": {"style": "filled", "fillcolor": "#e1f0e2", "color": "#7fae84"},
    "operation": {"style": "filled,rounded", "fillcolor": "#f5f3ee", "color": "#b9b2a3"},
    "output": {"style": "filled", "fillcolor": "#fbe9cb", "color": "#cda35a", "penwidth": "1.4"},
    "omitted": {"style": "dashed,rounded", "color": "#a8a8a8", "fontcolor": _QUIET},
}

# AddBackward0, MyFunctionBackward, torch::autograd::CopySlices
_NAME = re.compile(r"(?:.*::)?(.+?)(?:Backward\d*)?")


class GraphvizNotFoundError(RuntimeError):
    """Graphviz's program `dot`, which lays out the picture, is not on this machine."""


@dataclass(frozen=True)
class Drawing:
    """A graph in DOT, and the pictures Graphviz makes of it. A notebook shows it by itself.

    `source` is the DOT text; it and `save("graph.dot")` need no more than Python. `format` is what
    a notebook gets.
    """

    source: str = field(repr=False)
    format: str = "svg"

    def render(self, format: str | None = None) -> bytes:
        """The picture as the bytes of an svg, png or pdf file.

        Raises GraphvizNotFoundError where Graphviz's program is missing.
        """
        kind = _known_format(format or self.format)
        graphviz = require("graphviz", extra="draw")
        # Graphviz's 96 dots an inch are too coarse for small letters.
        source = self.source.replace("{", "{ dpi=144", 1) if kind == "png" else self.source
        try:
            picture: bytes = graphviz.Source(source).pipe(format=kind, quiet=True)
        except graphviz.ExecutableNotFound:
            raise GraphvizNotFoundError(
                f"a drawing becomes {kind} through Graphviz's program 'dot', which is not on the "
                "PATH: install it (apt-get install graphviz, brew install graphviz, winget install "
                "graphviz, conda install -c conda-forge graphviz) or .save('graph.dot') without it"
            ) from None
        return picture

    def save(self, path: str | PathLike[str]) -> Path:
        """Write to path, in the format its suffix names: .dot, .gv, .svg, .png or .pdf.

        A failed call leaves an existing file as it was. Returns the path.
        """
        target = Path(path)
        suffix = target.suffix.lower().removeprefix(".")
        if suffix in _SOURCE_SUFFIXES:
            data = self.source.encode()
        elif suffix in _MIME:
            data = self.render(suffix)
        else:
            known = ", ".join(f".{name}" for name in (*_SOURCE_SUFFIXES, *_MIME))
            raise ValueError(
                f"save: the suffix of {str(path)!r} names no format; use one of {known}"
            )
        target.write_bytes(data)
        return target

    def _repr_svg_(self) -> str | None:
        # None lets a notebook go on to the text, which says what is missing.
        try:
            return self.render().decode() if self.format == "svg" else None
        except GraphvizNotFoundError:
            return None

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        try:
            picture = self.render()
        except GraphvizNotFoundError as error:
            return {"text/plain": f"{self!r}: {error}"}
        shown: str | bytes = picture.decode() if self.format == "svg" else picture
        return {_MIME[self.format]: shown, "text/plain": repr(self)}


def draw(
    tensor: Any,
    *,
    params: Any = None,
    format: str = "svg",
    limit: int = 500,
    rankdir: str = "TB",
) -> Drawing:
    """Draw the computation graph behind a tensor: what was computed from what, and the gradients.

    - params: a Module, or a mapping of names to tensors; leaves found in it are drawn by name.
    - format: "svg", "png" or "pdf", for notebooks and `render()`; `save` goes by the suffix.
    - limit: how many operations are drawn, those nearest to the tensor; the rest is counted.
    - rankdir: "TB" draws from top to bottom, "LR" from left to right (also "BT" and "RL").

    Needs `pip install "rushlight[draw]"`, and Graphviz's program for anything but DOT.

    >>> import rushlight as torch
    >>> from rushlight.visual import draw
    >>> w = torch.ones(3, requires_grad=True)
    >>> loss = (w * w).sum()
    >>> loss.backward()
    >>> "grad norm 3.4641" in draw(loss, params={"w": w}).source
    True
    """
    _known_format(format)
    if rankdir not in ("TB", "LR", "BT", "RL"):
        raise ValueError(f"draw: rankdir must be one of TB, LR, BT, RL, got {rankdir!r}")
    if limit < 1:
        raise ValueError(f"draw: limit must be 1 or more, got {limit}")
    if not hasattr(tensor, "grad_fn"):
        raise TypeError(f"draw: expected a Tensor, got {type(tensor).__name__}")
    page = _Page(_names(params), rankdir)
    if tensor.grad_fn is None:
        page.leaf(tensor)
        page.digraph.attr(label="\na leaf: no operation made it")
    else:
        walk = _walk(tensor.grad_fn)
        page.graph(tensor, walk.order[:limit], len(walk.order), walk.several)
    return Drawing(page.digraph.source, format)


@dataclass
class _Walk:
    """The operations behind a node, each after all that use it, and those with several outputs."""

    order: list[Any]
    several: set[Any]


def _walk(root: Any) -> _Walk:
    users: dict[Any, int] = {root: 0}
    several = set()
    pending = [root]
    while pending:
        for inner, number in _operations(pending.pop()):
            if inner not in users:
                users[inner] = 0
                pending.append(inner)
            users[inner] += 1
            if number:
                several.add(inner)
    # A node is ready when all its users are placed: a cut leaves no gap in what is kept.
    order = []
    ready = deque([root])
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


class _Page:
    """The DOT being written: operations, leaves and edges get their identifiers here."""

    def __init__(self, names: Mapping[int, str], rankdir: str) -> None:
        graphviz = require("graphviz", extra="draw")
        self.names = names
        self.digraph = graphviz.Digraph(
            "computation",
            graph_attr={**_GRAPH, "rankdir": rankdir},
            node_attr=_NODE,
            edge_attr=_EDGE,
        )
        self.leaves: dict[int, str] = {}
        self.parameters: list[Any] = []

    def graph(self, tensor: Any, drawn: list[Any], total: int, several: set[Any]) -> None:
        """Write these operations, what they read, and the tensor they lead to."""
        identifiers = {node: f"op{index}" for index, node in enumerate(drawn)}
        cut = set()
        for node, identifier in identifiers.items():
            self.operation(identifier, node)
            for inner, number in node.next_functions:
                if inner is None:
                    continue
                if _is_leaf(inner):
                    source = self.leaf(inner.variable)
                else:
                    source = identifiers.get(inner, "omitted")
                if source == "omitted":
                    cut.add(identifier)
                else:
                    label = f" {number}" if inner in several else None
                    self.digraph.edge(source, identifier, label=label)
        self.output(tensor, identifiers[drawn[0]])
        operations = _counted(total, "operation")
        if cut:
            older = f"{_counted(total - len(drawn), 'earlier operation')} left out"
            self.node("omitted", "omitted", f"… {older}")
            for identifier in sorted(cut):
                self.digraph.edge("omitted", identifier, style="dashed")
            operations = f"the last {len(drawn):,} of {operations}"
        elements = _counted(sum(p.numel() for p in self.parameters), "element")
        shown = f" · {_counted(len(self.parameters), 'parameter')} ({elements})"
        self.digraph.attr(label="\n" + operations + (shown if self.parameters else ""))

    def operation(self, identifier: str, node: Any) -> None:
        name = node.name()
        short = _NAME.fullmatch(name)
        shape = getattr(node, "_shape", None)
        lines = [] if shape is None else [_shape(shape)]
        self.node(identifier, "operation", short[1] if short else name, *lines, tooltip=name)

    def output(self, tensor: Any, made_by: str) -> None:
        name = self.names.get(id(tensor), "output")
        self.node("output", "output", name, *_facts(tensor))
        self.digraph.edge(made_by, "output")

    def leaf(self, tensor: Any) -> str:
        """The identifier of a leaf, written on first use."""
        identifier = self.leaves.get(id(tensor))
        if identifier is None:
            identifier = self.leaves[id(tensor)] = f"leaf{len(self.leaves)}"
            name = self.names.get(id(tensor))
            kind = "leaf" if name is None and not isinstance(tensor, Parameter) else "parameter"
            if kind == "parameter":
                self.parameters.append(tensor)
            self.node(identifier, kind, name or kind, *_facts(tensor))
        return identifier

    def node(self, identifier: str, kind: str, title: str, *lines: str, tooltip: str = "") -> None:
        """Write a box with a title and smaller lines under it."""
        # Graphviz expands \N and its like even where they are escaped; a look-alike is safe.
        title, tooltip = (text.replace("\\", "∖") for text in (title, tooltip or title))
        rows = [html.escape(title)]
        for line in lines:
            color = _LOUD if "nan" in line or "inf" in line else _QUIET
            rows.append(f'<font point-size="9" color="{color}">{html.escape(line)}</font>')
        cells = "".join(f"<tr><td>{row}</td></tr>" for row in rows)
        self.digraph.node(
            identifier,
            label=f'<<table border="0" cellspacing="0" cellpadding="1">{cells}</table>>',
            tooltip=tooltip,
            **_KINDS[kind],
        )


def _facts(tensor: Any) -> list[str]:
    """Shape, dtype where it is not float32, the value of a single number, and the gradient."""
    kind = str(tensor.dtype).removeprefix("torch.")
    lines = [_shape(tensor.shape) + ("" if kind == "float32" else f" {kind}")]
    if tensor.numel() == 1:
        lines.append(f"value {tensor.item():.6g}")
    if (tensor.is_leaf or tensor.retains_grad) and tensor.grad is not None:
        gradient = tensor.grad.detach().numpy()
        if gradient.size == 1:
            lines.append(f"grad {gradient.item():.6g}")
        else:
            wide = gradient.astype(np.result_type(gradient, np.float64)).ravel()
            with np.errstate(all="ignore"):
                lines.append(f"grad norm {np.linalg.norm(wide):.6g}")
    return lines


def _shape(shape: Sequence[int]) -> str:
    return str(list(shape)) if shape else "scalar"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _names(params: Any) -> dict[int, str]:
    """Names by the identity of the tensor; one with several names gets them all."""
    if params is None:
        return {}
    if hasattr(params, "named_parameters"):
        pairs = params.named_parameters(remove_duplicate=False)
    elif isinstance(params, Mapping):
        pairs = params.items()
    else:
        raise TypeError(
            "draw: params must be a Module or a mapping of names to tensors, "
            f"got {type(params).__name__}"
        )
    names: dict[int, str] = {}
    for name, tensor in pairs:
        known = names.get(id(tensor))
        names[id(tensor)] = str(name) if known is None else f"{known} = {name}"
    return names


def _known_format(format: str) -> str:
    if format not in _MIME:
        raise ValueError(f"draw: format must be one of {', '.join(_MIME)}, got {format!r}")
    return format
