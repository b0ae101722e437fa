"""Window functions, named as in torch."""

from __future__ import annotations

# ---- operations: written by tools/write_index.py
from rushlight.ops.windows import (
    bartlett, blackman, cosine, exponential, gaussian, general_cosine, general_hamming, hamming,
    hann, kaiser, nuttall,
)
# ---- by hand
# ---- all names: written by tools/write_index.py
__all__ = [
    "bartlett", "blackman", "cosine", "exponential", "gaussian", "general_cosine",
    "general_hamming", "hamming", "hann", "kaiser", "nuttall",
]
