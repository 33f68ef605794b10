"""Embeddings: rows of a table, one by one or summed by bags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.state import no_grad
from rushlight.core.doors import apply, check, literal, read
from rushlight.core.node import Node
from rushlight.core.state import state
from rushlight.core.tape import refresh
from rushlight.core.tensor import wants_grad
from rushlight.ops.arguments import need_int, need_tensor, relabel
from rushlight.ops.sorting import searchsorted
from rushlight.primitives import embedding as embedding_rows
from rushlight.primitives.index import ARRAY, index, place_index
from rushlight.primitives.kernel import entering
from rushlight.primitives.pointwise import where

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def need_indices(name: str, word: str, tensor: Tensor) -> None:
    """Raise torch's error unless the tensor holds int64 or int32."""
    need_tensor(name, word, 1, tensor)
    if tensor._data_.dtype not in (np.int64, np.int32):
        raise RuntimeError(
            f"Expected tensor for argument #1 '{word}' to have one of the following scalar types: "
            f"Long, Int; but got torch.{dtypes.of(tensor._data_.dtype).word}Tensor instead (while "
            f"checking arguments for {name}): convert it with .long()"
        )


def embedding(
    weight: Tensor,
    indices: Tensor,
    padding_idx: int = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of weight that indices name; with sparse, the gradient is a sparse tensor of them.

    >>> import rushlight as torch
    >>> torch.embedding(torch.tensor([[0.0], [10.0]]), torch.tensor([1, 0, 1]))
    tensor([[10.],
            [ 0.],
            [10.]])
    """
    need_tensor("embedding", "weight", 1, weight)
    need_indices("embedding", "indices", indices)
    if weight._data_.ndim != 2:
        raise RuntimeError(f"'weight' must be 2-D, got shape {list(weight._data_.shape)}")
    recording = sparse and state.grad and wants_grad(weight)
    result: Tensor = apply(
        embedding_rows.embedding, weight.detach() if recording else weight, indices,
        padding_idx=need_int("embedding", "padding_idx", 3, padding_idx), scale_grad_by_freq=bool(scale_grad_by_freq),
    )  # fmt: skip
    if recording:
        result._node_ = _Rows(weight, indices, int(padding_idx), scale_grad_by_freq, result)
        result._requires_grad_ = True
    return result


class _Rows(Node):
    """The node of an embedding with a sparse gradient."""

    __slots__ = ("by_count", "indices", "padding", "sizes")

    def __init__(
        self, weight: Tensor, indices: Tensor, padding: int, by_count: bool, out: Tensor
    ) -> None:
        refresh(weight)
        super().__init__(
            (weight if weight._node_ is None else weight._node_,), (weight._output_nr_,)
        )
        self.indices, self.padding, self.sizes = indices, padding, weight._data_.shape
        self.by_count = by_count
        self._out_shape, self._out_dtype = out._data_.shape, out._data_.dtype
        self._label = "EmbeddingBackward0"

    def _gradients(self, g: Any) -> list[Any]:
        """Of the rows that were looked up, those of g; none of the padding."""
        from rushlight.sparse.tensor import assemble

        if self.by_count:
            raise RuntimeError(
                "embedding_backward: scale_grad_by_freq not supported with sparse gradients"
            )
        at, values = self.indices.reshape((1, -1)), g.reshape((-1, self.sizes[1]))
        if self.padding >= 0:
            kept = at[0] != self.padding
            at, values = at[:, kept], values[kept]
        return [assemble(at.to(dtypes.int64), values, self.sizes, False)]


def embedding_renorm_(weight: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> Tensor:
    """Scale the named rows of weight, in place, so that their norms are at most max_norm."""
    need_tensor("embedding_renorm_", "weight", 1, weight)
    need_indices("embedding_renorm_", "indices", indices)
    with no_grad():
        used = indices.reshape((-1,))
        chosen = weight.detach()[used]
        norms = chosen.norm(norm_type, 1, keepdim=True)
        scale = (max_norm / (norms + 1e-7)).clamp(max=1.0)
        # A row within the limit is left as it is, and not multiplied by almost one.
        scale = scale.where(norms > max_norm, literal(np.ones((), weight._data_.dtype)))
        weight[used] = chosen * scale
    return weight


def _check_bags(
    indices: Tensor, offsets: Tensor, mode: int, per_sample_weights: Tensor | None,
    include_last_offset: bool,
) -> None:  # fmt: skip
    need_indices("embedding_bag", "indices", indices)
    need_indices("embedding_bag", "offsets", offsets)
    if indices._data_.ndim != 1 or offsets._data_.ndim != 1:
        raise RuntimeError(
            f"embedding_bag: input and offsets have to be 1-d, got {list(indices._data_.shape)} and "
            f"{list(offsets._data_.shape)}"
        )
    if mode not in (0, 1, 2):
        raise RuntimeError(f"embedding_bag: mode must be 0 (sum), 1 (mean) or 2 (max), got {mode}")
    starts = offsets._data_
    if include_last_offset and not starts.size:
        raise RuntimeError("include_last_offset: number of offsets should be at least 1")
    bounds = check(offsets, "the bags")
    if starts.size and (bounds[..., 0] != 0).any():
        raise RuntimeError(
            "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from "
            f"position 0. However, got {bounds[..., 0].max()}"
        )
    if starts.size and bounds[..., -1].max() > indices._data_.size:
        raise RuntimeError(
            f"offsets[-1] can not be greater than input's length {indices._data_.size} but got "
            f"offsets[-1] of {bounds[..., -1].max()}"
        )
    if per_sample_weights is not None and mode != 0:
        raise RuntimeError("embedding_bag: per_sample_weights only supported with mode='sum'")


def embedding_bag(
    weight: Tensor, indices: Tensor, offsets: Tensor, scale_grad_by_freq: bool = False,
    mode: int = 0, sparse: bool = False, per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False, padding_idx: int | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """Sums (mode 0), means (1) or maxima (2) of bags of rows; a bag begins at each offset.

    Returns the bags; and, as torch does for its backward, the bag of every index, the sizes of the
    bags, and which index each maximum came from.
    """
    need_tensor("embedding_bag", "weight", 1, weight)
    _check_bags(indices, offsets, mode, per_sample_weights, include_last_offset)
    if weight._data_.dtype.kind not in "fV":
        raise RuntimeError(
            "Expected tensor for argument #1 'weight' to have one of the following scalar types: Half, "
            f"BFloat16, Float, Double; but got torch.{dtypes.of(weight._data_.dtype).word}Tensor instead "
            "(while checking arguments for embedding_bag)"
        )
    if per_sample_weights is not None and per_sample_weights._data_.dtype != weight._data_.dtype:
        raise RuntimeError(
            "Expected tensor for argument #1 'weight' to have the same type as tensor for argument #1 "
            f"'per_sample_weights'; but type torch.{weight.dtype.word}Tensor does not equal "
            f"torch.{per_sample_weights.dtype.word}Tensor (while checking arguments for embedding_bag)"
        )
    rows = weight._data_.shape[0]
    if padding_idx is not None and not -rows <= padding_idx < rows:
        raise RuntimeError(
            f"padding_idx must be within the number of embeddings, {-rows} through {rows - 1}, but got "
            f"{padding_idx}"
        )
    places = check(indices, "that the rows are there").reshape(-1)
    outside = (places < 0) | (places >= rows)
    if outside.any():
        first = int(outside.argmax())
        raise RuntimeError(
            f"Index {first} of input takes value {places[first]} which is not in the valid range "
            f"[0, {rows})"
        )
    end: Tensor | None = None
    if include_last_offset:
        end, offsets = offsets[-1], offsets[:-1]
        if not state.interpreters:
            # What lies behind the last offset belongs to no bag.
            last = int(read(end, "where the last bag ends"))
            indices, end = indices[:last], None
            if per_sample_weights is not None:
                per_sample_weights = per_sample_weights[:last]
    starts = offsets
    count, total = starts._data_.size, indices._data_.size
    positions = literal(np.arange(total, dtype=starts._data_.dtype))
    bags = searchsorted(starts, positions, right=True) - 1
    padding = -1 if padding_idx is None else int(padding_idx)
    if padding_idx is not None and padding < 0:
        padding += weight._data_.shape[0]
    vectors = embedding(weight, indices, padding, scale_grad_by_freq, sparse)
    # What is padding belongs to no bag.
    member = indices != padding
    if end is not None:
        member = member.logical_and(positions < end)
    form: dict[str, Any] = {"shape": (count,), "spec": (ARRAY,)}
    sizes: Tensor = apply(place_index, member.to(dtypes.int64), bags, **form)
    if mode == 2:
        out, best = _maxima(vectors, indices, bags, member, count)
    else:
        best = literal(np.zeros(count, np.int64))
        if per_sample_weights is not None:
            per_sample_weights = entering(
                per_sample_weights, weight, refused="_embedding_bag_per_sample_weights_backward"
            )
            vectors = vectors * per_sample_weights.unsqueeze(-1)
        if padding >= 0 or end is not None:
            vectors = where(member.unsqueeze(-1), vectors, 0)
        shape = (count, weight._data_.shape[1])
        out = apply(place_index, vectors, bags, shape=shape, spec=(ARRAY,))
        if mode == 1:
            out = out / sizes.clamp(min=1).to(weight.dtype).unsqueeze(-1)
    out = relabel(out, "EmbeddingBagBackward0")
    return out, bags, sizes, best


def _maxima(
    vectors: Tensor, indices: Tensor, bags: Tensor, member: Tensor, count: int
) -> tuple[Tensor, Tensor]:
    """The largest elements of the bags, column by column, and the indices that they come from."""
    rows, width = vectors._data_.shape
    if not rows:
        nothing = vectors.sum(0, keepdim=True).repeat((count, 1))
        return nothing, literal(np.full((count, width), -1))
    winner = apply(embedding_rows.bag_winner, vectors.detach(), bags, member, count=count)
    filled = winner < rows
    safe = winner.clamp(max=rows - 1)
    columns = literal(np.arange(width)[None, :])
    picked: Tensor = apply(index, vectors, safe, columns, spec=(ARRAY, ARRAY))
    chosen: Tensor = apply(index, indices.to(dtypes.int64), safe, spec=(ARRAY,))
    return where(filled, picked, 0), where(filled, chosen, -1)
