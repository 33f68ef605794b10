"""`DistributedDataParallel`: a module on several processes, whose gradients are averaged."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rushlight.errors import warn
from rushlight.nn.modules.module import Module

if TYPE_CHECKING:
    from rushlight.distributed.options import BuiltinCommHookType


class DistributedDataParallel(Module):
    """A module replicated over processes, each of which has its part of the batch.

    The gradients are averaged in the backward that follows a forward, in buckets that leave while it goes on;
    the first process's parameters and buffers are everybody's. As in torch it asks for a process group and for
    a parameter that wants a gradient, and with `find_unused_parameters=False` for a gradient of every parameter
    in each backward.

    >>> import rushlight as torch
    >>> alone = torch.distributed.HashStore()
    >>> torch.distributed.init_process_group("gloo", store=alone, rank=0, world_size=1)
    >>> list(DistributedDataParallel(torch.nn.Linear(1, 1)).state_dict())
    ['module.weight', 'module.bias']
    >>> torch.distributed.destroy_process_group()
    """

    def __init__(
        self,
        module: Module,
        device_ids: Any = None,
        output_device: Any = None,
        dim: int = 0,
        broadcast_buffers: bool | None = None,
        init_sync: bool = True,
        process_group: Any = None,
        bucket_cap_mb: float | None = None,
        find_unused_parameters: bool = False,
        check_reduction: bool = False,
        gradient_as_bucket_view: bool = False,
        static_graph: bool = False,
        delay_all_reduce_named_params: Any = None,
        param_to_hook_all_reduce: Any = None,
        mixed_precision: Any = None,
        device_mesh: Any = None,
        skip_all_reduce_unused_params: bool = False,
        bucket_cap_mb_list: Any = None,
        batched_grad_copy: bool = False,
        forward_sync_buffers: bool | None = None,
    ) -> None:
        from rushlight.distributed.groups import _get_default_group
        from rushlight.distributed.process_group import ProcessGroup
        from rushlight.distributed.utils import (
            _sync_module_states,
            _verify_param_shape_across_processes,
        )
        from rushlight.nn.parameter import is_lazy

        super().__init__()
        if process_group is not None and device_mesh is not None:
            raise RuntimeError("Cannot specify both process_group and device_mesh arguments.")
        if device_mesh is not None:
            process_group = device_mesh.get_group(mesh_dim=0)
        if (delay_all_reduce_named_params is None) != (param_to_hook_all_reduce is None):
            raise ValueError(
                "delay_all_reduce_named_params and param_to_hook_all_reduce need to be set at the same time."
            )
        self.process_group = _get_default_group() if process_group is None else process_group
        if not isinstance(self.process_group, ProcessGroup):
            raise TypeError(
                f"process_group is a group that this process is in, not {process_group!r}"
            )
        if check_reduction:
            warn("`check_reduction` of DistributedDataParallel is deprecated", FutureWarning)
        named = dict(module.named_parameters())
        if any(is_lazy(p) for p in named.values()):
            raise RuntimeError(
                "Modules with uninitialized parameters can't be used with `DistributedDataParallel`. Run a dummy "
                "forward pass to correctly initialize the modules"
            )
        if not any(p.requires_grad for p in named.values()):
            raise RuntimeError(
                "DistributedDataParallel is not needed when a module doesn't have any parameter that "
                "requires a gradient."
            )
        if any(p.is_meta for p in named.values()):
            raise RuntimeError(
                "DistributedDataParallel: parameters on the meta device have no values"
            )
        if device_ids:
            kinds = {p.device for p in named.values()}
            raise ValueError(
                "DistributedDataParallel device_ids and output_device arguments only work with "
                f"single-device/multiple-device GPU modules or CPU modules, but got device_ids {device_ids}, "
                f"output_device {output_device}, and module parameters {kinds}."
            )
        if static_graph and find_unused_parameters:
            warn(
                "You passed find_unused_parameters=true to DistributedDataParallel, which static_graph=True does by "
                "itself: leave it out."
            )
        if broadcast_buffers is not None:
            warn(
                "`broadcast_buffers` is deprecated, use `forward_sync_buffers` (and `init_sync`) instead",
                FutureWarning,
            )
        self.module = module
        self.device = next(module.parameters()).device
        self.device_type = self.device.type
        self.device_ids = None
        self.output_device = None
        self.dim = dim
        wanted = broadcast_buffers if forward_sync_buffers is None else forward_sync_buffers
        self.broadcast_buffers = wanted is not False
        self.find_unused_parameters = find_unused_parameters
        self.static_graph = static_graph
        self.gradient_as_bucket_view = gradient_as_bucket_view
        self.bucket_cap_mb = bucket_cap_mb
        self.bucket_bytes_cap = int((25 if bucket_cap_mb is None else bucket_cap_mb) * 1024 * 1024)
        self.is_multi_device_module = False
        self.require_backward_grad_sync = True
        self.require_forward_param_sync = True
        self.parameters_to_ignore = set(getattr(module, "_ddp_params_and_buffers_to_ignore", ()))
        self._joining: Any = None
        self._hook: Any = None
        self._unused: list[int] | None = None
        self._make_reducer()
        if init_sync:
            _verify_param_shape_across_processes(self.process_group, self.reducer.parameters)
            _sync_module_states(
                module,
                self.process_group,
                0,
                self.parameters_to_ignore,
                broadcast_buffers is not False,
            )

    def _make_reducer(self) -> None:
        from rushlight.distributed.reducer import Reducer

        self._names = list(self._watched())
        self.reducer = Reducer(
            list(self._watched().values()), self.process_group, self.bucket_cap_mb,
            self.static_graph or not self.find_unused_parameters, as_views=self.gradient_as_bucket_view,
        )  # fmt: skip
        self.reducer.hook = self._hook

    def _watched(self) -> dict[str, Any]:
        named = self.module.named_parameters()
        return {n: p for n, p in named if p.requires_grad and n not in self.parameters_to_ignore}

    def _buffers_sent(self) -> list[Any]:
        named = self.module.named_buffers()
        return [b for n, b in named if n not in self.parameters_to_ignore]

    # ---- a forward ------------------------------------------------------------------------------

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """What the module returns."""
        from rushlight.autograd.state import is_grad_enabled

        syncing = is_grad_enabled() and self.require_backward_grad_sync
        if syncing:
            self._check_finished()
        self._tell_the_joined(syncing)
        if self.require_forward_param_sync and self.broadcast_buffers:
            self._sync_buffers()
        outputs = self.module(*inputs, **kwargs)
        self.require_forward_param_sync = syncing  # In no_sync buffers go their own ways, too.
        if syncing:
            self.reducer.prepare(self._unreached(outputs))
        else:
            self.reducer.expecting = False
        return outputs

    def _unreached(self, outputs: Any) -> list[int] | None:
        if not (self.find_unused_parameters or self.static_graph):
            return None
        if self._unused is not None and self.static_graph:
            return self._unused
        from rushlight.distributed.reducer import unreached

        self._unused = unreached(outputs, self.reducer.parameters)
        return self._unused

    def _check_finished(self) -> None:
        missing = self.reducer.missing()
        if not missing:
            return
        raise RuntimeError(
            "Expected to have finished reduction in the prior iteration before starting a new one. This error "
            "indicates that your module has parameters that were not used in producing loss: "
            f"{', '.join(self._names[i] for i in missing)}. Pass find_unused_parameters=True, or take them out. "
            f"Parameter indices which did not receive grad for rank {self.process_group.rank()}: "
            f"{' '.join(map(str, missing))}"
        )

    def _sync_buffers(self) -> None:
        from rushlight.distributed.utils import _broadcast_coalesced, _common_rank

        buffers = self._buffers_sent()
        if buffers:
            source = 0 if self._joining is None else _common_rank(self.process_group, True)
            _broadcast_coalesced(self.process_group, buffers, source)

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """In the block, gradients are only added up."""
        before, self.require_backward_grad_sync = self.require_backward_grad_sync, False
        try:
            yield
        finally:
            self.require_backward_grad_sync = before

    def register_comm_hook(self, state: Any, hook: Any) -> None:
        """Let hook(state, bucket), which gives a future of one tensor, be what averages a bucket."""
        _check_hook(hook)
        if self._hook is not None:
            raise RuntimeError(
                "register_comm_hook or register_builtin_comm_hook can only be called once."
            )
        self._hook = self.reducer.hook = (state, hook)

    def _register_builtin_comm_hook(self, comm_hook_type: BuiltinCommHookType) -> None:
        from rushlight.distributed.algorithms.ddp_comm_hooks import default_hooks

        short = comm_hook_type.name == "FP16_COMPRESS"
        self.register_comm_hook(
            None, default_hooks.fp16_compress_hook if short else default_hooks.allreduce_hook
        )

    def _set_static_graph(self) -> None:
        self.static_graph = True

    @staticmethod
    def _set_params_and_buffers_to_ignore_for_model(module: Any, names: Any) -> None:
        """Let a module that will be wrapped keep these parameters and buffers to itself."""
        module._ddp_params_and_buffers_to_ignore = names

    def will_sync_module_buffers(self) -> bool:
        """Whether a forward now would make the first process's buffers everybody's."""
        wanted = self.require_forward_param_sync and self.broadcast_buffers
        return bool(wanted and self._buffers_sent())

    # ---- uneven inputs --------------------------------------------------------------------------

    def join(
        self,
        divide_by_initial_world_size: bool = True,
        enable: bool = True,
        throw_on_early_termination: bool = False,
    ) -> Any:
        """The block in which processes that have no more data do what the others wait for."""
        from rushlight.distributed.algorithms.join import Join

        return Join(
            [self], enable, throw_on_early_termination,
            divide_by_initial_world_size=divide_by_initial_world_size,
        )  # fmt: skip

    def join_hook(self, divide_by_initial_world_size: bool = True, **options: Any) -> Any:
        """What this process does for those that still have data."""
        from rushlight.distributed.algorithms.module_join import ModuleJoinHook

        self._joining = divide_by_initial_world_size
        return ModuleJoinHook(self)

    @property
    def join_device(self) -> Any:
        """Where tensors of the join are."""
        return self.device

    @property
    def join_process_group(self) -> Any:
        """Who joins."""
        return self.process_group

    def _tell_the_joined(self, syncing: bool) -> None:
        """Those who have no more data learn that this process has, and whether gradients will be sent."""
        if self._joining is None:
            return
        from rushlight.distributed.algorithms.join import Join
        from rushlight.distributed.utils import _sum

        work = Join.notify_join_context(self)
        if work is None:
            self._joining = None
            return
        work.wait()
        self.reducer.divisor = (
            self.process_group.size() if self._joining else int(work.result()[0].item())
        )
        _sum(self.process_group, int(syncing))

    # ---- pickles --------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        del state["process_group"], state["reducer"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        from rushlight.distributed.groups import _get_default_group

        super().__setstate__(state)
        self.process_group = _get_default_group()
        self._make_reducer()


def _check_hook(hook: Any) -> None:
    """What a hook of communication is: hook(state, bucket), and what it says of itself must be right."""
    if not callable(hook):
        raise TypeError("Communication hook must be callable.")
    signature = inspect.signature(hook)
    if getattr(hook, "__name__", "") in ("bf16_compress_hook", "bf16_compress_wrapper_hook"):
        raise TypeError(
            "BF16 all reduce communication hook required CUDA 11+ and NCCL 2.10+, which are not here."
        )
    places = list(signature.parameters.values())
    said = signature.parameters.get("bucket", places[-1]).annotation
    if str(getattr(said, "__name__", said)).rpartition(".")[2] not in ("_empty", "GradBucket"):
        raise ValueError("Communication hook: bucket annotation should be dist.GradBucket.")
    given = str(signature.return_annotation)
    if signature.return_annotation is not inspect.Signature.empty and "Future" not in given:
        raise ValueError(
            "Communication hook: return annotation should be torch.futures.Future[torch.Tensor]."
        )
