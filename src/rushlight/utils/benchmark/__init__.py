"""torch.utils.benchmark: the time of a statement."""

from rushlight.utils.benchmark.timer import Compare, Measurement, Timer

__all__ = ["Compare", "Measurement", "Timer"]
