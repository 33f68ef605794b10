"""torch.cuda.jiterator: functions in CUDA's language, which are refused."""

from rushlight.refusals import cudnn as _create_jit_fn
from rushlight.refusals import cudnn as _create_multi_output_jit_fn

__all__ = ["_create_jit_fn", "_create_multi_output_jit_fn"]
