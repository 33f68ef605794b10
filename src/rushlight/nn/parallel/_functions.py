"""The same with gradients."""

from rushlight.absent import refused
from rushlight.nn.parallel import comm

__all__ = ["Broadcast", "Gather", "ReduceAddCoalesced", "Scatter", "comm"]

_ONE = "rushlight runs on the CPU, where there is nobody to send to"
Broadcast = refused("Broadcast", _ONE, __name__)
Gather = refused("Gather", _ONE, __name__)
ReduceAddCoalesced = refused("ReduceAddCoalesced", _ONE, __name__)
Scatter = refused("Scatter", _ONE, __name__)
