"""rushlight: PyTorch's interface built from scratch on NumPy.

>>> import rushlight as torch
>>> x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
>>> (x**2).sum().backward()
>>> x.grad
tensor([2., 4., 6.])
"""

import math as _math
import warnings as _warnings
from types import ModuleType as _ModuleType
import typing as _typing

# For threads in which nobody has asked for `autograd.state` yet; see `floaterrors`.
_warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"rushlight\.")

from rushlight.allocation import keep_freed_memory as _keep_freed_memory

_keep_freed_memory()

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.ops.activation import (
    celu, celu_, hardshrink, log_softmax, prelu, relu_, rrelu, rrelu_, selu, selu_, softmax,
    threshold, threshold_,
)
from rushlight.ops.algebra import (
    chain_matmul, cholesky, cholesky_inverse, cholesky_solve, det, inverse, logdet, matrix_exp,
    pinverse, qr, slogdet, svd,
)
from rushlight.ops.arrangement import (
    as_strided_scatter, diag, diag_embed, diagflat, diagonal, diagonal_scatter, flip, fliplr,
    flipud, roll, rot90, select_scatter, slice_scatter, trace, tril, triu, vander,
)
from rushlight.ops.bilinear import bilinear
from rushlight.ops.bitwise import (
    bitwise_and, bitwise_left_shift, bitwise_not, bitwise_or, bitwise_right_shift, bitwise_xor, gcd,
    hash_tensor, lcm,
)
from rushlight.ops.comparison import (
    allclose, eq, equal, ge, greater, greater_equal, gt, isclose, isfinite, isinf, isnan, isneginf,
    isposinf, isreal, le, less, less_equal, logical_and, logical_not, logical_or, logical_xor, lt,
    ne, not_equal, where,
)
from rushlight.ops.complex import (
    angle, complex, conj, conj_physical, imag, is_conj, is_neg, polar, real, resolve_conj,
    resolve_neg, view_as_complex, view_as_real,
)
from rushlight.ops.conversion import (
    can_cast, clone, detach, detach_, get_device, is_complex, is_floating_point, is_nonzero,
    is_signed, is_tensor, result_type, typename,
)
from rushlight.ops.convolution import (
    conv1d, conv2d, conv3d, conv_tbc, conv_transpose1d, conv_transpose2d, conv_transpose3d,
    convolution,
)
from rushlight.ops.creation import (
    as_tensor, asarray, empty, empty_like, empty_permuted, empty_strided, from_numpy, full,
    full_like, ones, ones_like, scalar_tensor, tensor, zeros, zeros_like,
)
from rushlight.ops.distance import cdist, cosine_similarity, pairwise_distance, pdist
from rushlight.ops.dropout import (
    alpha_dropout, alpha_dropout_, dropout, dropout_, feature_alpha_dropout, feature_alpha_dropout_,
    feature_dropout, feature_dropout_, native_dropout,
)
from rushlight.ops.einsum import einsum
from rushlight.ops.embedding import embedding, embedding_bag, embedding_renorm_
from rushlight.ops.extremes import (
    amax, amin, aminmax, argmax, argmin, max, median, min, mode, nanmedian, nanquantile, quantile,
)
from rushlight.ops.foreach import (
    _foreach_abs, _foreach_abs_, _foreach_acos, _foreach_acos_, _foreach_add, _foreach_add_,
    _foreach_addcdiv, _foreach_addcdiv_, _foreach_addcmul, _foreach_addcmul_, _foreach_asin,
    _foreach_asin_, _foreach_atan, _foreach_atan_, _foreach_ceil, _foreach_ceil_,
    _foreach_clamp_max, _foreach_clamp_max_, _foreach_clamp_min, _foreach_clamp_min_,
    _foreach_clone, _foreach_copy_, _foreach_cos, _foreach_cos_, _foreach_cosh, _foreach_cosh_,
    _foreach_div, _foreach_div_, _foreach_erf, _foreach_erf_, _foreach_erfc, _foreach_erfc_,
    _foreach_exp, _foreach_exp_, _foreach_expm1, _foreach_expm1_, _foreach_floor, _foreach_floor_,
    _foreach_frac, _foreach_frac_, _foreach_lerp, _foreach_lerp_, _foreach_lgamma, _foreach_lgamma_,
    _foreach_log, _foreach_log10, _foreach_log10_, _foreach_log1p, _foreach_log1p_, _foreach_log2,
    _foreach_log2_, _foreach_log_, _foreach_max, _foreach_maximum, _foreach_maximum_,
    _foreach_minimum, _foreach_minimum_, _foreach_mm, _foreach_mul, _foreach_mul_, _foreach_neg,
    _foreach_neg_, _foreach_norm, _foreach_pow, _foreach_pow_, _foreach_reciprocal,
    _foreach_reciprocal_, _foreach_round, _foreach_round_, _foreach_rsqrt, _foreach_rsqrt_,
    _foreach_sigmoid, _foreach_sigmoid_, _foreach_sign, _foreach_sign_, _foreach_sin, _foreach_sin_,
    _foreach_sinh, _foreach_sinh_, _foreach_sqrt, _foreach_sqrt_, _foreach_sub, _foreach_sub_,
    _foreach_tan, _foreach_tan_, _foreach_tanh, _foreach_tanh_, _foreach_trunc, _foreach_trunc_,
    _foreach_zero_,
)
from rushlight.ops.geometry import as_strided, as_strided_, is_same_size, resize_as_
from rushlight.ops.histograms import bincount, histc, histogram, histogramdd
from rushlight.ops.indexing import index_put, index_put_
from rushlight.ops.inplace import fill_, zero_
from rushlight.ops.internal import (
    _assert, _assert_async, _cast_Byte, _cast_Char, _cast_Double, _cast_Float, _cast_Half,
    _cast_Int, _cast_Long, _cast_Short, _check, _check_index, _check_is_size,
    _check_not_implemented, _check_tensor_all, _check_tensor_all_with, _check_type, _check_value,
    _check_with, _convert_indices_from_coo_to_csr, _convert_indices_from_csr_to_coo, _convolution,
    _dim_arange, _embedding_bag, _is_all_true, _is_any_true, _log_softmax,
    _log_softmax_backward_data, _shape_as_tensor, _softmax, _softmax_backward_data, _stack, _unique,
    _unique2,
)
from rushlight.ops.joining import (
    block_diag, cartesian_prod, cat, chunk, column_stack, combinations, concat, concatenate, dsplit,
    dstack, hsplit, hstack, meshgrid, repeat_interleave, row_stack, split, split_with_sizes, stack,
    tensor_split, tile, unbind, unsafe_chunk, unsafe_split, unsafe_split_with_sizes, vsplit, vstack,
)
from rushlight.ops.legacy import (
    BFloat16Tensor, BoolTensor, ByteTensor, CharTensor, DoubleTensor, FloatTensor, HalfTensor,
    IntTensor, LongTensor, ShortTensor, from_dlpack, frombuffer, get_default_device,
    set_default_device, set_default_tensor_type, to_dlpack,
)
from rushlight.ops.loss import (
    binary_cross_entropy_with_logits, cosine_embedding_loss, ctc_loss, hinge_embedding_loss, kl_div,
    margin_ranking_loss, poisson_nll_loss, triplet_margin_loss,
)
from rushlight.ops.lowrank import pca_lowrank, svd_lowrank
from rushlight.ops.masking import (
    argwhere, fill, masked_fill, masked_scatter, masked_select, nonzero, nonzero_static,
    unravel_index,
)
from rushlight.ops.normalization import (
    batch_norm, group_norm, instance_norm, layer_norm, native_batch_norm, native_group_norm,
    native_layer_norm, rms_norm,
)
from rushlight.ops.overwriting import (
    acos_, acosh_, addmv_, arccos_, arccosh_, arcsin_, arcsinh_, arctan_, arctanh_, asin_, asinh_,
    atan_, atanh_, ceil_, clamp_, clamp_max_, clamp_min_, clip_, conj_physical_, cos_, cosh_,
    deg2rad_, erf_, erfc_, exp2_, exp_, expm1_, fix_, floor_, frac_, gcd_, i0_, lcm_, ldexp_,
    log10_, log1p_, log2_, log_, logit_, nan_to_num_, neg_, negative_, rad2deg_, reciprocal_,
    round_, rsqrt_, sigmoid_, sin_, sinc_, sinh_, sqrt_, square_, tan_, tanh_, trunc_, xlogy_,
)
from rushlight.ops.packed import geqrf, lu, lu_solve, lu_unpack, orgqr, ormqr, triangular_solve
from rushlight.ops.padding import constant_pad_nd
from rushlight.ops.pointwise import (
    abs, abs_, absolute, add, addcdiv, addcmul, ceil, clamp, clamp_max, clamp_min, clip, copysign,
    deg2rad, div, divide, fix, float_power, floor, floor_divide, fmax, fmin, fmod, frac, frexp,
    heaviside, ldexp, lerp, maximum, minimum, mul, multiply, nan_to_num, neg, negative, nextafter,
    positive, pow, rad2deg, reciprocal, relu, remainder, round, rsqrt, rsub, sgn, sign, signbit,
    sqrt, square, sub, subtract, true_divide, trunc,
)
from rushlight.ops.pooling import (
    adaptive_avg_pool1d, adaptive_max_pool1d, avg_pool1d, max_pool1d, max_pool1d_with_indices,
    max_pool2d, max_pool3d,
)
from rushlight.ops.product import (
    addbmm, addmm, addmv, addr, baddbmm, bmm, cross, dot, ger, inner, kron, matmul, matrix_power,
    mm, mv, outer, tensordot, vdot,
)
from rushlight.ops.ranges import arange, eye, linspace, logspace, range, tril_indices, triu_indices
from rushlight.ops.reduction import (
    all, any, count_nonzero, dist, logsumexp, mean, nanmean, nansum, norm, numel, prod, std,
    std_mean, sum, var, var_mean,
)
from rushlight.ops.sampling import (
    bernoulli, binomial, multinomial, normal, poisson, rand, rand_like, randint, randint_like,
    randn, randn_like, randperm,
)
from rushlight.ops.scan import (
    cummax, cummin, cumprod, cumsum, cumulative_trapezoid, diff, logcumsumexp, trapezoid, trapz,
)
from rushlight.ops.scatter import (
    gather, index_reduce, scatter, scatter_add, scatter_reduce, take_along_dim,
)
from rushlight.ops.selection import index_add, index_copy, index_fill, index_select, put, take
from rushlight.ops.shape import (
    adjoint, atleast_1d, atleast_2d, atleast_3d, broadcast_shapes, broadcast_tensors, broadcast_to,
    flatten, moveaxis, movedim, narrow, permute, ravel, reshape, select, squeeze, swapaxes,
    swapdims, t, transpose, unflatten, unsqueeze,
)
from rushlight.ops.sorting import (
    argsort, bucketize, isin, kthvalue, msort, searchsorted, sort, topk, unique, unique_consecutive,
)
from rushlight.ops.spectrum import istft, stft
from rushlight.ops.statistics import corrcoef, cov, gradient, renorm
from rushlight.ops.storage import (
    BFloat16Storage, BoolStorage, ByteStorage, CharStorage, ComplexDoubleStorage,
    ComplexFloatStorage, DoubleStorage, FloatStorage, HalfStorage, IntStorage, LongStorage,
    ShortStorage, TypedStorage, UntypedStorage,
)
from rushlight.ops.storage_places import is_storage
from rushlight.ops.transcendental import (
    acos, acosh, arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh, asin, asinh, atan,
    atan2, atanh, cos, cosh, digamma, erf, erfc, erfinv, exp, exp2, expm1, hypot, i0, igamma,
    igammac, lgamma, log, log10, log1p, log2, logaddexp, logaddexp2, logit, mvlgamma, polygamma,
    sigmoid, sin, sinc, sinh, tan, tanh, xlogy,
)
from rushlight.ops.view_copies import (
    alias_copy, as_strided_copy, detach_copy, diagonal_copy, expand_copy, narrow_copy, permute_copy,
    select_copy, slice_copy, split_copy, split_with_sizes_copy, squeeze_copy, t_copy,
    transpose_copy, unbind_copy, unfold_copy, unsqueeze_copy, view_as_complex_copy,
    view_as_real_copy, view_copy,
)
from rushlight.ops.vision import (
    affine_grid_generator, channel_shuffle, grid_sampler, grid_sampler_2d, grid_sampler_3d,
    native_channel_shuffle, pixel_shuffle, pixel_unshuffle,
)
from rushlight.ops.windows import (
    bartlett_window, blackman_window, hamming_window, hann_window, kaiser_window,
)
# fmt: on
# ---- names: end ----

