"""Hooks that average a bucket: as it is, or in fewer bits on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.distributed.collectives import all_reduce
from rushlight.distributed.groups import _resolve
from rushlight.distributed.reducer import GradBucket
from rushlight.futures import Future

__all__ = [
    "allreduce_hook", "bf16_compress_hook", "bf16_compress_wrapper", "fp16_compress_hook", "fp16_compress_wrapper",
]  # fmt: skip


def _averaged(process_group: Any, tensor: Tensor) -> Future[Tensor]:
    group = _resolve(process_group)
    tensor.div_(group.size())
    work: Any = all_reduce(tensor, group=group, async_op=True)
    return work.get_future().then(lambda future: future.value()[0])


def allreduce_hook(process_group: Any, bucket: GradBucket) -> Future[Tensor]:
    """The average, as without a hook."""
    return _averaged(process_group, bucket.buffer())


def _compressed(process_group: Any, bucket: GradBucket, dtype: dtypes.dtype) -> Future[Tensor]:
    buffer = bucket.buffer()
    averaged = _averaged(process_group, buffer.to(dtype))
    return averaged.then(lambda future: buffer.copy_(future.value()))


def fp16_compress_hook(process_group: Any, bucket: GradBucket) -> Future[Tensor]:
    """The average of the gradients in float16."""
    return _compressed(process_group, bucket, dtypes.float16)


def bf16_compress_hook(process_group: Any, bucket: GradBucket) -> Future[Tensor]:
    """The average of the gradients in bfloat16."""
    return _compressed(process_group, bucket, dtypes.bfloat16)


def _wrapped(hook: Callable[..., Any], dtype: dtypes.dtype) -> Callable[..., Any]:
    def compressing(state: Any, bucket: GradBucket) -> Future[Tensor]:
        buffer = bucket.buffer()
        bucket.set_buffer(buffer.to(dtype))
        return hook(state, bucket).then(lambda future: buffer.copy_(future.value()))

    return compressing


def fp16_compress_wrapper(hook: Callable[..., Any]) -> Callable[..., Any]:
    """The hook, on gradients in float16."""
    return _wrapped(hook, dtypes.float16)


def bf16_compress_wrapper(hook: Callable[..., Any]) -> Callable[..., Any]:
    """The hook, on gradients in bfloat16."""
    return _wrapped(hook, dtypes.bfloat16)
