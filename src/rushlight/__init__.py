"""rushlight: PyTorch's interface built from scratch on NumPy.

>>> import rushlight as torch
>>> x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
>>> (x**2).sum().backward()
>>> x.grad
tensor([2., 4., 6.])
"""

# ruff: noqa: A004, I001

import math as _math
import warnings as _warnings

# Overflow and division by zero give inf and nan without a word, as in torch; NumPy's warnings about
# it are silenced for these modules only.
_warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"rushlight\.")

# ---- operations: begin ----
from rushlight.ops.arrangement import (
    as_strided_scatter,
    diag,
    diag_embed,
    diagflat,
    diagonal,
    diagonal_scatter,
    flip,
    fliplr,
    flipud,
    roll,
    rot90,
    select_scatter,
    slice_scatter,
    trace,
    tril,
    triu,
    vander,
)
from rushlight.ops.bitwise import (
    bitwise_and,
    bitwise_left_shift,
    bitwise_not,
    bitwise_or,
    bitwise_right_shift,
    bitwise_xor,
    gcd,
    lcm,
)
from rushlight.ops.comparison import (
    allclose,
    eq,
    equal,
    ge,
    greater,
    greater_equal,
    gt,
    isclose,
    isfinite,
    isinf,
    isnan,
    isneginf,
    isposinf,
    isreal,
    le,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    lt,
    ne,
    not_equal,
    where,
)
from rushlight.ops.complex import (
    angle,
    complex,
    conj,
    conj_physical,
    imag,
    is_conj,
    is_neg,
    polar,
    real,
    resolve_conj,
    resolve_neg,
    view_as_complex,
    view_as_real,
)
from rushlight.ops.conversion import (
    can_cast,
    clone,
    is_complex,
    is_floating_point,
    is_nonzero,
    is_signed,
    is_tensor,
    result_type,
)
from rushlight.ops.counting import (
    arange,
    eye,
    linspace,
    logspace,
    range,
    tril_indices,
    triu_indices,
)
from rushlight.ops.creation import (
    as_tensor,
    asarray,
    empty,
    empty_like,
    empty_permuted,
    empty_strided,
    from_numpy,
    full,
    full_like,
    ones,
    ones_like,
    scalar_tensor,
    tensor,
    zeros,
    zeros_like,
)
from rushlight.ops.einsum import (
    einsum,
)
from rushlight.ops.joining import (
    block_diag,
    cartesian_prod,
    cat,
    chunk,
    column_stack,
    combinations,
    concat,
    concatenate,
    dsplit,
    dstack,
    hsplit,
    hstack,
    meshgrid,
    repeat_interleave,
    row_stack,
    split,
    split_with_sizes,
    stack,
    tensor_split,
    tile,
    unbind,
    unsafe_chunk,
    unsafe_split,
    unsafe_split_with_sizes,
    vsplit,
    vstack,
)
from rushlight.ops.legacy import (
    BoolTensor,
    ByteTensor,
    CharTensor,
    DoubleTensor,
    FloatTensor,
    HalfTensor,
    IntTensor,
    LongTensor,
    ShortTensor,
    from_dlpack,
    frombuffer,
    get_default_device,
    set_default_device,
    set_default_tensor_type,
    to_dlpack,
)
from rushlight.ops.pointwise import (
    abs,
    absolute,
    add,
    addcdiv,
    addcmul,
    ceil,
    clamp,
    clamp_max,
    clamp_min,
    clip,
    copysign,
    deg2rad,
    div,
    divide,
    fix,
    float_power,
    floor,
    floor_divide,
    fmax,
    fmin,
    fmod,
    frac,
    frexp,
    heaviside,
    ldexp,
    lerp,
    maximum,
    minimum,
    mul,
    multiply,
    nan_to_num,
    neg,
    negative,
    nextafter,
    positive,
    pow,
    rad2deg,
    reciprocal,
    relu,
    remainder,
    round,
    rsqrt,
    rsub,
    sgn,
    sign,
    signbit,
    sqrt,
    square,
    sub,
    subtract,
    true_divide,
    trunc,
)
from rushlight.ops.product import (
    addbmm,
    addmm,
    addmv,
    addr,
    baddbmm,
    bmm,
    chain_matmul,
    cross,
    dot,
    ger,
    inner,
    kron,
    matmul,
    matrix_power,
    mm,
    mv,
    outer,
    tensordot,
    vdot,
)
from rushlight.ops.reduction import (
    amax,
    amin,
    mean,
    numel,
    sum,
)
from rushlight.ops.sampling import (
    bernoulli,
    binomial,
    multinomial,
    normal,
    poisson,
    rand,
    rand_like,
    randint,
    randint_like,
    randn,
    randn_like,
    randperm,
)
from rushlight.ops.shape import (
    adjoint,
    as_strided,
    as_strided_,
    atleast_1d,
    atleast_2d,
    atleast_3d,
    broadcast_shapes,
    broadcast_tensors,
    broadcast_to,
    flatten,
    is_same_size,
    moveaxis,
    movedim,
    narrow,
    permute,
    ravel,
    reshape,
    resize_as_,
    select,
    squeeze,
    swapaxes,
    swapdims,
    t,
    transpose,
    unflatten,
    unsqueeze,
)
from rushlight.ops.transcendental import (
    acos,
    acosh,
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctan2,
    arctanh,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    cos,
    cosh,
    digamma,
    erf,
    erfc,
    erfinv,
    exp,
    exp2,
    expm1,
    hypot,
    i0,
    igamma,
    igammac,
    lgamma,
    log,
    log10,
    log1p,
    log2,
    logaddexp,
    logaddexp2,
    logit,
    mvlgamma,
    polygamma,
    sigmoid,
    sin,
    sinc,
    sinh,
    tan,
    tanh,
    xlogy,
)
# ---- operations: end ----

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
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from rushlight.device import device
from rushlight.dtypes import (
    bfloat16,
    complex32,
    complex64,
    complex128,
    dtype,
    float16,
    float32,
    float64,
    get_default_dtype,
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
from rushlight.size import Size
from rushlight._tensor import Tensor
from rushlight import optim, utils

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

from rushlight.version import __version__

pi = _math.pi
e = _math.e
inf = _math.inf
nan = _math.nan
newaxis = None
