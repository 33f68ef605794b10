"""torch.quantization: refused."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.refusals import (
    quantized as DeQuantStub, quantized as HistogramObserver, quantized as ObserverBase,
    quantized as QConfig, quantized as QuantStub, quantized as QuantType, quantized as QuantWrapper,
    quantized as add_quant_dequant, quantized as convert, quantized as default_dynamic_qconfig,
    quantized as default_eval_fn, quantized as default_fake_quant,
    quantized as default_fixed_qparams_range_0to1_fake_quant,
    quantized as default_fixed_qparams_range_neg1to1_fake_quant,
    quantized as default_histogram_fake_quant, quantized as default_observer,
    quantized as default_per_channel_weight_fake_quant,
    quantized as default_per_channel_weight_observer, quantized as default_placeholder_observer,
    quantized as default_qat_qconfig, quantized as default_qconfig,
    quantized as default_weight_fake_quant, quantized as default_weight_observer,
    quantized as float16_dynamic_qconfig, quantized as float_qparams_weight_only_qconfig,
    quantized as fuse_modules, quantized as get_default_compare_output_module_list,
    quantized as get_default_dynamic_quant_module_mappings,
    quantized as get_default_qat_module_mappings, quantized as get_default_qconfig_propagation_list,
    quantized as get_default_static_quant_module_mappings, quantized as get_fuser_method,
    quantized as get_quantized_operator, quantized as get_static_quant_module_class,
    quantized as prepare, quantized as prepare_qat, quantized as propagate_qconfig_,
    quantized as quantize, quantized as quantize_dynamic, quantized as quantize_dynamic_jit,
    quantized as quantize_jit, quantized as quantize_qat, quantized as swap_module,
)
# fmt: on
# ---- names: end ----
from rushlight.later import later

observer = later("rushlight.ao.quantization")
