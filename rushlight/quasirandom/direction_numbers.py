"""The direction numbers of Sobol' points: those of Joe & Kuo that are best for pairs of dimensions.

They are the numbers of "Constructing Sobol sequences with better two-dimensional projections"
(SIAM J. Sci. Comput., 2008, criterion D6). `direction_numbers.txt` has a line for each dimension
from the second to the 1,024th: its primitive polynomial over GF(2), the bits of a whole number, and
as many initial odd numbers m as the polynomial has degrees. SciPy has them for 21,201 dimensions.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

BITS = 30  # of a coordinate
MOST = 21_201  # dimensions
KEPT = 1_024  # of these, in the file beside this one


def direction_numbers(dimension: int) -> np.ndarray:
    """The whole numbers, (dimension, BITS), that a step to another point flips bits by.

    Raises ValueError for more dimensions than there are numbers.
    """
    table = _scipy() if dimension > KEPT else _kept()
    rows = np.ones((dimension, BITS), np.int64)
    for place in range(1, dimension):
        polynomial, *initial = table[place - 1]
        rows[place] = _continued(polynomial, initial)
    return rows << np.arange(BITS - 1, -1, -1)


def _continued(polynomial: int, numbers: list[int]) -> list[int]:
    """`numbers` and those that follow from them: m_i = m_{i-d} ^ XOR over terms x^k: 2^(d-k) m_.

    With d the degree of `polynomial`; the number of x^k is m_{i-d+k}, of those before m_i.
    """
    degree = polynomial.bit_length() - 1
    terms = [k for k in range(degree) if polynomial >> k & 1]
    found = list(numbers)
    for place in range(degree, BITS):
        value = found[place - degree]
        for k in terms:
            value ^= found[place - degree + k] << (degree - k)
        found.append(value)
    return found


@cache
def _kept() -> list[list[int]]:
    text = Path(__file__).with_suffix(".txt").read_text()
    return [[int(number) for number in line.split()] for line in text.splitlines()]


@cache
def _scipy() -> list[list[int]]:
    try:
        from scipy import stats
    except ImportError as error:
        raise ValueError(f"more than {KEPT} dimensions need SciPy, which has the direction numbers "
                         "of all: pip install scipy") from error
    with np.load(Path(stats.__file__).with_name("_sobol_direction_numbers.npz")) as file:
        polynomials, initial = file["poly"].tolist(), file["vinit"].tolist()
    return [[polynomial, *numbers[:polynomial.bit_length() - 1]]
            for polynomial, numbers in zip(polynomials[1:], initial[1:], strict=True)]
