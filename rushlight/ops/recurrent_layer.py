"""One layer and one cell of recurrent networks: fused ops, and the equations they stand for.

The equations, in terms of other ops, serve second derivatives, projections, and cells of half
types; layers of half types keep their state in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.backends import gemm
from rushlight.base.errors import operands as described
from rushlight.base.first_use import Deferred
from rushlight.base.flags import flags
from rushlight.families.library import library
from rushlight.families.recompute import recorded_gradients
from rushlight.families.rounded_once import is_half, rounded_once
from rushlight.ops.activation import relu, sigmoid
from rushlight.ops.joining import cat, stack
from rushlight.ops.matmul import linear
from rushlight.ops.transcendental import tanh
from rushlight.tensor import Tensor, wrap

if TYPE_CHECKING:
    from rushlight.backends import recurrence
else:
    recurrence = Deferred("rushlight.backends.recurrence", globals())

State = tuple[Tensor, ...]  # (h,), or (h, c) of an LSTM

# ---- the equations: a step takes what the input contributes (W_ih x + b_ih), the state, and the
# ---- remaining weights; it returns the new state, whose first part is the output


def _tanh_step(from_input: Tensor, state: State, weights: Sequence) -> State:
    return (tanh(from_input + linear(state[0], *weights)),)


def _relu_step(from_input: Tensor, state: State, weights: Sequence) -> State:
    return (relu(from_input + linear(state[0], *weights)),)


def _gru_step(from_input: Tensor, state: State, weights: Sequence) -> State:
    (h,) = state
    i_r, i_z, i_n = from_input.chunk(3, 1)
    h_r, h_z, h_n = linear(h, *weights).chunk(3, 1)
    reset, update = sigmoid(i_r + h_r), sigmoid(i_z + h_z)
    new = tanh(i_n + reset * h_n)
    return (new + update * (h - new),)


def _lstm_step(from_input: Tensor, state: State, weights: Sequence) -> State:
    w_hh, b_hh, w_hr = (*weights, None) if len(weights) == 2 else weights
    h, c = state
    i, f, g, o = (from_input + linear(h, w_hh, b_hh)).chunk(4, 1)
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    h = sigmoid(o) * tanh(c)
    return (h if w_hr is None else linear(h, w_hr)), c


STEPS: dict[str, Callable[[Tensor, State, Sequence], State]] = {
    "tanh": _tanh_step, "relu": _relu_step, "gru": _gru_step, "lstm": _lstm_step}


def _composed_cell(cell: str, input: Tensor, *operands: Any) -> State:
    *state, w_ih, w_hh, b_ih, b_hh = operands
    return STEPS[cell](linear(input, w_ih, b_ih), tuple(state), (w_hh, b_hh))


def _composed_layer(cell: str, counts: Sequence[int] | None, back: bool, input: Tensor,
                    *operands: Any) -> tuple[Tensor, ...]:
    """(output, *final state); operands: state, w_ih, w_hh, b_ih, b_hh, and w_hr if there is one."""
    states = 2 if cell == "lstm" else 1
    state, (w_ih, w_hh, b_ih, b_hh, *rest) = operands[:states], operands[states:]
    from_input, weights = linear(input, w_ih, b_ih), (w_hh, b_hh, *rest)
    if counts is not None:
        output, state = _packed(STEPS[cell], from_input.split(counts), state, weights, back)
        return output, *state
    steps, outputs = from_input.unbind(0), []
    for each in reversed(steps) if back else steps:
        state = STEPS[cell](each, state, weights)
        outputs.append(state[0])
    return stack(outputs[::-1] if back else outputs), *state


def _packed(step: Callable[..., State], steps: Sequence[Tensor], first: State, weights: Sequence,
            back: bool) -> tuple[Tensor, State]:
    """Over packed sequences, longest first: steps shrink as the shorter ones end."""
    outputs = []
    if back:  # the longest alone at first; the others join where they end
        state = tuple(part[:0] for part in first)
        for each in reversed(steps):
            joining = slice(state[0].size(0), each.size(0))
            state = tuple(cat([s, f[joining]]) for s, f in zip(state, first, strict=True))
            state = step(each, state, weights)
            outputs.append(state[0])
        return cat(outputs[::-1]), state
    state, ended = first, []
    for each in steps:
        ended.append([part[each.size(0) :] for part in state])
        state = step(each, tuple(part[: each.size(0)] for part in state), weights)
        outputs.append(state[0])
    ended.append(list(state))
    return cat(outputs), tuple(cat(parts) for parts in zip(*reversed(ended), strict=True))


# ---- the fused ops


def _array(gradient: Tensor | None, like: Any) -> Any:
    """A gradient's array; zeros shaped as `like` where none arrived."""
    if gradient is None:
        return np.zeros(like.shape, like.dtype)
    return np.ascontiguousarray(gradient._array).reshape(like.shape)


