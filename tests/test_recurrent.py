"""Recurrent layers and cells: the fused ops against the equations, gradients of every order."""

from __future__ import annotations

import numpy as np
import pytest

import rushlight as rl
from rushlight.autograd import gradcheck, gradgradcheck
from rushlight.backends import recurrence
from rushlight.backends.cpu import recurrence as cpu
from rushlight.backends.cpu.features import Unavailable
from rushlight.backends.host import recurrence as host
from rushlight.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from rushlight.ops import recurrent_layer as layer

CELLS = ("lstm", "gru", "tanh", "relu")


def operands(cell: str, batch: int, features: int, size: int, dtype: rl.dtype = rl.float64,
             biased: bool = True) -> list:
    """State, w_ih, w_hh, b_ih, b_hh, all of which require grad."""
    wide = recurrence.GATES[cell] * size
    shapes: list = [(batch, size)] * (2 if cell == "lstm" else 1)
    shapes += [(wide, features), (wide, size), *[(wide,)] * (2 if biased else 0)]
    rl.manual_seed(size + batch)
    made: list = [rl.randn(*s, dtype=dtype).mul_(0.5).requires_grad_() for s in shapes]
    return made if biased else [*made, None, None]


def gradients(outputs: tuple, inputs: list) -> list:
    """Of a sum of the outputs, each weighted at random."""
    rl.manual_seed(5)
    weights = [rl.randn(*y.shape, dtype=y.dtype) for y in outputs]
    return list(rl.autograd.grad(outputs, inputs, weights))


