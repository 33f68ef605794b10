"""PyTorch's own test databases, and which of their entries are put to rushlight."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from typing import Any, NamedTuple

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


class Fault(NamedTuple):
    """What torch itself answers wrongly, and so is not asked: kinds of question, or types."""

    what: str
    kinds: tuple[str, ...] = ()
    dtypes: tuple[torch.dtype, ...] = ()


def _digits(name: str) -> dict[str, Fault]:
    what = "single precision, where the arguments are no longer small"
    return {f"special.{name}": Fault(what, dtypes=(torch.float64,))}


# `test_faults.py` shows each of them: torch is wrong there, and rushlight is right.
FAULTS = {
    "as_strided_scatter": Fault(
        "the gradient of the input is 0 where the input shows, and not where src covers it",
        kinds=("gradient", "double backward"),
    ),
    "nn.functional.linear_cross_entropy[chunked]": Fault(
        "the gradient counts as a constant", kinds=("double backward",)
    ),
    "fft.ihfft2": Fault("of one dimension, out is not written", kinds=("out",)),
    "fft.ihfftn": Fault("of one dimension, out is not written", kinds=("out",)),
    "native_layer_norm": Fault(
        "the gradient of rows of one element, which is 0, is rounding errors over sqrt(eps)",
        dtypes=(torch.float32,),
    ),
    **_digits("airy_ai"),
    **_digits("bessel_j0"),
    **_digits("bessel_j1"),
    **_digits("bessel_y0"),
    **_digits("bessel_y1"),
}
NO_FAULT = Fault("")


def fault(op: Any) -> Fault:
    """What torch answers wrongly of an operator."""
    return FAULTS.get(identifier(op), NO_FAULT)


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
    wrong = fault(op).dtypes
    return [d for d in PREFERRED if d in op.dtypes and d not in wrong] or [
        d for d in OTHERWISE if d in op.dtypes
    ][:1]


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