from rushlight import autograd, random
from rushlight.random import (
    Generator,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from rushlight.autograd import (
    enable_grad,
    inference_mode,
    is_anomaly_check_nan_enabled,
    is_anomaly_enabled,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_anomaly_enabled,
    set_grad_enabled,
)
from rushlight.device import device
from rushlight.dtypes import (
    bfloat16,
    complex32,
    complex64,
    complex128,
    dtype,
    finfo,
    float8_e4m3fn,
    float8_e4m3fnuz,
    float8_e5m2,
    float8_e5m2fnuz,
    float8_e8m0fnu,
    float16,
    float32,
    float64,
    get_default_dtype,
    iinfo,
    int8,
    int16,
    int32,
    int64,
    promote_types,
    set_default_dtype,
    uint8,
    uint16,
    uint32,
    uint64,
)
from rushlight import return_types
from rushlight.layout import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    layout,
    memory_format,
    preserve_format,
    sparse_bsc,
    sparse_bsr,
    sparse_coo,
    sparse_csc,
    sparse_csr,
    strided,
)
from rushlight import accelerator, amp, backends, cpu, cuda, mps, version, xpu
from rushlight.amp.autocast_mode import (
    autocast,
    autocast_decrement_nesting,
    autocast_increment_nesting,
    clear_autocast_cache,
    get_autocast_cpu_dtype,
    get_autocast_dtype,
    get_autocast_gpu_dtype,
    is_autocast_cache_enabled,
    is_autocast_cpu_enabled,
    is_autocast_enabled,
    set_autocast_cache_enabled,
    set_autocast_cpu_dtype,
    set_autocast_cpu_enabled,
    set_autocast_dtype,
    set_autocast_enabled,
    set_autocast_gpu_dtype,
)
from rushlight.printing import set_printoptions
from rushlight.errors import OutOfMemoryError
from rushlight.settings import (
    are_deterministic_algorithms_enabled,
    compile,
    get_float32_matmul_precision,
    get_num_interop_threads,
    set_float32_matmul_precision,
    set_num_interop_threads,
    use_deterministic_algorithms,
)
from rushlight.size import Size
from rushlight._tensor import Tensor
from rushlight import _C, torch_version
from rushlight import (
    fft, func, linalg, masked, nn, optim, serialization, signal, sparse, special, storage, utils,
)  # fmt: skip
from rushlight.func.mapping import vmap
from rushlight.ops.product import mm as spmm
from rushlight.sparse.creation import sparse_coo_tensor
from rushlight.serialization import load, save
from rushlight.later import later as _later
from rushlight.later import name_twice as _name_twice
from rushlight.nearest import missing as _missing

