"""torch.cuda.sparse: the older names of sparse tensors on a GPU, which are errors."""

from rushlight.absent import no_cuda as BFloat16Tensor
from rushlight.absent import no_cuda as ByteTensor
from rushlight.absent import no_cuda as CharTensor
from rushlight.absent import no_cuda as DoubleTensor
from rushlight.absent import no_cuda as FloatTensor
from rushlight.absent import no_cuda as HalfTensor
from rushlight.absent import no_cuda as IntTensor
from rushlight.absent import no_cuda as LongTensor
from rushlight.absent import no_cuda as ShortTensor

__all__ = [
    "BFloat16Tensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "HalfTensor", "IntTensor",
    "LongTensor", "ShortTensor",
]  # fmt: skip
