"""torch.utils.benchmark: the time of a statement."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.refusals import (
    callgrind as CallgrindStats, callgrind as CopyIfCallgrind, callgrind as FunctionCount,
    callgrind as FunctionCounts, fuzzers as FuzzedParameter, fuzzers as FuzzedSparseTensor,
    fuzzers as FuzzedTensor, fuzzers as Fuzzer, fuzzers as ParameterAlias,
)
# fmt: on
# ---- names: end ----
from rushlight.utils.benchmark.common import (
    Measurement,
    TaskSpec,
    ordered_unique,
    select_unit,
    set_torch_threads,
    trim_sigfig,
    unit_to_english,
)
from rushlight.utils.benchmark.compare import Colorize, Compare
from rushlight.utils.benchmark.timer import Language, Timer, timer

__all__ = [
    "Colorize", "Compare", "Language", "Measurement", "TaskSpec", "Timer", "ordered_unique", "select_unit",
    "set_torch_threads", "timer", "trim_sigfig", "unit_to_english",
]  # fmt: skip
