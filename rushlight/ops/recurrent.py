"""Recurrent networks: a state carried along a sequence, by the equations of RNN, LSTM and GRU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from rushlight.families.composite import function
from rushlight.ops.dropout import dropout
from rushlight.ops.joining import cat, stack
from rushlight.ops.recurrent_layer import run_cell, run_layer
from rushlight.tensor import Tensor


@function("rnn_tanh_cell", samples=lambda x: [(x(2, 3), x(2, 2), x(2, 3), x(2, 2), x(2), x(2))])
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
    return run_cell("tanh", input, hx, w_ih, w_hh, b_ih, b_hh)[0]


@function("rnn_relu_cell", samples=lambda x: [(x(2, 3), x(2, 2), x(2, 3), x(2, 2))])
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
    return run_cell("relu", input, hx, w_ih, w_hh, b_ih, b_hh)[0]


@function("gru_cell", samples=lambda x: [(x(2, 3), x(2, 2), x(6, 3), x(6, 2), x(6), x(6))])
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
    return run_cell("gru", input, hx, w_ih, w_hh, b_ih, b_hh)[0]


@function("lstm_cell", samples=lambda x: [
    (x(2, 3), (x(2, 2), x(2, 2)), x(8, 3), x(8, 2), x(8), x(8))])
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
    h, c = run_cell("lstm", input, *hx, w_ih, w_hh, b_ih, b_hh)
    return h, c


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
    cell: str, input: Tensor, states: Sequence[Tensor], params: Sequence, options: Options
) -> tuple[Tensor, ...]:
    """All layers: (output, *final states); ``states`` holds one tensor (layers * directions,
    batch, size) for each part."""
    if options.batch_first:
        input = input.transpose(0, 1)
    if not input.shape[0]:
        raise RuntimeError(
            "Expected sequence length to be larger than 0 in RNN, but the input is "
            f"{list(input.shape)}"
        )
    directions = 2 if options.bidirectional else 1
    each = len(params) // (options.num_layers * directions)
    first = list(zip(*(state.unbind(0) for state in states), strict=True))
    finals = []
    for layer in range(options.num_layers):
        outputs = []
        for direction in range(directions):
            place = layer * directions + direction
            w_ih, w_hh, *rest = params[place * each : (place + 1) * each]
            rest = rest if options.biased else [None, None, *rest]
            output, *final = run_layer(
                cell, options.counts, direction == 1, input, *first[place], w_ih, w_hh, *rest
            )
            outputs.append(output)
            finals.append(final)
        input = outputs[0] if directions == 1 else cat(outputs, -1)
        if options.dropout > 0 and options.train and layer < options.num_layers - 1:
            input = dropout(input, options.dropout)
    final_states = [stack(parts) for parts in zip(*finals, strict=True)]
    return (input.transpose(0, 1) if options.batch_first else input), *final_states


def _whole(cell: str, input: Tensor, *arguments: Any) -> tuple[Tensor, ...]:
    """A whole recurrent network, called in either form: (hx, params, has_biases, ...), or
    (batch_sizes, hx, params, has_biases, ...) for packed sequences."""
    if isinstance(arguments[2], bool):
        hx, params, *options = arguments
        options = Options(*options, None)
    else:
        batch_sizes, hx, params, *options = arguments
        options = Options(*options, False, batch_sizes.tolist())
    states = [hx] if isinstance(hx, Tensor) else list(hx)
    return _run(cell, input, states, params, options)


@function("rnn_tanh", samples=lambda x: [
    (x(2, 1, 2), x(1, 1, 2), [x(2, 2), x(2, 2), x(2), x(2)], True, 1, 0.0, True, False, False)])
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
    return _whole("tanh", input, hx, params, *options)


@function("rnn_relu", samples=lambda x: [
    (x(2, 1, 2), x(1, 1, 2), [x(2, 2), x(2, 2), x(2), x(2)], True, 1, 0.0, True, False, False)])
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
    return _whole("relu", input, hx, params, *options)


@function("gru", samples=lambda x: [
    (x(2, 1, 2), x(1, 1, 2), [x(6, 2), x(6, 2), x(6), x(6)], True, 1, 0.0, True, False, False)])
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
    return _whole("gru", input, hx, params, *options)


@function("lstm", samples=lambda x: [
    (x(2, 1, 2), (x(1, 1, 2), x(1, 1, 2)), [x(8, 2), x(8, 2), x(8), x(8)], True, 1, 0.0, True,
     False, False)])
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
    return _whole("lstm", input, hx, params, *options)
