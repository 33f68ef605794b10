"""rushlight: PyTorch's interface built from scratch on NumPy.

>>> import rushlight as torch
>>> x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
>>> (x**2).sum().backward()
>>> x.grad
tensor([2., 4., 6.])
"""

import math as _math
import sys as _sys
import warnings as _warnings
from types import ModuleType as _ModuleType
import typing as _typing

# For threads in which nobody has asked for `autograd.state` yet; see `floaterrors`.
_warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"rushlight\.")

from rushlight.allocation import (
    Uncollected as _Uncollected,
    keep_freed_memory as _keep_freed_memory,
)

_keep_freed_memory()
# To look for cycles among what an import makes, again and again, takes a quarter of its time.
_uncollected = _Uncollected().__enter__()

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.absent import (
    nothing as set_autocast_ipu_dtype, nothing as set_autocast_ipu_enabled,
    nothing as set_autocast_xla_dtype, nothing as set_autocast_xla_enabled, nothing as set_vital,
)
from rushlight.device import get_default_device, set_default_device
from rushlight.nn.functional.recurrent import (
    gru, gru_cell, lstm, lstm_cell, rnn_relu, rnn_relu_cell, rnn_tanh, rnn_tanh_cell,
)
from rushlight.ops.control import (
    SymBool, SymFloat, SymInt, cond, get_device_module, init_num_threads, is_distributed,
    is_vulkan_available, sym_constrain_range, sym_constrain_range_for_size, sym_float,
    sym_fresh_size, sym_int, sym_ite, sym_max, sym_min, sym_not, sym_sqrt, sym_sum, vitals_enabled,
    while_loop,
)
from rushlight.ops.conversion import can_cast, is_tensor, typename
from rushlight.ops.creation import from_numpy
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
from rushlight.ops.gammas import (
    _dirichlet_grad, _sample_dirichlet, _standard_gamma, _standard_gamma_grad,
)
from rushlight.ops.geometry import (
    has_compatible_shallow_copy_type as _has_compatible_shallow_copy_type,
)
from rushlight.ops.grouped import grouped_mm as _grouped_mm
from rushlight.ops.internal import (
    _assert_async, _cast_Byte, _cast_Char, _cast_Double, _cast_Float, _cast_Half, _cast_Int,
    _cast_Long, _cast_Short, _check, _check_index, _check_is_size, _check_not_implemented,
    _check_tensor_all, _check_tensor_all_with, _check_type, _check_value, _check_with,
    _convert_indices_from_coo_to_csr, _convert_indices_from_csr_to_coo, _convolution, _dim_arange,
    _embedding_bag, _int_mm, _is_all_true, _is_any_true, _log_softmax, _log_softmax_backward_data,
    _pin_memory, _shape_as_tensor, _softmax, _softmax_backward_data, _stack, _unique, _unique2,
)
from rushlight.ops.legacy import (
    BFloat16Tensor, BoolTensor, ByteTensor, CharTensor, DoubleTensor, FloatTensor, HalfTensor,
    IntTensor, LongTensor, ShortTensor, from_dlpack, set_default_tensor_type, to_dlpack,
)
from rushlight.ops.segments import segment_reduce as _segment_reduce
from rushlight.ops.seldom import (
    Tag, classproperty, compiled_with_cxx11_abi, eig, get_file_path, lstsq, matrix_rank,
    prepare_multiprocessing_environment, profiler_allow_cudagraph_cupti_lazy_reinit_cuda12, solve,
    symeig,
)
from rushlight.ops.shape import broadcast_shapes
from rushlight.ops.storage import (
    BFloat16Storage, BoolStorage, ByteStorage, CharStorage, ComplexDoubleStorage,
    ComplexFloatStorage, DoubleStorage, FloatStorage, HalfStorage, IntStorage, LongStorage,
    ShortStorage, TypedStorage, UntypedStorage,
)
from rushlight.ops.storage_places import from_file, is_storage
from rushlight.public.torch import (
    _assert, abs, abs_, absolute, acos, acos_, acosh, acosh_, adaptive_avg_pool1d,
    adaptive_max_pool1d, add, addbmm, addcdiv, addcmul, addmm, addmv, addmv_, addr, adjoint,
    affine_grid_generator, alias_copy, all, allclose, alpha_dropout, alpha_dropout_, amax, amin,
    aminmax, angle, any, arange, arccos, arccos_, arccosh, arccosh_, arcsin, arcsin_, arcsinh,
    arcsinh_, arctan, arctan2, arctan_, arctanh, arctanh_, argmax, argmin, argsort, argwhere,
    as_strided, as_strided_, as_strided_copy, as_strided_scatter, as_tensor, asarray, asin, asin_,
    asinh, asinh_, atan, atan2, atan_, atanh, atanh_, atleast_1d, atleast_2d, atleast_3d,
    avg_pool1d, baddbmm, bartlett_window, batch_norm, bernoulli, bilinear,
    binary_cross_entropy_with_logits, bincount, binomial, bitwise_and, bitwise_left_shift,
    bitwise_not, bitwise_or, bitwise_right_shift, bitwise_xor, blackman_window, block_diag, bmm,
    broadcast_tensors, broadcast_to, bucketize, cartesian_prod, cat, cdist, ceil, ceil_, celu,
    celu_, chain_matmul, channel_shuffle, cholesky, cholesky_inverse, cholesky_solve, chunk, clamp,
    clamp_, clamp_max, clamp_max_, clamp_min, clamp_min_, clip, clip_, clone, column_stack,
    combinations, complex, concat, concatenate, conj, conj_physical, conj_physical_,
    constant_pad_nd, conv1d, conv2d, conv3d, conv_tbc, conv_transpose1d, conv_transpose2d,
    conv_transpose3d, convolution, copysign, corrcoef, cos, cos_, cosh, cosh_,
    cosine_embedding_loss, cosine_similarity, count_nonzero, cov, cross, ctc_loss, cummax, cummin,
    cumprod, cumsum, cumulative_trapezoid, deg2rad, deg2rad_, dequantize, det, detach, detach_,
    detach_copy, diag, diag_embed, diagflat, diagonal, diagonal_copy, diagonal_scatter, diff,
    digamma, dist, div, divide, dot, dropout, dropout_, dsplit, dstack, einsum, embedding,
    embedding_bag, embedding_renorm_, empty, empty_like, empty_permuted, empty_strided, eq, equal,
    erf, erf_, erfc, erfc_, erfinv, exp, exp2, exp2_, exp_, expand_copy, expm1, expm1_, eye,
    fake_quantize_per_channel_affine, fake_quantize_per_tensor_affine, feature_alpha_dropout,
    feature_alpha_dropout_, feature_dropout, feature_dropout_, fill, fill_, fix, fix_, flatten,
    flip, fliplr, flipud, float_power, floor, floor_, floor_divide, fmax, fmin, fmod, frac, frac_,
    frexp, frobenius_norm, frombuffer, full, full_like, gather, gcd, gcd_, ge, geqrf, ger,
    get_device, gradient, greater, greater_equal, grid_sampler, grid_sampler_2d, grid_sampler_3d,
    group_norm, gt, hamming_window, hann_window, hardshrink, hash_tensor, heaviside,
    hinge_embedding_loss, histc, histogram, histogramdd, hsplit, hstack, hypot, i0, i0_, igamma,
    igammac, imag, index_add, index_copy, index_fill, index_put, index_put_, index_reduce,
    index_select, inner, instance_norm, inverse, is_complex, is_conj, is_floating_point,
    is_inference, is_neg, is_nonzero, is_same_size, is_signed, isclose, isfinite, isin, isinf,
    isnan, isneginf, isposinf, isreal, istft, kaiser_window, kl_div, kron, kthvalue, layer_norm,
    lcm, lcm_, ldexp, ldexp_, le, lerp, less, less_equal, lgamma, linspace, lobpcg, log, log10,
    log10_, log1p, log1p_, log2, log2_, log_, log_softmax, logaddexp, logaddexp2, logcumsumexp,
    logdet, logical_and, logical_not, logical_or, logical_xor, logit, logit_, logspace, logsumexp,
    lt, lu, lu_solve, lu_unpack, margin_ranking_loss, masked_fill, masked_scatter, masked_select,
    matmul, matrix_exp, matrix_power, max, max_pool1d, max_pool1d_with_indices, max_pool2d,
    max_pool3d, maximum, mean, median, meshgrid, min, minimum, mm, mode, moveaxis, movedim, msort,
    mul, multinomial, multiply, mv, mvlgamma, nan_to_num, nan_to_num_, nanmean, nanmedian,
    nanquantile, nansum, narrow, narrow_copy, native_batch_norm, native_channel_shuffle,
    native_dropout, native_group_norm, native_layer_norm, native_norm, ne, neg, neg_, negative,
    negative_, nextafter, nonzero, nonzero_static, norm, norm_except_dim, normal, not_equal,
    nuclear_norm, numel, ones, ones_like, orgqr, ormqr, outer, pairwise_distance, pca_lowrank,
    pdist, permute, permute_copy, pinverse, pixel_shuffle, pixel_unshuffle, poisson,
    poisson_nll_loss, polar, polygamma, positive, pow, prelu, prod, put, qr, quantile, rad2deg,
    rad2deg_, rand, rand_like, randint, randint_like, randn, randn_like, randperm, range, ravel,
    real, reciprocal, reciprocal_, relu, relu_, remainder, renorm, repeat_interleave, reshape,
    resize_as_, resolve_conj, resolve_neg, result_type, rms_norm, roll, rot90, round, round_,
    row_stack, rrelu, rrelu_, rsqrt, rsqrt_, rsub, scalar_tensor, scatter, scatter_add,
    scatter_reduce, searchsorted, segment_reduce, select, select_copy, select_scatter, selu, selu_,
    sgn, sigmoid, sigmoid_, sign, signbit, sin, sin_, sinc, sinc_, sinh, sinh_, slice_copy,
    slice_scatter, slogdet, softmax, sort, split, split_copy, split_with_sizes,
    split_with_sizes_copy, sqrt, sqrt_, square, square_, squeeze, squeeze_copy, stack, std,
    std_mean, stft, sub, subtract, sum, svd, svd_lowrank, swapaxes, swapdims, t, t_copy, take,
    take_along_dim, tan, tan_, tanh, tanh_, tensor, tensor_split, tensordot, threshold, threshold_,
    tile, topk, trace, transpose, transpose_copy, trapezoid, trapz, triangular_solve, tril,
    tril_indices, triplet_margin_loss, triu, triu_indices, true_divide, trunc, trunc_, unbind,
    unbind_copy, unflatten, unfold_copy, unique, unique_consecutive, unravel_index, unsafe_chunk,
    unsafe_split, unsafe_split_with_sizes, unsqueeze, unsqueeze_copy, vander, var, var_mean, vdot,
    view_as_complex, view_as_complex_copy, view_as_real, view_as_real_copy, view_copy, vsplit,
    vstack, where, xlogy, xlogy_, zero_, zeros, zeros_like,
)
from rushlight.random.generator import thread_safe_generator
from rushlight.refusals import (
    benchmarks_in_cpp as ThroughputBenchmark, compressed as _sparse_addmm,
    compressed as _sparse_csr_prod, compressed as _sparse_csr_sum,
    compressed as _sparse_mm_reduce_impl, compressed as ccol_indices_copy,
    compressed as col_indices_copy, compressed as crow_indices_copy, compressed as indices_copy,
    compressed as row_indices_copy, compressed as sparse_bsc_tensor,
    compressed as sparse_bsr_tensor, compressed as values_copy,
    cudnn as cudnn_affine_grid_generator, cudnn as cudnn_batch_norm, cudnn as cudnn_convolution,
    cudnn as cudnn_convolution_add_relu, cudnn as cudnn_convolution_relu,
    cudnn as cudnn_convolution_transpose, cudnn as cudnn_grid_sampler, cudnn as cudnn_is_acceptable,
    dispatch as DispatchKey, dispatch as DispatchKeySet, dispatch as ExcludeDispatchKeyGuard,
    files_in_pieces as DeserializationStorageContext, files_in_pieces as PyTorchFileReader,
    files_in_pieces as PyTorchFileWriter, files_in_pieces as SerializationStorageContext,
    miopen as miopen_batch_norm, miopen as miopen_convolution,
    miopen as miopen_convolution_add_relu, miopen as miopen_convolution_relu,
    miopen as miopen_convolution_transpose, miopen as miopen_ctc_loss,
    miopen as miopen_depthwise_convolution, miopen as miopen_rnn,
    mkldnn as mkldnn_adaptive_avg_pool2d, mkldnn as mkldnn_convolution,
    mkldnn as mkldnn_linear_backward_weights, mkldnn as mkldnn_max_pool2d,
    mkldnn as mkldnn_max_pool3d, mkldnn as mkldnn_rnn_layer, nested as _nested_view_from_buffer,
    quantized as QInt32Storage, quantized as QInt8Storage, quantized as QUInt2x4Storage,
    quantized as QUInt4x2Storage, quantized as QUInt8Storage, quantized as choose_qparams_optimized,
    quantized as empty_quantized, quantized as fbgemm_linear_fp16_weight,
    quantized as fbgemm_linear_fp16_weight_fp32_activation, quantized as fbgemm_linear_int8_weight,
    quantized as fbgemm_linear_int8_weight_fp32_activation,
    quantized as fbgemm_linear_quantize_weight, quantized as fbgemm_pack_gemm_matrix_fp16,
    quantized as fbgemm_pack_quantized_matrix, quantized as fused_moving_avg_obs_fake_quant,
    quantized as int_repr, quantized as q_per_channel_axis, quantized as q_per_channel_scales,
    quantized as q_per_channel_zero_points, quantized as q_scale, quantized as q_zero_point,
    quantized as quantize_per_channel, quantized as quantize_per_tensor,
    quantized as quantize_per_tensor_dynamic, quantized as quantized_batch_norm,
    quantized as quantized_gru, quantized as quantized_gru_cell, quantized as quantized_lstm,
    quantized as quantized_lstm_cell, quantized as quantized_max_pool1d,
    quantized as quantized_max_pool2d, quantized as quantized_max_pool3d,
    quantized as quantized_rnn_relu_cell, quantized as quantized_rnn_tanh_cell,
    scaled as _scaled_grouped_mm, scaled as _scaled_mm, segments as slice_inverse,
    statistics_of_gpus as batch_norm_backward_elemt,
    statistics_of_gpus as batch_norm_backward_reduce, statistics_of_gpus as batch_norm_elemt,
    statistics_of_gpus as batch_norm_gather_stats,
    statistics_of_gpus as batch_norm_gather_stats_with_counts,
    statistics_of_gpus as batch_norm_stats, statistics_of_gpus as batch_norm_update_stats,
    streams as Event, streams as Stream, torchscript as AVG, torchscript as AggregationType,
    torchscript as AliasDb, torchscript as AnyType, torchscript as Argument,
    torchscript as ArgumentSpec, torchscript as AwaitType, torchscript as BenchmarkConfig,
    torchscript as BenchmarkExecutionStats, torchscript as Block, torchscript as BoolType,
    torchscript as BufferDict, torchscript as CallStack, torchscript as Capsule,
    torchscript as ClassType, torchscript as Code, torchscript as CompilationUnit,
    torchscript as CompleteArgumentSpec, torchscript as ComplexType,
    torchscript as ConcreteModuleType, torchscript as ConcreteModuleTypeBuilder,
    torchscript as DeepCopyMemoTable, torchscript as DeviceObjType, torchscript as DictType,
    torchscript as EnumType, torchscript as ErrorReport, torchscript as ExecutionPlan,
    torchscript as FileCheck, torchscript as FloatType, torchscript as FunctionSchema,
    torchscript as FutureType, torchscript as Gradient, torchscript as Graph,
    torchscript as GraphExecutorState, torchscript as IODescriptor, torchscript as InferredType,
    torchscript as IntType, torchscript as InterfaceType, torchscript as ListType,
    torchscript as LiteScriptModule, torchscript as LockingLogger, torchscript as LoggerBase,
    torchscript as ModuleDict, torchscript as Node, torchscript as NoneType,
    torchscript as NoopLogger, torchscript as NumberType, torchscript as OperatorInfo,
    torchscript as OptionalType, torchscript as ParameterDict, torchscript as PyObjectType,
    torchscript as RRefType, torchscript as SUM, torchscript as ScriptClass,
    torchscript as ScriptClassFunction, torchscript as ScriptDict,
    torchscript as ScriptDictIterator, torchscript as ScriptDictKeyIterator,
    torchscript as ScriptFunction, torchscript as ScriptList, torchscript as ScriptListIterator,
    torchscript as ScriptMethod, torchscript as ScriptModuleSerializer, torchscript as ScriptObject,
    torchscript as ScriptObjectProperty, torchscript as StaticModule, torchscript as StreamObjType,
    torchscript as StringType, torchscript as SymBoolType, torchscript as SymIntType,
    torchscript as TensorType, torchscript as TracingState, torchscript as TupleType,
    torchscript as Type, torchscript as UnionType, torchscript as Use, torchscript as Value,
    torchscript as import_ir_module, torchscript as import_ir_module_from_buffer,
    torchscript as merge_type_from_type_comment, torchscript as parse_ir,
    torchscript as parse_schema, torchscript as parse_type_comment, torchscript as unify_type_list,
)
from rushlight.sparse.compressed import (
    sparse_compressed_tensor, sparse_csc_tensor, sparse_csr_tensor,
)
from rushlight.sparse.product import dsmm, hspmm, hspmm as hsmm, smm, sspaddmm, sspaddmm as saddmm
from rushlight.sparse.tensor import resize_as_sparse_
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
    bits16,
    bits1x8,
    bits2x4,
    bits4x2,
    bits8,
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
    qint8,
    quint8,
    qint32,
    quint4x2,
    quint2x4,
    uint1,
    uint2,
    uint3,
    uint4,
    uint5,
    uint6,
    uint7,
    int1,
    int2,
    int3,
    int4,
    int5,
    int6,
    int7,
    float4_e2m1fn_x2,
    uint8,
    uint16,
    uint32,
    uint64,
)
from rushlight import return_types
from rushlight.layout import (
    channels_last,
    channels_last_3d,
    _mkldnn,
    contiguous_format,
    jagged,
    layout,
    legacy_contiguous_format,
    memory_format,
    per_channel_affine,
    per_channel_affine_float_qparams,
    per_channel_symmetric,
    per_tensor_affine,
    per_tensor_symmetric,
    preserve_format,
    qscheme,
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
from rushlight.amp.other_devices import (
    get_autocast_ipu_dtype, get_autocast_xla_dtype, is_autocast_ipu_enabled, is_autocast_xla_enabled,
)  # fmt: skip
from rushlight.printing import set_printoptions
from rushlight.errors import AcceleratorError, FatalError, OutOfMemoryError
from rushlight.settings import (
    are_deterministic_algorithms_enabled,
    compile,
    get_deterministic_debug_mode,
    get_float32_matmul_precision,
    get_num_interop_threads,
    is_deterministic_algorithms_warn_only_enabled,
    is_warn_always_enabled,
    set_deterministic_debug_mode,
    set_float32_matmul_precision,
    set_flush_denormal,
    set_warn_always,
    set_num_interop_threads,
    use_deterministic_algorithms,
)
from rushlight.size import Size
from rushlight._tensor import Tensor
from rushlight import _C, torch_version
from rushlight import (
    fft, func, linalg, nn, serialization, sparse, special, storage, utils,
)  # fmt: skip
from rushlight.func.mapping import vmap
from rushlight.ops.product import mm as spmm
from rushlight.sparse.creation import sparse_coo_tensor
from rushlight.serialization import load, save
from rushlight._classes import classes
from rushlight.later import later as _later
from rushlight.later import name_twice as _name_twice
from rushlight.nearest import missing as _missing

_name_twice()
# Few programs need them, and they take their time.
if _typing.TYPE_CHECKING:
    from rushlight import masked as masked
    from rushlight import optim as optim
    from rushlight import signal as signal
else:
    masked = _later("rushlight.masked")
    optim = _later("rushlight.optim")
    signal = _later("rushlight.signal")
distributed = _later("rushlight.distributed")
futures = _later("rushlight.futures")
distributions = _later("rushlight.distributions")
export = _later("rushlight.export")
functional = _later("rushlight.functional")
fx = _later("rushlight.fx")
jit = _later("rushlight.jit")
_jit_internal = _later("rushlight._jit_internal")
multiprocessing = _later("rushlight.multiprocessing")
overrides = _later("rushlight.overrides")
library = _later("rushlight.library")
_ops = _later("rushlight._ops")
testing = _later("rushlight.testing")
compiler = _later("rushlight.compiler")
hub = _later("rushlight.hub")
profiler = _later("rushlight.profiler")
types = _later("rushlight.types")
__config__ = _later("rushlight.__config__")
__future__ = _later("rushlight.__future__")
_VF = _later("rushlight._VF")
_tensor_str = _later("rushlight._tensor_str")
quasirandom = _later("rushlight.quasirandom")
numa = _later("rushlight.numa")
_dynamo = _later("rushlight._dynamo")
_functorch = _later("rushlight._functorch")
_subclasses = _later("rushlight._subclasses")
ao = _later("rushlight.ao")
monitor = _later("rushlight.monitor")
mtia = _later("rushlight.mtia")
nested = _later("rushlight.nested")
onnx = _later("rushlight.onnx")
package = _later("rushlight.package")
quantization = _later("rushlight.quantization")
_inductor = _later("rushlight._inductor")
# Not torch's: rushlight's own.
visual = _later("rushlight.visual")

from rushlight.amp import GradScaler
from rushlight.overriding.asking import DisableTorchFunction, DisableTorchFunctionSubclass

from rushlight.dtypes import bool_ as bool
from rushlight.dtypes import uint1 as bit
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

# `torch.torch`, which some programs write.
torch = _sys.modules[__name__]
# The rooms of operations are imported by their own names; what users call `torch.ops` is this.
ops = _later("rushlight.library.spaces")

pi = _math.pi
e = _math.e
inf = _math.inf
nan = _math.nan
newaxis = None

# How torch was built; programs ask before they use what belongs to it.
has_lapack = has_mkl = has_openmp = has_spectral = USE_GLOBAL_DEPS = True
USE_RTLD_GLOBAL_WITH_LIBTORCH = False
PRIVATE_OPS = ("unique_dim",)
Storage, StorageBase = FloatStorage, UntypedStorage

# What `from rushlight import *` brings: neither rooms, which would cover modules of the program such as
# `random` and `signal`, nor what torch's star leaves out.
_LEFT_OUT = {
    "BFloat16Storage", "BFloat16Tensor", "ComplexDoubleStorage", "ComplexFloatStorage", "HalfStorage",
    "HalfTensor", "LoggerBase", "PRIVATE_OPS", "QInt32Storage", "QInt8Storage", "QUInt2x4Storage",
    "QUInt4x2Storage", "QUInt8Storage", "Storage", "StorageBase", "USE_GLOBAL_DEPS",
    "USE_RTLD_GLOBAL_WITH_LIBTORCH", "broadcast_shapes", "channels_last", "channels_last_3d",
    "contiguous_format", "eig", "from_dlpack", "jagged", "legacy_contiguous_format", "lstsq", "lu",
    "matrix_rank", "pca_lowrank", "per_channel_affine", "per_channel_affine_float_qparams",
    "per_channel_symmetric", "per_tensor_affine", "per_tensor_symmetric", "preserve_format", "quantized_gru",
    "quantized_lstm", "segment_reduce", "set_default_dtype", "set_grad_enabled", "set_vital", "solve", "sparse_bsc",
    "sparse_bsr", "sparse_coo", "sparse_csc", "sparse_csr", "strided", "svd_lowrank", "symeig", "to_dlpack",
    "unique", "vitals_enabled", "while_loop", "classproperty", "compiled_with_cxx11_abi", "get_file_path",
    "prepare_multiprocessing_environment", "profiler_allow_cudagraph_cupti_lazy_reinit_cuda12",
}  # fmt: skip
__all__ = [
    name
    for name, value in list(vars().items())
    if not (name.startswith("_") or isinstance(value, _ModuleType) or name in _LEFT_OUT)
]

# Classes of rooms that are loaded later.
_LATE = {
    "Future": "rushlight.futures", "JITException": "rushlight.jit:Error", "ScriptModule": "rushlight.jit",
    "fork": "rushlight.jit", "wait": "rushlight.jit",
}  # fmt: skip
__all__ += [*_LATE, "export"]

if not _typing.TYPE_CHECKING:
    __getattr__ = _missing("torch", vars(), _LATE)

_uncollected.end()
