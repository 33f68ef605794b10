"""The functions of torch.nn.functional that ask `__torch_function__`."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.nn.functional import (
    activation, attention, convolution, dropout as dropout_room, embedding as embedding_room,
    linear as linear_room, loss, margin, normalization, pooling, vision,
)
from rushlight.ops import (
    activation as ops_activation, grouped, normalization as ops_normalization, padding,
)
from rushlight.overriding.functions import public

HOME = "rushlight.nn.functional"

gelu = public(ops_activation.gelu, HOME, "gelu")
logsigmoid = public(ops_activation.logsigmoid, HOME, "logsigmoid")
softplus = public(ops_activation.softplus, HOME, "softplus")
grouped_mm = public(grouped.grouped_mm, HOME, "grouped_mm")
rms_norm = public(ops_normalization.rms_norm, HOME, "rms_norm", "spelled")
pad = public(padding.pad, HOME, "pad", "spelled")
celu = public(activation.celu, HOME, "celu", "spelled")
elu = public(activation.elu, HOME, "elu", "spelled")
elu_ = public(activation.elu_, HOME, "elu_")
glu = public(activation.glu, HOME, "glu", "spelled")
gumbel_softmax = public(activation.gumbel_softmax, HOME, "gumbel_softmax", "spelled")
hardsigmoid = public(activation.hardsigmoid, HOME, "hardsigmoid", "spelled")
hardswish = public(activation.hardswish, HOME, "hardswish", "spelled")
hardtanh = public(activation.hardtanh, HOME, "hardtanh", "spelled")
hardtanh_ = public(activation.hardtanh_, HOME, "hardtanh_")
leaky_relu = public(activation.leaky_relu, HOME, "leaky_relu", "spelled")
leaky_relu_ = public(activation.leaky_relu_, HOME, "leaky_relu_")
log_softmax = public(activation.log_softmax, HOME, "log_softmax", "spelled")
mish = public(activation.mish, HOME, "mish", "spelled")
relu = public(activation.relu, HOME, "relu", "spelled")
relu6 = public(activation.relu6, HOME, "relu6", "spelled")
rrelu = public(activation.rrelu, HOME, "rrelu", "spelled")
selu = public(activation.selu, HOME, "selu", "spelled")
silu = public(activation.silu, HOME, "silu", "spelled")
softmax = public(activation.softmax, HOME, "softmax", "spelled")
softmin = public(activation.softmin, HOME, "softmin", "spelled")
softshrink = public(activation.softshrink, HOME, "softshrink")
softsign = public(activation.softsign, HOME, "softsign", "spelled")
tanhshrink = public(activation.tanhshrink, HOME, "tanhshrink", "spelled")
threshold = public(activation.threshold, HOME, "threshold", "spelled")
multi_head_attention_forward = public(
    attention.multi_head_attention_forward, HOME, "multi_head_attention_forward", "spelled",
)
scaled_dot_product_attention = public(
    attention.scaled_dot_product_attention, HOME, "scaled_dot_product_attention",
)
fold = public(convolution.fold, HOME, "fold", "spelled")
unfold = public(convolution.unfold, HOME, "unfold", "spelled")
alpha_dropout = public(dropout_room.alpha_dropout, HOME, "alpha_dropout", "spelled")
dropout = public(dropout_room.dropout, HOME, "dropout", "spelled")
dropout1d = public(dropout_room.dropout1d, HOME, "dropout1d", "spelled")
dropout2d = public(dropout_room.dropout2d, HOME, "dropout2d", "spelled")
dropout3d = public(dropout_room.dropout3d, HOME, "dropout3d", "spelled")
feature_alpha_dropout = public(
    dropout_room.feature_alpha_dropout, HOME, "feature_alpha_dropout", "spelled",
)
embedding = public(embedding_room.embedding, HOME, "embedding", "spelled")
embedding_bag = public(embedding_room.embedding_bag, HOME, "embedding_bag", "spelled")
one_hot = public(embedding_room.one_hot, HOME, "one_hot")
linear = public(linear_room.linear, HOME, "linear")
binary_cross_entropy = public(loss.binary_cross_entropy, HOME, "binary_cross_entropy", "spelled")
binary_cross_entropy_with_logits = public(
    loss.binary_cross_entropy_with_logits, HOME, "binary_cross_entropy_with_logits", "spelled",
)
cross_entropy = public(loss.cross_entropy, HOME, "cross_entropy", "spelled")
ctc_loss = public(loss.ctc_loss, HOME, "ctc_loss", "spelled")
gaussian_nll_loss = public(loss.gaussian_nll_loss, HOME, "gaussian_nll_loss", "spelled")
huber_loss = public(loss.huber_loss, HOME, "huber_loss", "spelled")
kl_div = public(loss.kl_div, HOME, "kl_div", "spelled")
l1_loss = public(loss.l1_loss, HOME, "l1_loss", "spelled")
linear_cross_entropy = public(loss.linear_cross_entropy, HOME, "linear_cross_entropy", "spelled")
mse_loss = public(loss.mse_loss, HOME, "mse_loss", "spelled")
nll_loss = public(loss.nll_loss, HOME, "nll_loss", "spelled")
poisson_nll_loss = public(loss.poisson_nll_loss, HOME, "poisson_nll_loss", "spelled")
smooth_l1_loss = public(loss.smooth_l1_loss, HOME, "smooth_l1_loss", "spelled")
cosine_embedding_loss = public(
    margin.cosine_embedding_loss, HOME, "cosine_embedding_loss", "spelled",
)
hinge_embedding_loss = public(margin.hinge_embedding_loss, HOME, "hinge_embedding_loss", "spelled")
margin_ranking_loss = public(margin.margin_ranking_loss, HOME, "margin_ranking_loss", "spelled")
multi_margin_loss = public(margin.multi_margin_loss, HOME, "multi_margin_loss", "spelled")
multilabel_margin_loss = public(
    margin.multilabel_margin_loss, HOME, "multilabel_margin_loss", "spelled",
)
multilabel_soft_margin_loss = public(
    margin.multilabel_soft_margin_loss, HOME, "multilabel_soft_margin_loss", "spelled",
)
soft_margin_loss = public(margin.soft_margin_loss, HOME, "soft_margin_loss", "spelled")
triplet_margin_loss = public(margin.triplet_margin_loss, HOME, "triplet_margin_loss", "spelled")
triplet_margin_with_distance_loss = public(
    margin.triplet_margin_with_distance_loss, HOME, "triplet_margin_with_distance_loss", "spelled",
)
layer_norm = public(normalization.layer_norm, HOME, "layer_norm", "spelled")
batch_norm = public(normalization.batch_norm, HOME, "batch_norm", "spelled")
group_norm = public(normalization.group_norm, HOME, "group_norm", "spelled")
instance_norm = public(normalization.instance_norm, HOME, "instance_norm", "spelled")
local_response_norm = public(
    normalization.local_response_norm, HOME, "local_response_norm", "spelled",
)
normalize = public(normalization.normalize, HOME, "normalize", "spelled")
adaptive_avg_pool2d = public(pooling.adaptive_avg_pool2d, HOME, "adaptive_avg_pool2d", "spelled")
adaptive_avg_pool3d = public(pooling.adaptive_avg_pool3d, HOME, "adaptive_avg_pool3d", "spelled")
adaptive_max_pool1d = public(pooling.adaptive_max_pool1d, HOME, "adaptive_max_pool1d", "spelled")
adaptive_max_pool1d_with_indices = public(
    pooling.adaptive_max_pool1d_with_indices, HOME, "adaptive_max_pool1d_with_indices", "spelled",
)
adaptive_max_pool2d = public(pooling.adaptive_max_pool2d, HOME, "adaptive_max_pool2d", "spelled")
adaptive_max_pool2d_with_indices = public(
    pooling.adaptive_max_pool2d_with_indices, HOME, "adaptive_max_pool2d_with_indices", "spelled",
)
adaptive_max_pool3d = public(pooling.adaptive_max_pool3d, HOME, "adaptive_max_pool3d", "spelled")
adaptive_max_pool3d_with_indices = public(
    pooling.adaptive_max_pool3d_with_indices, HOME, "adaptive_max_pool3d_with_indices", "spelled",
)
avg_pool2d = public(pooling.avg_pool2d, HOME, "avg_pool2d")
avg_pool3d = public(pooling.avg_pool3d, HOME, "avg_pool3d")
fractional_max_pool2d = public(
    pooling.fractional_max_pool2d, HOME, "fractional_max_pool2d", "spelled",
)
fractional_max_pool2d_with_indices = public(
    pooling.fractional_max_pool2d_with_indices, HOME, "fractional_max_pool2d_with_indices", "spelled",
)
fractional_max_pool3d = public(
    pooling.fractional_max_pool3d, HOME, "fractional_max_pool3d", "spelled",
)
fractional_max_pool3d_with_indices = public(
    pooling.fractional_max_pool3d_with_indices, HOME, "fractional_max_pool3d_with_indices", "spelled",
)
lp_pool1d = public(pooling.lp_pool1d, HOME, "lp_pool1d", "spelled")
lp_pool2d = public(pooling.lp_pool2d, HOME, "lp_pool2d", "spelled")
lp_pool3d = public(pooling.lp_pool3d, HOME, "lp_pool3d", "spelled")
max_pool1d = public(pooling.max_pool1d, HOME, "max_pool1d", "spelled")
max_pool1d_with_indices = public(
    pooling.max_pool1d_with_indices, HOME, "max_pool1d_with_indices", "spelled",
)
max_pool2d = public(pooling.max_pool2d, HOME, "max_pool2d", "spelled")
max_pool2d_with_indices = public(
    pooling.max_pool2d_with_indices, HOME, "max_pool2d_with_indices", "spelled",
)
max_pool3d = public(pooling.max_pool3d, HOME, "max_pool3d", "spelled")
max_pool3d_with_indices = public(
    pooling.max_pool3d_with_indices, HOME, "max_pool3d_with_indices", "spelled",
)
max_unpool1d = public(pooling.max_unpool1d, HOME, "max_unpool1d", "spelled")
max_unpool2d = public(pooling.max_unpool2d, HOME, "max_unpool2d", "spelled")
max_unpool3d = public(pooling.max_unpool3d, HOME, "max_unpool3d", "spelled")
affine_grid = public(vision.affine_grid, HOME, "affine_grid", "spelled")
grid_sample = public(vision.grid_sample, HOME, "grid_sample", "spelled")
interpolate = public(vision.interpolate, HOME, "interpolate", "spelled")
upsample = public(vision.upsample, HOME, "upsample", "spelled")
upsample_bilinear = public(vision.upsample_bilinear, HOME, "upsample_bilinear", "spelled")
upsample_nearest = public(vision.upsample_nearest, HOME, "upsample_nearest", "spelled")
# fmt: on
# ---- names: end ----
