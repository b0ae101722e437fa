"""Special functions against values of 60 digits, rounded: the greatest error of each is stated.

special_values.json holds for each function rows of argument, value and slope, extremes and what
was found worst among them, computed with mpmath. An error is counted in units: a unit is the
spacing of floating point numbers at the value, and what the spacing at the argument changes it
by. So near a root, and far out where e**(x*x) or sin(x) turns on the last digit of x, an error of
1 is what rounding the argument alone would give; elsewhere it is one unit in the last place.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight import special

VALUES = json.loads((Path(__file__).parent / "special_values.json").read_text())

ERRORS: dict[str, tuple[Callable[..., Any], float]] = {
    "lgamma": (rl.lgamma, 1), "digamma": (rl.digamma, 1),
    "i0": (rl.i0, 2), "i1": (special.i1, 2.5), "i0e": (special.i0e, 4), "i1e": (special.i1e, 3),
    "j0": (special.bessel_j0, 1.5), "j1": (special.bessel_j1, 1.5),
    "y0": (special.bessel_y0, 3), "y1": (special.bessel_y1, 1.5),
    "k0": (special.modified_bessel_k0, 2), "k1": (special.modified_bessel_k1, 1),
    "k0e": (special.scaled_modified_bessel_k0, 3), "k1e": (special.scaled_modified_bessel_k1, 1.5),
    "spherical_j0": (special.spherical_bessel_j0, 1.5), "airy": (special.airy_ai, 2.5),
    "erf": (rl.erf, 1), "erfc": (rl.erfc, 1), "erfcx": (special.erfcx, 1.5),
    "erfinv": (rl.erfinv, 1), "ndtr": (special.ndtr, 1.5), "log_ndtr": (special.log_ndtr, 1.5),
    "ndtri": (special.ndtri, 4), "entr": (special.entr, 1), "sinc": (rl.sinc, 1.5),
    "logit": (rl.logit, 1), "expit": (special.expit, 2),
    "xlog1py": (lambda y: special.xlog1py(rl.full_like(y, 1.7), y), 1),
    "xlogy": (lambda y: special.xlogy(rl.full_like(y, 1.7), y), 1.5),
    "polygamma": (lambda x, n: rl.polygamma(n, x), 1.5), "multigammaln": (rl.mvlgamma, 1),
    "zeta": (lambda q, s: special.zeta(s, q), 2.5),
    "gammainc": (lambda x, a: rl.igamma(rl.full_like(x, a), x), 7.5),
    "gammaincc": (lambda x, a: rl.igammac(rl.full_like(x, a), x), 7),
    "chebt": (special.chebyshev_polynomial_t, 6), "chebu": (special.chebyshev_polynomial_u, 16),
    "chebtsh": (special.shifted_chebyshev_polynomial_t, 4),
    "hermh": (special.hermite_polynomial_h, 1), "hermhe": (special.hermite_polynomial_he, 1),
    "lag": (special.laguerre_polynomial_l, 2.5), "leg": (special.legendre_polynomial_p, 1.5),
}


@pytest.mark.parametrize("name", VALUES)
def test_errors(name: str) -> None:
    key = name if name in ERRORS else name.rstrip("0123456789.")
    function, bound = ERRORS[key]
    x, wanted, slope = np.array(VALUES[name], np.float64).T
    given = rl.from_numpy(x.copy())
    if key == name:
        found = function(given).numpy()
    else:
        parameter = float(name[len(key):])
        found = function(given, int(parameter) if parameter.is_integer() else parameter).numpy()
    unit = np.spacing(np.abs(wanted)) + np.abs(slope) * np.spacing(np.abs(x))
    error = np.abs(found - wanted) / unit
    assert error.max() <= bound, f"{name} at {x[error.argmax()]!r}"


def test_every_function_has_values() -> None:
    assert set(ERRORS) == {n if n in ERRORS else n.rstrip("0123456789.") for n in VALUES}
