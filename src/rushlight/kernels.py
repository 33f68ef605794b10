"""What torch calls the kernels of its CPU where they refuse a type: errors name them."""

from __future__ import annotations

from rushlight import dtypes

_OF_THE_CPU = (
    "abs", "airy_ai", "atan2", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "bitwise_and",
    "bitwise_not", "bitwise_or", "bitwise_xor", "copysign", "elu", "entr", "erfcx", "fmod", "frac", "gcd",
    "ge", "gt", "hardsigmoid", "hardswish", "hypot", "i0e", "i1", "i1e", "igamma", "igammac", "lcm", "le",
    "leaky_relu", "log_ndtr", "log_sigmoid", "logaddexp", "logaddexp2", "logit", "lt", "mish",
    "modified_bessel_i0", "modified_bessel_i1", "modified_bessel_k0", "modified_bessel_k1", "ndtri",
    "nextafter", "remainder", "scaled_modified_bessel_k0", "scaled_modified_bessel_k1", "silu", "softplus",
    "spherical_bessel_j0", "xlog1py", "xlogy", "zeta",
)  # fmt: skip

_OF_VECTORS = (
    "acos", "asin", "atan", "ceil", "cos", "erf", "erfc", "erfinv", "exp", "expm1", "floor", "i0",
    "lgamma", "log", "log10", "log1p", "log2", "round", "sin", "sqrt", "tan", "tanh", "trunc",
)  # fmt: skip

_NAMES = (
    {name: f"{name}_cpu" for name in _OF_THE_CPU}
    | {name: f"{name}_vml_cpu" for name in _OF_VECTORS}
    | {
        "adaptive_avg_pool1d": "adaptive_avg_pool2d", "adaptive_max_pool1d": "adaptive_max_pool2d",
        "add": "add_stub", "addcdiv": "addcdiv_cpu_out", "addcmul": "addcmul_cpu_out",
        "addmv": "addmv_impl_cpu", "amax": "max_values_cpu", "amin": "min_values_cpu",
        "avg_pool1d": "avg_pool2d", "avg_pool3d": "avg_pool3d_out_frame",
        "bitwise_left_shift": "lshift_cpu", "bitwise_right_shift": "rshift_cpu",
        "clamp": "clamp_scalar_cpu", "convolution": "slow_conv2d_cpu",
        "convolution_transpose": "slow_conv_transpose2d_out_cpu", "cummax": "cummax_cpu",
        "cummax_index": "cummax_cpu", "cummin": "cummin_cpu", "cummin_index": "cummin_cpu",
        "cumprod": "cumprod_out_cpu", "cumsum": "cumsum_out_cpu", "digamma": "digamma", "dot": "dot",
        "exp2": "exp2", "floor_division": "div_floor_cpu", "gather": "scatter_gather_tensor_cpu",
        "gelu": "GeluKernelImpl", "grid_sampler_2d": "grid_sampler_2d_cpu_kernel_impl",
        "hardtanh": "clamp_scalar_cpu", "index_add": "scatter_gather_tensor_cpu", "isfinite": "isfinite",
        "isinf": "isinf", "kth": "kthvalue_cpu", "lerp": "lerp_kernel_scalar", "linalg_det": "lu_cpu",
        "linalg_lu_factor_ex": "lu_cpu", "linalg_qr": "geqrf_cpu", "linear": "addmm_impl_cpu_",
        "log_softmax": "log_softmax_lastdim_kernel_impl", "logcumsumexp": "logcumsumexp_out_cpu",
        "logsumexp": "max_values_cpu", "matmul": "addmm_impl_cpu_", "max_pool1d": "max_pool1d_impl",
        "mean": "sum_cpu", "median": "median_cpu", "median_index": "median_out", "mode": "mode_cpu",
        "mode_index": "mode_cpu", "nan_to_num": "nan_to_num", "order": "sorting_kernel_method_name",
        "polygamma": "trigamma", "pow": "pow", "prod": "prod_out_cpu", "relu": "clamp_min_scalar_cpu",
        "scatter": "scatter_gather_tensor_cpu", "scatter_add": "scatter_gather_tensor_cpu",
        "search": "searchsorted_out_cpu", "sgn": "sign_cpu", "softmax": "softmax_lastdim_kernel_impl",
        "square": "pow", "sub": "add_stub", "top": "topk_cpu", "vector_norm": "norm_cpu",
        "windows": "im2col_out_cpu", "windows_sum": "col2im_out_cpu", "without_nan": "nansum_cpu",
    }
)  # fmt: skip


def kernel_of(row: str) -> str:
    """torch's name of the kernel of a row, which may be named with "_cpu" behind."""
    return _NAMES.get(row.removesuffix("_cpu"), row)


_NO_COMPLEX = {
    "ceil": "ceil is not supported for complex inputs",
    "floor": "floor is not supported for complex inputs",
    "trunc": "trunc is not supported for complex inputs",
    "sign": "Unlike NumPy, torch.sign is not intended to support complex numbers. "
    "Please use torch.sgn instead.",
    "relu": "clamp is not supported for complex types",
    "hardtanh": "clamp is not supported for complex types",
    "isposinf": "isposinf does not support complex inputs.",
    "isneginf": "isneginf does not support complex inputs.",
    "heaviside": "heaviside is not yet implemented for complex tensors.",
}
_BY_A_CHECK = {"isposinf", "isneginf", "heaviside"}


def refusal(row: str, dtype: dtypes.dtype) -> Exception:
    """What torch raises where a row does not take a type."""
    name = row.removesuffix("_cpu")
    if dtype.is_complex and name in _NO_COMPLEX:
        raised = RuntimeError if name in _BY_A_CHECK else NotImplementedError
        return raised(_NO_COMPLEX[name])
    return NotImplementedError(f"\"{kernel_of(row)}\" not implemented for '{dtype.word}'")
