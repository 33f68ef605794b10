"""How many products of numbers a program multiplies and adds: counted at the door that all operations pass."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

from rushlight.core.doors import Interpreter

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


def register_flop_formula(targets: Any, get_raw: bool = False) -> Any:
    """Accepted: a decorator of formulas for operators of your own, which are counted by what they do."""
    return lambda formula: formula


class FlopCounterMode(Interpreter):
    """Counts what is multiplied and added in a block: in products and convolutions, as torch counts.

    >>> import rushlight as torch
    >>> with FlopCounterMode(display=False) as counter:
    ...     x = torch.ones(2, 3) @ torch.ones(3, 4)
    >>> counter.get_total_flops()
    48
    """

    def __init__(
        self, mods: Any = None, depth: int = 2, display: bool = True, custom_mapping: Any = None
    ) -> None:
        self.display = display
        self.flop_counts: dict[str, dict[Any, int]] = defaultdict(lambda: defaultdict(int))

    def apply(self, row: Any, inputs: Any, static: Any) -> Any:
        """Run a row, and count it."""
        out = super().apply(row, inputs, static)
        formula = FORMULAS.get(row.name)
        if formula is not None:
            self.flop_counts["Global"][row.name] += formula(inputs, out)
        return out

    def get_total_flops(self) -> int:
        """All of them."""
        return sum(self.flop_counts["Global"].values())

    def get_flop_counts(self) -> dict[str, dict[Any, int]]:
        """By operation."""
        return {name: dict(counts) for name, counts in self.flop_counts.items()}

    def get_table(self, depth: int | None = None) -> str:
        """By operation, in lines."""
        rows = [("Global", self.get_total_flops()), *self.flop_counts["Global"].items()]
        return "\n".join(f"{name:<20}{count}" for name, count in rows)

    def __exit__(self, *exception: Any) -> None:
        super().__exit__(*exception)
        if self.display:
            print(self.get_table())
