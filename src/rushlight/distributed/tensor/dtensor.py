"""`DTensor`: a tensor in parts on the processes of a mesh. Each has its part, and all see the whole.

A DTensor is the part of this process, an ordinary tensor with its place on the tape, and says of itself what
the whole is. Public functions and methods ask it (`__torch_function__`): the rules (`rules.py`) say how its
tensors must lie, they are moved so (`moving.py`), the function runs on the parts, and the results say how they lie.
"""

from __future__ import annotations

from typing import Any, cast

from rushlight._tensor import Tensor
from rushlight.autograd.state import is_grad_enabled, no_grad
from rushlight.core.tensor import TensorBase, wants_grad
from rushlight.distributed.device_mesh import current_mesh
from rushlight.distributed.tensor.moving import Gradient, Moved, dual, moved
from rushlight.distributed.tensor.placement_types import (
    DTensorSpec,
    Partial,
    Placement,
    Replicate,
    Shard,
    TensorMeta,
    compact_strides,
    local_place,
    settled,
)
from rushlight.nn.parameter import _leaf
from rushlight.ops.legacy import as_subclass
from rushlight.overriding.asking import disabled_torch_function
from rushlight.overriding.functions import admit
from rushlight.public import torch as functions
from rushlight.size import Size

_slot = TensorBase.__dict__["_grad"]


class DTensor(Tensor):
    """A tensor in parts on the processes of a mesh, made by `distribute_tensor` or `DTensor.from_local`."""

    __slots__ = ()

    _spec: DTensorSpec

    # Until there is one, nobody is asked: see `made`.
    __torch_function__: Any = disabled_torch_function

    # ---- what the whole is ----------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        """The sizes of the whole."""
        return self._spec.tensor_meta.shape

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self._spec.tensor_meta.shape)

    def size(self, dim: int | None = None) -> Any:
        """The sizes of the whole, or one of them."""
        return self.shape if dim is None else self.shape[dim]

    def dim(self) -> int:
        """The number of dimensions."""
        return self.ndim

    ndimension = dim

    def numel(self) -> int:
        """How many elements the whole has."""
        return self.shape.numel()

    nelement = numel

    def stride(self, dim: int | None = None) -> Any:
        """How the whole would lie in memory."""
        strides = self._spec.tensor_meta.stride
        return strides if dim is None else strides[dim]

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("len() of a 0-d tensor")
        return self.shape[0]

    @property
    def device_mesh(self) -> Any:
        """The mesh."""
        return self._spec.mesh

    @property
    def placements(self) -> tuple[Placement, ...]:
        """How it lies on each side of the mesh."""
        return self._spec.placements

    def __repr__(self, *, tensor_contents: str | None = None) -> str:  # type: ignore[override]
        return (
            f"DTensor(local_tensor={self._local_tensor}, device_mesh={self.device_mesh}, "
            f"placements={self.placements})"
        )

    def __format__(self, spec: str) -> str:
        return repr(self)

    # ---- its part -------------------------------------------------------------------------------

    @property
    def _local_tensor(self) -> Tensor:
        return self._kind(_leaf(Tensor, self, False))

    def _kind(self, part: Tensor) -> Tensor:
        if not self.__dict__.get("_moving"):
            return part
        from rushlight.distributed._functional_collectives import AsyncCollectiveTensor

        return as_subclass(part, AsyncCollectiveTensor)

    @property
    def _grad(self) -> Any:
        """The gradient, a part like this one; what backward has left is told so."""
        held = _slot.__get__(self)
        if held is not None and not isinstance(held, DTensor):
            meta = self._spec.tensor_meta
            meta = TensorMeta(meta.shape, meta.stride, held.dtype)
            spec = DTensorSpec(self._spec.mesh, dual(self._spec.placements), meta)
            held = made(held, spec)
            _slot.__set__(self, held)
        return held

    @_grad.setter
    def _grad(self, value: Any) -> None:
        _slot.__set__(self, value)

    def to_local(self, *, grad_placements: Any = None) -> Tensor:
        """The part of this process; its gradient becomes that of this tensor."""
        return self._kind(self._told(grad_placements))

    def full_tensor(self, *, grad_placements: Any = None) -> Tensor:
        """The whole, on every process: all must ask for it."""
        return moved_to(self, (Replicate(),) * self._spec.mesh.ndim)._told(grad_placements)

    def _told(self, grad_placements: Any) -> Tensor:
        """The part of this process, whose gradient lies as is said."""
        part, spec = part_of(self), self._spec
        if grad_placements is None or not wants_grad(part):
            return part
        how = settled(grad_placements, spec.mesh, self.ndim)
        return Gradient.apply(part, spec.mesh, tuple(spec.shape), how, dual(spec.placements))

    def redistribute(
        self,
        device_mesh: Any = None,
        placements: Any = None,
        *,
        async_op: bool = False,
        forward_dtype: Any = None,
        backward_dtype: Any = None,
    ) -> DTensor:
        """The same tensor, lying otherwise."""
        if placements is None:
            raise RuntimeError("placements is needed for redistribute!")
        wanted = settled(placements, self._spec.mesh, self.ndim)
        pairs = list(zip(self.placements, wanted, strict=True))
        for old, new in pairs:
            if isinstance(new, Partial) and old != new:
                raise RuntimeError(
                    f"Can not redistribute from {old} to {new}, redistributing to Partial is for internal use only!"
                )
        result = moved_to(self, wanted)
        # Torch calls what is sent, and not asked for yet, another kind of tensor. Here it has arrived.
        if async_op and any(_is_sent(old, new) for old, new in pairs):
            result.__dict__["_moving"] = True
        return result

    @staticmethod
    def from_local(
        local_tensor: Tensor,
        device_mesh: Any = None,
        placements: Any = None,
        *,
        run_check: bool = False,
        shape: Any = None,
        stride: Any = None,
        grad_placements: Any = None,
    ) -> DTensor:
        """A tensor whose parts are these; without shape, all are taken to be as long."""
        mesh = device_mesh or current_mesh()
        wanted = settled(placements, mesh, local_tensor.dim())
        if shape is None:
            sizes = list(local_tensor.shape)
            for side, placement in enumerate(wanted):
                if isinstance(placement, Shard):
                    sizes[placement.dim] *= mesh.size(side)
            shape = sizes
        if run_check:
            local_tensor = _from_first(local_tensor, mesh, wanted)
        if grad_placements is not None and wants_grad(local_tensor):
            how = settled(grad_placements, mesh, local_tensor.dim())
            local_tensor = Gradient.apply(local_tensor, mesh, tuple(shape), dual(wanted), how)
        strides = compact_strides(shape) if stride is None else tuple(stride)
        meta = TensorMeta(Size(shape), strides, local_tensor.dtype)
        return made(local_tensor, DTensorSpec(mesh, wanted, meta))

    def __create_chunk_list__(self) -> list[Any]:
        from rushlight.distributed.checkpoint.metadata import ChunkStorageMetadata

        sizes, starts = local_place(self.shape, self._spec.mesh, self.placements)
        return [ChunkStorageMetadata(Size(starts), Size(sizes))]

    # ---- copies ---------------------------------------------------------------------------------

    def __deepcopy__(self, memo: dict[int, Any]) -> DTensor:
        if id(self) not in memo:
            twin = made(self._local_tensor.clone(), self._spec)
            twin._want_grad(self._requires_grad_ and self._node_ is None)
            if self.__dict__.get("_is_param"):
                twin.__dict__["_is_param"] = True
            memo[id(self)] = twin
        return cast(DTensor, memo[id(self)])

    def __reduce_ex__(self, protocol: Any = 2) -> tuple[Any, ...]:
        is_parameter = self.__dict__.get("_is_param", False)
        return _rebuilt, (self._local_tensor, self._spec, self._requires_grad_, is_parameter)


