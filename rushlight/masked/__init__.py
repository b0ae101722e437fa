"""Reductions over the elements that a mask selects, and tensors that carry their mask along."""

from __future__ import annotations

# ---- operations: written by tools/write_index.py
from rushlight.ops.masked_reductions import (
    amax, amin, argmax, argmin, cumprod, cumsum, log_softmax, logaddexp, logsumexp, mean, median,
    norm, normalize, prod, softmax, softmin, std, sum, var,
)
# ---- by hand
from rushlight.base.first_use import names_on_first_use as _names_on_first_use

# A subclass of Tensor makes every operation ask for subclasses: it is there on first use.
__getattr__, __dir__ = _names_on_first_use(globals(), dict.fromkeys(
    ("MaskedTensor", "as_masked_tensor", "is_masked_tensor", "masked_tensor", "maskedtensor"),
    "maskedtensor"))
# ---- all names: written by tools/write_index.py
__all__ = [
    "amax", "amin", "argmax", "argmin", "cumprod", "cumsum", "log_softmax", "logaddexp",
    "logsumexp", "mean", "median", "norm", "normalize", "prod", "softmax", "softmin", "std", "sum",
    "var",
]
