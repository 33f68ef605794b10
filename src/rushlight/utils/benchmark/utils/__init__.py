"""Where torch has the parts of its benchmarks."""

from rushlight.utils.benchmark import common, compare, timer

__all__ = ["common", "compare", "timer"]