def _rebuilt(local: Tensor, spec: DTensorSpec, requires_grad: bool, is_parameter: bool) -> DTensor:
    result = made(local, spec)
    result._want_grad(requires_grad)
    if is_parameter:
        result.__dict__["_is_param"] = True
    return result


def made(local: Tensor, spec: DTensorSpec) -> DTensor:
    """A tensor of a mesh whose part on this process is local."""
    if DTensor.__torch_function__ is disabled_torch_function:
        from rushlight.distributed.tensor.dispatch import asked

        cls = cast(Any, DTensor)
        cls.__torch_function__ = classmethod(asked)
        admit(DTensor)
    recorded = wants_grad(local) and is_grad_enabled()
    result = as_subclass(local, DTensor) if recorded else _leaf(DTensor, local, False)
    result.__dict__["_spec"] = spec
    return cast(DTensor, result)


def part_of(tensor: DTensor) -> Tensor:
    """The part of this process, recorded."""
    recorded = wants_grad(tensor) and is_grad_enabled()
    return cast(Tensor, as_subclass(tensor, Tensor) if recorded else _leaf(Tensor, tensor, False))


def moved_to(tensor: DTensor, placements: tuple[Placement, ...]) -> DTensor:
    """The same tensor under other placements."""
    spec = tensor._spec
    if spec.placements == placements:
        return tensor
    local = Moved.apply(part_of(tensor), spec.mesh, tuple(spec.shape), spec.placements, placements)
    return made(local, DTensorSpec(spec.mesh, placements, spec.tensor_meta))


def _is_sent(old: Placement, new: Placement) -> bool:
    return old != new and (
        isinstance(old, Partial) or (old == Shard(0) and isinstance(new, Replicate))
    )


