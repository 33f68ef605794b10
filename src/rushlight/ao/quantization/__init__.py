"""torch.ao.quantization: what observes and rounds as few bits would; networks of few bits are refused."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.ao.quantization.fake_quantize import (
    FakeQuantize, FakeQuantizeBase, FixedQParamsFakeQuantize, FusedMovingAvgObsFakeQuantize,
    default_dynamic_fake_quant, default_fake_quant, default_fixed_qparams_range_0to1_fake_quant,
    default_fixed_qparams_range_neg1to1_fake_quant, default_fused_act_fake_quant,
    default_fused_per_channel_wt_fake_quant, default_fused_wt_fake_quant,
    default_per_channel_weight_fake_quant, default_weight_fake_quant, disable_fake_quant,
    disable_observer, enable_fake_quant, enable_observer,
)
from rushlight.ao.quantization.fuse_modules import fuse_modules, fuse_modules_qat
from rushlight.ao.quantization.observer import (
    FixedQParamsObserver, MinMaxObserver, MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver, NoopObserver, ObserverBase, PerChannelMinMaxObserver,
    PlaceholderObserver, RecordingObserver, ReuseInputObserver, UniformQuantizationObserverBase,
    default_debug_observer, default_dynamic_quant_observer,
    default_fixed_qparams_range_0to1_observer, default_fixed_qparams_range_neg1to1_observer,
    default_float_qparams_observer, default_observer, default_per_channel_weight_observer,
    default_placeholder_observer, default_reuse_input_observer, default_weight_observer,
)
from rushlight.ao.quantization.qconfig import (
    QConfig, QConfigAny, QConfigDynamic, default_activation_only_qconfig, default_debug_qconfig,
    default_dynamic_qat_qconfig, default_dynamic_qconfig, default_per_channel_qconfig,
    default_qat_qconfig, default_qat_qconfig_v2, default_qconfig, default_reuse_input_qconfig,
    default_weight_only_qconfig, float16_dynamic_qconfig, float16_static_qconfig,
    float_qparams_weight_only_qconfig, per_channel_dynamic_qconfig,
)
from rushlight.ao.quantization.quantize import (
    add_quant_dequant, convert, prepare, prepare_qat, propagate_qconfig_, quantize,
    quantize_dynamic, quantize_qat, swap_module,
)
from rushlight.ao.quantization.stubs import DeQuantStub, QuantStub, QuantWrapper
from rushlight.refusals import (
    quantized as AffineQuantizedObserverBase, quantized as Granularity,
    quantized as HistogramObserver, quantized as MappingType, quantized as ObserverOrFakeQuantize,
    quantized as PerAxis, quantized as PerBlock, quantized as PerGroup, quantized as PerRow,
    quantized as PerTensor, quantized as PerToken, quantized as QConfigMapping,
    quantized as QuantType, quantized as TorchAODType, quantized as ZeroPointDomain,
    quantized as convert_dynamic_jit, quantized as convert_jit,
    quantized as default_affine_fixed_qparams_fake_quant,
    quantized as default_affine_fixed_qparams_observer, quantized as default_embedding_fake_quant,
    quantized as default_embedding_fake_quant_4bit, quantized as default_eval_fn,
    quantized as default_float_qparams_observer_4bit, quantized as default_histogram_fake_quant,
    quantized as default_histogram_observer,
    quantized as default_symmetric_fixed_qparams_fake_quant,
    quantized as default_symmetric_fixed_qparams_observer, quantized as fuse_conv_bn,
    quantized as fuse_conv_bn_jit, quantized as fuse_conv_bn_relu,
    quantized as fuse_convtranspose_bn, quantized as fuse_linear_bn,
    quantized as fused_per_channel_wt_fake_quant_range_neg_127_to_127,
    quantized as fused_wt_fake_quant_range_neg_127_to_127, quantized as get_block_size,
    quantized as get_default_compare_output_module_list,
    quantized as get_default_custom_config_dict,
    quantized as get_default_dynamic_quant_module_mappings,
    quantized as get_default_dynamic_sparse_quant_module_mappings,
    quantized as get_default_float_to_quantized_operator_mappings,
    quantized as get_default_qat_module_mappings, quantized as get_default_qat_qconfig,
    quantized as get_default_qat_qconfig_dict, quantized as get_default_qat_qconfig_mapping,
    quantized as get_default_qconfig, quantized as get_default_qconfig_dict,
    quantized as get_default_qconfig_mapping, quantized as get_default_qconfig_propagation_list,
    quantized as get_default_static_quant_module_mappings,
    quantized as get_default_static_quant_reference_module_mappings,
    quantized as get_default_static_sparse_quant_module_mappings,
    quantized as get_dynamic_quant_module_class, quantized as get_embedding_qat_module_mappings,
    quantized as get_embedding_static_quant_module_mappings, quantized as get_fuser_method,
    quantized as get_fuser_method_new, quantized as get_observer_state_dict,
    quantized as get_quantized_operator, quantized as get_static_quant_module_class,
    quantized as load_observer_state_dict, quantized as no_observer_set,
    quantized as per_channel_weight_observer_range_neg_127_to_127, quantized as prepare_dynamic_jit,
    quantized as prepare_jit, quantized as qconfig_equals, quantized as quantize_dynamic_jit,
    quantized as quantize_jit, quantized as script_qconfig, quantized as script_qconfig_dict,
    quantized as weight_observer_range_neg_127_to_127,
)
# fmt: on
# ---- names: end ----

from rushlight.ao.quantization import quantize_fx
