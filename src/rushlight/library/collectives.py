"""Collectives as operators: `torch.ops._c10d_functional` gives new tensors, `torch.ops.c10d` writes into given ones.

What they give has arrived.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight._tensor import Tensor
from rushlight.distributed import _functional_collectives as functional
from rushlight.distributed import collectives
from rushlight.library import Library


def _gather(input: Tensor, group_size: int, group: Any) -> Tensor:
    return functional.all_gather_tensor(input, 0, group)


def _scatter(input: Tensor, reduce_op: str, group_size: int, group: Any) -> Tensor:
    return functional.reduce_scatter_tensor(input, reduce_op, 0, group)


def _into(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda input, *options: input.copy_(function(input, *options))


def _each(function: Callable[..., Tensor]) -> Callable[..., list[Tensor]]:
    return lambda inputs, *options: [function(input, *options) for input in inputs]


def _by_ranks(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda *given: function(*given[:-3], list(given[-2]))


def _broadcast(tensors: Any, group: Any, root: int, which: int, *options: Any) -> Any:
    return tensors, collectives.broadcast(tensors[which], None, group, True, root)


def _all_reduce(tensors: Any, group: Any, op: Any, indices: Any = None, *options: Any) -> Any:
    return tensors, collectives.all_reduce(tensors[0], op, group, True)


def _all_gather(outputs: Any, inputs: Any, group: Any, *options: Any) -> Any:
    return outputs, collectives.all_gather(outputs[0], inputs[0], group, True)


def _dealt(outputs: Any, inputs: Any, group: Any, root: int, *options: Any) -> Any:
    parts = inputs[0] if inputs else None
    return outputs, collectives.scatter(outputs[0], parts, None, group, True, root)


_GATHERED, _REDUCED = "int group_size, Any group_name", "str reduce_op, Any group_name"
_SCATTERED = "str reduce_op, int group_size, Any group_name"
_FORMS: dict[str, Any] = {
    f"all_reduce(Tensor input, {_REDUCED}) -> Tensor": functional.all_reduce,
    f"all_reduce_(Tensor(a!) input, {_REDUCED}) -> Tensor(a!)": _into(functional.all_reduce),
    f"all_reduce_coalesced(Tensor[] inputs, {_REDUCED}) -> Tensor[]": _each(functional.all_reduce),
    f"all_gather_into_tensor(Tensor input, {_GATHERED}) -> Tensor": _gather,
    f"all_gather_into_tensor_coalesced(Tensor[] inputs, {_GATHERED}) -> Tensor[]": _each(_gather),
    f"reduce_scatter_tensor(Tensor input, {_SCATTERED}) -> Tensor": _scatter,
    f"reduce_scatter_tensor_coalesced(Tensor[] inputs, {_SCATTERED}) -> Tensor[]": _each(_scatter),
    "all_to_all_single(Tensor input, SymInt[] output_split_sizes, SymInt[] input_split_sizes, Any group_name) "
    "-> Tensor": functional.all_to_all_single,
    "broadcast(Tensor input, int src, Any group_name) -> Tensor": functional.broadcast,
    "broadcast_(Tensor(a!) input, int src, Any group_name) -> Tensor(a!)": _into(functional.broadcast),
    "wait_tensor(Tensor tensor) -> Tensor": functional.wait_tensor,
    "_wrap_tensor_autograd(Tensor input) -> Tensor": functional.wait_tensor,
}  # fmt: skip
_GROUP, _WORK = (
    f"__torch__.torch.classes.c10d.{name}" for name in ("ProcessGroup process_group", "Work")
)
_OPTIONS = "bool async_op=True, int timeout=-1"
_IN_PLACE: dict[str, Any] = {
    f"broadcast_(Tensor[] tensors, {_GROUP}, int root_rank, int root_tensor, {_OPTIONS}) -> (Tensor[], {_WORK})":
        _broadcast,
    f"allreduce_(Tensor[] tensors, {_GROUP}, __torch__.torch.classes.c10d.ReduceOp reduce_op, "
    f"Tensor? sparse_indices, {_OPTIONS}) -> (Tensor[], {_WORK})": _all_reduce,
    f"allgather_(Tensor[][] output_tensors, Tensor[] input_tensors, {_GROUP}, {_OPTIONS}) -> "
    f"(Tensor[][], {_WORK})": _all_gather,
    f"scatter_(Tensor[] output_tensors, Tensor[][] input_tensors, {_GROUP}, int root_rank, {_OPTIONS}) -> "
    f"(Tensor[], {_WORK})": _dealt,
}  # fmt: skip
# The older ones say the ranks of a group.
_RANKS = "str tag, int[] ranks, int group_size"
_OLDER: dict[str, Any] = {
    f"all_reduce(Tensor self, str reduceOp, {_RANKS}) -> Tensor": _by_ranks(functional.all_reduce),
    f"all_gather_into_tensor(Tensor shard, {_RANKS}) -> Tensor":
        _by_ranks(lambda shard, group: functional.all_gather_tensor(shard, 0, group)),
    f"reduce_scatter_tensor(Tensor input, str reduceOp, {_RANKS}) -> Tensor":
        _by_ranks(lambda input, op, group: functional.reduce_scatter_tensor(input, op, 0, group)),
    f"broadcast(Tensor self, int src, {_RANKS}) -> Tensor": _by_ranks(functional.broadcast),
    f"all_to_all_single(Tensor input, SymInt[]? output_split_sizes, SymInt[]? input_split_sizes, {_RANKS}) -> Tensor":
        _by_ranks(functional.all_to_all_single),
    "wait_tensor(Tensor self) -> Tensor": functional.wait_tensor,
}  # fmt: skip
_libraries = []
for _space, _forms in (
    ("_c10d_functional", _FORMS),
    ("c10d_functional", _OLDER),
    ("c10d", _IN_PLACE),
):
    _libraries.append(Library(_space, "DEF"))
    for _schema, _kernel in _forms.items():
        _libraries[-1].define(_schema)
        _libraries[-1].impl(_schema.partition("(")[0], _kernel)
