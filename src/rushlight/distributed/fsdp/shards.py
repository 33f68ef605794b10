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
from rushlight.distributed.collectives import all_gather_single, all_reduce, reduce_scatter_single
from rushlight.distributed.device_mesh import DeviceMesh, world_mesh
from rushlight.distributed.tensor.dtensor import DTensor, made, part_of
from rushlight.distributed.tensor.placement_types import (
    DTensorSpec,
    Replicate,
    Shard,
    TensorMeta,
    piece,
)
from rushlight.nn.modules.module import Module
from rushlight.nn.parameter import Parameter

DataParallelMeshDims = refused(
    "DataParallelMeshDims", "the last side of a mesh is sharded over", __name__
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
        return None, ctx.shards.sent(g)


class _Shards:
    """How one parameter is cut: the rows are shared out evenly, and the last processes may have none."""

    def __init__(self, parameter: Tensor, mesh: DeviceMesh, policy: MixedPrecisionPolicy) -> None:
        self.mesh, self.policy = mesh, policy
        # Over the last side parameters are cut; the processes of an earlier one have the same parts.
        self.group = mesh.get_group(mesh.ndim - 1)
        self.twins = mesh.get_group(0) if mesh.ndim > 1 else None
        self.shape = tuple(parameter.shape)
        self.total = self.shape[0]
        self.each = -(-self.total // self.group.size())
        self.start, self.rows = piece(self.total, self.group.size(), self.group.rank())
        # Gradients are sent at once, or wait, whole, for the backward that sends them.
        self.sends = True
        self.waiting: Tensor | None = None
        self.divisor = float(mesh.size())

    def part_of(self, whole: Tensor) -> Tensor:
        """What this process keeps."""
        return whole.detach().narrow(0, self.start, self.rows).clone()

    def spec(self, parameter: Tensor) -> DTensorSpec:
        """Where the parts lie."""
        meta = TensorMeta(parameter.shape, parameter.stride(), parameter.dtype)
        twins = [Replicate()] * (self.mesh.ndim - 1)
        return DTensorSpec(self.mesh, (*twins, Shard(0)), meta)

    def _padded(self, rows: Tensor, count: int) -> Tensor:
        padded = rows.new_zeros((count, *self.shape[1:]))
        padded.narrow(0, 0, rows.shape[0]).copy_(rows)
        return padded

    def whole(self, part: Any) -> Tensor:
        """The parameter, gathered from all."""
        with no_grad():
            own = part_of(part) if isinstance(part, DTensor) else part.detach()
            if self.policy.param_dtype is not None:
                own = own.to(self.policy.param_dtype)
            gathered = own.new_empty((self.each * self.group.size(), *self.shape[1:]))
            all_gather_single(gathered, self._padded(own, self.each), self.group)
            return gathered.narrow(0, 0, self.total).clone()

    def sent(self, g: Tensor) -> Tensor | None:
        """The part of this process of the average of the gradients, or nothing while they wait."""
        with no_grad():
            if self.waiting is not None:
                g, self.waiting = g + self.waiting, None
            if not self.sends:
                self.waiting = g
                return None
            return self._averaged(g)

    def _averaged(self, rows: Tensor) -> Tensor:
        if self.policy.reduce_dtype is not None:
            rows = rows.to(self.policy.reduce_dtype)
        own = rows.new_empty((self.each, *self.shape[1:]))
        reduce_scatter_single(
            own, self._padded(rows, self.each * self.group.size()), group=self.group
        )
        if self.twins is not None:
            all_reduce(own, group=self.twins)
        return own.narrow(0, 0, self.rows).div(self.divisor).clone()


class UnshardHandle:
    """What `unshard(async_op=True)` gives: the parameters are there already."""

    def wait(self) -> None:
        """Nothing is left to wait for."""


class FSDPModule:
    """What a module is besides, whose parameters are sharded."""

    _sharded: dict[tuple[Module, str], Any]

    def unshard(self, async_op: bool = False) -> UnshardHandle | None:
        """Let the parameters be whole until the module has run, or `reshard`; to look at, not to train."""
        wholes: dict[int, Parameter] = {}
        for (owner, name), part in self._sharded.items():
            if id(part) not in wholes:
                wholes[id(part)] = Parameter(part._shards.whole(part), part.requires_grad)
            owner._parameters[name] = wholes[id(part)]
        return UnshardHandle() if async_op else None

    def reshard(self) -> None:
        """Let go of the whole parameters."""
        _put_back(self)

    def set_requires_gradient_sync(
        self, requires_gradient_sync: bool, *, recurse: bool = True
    ) -> None:
        """Whether a backward sends gradients; else they wait, whole, for one that does."""
        for shards in self._all_shards(recurse):
            shards.sends = requires_gradient_sync

    def set_gradient_divide_factor(self, factor: float) -> None:
        """What the sum of gradients is divided by, in place of the number of processes."""
        for shards in self._all_shards(False):
            shards.divisor = factor

    set_reduce_scatter_divide_factor = set_gradient_divide_factor

    def _all_shards(self, recurse: bool) -> list[_Shards]:
        own = cast(Any, self)
        modules = own.modules() if recurse else [own]
        parts = [p for m in modules if isinstance(m, FSDPModule) for p in m._sharded.values()]
        return [part._shards for part in parts]

    def set_reshard_after_forward(self, reshard_after_forward: bool, recurse: bool = True) -> None:
        """Whether backward gathers the parameters again."""
        own = cast(Any, self)
        for module in own.modules() if recurse else [own]:
            if isinstance(module, FSDPModule):
                object.__setattr__(module, "_keeps", not reshard_after_forward)

    def _a_hint(self, *hint: Any, **more: Any) -> None:
        """When parameters are gathered, and gradients sent, does not depend on this."""

    set_is_last_backward = set_reshard_after_backward = set_unshard_in_backward = _a_hint
    set_modules_to_forward_prefetch = set_modules_to_backward_prefetch = _a_hint
    set_post_optim_event = set_requires_all_reduce = _a_hint


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
    if isinstance(module, FSDPModule):
        raise AssertionError(
            "Each distinct composable distributed API can only be applied to a module once: fully_shard has been "
            f"applied already to {type(module).__name__}"
        )
    mesh = world_mesh() if mesh is None else mesh
    if mesh.ndim > 2:
        raise ValueError(f"fully_shard expects a 1D or 2D DeviceMesh but got {mesh}")
    policy = mp_policy or MixedPrecisionPolicy()
    ignored = {id(parameter) for parameter in ignored_params or ()}
    for name, given in module.named_parameters():
        if isinstance(given, DTensor) and not hasattr(given, "_shards"):
            raise NotImplementedError(
                f"fully_shard of {name}, which parallelize_module has cut already: rushlight shards "
                "plain parameters, so use one of the two"
            )
    parts: dict[int, Parameter] = {}
    sharded: dict[tuple[Module, str], Any] = {}
    for owner in module.modules():
        for name, parameter in list(owner._parameters.items()):
            if parameter is None or isinstance(parameter, DTensor) or id(parameter) in ignored:
                continue
            if id(parameter) not in parts:
                parts[id(parameter)] = _shard(name, parameter, mesh, policy)
            owner._parameters[name] = sharded[owner, name] = parts[id(parameter)]
    told = cast(Any, module)
    told.__class__ = type(f"FSDP{type(module).__name__}", (FSDPModule, type(module)), {})
    object.__setattr__(module, "_sharded", sharded)
    object.__setattr__(module, "_keeps", reshard_after_forward is False)
    object.__setattr__(module, "_policy", policy)
    object.__setattr__(module, "_running", None)
    module.register_forward_pre_hook(_before, with_kwargs=True)
    module.register_forward_hook(_after, always_call=True)
    return module


def _shard(
    name: str, parameter: Tensor, mesh: DeviceMesh, policy: MixedPrecisionPolicy
) -> Parameter:
    if not parameter.dim():
        raise ValueError(
            "fully_shard doesn't support scalar parameters. "
            f"Change {name} to a 1D tensor with numel equal to 1."
        )
    shards = _Shards(parameter, mesh, policy)
    part = Parameter(
        made(shards.part_of(parameter), shards.spec(parameter)), parameter.requires_grad
    )
    cast(Any, part)._shards = shards
    return part


def _before(module: Any, args: Any, kwargs: Any) -> Any:
    """The whole parameters take the places of the parts while the module runs."""
    wholes: dict[int, Tensor] = {}
    for (owner, name), part in module._sharded.items():
        if id(part) not in wholes:
            wholes[id(part)] = cast(Tensor, _Gathered.apply(part._shards, part_of(part)))
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
    if module._running is not None:
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