def _rows(x: Any) -> Any:
    """(time, batch, features) as (rows, features)."""
    return x if x.ndim == 2 else np.ascontiguousarray(x).reshape(-1, x.shape[-1])


def _counts(input: Any, counts: Sequence[int] | None) -> Sequence[int]:
    return [input.shape[1]] * len(input) if counts is None else counts


def _gradients(input: Tensor, w_ih: Tensor, dx: Any, da: Any, h: Any, states: tuple,
               needs: tuple) -> tuple:
    """The gradients of all operands from those of the gates.

    dx, da: of what input and state contribute. h: the state before each step. states: those of
    the first state.
    """
    more = 1 + len(states)
    d_input = gemm.matmul(dx, w_ih._array).reshape(input.shape) if needs[0] else None
    d_ih = gemm.matmul(dx.T, _rows(input._array)) if needs[more] else None
    d_hh = gemm.matmul(da.T, h) if needs[more + 1] else None
    found = [None if g is None else wrap(g) for g in (d_input, *states, d_ih, d_hh)]
    return *found, *_bias_gradients(dx, da, needs[more + 2 :])


def _bias_gradients(dx: Any, da: Any, needs: tuple) -> tuple:
    first = wrap(dx).sum(0) if needs[0] else None  # type: ignore[attr-defined]
    if not needs[1]:
        return first, None
    if da is dx and first is not None:
        return first, wrap(first._array.copy())
    return first, wrap(da).sum(0)  # type: ignore[attr-defined]


@library("_lstm_layer")
class _lstm_layer:
    """One layer of an LSTM in one direction; (output, final h, final c)."""

    outputs = 3
    keeps = ("saved",)

    def forward(input, h, c, w_ih, w_hh, b_ih: Operand = None, b_hh: Operand = None,
                counts: Option = None, back: Option = False):
        saved, h, c = recurrence.forward("lstm", gemm.linear(_rows(input), w_ih, b_ih), w_hh, b_hh,
                                         h, c, _counts(input, counts), back)
        return (saved.y.reshape(*input.shape[:-1], -1), h, c), saved._replace(y=None)

    def backward(gradients, input, h, c, w_ih, w_hh, b_ih, b_hh, saved, needs, counts, back):
        if flags.grad_enabled:
            return recorded_gradients(partial(_composed_layer, "lstm", counts, back),
                                      (input, h, c, w_ih, w_hh, b_ih, b_hh), gradients, needs)
        dx, da, dh, dc = recurrence.backward(
            "lstm", _array(gradients[0], saved.h), _array(gradients[1], h._array),
            _array(gradients[2], c._array), w_hh._array, saved)
        return _gradients(input, w_ih, dx, da, saved.h, (dh, dc), needs)


