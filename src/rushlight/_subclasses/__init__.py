"""Classes of tensors that torch's tracers use: names."""

from rushlight._subclasses import fake_tensor
from rushlight._subclasses.fake_tensor import FakeTensor, FakeTensorMode

__all__ = ["FakeTensor", "FakeTensorMode", "fake_tensor"]
