"""Recurrent networks: a state carried along a sequence, by the equations of RNN, LSTM and GRU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rushlight.families.composite import function
from rushlight.ops.activation import relu, sigmoid
from rushlight.ops.dropout import dropout
from rushlight.ops.joining import cat, stack
from rushlight.ops.matmul import linear
from rushlight.ops.transcendental import tanh
from rushlight.tensor import Tensor

State = tuple[Tensor, ...]  # (h,), or (h, c) of an LSTM


def _gates(input: Tensor, h: Tensor, weights: Sequence) -> Tensor:
    w_ih, w_hh, b_ih, b_hh = weights
    return linear(input, w_ih, b_ih) + linear(h, w_hh, b_hh)


@function("rnn_tanh_cell")
def rnn_tanh_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """tanh(W_ih x + b_ih + W_hh h + b_hh): one step of a plain recurrent network.

    input (batch, input), hx (batch, hidden), w_ih (hidden, input), w_hh (hidden, hidden).

    >>> import rushlight as rl
    >>> rl.rnn_tanh_cell(rl.zeros(1, 2), rl.zeros(1, 3), rl.ones(3, 2), rl.ones(3, 3))
    tensor([[0., 0., 0.]])
    """
    return tanh(_gates(input, hx, (w_ih, w_hh, b_ih, b_hh)))


@function("rnn_relu_cell")
def rnn_relu_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """relu(W_ih x + b_ih + W_hh h + b_hh); shapes as ``rnn_tanh_cell``.

    >>> import rushlight as rl
    >>> rl.rnn_relu_cell(rl.ones(1, 2), rl.zeros(1, 3), rl.ones(3, 2), rl.ones(3, 3))
    tensor([[2., 2., 2.]])
    """
    return relu(_gates(input, hx, (w_ih, w_hh, b_ih, b_hh)))


@function("gru_cell")
def gru_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """One step of a GRU: h' = n + z (h - n), gates reset, update, new (Cho et al., 2014).

    w_ih (3 hidden, input), w_hh (3 hidden, hidden).

    >>> import rushlight as rl
    >>> rl.gru_cell(rl.zeros(1, 1), rl.ones(1, 1), rl.zeros(3, 1), rl.zeros(3, 1))
    tensor([[0.5000]])
    """
    return _gru_step(linear(input, w_ih, b_ih), hx, w_hh, b_hh)


def _gru_step(from_input: Tensor, h: Tensor, w_hh: Tensor, b_hh: Tensor | None) -> Tensor:
    i_r, i_z, i_n = from_input.chunk(3, 1)
    h_r, h_z, h_n = linear(h, w_hh, b_hh).chunk(3, 1)
    reset, update = sigmoid(i_r + h_r), sigmoid(i_z + h_z)
    new = tanh(i_n + reset * h_n)
    return new + update * (h - new)


@function("lstm_cell")
def lstm_cell(
    input: Tensor,
    hx: Sequence[Tensor],
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """One step of an LSTM, hx = (h, c); gates input, forget, cell, output.

    Hochreiter & Schmidhuber, 1997. w_ih (4 hidden, input), w_hh (4 hidden, hidden).
    Returns the new (h, c).

    >>> import rushlight as rl
    >>> zero = rl.zeros(1, 1)
    >>> rl.lstm_cell(zero, (zero, rl.ones(1, 1)), rl.zeros(4, 1), rl.zeros(4, 1))[1]
    tensor([[0.5000]])
    """
    return _lstm_step(linear(input, w_ih, b_ih), hx[0], hx[1], w_hh, b_hh)


def _lstm_step(
    from_input: Tensor, h: Tensor, c: Tensor, w_hh: Tensor, b_hh: Tensor | None
) -> tuple[Tensor, Tensor]:
    i, f, g, o = (from_input + linear(h, w_hh, b_hh)).chunk(4, 1)
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    return sigmoid(o) * tanh(c), c


# A step takes what the input contributes (W_ih x + b_ih, computed for all times at once), the
# state, and the remaining weights; it returns the new state, whose first part is the output.
Step = Callable[[Tensor, State, Sequence], State]


def _tanh_step(from_input: Tensor, state: State, weights: Sequence) -> State:
    return (tanh(from_input + linear(state[0], *weights)),)


def _relu_step(from_input: Tensor, state: State, weights: Sequence) -> State:
    return (relu(from_input + linear(state[0], *weights)),)


def _gru_layer_step(from_input: Tensor, state: State, weights: Sequence) -> State:
    return (_gru_step(from_input, state[0], *weights),)


def _lstm_layer_step(from_input: Tensor, state: State, weights: Sequence) -> State:
    w_hh, b_hh, w_hr = (*weights, None) if len(weights) == 2 else weights
    h, c = _lstm_step(from_input, *state, w_hh, b_hh)
    return (h if w_hr is None else linear(h, w_hr)), c


def _one_direction(
    step: Step, input: Tensor, state: State, params: Sequence, options: Options, back: bool
) -> tuple[Tensor, State]:
    """One layer over (time, batch, features): its outputs at every time and its final state."""
    w_ih, w_hh, *rest = params
    b_ih, b_hh, *rest = rest if options.biased else (None, None, *rest)
    from_input, weights = linear(input, w_ih, b_ih), (w_hh, b_hh, *rest)
    if options.counts is not None:
        return _packed(step, from_input.split(options.counts), state, weights, back)
    steps, outputs = from_input.unbind(0), []
    for each in reversed(steps) if back else steps:
        state = step(each, state, weights)
        outputs.append(state[0])
    return stack(outputs[::-1] if back else outputs), state


def _packed(
    step: Step, steps: Sequence[Tensor], first: State, weights: Sequence, back: bool
) -> tuple[Tensor, State]:
    """As above over packed sequences, longest first: steps shrink as the shorter ones end."""
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


class Options(NamedTuple):
    """The arguments after the weights, as every recurrent function takes them."""

    biased: bool
    num_layers: int
    dropout: float
    train: bool
    bidirectional: bool
    batch_first: bool
    counts: list[int] | None  # of a packed sequence: how many go on at each time


def _run(
    step: Step, input: Tensor, states: Sequence[Tensor], params: Sequence, options: Options
) -> tuple[Tensor, list[Tensor]]:
    """All layers; ``states`` holds one tensor (layers * directions, batch, size) for each part."""
    if options.batch_first:
        input = input.transpose(0, 1)
    directions = 2 if options.bidirectional else 1
    each = len(params) // (options.num_layers * directions)
    first = list(zip(*(state.unbind(0) for state in states), strict=True))
    finals = []
    for layer in range(options.num_layers):
        outputs = []
        for direction in range(directions):
            place = layer * directions + direction
            own = params[place * each : (place + 1) * each]
            output, final = _one_direction(step, input, first[place], own, options, direction == 1)
            outputs.append(output)
            finals.append(final)
        input = outputs[0] if directions == 1 else cat(outputs, -1)
        if options.dropout > 0 and options.train and layer < options.num_layers - 1:
            input = dropout(input, options.dropout)
    final_states = [stack(parts) for parts in zip(*finals, strict=True)]
    return (input.transpose(0, 1) if options.batch_first else input), final_states


def _whole(step: Step, input: Tensor, *arguments: Any) -> tuple[Tensor, ...]:
    """A whole recurrent network, called in either form: (hx, params, has_biases, ...), or
    (batch_sizes, hx, params, has_biases, ...) for packed sequences."""
    if isinstance(arguments[2], bool):
        hx, params, *options = arguments
        options = Options(*options, None)
    else:
        batch_sizes, hx, params, *options = arguments
        options = Options(*options, False, batch_sizes.tolist())
    states = [hx] if isinstance(hx, Tensor) else list(hx)
    output, finals = _run(step, input, states, params, options)
    return (output, *finals)


@function("rnn_tanh")
def rnn_tanh(
    input: Tensor,
    hx: Tensor,
    params: Sequence[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Tensor, Tensor]:
    """A plain recurrent network over whole sequences: what ``nn.RNN`` computes.

    Args:
        input: (time, batch, features), (batch, time, features) with ``batch_first``.
        hx: (layers * directions, batch, hidden), the first state.
        params: for each layer and direction w_ih, w_hh and, ``has_biases``, b_ih, b_hh.
        dropout: between layers, if ``train``.

    Returns (outputs of the last layer at every time, final state). For packed sequences the
    arguments are (data, batch_sizes, hx, params, has_biases, ...), without ``batch_first``.

    >>> import rushlight as rl
    >>> x, h, w = rl.zeros(4, 1, 2), rl.zeros(1, 1, 2), [rl.eye(2), rl.eye(2)]
    >>> rl.rnn_tanh(x, h, w, False, 1, 0.0, False, False, False)[0].shape
    torch.Size([4, 1, 2])
    """
    options = (has_biases, num_layers, dropout, train, bidirectional, batch_first)
    return _whole(_tanh_step, input, hx, params, *options)


@function("rnn_relu")
def rnn_relu(
    input: Tensor,
    hx: Tensor,
    params: Sequence[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Tensor, Tensor]:
    """As ``rnn_tanh``, with relu.

    >>> import rushlight as rl
    >>> x, h, w = rl.ones(2, 1, 2), rl.zeros(1, 1, 2), [rl.eye(2), rl.eye(2)]
    >>> rl.rnn_relu(x, h, w, False, 1, 0.0, False, False, False)[1]
    tensor([[[2., 2.]]])
    """
    options = (has_biases, num_layers, dropout, train, bidirectional, batch_first)
    return _whole(_relu_step, input, hx, params, *options)


@function("gru")
def gru(
    input: Tensor,
    hx: Tensor,
    params: Sequence[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Tensor, Tensor]:
    """Gated recurrent units over whole sequences: what ``nn.GRU`` computes; see ``rnn_tanh``.

    >>> import rushlight as rl
    >>> x, h, w = rl.ones(2, 1, 1), rl.ones(1, 1, 1), [rl.zeros(3, 1), rl.zeros(3, 1)]
    >>> rl.gru(x, h, w, False, 1, 0.0, False, False, False)[1]
    tensor([[[0.2500]]])
    """
    options = (has_biases, num_layers, dropout, train, bidirectional, batch_first)
    return _whole(_gru_layer_step, input, hx, params, *options)


@function("lstm")
def lstm(
    input: Tensor,
    hx: Sequence[Tensor],
    params: Sequence[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Long short-term memory over whole sequences: what ``nn.LSTM`` computes; see ``rnn_tanh``.

    ``hx`` is (h, c); params may end with w_hr (projected, hidden) for each layer and direction.
    Returns (outputs, final h, final c).

    >>> import rushlight as rl
    >>> x, h, w = rl.ones(2, 1, 1), rl.ones(1, 1, 1), [rl.zeros(4, 1), rl.zeros(4, 1)]
    >>> rl.lstm(x, (h, h), w, False, 1, 0.0, False, False, False)[2]
    tensor([[[0.2500]]])
    """
    options = (has_biases, num_layers, dropout, train, bidirectional, batch_first)
    return _whole(_lstm_layer_step, input, hx, params, *options)
