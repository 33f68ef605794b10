"""Lists of samples into batches, and arrays inside samples into tensors."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from rushlight._tensor import Tensor
from rushlight.dtypes import float64
from rushlight.ops.creation import as_tensor, tensor
from rushlight.public.torch import stack

CollateFnMap = dict[type | tuple[type, ...], Callable[..., Any]]

# Arrays of bytes, strings and objects cannot become tensors.
_NO_NUMBERS = "SUO"
np_str_obj_array_pattern = re.compile(r"[SaUO]")
default_collate_err_msg_format = (
    "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"
)


def _like_mapping(original: Mapping[Any, Any], values: dict[Any, Any]) -> Any:
    """Put values into a mapping of the original's type, where that can be made."""
    try:
        if isinstance(original, MutableMapping):
            clone = copy.copy(original)
            clone.update(values)
            return clone
        return type(original)(values)  # type: ignore[call-arg]
    except TypeError:
        return values


def _like_sequence(original: Sequence[Any], values: list[Any]) -> Any:
    """Put values into a sequence of the original's type; plain tuples become lists."""
    if isinstance(original, tuple):
        return type(original)(*values) if hasattr(original, "_fields") else values
    try:
        if isinstance(original, MutableSequence):
            clone = copy.copy(original)
            for index, value in enumerate(values):
                clone[index] = value
            return clone
        return type(original)(values)  # type: ignore[call-arg]
    except TypeError:
        return values


def default_convert(data: Any) -> Any:
    """Arrays and NumPy numbers become tensors, at any depth; everything else stays.

    >>> import numpy as np
    >>> default_convert({"x": np.array([1, 2]), "name": "two"})
    {'x': tensor([1, 2]), 'name': 'two'}
    """
    if isinstance(data, Tensor | str | bytes):
        return data
    if isinstance(data, np.ndarray | np.generic) and type(data).__module__ == "numpy":
        return data if data.dtype.kind in _NO_NUMBERS else as_tensor(data)
    if isinstance(data, Mapping):
        return _like_mapping(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, Sequence):
        return _like_sequence(data, [default_convert(item) for item in data])
    return data


def collate(batch: Sequence[Any], *, collate_fn_map: CollateFnMap | None = None) -> Any:
    """A batch from samples of the same structure; leaves are joined by the functions of the map."""
    sample = batch[0]
    join = _joining(sample, collate_fn_map or {})
    if join is not None:
        return join(batch, collate_fn_map=collate_fn_map)

    def columns(rows: Any) -> list[Any]:
        return [collate(column, collate_fn_map=collate_fn_map) for column in rows]

    if isinstance(sample, Mapping):
        joined = columns([other[key] for other in batch] for key in sample)
        return _like_mapping(sample, dict(zip(sample, joined, strict=True)))
    if isinstance(sample, tuple) and hasattr(sample, "_fields"):
        return _like_sequence(sample, columns(zip(*batch, strict=False)))
    if isinstance(sample, Sequence):
        sizes = {len(other) for other in batch}
        if len(sizes) > 1:
            raise RuntimeError(
                f"each element in list of batch should be of equal size, got sizes "
                f"{sorted(sizes)}; a collate_fn of your own can pad them"
            )
        return _like_sequence(sample, columns(zip(*batch, strict=True)))
    raise TypeError(default_collate_err_msg_format.format(type(sample)))


def _joining(sample: Any, functions: CollateFnMap) -> Callable[..., Any] | None:
    """The function for the very type of the sample, or for one that it is an instance of."""
    if type(sample) in functions:
        return functions[type(sample)]
    return next((join for kind, join in functions.items() if isinstance(sample, kind)), None)


def collate_tensor_fn(batch: Any, *, collate_fn_map: CollateFnMap | None = None) -> Tensor:
    """Tensors of equal shape along a new first dimension."""
    return stack(batch, 0)


def collate_numpy_array_fn(batch: Any, *, collate_fn_map: CollateFnMap | None = None) -> Any:
    """Arrays as tensors."""
    if batch[0].dtype.kind in _NO_NUMBERS:
        raise TypeError(default_collate_err_msg_format.format(batch[0].dtype))
    return collate([as_tensor(array) for array in batch], collate_fn_map=collate_fn_map)


def collate_numpy_scalar_fn(batch: Any, *, collate_fn_map: CollateFnMap | None = None) -> Tensor:
    """NumPy numbers in one tensor of their type."""
    return as_tensor(batch)


def collate_float_fn(batch: Any, *, collate_fn_map: CollateFnMap | None = None) -> Tensor:
    """Python floats keep their precision: float64."""
    return tensor(batch, dtype=float64)


def collate_int_fn(batch: Any, *, collate_fn_map: CollateFnMap | None = None) -> Tensor:
    """Whole numbers, or bools, in one tensor."""
    return tensor(batch)


def collate_str_fn(batch: Any, *, collate_fn_map: CollateFnMap | None = None) -> Any:
    """Strings stay a list."""
    return batch


default_collate_fn_map: CollateFnMap = {
    Tensor: collate_tensor_fn,
    np.ndarray: collate_numpy_array_fn,
    (np.bool_, np.number, np.object_): collate_numpy_scalar_fn,
    float: collate_float_fn,
    int: collate_int_fn,
    str: collate_str_fn,
    bytes: collate_str_fn,
}


def default_collate(batch: Sequence[Any]) -> Any:
    """A batch from samples: numbers and tensors are stacked; dicts, tuples and lists by item.

    >>> default_collate([(1.5, 0), (2.5, 1)])
    [tensor([1.5000, 2.5000], dtype=torch.float64), tensor([0, 1])]
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)
