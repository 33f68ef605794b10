"""Arguments in parts, and results put together again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rushlight._tensor import Tensor
from rushlight.ops.joining import cat
from rushlight.utils.trees import tree_flatten, tree_map, tree_unflatten

__all__ = ["TensorChunkSpec", "merge_chunks", "split_args_kwargs_into_chunks"]

DEFAULT_CHUNK_DIM = 0


class TensorChunkSpec:
    """Along which dimension a tensor is cut.

    >>> TensorChunkSpec.from_tuple((0, 1))
    (TensorChunkSpec(0), TensorChunkSpec(1))
    """

    split_dim: int

    def __init__(self, split_dim: int) -> None:
        self.split_dim = split_dim

    def __repr__(self) -> str:
        return f"TensorChunkSpec({self.split_dim})"

    @staticmethod
    def from_tuple(chunk_dims: tuple[int, ...]) -> Any:
        """One for each number."""
        return tree_map(TensorChunkSpec, chunk_dims)

    @staticmethod
    def from_dict(chunk_dims: dict[str, int]) -> Any:
        """One for each number."""
        return tree_map(TensorChunkSpec, chunk_dims)


class _Replicate:
    """Every part gets it as it is."""


class _CustomReducer:
    """Results of the parts become one by a function, from a first value on."""

    def __init__(self, init_value: Any, reduce_fn: Callable[[Any, Any], Any]) -> None:
        self.init_value, self.reduce_fn = init_value, reduce_fn


class _LossReducer(_CustomReducer):
    """The same, for losses."""


sum_reducer = _LossReducer(0.0, lambda total, loss: total + loss)


def _parts(value: Any, spec: Any, chunks: int) -> list[Any]:
    """An argument in parts: its tensors are cut, other things go to all."""
    leaves, form = tree_flatten(value)
    if isinstance(spec, TensorChunkSpec | _Replicate | None):
        specs = [spec] * len(leaves)
    else:
        specs = tree_flatten(spec)[0]
        if len(specs) != len(leaves):
            raise ValueError(f"a chunk spec of {len(specs)} parts for an argument of {len(leaves)}")
    columns = [_cut(leaf, one, chunks) for leaf, one in zip(leaves, specs, strict=True)]
    return [tree_unflatten([column[i] for column in columns], form) for i in range(chunks)]


def _cut(leaf: Any, spec: Any, chunks: int) -> Sequence[Any]:
    if not isinstance(leaf, Tensor) or isinstance(spec, _Replicate):
        return [leaf] * chunks
    dim = DEFAULT_CHUNK_DIM if spec is None else spec.split_dim
    if leaf.shape[dim] < chunks:
        raise AssertionError(
            f"Tensor size on chunking dimension is smaller than num_chunks: {leaf.shape[dim]} rows along "
            f"dimension {dim} for {chunks} microbatches"
        )
    return leaf.tensor_split(chunks, dim)


def split_args_kwargs_into_chunks(
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any] | None,
    chunks: int,
    args_chunk_spec: Any = None,
    kwargs_chunk_spec: Any = None,
) -> tuple[list[tuple[Any, ...]], list[dict[str, Any]]]:
    """(args, kwargs) of each part; tensors are cut along their first dimension where no spec says else."""
    kwargs = kwargs or {}
    specs = args_chunk_spec or [None] * len(args)
    named = kwargs_chunk_spec or dict.fromkeys(kwargs)
    cut = [_parts(arg, spec, chunks) for arg, spec in zip(args, specs, strict=True)]
    words = {name: _parts(value, named[name], chunks) for name, value in kwargs.items()}
    return (
        [tuple(column[i] for column in cut) for i in range(chunks)],
        [{name: column[i] for name, column in words.items()} for i in range(chunks)],
    )


def merge_chunks(chunks: Sequence[Any], chunk_spec: Any) -> Any:
    """The results of all parts as one: tensors one after the other, of other things the first."""
    leaves, form = tree_flatten(chunks[0])
    rows = [tree_flatten(chunk)[0] for chunk in chunks]
    plain = isinstance(chunk_spec, TensorChunkSpec | _Replicate | _CustomReducer | None)
    specs = [chunk_spec] * len(leaves) if plain else tree_flatten(chunk_spec)[0]
    merged = [_one([row[i] for row in rows], spec) for i, spec in enumerate(specs)]
    return tree_unflatten(merged, form)


def _one(values: list[Any], spec: Any) -> Any:
    if isinstance(spec, _CustomReducer):
        total = spec.init_value
        for value in values:
            total = spec.reduce_fn(total, value)
        return total
    if isinstance(spec, _Replicate) or not isinstance(values[0], Tensor):
        return values[0]
    return cat(values, DEFAULT_CHUNK_DIM if spec is None else spec.split_dim)
