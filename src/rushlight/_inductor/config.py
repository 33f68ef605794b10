"""The settings of torch's `_inductor`, with its defaults."""

import sys

from rushlight.utils.options import Options

aggressive_fusion = False
benchmark_kernel = False
compile_threads = 2
conv_1x1_as_mm = False
coordinate_descent_check_all_directions = False
coordinate_descent_tuning = False
cpp_wrapper = False
dce = False
debug = False
emulate_precision_casts = False
epilogue_fusion = True
epilogue_fusion_first = False
fallback_random = False
force_fuse_int_mm_with_mul = False
freezing = False
fx_graph_cache = True
inplace_buffers = True
layout_optimization = True
max_autotune = False
max_autotune_gemm = False
max_autotune_pointwise = False
online_softmax = True
pattern_matcher = True
permute_fusion = False
profiler_mark_wrapper_call = False
shape_padding = True
size_asserts = True
split_reductions = True
unsafe_ignore_unsupported_triton_autotune_args = False
use_mixed_mm = True
verbose_progress = False
worker_start_method = "subprocess"


class cpp:
    """Of the C++ that it writes."""

    simdlen: int | None = None
    threads = -1
    max_horizontal_fusion_size = 16
    enable_kernel_profile = False


class triton:
    """Of the Triton that it writes."""

    cudagraphs = False
    cudagraph_trees = True
    unique_kernel_names = True


sys.modules[__name__].__class__ = Options
