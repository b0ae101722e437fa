"""NumPy forms of the recurrent kernels: single steps and whole layers.

The names, arguments and results are those of `backends/cpu/gates.py` and `recurrence.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = Any  # an np.ndarray


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def _gates(wide: Array, count: int) -> list[Array]:
    return np.split(wide, count, -1)


def lstm(c: Array, x: Array, a: Array) -> tuple[Array, ...]:
    """(h', c', gates)"""
    i, f, g, o = _gates(x + a, 4)
    i, f, g, o = _sigmoid(i), _sigmoid(f), np.tanh(g), _sigmoid(o)
    c = f * c + i * g
    return o * np.tanh(c), c, np.concatenate([i, f, g, o], -1)


def lstm_backward(dh: Array, dc: Array, c: Array, gates: Array) -> tuple[Array, ...]:
    """(dx, gradient of c)"""
    i, f, g, o = _gates(gates, 4)
    squashed = np.tanh(f * c + i * g)
    dc = dc + dh * o * (1 - squashed * squashed)
    slopes = [dc * g * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - g * g),
              dh * squashed * o * (1 - o)]
    return np.concatenate(slopes, -1), dc * f


def gru(h: Array, x: Array, a: Array) -> tuple[Array, ...]:
    """(h', gates, the state's part of the new gate)"""
    (x_r, x_z, x_n), (a_r, a_z, e) = _gates(x, 3), _gates(a, 3)
    r, z = _sigmoid(x_r + a_r), _sigmoid(x_z + a_z)
    n = np.tanh(x_n + r * e)
    return n + z * (h - n), np.concatenate([r, z, n], -1), e


def gru_backward(dh: Array, h: Array, e: Array, gates: Array) -> tuple[Array, ...]:
    """(dx, da, what reaches h directly)"""
    r, z, n = _gates(gates, 3)
    dn = dh * (1 - z) * (1 - n * n)
    dz = dh * (h - n) * z * (1 - z)
    dr = dn * e * r * (1 - r)
    return np.concatenate([dr, dz, dn], -1), np.concatenate([dr, dz, dn * r], -1), dh * z


def tanh(x: Array, a: Array) -> Array:
    """h'"""
    return np.tanh(x + a)


def tanh_backward(dh: Array, y: Array) -> Array:
    """dx"""
    return dh * (1 - y * y)


def relu(x: Array, a: Array) -> Array:
    """h'"""
    return np.maximum(x + a, 0)


def relu_backward(dh: Array, y: Array) -> Array:
    """dx"""
    return np.where(y > 0, dh, dh.dtype.type(0))


FORWARD = {"lstm": lstm, "gru": gru, "tanh": tanh, "relu": relu}
BACKWARD = {"lstm": lstm_backward, "gru": gru_backward, "tanh": tanh_backward,
            "relu": relu_backward}


def kernel(cell: str, back: bool) -> Callable[..., Any]:
    """A step of `cell` over the rows of a batch, without NumPy's warnings."""
    steps: Any = BACKWARD if back else FORWARD
    function = steps[cell]

    def run(*operands: Array) -> Any:
        with np.errstate(all="ignore"):
            return function(*operands)

    return run


def forward(cell: str, x: Array, weight: Array, bias: Array | None, h: Array, c: Array | None,
            counts: Array, offsets: Array, order: Sequence[int]) -> tuple[Array | None, ...]:
    """(y, states before each step, of c likewise, e); x becomes the gates, h and c the last."""
    y, hs = (np.empty((len(x), h.shape[1]), x.dtype) for _ in range(2))
    cs = np.empty_like(y) if cell == "lstm" else None
    e = np.empty_like(y) if cell == "gru" else None
    step = kernel(cell, False)
    for t in order:
        n = counts[t]
        rows = slice(offsets[t], offsets[t] + n)
        hs[rows] = h[:n]
        a = h[:n] @ weight.T
        if bias is not None:
            a += bias
        if cs is not None and c is not None:
            cs[rows] = c[:n]
            h[:n], c[:n], x[rows] = step(c[:n], x[rows], a)
        elif e is not None:
            h[:n], x[rows], e[rows] = step(h[:n], x[rows], a)
        else:
            h[:n] = step(x[rows], a)
        y[rows] = h[:n]
    return y, hs, cs, e


def backward(cell: str, dy: Array, dh: Array, dc: Array | None, weight: Array, g: Array,
             saved: Sequence[Array | None], counts: Array, offsets: Array,
             order: Sequence[int]) -> tuple[Array, Array, Array]:
    """(dx, da, dh); dc becomes the first state's gradient."""
    y, hs, cs, e = saved
    dx = np.empty_like(g)
    da = np.empty_like(g) if e is not None else dx
    dh, step = dh.copy(), kernel(cell, True)
    for t in order:
        n = counts[t]
        rows = slice(offsets[t], offsets[t] + n)
        state = dh[:n] + dy[rows]
        direct: Array = 0
        if cs is not None and dc is not None:
            dx[rows], dc[:n] = step(state, dc[:n], cs[rows], g[rows])
        elif e is not None and hs is not None:
            dx[rows], da[rows], direct = step(state, hs[rows], e[rows], g[rows])
        else:
            dx[rows] = step(state, y[rows])  # type: ignore[index]
        dh[:n] = direct + da[rows] @ weight
    return dx, da, dh
