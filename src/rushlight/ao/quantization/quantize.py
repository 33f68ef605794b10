"""Networks of few bits: refused, as there are no kernels for whole numbers with scales."""

from rushlight.absent import refused

__all__ = [
    "add_quant_dequant",
    "convert",
    "prepare",
    "prepare_qat",
    "propagate_qconfig_",
    "quantize",
    "quantize_dynamic",
    "quantize_qat",
    "swap_module",
]

_WHY = "compute in float32, and quantize where it is served; FakeQuantize rounds as it would"
add_quant_dequant = refused("add_quant_dequant", _WHY, __name__)
convert = refused("convert", _WHY, __name__)
prepare = refused("prepare", _WHY, __name__)
prepare_qat = refused("prepare_qat", _WHY, __name__)
propagate_qconfig_ = refused("propagate_qconfig_", _WHY, __name__)
quantize = refused("quantize", _WHY, __name__)
quantize_dynamic = refused("quantize_dynamic", _WHY, __name__)
quantize_qat = refused("quantize_qat", _WHY, __name__)
swap_module = refused("swap_module", _WHY, __name__)