@library("_recurrent_layer")
class _recurrent_layer:
    """One layer of a GRU or plain network in one direction; (output, final h)."""

    outputs = 2
    keeps = ("saved",)

    def forward(input, h, w_ih, w_hh, b_ih: Operand = None, b_hh: Operand = None,
                cell: Option = "tanh", counts: Option = None, back: Option = False):
        saved, h, _ = recurrence.forward(cell, gemm.linear(_rows(input), w_ih, b_ih), w_hh, b_hh,
                                         h, None, _counts(input, counts), back)
        return (saved.y.reshape(*input.shape[:-1], -1), h), saved._replace(y=None)

    def backward(gradients, input, h, w_ih, w_hh, b_ih, b_hh, output, saved, needs, cell, counts,
                 back):
        if flags.grad_enabled:
            return recorded_gradients(partial(_composed_layer, cell, counts, back),
                                      (input, h, w_ih, w_hh, b_ih, b_hh), gradients, needs)
        saved = saved._replace(y=_rows(output._array))
        dx, da, dh, _ = recurrence.backward(
            cell, _array(gradients[0], saved.h), _array(gradients[1], h._array), None, w_hh._array,
            saved)
        return _gradients(input, w_ih, dx, da, saved.h, (dh,), needs)


@library("_lstm_cell")
class _lstm_cell:
    """One step of an LSTM; the new (h, c)."""

    outputs = 2
    keeps = ("gates",)

    def forward(input, h, c, w_ih, w_hh, b_ih: Operand = None, b_hh: Operand = None):
        h, c, gates = recurrence.step("lstm", input.dtype)(
            np.ascontiguousarray(c), gemm.linear(input, w_ih, b_ih), gemm.linear(h, w_hh, b_hh))
        return (h, c), gates

    def backward(gradients, input, h, c, w_ih, w_hh, b_ih, b_hh, gates, needs):
        if flags.grad_enabled:
            return recorded_gradients(partial(_composed_cell, "lstm"),
                                      (input, h, c, w_ih, w_hh, b_ih, b_hh), gradients, needs)
        before = np.ascontiguousarray(c._array)
        dx, dc = recurrence.step("lstm", gates.dtype, True)(
            _array(gradients[0], before), _array(gradients[1], before), before, gates)
        dh = gemm.matmul(dx, w_hh._array) if needs[1] else None
        return _gradients(input, w_ih, dx, dx, h._array, (dh, dc), needs)


@library("_gru_cell")
class _gru_cell:
    """One step of a GRU; the new h."""

    keeps = ("gates", "part")

    def forward(input, h, w_ih, w_hh, b_ih: Operand = None, b_hh: Operand = None):
        return recurrence.step("gru", input.dtype)(
            np.ascontiguousarray(h), gemm.linear(input, w_ih, b_ih), gemm.linear(h, w_hh, b_hh))

    def backward(gradient, input, h, w_ih, w_hh, b_ih, b_hh, gates, part, needs):
        if flags.grad_enabled:
            return recorded_gradients(partial(_composed_cell, "gru"),
                                      (input, h, w_ih, w_hh, b_ih, b_hh), (gradient,), needs)
        before = np.ascontiguousarray(h._array)
        dx, da, dh = recurrence.step("gru", gates.dtype, True)(
            _array(gradient, before), before, part, gates)
        if needs[1]:
            dh += gemm.matmul(da, w_hh._array)
        return _gradients(input, w_ih, dx, da, h._array, (dh,), needs)


@library("_plain_cell")
class _plain_cell:
    """One step of a plain network, with tanh or relu; the new h."""

    def forward(input, h, w_ih, w_hh, b_ih: Operand = None, b_hh: Operand = None,
                cell: Option = "tanh"):
        return recurrence.step(cell, input.dtype)(
            gemm.linear(input, w_ih, b_ih), gemm.linear(h, w_hh, b_hh))

    def backward(gradient, input, h, w_ih, w_hh, b_ih, b_hh, output, needs, cell):
        if flags.grad_enabled:
            return recorded_gradients(partial(_composed_cell, cell),
                                      (input, h, w_ih, w_hh, b_ih, b_hh), (gradient,), needs)
        y = output._array
        dx = recurrence.step(cell, y.dtype, True)(_array(gradient, y), y)
        dh = gemm.matmul(dx, w_hh._array) if needs[1] else None
        return _gradients(input, w_ih, dx, dx, h._array, (dh,), needs)


# ---- which of the two runs


