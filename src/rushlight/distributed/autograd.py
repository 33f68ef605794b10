"""torch.distributed.autograd: refused, for rushlight has no remote calls."""

from rushlight.absent import no as is_available
from rushlight.absent import refused

__all__ = ["is_available"]

_WHY = "it follows gradients through remote calls, which rushlight has not; use torch.autograd"
backward = refused("backward", _WHY, __name__)
context = refused("context", _WHY, __name__)
DistAutogradContext = refused("DistAutogradContext", _WHY, __name__)
get_gradients = refused("get_gradients", _WHY, __name__)
