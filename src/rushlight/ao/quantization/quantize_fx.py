"""Networks of few bits, by their graphs: refused, as there are no kernels for whole numbers with scales."""

from rushlight.absent import refused

__all__ = ["convert_fx", "convert_to_reference_fx", "fuse_fx", "prepare_fx", "prepare_qat_fx"]

_WHY = "compute in float32, and quantize where it is served; FakeQuantize rounds as it would"
convert_fx = refused("convert_fx", _WHY, __name__)
convert_to_reference_fx = refused("convert_to_reference_fx", _WHY, __name__)
fuse_fx = refused("fuse_fx", _WHY, __name__)
prepare_fx = refused("prepare_fx", _WHY, __name__)
prepare_qat_fx = refused("prepare_qat_fx", _WHY, __name__)
