"""The settings of torch's `_functorch`, with its defaults."""

import sys

from rushlight.utils.options import Options

activation_memory_budget = 1.0
activation_memory_budget_runtime_estimator = "flops"
activation_memory_budget_solver = "dp"
ban_recompute_not_in_allowlist = True
ban_recompute_reductions = True
cse = True
debug_assert = False
debug_partitioner = False
donated_buffer = True
enable_autograd_cache = True
functionalize_rng_ops = False
recompute_views = False
strict_autograd_cache = False
treat_parameters_as_free_to_save = True

sys.modules[__name__].__class__ = Options
