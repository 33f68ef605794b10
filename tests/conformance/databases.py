"""PyTorch's own test databases, and which of their entries are put to rushlight."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from typing import Any

import torch

with warnings.catch_warnings():
    # Importing them warns of CUDA, of deprecated modules, of what is not installed.
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_methods_invocations import op_db
    from torch.testing._internal.common_modules import module_db
    from torch.testing._internal.common_optimizers import optim_db

# The import forbids to set flags such as `torch.backends.cudnn.benchmark`; programs may.
torch.backends.__allow_nonbracketed_mutation_flag = True

PREFERRED = (torch.float32, torch.float64)
OTHERWISE = (torch.int64, torch.bool, torch.complex64)

EXCLUDED = {
    r"sparse\..*|to_sparse": "sparse tensors",
    r"_(?!_).*|torch\..*": "private functions",
    r"as_strided\[partial_views\]": "needs memory outside of the view, which NumPy does not show",
    r"bmm\[triton_optimized\]": "a CUDA kernel",
}


def identifier(op: Any) -> str:
    """`div[floor_rounding]` for a variant, the plain name otherwise."""
    return f"{op.name}[{op.variant_test_name}]" if op.variant_test_name else op.name


def home(op: Any) -> str | None:
    """Where torch has an operator: `abs`, `Tensor.view`, `Tensor.uniform_`; None: not in public."""
    name = op.name
    if in_place(name):
        return f"Tensor.{name}"
    if op.variant_test_name == "in_place":
        return f"Tensor.{name}_"
    for path in (name, f"Tensor.{name}", f"Tensor.{name}_"):
        found: Any = torch
        for part in path.split("."):
            found = getattr(found, part, None)
        if callable(found) or (found is not None and path.startswith("Tensor.")):
            return path
    return None


def in_place(path: str) -> bool:
    """Whether a function changes its first argument, by its name."""
    return path.endswith("_") and not path.endswith("__")


def namespace(op: Any) -> str:
    """The heading under which an operator is counted."""
    path = home(op) or ""
    return path.rpartition(".")[0] or "torch"


def exclusion(op: Any) -> str | None:
    """Why an operator is not asked, or None."""
    for pattern, reason in EXCLUDED.items():
        if re.fullmatch(pattern, identifier(op)):
            return reason
    if home(op) is None:
        return "no public function of torch"
    return None if dtypes(op) else "no type on the CPU that NumPy has"


def dtypes(op: Any) -> list[torch.dtype]:
    """The types in which an operator is asked: both common floats, or else the first it takes."""
    return [d for d in PREFERRED if d in op.dtypes] or [d for d in OTHERWISE if d in op.dtypes][:1]


def operators() -> dict[str, Any]:
    """The entries for operators by identifier."""
    return {identifier(op): op for op in op_db if exclusion(op) is None}


def modules() -> dict[str, Any]:
    """The entries for modules by name."""
    return {info.name: info for info in module_db}


def optimizers() -> dict[str, Any]:
    """The entries for optimizers by name; SparseAdam takes sparse gradients only."""
    return {info.name: info for info in optim_db if info.name != "SparseAdam"}


def spread(items: Iterable[Any], count: int) -> list[Any]:
    """At most count of them, evenly spaced, the last and, of several, the first included."""
    every = list(items)
    if len(every) <= count:
        return every
    last = len(every) - 1
    return [every[last - round(i * last / max(count - 1, 1))] for i in range(count)][::-1]
