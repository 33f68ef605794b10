"""torch.backends: switches of torch's libraries, which can be set and change nothing here."""

from rushlight.backends import cpu, cuda, cudnn, mkl, mkldnn, mps, openmp

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp"]
