"""`summary`: the modules of a model as a tree, with shapes, parameters, arithmetic and memory."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rushlight.core.doors import Interpreter
from rushlight.core.node import Node, SavedOutput
from rushlight.core.tensor import TensorBase
from rushlight.nn import Module
from rushlight.nn.modules.hooks import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)
from rushlight.utils.flop_counter import FORMULAS
from rushlight.visual.capture import nodes_behind
from rushlight.visual.facts import shape_of
from rushlight.visual.inputs import arguments, undone

# Shapes of outputs that are longer than this are cut.
_WIDEST = 44


@dataclass
class Row:
    """A module of a model.

    output: the shape of what it returned last (None if it was not called); parameters: how many elements, with
    those of the modules in it, each counted once; multiply_adds: of all calls; first: the path of the row that
    has its parameters already.
    """

    path: str
    kind: str
    depth: int
    output: str | None = None
    parameters: int = 0
    trainable: int = 0
    multiply_adds: int = 0
    calls: int = 0
    first: str | None = None

    @property
    def name(self) -> str:
        """The name within the module around it, and the class."""
        own = self.path.rpartition(".")[2]
        return f"{own}: {self.kind}" if own else self.kind

    @property
    def note(self) -> str:
        """What is particular about it."""
        notes = []
        if self.first is not None:
            notes.append(f"same as {self.first}" if self.first != self.path else "")
        elif self.parameters and not self.trainable:
            notes.append("frozen")
        elif self.trainable < self.parameters:
            notes.append("partly frozen")
        if self.calls > 1:
            notes.append(f"{self.calls} calls")
        return ", ".join(filter(None, notes))


@dataclass
class Summary:
    """What `summary` found; it prints as a table, and a notebook shows it as one.

    Counts are of elements, sizes in bytes. kept_bytes: what the tape keeps for backward, beside parameters and
    inputs (0 where no gradient is wanted).
    """

    rows: list[Row]
    ran: bool
    total_params: int = 0
    trainable_params: int = 0
    total_mult_adds: int = 0
    param_bytes: int = 0
    buffer_bytes: int = 0
    input_bytes: int = 0
    output_bytes: int = 0
    kept_bytes: int = 0
    depth: int | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        heads, cells = self._table()
        marks = list(_branches([row.depth for row in self._shown()]))
        lines = [(mark + line[0], *line[1:]) for mark, line in zip(marks, cells, strict=True)]
        widths = [max(len(line[i]) for line in [heads, *lines]) for i in range(len(heads))]
        left = (0, 1, len(heads) - 1) if self.ran else (0, len(heads) - 1)
        written = [
            "  ".join(
                word.ljust(width) if place in left else word.rjust(width)
                for place, (word, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in [heads, *lines]
        ]
        rule = "─" * max(map(len, written))
        return "\n".join([written[0], rule, *written[1:], rule, *self._totals()])

    def _shown(self) -> list[Row]:
        return [row for row in self.rows if self.depth is None or row.depth <= self.depth]

    def _table(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        if not self.ran:
            return ("Module", "Parameters", ""), [
                (row.name, _count(row.parameters), row.note) for row in self._shown()
            ]
        return ("Module", "Output", "Parameters", "Multiply-adds", ""), [
            (
                row.name,
                row.output if row.output is not None else "not called",
                f"({row.parameters:,})" if row.first is not None else _count(row.parameters),
                _count(row.multiply_adds),
                row.note,
            )
            for row in self._shown()
        ]

    def _totals(self) -> list[str]:
        frozen = self.total_params - self.trainable_params
        parameters = f"Parameters     {self.total_params:,} ({size(self.param_bytes)})"
        if frozen:
            parameters += f", {self.trainable_params:,} trainable, {frozen:,} frozen"
        lines = [parameters]
        if self.buffer_bytes:
            lines[0] += f", buffers {size(self.buffer_bytes)}"
        if self.ran:
            lines.append(f"Multiply-adds  {self.total_mult_adds:,}")
            memory = f"inputs {size(self.input_bytes)}, outputs of layers {size(self.output_bytes)}"
            if self.kept_bytes:
                memory += f", kept for backward {size(self.kept_bytes)}"
            lines.append(f"Memory         {memory}")
        return lines

    def _repr_html_(self) -> str:
        heads, cells = self._table()
        rows = []
        for row, line in zip(self._shown(), cells, strict=True):
            pad = f'style="text-align:left;padding-left:{row.depth * 1.3 + 0.4}em"'
            first = f"<td {pad}>{html.escape(line[0])}</td>"
            rest = "".join(f"<td>{html.escape(cell)}</td>" for cell in line[1:])
            rows.append(f"<tr>{first}{rest}</tr>")
        head = "".join(f"<th>{name}</th>" for name in heads)
        totals = "<br>".join(html.escape(line) for line in self._totals())
        return (
            f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
            f"<div>{totals}</div>"
        )


def summary(model: Module, inputs: Any = None, *, depth: int | None = None) -> Summary:
    """The modules of a model as a tree: output shapes, parameters, multiply-adds, memory.

    inputs: a tensor, a tuple of arguments, a dict of arguments by name, a size such as (1, 28, 28) or a list of
    sizes (float32 zeros); without them the model does not run, and there are parameters alone. depth: how deep
    modules are shown. The model runs as it is (training or not); buffers and random numbers stay as they were.

    Multiply-adds are those of products and convolutions, as `torch.utils.flop_counter` counts them, two
    operations each.

    >>> import rushlight as torch
    >>> summary(torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU()), (2, 4))
    Module        Output  Parameters  Multiply-adds
    ───────────────────────────────────────────────
    Sequential    [2, 3]          15             24
    ├─ 0: Linear  [2, 3]          15             24
    └─ 1: ReLU    [2, 3]           -              -
    ───────────────────────────────────────────────
    Parameters     15 (60 B)
    Multiply-adds  24
    Memory         inputs 32 B, outputs of layers 48 B, kept for backward 24 B
    """
    if not isinstance(model, Module):
        raise TypeError(f"summary: expected a Module, got {type(model).__name__}")
    rows = _rows(model)
    every = {id(p): p for p in model.parameters()}.values()
    found = Summary(
        list(rows.values()),
        inputs is not None,
        total_params=sum(p.numel() for p in every),
        trainable_params=sum(p.numel() for p in every if p.requires_grad),
        param_bytes=sum(p.nbytes for p in every),
        buffer_bytes=sum(b.nbytes for b in {id(b): b for b in model.buffers()}.values()),
        depth=depth,
    )
    if inputs is not None:
        args, kwargs = arguments(inputs, "summary")
        found.input_bytes = sum(t.nbytes for t in _tensors((args, kwargs)))
        with undone(model), _Watch(model, rows) as watch:
            try:
                out = model(*args, **kwargs)
            except Exception as error:
                if model.training:
                    error.add_note(
                        "summary runs the model as it is, in training: .eval() changes that"
                    )
                raise
        found.total_mult_adds = watch.total
        found.output_bytes = watch.output_bytes
        apart = [*model.parameters(), *model.buffers(), *watch.buffers, *_tensors((args, kwargs))]
        found.kept_bytes = _kept(list(_tensors(out)), apart)
    return found


def _rows(model: Module) -> dict[str, Row]:
    rows = {}
    modules: dict[int, str] = {}
    counted: dict[int, str] = {}
    for path, module in model.named_modules(remove_duplicate=False):
        depth = path.count(".") + 1 if path else 0
        own = list({id(p): p for p in module.parameters()}.values())
        row = Row(path, type(module).__name__, depth, parameters=sum(p.numel() for p in own))
        row.trainable = sum(p.numel() for p in own if p.requires_grad)
        row.first = modules.get(id(module))
        leaf = next(module.children(), None) is None
        if leaf and own and row.first is None and all(id(p) in counted for p in own):
            row.first = counted[id(own[0])]
        if leaf:
            for p in own:
                counted.setdefault(id(p), path)
        modules.setdefault(id(module), path)
        rows[path] = row
    return rows


class _Watch(Interpreter):
    """Counts what is multiplied, by the modules that run."""

    def __init__(self, model: Module, rows: Mapping[str, Row]) -> None:
        self.model, self.rows = model, rows
        self.paths: dict[int, list[str]] = {}
        for path, module in model.named_modules(remove_duplicate=False):
            self.paths.setdefault(id(module), []).append(path)
        self.running: list[Row] = []
        self.total = self.output_bytes = 0
        # Those that stand in for the model's own while it runs.
        self.buffers = list(model.buffers())

    def __enter__(self) -> _Watch:
        super().__enter__()
        self.handles = (
            register_module_forward_pre_hook(self._begins),
            register_module_forward_hook(self._ends, always_call=True),
        )
        return self

    def __exit__(self, *exception: object) -> None:
        for handle in self.handles:
            handle.remove()
        super().__exit__(*exception)

    def apply(self, row: Any, inputs: Any, static: Any) -> Any:
        """Run a row, and count it for all modules that it runs in."""
        out = super().apply(row, inputs, static)
        formula = FORMULAS.get(row.name)
        if formula is not None:
            count = formula(inputs, out) // 2
            self.total += count
            for module in {id(r): r for r in self.running}.values():
                module.multiply_adds += count
        return out

    def _begins(self, module: Module, args: Any) -> None:
        paths = self.paths.get(id(module))
        if paths is None:
            # A module that the model does not hold.
            self.running.append(Row("", type(module).__name__, 0))
            return
        around = self.running[-1].path if self.running else ""
        inside = [path for path in paths if not around or path.startswith(f"{around}.")]
        self.running.append(self.rows[(inside or paths)[0]])

    def _ends(self, module: Module, args: Any, out: Any) -> None:
        row = self.running.pop()
        row.calls += 1
        row.output = described(out)
        if next(module.children(), None) is None:
            self.output_bytes += sum(t.nbytes for t in _tensors(out))


def described(value: Any) -> str:
    """The shapes in what a module returned."""
    words = _described(value)
    return words if len(words) <= _WIDEST else f"{words[: _WIDEST - 1]}…"


def _described(value: Any) -> str:
    if isinstance(value, TensorBase):
        return shape_of(value.shape, value.dtype).words  # type: ignore[attr-defined]
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_described(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "(" + ", ".join(map(_described, value)) + ")"
    return type(value).__name__


def _tensors(value: Any) -> Iterator[Any]:
    if isinstance(value, TensorBase):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _tensors(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _tensors(inner)


def _kept(outputs: list[Any], apart: Iterable[Any]) -> int:
    """How many bytes the graph behind outputs holds that are in none of the tensors apart."""
    known = {tensor.untyped_storage().data_ptr() for tensor in apart}
    total = 0
    for node in nodes_behind(outputs):
        for tensor in _saved(node, getattr(node, "kept", None)):
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in known:
                known.add(storage.data_ptr())
                total += storage.nbytes()
    return total


def _saved(node: Node, kept: Any) -> Iterator[Any]:
    if isinstance(kept, TensorBase):
        yield kept
    elif isinstance(kept, SavedOutput):
        restored = kept.restore(node)
        yield from restored if isinstance(restored, list) else (restored,)
    elif isinstance(kept, list | tuple):
        for inner in kept:
            yield from _saved(node, inner)


def _branches(depths: list[int]) -> Iterator[str]:
    """What is drawn before each line of a tree."""
    for at, depth in enumerate(depths):
        if not depth:
            yield ""
            continue
        words = []
        for level in range(1, depth + 1):
            goes_on = next((d == level for d in depths[at + 1 :] if d <= level), False)
            if level == depth:
                words.append("├─ " if goes_on else "└─ ")
            else:
                words.append("│  " if goes_on else "   ")
        yield "".join(words)


def _count(number: int) -> str:
    return f"{number:,}" if number else "-"


def size(count: int) -> str:
    """So many bytes in words.

    >>> size(999), size(1_234_567)
    ('999 B', '1.23 MB')
    """
    units = ("B", "kB", "MB", "GB", "TB")
    power = min(len(str(count)) - 1, 14) // 3
    return f"{count} B" if not power else f"{count / 1000**power:.3g} {units[power]}"
