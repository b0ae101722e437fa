"""`Module.__constants__`: the attributes of a layer that are set once, for classes that add theirs.

torch's compiler of scripts reads them. Here they only serve classes that are derived from a layer
and begin with its list.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

# Layers, without the number of dimensions where all have the same: their constants.
_TABLE = """
AdaptiveAvgPool: output_size
AdaptiveMaxPool: output_size return_indices
AlphaDropout Dropout FeatureAlphaDropout: p inplace
AvgPool1d: kernel_size stride padding ceil_mode count_include_pad
AvgPool: kernel_size stride padding ceil_mode count_include_pad divisor_override
BCELoss KLDivLoss L1Loss MSELoss MultiLabelMarginLoss MultiLabelSoftMarginLoss SmoothL1Loss \
SoftMarginLoss: reduction
BatchNorm InstanceNorm SyncBatchNorm: track_running_stats momentum eps num_features affine
Bilinear: in1_features in2_features out_features
CELU ELU: alpha inplace
CTCLoss: blank reduction
ChannelShuffle: groups
CircularPad ReflectionPad ReplicationPad: padding
ConstantPad ZeroPad: padding value
Conv ConvTranspose: stride padding dilation groups padding_mode output_padding in_channels \
out_channels kernel_size
CosineEmbeddingLoss HingeEmbeddingLoss MarginRankingLoss: margin reduction
CosineSimilarity: dim eps
CrossEntropyLoss: ignore_index reduction label_smoothing
Embedding: num_embeddings embedding_dim padding_idx max_norm norm_type scale_grad_by_freq sparse
EmbeddingBag: num_embeddings embedding_dim max_norm norm_type scale_grad_by_freq mode sparse \
include_last_offset padding_idx
Flatten: start_dim end_dim
Fold: output_size kernel_size dilation padding stride
FractionalMaxPool: kernel_size return_indices output_size output_ratio
GELU: approximate
GLU LogSoftmax Softmax Softmin: dim
GRU LSTM RNN RNNBase: mode input_size hidden_size num_layers bias batch_first dropout \
bidirectional proj_size
GRUCell LSTMCell RNNCellBase: input_size hidden_size bias
GaussianNLLLoss: full eps reduction
GroupNorm: num_groups num_channels eps affine
Hardshrink Softshrink: lambd
Hardsigmoid Hardswish Mish ReLU SELU SiLU: inplace
Hardtanh ReLU6: min_val max_val inplace
HuberLoss: reduction delta
LPPool: norm_type kernel_size stride ceil_mode
LayerNorm RMSNorm: normalized_shape eps elementwise_affine
LeakyReLU: inplace negative_slope
Linear LazyLinear: in_features out_features
LinearCrossEntropyLoss: num_classes out_features reduction ignore_index label_smoothing
LocalResponseNorm: size alpha beta k
MaxPool: kernel_size stride padding dilation return_indices ceil_mode
MultiMarginLoss: p margin reduction
MultiheadAttention: batch_first
NLLLoss: ignore_index reduction
PReLU: num_parameters
PairwiseDistance: norm eps keepdim
PixelShuffle: upscale_factor
PixelUnshuffle: downscale_factor
PoissonNLLLoss: log_input full eps reduction
RNNCell: input_size hidden_size bias nonlinearity
RReLU: lower upper inplace
Softplus: beta threshold
Threshold: threshold value inplace
TransformerDecoder TransformerEncoder: norm
TransformerDecoderLayer TransformerEncoderLayer: norm_first
TripletMarginLoss: margin p eps swap reduction
TripletMarginWithDistanceLoss: margin swap reduction
Unflatten: dim unflattened_size
Unfold: kernel_size dilation padding stride
Upsample UpsamplingBilinear UpsamplingNearest: size scale_factor mode align_corners name \
recompute_scale_factor
"""


class Constants:
    """The attribute of `Module`; classes without constants do not have it."""

    def __get__(self, module: Any, owner: type) -> list[str]:
        for kind in owner.__mro__:
            if kind.__module__.startswith("rushlight.nn.modules."):
                name = kind.__name__.removeprefix("Lazy")
                short = re.sub(r"(?<!Softmax)\dd$", "", name)
                found = _constants().get(name) or _constants().get(short)
                if found:
                    return found.split()
        raise AttributeError(f"type object {owner.__name__!r} has no attribute '__constants__'")


@cache
def _constants() -> dict[str, str]:
    rows = [row.split(":") for row in _TABLE.strip().split("\n")]
    return {name: listed for names, listed in rows for name in names.split()}
