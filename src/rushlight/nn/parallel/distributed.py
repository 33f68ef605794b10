"""`DistributedDataParallel` with one process: the module, under its conditions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from rushlight.nn.modules.module import Module


class DistributedDataParallel(Module):
    """A module replicated over processes, whose gradients are averaged: over this one.

    As in torch it asks for a process group and for a parameter that wants a gradient, and with
    `find_unused_parameters=False` for a gradient of every parameter in each backward.

    >>> import rushlight as torch
    >>> torch.distributed.init_process_group("gloo", rank=0, world_size=1)
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
        broadcast_buffers: bool = True,
        init_sync: bool = True,
        process_group: Any = None,
        bucket_cap_mb: float | None = None,
        find_unused_parameters: bool = False,
        check_reduction: bool = False,
        gradient_as_bucket_view: bool = False,
        static_graph: bool = False,
        **options: Any,
    ) -> None:
        from rushlight.distributed.groups import _get_default_group

        super().__init__()
        self.process_group = _get_default_group() if process_group is None else process_group
        if not any(p.requires_grad for p in module.parameters()):
            raise RuntimeError(
                "DistributedDataParallel is not needed when a module doesn't have any parameter that "
                "requires a gradient."
            )
        self.module = module
        self.device = next(module.parameters()).device
        self.device_type = self.device.type
        self.device_ids = None
        self.output_device = None
        self.dim = dim
        self.broadcast_buffers = broadcast_buffers
        self.find_unused_parameters = find_unused_parameters
        self.static_graph = static_graph
        self.require_backward_grad_sync = True
        self.require_forward_param_sync = True
        self.parameters_to_ignore = set(getattr(module, "_ddp_params_and_buffers_to_ignore", ()))
        self._missing: dict[str, Any] | None = None
        self._handles = [
            parameter.register_post_accumulate_grad_hook(self._arrived)
            for parameter in self._watched().values()
        ]

    def _watched(self) -> dict[str, Any]:
        named = self.module.named_parameters()
        return {n: p for n, p in named if p.requires_grad and n not in self.parameters_to_ignore}

    def _arrived(self, parameter: Any) -> None:
        if self._missing is not None:
            self._missing = {n: p for n, p in self._missing.items() if p is not parameter}

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """What the module returns."""
        from rushlight.autograd.state import is_grad_enabled

        if is_grad_enabled() and self.require_backward_grad_sync:
            watched = self._watched()
            waiting = self._missing
            if waiting and len(waiting) < len(watched) and not (
                self.find_unused_parameters or self.static_graph
            ):  # fmt: skip
                raise RuntimeError(
                    "Expected to have finished reduction in the prior iteration before starting a new one. "
                    "This error indicates that your module has parameters that were not used in producing "
                    f"loss: {', '.join(waiting)}. Pass find_unused_parameters=True, or take them out"
                )
            self._missing = watched
        return self.module(*inputs, **kwargs)

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """In the block, gradients are only added up."""
        before, self.require_backward_grad_sync = self.require_backward_grad_sync, False
        try:
            yield
        finally:
            self.require_backward_grad_sync = before

    def join(self, *args: Any, **options: Any) -> Any:
        """The block for processes with different amounts of data: nobody is waited for."""
        return nullcontext()

    def register_comm_hook(self, state: Any, hook: Any) -> None:
        """Accepted: gradients are not sent."""

    def _set_static_graph(self) -> None:
        self.static_graph = True

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        del state["process_group"], state["_handles"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        from rushlight.distributed.groups import _get_default_group

        super().__setstate__(state)
        self.process_group = _get_default_group()
        self._handles = [
            p.register_post_accumulate_grad_hook(self._arrived) for p in self._watched().values()
        ]
