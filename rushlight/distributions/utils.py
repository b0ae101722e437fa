"""The names of `torch.distributions.utils`."""

from rushlight.distributions.broadcasting import _standard_normal as _standard_normal
from rushlight.distributions.broadcasting import _sum_rightmost as _sum_rightmost
from rushlight.distributions.broadcasting import (
    broadcast_all,
    clamp_probs,
    euler_constant,
    lazy_property,
    logits_to_probs,
    probs_to_logits,
    tril_matrix_to_vec,
    vec_to_tril_matrix,
)

__all__ = ["broadcast_all", "clamp_probs", "euler_constant", "lazy_property", "logits_to_probs",
           "probs_to_logits", "tril_matrix_to_vec", "vec_to_tril_matrix"]
