"""Rows of a table picked by number, and the dense gradient of the table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from rushlight.core.row import Primitive, Sample, Spec
from rushlight.core.tensor import Array
from rushlight.primitives.families import draw
from rushlight.primitives.index import add_at

Shape = tuple[int, ...]


def _embedding(
    weight: Array, indices: Array, *, padding_idx: int, scale_grad_by_freq: bool
) -> Array:
    rows = weight.take(indices.reshape(-1), axis=0, mode="raise")
    if indices.size and indices.min() < 0:
        raise IndexError("index out of range in self")
    return rows.reshape(*indices.shape, *weight.shape[1:])


def _embedding_rule(weight: Array, indices: Array, **_: Any) -> Spec:
    outside = indices[(indices < 0) | (indices >= weight.shape[0])]
    if outside.size:
        raise IndexError(
            f"index out of range in self: embedding has {weight.shape[0]} rows, and an index is "
            f"{outside.flat[0]}"
        )
    return (*indices.shape, *weight.shape[1:]), weight.dtype


def _embedding_vjp(
    g: Any, weight_shape: Shape, indices: Any, padding_idx: int, scale_grad_by_freq: bool
) -> Any:
    return embedding_sum(
        g, indices, rows=weight_shape[0], padding_idx=padding_idx,
        scale_grad_by_freq=scale_grad_by_freq,
    )  # fmt: skip


def _samples() -> Iterable[Sample]:
    # What padding_idx and scale_grad_by_freq make of the gradient is not the derivative.
    static = {"padding_idx": -1, "scale_grad_by_freq": False}
    yield Sample((draw(1, (4, 3)), np.array([[2, 0, 2], [1, 2, 1]])), static)
    yield Sample((draw(1, (4, 3)), np.array(2)), static)


embedding = Primitive(
    "embedding", "index", _embedding, (_embedding_vjp, None), _embedding_rule, "gather", _samples,
    as_is=True, linear=True,
)  # fmt: skip


def _embedding_sum(
    x: Array, indices: Array, *, rows: int, padding_idx: int, scale_grad_by_freq: bool
) -> Array:
    """Sum the vectors of x into the rows that their indices name; nothing goes to padding_idx."""
    out = np.zeros((rows, x.shape[-1]), x.dtype, like=x)
    add_at(out, (indices.reshape(-1),), x.reshape(indices.size, x.shape[-1]))
    if scale_grad_by_freq:
        counts = np.bincount(indices.reshape(-1), minlength=rows)
        out /= np.maximum(counts, 1).astype(x.dtype)[:, None]
    if padding_idx >= 0:
        out[padding_idx] = 0
    return out


def _embedding_sum_rule(x: Array, indices: Array, *, rows: int, **_: Any) -> Spec:
    return (rows, x.shape[-1]), x.dtype


def _embedding_sum_vjp(
    g: Any, indices: Any, rows: int, padding_idx: int, scale_grad_by_freq: bool
) -> Any:
    plain = {"padding_idx": -1, "scale_grad_by_freq": False}
    picked = embedding(g, indices, **plain)
    if padding_idx >= 0:
        picked = picked * (indices != padding_idx).unsqueeze(-1)
    if scale_grad_by_freq:
        ones = (indices.reshape(-1, 1) * 0 + 1).to(g.dtype)
        counts = embedding_sum(ones, indices.reshape(-1), rows=rows, **plain)
        picked = picked / embedding(counts, indices, **plain)
    return picked


def _sum_samples() -> Iterable[Sample]:
    indices = np.array([[2, 0, 2], [1, 2, 1]])
    for padding_idx, scaled in ((-1, False), (1, False), (2, True)):
        static = {"rows": 4, "padding_idx": padding_idx, "scale_grad_by_freq": scaled}
        yield Sample((draw(1, (2, 3, 2)), indices), static)


embedding_sum = Primitive(
    "embedding_sum", "index", _embedding_sum, (_embedding_sum_vjp, None), _embedding_sum_rule,
    "scatter", _sum_samples, label="EmbeddingBackwardBackward0", linear=True,
)  # fmt: skip


def _bag_winner(x: Array, bags: Array, member: Array, *, count: int) -> Array:
    """For every bag and column the row of x with the largest element; len(x) for empty bags.

    `bags` says for each row of x, in rising order, which bag it is in; `member` whether it counts.
    """
    rows, width = x.shape
    winner = np.full((count, width), rows, np.int64, like=x)
    kept = np.flatnonzero(member)
    filled, starts = np.unique(bags[kept], return_index=True)
    if filled.size:
        # Compared one after the other, as in torch: a nan wins only as the first of its bag.
        values = x[kept]
        hidden = np.isnan(values)
        leads = hidden[starts]
        if hidden.any():
            values = np.where(hidden, -np.inf, values)
        best = np.maximum.reduceat(values, starts, axis=0)
        place = np.repeat(np.arange(filled.size, like=x), np.diff(np.append(starts, kept.size)))
        numbers = np.where(values == best[place], kept[:, None], rows)
        won = np.minimum.reduceat(numbers, starts, axis=0)
        winner[filled] = np.where(leads, kept[starts][:, None], won)
    return winner


def _bag_winner_rule(x: Array, bags: Array, member: Array, *, count: int) -> Spec:
    return (count, x.shape[1]), np.dtype(np.int64)


def _bag_winner_samples() -> Iterable[Sample]:
    bags = np.array([0, 0, 2, 2, 3])
    for member in ([True] * 5, [True, False, True, True, False]):
        yield Sample((draw(1, (5, 2)), bags, np.array(member)), {"count": 4})


bag_winner = Primitive(
    "bag_winner", "index", _bag_winner, None, _bag_winner_rule, "reduce:argmax",
    _bag_winner_samples,
)  # fmt: skip