def _fits(cell: str, input: Tensor, operands: Sequence) -> bool:
    """Whether the fused ops take these; if not, the equations do, or say what is wrong."""
    *state, w_ih, w_hh, b_ih, b_hh = operands
    first = input._array
    if not recurrence.serves(first) or any(
            x is not None and (type(x._array) is not np.ndarray or x._array.dtype != first.dtype)
            for x in operands):
        return False
    wide, n = recurrence.GATES[cell] * state[0].shape[-1], state[0].shape[-1]
    return (n > 0 and all(s.ndim == 2 and s.shape == state[0].shape for s in state)
            and w_ih.shape == (wide, first.shape[-1]) and w_hh.shape == (wide, n)
            and all(b is None or b.shape == (wide,) for b in (b_ih, b_hh)))


def run_cell(cell: str, input: Tensor, *operands: Any) -> State:
    """One step: the new state; operands: state, w_ih, w_hh, b_ih, b_hh."""
    if input.ndim != 2 or not _fits(cell, input, operands) or len(operands[0]) != len(input):
        _check_cell(input, operands)
        return _composed_cell(cell, input, *operands)
    if cell == "lstm":
        return _lstm_cell(input, *operands)  # type: ignore[no-any-return, operator]
    made = _gru_cell(input, *operands) if cell == "gru" else (  # type: ignore[operator]
        _plain_cell(input, *operands, cell))  # type: ignore[operator]
    return (made,)


def _check_cell(input: Tensor, operands: Sequence) -> None:
    """Raise torch's RuntimeError where the sizes of what a cell is given do not agree."""
    *state, w_ih, w_hh, _, _ = operands
    if input.ndim != 2 or any(part.ndim != 2 for part in state):
        return
    shown = described(input=input, hidden=state[0], w_ih=w_ih, w_hh=w_hh)
    if input.shape[1] != w_ih.shape[1]:
        raise RuntimeError(f"input has inconsistent input_size: got {input.shape[1]} expected "
                           f"{w_ih.shape[1]}: {shown}")
    for place, part in enumerate(state):
        if len(input) != len(part):
            raise RuntimeError(f"Input batch size {len(input)} doesn't match hidden{place} batch "
                               f"size {len(part)}: {shown}")
        if part.shape[1] != w_hh.shape[1]:
            raise RuntimeError(f"hidden{place} has inconsistent hidden_size: got {part.shape[1]}, "
                               f"expected {w_hh.shape[1]}: {shown}")


def run_layer(cell: str, counts: list[int] | None, back: bool, input: Tensor,
              *operands: Any) -> tuple[Tensor, ...]:
    """One layer in one direction: (output, *final state).

    input: (time, batch, features), or packed rows (rows, features) with `counts`, how many
    sequences take part at each time. operands: state (batch, size) each, w_ih, w_hh, b_ih, b_hh,
    and the projection w_hr of an LSTM that has one.
    """
    if is_half(input) and all(x is None or x.dtype is input.dtype for x in operands):
        return rounded_once(  # type: ignore[no-any-return]
            partial(run_layer, cell, counts, back), input, *operands)
    plain = len(operands) == (6 if cell == "lstm" else 5)
    if not plain or not _fits(cell, input, operands) or not _orderly(input, operands[0], counts):
        return _composed_layer(cell, counts, back, input, *operands)
    if cell == "lstm":
        return _lstm_layer(input, *operands, counts, back)  # type: ignore[no-any-return, operator]
    return _recurrent_layer(  # type: ignore[no-any-return, operator]
        input, *operands, cell, counts, back)


def _orderly(input: Tensor, h: Tensor, counts: list[int] | None) -> bool:
    """Whether the rows are as many as the steps say, and steps never grow."""
    if counts is None:
        return input.ndim == 3 and input.shape[0] > 0 and input.shape[1] == h.shape[0]
    return (input.ndim == 2 and bool(counts) and sum(counts) == input.shape[0]
            and counts[0] == h.shape[0] and counts[-1] > 0
            and all(a >= b for a, b in pairwise(counts)))