def _from_first(tensor: Tensor, mesh: Any, placements: Any) -> Tensor:
    """What is whole on a side, as its first process has it."""
    from rushlight.distributed.collectives import broadcast

    sides = [i for i, p in enumerate(placements) if not isinstance(p, Shard) and mesh.size(i) > 1]
    if not sides:
        return tensor
    with no_grad():
        own = tensor.detach().clone().contiguous()
        for side in sides:
            broadcast(own, group=mesh.get_group(side), group_src=0)
    return own


def distribute_tensor(
    tensor: Tensor,
    device_mesh: Any = None,
    placements: Any = None,
    *,
    src_data_rank: int | None = 0,
) -> DTensor:
    """A tensor of a mesh from a whole one: that of the mesh's first process, which the others get.

    >>> import rushlight as torch
    >>> from rushlight.distributed import destroy_process_group
    >>> from rushlight.distributed.device_mesh import init_device_mesh
    >>> mesh = init_device_mesh("cpu", (1,))
    >>> part = distribute_tensor(torch.ones(2), mesh, [Shard(0)])
    >>> part.placements, part.to_local()
    ((Shard(dim=0),), tensor([1., 1.]))
    >>> destroy_process_group()
    """
    mesh = device_mesh or current_mesh()
    wanted = settled(placements, mesh, tensor.dim())
    if isinstance(tensor, DTensor):
        if tensor.device_mesh is not mesh and tensor.device_mesh != mesh:
            raise ValueError(
                f"Cannot distribute a DTensor with device mesh {tensor.device_mesh} to a different device mesh {mesh}."
            )
        if tensor.placements != wanted:
            raise ValueError(
                f"Cannot distribute a DTensor with placements {tensor.placements} to a different placements "
                f"{list(wanted)}. do you want to call `redistribute` instead?"
            )
        return tensor
    if not tensor.is_leaf:
        raise RuntimeError(
            "`distribute_tensor` should be used to distribute leaf tensors! but found non-leaf tensor!"
        )
    whole = (Replicate(),) * mesh.ndim
    with no_grad():
        own = tensor.detach()
        if src_data_rank is not None and mesh.get_coordinate() is not None:
            own = _from_first(own, mesh, whole)
        local = moved(own, mesh, tuple(tensor.shape), whole, wanted)
    meta = TensorMeta(tensor.shape, tensor.stride(), tensor.dtype)
    result = made(local, DTensorSpec(mesh, wanted, meta))
    result._want_grad(tensor.requires_grad)
    return result


def distribute_module(
    module: Any,
    device_mesh: Any = None,
    partition_fn: Any = None,
    input_fn: Any = None,
    output_fn: Any = None,
) -> Any:
    """Make the parameters and buffers of a module tensors of a mesh: as partition_fn says, the others whole."""
    from rushlight.nn.parameter import Parameter

    mesh = device_mesh or current_mesh()
    for name, child in module.named_modules():
        if partition_fn is not None:
            partition_fn(name, child, mesh)
        for key, parameter in child._parameters.items():
            if parameter is not None and not isinstance(parameter, DTensor):
                whole = distribute_tensor(parameter.detach(), mesh)
                child._parameters[key] = Parameter(whole, parameter.requires_grad)
        for key, buffer in child._buffers.items():
            if buffer is not None and not isinstance(buffer, DTensor):
                child._buffers[key] = distribute_tensor(buffer, mesh)
    if input_fn is not None:
        module.register_forward_pre_hook(lambda m, inputs: input_fn(m, inputs, mesh))
    if output_fn is not None:
        module.register_forward_hook(lambda m, inputs, outputs: output_fn(m, outputs, mesh))
    return module


def factory(name: str) -> Any:
    """`zeros` and its kind: a tensor of a mesh, of which each process makes its part."""

    def make(
        *size: Any,
        dtype: Any = None,
        layout: Any = None,
        requires_grad: bool = False,
        device_mesh: Any = None,
        placements: Any = None,
        **named: Any,
    ) -> DTensor:
        mesh = device_mesh or current_mesh()
        more: tuple[Any, ...] = ()
        if name == "full":
            size, more = size[:1], (size[1] if len(size) > 1 else named["fill_value"],)
        shape = tuple(size[0]) if len(size) == 1 and not isinstance(size[0], int) else size
        wanted = settled(placements, mesh, len(shape))
        function = getattr(functions, name)
        if name.startswith("rand"):
            # Drawn whole, so that processes with one seed have parts of one tensor.
            whole = (Replicate(),) * mesh.ndim
            local = moved(function(shape, dtype=dtype), mesh, shape, whole, wanted)
        else:
            local = function(local_place(shape, mesh, wanted)[0], *more, dtype=dtype)
        meta = TensorMeta(Size(shape), compact_strides(shape), local.dtype)
        result = made(local, DTensorSpec(mesh, wanted, meta))
        result._want_grad(requires_grad)
        return result

    make.__name__ = make.__qualname__ = name
    make.__doc__ = f"`torch.{name}` on a mesh: each process makes its part."
    return make
