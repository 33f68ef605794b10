"""A group of processes: who is in it, and by methods what `torch.distributed` has as functions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rushlight.distributed.reducing import ReduceOp, Work

if TYPE_CHECKING:
    from rushlight.distributed.store import Store
    from rushlight.distributed.wire import Wire


def _calls() -> Any:
    """The functions, which know of groups themselves."""
    from rushlight.distributed import collectives

    return collectives


def _one(tensors: Any) -> Any:
    """The tensor of a list of one, which is what these methods take."""
    return tensors[0] if isinstance(tensors, list) else tensors


def _op(said: Any) -> Any:
    return getattr(said, "reduceOp", said)


def _rank(said: Any) -> int:
    return int(getattr(said, "rootRank", said))


class ProcessGroup:
    """Processes that work together. Its methods begin something and give a `Work`."""

    bound_device_id = None

    def __init__(
        self, backend: str, name: str, description: str, store: Store | None, wire: Wire,
        ranks: Sequence[int],
    ) -> None:  # fmt: skip
        self._backend = backend
        self.group_name = name
        self.group_desc = description
        self._store = store
        self._wire = wire
        self._ranks = list(ranks)

    def rank(self) -> int:
        """The number of this process in it."""
        return self._wire.rank

    def size(self) -> int:
        """How many there are."""
        return self._wire.size

    def name(self) -> str:
        """The name of the backend."""
        return self._backend

    def get_group_store(self) -> Store | None:
        """The store by which they met."""
        return self._store

    def set_timeout(self, timeout: timedelta) -> None:
        """How long its collectives are waited for."""
        self._wire.timeout = timeout

    def abort(self) -> None:
        """Nothing: what is under way ends by itself."""

    def shutdown(self) -> None:
        """Nothing: `destroy_process_group` lets the group go."""

    def allreduce(self, tensors: Any, opts: Any = ReduceOp.SUM, timeout: Any = None) -> Work:
        """`all_reduce`."""
        return _calls().all_reduce(_one(tensors), _op(opts), self, True)

    def allreduce_coalesced(self, tensors: Any, opts: Any = ReduceOp.SUM) -> Work:
        """`all_reduce` of several tensors."""
        return _calls().all_reduce_coalesced(tensors, _op(opts), self, True)

    def broadcast(self, tensors: Any, root: Any = 0, timeout: Any = None) -> Work:
        """`broadcast` from a rank of the group."""
        return _calls().broadcast(_one(tensors), None, self, True, _rank(root))

    def reduce(
        self, tensors: Any, root: Any = 0, op: Any = ReduceOp.SUM, timeout: Any = None
    ) -> Work:
        """`reduce` to a rank of the group."""
        return _calls().reduce(_one(tensors), None, _op(op), self, True, _rank(root))

    def allgather(self, output_tensors: Any, input_tensor: Any, timeout: Any = None) -> Work:
        """`all_gather`: a list for each tensor of a list, or one list and one tensor."""
        listed = isinstance(input_tensor, list)
        return _calls().all_gather(
            output_tensors[0] if listed else output_tensors, _one(input_tensor), self, True
        )

    def _allgather_base(self, output: Any, input: Any, opts: Any = None) -> Work:
        """`all_gather_single`."""
        return _calls().all_gather_single(output, input, self, True)

    def gather(self, output_tensors: Any, input_tensor: Any, root: Any = 0) -> Work:
        """`gather` to a rank of the group."""
        outputs = _one(output_tensors) if isinstance(input_tensor, list) else output_tensors
        return _calls().gather(_one(input_tensor), outputs or None, None, self, True, _rank(root))

    def scatter(self, output_tensors: Any, input_tensors: Any, root: Any = 0) -> Work:
        """`scatter` from a rank of the group."""
        inputs = _one(input_tensors) if isinstance(output_tensors, list) else input_tensors
        return _calls().scatter(_one(output_tensors), inputs or None, None, self, True, _rank(root))

    def reduce_scatter(
        self, output_tensors: Any, input_tensors: Any, op: Any = ReduceOp.SUM
    ) -> Work:
        """`reduce_scatter`."""
        inputs = input_tensors[0] if isinstance(output_tensors, list) else input_tensors
        return _calls().reduce_scatter(_one(output_tensors), inputs, _op(op), self, True)

    def _reduce_scatter_base(self, output: Any, input: Any, opts: Any = ReduceOp.SUM) -> Work:
        """`reduce_scatter_single`."""
        return _calls().reduce_scatter_single(output, input, _op(opts), self, True)

    def alltoall(self, output_tensors: Any, input_tensors: Any) -> Work:
        """`all_to_all`."""
        return _calls().all_to_all(output_tensors, input_tensors, self, True)

    def alltoall_base(self, output: Any, input: Any, output_sizes: Any, input_sizes: Any) -> Work:
        """`all_to_all_single`."""
        return _calls().all_to_all_single(output, input, output_sizes, input_sizes, self, True)

    def send(self, tensors: Any, dst: int, tag: int = 0) -> Work:
        """`isend` to a rank of the group."""
        from rushlight.distributed import peers

        return peers.isend(_one(tensors), None, self, tag, dst)  # type: ignore[return-value]

    def recv(self, tensors: Any, src: int, tag: int = 0) -> Work:
        """`irecv` from a rank of the group."""
        from rushlight.distributed import peers

        return peers.irecv(_one(tensors), None, self, tag, src)  # type: ignore[return-value]

    def recv_anysource(self, tensors: Any, tag: int = 0) -> Work:
        """`irecv` from anybody."""
        from rushlight.distributed import peers

        return peers.irecv(_one(tensors), None, self, tag)  # type: ignore[return-value]

    def barrier(self, opts: Any = None, timeout: Any = None) -> Work:
        """`barrier`."""
        return _calls().barrier(self, True)
