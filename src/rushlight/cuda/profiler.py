"""torch.cuda.profiler: NVIDIA's, which is not there."""

from rushlight.absent import no_cuda as check_error
from rushlight.absent import no_cuda as cudart
from rushlight.absent import no_cuda as profile
from rushlight.absent import no_cuda as start
from rushlight.absent import no_cuda as stop

__all__ = ["check_error", "cudart", "profile", "start", "stop"]
