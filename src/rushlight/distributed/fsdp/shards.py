"""`fully_shard`: each process keeps a part of every parameter, and the whole only while it is used.

A parameter becomes its part along the first dimension. Before a module runs, the parts of all are gathered by a
function whose backward sums the gradients and gives each process its part; what backward needs of the whole
is not kept after the forward but gathered again, by hooks on saved tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, cast

from rushlight._tensor import Tensor
from rushlight.absent import refused
from rushlight.autograd.function import Function
from rushlight.autograd.graph import saved_tensors_hooks
from rushlight.autograd.state import no_grad
from rushlight.distributed.collectives import all_gather_single, reduce_scatter_single
from rushlight.distributed.device_mesh import DeviceMesh
from rushlight.distributed.groups import ProcessGroup, _get_default_group
from rushlight.distributed.utils import _sync_module_states
from rushlight.nn.modules.module import Module
from rushlight.nn.parameter import Parameter

UnshardHandle = refused("UnshardHandle", "unshard() has the parameters at once", __name__)
DataParallelMeshDims = refused(
    "DataParallelMeshDims", "a mesh of one side is sharded over", __name__
)


@dataclass(frozen=True)
class MixedPrecisionPolicy:
    """In which types is computed and sent."""

    param_dtype: Any = None
    reduce_dtype: Any = None
    output_dtype: Any = None
    cast_forward_inputs: bool = True


@dataclass
class OffloadPolicy:
    """Nothing is kept elsewhere."""


@dataclass
class CPUOffloadPolicy(OffloadPolicy):
    """Parameters are kept on the CPU, where they are."""

    pin_memory: bool = True


class _Gathered(Function):
    """The whole of a parameter from the parts of all; its gradient is averaged and goes back in parts."""

    @staticmethod
    def forward(ctx: Any, shards: _Shards, part: Tensor) -> Tensor:
        ctx.shards = shards
        return shards.whole(part)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        return None, ctx.shards.averaged(g)


class _Shards:
    """How one parameter is cut: the rows are shared out evenly, and the last processes may have none."""

    def __init__(
        self, parameter: Tensor, group: ProcessGroup, policy: MixedPrecisionPolicy
    ) -> None:
        self.group, self.policy = group, policy
        self.shape = tuple(parameter.shape)
        rows = self.shape[0] if self.shape else 1
        self.each = -(-rows // group.size())
        self.start = min(rows, group.rank() * self.each)
        self.rows = min(rows, self.start + self.each) - self.start
        self.total = rows

    def part_of(self, whole: Tensor) -> Tensor:
        """What this process keeps."""
        return (
            whole.detach()
            .reshape(self.total, *self.shape[1:])
            .narrow(0, self.start, self.rows)
            .clone()
        )

    def _padded(self, rows: Tensor, count: int) -> Tensor:
        padded = rows.new_zeros((count, *self.shape[1:]))
        padded.narrow(0, 0, rows.shape[0]).copy_(rows)
        return padded

    def whole(self, part: Tensor) -> Tensor:
        """The parameter, gathered from all."""
        with no_grad():
            own = part.detach()
            if self.policy.param_dtype is not None:
                own = own.to(self.policy.param_dtype)
            gathered = own.new_empty((self.each * self.group.size(), *self.shape[1:]))
            all_gather_single(gathered, self._padded(own, self.each), self.group)
            return gathered.narrow(0, 0, self.total).reshape(self.shape).clone()

    def averaged(self, g: Tensor) -> Tensor:
        """The part of this process of the average of the gradients."""
        with no_grad():
            rows = g.reshape(self.total, *self.shape[1:])
            if self.policy.reduce_dtype is not None:
                rows = rows.to(self.policy.reduce_dtype)
            own = rows.new_empty((self.each, *self.shape[1:]))
            reduce_scatter_single(
                own, self._padded(rows, self.each * self.group.size()), group=self.group
            )
            return own.narrow(0, 0, self.rows).div(self.group.size()).clone()


class _ShardedParameter(Parameter):
    """The part of a parameter that this process keeps."""

    def to_local(self) -> Tensor:
        """The part."""
        return self

    def detach(self) -> Tensor:
        """The same, of which checkpoints see that it is a part."""
        part = cast(Any, super().detach())
        part._whole = self._whole  # type: ignore[attr-defined]
        return cast(Tensor, part)

    def full_tensor(self) -> Tensor:
        """The whole, which all must ask for."""
        shards: _Shards = self._shards  # type: ignore[attr-defined]
        return shards.whole(self)


class FSDPModule:
    """What a module is besides, whose parameters are sharded."""

    _sharded: dict[tuple[Module, str], Any]

    def unshard(self, async_op: bool = False) -> None:
        """Nothing: a module gathers its parameters when it runs."""

    def reshard(self) -> None:
        """Let go of the whole parameters."""
        _put_back(self)

    def set_requires_gradient_sync(
        self, requires_gradient_sync: bool, *, recurse: bool = True
    ) -> None:
        """True is how it is; False, with which gradients would stay whole, is refused."""
        if not requires_gradient_sync:
            raise NotImplementedError(
                "rushlight's fully_shard sends gradients in each backward: add losses up before it"
            )


def fully_shard(
    module: Module,
    *,
    mesh: DeviceMesh | None = None,
    reshard_after_forward: Any = None,
    shard_placement_fn: Any = None,
    mp_policy: MixedPrecisionPolicy | None = None,
    offload_policy: OffloadPolicy | None = None,
    ignored_params: Any = None,
) -> Module:
    """Shard the parameters of a module that no fully_shard of a submodule has; its own class stays its base.

    reshard_after_forward: False keeps the whole parameters from the forward to the end of the backward.
    """
    if shard_placement_fn is not None:
        raise NotImplementedError(
            "rushlight shards along the first dimension: leave shard_placement_fn away"
        )
    group = _get_default_group() if mesh is None else mesh.get_group()
    policy = mp_policy or MixedPrecisionPolicy()
    ignored = {id(parameter) for parameter in ignored_params or ()}
    _sync_module_states(module, group, 0, _sharded_already(module))
    made: dict[int, Parameter] = {}
    sharded: dict[tuple[Module, str], Any] = {}
    for owner in module.modules():
        for name, parameter in list(owner._parameters.items()):
            if (
                parameter is None
                or isinstance(parameter, _ShardedParameter)
                or id(parameter) in ignored
            ):
                continue
            if id(parameter) not in made:
                made[id(parameter)] = _shard(parameter, group, policy)
            owner._parameters[name] = sharded[owner, name] = made[id(parameter)]
    told = cast(Any, module)
    told.__class__ = type(f"FSDP{type(module).__name__}", (FSDPModule, type(module)), {})
    object.__setattr__(module, "_sharded", sharded)
    object.__setattr__(module, "_keeps", reshard_after_forward is False)
    object.__setattr__(module, "_policy", policy)
    object.__setattr__(module, "_running", None)
    module.register_forward_pre_hook(_before, with_kwargs=True)
    module.register_forward_hook(_after, always_call=True)
    return module


def _sharded_already(module: Module) -> set[str]:
    return {name for name, p in module.named_parameters() if isinstance(p, _ShardedParameter)}


def _shard(parameter: Tensor, group: ProcessGroup, policy: MixedPrecisionPolicy) -> Parameter:
    shards = _Shards(parameter, group, policy)
    part = _ShardedParameter(shards.part_of(parameter), requires_grad=parameter.requires_grad)
    told = cast(Any, part)
    told._shards, told._whole = shards, (shards.start, shards.shape)
    return part


def _before(module: Any, args: Any, kwargs: Any) -> Any:
    """The whole parameters take the places of the parts while the module runs."""
    wholes: dict[int, Tensor] = {}
    for (owner, name), part in module._sharded.items():
        if id(part) not in wholes:
            wholes[id(part)] = cast(Tensor, _Gathered.apply(part._shards, part))
        owner._parameters.pop(name, None)
        owner.__dict__[name] = wholes[id(part)]
    object.__setattr__(module, "_running", ExitStack())
    if not module._keeps:
        parts = {id(part): part for part in module._sharded.values()}
        saved = {wholes[i].untyped_storage().data_ptr(): part for i, part in parts.items()}
        module._running.enter_context(saved_tensors_hooks(_pack(saved), _unpack))
    dtype = module._policy.param_dtype
    if dtype is None or not module._policy.cast_forward_inputs:
        return None
    from rushlight.utils.trees import tree_map_only

    return tree_map_only(
        Tensor, lambda t: t.to(dtype) if t.is_floating_point() else t, (args, kwargs)
    )


class _Place:
    """A view of a whole parameter, which is not kept."""

    def __init__(self, part: Any, view: Tensor) -> None:
        self.part = part
        self.geometry = view.shape, view.stride(), view.storage_offset()


def _pack(saved: dict[int, Any]) -> Callable[[Tensor], Any]:
    def pack(tensor: Tensor) -> Any:
        part = saved.get(tensor.untyped_storage().data_ptr())
        return tensor if part is None else _Place(part, tensor)

    return pack


def _unpack(packed: Any) -> Tensor:
    if not isinstance(packed, _Place):
        return packed
    return packed.part._shards.whole(packed.part).as_strided(*packed.geometry)


def _after(module: Any, args: Any, result: Any) -> Any:
    _put_back(module)
    dtype = module._policy.output_dtype
    return result.to(dtype) if dtype is not None and isinstance(result, Tensor) else None


def _put_back(module: Any) -> None:
    if module._running is None:
        return
    module._running.close()
    object.__setattr__(module, "_running", None)
    for (owner, name), part in module._sharded.items():
        owner.__dict__.pop(name, None)
        owner._parameters[name] = part


def register_fsdp_forward_method(module: Any, method_name: str) -> None:
    """Let a method gather the parameters as forward does."""
    if not isinstance(module, FSDPModule):
        return
    method = getattr(module, method_name)

    def gathering(*args: Any, **kwargs: Any) -> Any:
        given = _before(module, args, kwargs)
        args, kwargs = (args, kwargs) if given is None else given
        try:
            return method(*args, **kwargs)
        finally:
            _put_back(module)

    object.__setattr__(module, method_name, gathering)


def share_comm_ctx(modules: Any) -> None:
    """Nothing: what is sent waits for nobody."""
