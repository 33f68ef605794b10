"""How the values of several processes become one, what can go wrong between them, and what is begun and waited for."""

from __future__ import annotations

from datetime import timedelta
from enum import IntEnum
from typing import Any

import numpy as np

from rushlight.core.tensor import Array
from rushlight.errors import warn


class DistError(RuntimeError):
    """What goes wrong between processes."""


class DistBackendError(DistError):
    """What goes wrong in a backend."""


class DistNetworkError(DistError):
    """What goes wrong on the network."""


class DistStoreError(DistError):
    """What goes wrong in a store."""


class QueueEmptyError(DistStoreError):
    """A queue of a store has nothing."""


class RedOpType(IntEnum):
    """How the values of several processes become one."""

    SUM = 0
    AVG = 1
    PRODUCT = 2
    MIN = 3
    MAX = 4
    BAND = 5
    BOR = 6
    BXOR = 7
    PREMUL_SUM = 8

    def __str__(self) -> str:
        return f"RedOpType.{self.name}"

    def __repr__(self) -> str:
        return f"<RedOpType.{self.name}: {self.value}>"


class ReduceOp:
    """How the values of several processes become one: `ReduceOp.SUM` and its kind."""

    RedOpType = RedOpType
    SUM = RedOpType.SUM
    AVG = RedOpType.AVG
    PRODUCT = RedOpType.PRODUCT
    MIN = RedOpType.MIN
    MAX = RedOpType.MAX
    BAND = RedOpType.BAND
    BOR = RedOpType.BOR
    BXOR = RedOpType.BXOR
    PREMUL_SUM = RedOpType.PREMUL_SUM

    factor: Any = None

    def __init__(self, op: Any) -> None:
        if not isinstance(op, RedOpType):
            raise TypeError(f"ReduceOp is made of one of its kinds, as ReduceOp.SUM, not of {op!r}")
        self.op = op

    def __int__(self) -> int:
        return int(self.op)

    def __eq__(self, other: object) -> bool:
        return int(self) == (int(other) if isinstance(other, ReduceOp | int) else other)

    def __hash__(self) -> int:
        return hash(int(self))


def _make_nccl_premul_sum(factor: Any) -> ReduceOp:
    """A sum of what each process has, times its factor (a number, or a tensor of one)."""
    made = ReduceOp(RedOpType.PREMUL_SUM)
    made.factor = factor
    return made


class _Older:
    """An attribute that says that it is old."""

    def __init__(self, op: RedOpType) -> None:
        self.op = op

    def __get__(self, instance: object, owner: type) -> RedOpType:
        warn(
            "`torch.distributed.reduce_op` is deprecated, please use `torch.distributed.ReduceOp` instead",
            FutureWarning,
        )
        return self.op


class reduce_op:
    """The older name of `ReduceOp`."""

    SUM = _Older(RedOpType.SUM)
    PRODUCT = _Older(RedOpType.PRODUCT)
    MIN = _Older(RedOpType.MIN)
    MAX = _Older(RedOpType.MAX)


def supports_complex(reduceOp: Any) -> bool:
    """Whether complex numbers can be reduced so."""
    return int(reduceOp) in (RedOpType.SUM, RedOpType.AVG, RedOpType.PREMUL_SUM)


# What MPI calls it; truth values go as bytes of 0 and 1.
_MPI = {"SUM": "SUM", "AVG": "SUM", "PREMUL_SUM": "SUM", "PRODUCT": "PROD", "MIN": "MIN", "MAX": "MAX",
        "BAND": "BAND", "BOR": "BOR", "BXOR": "BXOR"}  # fmt: skip
_OF_TRUTH = {**_MPI, "SUM": "MAX", "PRODUCT": "MIN", "BAND": "MIN", "BOR": "MAX"}


def sent(values: Array, op: Any) -> tuple[Array, str]:
    """A copy of values as MPI reduces them, and MPI's name for op.

    Floats of 16 bits, which MPI knows in part, are added up in float32 and rounded once.
    """
    kind = RedOpType(int(op))
    name = (_OF_TRUTH if values.dtype.kind == "b" else _MPI)[kind.name]
    if values.dtype.kind == "b":
        carried: Any = np.uint8
    elif values.dtype.kind == "V" or (values.dtype.itemsize == 2 and values.dtype.kind == "f"):
        carried = np.float32
    else:
        carried = values.dtype
    buffer = np.array(values, carried, order="C", copy=True)
    if kind is RedOpType.PREMUL_SUM:
        buffer *= buffer.dtype.type(
            op.factor if not hasattr(op.factor, "item") else op.factor.item()
        )
    return buffer, name


def arrived(buffer: Array, like: Array, op: Any, size: int) -> Array:
    """What has been reduced, in the type that it had."""
    result = buffer.astype(like.dtype, copy=False)
    if int(op) == RedOpType.AVG:
        result = (result / result.dtype.type(size)).astype(like.dtype, copy=False)
    return result


class Work:
    """What was begun between processes: it goes on by itself, and `wait` returns when it is done."""

    def __init__(self, result: Any = None, pending: Any = None, source: Any = None) -> None:
        self._result, self._pending, self._source = result, pending, source
        self._future: Any = None

    def wait(self, timeout: timedelta | None = None) -> bool:
        """True, when it is done; a RuntimeError if it failed, or timeout has passed."""
        if self._pending is not None:
            self._pending.wait(timeout)
        return True

    def synchronize(self) -> None:
        """Wait."""
        self.wait()

    def is_completed(self) -> bool:
        """Whether it is done."""
        return self._pending is None or self._pending.advance()

    def is_success(self) -> bool:
        """Whether it is done and did not fail."""
        return self.is_completed() and self.exception() is None

    def exception(self) -> BaseException | None:
        """What went wrong."""
        return None if self._pending is None else self._pending.error

    def result(self) -> Any:
        """The tensors that were worked on."""
        if self._result is None:
            raise RuntimeError("result(): what goes from one process to another has none")
        return self._result

    def source_rank(self) -> int:
        """Of what was received: from whom."""
        if self._source is None:
            raise RuntimeError("source_rank() may only be called on the work of a recv")
        return int(self._source())

    def get_future(self) -> Any:
        """A future of the tensors that were worked on."""
        from rushlight.futures import Future

        if self._result is None:
            raise RuntimeError("get_future(): what goes from one process to another has none")
        if self._future is None:
            future: Any = Future()
            self._future = future
            if self._pending is None:
                future.set_result(self._result)
            else:
                self._pending.when_done(lambda error: (
                    future.set_result(self._result) if error is None else future.set_exception(error)))  # fmt: skip
        return self._future
