"""torch.masked: folds, scans and softmaxes of the elements that a mask lets through.

The mask is True where an element counts; the others stand for what changes nothing: 0 in a sum,
1 in a product, -inf in a maximum. Folded together, none at all give that start too; the mean,
variance and median of nothing are nan.

>>> import rushlight as torch
>>> x = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
>>> torch.masked.mean(x, 1, mask=torch.tensor([[True, False, True], [False, False, True]]))
tensor([2., 6.])
"""

from __future__ import annotations

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.refusals import (
    masked as MaskedTensor, masked as as_masked_tensor, masked as is_masked_tensor,
    masked as masked_tensor,
)
# fmt: on
# ---- names: end ----
from rushlight.masked import _ops as _ops
from rushlight.masked._ops import (
    amax, amin, argmax, argmin, cumprod, cumsum, log_softmax,
    logaddexp, logsumexp, mean, median, norm, normalize, prod, softmax,
    softmin, std, sum, var,
)  # fmt: skip

__all__ = [
    "amax", "amin", "argmax", "argmin", "cumprod", "cumsum", "log_softmax", "logaddexp",
    "logsumexp", "mean", "median", "norm", "normalize", "prod", "softmax", "softmin", "std", "sum",
    "var",
]  # fmt: skip
