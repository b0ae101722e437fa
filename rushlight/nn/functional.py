"""Layers as functions: an index of the operations that neural networks use."""

from __future__ import annotations

# ---- operations: written by tools/write_index.py
from rushlight.ops.activation import (
    functional_celu as celu, functional_celu_ as celu_, functional_elu as elu, elu_, gelu, glu,
    hardshrink, functional_hardsigmoid as hardsigmoid, hardsigmoid_,
    functional_hardswish as hardswish, hardswish_, functional_hardtanh as hardtanh, hardtanh_,
    functional_leaky_relu as leaky_relu, leaky_relu_, logsigmoid, functional_mish as mish, mish_,
    prelu, functional_relu as relu, functional_relu6 as relu6, relu6_, functional_relu_ as relu_,
    functional_selu as selu, functional_selu_ as selu_, functional_sigmoid as sigmoid,
    functional_silu as silu, silu_, softplus, softshrink, softsign, tanh, tanhshrink,
    functional_threshold as threshold, functional_threshold_ as threshold_,
)
from rushlight.ops.adaptive_pooling import (
    adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d, adaptive_max_pool1d,
    adaptive_max_pool1d_with_indices, adaptive_max_pool2d, adaptive_max_pool2d_with_indices,
    adaptive_max_pool3d, adaptive_max_pool3d_with_indices, fractional_max_pool2d,
    fractional_max_pool2d_with_indices, fractional_max_pool3d, fractional_max_pool3d_with_indices,
)
from rushlight.ops.attention import scaled_dot_product_attention
from rushlight.ops.average_pooling import (
    avg_pool1d, avg_pool2d, avg_pool3d, lp_pool1d, lp_pool2d, lp_pool3d,
)
from rushlight.ops.bilinear_form import bilinear
from rushlight.ops.convolution import (
    conv1d, conv2d, conv3d, conv_tbc, conv_transpose1d, conv_transpose2d, conv_transpose3d,
)
from rushlight.ops.cross_entropy import cross_entropy, nll_loss
from rushlight.ops.ctc import ctc_loss
from rushlight.ops.dropout import (
    alpha_dropout, dropout, dropout1d, dropout2d, dropout3d, feature_alpha_dropout,
)
from rushlight.ops.embedding import embedding, one_hot
from rushlight.ops.embedding_bag import embedding_bag
from rushlight.ops.folding import fold, unfold
from rushlight.ops.geometry import cosine_similarity, pairwise_distance, pdist
from rushlight.ops.grid_sampling import affine_grid, grid_sample
from rushlight.ops.interpolation import interpolate, upsample
from rushlight.ops.linear_cross_entropy import linear_cross_entropy
from rushlight.ops.loss import (
    binary_cross_entropy, binary_cross_entropy_with_logits, cosine_embedding_loss,
    gaussian_nll_loss, hinge_embedding_loss, huber_loss, kl_div, l1_loss, margin_ranking_loss,
    mse_loss, multilabel_soft_margin_loss, poisson_nll_loss, smooth_l1_loss, soft_margin_loss,
    triplet_margin_loss,
)
from rushlight.ops.margin_loss import (
    multi_margin_loss, multilabel_margin_loss, triplet_margin_with_distance_loss,
)
from rushlight.ops.matmul import linear
from rushlight.ops.max_pooling import (
    max_pool1d, max_pool1d_with_indices, max_pool2d, max_pool2d_with_indices, max_pool3d,
    max_pool3d_with_indices, max_unpool1d, max_unpool2d, max_unpool3d,
)
from rushlight.ops.multi_head_attention import multi_head_attention_forward
from rushlight.ops.normalization import (
    batch_norm, group_norm, instance_norm, layer_norm, local_response_norm, normalize, rms_norm,
)
from rushlight.ops.padding import pad
from rushlight.ops.random_activation import gumbel_softmax, rrelu, rrelu_
from rushlight.ops.shuffling import (
    channel_shuffle, native_channel_shuffle, pixel_shuffle, pixel_unshuffle,
)
from rushlight.ops.softmax import log_softmax, softmax, softmin
from rushlight.ops.upsampling import upsample_bilinear, upsample_nearest
# ---- by hand
# ---- all names: written by tools/write_index.py
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
    "glu", "grid_sample", "group_norm", "gumbel_softmax", "hardshrink", "hardsigmoid",
    "hardsigmoid_", "hardswish", "hardswish_", "hardtanh", "hardtanh_", "hinge_embedding_loss",
    "huber_loss", "instance_norm", "interpolate", "kl_div", "l1_loss", "layer_norm", "leaky_relu",
    "leaky_relu_", "linear", "linear_cross_entropy", "local_response_norm", "log_softmax",
    "logsigmoid", "lp_pool1d", "lp_pool2d", "lp_pool3d", "margin_ranking_loss", "max_pool1d",
    "max_pool1d_with_indices", "max_pool2d", "max_pool2d_with_indices", "max_pool3d",
    "max_pool3d_with_indices", "max_unpool1d", "max_unpool2d", "max_unpool3d", "mish", "mish_",
    "mse_loss", "multi_head_attention_forward", "multi_margin_loss", "multilabel_margin_loss",
    "multilabel_soft_margin_loss", "native_channel_shuffle", "nll_loss", "normalize", "one_hot",
    "pad", "pairwise_distance", "pdist", "pixel_shuffle", "pixel_unshuffle", "poisson_nll_loss",
    "prelu", "relu", "relu6", "relu6_", "relu_", "rms_norm", "rrelu", "rrelu_",
    "scaled_dot_product_attention", "selu", "selu_", "sigmoid", "silu", "silu_", "smooth_l1_loss",
    "soft_margin_loss", "softmax", "softmin", "softplus", "softshrink", "softsign", "tanh",
    "tanhshrink", "threshold", "threshold_", "triplet_margin_loss",
    "triplet_margin_with_distance_loss", "unfold", "upsample", "upsample_bilinear",
    "upsample_nearest",
]
