"""QR of matrices; small float32 ones by Householder reflections, rounded as torch rounds them.

A factorisation is defined only up to its rounding, and the smallest elements of two right answers
differ by hundreds of units in the last place. For matrices of up to LIMIT rows and columns the
order of operations is that of the library torch uses, so that a seed gives torch's numbers
(nn.init.orthogonal_). Every step rounds to float32; none is fused. Larger ones go another way
there, whose rounding depends on the number of threads: they are left to NumPy. A call takes
milliseconds; `backends.linalg.qr`, which linalg.qr calls, rounds as it goes fastest.

A reflection is H = I - tau [1, v] [1, v]^T (Householder, 1958; Golub and Van Loan, 2013, 5.1-5.2).
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray
Key = tuple[int, int, int]  # what `alike` tells matrices apart by

LIMIT = 20  # rows and columns of the largest matrix that is factored here
TINY = np.float32(2.0**-102)  # the smallest normal number over epsilon / 2
SCALE = np.float32(2.0**102)
ALIGNMENT = 4  # float32 elements in the 16 bytes that vector loads are aligned to


def qr(a: Array, mode: str = "reduced") -> tuple[Array, Array]:
    """(Q, R) with a = Q R, for matrices (..., rows, columns), as new arrays.

    Q is (..., rows, inner) and R is (..., inner, columns); inner is rows where mode is "complete"
    and min(rows, columns) where it is "reduced".
    """
    rows, columns = a.shape[-2:]
    if a.dtype != np.float32 or max(rows, columns) > LIMIT or not a.size:
        q, r = np.linalg.qr(a, mode="complete" if mode == "complete" else "reduced")
        return q, r
    inner = rows if mode == "complete" else min(rows, columns)
    with np.errstate(all="ignore"):  # infinities and NaN pass through silently, as in torch
        factors, tau = factor(a.reshape(-1, rows, columns))
        q = unfold(factors, tau, inner)
    r = np.triu(factors[:, :inner])
    return q.reshape(*a.shape[:-2], rows, inner), r.reshape(*a.shape[:-2], inner, columns)


def factor(a: Array) -> tuple[Array, Array]:
    """R with the v below its diagonal, (batch, rows, columns), and tau, (batch, reflections)."""
    a = a.copy()
    count, rows, columns = a.shape
    reflections = min(rows, columns)
    tau = np.zeros((count, reflections), np.float32)
    for i in range(min(reflections, rows - 1)):  # a last row has nothing below it to clear
        a[:, i, i], tau[:, i], a[:, i + 1:, i] = reflection(a[:, i, i], a[:, i + 1:, i])
        v = a[:, i + 1:, i, None]  # (batch, rows below, 1)
        top, below = a[:, i, None, i + 1:], a[:, i + 1:, i + 1:]
        terms = np.concatenate([top, v * below], axis=1)
        weight = tau[:, i, None, None] * np.add.accumulate(terms, axis=1)[:, -1:]
        top -= weight
        below -= v * weight
    return a, tau


def reflection(alpha: Array, x: Array) -> tuple[Array, Array, Array]:
    """(beta, tau, v) with H [alpha, x] = [beta, 0]; alpha is (batch,), x and v (batch, length)."""
    below = norm(x)
    size = hypotenuse(alpha, below)
    tiny = (below > 0) & (size < TINY)
    if tiny.any():  # else they would lose digits among the subnormal numbers
        scale = np.where(tiny, SCALE, np.float32(1))
        beta, tau, v = reflection(alpha * scale, x * scale[:, None])
        return beta / scale, tau, v
    beta = np.where(alpha >= 0, -size, size)
    tau = (beta - alpha) / beta
    v = x / (alpha - beta)[:, None]
    nothing = below == 0  # H is the identity
    return (np.where(nothing, alpha, beta), np.where(nothing, np.float32(0), tau),
            np.where(nothing[:, None], x, v))


def hypotenuse(a: Array, b: Array) -> Array:
    """sqrt(a^2 + b^2), scaled by the larger."""
    a = abs(a)
    large, small = np.where(a > b, a, b), np.where(a < b, a, b)
    ratio = small / large
    return np.where(small == 0, large, large * np.sqrt(np.float32(1) + ratio * ratio))


def norm(x: Array) -> Array:
    """The Euclidean norms of x (batch, length): one sum of squares, scaled by the largest yet."""
    scale = np.zeros(len(x), np.float32)
    squares = np.ones(len(x), np.float32)
    for value in np.abs(x.T):
        grows = scale < value
        ratio = np.where(grows, scale / value, value / scale)
        added = np.where(grows, 1 + squares * ratio * ratio, squares + ratio * ratio)
        squares = np.where(value == 0, squares, added)
        scale = np.where(grows, value, scale)
    return scale * np.sqrt(squares)


def unfold(factors: Array, tau: Array, inner: int) -> Array:
    """Q (batch, rows, inner), the product of the reflections `factor` left below the diagonal."""
    count, rows, _ = factors.shape
    reflections = tau.shape[1]
    q = np.zeros((count, rows, inner), np.float32)
    q[:, :, :reflections] = factors[:, :, :reflections]
    beyond = np.arange(reflections, inner)
    q[:, beyond, beyond] = 1
    starts = np.arange(count) * (rows * inner) % ALIGNMENT  # past an aligned element
    for i in reversed(range(reflections)):
        v, strength = q[:, i + 1:, i].copy(), tau[:, i, None]
        right = q[:, i:, i + 1:]  # its first row is zero as yet
        for (start, length, width), chosen in alike(starts, v, right, strength).items():
            head = -(start + i * rows + i + 1) % ALIGNMENT  # elements of v before an aligned one
            part = right[chosen, :length + 1, :width]
            reflect(part, v[chosen, :length], strength[chosen, 0], head)
            right[chosen, :length + 1, :width] = part
        q[:, :i, i] = 0
        q[:, i, i] = 1 - tau[:, i]
        q[:, i + 1:, i] = -strength * v
    return q


def alike(starts: Array, v: Array, right: Array, tau: Array) -> dict[Key, list[int]]:
    """The matrices of a batch by what decides their sums: start, length of v, columns.

    Zeros at the end of v are left out, and so are columns at the end that are zero beside v.
    """
    lengths = extent(v != 0)
    beside = np.arange(v.shape[1] + 1)[:, None] <= lengths[:, None, None]
    widths = extent(((right != 0) & beside).any(1) & (tau != 0))
    groups: dict[Key, list[int]] = {}
    for index, key in enumerate(zip(starts.tolist(), lengths.tolist(), widths.tolist())):
        groups.setdefault(key, []).append(index)
    return groups


def extent(present: Array) -> Array:
    """How many elements of (batch, length) there are up to the last that is true."""
    return (present * np.arange(1, present.shape[1] + 1)).max(1, initial=0)


def reflect(a: Array, v: Array, tau: Array, head: int) -> None:
    """Replace a (batch, 1 + length, columns), its first row zero, by H a."""
    for j, (lanes, step) in enumerate(order(a.shape[2])):
        weight = tau * dot(v, a[:, 1:, j], head, lanes, step)
        a[:, 0, j] = -weight
        a[:, 1:, j] -= v * weight[:, None]


def order(columns: int) -> list[tuple[int, int]]:
    """For each column a reflection is applied to: the partial sums of its dot product, and step.

    Columns go by fours; of up to three left over, the second shares its loop with the first.
    """
    fours, left = divmod(columns, 4)
    return [(4, 4)] * (4 * fours) + [(8, 8), (4, 8), (8, 8)][:left]


def dot(a: Array, b: Array, head: int, lanes: int, step: int) -> Array:
    """Dot products of a and b (batch, length), summed as a loop over vectors of `lanes` sums.

    The first `head` terms are added one by one, as are those left over after whole steps; the
    partial sums between are added by halves. All is one by one where there is no whole step.
    """
    terms = a * b
    whole = (terms.shape[1] - head) // step * step
    if whole <= 0:
        return in_sequence(terms)
    sums = terms[:, head:head + whole].reshape(len(a), -1, lanes)
    if head:
        sums[:, 0, 0] = in_sequence(terms[:, :head]) + sums[:, 0, 0]
    sums = np.add.accumulate(sums, axis=1)[:, -1]
    while sums.shape[1] > 1:
        half = sums.shape[1] // 2
        sums = sums[:, :half] + sums[:, half:]
    return in_sequence(np.concatenate([sums, terms[:, head + whole:]], axis=1))


def in_sequence(terms: Array) -> Array:
    """The sums of (batch, length), from the first to the last: np.sum would add them in pairs."""
    if not terms.shape[1]:
        return np.zeros(len(terms), np.float32)
    return np.add.accumulate(terms, axis=1)[:, -1]
