"""Layers as functions: an index of the operations that neural networks use."""

from __future__ import annotations

from rushlight.ops import FUNCTIONS
from rushlight.ops.bilinear_form import bilinear
from rushlight.ops.ctc import ctc_loss
from rushlight.ops.embedding_bag import embedding_bag
from rushlight.ops.folding import fold, unfold
from rushlight.ops.grid_sampling import affine_grid, grid_sample
from rushlight.ops.interpolation import interpolate, upsample
from rushlight.ops.margin_loss import (
    multi_margin_loss,
    multilabel_margin_loss,
    triplet_margin_with_distance_loss,
)
from rushlight.ops.multi_head_attention import multi_head_attention_forward
from rushlight.ops.padding import pad
from rushlight.ops.random_activation import gumbel_softmax, rrelu, rrelu_
from rushlight.ops.shuffling import channel_shuffle, pixel_shuffle, pixel_unshuffle

adaptive_avg_pool1d = FUNCTIONS["nn.functional.adaptive_avg_pool1d"]
adaptive_avg_pool2d = FUNCTIONS["nn.functional.adaptive_avg_pool2d"]
adaptive_avg_pool3d = FUNCTIONS["nn.functional.adaptive_avg_pool3d"]
adaptive_max_pool1d = FUNCTIONS["nn.functional.adaptive_max_pool1d"]
adaptive_max_pool2d = FUNCTIONS["nn.functional.adaptive_max_pool2d"]
adaptive_max_pool3d = FUNCTIONS["nn.functional.adaptive_max_pool3d"]
alpha_dropout = FUNCTIONS["nn.functional.alpha_dropout"]
avg_pool1d = FUNCTIONS["nn.functional.avg_pool1d"]
avg_pool2d = FUNCTIONS["nn.functional.avg_pool2d"]
avg_pool3d = FUNCTIONS["nn.functional.avg_pool3d"]
batch_norm = FUNCTIONS["nn.functional.batch_norm"]
binary_cross_entropy = FUNCTIONS["nn.functional.binary_cross_entropy"]
binary_cross_entropy_with_logits = FUNCTIONS["nn.functional.binary_cross_entropy_with_logits"]
celu = FUNCTIONS["nn.functional.celu"]
celu_ = FUNCTIONS["nn.functional.celu_"]
conv1d = FUNCTIONS["nn.functional.conv1d"]
conv2d = FUNCTIONS["nn.functional.conv2d"]
conv3d = FUNCTIONS["nn.functional.conv3d"]
conv_transpose1d = FUNCTIONS["nn.functional.conv_transpose1d"]
conv_transpose2d = FUNCTIONS["nn.functional.conv_transpose2d"]
conv_transpose3d = FUNCTIONS["nn.functional.conv_transpose3d"]
cosine_embedding_loss = FUNCTIONS["nn.functional.cosine_embedding_loss"]
cosine_similarity = FUNCTIONS["nn.functional.cosine_similarity"]
cross_entropy = FUNCTIONS["nn.functional.cross_entropy"]
dropout = FUNCTIONS["nn.functional.dropout"]
dropout1d = FUNCTIONS["nn.functional.dropout1d"]
dropout2d = FUNCTIONS["nn.functional.dropout2d"]
dropout3d = FUNCTIONS["nn.functional.dropout3d"]
elu = FUNCTIONS["nn.functional.elu"]
elu_ = FUNCTIONS["nn.functional.elu_"]
embedding = FUNCTIONS["nn.functional.embedding"]
feature_alpha_dropout = FUNCTIONS["nn.functional.feature_alpha_dropout"]
fractional_max_pool2d = FUNCTIONS["nn.functional.fractional_max_pool2d"]
fractional_max_pool3d = FUNCTIONS["nn.functional.fractional_max_pool3d"]
gaussian_nll_loss = FUNCTIONS["nn.functional.gaussian_nll_loss"]
gelu = FUNCTIONS["nn.functional.gelu"]
glu = FUNCTIONS["nn.functional.glu"]
group_norm = FUNCTIONS["nn.functional.group_norm"]
hardshrink = FUNCTIONS["nn.functional.hardshrink"]
hardsigmoid = FUNCTIONS["nn.functional.hardsigmoid"]
hardswish = FUNCTIONS["nn.functional.hardswish"]
hardtanh = FUNCTIONS["nn.functional.hardtanh"]
hardtanh_ = FUNCTIONS["nn.functional.hardtanh_"]
hinge_embedding_loss = FUNCTIONS["nn.functional.hinge_embedding_loss"]
huber_loss = FUNCTIONS["nn.functional.huber_loss"]
instance_norm = FUNCTIONS["nn.functional.instance_norm"]
kl_div = FUNCTIONS["nn.functional.kl_div"]
l1_loss = FUNCTIONS["nn.functional.l1_loss"]
layer_norm = FUNCTIONS["nn.functional.layer_norm"]
leaky_relu = FUNCTIONS["nn.functional.leaky_relu"]
leaky_relu_ = FUNCTIONS["nn.functional.leaky_relu_"]
linear = FUNCTIONS["nn.functional.linear"]
local_response_norm = FUNCTIONS["nn.functional.local_response_norm"]
log_softmax = FUNCTIONS["nn.functional.log_softmax"]
logsigmoid = FUNCTIONS["nn.functional.logsigmoid"]
lp_pool1d = FUNCTIONS["nn.functional.lp_pool1d"]
lp_pool2d = FUNCTIONS["nn.functional.lp_pool2d"]
lp_pool3d = FUNCTIONS["nn.functional.lp_pool3d"]
margin_ranking_loss = FUNCTIONS["nn.functional.margin_ranking_loss"]
max_pool1d = FUNCTIONS["nn.functional.max_pool1d"]
max_pool2d = FUNCTIONS["nn.functional.max_pool2d"]
max_pool3d = FUNCTIONS["nn.functional.max_pool3d"]
max_unpool1d = FUNCTIONS["nn.functional.max_unpool1d"]
max_unpool2d = FUNCTIONS["nn.functional.max_unpool2d"]
max_unpool3d = FUNCTIONS["nn.functional.max_unpool3d"]
mish = FUNCTIONS["nn.functional.mish"]
mse_loss = FUNCTIONS["nn.functional.mse_loss"]
multilabel_soft_margin_loss = FUNCTIONS["nn.functional.multilabel_soft_margin_loss"]
nll_loss = FUNCTIONS["nn.functional.nll_loss"]
normalize = FUNCTIONS["nn.functional.normalize"]
one_hot = FUNCTIONS["nn.functional.one_hot"]
pairwise_distance = FUNCTIONS["nn.functional.pairwise_distance"]
pdist = FUNCTIONS["nn.functional.pdist"]
poisson_nll_loss = FUNCTIONS["nn.functional.poisson_nll_loss"]
prelu = FUNCTIONS["nn.functional.prelu"]
relu = FUNCTIONS["nn.functional.relu"]
relu6 = FUNCTIONS["nn.functional.relu6"]
relu_ = FUNCTIONS["nn.functional.relu_"]
rms_norm = FUNCTIONS["nn.functional.rms_norm"]
scaled_dot_product_attention = FUNCTIONS["nn.functional.scaled_dot_product_attention"]
selu = FUNCTIONS["nn.functional.selu"]
selu_ = FUNCTIONS["nn.functional.selu_"]
sigmoid = FUNCTIONS["nn.functional.sigmoid"]
silu = FUNCTIONS["nn.functional.silu"]
smooth_l1_loss = FUNCTIONS["nn.functional.smooth_l1_loss"]
soft_margin_loss = FUNCTIONS["nn.functional.soft_margin_loss"]
softmax = FUNCTIONS["nn.functional.softmax"]
softmin = FUNCTIONS["nn.functional.softmin"]
softplus = FUNCTIONS["nn.functional.softplus"]
softshrink = FUNCTIONS["nn.functional.softshrink"]
softsign = FUNCTIONS["nn.functional.softsign"]
tanh = FUNCTIONS["nn.functional.tanh"]
tanhshrink = FUNCTIONS["nn.functional.tanhshrink"]
threshold = FUNCTIONS["nn.functional.threshold"]
threshold_ = FUNCTIONS["nn.functional.threshold_"]
triplet_margin_loss = FUNCTIONS["nn.functional.triplet_margin_loss"]

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "affine_grid",
    "alpha_dropout",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "batch_norm",
    "bilinear",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "celu",
    "celu_",
    "channel_shuffle",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "ctc_loss",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "elu",
    "elu_",
    "embedding",
    "embedding_bag",
    "feature_alpha_dropout",
    "fold",
    "fractional_max_pool2d",
    "fractional_max_pool3d",
    "gaussian_nll_loss",
    "gelu",
    "glu",
    "grid_sample",
    "group_norm",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hardtanh_",
    "hinge_embedding_loss",
    "huber_loss",
    "instance_norm",
    "interpolate",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "leaky_relu_",
    "linear",
    "local_response_norm",
    "log_softmax",
    "logsigmoid",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "margin_ranking_loss",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
    "mish",
    "mse_loss",
    "multi_head_attention_forward",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "normalize",
    "one_hot",
    "pad",
    "pairwise_distance",
    "pdist",
    "pixel_shuffle",
    "pixel_unshuffle",
    "poisson_nll_loss",
    "prelu",
    "relu",
    "relu6",
    "relu_",
    "rms_norm",
    "rrelu",
    "rrelu_",
    "scaled_dot_product_attention",
    "selu",
    "selu_",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "soft_margin_loss",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
    "threshold_",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
    "unfold",
    "upsample",
]