_name_twice()
# Few programs need them, and they take their time.
distributed = _later("rushlight.distributed")
distributions = _later("rushlight.distributions")
multiprocessing = _later("rushlight.multiprocessing")
testing = _later("rushlight.testing")
compiler = _later("rushlight.compiler")
hub = _later("rushlight.hub")
profiler = _later("rushlight.profiler")
types = _later("rushlight.types")
__config__ = _later("rushlight.__config__")
_dynamo = _later("rushlight._dynamo")
_inductor = _later("rushlight._inductor")

from rushlight.dtypes import bool_ as bool
from rushlight.dtypes import complex32 as chalf
from rushlight.dtypes import complex64 as cfloat
from rushlight.dtypes import complex128 as cdouble
from rushlight.dtypes import float16 as half
from rushlight.dtypes import float32 as float
from rushlight.dtypes import float64 as double
from rushlight.dtypes import int16 as short
from rushlight.dtypes import int32 as int
from rushlight.dtypes import int64 as long

from rushlight.threads import get_num_threads as get_num_threads
from rushlight.threads import set_num_threads as set_num_threads
from rushlight.version import __version__

pi = _math.pi
e = _math.e
inf = _math.inf
nan = _math.nan
newaxis = None

# What `from rushlight import *` brings: neither rooms, which would cover modules of the program such as
# `random` and `signal`, nor what torch's star leaves out.
_LEFT_OUT = {
    "broadcast_shapes", "channels_last", "channels_last_3d", "contiguous_format", "from_dlpack", "lu",
    "pca_lowrank", "preserve_format", "set_default_dtype", "set_grad_enabled", "sparse_bsc", "sparse_bsr",
    "sparse_coo", "sparse_csc", "sparse_csr", "strided", "svd_lowrank", "to_dlpack", "unique",
}  # fmt: skip
__all__ = [
    name
    for name, value in list(vars().items())
    if not (name.startswith("_") or isinstance(value, _ModuleType) or name in _LEFT_OUT)
]

if not _typing.TYPE_CHECKING:
    __getattr__ = _missing("torch", vars())
