"""How many products of numbers a program multiplies and adds: counted at the door that all operations pass."""

from __future__ import annotations

import math
import weakref
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Self

from rushlight.autograd import engine
from rushlight.autograd import hooks as hooking
from rushlight.core.doors import Interpreter
from rushlight.core.node import Node
from rushlight.core.state import state
from rushlight.errors import warn
from rushlight.handles import RemovableHandle as Handle
from rushlight.nn import Module
from rushlight.nn.modules.hooks import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)
from rushlight.profiler.naming import product

__all__ = ["FlopCounterMode", "register_flop_formula"]


def _product(inputs: Any, out: Any) -> int:
    if inputs[0].dim() == 1 or inputs[1].dim() == 1:
        # torch counts products of matrices alone.
        return 0
    return 2 * math.prod(out.shape) * inputs[0].shape[-1]


def _linear(inputs: Any, out: Any) -> int:
    return 2 * math.prod(out.shape) * inputs[1].shape[-1]


def _weight(inputs: Any, out: Any) -> int:
    return 2 * math.prod(inputs[0].shape) * out.shape[-1]


def _convolution(inputs: Any, out: Any) -> int:
    return 2 * math.prod(out.shape) * math.prod(inputs[1].shape[1:])


def _transposed(inputs: Any, out: Any) -> int:
    return 2 * math.prod(inputs[0].shape) * math.prod(inputs[1].shape[1:])


def _kernel(inputs: Any, out: Any) -> int:
    return 2 * math.prod(inputs[1].shape) * math.prod(out.shape[1:])


def _recurrent(inputs: Any, out: Any) -> int:
    # What comes of the inputs is a product before it; each step multiplies the state.
    weight = next(
        part for part in inputs[2:] if part.dim() == 2 and part.shape[0] % part.shape[1] == 0
    )
    return 2 * math.prod(inputs[0].shape) * weight.shape[1]


# By the name of the row: from its inputs and its output.
FORMULAS = {
    "matmul": _product, "linear": _linear, "linear_weight": _weight, "convolution": _convolution,
    "convolution_transpose": _transposed, "convolution_weight": _kernel,
    "rnn": _recurrent, "lstm": _recurrent, "gru": _recurrent,
}  # fmt: skip
_SUFFIXES = ("", "K", "M", "B", "T")


def _aten(row: str, inputs: Any) -> Any:
    """What ATen calls it: its operation if there is one of that name, else the words."""
    from rushlight import ops

    if row.startswith("convolution"):
        name = "convolution" if state.walk is None else "convolution_backward"
    elif row == "matmul":
        name = product(inputs[0].shape, inputs[1].shape)
    elif row == "linear":
        name = "addmm" if len(inputs) > 2 and inputs[2] is not None else "mm"
    else:
        name = {"linear_weight": "mm"}.get(row, row)
    return getattr(ops.aten, name, f"aten.{name}")


def register_flop_formula(targets: Any, get_raw: bool = False) -> Any:
    """Accepted: a decorator of formulas for operators of your own, which are counted by what they do."""
    return lambda formula: formula


