"""torch.cuda.comm: tensors sent between GPUs, of which there are none."""

from rushlight.absent import refused

__all__ = [
    "broadcast",
    "broadcast_coalesced",
    "gather",
    "reduce_add",
    "reduce_add_coalesced",
    "scatter",
]

_ONE = "rushlight runs on the CPU, where there is nobody to send to"
broadcast = refused("broadcast", _ONE, __name__)
broadcast_coalesced = refused("broadcast_coalesced", _ONE, __name__)
gather = refused("gather", _ONE, __name__)
reduce_add = refused("reduce_add", _ONE, __name__)
reduce_add_coalesced = refused("reduce_add_coalesced", _ONE, __name__)
scatter = refused("scatter", _ONE, __name__)
