"""Gradients sent in low rank: each matrix as the product of two thin ones (Vogels et al. 2019, "PowerSGD").

One step of the power method: P = M Q is summed over all and made orthogonal, Q = M^T P averaged, and M taken for
P Q^T. What is lost so is kept, and added to the next gradient (error feedback); Q is where the next step starts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight import dtypes, linalg
from rushlight._tensor import Tensor
from rushlight.distributed.algorithms.ddp_comm_hooks.debugging_hooks import noop_hook
from rushlight.distributed.algorithms.ddp_comm_hooks.default_hooks import allreduce_hook
from rushlight.distributed.collectives import all_reduce
from rushlight.distributed.groups import _resolve
from rushlight.distributed.reducer import GradBucket
from rushlight.futures import Future
from rushlight.ops.creation import zeros
from rushlight.ops.joining import cat
from rushlight.public.torch import randn
from rushlight.random import fork_rng, manual_seed

__all__ = ["PowerSGDState", "batched_powerSGD_hook", "powerSGD_hook"]


class PowerSGDState:
    """Settings, and what is kept from step to step."""

    def __init__(
        self,
        process_group: Any,
        matrix_approximation_rank: int = 1,
        start_powerSGD_iter: int = 1_000,
        min_compression_rate: float = 2,
        use_error_feedback: bool = True,
        warm_start: bool = True,
        orthogonalization_epsilon: float = 0,
        random_seed: int = 0,
        compression_stats_logging_frequency: int = 10_000,
        batch_tensors_with_same_shape: bool = False,
    ) -> None:
        if (use_error_feedback or warm_start) and start_powerSGD_iter <= 1:
            raise ValueError(
                "Expect `start_powerSGD_iter` > 1 if `use_error_feedback` or `warm_start` is enabled, because "
                "PowerSGD can only be applied after the first two iterations in DDP."
            )
        self.process_group = process_group
        self.matrix_approximation_rank = matrix_approximation_rank
        self.start_powerSGD_iter = start_powerSGD_iter
        self.min_compression_rate = min_compression_rate
        self.use_error_feedback, self.warm_start = use_error_feedback, warm_start
        self.orthogonalization_epsilon = orthogonalization_epsilon
        self.rng = np.random.RandomState(random_seed)
        self.error_dict: dict[int, Tensor] = {}
        self.p_memory_dict: dict[int, list[Tensor]] = {}
        self.q_memory_dict: dict[int, list[Tensor]] = {}
        self.iter = 0
        self.total_numel_before_compression = self.total_numel_after_compression = 0
        self.compression_stats_logging_frequency = max(1, compression_stats_logging_frequency)
        self.next_stats_report = 0
        self.batch_tensors_with_same_shape = batch_tensors_with_same_shape

    def maybe_increase_iter(self, bucket: Any) -> None:
        """Count a step with the last bucket of a backward."""
        if bucket.is_last():
            self.iter += 1

    def compression_stats(self) -> tuple[float, int, int]:
        """(rate, elements before, elements that are sent), so far."""
        sent = self.total_numel_after_compression
        rate = self.total_numel_before_compression / sent if sent else 0
        return rate, self.total_numel_before_compression, sent


def _rank_of(rows: int, columns: int, state: PowerSGDState) -> int | None:
    """The rank in which a matrix is sent, if that is as much less as asked."""
    rank = min(rows, columns, state.matrix_approximation_rank)
    small = (rows + columns) * rank * state.min_compression_rate < rows * columns
    return rank if small else None


def _orthogonal(matrix: Tensor, epsilon: float) -> None:
    """Make the columns of a matrix orthogonal, in place."""
    if matrix.shape[1] > 2 and matrix.dtype not in (dtypes.float16, dtypes.bfloat16):
        matrix.copy_(linalg.qr(matrix)[0])
        return
    for i in range(matrix.shape[1]):
        column = matrix[:, i : i + 1]
        column.div_(linalg.vector_norm(column) + epsilon)
        rest = matrix[:, i + 1 :]
        rest.sub_((column * rest).sum(0) * column)


def _averaged(values: Tensor, group: Any) -> Tensor:
    all_reduce(values, group=group)
    return values.div_(group.size())


def _together(parts: list[Tensor], run: Callable[[Tensor], Any]) -> None:
    """Several tensors on one way, and back in their places."""
    if not parts:
        return
    flat = cat([part.reshape(-1) for part in parts])
    run(flat)
    for part, done in zip(parts, flat.split([p.numel() for p in parts]), strict=True):
        part.copy_(done.view(part.shape))


def _approximated(
    state: PowerSGDState, index: int, matrices: list[Tensor], ranks: list[int], group: Any
) -> None:
    """Let matrices be the mean over all processes, in low rank."""
    known = index in state.p_memory_dict and state.warm_start
    if not known:
        state.p_memory_dict[index] = [
            m.new_empty((m.shape[0], r)) for m, r in zip(matrices, ranks, strict=True)
        ]
        state.q_memory_dict[index] = [
            m.new_empty((m.shape[1], r)) for m, r in zip(matrices, ranks, strict=True)
        ]
    ps, qs = state.p_memory_dict[index], state.q_memory_dict[index]
    with fork_rng(devices=[]):
        if not known:
            # One seed for all, so that all start from the same.
            manual_seed(int(state.rng.randint(1_000_000_000)))
        for q in qs:
            if not known:
                q.copy_(randn(*q.shape, dtype=q.dtype))
            _orthogonal(q, state.orthogonalization_epsilon)
    for m, p, q in zip(matrices, ps, qs, strict=True):
        p.copy_(m @ q)
    _together(ps, lambda flat: all_reduce(flat, group=group))
    for p in ps:
        _orthogonal(p, state.orthogonalization_epsilon)
    for m, p, q in zip(matrices, ps, qs, strict=True):
        q.copy_(m.t() @ p)
    _together(qs, lambda flat: _averaged(flat, group))
    for m, p, q in zip(matrices, ps, qs, strict=True):
        m.copy_(p @ q.t())


def _with_error(state: PowerSGDState, index: int, gradients: Tensor) -> Tensor | None:
    """Add what was lost in the step before; the gradients so, for what will be lost in this."""
    if not state.use_error_feedback:
        return None
    if index in state.error_dict:
        gradients.add_(state.error_dict[index])
    return gradients.clone()


def powerSGD_hook(state: PowerSGDState, bucket: GradBucket) -> Future[Tensor]:
    """The average, matrices in low rank; at first, and what would hardly be smaller, as it is."""
    group = _resolve(state.process_group)
    gradients, index = bucket.buffer(), bucket.index()
    if state.iter < state.start_powerSGD_iter:
        state.maybe_increase_iter(bucket)
        return allreduce_hook(group, bucket)
    before = _with_error(state, index, gradients)
    matrices, ranks, others = [], [], []
    for gradient in bucket.gradients():
        matrix = gradient.view(gradient.shape[0], -1) if gradient.dim() else gradient.view(1, 1)
        rank = _rank_of(matrix.shape[0], matrix.shape[1], state)
        state.total_numel_before_compression += gradient.numel()
        if rank is None:
            others.append(gradient)
            state.total_numel_after_compression += gradient.numel()
        else:
            matrices.append(matrix)
            ranks.append(rank)
            state.total_numel_after_compression += sum(matrix.shape) * rank
    # Matrices of one shape after each other, as random numbers are drawn for them.
    shapes = list(dict.fromkeys(m.shape for m in matrices))
    order = sorted(range(len(matrices)), key=lambda i: shapes.index(matrices[i].shape))
    matrices, ranks = [matrices[i] for i in order], [ranks[i] for i in order]
    _together(others, lambda flat: _averaged(flat, group))
    _approximated(state, index, matrices, ranks, group)
    if before is not None:
        state.error_dict[index] = before - gradients
    if not state.warm_start:
        state.p_memory_dict.clear()
        state.q_memory_dict.clear()
    state.maybe_increase_iter(bucket)
    return noop_hook(None, bucket)


def batched_powerSGD_hook(state: PowerSGDState, bucket: GradBucket) -> Future[Tensor]:
    """The average, all of a bucket as one square matrix in low rank."""
    group = _resolve(state.process_group)
    gradients, index = bucket.buffer(), bucket.index()
    if state.iter < state.start_powerSGD_iter:
        state.maybe_increase_iter(bucket)
        return allreduce_hook(group, bucket)
    side = math.ceil(math.sqrt(gradients.numel()))
    square = zeros(side * side, dtype=gradients.dtype)
    square[: gradients.numel()].copy_(gradients)
    before = _with_error(state, index, square)
    matrix, rank = square.view(side, side), min(state.matrix_approximation_rank, side)
    state.total_numel_before_compression += gradients.numel()
    state.total_numel_after_compression += side * rank * 2
    _approximated(state, index, [matrix], [rank], group)
    if before is not None:
        state.error_dict[index] = before - square
    gradients.copy_(square[: gradients.numel()])
    state.maybe_increase_iter(bucket)
    return noop_hook(None, bucket)
