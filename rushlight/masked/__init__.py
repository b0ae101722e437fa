"""Reductions over the elements that a mask selects, named as in torch.

Tensors that carry their mask along (torch.masked.masked_tensor) are left out: give a mask instead.
"""

from __future__ import annotations

# ---- operations: written by tools/write_index.py
from rushlight.ops.masked_reductions import (
    amax, amin, argmax, argmin, cumprod, cumsum, log_softmax, logaddexp, logsumexp, mean, median,
    norm, normalize, prod, softmax, softmin, std, sum, var,
)
# ---- by hand
# ---- all names: written by tools/write_index.py
__all__ = [
    "amax", "amin", "argmax", "argmin", "cumprod", "cumsum", "log_softmax", "logaddexp",
    "logsumexp", "mean", "median", "norm", "normalize", "prod", "softmax", "softmin", "std", "sum",
    "var",
]
