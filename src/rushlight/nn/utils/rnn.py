"""Sequences of different lengths: padded to one length, or packed without padding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from rushlight._tensor import Tensor
from rushlight.core.doors import literal, read
from rushlight.core.tensor import Array, TensorBase
from rushlight.dtypes import int64
from rushlight.ops.creation import as_tensor
from rushlight.ops.ranges import arange
from rushlight.primitives.constant import computed
from rushlight.primitives.index import ARRAY, index, put
from rushlight.primitives.join import cat

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class _Packed(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Packed):
    """Sequences without padding: the rows of step 0, then those of step 1, ...

    `batch_sizes[t]` sequences have a step t. The longest comes first; sorted_indices says which one
    of the original batch that was. Made by `pack_padded_sequence` or `pack_sequence`.
    """

    __slots__ = ()

    def __new__(
        cls,
        data: Tensor,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> Self:
        """From the rows and the number of them at each step."""
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes is None:
            data, batch_sizes = data
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True)
        )
        return f"PackedSequence({shown})"

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """With data converted: to(dtype) or to(device)."""
        return self._with(self.data.to(*args, **kwargs))

    def _with(self, data: Tensor) -> PackedSequence:
        if data is self.data:
            return self
        return type(self)(data, *self[1:])

    def cpu(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Itself: it is on the CPU."""
        return self

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """There is no such device here: torch's error."""
        return self.to("cuda")

    def float(self) -> PackedSequence:
        """With data as float32."""
        return self._with(self.data.float())

    def double(self) -> PackedSequence:
        """With data as float64."""
        return self._with(self.data.double())

    def half(self) -> PackedSequence:
        """With data as float16."""
        return self._with(self.data.half())

    def long(self) -> PackedSequence:
        """With data as int64."""
        return self._with(self.data.long())

    def int(self) -> PackedSequence:
        """With data as int32."""
        return self._with(self.data.int())

    def pin_memory(self) -> PackedSequence:
        """A RuntimeError: there is no device for which memory would be pinned."""
        return self._with(self.data.pin_memory())

    def is_pinned(self) -> bool:
        """False: memory is never pinned here."""
        return False

    @property
    def is_cuda(self) -> bool:
        """False: data is on the CPU."""
        return False


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes this one."""
    if permutation is None:
        return None
    return computed(np.argsort, permutation)


def _lengths(lengths: Any) -> Array:
    array = read(as_tensor(lengths, dtype=int64), "the lengths of the sequences")
    if array.ndim != 1:
        raise RuntimeError(
            f"'lengths' argument should be a 1D CPU int64 tensor, but got {array.ndim}D cpu Long tensor"
        )
    return array


def _row_numbers(lengths: Array, batch: int, order: Array | None = None) -> tuple[Array, Array]:
    """Rows of a padded (T * B, ...) in packed order, and how many there are at each step."""
    sizes = (lengths[None, :] > np.arange(lengths[0])[:, None]).sum(axis=1)
    columns = np.arange(batch) if order is None else order
    return np.concatenate([t * batch + columns[:n] for t, n in enumerate(sizes)]), sizes


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack (T, B, *), with batch_first (B, T, *), where sequence b has lengths[b] steps.

    The lengths must fall unless enforce_sorted=False, which sorts them.

    >>> import rushlight as torch
    >>> from rushlight.nn.utils.rnn import pack_padded_sequence
    >>> pack_padded_sequence(torch.ones(3, 2, 1), [3, 1]).batch_sizes
    tensor([2, 1, 1])
    """
    if not input._data_.size:
        raise RuntimeError("Cannot pack empty tensors.")
    counts = _lengths(lengths)
    order = None
    if not enforce_sorted:
        order = np.argsort(-counts, kind="stable")
        counts = counts[order]
    if batch_first:
        input = input.transpose(0, 1)
    steps, batch = input.shape[:2]
    if len(counts) != batch:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(counts)} "
            f"(batch_size={batch})"
        )
    if counts.min() <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' "
            "that is <= 0"
        )
    if (counts[1:] > counts[:-1]).any():
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. "
            "You can pass `enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to "
            "sidestep this requirement."
        )
    if counts[0] > steps:
        raise RuntimeError(
            f"lengths goes up to {counts[0]}, but the padded input has only {steps} steps"
        )
    rows, sizes = _row_numbers(counts, batch, order)
    flat = input.reshape(steps * batch, *input.shape[2:])
    data = index(flat, literal(rows), spec=(ARRAY,))
    return PackedSequence(data, literal(sizes), None if order is None else literal(order))


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Undo `pack_padded_sequence`: the padded tensor, and the lengths."""
    sizes = read(sequence.batch_sizes, "how many sequences are left at each step")
    steps, batch = len(sizes), int(sizes[0])
    if total_length is not None:
        if total_length < steps:
            raise ValueError(
                "Expected total_length to be at least the length of the longest sequence in input, "
                f"but got total_length={total_length} and max sequence length being {steps}"
            )
        steps = total_length
    counts = (sizes[:, None] > np.arange(batch)).sum(axis=0)
    order = sequence.sorted_indices
    rows, _ = _row_numbers(
        counts, batch, None if order is None else read(order, "the order of the sequences")
    )
    data = sequence.data
    padded = np.full((steps * batch, *data.shape[1:]), padding_value, data._data_.dtype)
    flat = put(literal(padded), data, literal(rows), spec=(ARRAY,), accumulate=False)
    output = flat.reshape(steps, batch, *data.shape[1:])
    if order is not None:
        lengths = np.empty_like(counts)
        lengths[read(order, "the order of the sequences")] = counts
        counts = lengths
    return output.transpose(0, 1) if batch_first else output, literal(counts)


def pad_sequence(
    sequences: Any,
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Stack tensors of different lengths (L_b, *) into (T, B, *), with batch_first (B, T, *).

    >>> import rushlight as torch
    >>> from rushlight.nn.utils.rnn import pad_sequence
    >>> pad_sequence([torch.ones(2), torch.ones(3)], batch_first=True)
    tensor([[1., 1., 0.],
            [1., 1., 1.]])
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            "pad_sequence: Expected iterable for input sequences, but got arg of type: "
            f"{type(sequences)}"
        )
    listed = list(sequences.unbind(0) if isinstance(sequences, TensorBase) else sequences)  # type: ignore[attr-defined]
    if not listed:
        raise RuntimeError("received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(
            f"Expected padding_side to be one of left or right, but got {padding_side}."
        )
    trailing = listed[0].shape[1:]
    for sequence in listed:
        if sequence.shape[1:] != trailing:
            raise RuntimeError(
                "pad_sequence: all sequences must have the same sizes after the first, but got "
                f"{list(listed[0].shape)} and {list(sequence.shape)}"
            )
    lengths = [sequence.shape[0] for sequence in listed]
    steps, batch = max(lengths), len(listed)
    sizes, by, along = (batch, steps), steps, 1
    if not batch_first:
        sizes, by, along = (steps, batch), 1, batch
    rows = np.concatenate([
        number * by + along * (np.arange(n) + (steps - n if padding_side == "left" else 0))
        for number, n in enumerate(lengths)
    ])  # fmt: skip
    padded = np.full((*sizes, *trailing), padding_value, listed[0]._data_.dtype)
    places = (
        [literal(part) for part in divmod(rows, sizes[1])] if rows.size else [literal(rows)] * 2
    )
    return put(literal(padded), cat(*listed, dim=0), *places, spec=(ARRAY, ARRAY), accumulate=False)


def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False
) -> list[Tensor]:
    """Undo `pad_sequence`: the list of sequences."""
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    steps = arange(padded_sequences.shape[1])
    # By a mask, so that none shares memory with what was given.
    return [sequence[steps < n] for sequence, n in zip(padded_sequences, lengths, strict=True)]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack tensors of different lengths (L_b, *)."""
    lengths = [sequence.shape[0] for sequence in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, False, enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """Undo `pack_sequence`: the list of sequences."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
