"""Packed sequences, recurrent layers and stateless calls, without another library beside them."""

from __future__ import annotations

import pickle

import pytest

import rushlight as rl
from rushlight import nn
from rushlight.nn.utils import rnn
from rushlight.nn.utils.stateless import functional_call

SEQUENCES = [rl.arange(3.0), rl.arange(5.0), rl.arange(1.0)]


def test_packing_and_unpacking_give_the_sequences_back() -> None:
    packed = rnn.pack_sequence(SEQUENCES, enforce_sorted=False)
    assert packed.batch_sizes.tolist() == [3, 2, 2, 1, 1]
    assert packed.sorted_indices.tolist() == [1, 0, 2]
    back = rnn.unpack_sequence(packed)
    assert [each.tolist() for each in back] == [each.tolist() for each in SEQUENCES]
    again = pickle.loads(pickle.dumps(packed))
    assert (again.data == packed.data).all()


def test_padding_on_either_side() -> None:
    right = rnn.pad_sequence(SEQUENCES, batch_first=True, padding_value=-1.0)
    assert right[2].tolist() == [0, -1, -1, -1, -1]
    left = rnn.pad_sequence(SEQUENCES, batch_first=True, padding_side="left")
    assert left[0].tolist() == [0, 0, 0, 1, 2]
    with pytest.raises(ValueError, match="Expected total_length to be at least"):
        rnn.pad_packed_sequence(rnn.pack_sequence(SEQUENCES, False), total_length=2)


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_a_packed_batch_equals_the_sequences_one_by_one(kind: str) -> None:
    rl.manual_seed(0)
    layer = getattr(nn, kind)(2, 3, num_layers=2, bidirectional=True)
    sequences = [rl.randn(length, 2) for length in (4, 2, 5)]
    output, final = layer(rnn.pack_sequence(sequences, enforce_sorted=False))
    final = final[0] if kind == "LSTM" else final
    for place, (sequence, found) in enumerate(
        zip(sequences, rnn.unpack_sequence(output), strict=True)
    ):
        alone, last = layer(sequence)
        last = last[0] if kind == "LSTM" else last
        assert (found - alone).abs().max().item() < 1e-6
        assert (final[:, place] - last).abs().max().item() < 1e-6


def test_a_cell_stepped_along_equals_the_layer() -> None:
    rl.manual_seed(0)
    layer, cell = nn.LSTM(2, 3), nn.LSTMCell(2, 3)
    state = layer.state_dict()
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in state.items()})
    x, carried = rl.randn(4, 1, 2), None
    for step in x:
        carried = cell(step, carried)
    _, (h, c) = layer(x)
    assert (carried[0] - h[0]).abs().max().item() < 1e-6
    assert (carried[1] - c[0]).abs().max().item() < 1e-6


def test_functional_call_replaces_and_restores() -> None:
    layer = nn.Linear(1, 1)
    before = layer.weight
    weight = rl.tensor([[2.0]], requires_grad=True)
    given = {"weight": weight, "bias": rl.tensor([1.0])}
    functional_call(layer, given, rl.tensor([3.0])).backward()
    assert weight.grad.item() == 3.0 and layer.weight is before
    with pytest.raises(RuntimeError, match="Missing"):
        functional_call(layer, {"weight": weight}, rl.ones(1), strict=True)
    with pytest.raises(RuntimeError, match=r"Unexpected key\(s\): 'x'"):
        functional_call(layer, {**given, "x": weight}, rl.ones(1), strict=True)
    functional_call(layer, {"x": weight}, rl.ones(1))
    assert not hasattr(layer, "x")
    with pytest.raises(AttributeError, match="Linear has no attribute `x`"):
        functional_call(layer, {"x.y": weight}, rl.ones(1))
    with pytest.raises(RuntimeError):
        functional_call(layer, {"weight": rl.ones(2, 7)}, rl.ones(1))
    assert layer.weight is before


def test_functional_call_replaces_tied_weights_everywhere() -> None:
    first = nn.Linear(1, 1, bias=False)
    second = nn.Linear(1, 1, bias=False)
    second.weight = first.weight
    net = nn.Sequential(first, second)
    given = {"0.weight": rl.tensor([[3.0]])}
    assert functional_call(net, given, rl.ones(1)).item() == 9.0
    own = first.weight.item()
    alone = functional_call(net, given, rl.ones(1), tie_weights=False).item()
    assert alone == pytest.approx(3.0 * own)
