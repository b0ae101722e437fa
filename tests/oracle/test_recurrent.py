"""Recurrent layers and cells against torch's: results, gradients, second derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rushlight as rl

torch = pytest.importorskip("torch")

LAYERS = [
    (kind, options)
    for kind in ("RNN", "GRU", "LSTM")
    for options in (
        {},
        {"num_layers": 3, "bidirectional": True, "batch_first": True},
        {"bias": False, "batch_first": True},
    )
]
LAYERS += [("RNN", {"nonlinearity": "relu", "num_layers": 2}), ("LSTM", {"proj_size": 5})]


def close(found: Any, expected: Any, tolerance: float) -> None:
    found, expected = found.detach().numpy(), expected.detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def values(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize("dtype, tolerance", [("float32", 2e-4), ("float64", 1e-9)])
@pytest.mark.parametrize("kind, options", LAYERS, ids=str)
def test_layers(kind: str, options: dict, dtype: str, tolerance: float) -> None:
    results = []
    for library in (rl, torch):
        library.manual_seed(0)
        layer = getattr(library.nn, kind)(9, 37, dtype=getattr(library, dtype), **options)
        x = library.from_numpy(values(12, 18, 9).astype(dtype)).requires_grad_()
        output, final = layer(x)
        finals = final if isinstance(final, tuple) else (final,)
        weight = library.from_numpy(values(*output.shape, seed=1).astype(dtype))
        loss = (output * weight).sum() + sum(f.sin().sum() for f in finals)
        inputs = (x, *layer.parameters())
        results.append([output, *finals, *library.autograd.grad(loss, inputs)])
    for found, expected in zip(*results, strict=True):
        close(found, expected, tolerance)


@pytest.mark.parametrize("kind", ["RNNCell", "GRUCell", "LSTMCell"])
def test_cells_in_a_loop_with_second_derivatives(kind: str) -> None:
    results = []
    for library in (rl, torch):
        library.manual_seed(0)
        cell = getattr(library.nn, kind)(4, 6, dtype=library.float64)
        x = library.from_numpy(values(5, 3, 4)).requires_grad_()
        state = None
        for step in x:
            state = cell(step, state)
        h = state[0] if isinstance(state, tuple) else state
        first = library.autograd.grad(h.square().sum(), (x, *cell.parameters()), create_graph=True)
        second = library.autograd.grad(sum(g.square().sum() for g in first), x)
        results.append([h, *first, *second])
    for found, expected in zip(*results, strict=True):
        close(found, expected, 1e-9)


def test_second_derivative_through_a_layer() -> None:
    results = []
    for library in (rl, torch):
        library.manual_seed(0)
        lstm = library.nn.LSTM(3, 4, dtype=library.float64)
        x = library.from_numpy(values(5, 2, 3)).requires_grad_()
        (g,) = library.autograd.grad(lstm(x)[0].square().sum(), x, create_graph=True)
        g.square().sum().backward()
        results.append([g, x.grad, *(p.grad for p in lstm.parameters())])
    for found, expected in zip(*results, strict=True):
        close(found, expected, 1e-9)
