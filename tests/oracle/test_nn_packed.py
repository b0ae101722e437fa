"""Packed and padded sequences against torch's, through the recurrent layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rushlight as rl

torch = pytest.importorskip("torch")

GENERATOR = np.random.default_rng(0)
SEQUENCES = [GENERATOR.standard_normal((n, 4)).astype(np.float32) for n in (2, 5, 3)]

LAYERS = [
    (kind, options)
    for kind in ("RNN", "GRU", "LSTM")
    for options in ({}, {"num_layers": 2, "bidirectional": True}, {"bias": False})
]
LAYERS.append(("LSTM", {"proj_size": 2, "bidirectional": True}))


def close(found: Any, expected: Any) -> None:
    found, expected = found.detach().numpy(), expected.detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def first_state(library: Any, kind: str, options: dict) -> Any:
    layers = options.get("num_layers", 1) * (2 if options.get("bidirectional") else 1)
    generator = np.random.default_rng(1)
    sizes = [options.get("proj_size", 3), 3] if kind == "LSTM" else [3]
    values = [generator.standard_normal((layers, 3, n)).astype(np.float32) for n in sizes]
    states = tuple(library.from_numpy(v) for v in values)
    return states if kind == "LSTM" else states[0]


@pytest.mark.parametrize("given", [False, True], ids=["from zero", "from a state"])
@pytest.mark.parametrize("kind, options", LAYERS, ids=str)
def test_recurrent_layers_on_packed_sequences(kind: str, options: dict, given: bool) -> None:
    results = []
    for library in (rl, torch):
        library.manual_seed(0)
        layer = getattr(library.nn, kind)(4, 3, **options)
        rnn = library.nn.utils.rnn
        packed = rnn.pack_sequence([library.from_numpy(s) for s in SEQUENCES], False)
        state = first_state(library, kind, options) if given else None
        output, final = layer(packed, state)
        (output.data * output.data).sum().backward()
        padded, lengths = rnn.pad_packed_sequence(output, batch_first=True, total_length=7)
        finals = final if isinstance(final, tuple) else (final,)
        back = rnn.unpack_sequence(output)
        grads = [p.grad for p in layer.parameters()]
        indices = [output.batch_sizes, output.sorted_indices, output.unsorted_indices]
        results.append([output.data, padded, lengths, *finals, *back, *grads, *indices])
    for found, expected in zip(*results, strict=True):
        close(found, expected)


@pytest.mark.parametrize("batch_first", [False, True])
def test_packing_of_padded_sequences(batch_first: bool) -> None:
    for side in ("right", "left"):
        padded = [
            L.nn.utils.rnn.pad_sequence(
                [L.from_numpy(s) for s in SEQUENCES], batch_first, 2.0, padding_side=side
            )
            for L in (rl, torch)
        ]
        close(*padded)
    x = GENERATOR.standard_normal((3, 5, 2) if batch_first else (5, 3, 2)).astype(np.float32)
    for lengths, enforce in (([5, 4, 4], True), ([2, 5, 2], False)):
        packed = [
            L.nn.utils.rnn.pack_padded_sequence(
                L.from_numpy(x), L.tensor(lengths), batch_first, enforce_sorted=enforce
            )
            for L in (rl, torch)
        ]
        close(packed[0].data, packed[1].data)
        close(packed[0].batch_sizes, packed[1].batch_sizes)
        if not enforce:
            close(packed[0].sorted_indices, packed[1].sorted_indices)


@pytest.mark.parametrize(
    "make",
    [
        lambda L: L.nn.utils.rnn.pack_padded_sequence(L.zeros(3, 2, 1), [2, 3]),
        lambda L: L.nn.utils.rnn.pack_padded_sequence(L.zeros(3, 2, 1), [3, 0]),
        lambda L: L.nn.utils.rnn.pack_padded_sequence(L.zeros(3, 2, 1), [3]),
        lambda L: L.nn.utils.rnn.pad_sequence(3),
        lambda L: L.nn.LSTM(4, 3)(L.zeros(4)),
        lambda L: L.nn.GRU(4, 3)(L.zeros(2, 5)),
        lambda L: L.nn.RNN(4, 3)(L.zeros(2, 2, 4), L.zeros(1, 3)),
        lambda L: L.nn.RNN(4, 3)(L.zeros(2, 2, 4), L.zeros(1, 1, 3)),
        lambda L: L.nn.LSTM(4, 3)(L.zeros(2, 4), (L.zeros(1, 1, 3), L.zeros(1, 1, 3))),
        lambda L: L.nn.LSTM(4, 3)(L.zeros(2, 1, 4), (L.zeros(1, 1, 3), L.zeros(1, 1, 2))),
        lambda L: L.nn.LSTM(4, 3)(L.zeros(2, 1, 4, dtype=L.float64)),
        lambda L: L.nn.LSTM(4, 3, proj_size=3),
        lambda L: L.nn.RNN(4, 3, proj_size=2),
        lambda L: L.nn.RNN(4, 3, nonlinearity="x"),
        lambda L: L.nn.GRU(4, 3, dropout=2),
        lambda L: L.nn.GRU(0, 3),
        lambda L: L.nn.GRU(4, 3.0),
        lambda L: L.nn.GRUCell(4, 3)(L.zeros(1, 1, 4)),
        lambda L: L.nn.LSTMCell(4, 3)(L.zeros(4), (L.zeros(1, 1, 3), L.zeros(3))),
    ],
)
def test_errors_are_worded_as_torch_words_them(make: Any) -> None:
    errors = []
    for library in (rl, torch):
        with pytest.raises(Exception) as caught:
            make(library)
        errors.append((type(caught.value), str(caught.value)))
    (ours, our_words), (theirs, their_words) = errors
    assert ours is theirs and our_words.startswith(their_words.rstrip("."))
