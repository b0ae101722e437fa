"""Special functions, named as in torch."""

from __future__ import annotations

# ---- operations: written by tools/write_index.py
from rushlight.ops.activation import expit
from rushlight.ops.arithmetic_forms import multigammaln, polygamma
from rushlight.ops.rounding import round
from rushlight.ops.softmax import log_softmax, logsumexp, softmax
from rushlight.ops.transcendental import (
    digamma, erf, erfc, erfinv, exp2, expm1, gammaln, i0, log1p, logit, psi, sinc, xlogy,
)
# ---- by hand
# ---- all names: written by tools/write_index.py
__all__ = [
    "digamma", "erf", "erfc", "erfinv", "exp2", "expit", "expm1", "gammaln", "i0", "log1p",
    "log_softmax", "logit", "logsumexp", "multigammaln", "polygamma", "psi", "round", "sinc",
    "softmax", "xlogy",
]
