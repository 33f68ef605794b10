"""What a Trainer is fed with: arrays, tensors, Datasets and loaders become batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np

from rushlight import dtypes, nn
from rushlight._tensor import Tensor
from rushlight.ops.creation import as_tensor
from rushlight.ops.joining import cat
from rushlight.random import Generator
from rushlight.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    Subset,
)

# (inputs, targets); targets are None where there are none.
Pair = tuple[Any, Any]


class Arrays(Dataset[Any]):
    """Samples in memory, taken by lists of indices: a batch is one indexing, not one per sample.

    inputs: a tensor, or a tuple or dict of them for a model with several; targets: the same, or
    None.
    """

    def __init__(self, inputs: Any, targets: Any) -> None:
        self.inputs, self.targets = inputs, targets
        sizes = {_leading(t) for t in [*_leaves(self.inputs), *_leaves(self.targets)]}
        if len(sizes) != 1:
            raise ValueError(
                f"inputs and targets have different numbers of samples: {sorted(sizes)}"
            )
        (self.size,) = sizes
        if not self.size:
            raise ValueError("there are no samples in the data")

    def __getitem__(self, index: Any) -> Any:
        inputs = _indexed(self.inputs, index)
        return inputs if self.targets is None else (inputs, _indexed(self.targets, index))

    def __len__(self) -> int:
        return self.size


def arrays(inputs: Any, targets: Any, dtype: dtypes.dtype) -> Arrays:
    """Samples from arrays, tensors or nested lists, whose numbers become dtype."""
    return Arrays(_tensors(inputs, dtype, False), _tensors(targets, dtype, True))


def _tensors(value: Any, dtype: dtypes.dtype, is_target: bool) -> Any:
    if value is None:
        return None
    if isinstance(value, Mapping):
        return {name: _tensors(v, dtype, is_target) for name, v in value.items()}
    if isinstance(value, tuple):
        return tuple(_tensors(v, dtype, is_target) for v in value)
    if isinstance(value, Tensor):
        return value.detach()
    array = _array(value)
    # What comes from outside has NumPy's types: numbers become the model's, class numbers int64.
    if array.dtype.kind in "fV":
        array = array.astype(dtype.numpy)
    elif array.dtype.kind in "iu" and is_target:
        array = array.astype(np.int64)
    return as_tensor(array)


def _array(value: Any) -> np.ndarray[Any, Any]:
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"the rows of a list differ in length: {error}") from None
    if array.dtype.kind not in "biufcV":
        what = "text" if array.dtype.kind in "US" else f"objects of dtype {array.dtype}"
        raise TypeError(f"the data is {what}, and a model computes with numbers: convert it first")
    return array


def _leaves(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Mapping):
        value = tuple(value.values())
    if isinstance(value, tuple):
        for part in value:
            yield from _leaves(part)
    elif value is not None:
        yield value


def _leading(tensor: Tensor) -> int:
    if not tensor.ndim:
        raise ValueError("the data must have a dimension for the samples; got a single number")
    return int(tensor.shape[0])


def _indexed(value: Any, index: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, Mapping):
        return {name: _indexed(v, index) for name, v in value.items()}
    if isinstance(value, tuple):
        return tuple(_indexed(v, index) for v in value)
    return value[index]


def dataset_of(data: Any, targets: Any, dtype: dtypes.dtype) -> Any:
    """Arrays as a Dataset; a Dataset, a loader or another iterable of batches as it is."""
    for given in (data, targets):
        if isinstance(given, str | bytes | PathLike):
            raise TypeError(
                f"the data is the name of a file, {given!r}: read it first, with numpy.loadtxt or "
                "pandas.read_csv for instance, and give the arrays"
            )
    if targets is not None:
        if data is None:
            raise TypeError("there are targets, and data is None: fit(inputs, targets)")
        if isinstance(data, Dataset | DataLoader):
            raise TypeError(
                f"a {type(data).__name__} has its targets in its samples: leave targets out"
            )
        return arrays(data, targets, dtype)
    if isinstance(data, tuple):
        if len(data) != 2:
            raise TypeError(f"expected a pair (inputs, targets), got a tuple of {len(data)}")
        return arrays(*data, dtype)
    if isinstance(data, Tensor | np.ndarray | dict):
        return arrays(data, None, dtype)
    if isinstance(data, list) and not _are_batches(data):
        return arrays(data, None, dtype)
    iterable = hasattr(data, "__iter__") or hasattr(data, "__getitem__")
    if not iterable or isinstance(data, set | frozenset | type | nn.Module):
        raise TypeError(
            f"data must be arrays, tensors, a Dataset or a loader, not a {type(data).__name__}"
        )
    return data


def held_out(data: Any, validation: Any, dtype: dtypes.dtype) -> tuple[Any, Any]:
    """Data to train on, and to validate with: the end of the former where that is a fraction."""
    if isinstance(validation, float | np.floating):
        return split(data, float(validation))
    try:
        return data, dataset_of(validation, None, dtype)
    except (TypeError, ValueError) as error:
        hint = ": a fraction is 0.2, say" if isinstance(validation, int) else ""
        raise type(error)(f"validation: {error}{hint}") from None


def _are_batches(items: list[Any]) -> bool:
    """Whether a list has batches, and not nested numbers."""
    kinds = Tensor | np.ndarray | tuple | Mapping
    first = items[0] if items else None
    if isinstance(first, list):
        return any(isinstance(part, kinds) for part in first)
    return isinstance(first, kinds)


def split(data: Any, fraction: float) -> tuple[Any, Any]:
    """The data without its last part, and that part, which is held out for validation."""
    if not isinstance(data, Dataset) or isinstance(data, IterableDataset):
        raise TypeError(
            "a fraction can be held out of arrays and Datasets; give validation=(inputs, targets) "
            "or a second loader with this data"
        )
    size = len(data)  # type: ignore[arg-type]
    held_out = round(size * fraction) if 0 < fraction < 1 else 0
    if not 0 < held_out < size:
        raise ValueError(
            f"validation={fraction} leaves nothing to train on, or nothing to validate"
        )
    rest = size - held_out
    parts = slice(0, rest), slice(rest, None)
    if isinstance(data, Arrays):
        first, second = (
            Arrays(_indexed(data.inputs, part), _indexed(data.targets, part)) for part in parts
        )
        return first, second
    return Subset(data, range(rest)), Subset(data, range(rest, rest + held_out))


def loader_of(
    dataset: Any, batch_size: int, *, shuffle: bool, drop_last: bool = False, num_workers: int = 0
) -> Iterable[Any]:
    """An iterable of batches, new in each epoch.

    A shuffled order is the one that torch's DataLoader has under the same seed; one that is not
    shuffled leaves the global random stream alone.
    """
    if isinstance(dataset, DataLoader) or not isinstance(dataset, Dataset):
        return dataset
    generator = None if shuffle else Generator()
    if isinstance(dataset, IterableDataset):
        return DataLoader(
            dataset, batch_size, drop_last=drop_last, num_workers=num_workers, generator=generator
        )
    if isinstance(dataset, Arrays):
        order: Any = RandomSampler(dataset) if shuffle else SequentialSampler(dataset)
        return DataLoader(
            dataset,
            batch_size=None,
            sampler=BatchSampler(order, batch_size, drop_last),
            collate_fn=_as_it_is,
            num_workers=num_workers,
            generator=generator,
        )
    return DataLoader(
        dataset,
        batch_size,
        shuffle=shuffle,
        drop_last=drop_last,
        num_workers=num_workers,
        generator=generator,
    )


def _as_it_is(batch: Any) -> Any:
    return batch


def unpacked(batch: Any) -> Pair:
    """Inputs and targets of a batch; several inputs come as a tuple."""
    if isinstance(batch, Sequence) and not isinstance(batch, str):
        if len(batch) == 1:
            return batch[0], None
        if len(batch) == 2:
            return batch[0], batch[1]
        return tuple(batch[:-1]), batch[-1]
    return batch, None


def length_of(loader: Any) -> int | None:
    """The number of batches, where it is known."""
    try:
        return len(loader)
    except TypeError:
        return None


def check_again(data: Any, epochs: int) -> None:
    """Raise for an iterator that would be used up in the first of several epochs."""
    # Not by calling iter(): a loader would draw random numbers for a pass that never comes.
    if epochs > 1 and isinstance(data, Iterator):
        raise TypeError(
            f"a {type(data).__name__} can be iterated once, and there are {epochs} epochs: give a "
            "loader, a Dataset or a list of batches"
        )


def floats(value: Any) -> Iterator[Tensor]:
    """The tensors of floating numbers in a batch."""
    if isinstance(value, Tensor):
        if value.is_floating_point():
            yield value
    elif isinstance(value, Mapping):
        yield from floats(list(value.values()))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from floats(part)


def joined(parts: list[Any]) -> Any:
    """The outputs of several batches, one after the other."""
    first = parts[0]
    if isinstance(first, Tensor):
        return cat(parts)
    if isinstance(first, Mapping):
        return {name: joined([part[name] for part in parts]) for name in first}
    if isinstance(first, list | tuple):
        return tuple(joined(list(items)) for items in zip(*parts, strict=True))
    return parts
