"""torch.backends: switches of torch's libraries, which change nothing here, and one of our own, `c`."""

from rushlight.backends import c, cpu, cuda, cudnn, mkl, mkldnn, mps, openmp

__all__ = ["c", "cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp"]
