"""Functions of functions: their batches, gradients, Jacobians; modules as functions."""

from rushlight.func.batching import debug_unwrap
from rushlight.func.functional import functionalize
from rushlight.func.gradients import grad, grad_and_value, jvp, linearize, vjp
from rushlight.func.jacobians import hessian, jacfwd, jacrev
from rushlight.func.mapping import vmap
from rushlight.func.modules import (
    functional_call,
    replace_all_batch_norm_modules_,
    stack_module_state,
)
from rushlight.func.rearranging import rearrange

__all__ = [
    "debug_unwrap", "functional_call", "functionalize", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev",
    "jvp", "linearize", "rearrange", "replace_all_batch_norm_modules_", "stack_module_state", "vjp", "vmap",
]  # fmt: skip
