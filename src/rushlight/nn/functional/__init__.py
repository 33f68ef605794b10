"""torch.nn.functional: neural networks as plain functions."""

import typing as _typing

from rushlight.nearest import missing as _missing

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.nn.functional.activation import (
    celu, elu, elu_, glu, gumbel_softmax, hardsigmoid, hardswish, hardtanh, hardtanh_, leaky_relu,
    leaky_relu_, log_softmax, mish, relu, relu6, rrelu, selu, silu, softmax, softmin, softshrink,
    softsign, tanhshrink, threshold,
)
from rushlight.nn.functional.attention import (
    multi_head_attention_forward, scaled_dot_product_attention,
)
from rushlight.nn.functional.convolution import fold, unfold
from rushlight.nn.functional.dropout import (
    alpha_dropout, dropout, dropout1d, dropout2d, dropout3d, feature_alpha_dropout,
)
from rushlight.nn.functional.embedding import embedding, embedding_bag, one_hot
from rushlight.nn.functional.linear import linear
from rushlight.nn.functional.loss import (
    binary_cross_entropy, binary_cross_entropy_with_logits, cross_entropy, ctc_loss,
    gaussian_nll_loss, huber_loss, kl_div, l1_loss, linear_cross_entropy, mse_loss, nll_loss,
    poisson_nll_loss, smooth_l1_loss,
)
from rushlight.nn.functional.margin import (
    cosine_embedding_loss, hinge_embedding_loss, margin_ranking_loss, multi_margin_loss,
    multilabel_margin_loss, multilabel_soft_margin_loss, soft_margin_loss, triplet_margin_loss,
    triplet_margin_with_distance_loss,
)
from rushlight.nn.functional.normalization import (
    batch_norm, group_norm, instance_norm, local_response_norm, normalize,
)
from rushlight.nn.functional.pooling import (
    adaptive_avg_pool2d, adaptive_avg_pool3d, adaptive_max_pool1d, adaptive_max_pool1d_with_indices,
    adaptive_max_pool2d, adaptive_max_pool2d_with_indices, adaptive_max_pool3d,
    adaptive_max_pool3d_with_indices, avg_pool2d, avg_pool3d, fractional_max_pool2d,
    fractional_max_pool2d_with_indices, fractional_max_pool3d, fractional_max_pool3d_with_indices,
    lp_pool1d, lp_pool2d, lp_pool3d, max_pool1d, max_pool1d_with_indices, max_pool2d,
    max_pool2d_with_indices, max_pool3d, max_pool3d_with_indices, max_unpool1d, max_unpool2d,
    max_unpool3d,
)
from rushlight.nn.functional.vision import (
    affine_grid, grid_sample, interpolate, upsample, upsample_bilinear, upsample_nearest,
)
from rushlight.ops.activation import (
    celu_, gelu, hardshrink, logsigmoid, prelu, relu_, rrelu_, selu_, softplus, threshold_,
)
from rushlight.ops.bilinear import bilinear
from rushlight.ops.convolution import (
    conv1d, conv2d, conv3d, conv_tbc, conv_transpose1d, conv_transpose2d, conv_transpose3d,
)
from rushlight.ops.distance import cosine_similarity, pairwise_distance, pdist
from rushlight.ops.normalization import layer_norm, rms_norm
from rushlight.ops.padding import pad
from rushlight.ops.pooling import adaptive_avg_pool1d, avg_pool1d
from rushlight.ops.transcendental import sigmoid, tanh
from rushlight.ops.vision import (
    channel_shuffle, native_channel_shuffle, pixel_shuffle, pixel_unshuffle,
)

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d",
    "adaptive_max_pool1d_with_indices", "adaptive_max_pool2d", "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d", "adaptive_max_pool3d_with_indices", "affine_grid", "alpha_dropout",
    "avg_pool1d", "avg_pool2d", "avg_pool3d", "batch_norm", "bilinear", "binary_cross_entropy",
    "binary_cross_entropy_with_logits", "celu", "celu_", "channel_shuffle", "conv1d", "conv2d",
    "conv3d", "conv_tbc", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
    "cosine_embedding_loss", "cosine_similarity", "cross_entropy", "ctc_loss", "dropout",
    "dropout1d", "dropout2d", "dropout3d", "elu", "elu_", "embedding", "embedding_bag",
    "feature_alpha_dropout", "fold", "fractional_max_pool2d", "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d", "fractional_max_pool3d_with_indices", "gaussian_nll_loss", "gelu",
    "glu", "grid_sample", "group_norm", "gumbel_softmax", "hardshrink", "hardsigmoid", "hardswish",
    "hardtanh", "hardtanh_", "hinge_embedding_loss", "huber_loss", "instance_norm", "interpolate",
    "kl_div", "l1_loss", "layer_norm", "leaky_relu", "leaky_relu_", "linear",
    "linear_cross_entropy", "local_response_norm", "log_softmax", "logsigmoid", "lp_pool1d",
    "lp_pool2d", "lp_pool3d", "margin_ranking_loss", "max_pool1d", "max_pool1d_with_indices",
    "max_pool2d", "max_pool2d_with_indices", "max_pool3d", "max_pool3d_with_indices",
    "max_unpool1d", "max_unpool2d", "max_unpool3d", "mish", "mse_loss",
    "multi_head_attention_forward", "multi_margin_loss", "multilabel_margin_loss",
    "multilabel_soft_margin_loss", "native_channel_shuffle", "nll_loss", "normalize", "one_hot",
    "pad", "pairwise_distance", "pdist", "pixel_shuffle", "pixel_unshuffle", "poisson_nll_loss",
    "prelu", "relu", "relu6", "relu_", "rms_norm", "rrelu", "rrelu_",
    "scaled_dot_product_attention", "selu", "selu_", "sigmoid", "silu", "smooth_l1_loss",
    "soft_margin_loss", "softmax", "softmin", "softplus", "softshrink", "softsign", "tanh",
    "tanhshrink", "threshold", "threshold_", "triplet_margin_loss",
    "triplet_margin_with_distance_loss", "unfold", "upsample", "upsample_bilinear",
    "upsample_nearest",
]
# fmt: on
# ---- names: end ----

if not _typing.TYPE_CHECKING:
    __getattr__ = _missing("torch.nn.functional", vars())
