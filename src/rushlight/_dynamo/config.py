"""The settings of torch's `_dynamo`, with its defaults."""

import sys

from rushlight.utils.options import Options

accumulated_recompile_limit = 256
allow_unspec_int_on_nn_module = False
assume_static_by_default = True
automatic_dynamic_shapes = True
capture_dynamic_output_shape_ops = False
capture_func_transforms = True
capture_scalar_outputs = False
compiled_autograd = False
disable = False
dynamic_shapes = True
enable_compiler_collectives = False
error_on_nested_fx_trace = True
error_on_nested_jit_trace = True
error_on_recompile = False
fail_on_recompile_limit_hit = False
force_parameter_static_shapes = True
guard_nn_modules = True
inline_inbuilt_nn_modules = True
log_level = 30
nested_graph_breaks = False
numpy_default_complex = "complex128"
numpy_default_float = "float64"
numpy_default_int = "int64"
optimize_ddp: bool | str = True
raise_on_ctx_manager_usage = True
recompile_limit = 8
report_guard_failures = True
rewrite_assert_with_torch_assert = True
skip_fsdp_guards = True
skip_fwd_side_effects_in_bwd_under_checkpoint = False
skip_nnmodule_hook_guards = True
specialize_float = False
specialize_int = False
suppress_errors = False
trace_numpy = True
use_numpy_random_stream = False
verbose = False
verify_correctness = False

# Older names of settings: what is set under one is found under the other.
_older = {
    "accumulated_cache_size_limit": "accumulated_recompile_limit",
    "cache_size_limit": "recompile_limit",
    "fail_on_cache_limit_hit": "fail_on_recompile_limit_hit",
}

sys.modules[__name__].__class__ = Options
