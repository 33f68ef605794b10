"""Layers as one layer: refused, as there are no kernels for whole numbers with scales."""

from rushlight.absent import refused

__all__ = ["fuse_modules", "fuse_modules_qat", "fuse_known_modules"]

_WHY = "compute in float32, and quantize where it is served; FakeQuantize rounds as it would"
fuse_modules = refused("fuse_modules", _WHY, __name__)
fuse_modules_qat = refused("fuse_modules_qat", _WHY, __name__)
fuse_known_modules = refused("fuse_known_modules", _WHY, __name__)
