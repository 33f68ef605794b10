"""What a process does for the steps of others with a `DistributedDataParallel`."""

from __future__ import annotations

from typing import Any

from rushlight.distributed.algorithms.join import JoinHook
from rushlight.distributed.utils import (
    _broadcast_coalesced,
    _common_rank,
    _sum,
    _sync_module_states,
)


class ModuleJoinHook(JoinHook):
    """Sends zeros where the others send gradients."""

    def __init__(self, module: Any) -> None:
        self.ddp = module

    def main_hook(self) -> None:
        """Answer one forward, and its backward if gradients are sent."""
        ddp = self.ddp
        syncing = _sum(ddp.process_group, 0)
        if (
            ddp.require_forward_param_sync
            and ddp.broadcast_buffers
            and (buffers := ddp._buffers_sent())
        ):
            _broadcast_coalesced(ddp.process_group, buffers, _common_rank(ddp.process_group, False))
        ddp.require_forward_param_sync = bool(syncing)
        if syncing:
            ddp.reducer.shadow(ddp.find_unused_parameters or ddp.static_graph)

    def post_hook(self, is_last_joiner: bool) -> None:
        """The model of one who worked to the end, for all."""
        group = self.ddp.process_group
        source = _common_rank(group, is_last_joiner)
        _sync_module_states(self.ddp.module, group, source, self.ddp.parameters_to_ignore)
        self.ddp._joining = None
        self.ddp.reducer.divisor = group.size()
