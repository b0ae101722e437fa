"""Write rushlight/backends/host/bessel_fits.py: Chebyshev series of Bessel and Airy functions.

Needs mpmath, which computes the coefficients in 50 digits; nothing else does.

    python -m tools.write_bessel_fits
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from mpmath import mp, mpf  # type: ignore[import-not-found]

PAGE = Path(__file__).resolve().parents[1] / "rushlight/backends/host/bessel_fits.py"
NODES = 60  # more than coefficients that matter
HEAD = '''"""Chebyshev series of Bessel and Airy functions, written by tools/write_bessel_fits.py.

NAME: (edges, a row of coefficients for each interval between neighbouring edges).
"""

from __future__ import annotations

Fit = tuple[tuple[float, ...], tuple[tuple[float, ...], ...]]

'''


def series(function: Callable[[Any], Any], low: Any, high: Any) -> list[float]:
    """The coefficients between two numbers, down to 2**-60 of the largest one."""
    angles = [mp.pi * (k + mpf(1) / 2) / NODES for k in range(NODES)]
    values = [function((low + high) / 2 + (high - low) / 2 * mp.cos(t)) for t in angles]
    found = [2 / mpf(NODES) * mp.fsum(v * mp.cos(n * t) for v, t in zip(values, angles))
             for n in range(NODES)]
    found[0] /= 2
    top = max(abs(c) for c in found)
    kept = max(n for n, c in enumerate(found) if abs(c) > top * mpf(2) ** -60)
    return [float(c) for c in found[:kept + 1]]


def fit(name: str, function: Callable[[Any], Any], edges: list[float]) -> str:
    """The definition of one fit; shorter rows are filled with zeros."""
    rows = [series(function, mpf(a), mpf(b)) for a, b in pairwise(edges)]
    width = max(map(len, rows))
    lines = [f"{name}: Fit = ({tuple(map(float, edges))}, ("]
    for row in rows:
        line = "    ("
        for value in [*row, *[0.0] * (width - len(row))]:
            if len(line) + len(repr(value)) > 97:
                lines.append(line.rstrip())
                line = "     "
            line += f"{value!r}, "
        lines.append(line.rstrip(", ") + "),")
    return "\n".join([*lines, "))\n"])


def kelvin(order: Any) -> Callable[[Any], Any]:
    """sqrt(x) e**x K(x) as a function of 1 / x."""
    def function(u: Any) -> Any:
        return mp.besselk(order, 1 / u) * mp.exp(1 / u) / mp.sqrt(u)

    return function


def main() -> None:
    """Write the file."""
    mp.dps = 50
    near = [0.0, 2.0, 5.0, 8.0, 11.0, 14.0, 17.0, 21.0, 25.0]
    second = near[1:]
    reciprocals = [0.0, 0.06, 0.2, 0.5, 1.0]
    parts = [
        fit("J0", lambda x: mp.besselj(0, x), near),
        fit("J1", lambda x: mp.besselj(1, x) / x, near),
        fit("Y0", lambda x: mp.bessely(0, x), second),
        fit("Y0_NEAR", lambda x: mp.bessely(0, x) - 2 / mp.pi * mp.log(x / 2) * mp.besselj(0, x),
            [0.0, 2.0]),
        fit("Y1", lambda x: mp.bessely(1, x), second),
        fit("Y1_NEAR", lambda x: (mp.bessely(1, x) - 2 / mp.pi * (
            mp.log(x / 2) * mp.besselj(1, x) - 1 / x)) / x, [0.0, 2.0]),
        fit("K0", kelvin(0), reciprocals),
        fit("K1", kelvin(1), reciprocals),
        fit("K_THIRD", kelvin(mpf(1) / 3), [*reciprocals, 1.5]),
        fit("AIRY", mp.airyai, [-12.0, -11.0, -10.0, -9.0, -8.0, -6.5, -5.0, -3.0, -1.0, 1.0]),
    ]
    PAGE.write_text(HEAD + "\n".join(parts))


if __name__ == "__main__":
    main()
