"""Images of bytes resized in whole numbers, as torch and Pillow do: each pass is rounded to bytes.

The weights of a pass become whole numbers, a power of two times as large, that fit in 16 bits.
Sums of such products are whole numbers below 2**53, so that a product of float64 is exact.
"""

from __future__ import annotations

import numpy as np

LARGEST = 1 << 15  # weights are below it
MOST_BITS = 21


def resized(images: np.ndarray, dim: int, matrix: np.ndarray) -> np.ndarray:
    """uint8 images with dimension `dim` (size) turned to (output) by `matrix` (output, size)."""
    bits = _bits(float(matrix.max()))
    scaled = matrix * (1 << bits)
    whole = np.trunc(scaled + np.where(scaled < 0, -0.5, 0.5)).T  # (size, output)
    rows = np.moveaxis(images, dim, -1)
    result = np.empty((*rows.shape[:-1], whole.shape[1]), np.uint8)
    for one, target in zip(rows, result, strict=True):  # image by image: float64 takes room
        sums = one.astype(np.float64) @ whole
        sums += 1 << (bits - 1)
        sums *= 2.0 ** -bits
        target[...] = np.floor(sums, out=sums).clip(0, 255)
    return np.moveaxis(result, -1, dim)


def _bits(largest: float) -> int:
    """By how many bits weights can be shifted."""
    bits = 0
    while bits <= MOST_BITS and int(0.5 + largest * (1 << (bits + 1))) < LARGEST:
        bits += 1
    return bits
