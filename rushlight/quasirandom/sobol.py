"""Sobol' points."""

from __future__ import annotations

import numpy as np

from rushlight.base.dtypes import default_dtype, float32, float64
from rushlight.base.dtypes import dtype as DType
from rushlight.ops import from_numpy, randint
from rushlight.quasirandom.direction_numbers import BITS, MOST, direction_numbers
from rushlight.random import Generator
from rushlight.tensor import Tensor

__all__ = ["SobolEngine"]


class SobolEngine:
    """Draws the points of a Sobol' sequence in [0, 1)^dimension, one after the other.

    Any 2**m points from a multiple of 2**m on have equally many in each half, quarter, ... of every
    coordinate, so that means over them err by about 1 / n, not 1 / sqrt(n). The points are torch's.

    Args:
        dimension: coordinates of a point, 1 to 21,201; more than 1,024 need SciPy.
        scramble: mix the bits of each coordinate at random (Owen, 1998), so that means are unbiased
            and no point is the origin.
        seed: of the mixing; None: the default generator's next numbers.

    Raises ValueError for a dimension out of range.

    Sobol', "Distribution of points in a cube", 1967; numbers of Joe & Kuo, 2008.

    >>> import rushlight as rl
    >>> engine = rl.quasirandom.SobolEngine(dimension=2)
    >>> engine.draw(4)
    tensor([[0.0000, 0.0000],
            [0.5000, 0.5000],
            [0.7500, 0.2500],
            [0.2500, 0.7500]])
    """

    MAXBIT = BITS
    MAXDIM = MOST

    def __init__(self, dimension: int, scramble: bool = False, seed: int | None = None) -> None:
        if not 1 <= dimension <= self.MAXDIM:
            raise ValueError("Supported range of dimensionality for SobolEngine is "
                             f"[1, {self.MAXDIM}]: not {dimension}")
        self.dimension, self.scramble, self.seed = dimension, scramble, seed
        numbers = direction_numbers(dimension)
        shift = np.zeros(dimension, np.int64)
        if scramble:
            shift, numbers = _mixed(numbers, seed)
        self.sobolstate, self.shift = from_numpy(numbers), from_numpy(shift)
        self.reset()

    def draw(self, n: int = 1, out: Tensor | None = None, dtype: DType | None = None) -> Tensor:
        """The next `n` points, (n, dimension).

        out: filled with them, resized, and returned, instead of a new tensor. dtype: float32 or
        float64; None: the default one. Raises RuntimeError for a negative `n`, ValueError after
        2**30 points, NotImplementedError for another dtype.
        """
        dtype = default_dtype() if dtype is None else dtype
        if dtype not in (float32, float64):
            raise NotImplementedError(f'"_sobol_engine_draw" not implemented for {dtype}: draw '
                                      "float32 or float64, and convert")
        if n < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {n}: "
                               f"[{n}, {self.dimension}]")
        points = from_numpy(self._advance(n) * 0.5 ** BITS).to(dtype)
        if out is None:
            return points
        return out.resize_(points.shape).copy_(points)

    def draw_base2(self, m: int, out: Tensor | None = None, dtype: DType | None = None) -> Tensor:
        """The next 2**m points, as `draw`.

        Raises ValueError where the points drawn so far and these are not a power of 2 together:
        their balance would be lost.
        """
        n = 2 ** m
        total = self.num_generated + n
        if total & (total - 1):
            raise ValueError(
                "The balance properties of Sobol' points require n to be a power of 2. "
                f"{self.num_generated} points have been previously generated, then: "
                f"n={self.num_generated}+2**{m}={total}. If you still want to do this, please use "
                "'SobolEngine.draw()' instead.")
        return self.draw(n, out, dtype)

    def reset(self) -> SobolEngine:
        """Go back to the first point; returns the engine."""
        self.quasi = self.shift.clone()
        self.num_generated = 0
        return self

    def fast_forward(self, n: int) -> SobolEngine:
        """Skip the next `n` points; returns the engine."""
        if n > 0:
            self._demand(n)
            self.num_generated += n
            last = self.num_generated - 1
            flipped = [bit for bit in range(BITS) if (last ^ last >> 1) >> bit & 1]  # Gray code
            numbers = self.sobolstate.numpy()[:, flipped]
            self.quasi = from_numpy(self.shift.numpy() ^ np.bitwise_xor.reduce(numbers, axis=1))
        return self

    def _advance(self, n: int) -> np.ndarray:
        """The next `n` points as whole numbers, (n, dimension)."""
        self._demand(n)
        if n == 0:
            return np.empty((0, self.dimension), np.int64)
        places = np.arange(self.num_generated, self.num_generated + n)
        # From each point to the next one bit of the Gray code changes: that of its place's zeros.
        flips = self.sobolstate.numpy().T[_zeros_at_the_end(places)]
        if self.num_generated == 0:
            flips[0] = 0
        flips[0] ^= self.quasi.numpy()
        points: np.ndarray = np.bitwise_xor.accumulate(flips, axis=0)
        self.num_generated += n
        self.quasi = from_numpy(points[-1].copy())
        return points

    def _demand(self, n: int) -> None:
        if self.num_generated + n > 1 << BITS:
            raise ValueError(f"there are 2**{BITS} Sobol' points: {self.num_generated} have been "
                             f"drawn, {n} more are asked for; reset(), or scramble anew")

    def __repr__(self) -> str:
        said = [f"dimension={self.dimension}"]
        if self.scramble:
            said.append("scramble=True")
        if self.seed is not None:
            said.append(f"seed={self.seed}")
        return f"{type(self).__name__}({', '.join(said)})"


def _zeros_at_the_end(places: np.ndarray) -> np.ndarray:
    """How many zeros the binary digits of each number end with; 0 for the number 0."""
    lowest = places & -places
    return np.where(places == 0, 0, np.frexp(lowest)[1] - 1)


def _mixed(numbers: np.ndarray, seed: int | None) -> tuple[np.ndarray, np.ndarray]:
    """A random shift, (dimension,), and `numbers` times random triangles of bits, from `seed`."""
    dimension = len(numbers)
    generator = None if seed is None else Generator().manual_seed(seed)
    bits = randint(2, (dimension, BITS), generator=generator).numpy()
    triangles = np.tril(randint(2, (dimension, BITS, BITS), generator=generator).numpy(), -1)
    triangles += np.eye(BITS, dtype=np.int64)
    weights = np.int64(1) << np.arange(BITS - 1, -1, -1)  # the first row makes the highest bit
    digits = (numbers[:, None] & weights[:, None] != 0).astype(np.float32)  # (dimension, BITS, n)
    mixed = (triangles.astype(np.float32) @ digits).astype(np.int64) & 1
    return bits @ weights[::-1], (mixed * weights[:, None]).sum(axis=1)