class FlopCounterMode(Interpreter):
    """Counts what is multiplied and added in a block, by module and operation.

    Products of matrices and convolutions are counted, as torch counts them; and besides what it does not count
    on a CPU: the products within attention and recurrent layers. What backward does counts for the module whose
    forward it belongs to.

    depth: how far the table that is printed goes into modules; None: all the way.

    >>> import rushlight as torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
    >>> with FlopCounterMode(display=False) as counter:
    ...     x = model(torch.ones(2, 3)).sum().backward()
    >>> {name: sum(counts.values()) for name, counts in counter.get_flop_counts().items()}
    {'Global': 144, 'Sequential': 144, 'Sequential.0': 96, 'Sequential.2': 48}
    """

    def __init__(
        self,
        mods: Any = None,
        depth: int | None = 2,
        display: bool = True,
        custom_mapping: Any = None,
    ) -> None:
        if mods is not None:
            warn("mods argument is not needed anymore, you can stop passing it")
        self.depth, self.display = depth, display
        self.flop_counts: dict[str, dict[Any, int]] = {}
        self._names: weakref.WeakKeyDictionary[Module, str] = weakref.WeakKeyDictionary()
        self._open: list[str] = []
        # The modules that nodes belong to, and of the node that backward is at.
        self._owners: dict[int, tuple[weakref.ref[Any], tuple[str, ...]]] = {}
        self._back: list[tuple[str, ...]] = []
        self._handles: list[Any] = []

    def __enter__(self) -> Self:
        self.flop_counts = defaultdict(lambda: defaultdict(int))
        super().__enter__()
        self._handles += (
            register_module_forward_pre_hook(self._begins),
            register_module_forward_hook(self._ends, always_call=True),
        )
        engine.observers.append(self._follow)
        return self

    def __exit__(self, *exception: Any) -> None:
        super().__exit__(*exception)
        engine.observers.remove(self._follow)
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._owners.clear()
        if self.display:
            print(self.get_table(self.depth))

    def apply(self, row: Any, inputs: Any, static: Any) -> Any:
        """Run a row, and count it."""
        out = super().apply(row, inputs, static)
        if state.walk is None and self._open:
            first = out[0] if isinstance(out, tuple) else out
            if (node := first._node_) is not None:
                self._owners[id(node)] = weakref.ref(node), tuple(self._open)
        formula = FORMULAS.get(row.name)
        if formula is not None:
            key, count = _aten(row.name, inputs), formula(inputs, out)
            within = self._open if state.walk is None else self._back[-1] if self._back else ()
            for name in {"Global": 0, **dict.fromkeys(within, 0)}:
                self.flop_counts[name][key] += count
        return out

    # ---- modules --------------------------------------------------------------------------------

    def _begins(self, module: Module, args: Any) -> None:
        if module not in self._names:
            self._names[module] = name = type(module).__name__
            for own, child in module.named_modules():
                self._names.setdefault(child, f"{name}.{own}")
        self._open.append(self._names[module])

    def _ends(self, module: Module, args: Any, out: Any) -> None:
        self._open.pop()

    def _follow(self, roots: Any) -> Any:
        """Before a backward: know at which module's nodes it is."""
        stack = [root._node_ for root in roots if root._node_ is not None]
        seen = set(stack)
        while stack:
            node = stack.pop()
            known = self._owners.get(id(node))
            owners = known[1] if known is not None and known[0]() is node else ()
            hooks = hooking.at(node)
            self._handles += (
                Handle(hooks.before, lambda g, owners=owners: self._back.append(owners)),
                Handle(hooks.after, lambda g, incoming=None: self._passed()),
            )
            for edge in node._edges:
                if isinstance(edge, Node) and edge not in seen:
                    seen.add(edge)
                    stack.append(edge)
        return self._back.clear

    def _passed(self) -> None:
        if self._back:
            self._back.pop()

    # ---- what was counted -----------------------------------------------------------------------

    def get_total_flops(self) -> int:
        """All of them."""
        return sum(self.flop_counts.get("Global", {}).values())

    def get_flop_counts(self) -> dict[str, dict[Any, int]]:
        """By module and operation; under "Global" all."""
        return {name: dict(counts) for name, counts in self.flop_counts.items()}

    def get_table(self, depth: int | None = None) -> str:
        """By module and operation, in lines."""
        depth = depth if depth is not None else self.depth if self.depth is not None else 999
        total = self.get_total_flops()
        rows = []
        for name in sorted(self.flop_counts):
            level = name.count(".")
            if name != "Global" and level < depth:
                rows += self._rows(name, level, total)
        if total and not any(
            row[0].count(" ") == 0 and row[1] == _short(total, total) for row in rows
        ):
            rows = self._rows("Global", 0, total) + [(f" {first}", *rest) for first, *rest in rows]
        return _lines(("Module", "FLOP", "% Total"), rows or [("Global", "0", "0%")])

    def _rows(self, name: str, level: int, total: int) -> list[Any]:
        counts, space = self.flop_counts[name], " " * level
        found = [(space + name, sum(counts.values()))]
        found += [(f"{space} - {key}", count) for key, count in counts.items()]
        return [
            (first, _short(n, total), f"{n / total:.2%}" if total else "0%") for first, n in found
        ]


def _short(number: int, total: int) -> str:
    """A number in the unit that suits the total."""
    unit = max(0, min(len(_SUFFIXES) - 1, (len(str(total)) - 2) // 3))
    return f"{number / 1000**unit:.3f}{_SUFFIXES[unit]}"


def _lines(head: tuple[str, ...], rows: Sequence[Sequence[str]]) -> str:
    """A table: the first column to the left, the others to the right."""
    widths = [max(len(title) + 2, *(len(row[i]) for row in rows)) for i, title in enumerate(head)]

    def line(cells: Sequence[str]) -> str:
        placed = [cells[0].ljust(widths[0])]
        placed += [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
        return "  ".join(placed)

    return "\n".join([line(head), line(["-" * width for width in widths]), *map(line, rows)])
