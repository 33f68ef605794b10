"""torch.utils.benchmark: the time of a statement."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.refusals import (
    callgrind as CallgrindStats, callgrind as CopyIfCallgrind, callgrind as FunctionCount,
    callgrind as FunctionCounts, callgrind as FuzzedParameter, callgrind as FuzzedSparseTensor,
    callgrind as FuzzedTensor, callgrind as Fuzzer, callgrind as ParameterAlias,
)
# fmt: on
# ---- names: end ----
from rushlight.utils.benchmark.timer import Compare, Measurement, Timer

__all__ = ["Compare", "Measurement", "Timer"]
