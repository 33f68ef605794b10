"""Which tensors are of one kind: torch's optimizers step them together, and libraries of optimizers ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight._tensor import Tensor
from rushlight.device import device as device_of
from rushlight.dtypes import dtype as type_of

Key = tuple[device_of, type_of]


def _group_tensors_by_device_and_dtype(
    tensorlistlist: Sequence[Sequence[Tensor | None]], with_indices: bool = False
) -> dict[Key, tuple[list[list[Tensor | None]], list[int]]]:
    """The columns of lists of tensors by the device and type of the first list's, and the places they come from.

    >>> import rushlight as torch
    >>> grouped = _group_tensors_by_device_and_dtype([[torch.ones(1), torch.ones(1).double()]], True)
    >>> [(str(dtype), places) for (_, dtype), (_, places) in grouped.items()]
    [('torch.float32', [0]), ('torch.float64', [1])]
    """
    groups: dict[Any, tuple[list[list[Tensor | None]], list[int]]] = {}
    first = tensorlistlist[0]
    for place, tensor in enumerate(first):
        if tensor is None:
            raise RuntimeError(
                f"the first list must have tensors alone: its element {place} is None"
            )
        lists, places = groups.setdefault(
            (tensor.device, tensor.dtype), ([[] for _ in tensorlistlist], [])
        )
        for column, given in zip(lists, tensorlistlist, strict=True):
            if given:
                column.append(given[place])
        if with_indices:
            places.append(place)
    return groups