def compare(cell: str, counts: list | None, back: bool, x: rl.Tensor, rest: list,
            tolerance: float = 1e-12) -> None:
    assert layer._fits(cell, x, rest) and layer._orderly(x, rest[0], counts)
    inputs = [t for t in (x, *rest) if t is not None]
    fused = layer.run_layer(cell, counts, back, x, *rest)
    assert "Layer" in type(fused[0].grad_fn).__name__
    composed = layer._composed_layer(cell, counts, back, x, *rest)
    for a, b in zip(fused, composed, strict=True):
        assert rl.allclose(a, b, rtol=tolerance, atol=tolerance)
    for a, b in zip(gradients(fused, inputs), gradients(composed, inputs), strict=True):
        assert rl.allclose(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("batch, features, size", [(1, 1, 1), (3, 5, 7), (19, 4, 33), (8, 3, 16)])
def test_layer_is_the_equations(
    cell: str, back: bool, batch: int, features: int, size: int
) -> None:
    x = rl.randn(4, batch, features, dtype=rl.float64, requires_grad=True)
    compare(cell, None, back, x, operands(cell, batch, features, size))


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("counts", [[3], [5, 5, 3, 3, 1], [11, 10, 2, 1, 1, 1]])
def test_packed_layer_is_the_equations(cell: str, back: bool, counts: list) -> None:
    x = rl.randn(sum(counts), 3, dtype=rl.float64, requires_grad=True)
    compare(cell, counts, back, x, operands(cell, counts[0], 3, 6))


@pytest.mark.parametrize("cell", CELLS)
def test_without_biases_in_float32(cell: str) -> None:
    x = rl.randn(6, 9, 5, requires_grad=True)
    compare(cell, None, False, x, operands(cell, 9, 5, 20, rl.float32, biased=False), 1e-5)


@pytest.mark.parametrize("cell", CELLS)
def test_cell_is_the_equations(cell: str) -> None:
    x = rl.randn(5, 3, dtype=rl.float64, requires_grad=True)
    rest = operands(cell, 5, 3, 6)
    fused = layer.run_cell(cell, x, *rest)
    assert "Cell" in type(fused[0].grad_fn).__name__
    composed = layer._composed_cell(cell, x, *rest)
    for a, b in zip(fused, composed, strict=True):
        assert rl.allclose(a, b, rtol=1e-12, atol=1e-12)
    for a, b in zip(gradients(fused, [x, *rest]), gradients(composed, [x, *rest]), strict=True):
        assert rl.allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("counts", [None, [2, 1]])
@pytest.mark.parametrize("cell", ["lstm", "gru", "tanh"])
def test_gradients_of_every_order(cell: str, counts: list | None) -> None:
    shape = (2, 2, 1) if counts is None else (3, 1)
    x = rl.randn(*shape, dtype=rl.float64, requires_grad=True)
    rest = operands(cell, 2, 1, 1)

    def run(x: rl.Tensor, *rest: rl.Tensor) -> tuple:
        return layer.run_layer(cell, counts, True, x, *rest)

    assert gradcheck(run, (x, *rest))
    assert gradgradcheck(run, (x, *rest))


@pytest.mark.parametrize("cell", ["lstm", "gru", "tanh"])
def test_second_order_of_cells(cell: str) -> None:
    x = rl.randn(2, 2, dtype=rl.float64, requires_grad=True)
    rest = operands(cell, 2, 2, 2)
    assert gradcheck(lambda *t: layer.run_cell(cell, *t), (x, *rest))
    assert gradgradcheck(lambda *t: layer.run_cell(cell, *t), (x, *rest))


def test_second_order_where_the_state_depends_on_the_input() -> None:
    rest = operands("lstm", 2, 3, 3)
    x = rl.randn(2, 2, 3, dtype=rl.float64, requires_grad=True)

    def run(x: rl.Tensor) -> rl.Tensor:
        h = x[0].tanh()
        return layer.run_layer("lstm", None, False, x * x, h, h * 2, *rest[2:])[0]

    assert gradgradcheck(run, (x,))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("cell", CELLS)
def test_generated_code_is_the_numpy_form(cell: str, dtype: type) -> None:
    random = np.random.default_rng(0)
    n, counts = 37, [21, 21, 9, 2]
    wide, rows = recurrence.GATES[cell] * n, sum(counts)

    def draw(*shape: int) -> np.ndarray:
        return random.normal(scale=0.5, size=shape).astype(dtype)

    x, weight, bias, h, dy, dh = (draw(*s) for s in (
        (rows, wide), (wide, n), (wide,), (counts[0], n), (rows, n), (counts[0], n)))
    c = draw(counts[0], n) if cell == "lstm" else None
    tolerance = 1e-4 if dtype is np.float32 else 1e-11
    found: list[list] = []
    for module in (cpu, host):
        schedule = recurrence.Schedule.of(counts, True)
        g, hn, cn = x.copy(), h.copy(), None if c is None else c.copy()
        try:
            saved = module.forward(cell, g, weight, bias, hn, cn, *schedule)
        except Unavailable:
            pytest.skip("no code can be generated here")
        dc = None if c is None else c.copy()
        back = module.backward(cell, dy, dh, dc, weight, g, saved, *schedule.reversed())
        found.append([g if cell in ("lstm", "gru") else None, hn, cn, *saved, *back, dc])
    for a, b in zip(*found, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("cell", CELLS)
def test_infinities_and_nan_pass_as_in_the_equations(cell: str) -> None:
    x = rl.tensor([[[1e30, 0.5], [-1e30, 1.0], [float("nan"), 0.0], [float("inf"), 1.0]]])
    rest = operands(cell, 4, 2, 3, rl.float32)
    fused = layer.run_layer(cell, None, False, x, *rest)
    for a, b in zip(fused, layer._composed_layer(cell, None, False, x, *rest), strict=True):
        assert rl.allclose(a, b, rtol=1e-5, atol=1e-6, equal_nan=True)


def test_results_do_not_depend_on_the_batch_or_the_threads() -> None:
    rl.manual_seed(0)
    lstm, x = rl.nn.LSTM(40, 70), rl.randn(20, 37, 40)
    whole = lstm(x)[0]
    threads = rl.get_num_threads()
    try:
        for count in (1, 2, 3):
            rl.set_num_threads(count)
            assert rl.equal(lstm(x)[0], whole)
    finally:
        rl.set_num_threads(threads)


def test_packed_sequences_are_the_single_ones() -> None:
    rl.manual_seed(0)
    lengths = [7, 4, 4, 1]
    x = rl.randn(4, 7, 5, dtype=rl.float64, requires_grad=True)
    for kind in (rl.nn.LSTM, rl.nn.GRU, rl.nn.RNN):
        net = kind(5, 6, 2, batch_first=True, bidirectional=True, dtype=rl.float64)
        packed = pack_padded_sequence(x, lengths, batch_first=True)
        output, _ = pad_packed_sequence(net(packed)[0], batch_first=True)
        alone = [net(x[i : i + 1, :n])[0] for i, n in enumerate(lengths)]
        for i, n in enumerate(lengths):
            assert rl.allclose(output[i, :n], alone[i][0])
        (together,) = rl.autograd.grad(output.square().sum(), x)
        (apart,) = rl.autograd.grad(sum(y.square().sum() for y in alone), x)
        assert rl.allclose(together, apart)


def test_backward_twice_and_errors() -> None:
    lstm, x = rl.nn.LSTM(3, 4), rl.randn(5, 2, 3, requires_grad=True)
    y = lstm(x)[0].sum()
    y.backward(retain_graph=True)
    first = x.grad.clone()
    y.backward()
    assert rl.allclose(x.grad, 2 * first)
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        y.backward()
    rnn = rl.nn.RNN(3, 4)
    out = rnn(x)[0]
    out.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.sum().backward()


def test_wrong_shapes_are_named_not_read() -> None:
    x, h = rl.zeros(2, 3), rl.zeros(2, 4)
    with pytest.raises(RuntimeError, match="input has inconsistent input_size: got 3 expected 5"):
        rl.gru_cell(x, h, rl.zeros(12, 5), rl.zeros(12, 4))
    with pytest.raises(RuntimeError, match="sequence length to be larger than 0"):
        rl.nn.GRU(3, 4)(rl.zeros(0, 2, 3))


def test_projections_and_half_types_take_the_equations() -> None:
    rl.manual_seed(0)
    net = rl.nn.LSTM(3, 8, num_layers=2, proj_size=2, bidirectional=True)
    y, (h, c) = net(rl.randn(4, 2, 3))
    assert y.shape == (4, 2, 4) and h.shape == (4, 2, 2) and c.shape == (4, 2, 8)
    y.sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    half = rl.nn.GRU(3, 4, dtype=rl.bfloat16)
    assert half(rl.zeros(2, 1, 3, dtype=rl.bfloat16))[0].dtype is rl.bfloat16


def test_frozen_weights_get_no_gradient() -> None:
    lstm, x = rl.nn.LSTM(3, 4), rl.randn(5, 2, 3, requires_grad=True)
    for p in lstm.parameters():
        p.requires_grad_(False)
    lstm(x)[0].sum().backward()
    assert x.grad is not None and all(p.grad is None for p in lstm.parameters())


def test_only_the_final_state_is_used() -> None:
    for kind in (rl.nn.LSTM, rl.nn.GRU):
        net = kind(3, 4, dtype=rl.float64)
        x = rl.randn(5, 2, 3, dtype=rl.float64, requires_grad=True)
        final = net(x)[1]
        h = final[0] if isinstance(final, tuple) else final
        (found,) = rl.autograd.grad(h.sum(), x, retain_graph=True)
        (wanted,) = rl.autograd.grad(net(x)[0][-1].sum(), x)
        assert rl.allclose(found, wanted)
