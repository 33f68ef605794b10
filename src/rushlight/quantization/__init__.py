"""torch.quantization: the older name of torch.ao.quantization."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.ao.quantization.fake_quantize import (
    FakeQuantize, FakeQuantizeBase, FixedQParamsFakeQuantize, FusedMovingAvgObsFakeQuantize,
    default_fake_quant, default_fixed_qparams_range_0to1_fake_quant,
    default_fixed_qparams_range_neg1to1_fake_quant, default_fused_act_fake_quant,
    default_fused_per_channel_wt_fake_quant, default_fused_wt_fake_quant,
    default_per_channel_weight_fake_quant, default_weight_fake_quant, disable_fake_quant,
    disable_observer, enable_fake_quant, enable_observer,
)
from rushlight.ao.quantization.fuse_modules import fuse_modules
from rushlight.ao.quantization.observer import (
    MinMaxObserver, MovingAverageMinMaxObserver, MovingAveragePerChannelMinMaxObserver,
    NoopObserver, ObserverBase, PerChannelMinMaxObserver, PlaceholderObserver, RecordingObserver,
    default_debug_observer, default_dynamic_quant_observer, default_float_qparams_observer,
    default_observer, default_per_channel_weight_observer, default_placeholder_observer,
    default_weight_observer,
)
from rushlight.ao.quantization.qconfig import (
    QConfig, QConfigAny, QConfigDynamic, default_activation_only_qconfig, default_debug_qconfig,
    default_dynamic_qconfig, default_per_channel_qconfig, default_qat_qconfig,
    default_qat_qconfig_v2, default_qconfig, default_weight_only_qconfig, float16_dynamic_qconfig,
    float16_static_qconfig, float_qparams_weight_only_qconfig, per_channel_dynamic_qconfig,
)
from rushlight.ao.quantization.quantize import (
    add_quant_dequant, convert, prepare, prepare_qat, propagate_qconfig_, quantize,
    quantize_dynamic, quantize_qat, swap_module,
)
from rushlight.ao.quantization.stubs import DeQuantStub, QuantStub, QuantWrapper
from rushlight.refusals import (
    quantized as HistogramObserver, quantized as QuantType, quantized as default_eval_fn,
    quantized as default_histogram_fake_quant, quantized as get_default_compare_output_module_list,
    quantized as get_default_dynamic_quant_module_mappings,
    quantized as get_default_qat_module_mappings, quantized as get_default_qconfig_propagation_list,
    quantized as get_default_static_quant_module_mappings, quantized as get_fuser_method,
    quantized as get_quantized_operator, quantized as get_static_quant_module_class,
    quantized as quantize_dynamic_jit, quantized as quantize_jit,
)
# fmt: on
# ---- names: end ----
from rushlight.ao.quantization import (  # torch has files of these names here as well
    fake_quantize,
    observer,
    qconfig,
    quantize_fx,
    stubs,
)
