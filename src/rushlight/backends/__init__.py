"""torch.backends: switches of torch's libraries, which change nothing here, and one of our own, `c`."""

from contextlib import contextmanager as _contextmanager
from typing import Any as _Any

from rushlight.absent import no as flags_frozen
from rushlight.backends import (
    c, cpu, cuda, cudnn, kleidiai, mha, mkl, mkldnn, mps, nnpack, openmp, opt_einsum, quantized,
)  # fmt: skip

__all__ = [
    "c", "cpu", "cuda", "cudnn", "kleidiai", "mha", "mkl", "mkldnn", "mps", "nnpack", "openmp", "opt_einsum",
    "quantized",
]  # fmt: skip

# How exactly products of float32 are computed: exactly.
fp32_precision = "none"


def disable_global_flags() -> None:
    """Nothing: switches can be set at any time."""


@_contextmanager
def __allow_nonbracketed_mutation() -> _Any:
    """A block in which switches can be set, as everywhere."""
    yield
