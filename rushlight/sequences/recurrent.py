"""Recurrent layers over ragged sequences: packed inside, in the order given outside."""

from __future__ import annotations

from typing import Any

from rushlight.families.declaration import FUNCTIONS
from rushlight.ops.sequence_rows import reorder_rows
from rushlight.sequences.rules import no_meaning, rule
from rushlight.tensor import Tensor


@rule("rnn_tanh rnn_relu gru lstm")
def recurrent(function: Any, input: Any, hx: Any, params: Any, has_biases: Any, num_layers: int,
              dropout: float, train: bool, bidirectional: bool,
              batch_first: bool = True) -> tuple[Any, ...]:
    """(ragged output, *final states); a sequence without steps keeps its first state."""
    if not isinstance(has_biases, bool):
        raise no_meaning(function, (input,), "packed a second time")
    layout = input.layout
    states = [hx] if isinstance(hx, Tensor) else list(hx)
    if not layout.steps:
        width = states[0].size(-1) * (2 if bidirectional else 1)
        return input.with_values(input.values.new_zeros((0, width))), *states
    rows, back, batch_sizes, order, unorder = layout.packing
    data = reorder_rows(input.values, rows, back)
    ordered = [state.index_select(1, order) for state in states]
    output, *finals = function(data, batch_sizes, ordered if len(ordered) > 1 else ordered[0],
                               params, has_biases, num_layers, dropout, train, bidirectional)
    if len(order) < layout.batch:
        idle = (layout.lengths == 0).nonzero()[0].tolist()
        finals = [FUNCTIONS["cat"]([final, state[:, idle]], 1)
                  for final, state in zip(finals, states, strict=True)]
    finals = [final.index_select(1, unorder) for final in finals]
    return input.with_values(reorder_rows(output, back, rows)), *finals
