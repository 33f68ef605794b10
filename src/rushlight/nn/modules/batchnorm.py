"""Batch normalization (Ioffe and Szegedy 2015), with running statistics for evaluation."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.core.doors import literal, number
from rushlight.nn import functional as F
from rushlight.nn.modules.lazy import LazyModuleMixin
from rushlight.nn.modules.module import Module
from rushlight.nn.modules.utils import register_affine, reset_affine
from rushlight.nn.parameter import Parameter, UninitializedBuffer, UninitializedParameter
from rushlight.ops.creation import zeros

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "LazyBatchNorm1d",
    "LazyBatchNorm2d",
    "LazyBatchNorm3d",
    "SyncBatchNorm",
]

Dtype = dtypes.dtype | None


class _NormBase(Module):
    """Weight and bias per channel, and running mean and variance: batch and instance norm."""

    __constants__ = ["track_running_stats", "momentum", "eps", "num_features", "affine"]

    __shown__ = "*num_features eps momentum affine bias track_running_stats"

    _version = 2
    weight: Tensor | None
    bias: Tensor | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None
    # The ranks of input that are accepted.
    ranks: tuple[int, ...] = ()

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Dtype = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        register_affine(self, affine, affine and bias, (num_features,), device, dtype)
        storage = (dtypes.get_default_dtype() if dtype is None else dtype).numpy
        tracked = track_running_stats
        self.register_buffer(
            "running_mean", _buffer(num_features, storage, device) if tracked else None
        )
        self.register_buffer(
            "running_var", _buffer(num_features, storage, device) if tracked else None
        )
        self.register_buffer(
            "num_batches_tracked", _buffer((), np.dtype(np.int64), device) if tracked else None
        )
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget all batches: mean 0, variance 1."""
        if self.running_mean is not None and self.running_var is not None:
            self.running_mean.zero_()
            self.running_var.fill_(1)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Weight 1, bias 0, and no batch seen."""
        self.reset_running_stats()
        reset_affine(self)

    def _check_input_dim(self, input: Tensor) -> None:
        if self.ranks and input.dim() not in self.ranks:
            wanted = " or ".join(f"{rank}D" for rank in self.ranks)
            raise ValueError(f"expected {wanted} input (got {input.dim()}D input)")

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, local_metadata: dict[str, Any], *rest: Any
    ) -> None:
        # States older than version 2 do not count batches.
        key = prefix + "num_batches_tracked"
        version = local_metadata.get("version")
        old = version is None or version < 2
        if old and self.track_running_stats and key not in state_dict:
            count = self.num_batches_tracked
            state_dict[key] = literal(np.array(0, np.int64)) if count is None else count
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)


def _buffer(size: Any, storage: np.dtype[Any], device: Any) -> Tensor:
    return zeros(size, dtype=dtypes.of(storage), device=device)


class _BatchNorm(_NormBase):
    def forward(self, input: Tensor) -> Tensor:
        """(N, C, *) to the same shape, each channel with mean 0 and variance 1, scaled and shifted.

        While training with the batch's statistics, which also move the running ones by momentum
        (None: the plain average of all batches); else with the running ones.
        """
        self._check_input_dim(input)
        momentum = 0.0 if self.momentum is None else self.momentum
        mean, var = self.running_mean, self.running_var
        training = self.training
        if training:
            if self.track_running_stats:
                count = self.num_batches_tracked
                if count is not None:
                    count.add_(1)
                    if self.momentum is None:
                        momentum = 1.0 / number(count, "the number of batches")
            else:
                mean = var = None
        elif mean is None and var is None:
            training = True
        return F.batch_norm(input, mean, var, self.weight, self.bias, training, momentum, self.eps)


class BatchNorm1d(_BatchNorm):
    """Normalize each channel of (N, C) or (N, C, L) over the batch.

    >>> import rushlight as torch
    >>> x = torch.tensor([[1.0], [3.0]])
    >>> torch.nn.BatchNorm1d(1)(x).detach()
    tensor([[-1.0000],
            [ 1.0000]])
    """

    ranks = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Normalize each channel of (N, C, H, W) over the batch and all pixels."""

    ranks = (4,)


class BatchNorm3d(_BatchNorm):
    """Normalize each channel of (N, C, D, H, W) over the batch and all voxels."""

    ranks = (5,)


class SyncBatchNorm(_BatchNorm):
    """Batch norm over the batches of all processes of a group, on which all must have a turn."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: Any = None,
        device: Any = None,
        dtype: Dtype = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias
        )
        self.process_group = process_group

    def forward(self, input: Tensor) -> Tensor:
        """Normalize by the mean and variance of all."""
        from rushlight.distributed.nn.synced import normalized

        return normalized(self, input, super().forward)

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() < 2:
            raise ValueError(f"expected at least 2D input (got {input.dim()}D input)")

    @classmethod
    def convert_sync_batchnorm(cls, module: Module, process_group: Any = None) -> Module:
        """The module with every BatchNorm in it replaced by a SyncBatchNorm of the same state."""
        converted = module
        if isinstance(module, _BatchNorm):
            synced = cls(
                module.num_features, module.eps, module.momentum, module.affine,
                module.track_running_stats, process_group, bias=module.bias is not None,
            )  # fmt: skip
            synced._parameters.update(module._parameters)
            synced._buffers.update(module._buffers)
            synced.training = module.training
            converted = synced
        for name, child in module.named_children():
            converted.add_module(name, cls.convert_sync_batchnorm(child, process_group))
        return converted


class _LazyNormBase(LazyModuleMixin, _NormBase):
    """Takes num_features from the second dimension of the first input."""

    weight: UninitializedParameter | Parameter | None
    bias: UninitializedParameter | Parameter | None

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Dtype = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, False, False, device, dtype)
        self.affine = affine
        self.track_running_stats = track_running_stats
        if affine:
            self.weight = UninitializedParameter(device=device, dtype=dtype)
            if bias:
                self.bias = UninitializedParameter(device=device, dtype=dtype)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(device=device, dtype=dtype)
            self.running_var = UninitializedBuffer(device=device, dtype=dtype)
            self.num_batches_tracked = literal(np.array(0, np.int64))

    def reset_parameters(self) -> None:
        """Weight 1, bias 0, and no batch seen, once the shapes are known."""
        if not self.has_uninitialized_params() and self.num_features != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:
        """Take num_features from input."""
        self.num_features = self.num_features or input.shape[1]
        if self.has_uninitialized_params():
            for tensor in (*self._parameters.values(), *self._buffers.values()):
                if isinstance(tensor, (UninitializedParameter, UninitializedBuffer)):
                    tensor.materialize((self.num_features,))
            self.reset_parameters()


class LazyBatchNorm1d(_LazyNormBase, _BatchNorm):
    """BatchNorm1d that learns num_features from its first input."""

    cls_to_become = BatchNorm1d
    ranks = (2, 3)


class LazyBatchNorm2d(_LazyNormBase, _BatchNorm):
    """BatchNorm2d that learns num_features from its first input."""

    cls_to_become = BatchNorm2d
    ranks = (4,)


class LazyBatchNorm3d(_LazyNormBase, _BatchNorm):
    """BatchNorm3d that learns num_features from its first input."""

    cls_to_become = BatchNorm3d
    ranks = (5,)
