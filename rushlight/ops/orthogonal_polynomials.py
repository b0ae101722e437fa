"""Orthogonal polynomials: Chebyshev, Hermite, Laguerre, Legendre; degrees may be tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.backends.host import polynomial
from rushlight.families.composite import function
from rushlight.families.library import library
from rushlight.ops.special_functions import of_two, pair
from rushlight.tensor import Tensor

Array = np.ndarray


def _declare(name: str, values: Callable[[Array, Array], Array], meaning: str) -> None:
    class apply:
        """A polynomial of each element, by NumPy in double precision."""

        def forward(input, n):
            return of_two(values, input, n)

    apply_to = library("")(apply)

    def body(input: Any, n: Any) -> Tensor:
        return apply_to(*pair(name, input, n))

    body.__name__ = body.__qualname__ = name
    body.__doc__ = (f"{meaning} of degree n, whole numbers, at `input`; either may be a number. "
                    "Of negative degree it is 0. No gradient flows.")
    globals()[name] = function(f"special.{name}", out=True, samples=lambda x: [
        (x(2, 3), 3), (0.5, x.integers(3))])(body)


KINDS = {"t": "first", "u": "second", "v": "third", "w": "fourth"}

for _letter, _kind in KINDS.items():
    _values = getattr(polynomial, f"chebyshev_{_letter}")
    _declare(f"chebyshev_polynomial_{_letter}", _values,
             f"The Chebyshev polynomial of the {_kind} kind")
    _declare(f"shifted_chebyshev_polynomial_{_letter}",
             lambda x, n, values=_values: values(2 * x.astype(np.float64) - 1, n),
             f"The Chebyshev polynomial of the {_kind} kind, for arguments from 0 to 1,")

_declare("hermite_polynomial_h", polynomial.hermite_h, "The physicists' Hermite polynomial")
_declare("hermite_polynomial_he", polynomial.hermite_he, "The probabilists' Hermite polynomial")
_declare("laguerre_polynomial_l", polynomial.laguerre_l, "The Laguerre polynomial")
_declare("legendre_polynomial_p", polynomial.legendre_p, "The Legendre polynomial")
