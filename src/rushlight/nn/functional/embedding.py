"""Embeddings and one-hot vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rushlight.core.doors import check, literal, number
from rushlight.errors import warn
from rushlight.ops import embedding as ops
from rushlight.ops.arguments import (
    need_int,
    need_tensor,
    need_whole,
)
from rushlight.ops.conversion import in_rows

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of weight [rows, width] that input names: [*, width].

    Row padding_idx gets no gradient; with max_norm, rows that are used are scaled down to that norm,
    in place. With sparse, the gradient of the weight is a sparse tensor of the rows that were named.

    >>> import rushlight as torch
    >>> torch.nn.functional.embedding(torch.tensor([1, 0]), torch.eye(2))
    tensor([[0., 1.],
            [1., 0.]])
    """
    need_tensor("embedding", "weight", 2, weight)
    count = weight._data_.shape[0] if weight._data_.ndim else 0
    padding = -1 if padding_idx is None else padding_idx
    if padding_idx is not None:
        padding_idx = need_int("embedding", "padding_idx", 3, padding_idx)
        if not -count <= padding_idx < count:
            raise AssertionError(
                f"Padding_idx must be within num_embeddings: got {padding_idx} for {count} rows"
            )
        padding = padding_idx % count
    if max_norm is not None:
        ops.embedding_renorm_(weight, input, max_norm, norm_type)
    return ops.embedding(weight, input, padding, scale_grad_by_freq, sparse)


_MODES = {"sum": 0, "mean": 1, "max": 2}


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Sums, means or maxima of bags of rows: the rows of a 2-d input, or 1-d input cut at offsets.

    >>> import rushlight as torch
    >>> indices = torch.tensor([0, 1, 1])
    >>> torch.nn.functional.embedding_bag(indices, torch.eye(2), torch.tensor([0, 2]), mode="sum")
    tensor([[1., 1.],
            [0., 1.]])
    """
    need_tensor("embedding_bag", "input", 1, input)
    need_tensor("embedding_bag", "weight", 2, weight)
    if weight._data_.dtype == np.int64 and input._data_.dtype.kind in "fV":
        warn(
            "Argument order of nn.functional.embedding_bag was changed. Usage `embedding_bag(weight, "
            "input, ...)` is deprecated, and should now be `embedding_bag(input, weight, ...)`."
        )
        input, weight = weight, input
    shape = input._data_.shape
    if per_sample_weights is not None and per_sample_weights._data_.shape != shape:
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({per_sample_weights.shape}) is not None, then it "
            f"must have the same shape as the input ({input.shape})"
        )
    if not weight._data_.ndim == 2:
        raise ValueError(f"weight has to be a 2D Tensor, but got shape {list(weight._data_.shape)}")
    if len(shape) == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of "
                f"fixed length sequences. However, found offsets of type {type(offsets)}"
            )
        if not shape[1]:
            raise RuntimeError(
                "step must be nonzero: bags of an input of two dimensions are not empty"
            )
        offsets = literal(np.arange(shape[0], dtype=input._data_.dtype) * shape[1])
        input = input.reshape((-1,))
        if per_sample_weights is not None:
            per_sample_weights = per_sample_weights.reshape((-1,))
        include_last_offset = False
    elif len(shape) == 1:
        if offsets is None or offsets._data_.ndim != 1:
            raise ValueError("offsets has to be a 1D Tensor but got None"
                             if offsets is None else "offsets has to be a 1D Tensor")  # fmt: skip
    else:
        raise ValueError(
            f"input has to be 1D or 2D Tensor, but got Tensor of dimension {len(shape)}"
        )
    if mode not in _MODES:
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if mode == "max" and sparse:
        raise ValueError("max mode does not support sparse weights")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for "
            f"mode='sum' (got mode='{mode}')."
        )
    if max_norm is not None:
        ops.embedding_renorm_(weight, input, max_norm, norm_type)
    return ops.embedding_bag(
        weight, input, offsets, scale_grad_by_freq, _MODES[mode], sparse, per_sample_weights,
        include_last_offset, padding_idx,
    )[0]  # fmt: skip


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Vectors that are 1 at the given class and 0 elsewhere, int64.

    >>> import rushlight as torch
    >>> torch.nn.functional.one_hot(torch.tensor([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    need_tensor("one_hot", "tensor", 1, tensor)
    num_classes = need_whole("one_hot", "num_classes", 2, num_classes)
    data = tensor._data_
    if data.dtype != np.int64:
        raise RuntimeError(
            "one_hot is only applicable to index tensor of type LongTensor: convert it with .long()"
        )
    if not data.size and num_classes <= 0:
        if num_classes == -1:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        raise RuntimeError("num_classes should be positive")
    values = check(tensor, "the classes")
    if data.size and values.min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    if num_classes == -1:
        num_classes = int(number(tensor.max(), "the number of classes")) + 1
    elif data.size and values.max() >= num_classes:
        raise RuntimeError(
            f"Class values must be smaller than num_classes: {values.max()} is not below {num_classes}."
        )
    classes = literal(np.arange(num_classes))
    return in_rows((tensor.unsqueeze(-1) == classes).to(tensor.dtype))
