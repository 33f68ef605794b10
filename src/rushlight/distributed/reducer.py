"""Gradients of one backward, averaged over processes in buckets that leave while the backward goes on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rushlight._tensor import Tensor
from rushlight.core.doors import into, read
from rushlight.core.node import Node
from rushlight.core.tensor import Array, wrap
from rushlight.distributed.groups import ProcessGroup
from rushlight.distributed.reducing import ReduceOp, arrived, sent
from rushlight.distributed.wire import Pending, watch
from rushlight.primitives import writing

_MB = 1024 * 1024


class _Bucket:
    """Some of the parameters, in order of which their gradients are expected, and the room for them."""

    def __init__(self, members: Sequence[int], parameters: Sequence[Tensor]) -> None:
        self.members = list(members)
        ends = np.cumsum([parameters[i].numel() for i in self.members])
        self.places = {
            i: slice(int(end) - parameters[i].numel(), int(end))
            for i, end in zip(members, ends, strict=True)
        }
        self.flat = np.zeros(int(ends[-1]), parameters[self.members[0]].dtype.numpy)
        self.waiting = len(self.members)
        self.work: Any = None
        self.buffer: Array = self.flat


class GradBucket:
    """A bucket as a hook of communication sees it."""

    def __init__(self, reducer: Reducer, bucket: _Bucket, index: int) -> None:
        self._reducer, self._bucket, self._index = reducer, bucket, index
        self._buffer = wrap(bucket.flat)

    def index(self) -> int:
        """Its number, of those that are sent in one backward."""
        return self._index

    def buffer(self) -> Tensor:
        """All gradients in it, one after the other."""
        return self._buffer

    def set_buffer(self, buffer: Tensor) -> None:
        """Take another tensor for them."""
        self._buffer = buffer

    def gradients(self) -> list[Tensor]:
        """The gradients, as views of the buffer."""
        shapes = [p.shape for p in self.parameters()]
        places = self._bucket.places.values()
        return [
            self._buffer[place].view(shape) for place, shape in zip(places, shapes, strict=True)
        ]

    def parameters(self) -> list[Tensor]:
        """The parameters."""
        return [self._reducer.parameters[i] for i in self._bucket.members]

    def is_last(self) -> bool:
        """Whether it is the last of a backward."""
        return self._index == len(self._reducer.buckets) - 1


class Reducer:
    """Averages the gradients of parameters over the processes of a group, once in each backward that is told of.

    `prepare` tells that one is to come, with the numbers of the parameters that it will not reach. Buckets are
    sent in the same order everywhere.
    """

    def __init__(
        self, parameters: Sequence[Tensor], group: ProcessGroup, cap_mb: float | None, at_once: bool = True,
        as_views: bool = False,
    ) -> None:  # fmt: skip
        self.parameters, self.group, self.as_views = list(parameters), group, as_views
        self.wire = group._wire
        self.limits = [1 * _MB, 25 * _MB] if cap_mb is None else [cap_mb * _MB]
        # In the first backward all is in one bucket (at_once); that tells the order in which gradients come.
        self.order: list[int] | None = [] if at_once else None
        every = range(len(self.parameters))
        shares = _shares(self.parameters, every, [math.inf] if at_once else self.limits)
        self._fill(sorted(shares, key=min, reverse=True))
        self.hook: tuple[Any, Callable[..., Any]] | None = None
        self.divisor = group.size()
        self.expecting = self.begun = False
        self.next = 0
        self.unused: Array | None = None
        self.arrived: set[int] = set()
        self._handles = [
            parameter.register_post_accumulate_grad_hook(self._hook_of(i))
            for i, parameter in enumerate(self.parameters)
        ]

    def _fill(self, shares: Sequence[Sequence[int]]) -> None:
        self.buckets = [_Bucket(members, self.parameters) for members in shares]
        self.bucket_of = {i: bucket for bucket in self.buckets for i in bucket.members}

    def _share_anew(self) -> None:
        """Buckets in the order in which the gradients came to the first process."""
        came = np.array(self.order, np.int64)
        self.order = None
        if self.group.size() > 1:
            self.wire.broadcast(came, 0).wait()
        self._fill(_shares(self.parameters, came.tolist(), self.limits))

    def _hook_of(self, i: int) -> Callable[[Tensor], None]:
        return lambda parameter: self._ready(i)

    def missing(self) -> list[int]:
        """The parameters that the last backward has not reached, if it was not finished for them."""
        return (
            [i for i in range(len(self.parameters)) if i not in self.arrived] if self.begun else []
        )

    def prepare(self, unused: Sequence[int] | None = None) -> None:
        """A backward is to come. unused (None: nobody looked) are not reached by it here."""
        if self.order is not None and len(self.order) == len(self.parameters):
            self._share_anew()
        self.expecting, self.begun, self.next = True, False, 0
        self.arrived = set()
        for bucket in self.buckets:
            bucket.waiting, bucket.work = len(bucket.members), None
        self.unused = None
        if unused is not None:
            self.unused = np.zeros(len(self.parameters), np.int32)
            self.unused[[i for i in range(len(self.parameters)) if i not in set(unused)]] = 1
            self._left_out = list(unused)

    def _ready(self, i: int) -> None:
        if not self.expecting:
            return
        if not self.begun:
            self.begun = True
            for left_out in self._left_out if self.unused is not None else ():
                self._take(left_out, None)
        if i not in self.arrived:
            self._take(i, self.parameters[i].grad)
        if self.next == len(self.buckets):
            self._finish()

    def _take(self, i: int, grad: Tensor | None) -> None:
        """A gradient goes into its bucket, and the bucket on its way when it is full."""
        self.arrived.add(i)
        if self.order is not None:
            self.order.append(i)
        bucket = self.bucket_of[i]
        room = bucket.flat[bucket.places[i]]
        if self.hook is None and self.group.size() == 1:
            pass  # what one process has is the average
        elif grad is None:
            room[...] = 0
        else:
            values = read(grad, "it is averaged over processes").reshape(-1)
            factor = (
                1
                if self.hook is not None or self.divisor == 1
                else room.dtype.type(1 / self.divisor)
            )
            np.multiply(values, factor, out=room, casting="unsafe")
        bucket.waiting -= 1
        while self.next < len(self.buckets) and not self.buckets[self.next].waiting:
            self._send(self.next)
            self.next += 1

    def _send(self, number: int) -> None:
        bucket = self.buckets[number]
        if self.hook is not None:
            state, hook = self.hook
            bucket.work = hook(state, GradBucket(self, bucket, number))
            if not callable(getattr(bucket.work, "wait", None)):
                raise RuntimeError(
                    f"the communication hook gives {bucket.work!r}, where a Future of a tensor is to come"
                )
            return
        if bucket.flat.dtype.kind == "V" or bucket.flat.dtype.itemsize == 2:
            bucket.buffer, _ = sent(bucket.flat, ReduceOp.SUM)
        bucket.work = self.wire.reduce_all(bucket.buffer, "SUM")
        watch(bucket.work)

    def _finish(self) -> None:
        """Wait for what is under way, and hand the averages out."""
        self.expecting = self.begun = False
        used = None
        if self.unused is not None:
            used = self.unused.copy()
            self.wire.reduce_all(used, "SUM").wait()
        for bucket in self.buckets:
            flat = self._come(bucket)
            whole = wrap(flat)
            if self.hook is None and self.group.size() == 1:
                continue
            for i, place in bucket.places.items():
                if used is None or used[i]:
                    self._hand(self.parameters[i], flat[place], whole[place])

    def _come(self, bucket: _Bucket) -> Array:
        if not isinstance(bucket.work, Pending):
            result = bucket.work.wait()
            result = result[0] if isinstance(result, list | tuple) else result
            values = read(result.detach(), "gradients are handed out")
            np.copyto(bucket.flat, values.reshape(-1).astype(bucket.flat.dtype, copy=False))
        else:
            bucket.work.wait()
            if bucket.buffer is not bucket.flat:
                np.copyto(bucket.flat, arrived(bucket.buffer, bucket.flat, ReduceOp.SUM, 1))
        bucket.work = None
        return bucket.flat

    def _hand(self, parameter: Tensor, values: Array, view: Tensor) -> None:
        values = values.reshape(parameter.shape)
        if self.as_views:
            parameter.grad = view.view(parameter.shape)
        elif parameter.grad is None:
            parameter.grad = wrap(values.copy())
        else:
            into(parameter.grad, writing.copy, values)

    def shadow(self, with_unused: bool) -> None:
        """Do with zeros what the others do in a backward, of which this process has none."""
        self.prepare([] if not with_unused else range(len(self.parameters)))
        for i in range(len(self.parameters)):
            self._take(i, None)
        self.expecting = self.begun = False
        if with_unused:
            self.wire.reduce_all(np.zeros(len(self.parameters), np.int32), "SUM").wait()
        for bucket in self.buckets:
            self._come(bucket)

    def __del__(self) -> None:
        for handle in self.__dict__.get("_handles", ()):
            handle.remove()


def _shares(
    parameters: Sequence[Tensor], order: Sequence[int], limits: Sequence[float]
) -> list[list[int]]:
    """The parameters in this order, in buckets of one type, up to the first limit, then to the next."""
    done: list[list[int]] = []
    filling: dict[Any, tuple[list[int], int, int]] = {}
    for i in order:
        parameter = parameters[i]
        members, size, full = filling.get(parameter.dtype, ([], 0, 0))
        members.append(i)
        size += parameter.numel() * parameter.element_size()
        if size >= limits[min(full, len(limits) - 1)]:
            done.append(members)
            members, size, full = [], 0, full + 1
        filling[parameter.dtype] = members, size, full
    return done + [members for members, _, _ in filling.values() if members]


def unreached(outputs: Any, parameters: Sequence[Tensor]) -> list[int]:
    """The numbers of the parameters that no backward from these outputs can reach."""
    from rushlight.utils.trees import tree_leaves

    seen: set[Any] = set()
    stack: list[Any] = [
        t if t._node_ is None else t._node_
        for t in tree_leaves(outputs)
        if isinstance(t, Tensor) and t.requires_grad
    ]
    while stack:
        place = stack.pop()
        if place is None or id(place) in seen:
            continue
        seen.add(id(place))
        if isinstance(place, Node):
            stack.extend(place._edges)
    return [i for i, parameter in enumerate(parameters) if id(parameter) not in seen]
