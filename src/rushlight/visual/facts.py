"""What a box says of a tensor: shape, type, the value of a single number, its gradient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rushlight.visual.boxes import Fact


def shape_of(shape: Sequence[int], dtype: Any = None) -> Fact:
    """The shape, and the type where it is not float32."""
    kind = "" if dtype is None else str(dtype).removeprefix("torch.")
    words = str(list(shape)) if len(shape) else "scalar"
    return Fact(words if kind in ("", "float32") else f"{words} {kind}")


def facts_of(tensor: Any) -> list[Fact]:
    """All that is known of a tensor, of rushlight or of torch."""
    facts = [shape_of(tensor.shape, tensor.dtype)]
    if tensor.numel() == 1 and str(tensor.device) != "meta":
        facts.append(number("value", tensor.item()))
    if (tensor.is_leaf or tensor.retains_grad) and tensor.grad is not None:
        facts.append(gradient(values(tensor.grad)))
    return facts


def gradient(values: Any) -> Fact:
    """A gradient: the number it is, or its norm."""
    if values.size == 1:
        return number("grad", values.item())
    return number("grad norm", norm(values))


def number(words: str, value: Any) -> Fact:
    """A number that boxes may differ in; what is no real number is said in words."""
    if isinstance(value, complex):
        return Fact(f"{words} {value:.6g}")
    return Fact(words, (float(value),))


def norm(values: Any) -> float:
    """The root of the sum of squares, computed in double precision."""
    wide = np.abs(values).astype(np.float64).ravel()
    with np.errstate(all="ignore"):
        return float(np.linalg.norm(wide))


def values(tensor: Any) -> Any:
    """The elements of a tensor, of rushlight or of torch, as an array."""
    tensor = tensor.detach()
    if str(tensor.layout) != "torch.strided":
        tensor = tensor.coalesce().values()
    if str(tensor.dtype) in ("torch.bfloat16", "torch.float16"):
        tensor = tensor.float()
    return tensor.resolve_conj().numpy() if tensor.is_complex() else tensor.numpy()


def names_of(params: Any) -> dict[int, str]:
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
