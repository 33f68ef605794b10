"""Small helpers of the layers, under the names that programs import from torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.core.doors import literal
from rushlight.device import choices
from rushlight.nn import init
from rushlight.nn.parameter import Parameter
from rushlight.ops.arguments import as_dtype, as_sizes
from rushlight.ops.creation import check_sizes, empty

__all__ = ["consume_prefix_in_state_dict_if_present"]


def _ntuple(n: int, name: str = "parse") -> Callable[[Any], tuple[Any, ...]]:
    def parse(value: Any) -> tuple[Any, ...]:
        if isinstance(value, Iterable):
            return tuple(value)
        return tuple(repeat(value, n))

    parse.__name__ = name
    return parse


_single = _ntuple(1, "_single")
_pair = _ntuple(2, "_pair")
_triple = _ntuple(3, "_triple")
_quadruple = _ntuple(4, "_quadruple")


def _reverse_repeat_tuple(values: Sequence[int], n: int) -> tuple[int, ...]:
    """(1, 2) twice: (2, 2, 1, 1); turns a layer's padding into the order that `F.pad` wants.

    >>> _reverse_repeat_tuple((1, 2), 2)
    (2, 2, 1, 1)
    """
    return tuple(value for value in reversed(values) for _ in range(n))


def _list_with_default(sizes: Sequence[int | None], defaults: Sequence[int]) -> list[int]:
    """The sizes with None replaced by the last defaults."""
    if len(defaults) <= len(sizes):
        raise ValueError(f"Input dimension should be at least {len(sizes) + 1}")
    last = defaults[-len(sizes) :]
    return [d if s is None else s for s, d in zip(sizes, last, strict=True)]


def consume_prefix_in_state_dict_if_present(state_dict: dict[str, Any], prefix: str) -> None:
    """Strip a prefix such as "module." from the keys of a `state_dict`, in place.

    >>> state = {"module.weight": 1, "bias": 2}
    >>> consume_prefix_in_state_dict_if_present(state, "module.")
    >>> state
    {'bias': 2, 'weight': 1}
    """
    for key in list(state_dict):
        if key.startswith(prefix):
            state_dict[key[len(prefix) :]] = state_dict.pop(key)
    metadata = getattr(state_dict, "_metadata", None)
    if metadata is not None:
        for key in list(metadata):
            if key and (key == prefix.replace(".", "") or key.startswith(prefix)):
                metadata[key[len(prefix) :]] = metadata.pop(key)


def new_parameter(*shape: int, device: Any = None, dtype: dtypes.dtype | None = None) -> Parameter:
    """A parameter whose values the layer's `reset_parameters` is about to write."""
    shape = check_sizes(as_sizes((shape,)))
    storage = (dtypes.get_default_dtype() if dtype is None else as_dtype(dtype)).numpy
    if device is not None or choices.made:
        return Parameter(empty(shape, dtype=dtypes.of(storage), device=device))
    return Parameter(literal(np.empty(shape, storage)))


def register_affine(
    module: Any, weight: bool, bias: bool, shape: tuple[int, ...], device: Any, dtype: Any
) -> None:
    """Give a module that normalizes its weight and bias of this shape, or None for what it has not."""
    for name, wanted in (("weight", weight), ("bias", bias)):
        made = new_parameter(*shape, device=device, dtype=dtype) if wanted else None
        module.register_parameter(name, made)


def reset_affine(module: Any) -> None:
    """Weight 1, bias 0, of those that there are."""
    if module.weight is not None:
        init.ones_(module.weight)
    if module.bias is not None:
        init.zeros_(module.bias)


def shown(module: Any, settings: str) -> str:
    """The settings of a module in `repr`; of a bias, whether there is one.

    `name` is shown with its value, `*name` as the value alone, `name?` if it is true, and `name!r` as
    Python writes it.

    >>> import rushlight as torch
    >>> shown(torch.nn.Linear(2, 3), "*in_features bias training?")
    '2, bias=True, training=True'
    """
    parts = []
    for word in settings.split():
        name = word.strip("*?").removesuffix("!r")
        value = getattr(module, name)
        if name == "bias":
            value = value is not None
        if value or not word.endswith("?"):
            text = repr(value) if word.endswith("!r") else str(value)
            parts.append(text if word.startswith("*") else f"{name}={text}")
    return ", ".join(parts)


def factory_kwargs(kwargs: dict[str, Any] | None) -> dict[str, Any]:
    """What layers hand on to what makes their tensors: device, dtype and memory_format, checked.

    >>> factory_kwargs({"dtype": None, "factory_kwargs": {"device": "cpu"}})
    {'device': 'cpu', 'dtype': None}
    """
    given = dict(kwargs or {})
    made = dict(given.pop("factory_kwargs", {}))
    known = {"device", "dtype", "memory_format"}
    if given.keys() - known:
        raise TypeError(f"unexpected kwargs {given.keys() - known}")
    if twice := given.keys() & made.keys():
        raise TypeError(f"{sorted(twice)[0]} specified twice, in **kwargs and in factory_kwargs")
    return made | given
