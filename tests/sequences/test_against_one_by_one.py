"""Ragged batches against the loop over their sequences: values and gradients, any lengths."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rushlight as rl
from rushlight.nn import functional as F

WIDTH = 4
LENGTHS = st.lists(st.sampled_from([0, 1, 1, 2, 3, 5, 8]), min_size=1, max_size=6)
Each = Callable[[rl.Tensor], Any]


def sequences(lengths: list[int], seed: int = 0, width: int = WIDTH) -> list[rl.Tensor]:
    rl.manual_seed(seed)
    return [rl.randn(n, width, dtype=rl.float64).requires_grad_() for n in lengths]


def agree(batch: Callable[[Any], Any], each: Each, lengths: list[int],
          parameters: list[Any] | None = None) -> None:
    """batch(ragged) and each(sequence), one by one: results, gradients of inputs and weights."""
    parameters = parameters or []
    given, loop = sequences(lengths), sequences(lengths)
    found = batch(rl.ragged(given))
    expected = [each(x) for x in loop]
    found = found.unbind() if isinstance(found, rl.Ragged) else list(found)
    assert len(found) == len(expected)
    one, other = rl.zeros((), dtype=rl.float64), rl.zeros((), dtype=rl.float64)
    for place, (a, b) in enumerate(zip(found, expected, strict=True)):
        assert a.shape == b.shape, (place, a.shape, b.shape)
        assert rl.allclose(a, b, 1e-6, 1e-9, equal_nan=True), (place, a, b)
        if a.requires_grad:
            weights = rl.linspace(-1, 2, a.numel(), dtype=a.dtype).view(a.shape)
            one, other = one + (a * weights).sum(), other + (b * weights).sum()
    if not one.requires_grad:
        return
    a = rl.autograd.grad(one, [*given, *parameters], allow_unused=True)
    b = rl.autograd.grad(other, [*loop, *parameters], allow_unused=True)
    for place, (x, y) in enumerate(zip(a, b, strict=True)):
        zero = given[0].new_zeros(())
        assert rl.allclose(zero if x is None else x, zero if y is None else y, 1e-6, 1e-9,
                           equal_nan=True), (place, x, y)


POINTWISE: list[Each] = [
    lambda x: x * 2 + 1, lambda x: 1 - x, lambda x: -x, lambda x: x.exp().log1p(), F.gelu,
    lambda x: F.leaky_relu(x, 0.1), lambda x: x.clamp(-0.5, 0.5), lambda x: x ** 2 / 3,
    lambda x: rl.where(x > 0, x, x * 0.5), lambda x: x.float().double(), lambda x: x.sigmoid(),
    lambda x: x.masked_fill(x < 0, 0.0), lambda x: x + rl.arange(WIDTH), lambda x: x[..., 1:3],
    lambda x: x.unsqueeze(-1), lambda x: x.unflatten(-1, (2, 2)).flatten(-2), lambda x: F.glu(x),
    lambda x: x.softmax(-1), lambda x: x.log_softmax(-1), lambda x: x.sum(-1), lambda x: x.chunk(
        2, -1)[1], lambda x: x.max(-1).values, lambda x: F.normalize(x, dim=-1),
    lambda x: rl.cat([x, x * 2], -1), lambda x: rl.stack([x, x * 2], -1), lambda x: x.cumsum(-1),
    lambda x: x @ rl.ones(WIDTH, 3, dtype=rl.float64), lambda x: x.square().add(x, alpha=2),
    lambda x: x.contiguous().clone(), lambda x: rl.zeros_like(x), lambda x: F.relu(x),
]


@pytest.mark.parametrize("f", POINTWISE)
@settings(max_examples=12, deadline=None)
@given(lengths=LENGTHS)
def test_by_place_and_features(f: Each, lengths: list[int]) -> None:
    agree(f, f, lengths)


# dim 1 of the batch is dim 0 of a sequence
OVER_TIME: list[Callable[[Any, int], Any]] = [
    lambda x, d: x.sum(d), lambda x, d: x.mean(d), lambda x, d: x.softmax(d),
    lambda x, d: x.log_softmax(d), lambda x, d: x.logsumexp(d), lambda x, d: x.cumsum(d),
    lambda x, d: F.softmin(x, d), lambda x, d: x.flip(d), lambda x, d: (x > 0).any(d),
    lambda x, d: (x > 0).all(d), lambda x, d: x.prod(d), lambda x, d: x.sum((d, d + 1)),
]
WITH_STEPS: list[Callable[[Any, int], Any]] = [
    lambda x, d: x.amax(d), lambda x, d: x.amin(d), lambda x, d: x.max(d).values,
    lambda x, d: x.max(d).indices, lambda x, d: x.min(d).values, lambda x, d: x.argmax(d),
    lambda x, d: x.argmin(d), lambda x, d: x.sort(d).values, lambda x, d: x.amax((d, d + 1)),
    lambda x, d: x.mean((d, d + 1)),
]


@pytest.mark.parametrize("f", OVER_TIME)
@settings(max_examples=12, deadline=None)
@given(lengths=LENGTHS)
def test_over_time(f: Any, lengths: list[int]) -> None:
    agree(lambda r: f(r, 1), lambda x: f(x, 0), lengths)


@pytest.mark.parametrize("f", WITH_STEPS)
@settings(max_examples=12, deadline=None)
@given(lengths=st.lists(st.integers(1, 7), min_size=1, max_size=6))
def test_over_time_that_needs_steps(f: Any, lengths: list[int]) -> None:
    agree(lambda r: f(r, 1), lambda x: f(x, 0), lengths)


LAYERS = {
    "Linear": lambda: rl.nn.Linear(WIDTH, 3), "LayerNorm": lambda: rl.nn.LayerNorm(WIDTH),
    "RMSNorm": lambda: rl.nn.RMSNorm(WIDTH), "Dropout": lambda: rl.nn.Dropout(0.0),
    "Sequential": lambda: rl.nn.Sequential(rl.nn.Linear(WIDTH, 8), rl.nn.GELU(),
                                           rl.nn.Linear(8, 2), rl.nn.Softmax(-1)),
    "Threshold": lambda: rl.nn.Threshold(0.1, 2.0), "PReLU": rl.nn.PReLU,
    "activations": lambda: rl.nn.Sequential(rl.nn.ELU(), rl.nn.Softplus(), rl.nn.Hardtanh()),
    "in place": lambda: rl.nn.Sequential(rl.nn.Linear(WIDTH, 3), rl.nn.ELU(inplace=True)),
    "BatchNorm1d": lambda: rl.nn.BatchNorm1d(WIDTH).eval(),
}


@pytest.mark.parametrize("name", LAYERS)
@settings(max_examples=8, deadline=None)
@given(lengths=LENGTHS)
def test_layers(name: str, lengths: list[int]) -> None:
    rl.manual_seed(1)
    layer = LAYERS[name]().double()
    agree(layer, layer, lengths, list(layer.parameters()))


ACTIVATIONS = [kind for kind in vars(rl.nn.modules.activation).values() if isinstance(kind, type)
               and kind.__module__ == "rushlight.nn.modules.activation"
               and not kind.__name__.startswith("_")]


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_every_activation(kind: Any) -> None:
    arguments = {rl.nn.Threshold: (0.1, 2.0)}
    layer = kind(*arguments.get(kind, ())).double().eval()
    agree(layer, layer, [3, 0, 1], list(layer.parameters()))


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
@pytest.mark.parametrize("options", [
    {}, {"num_layers": 2, "bidirectional": True}, {"bias": False}], ids=str)
@settings(max_examples=8, deadline=None)
@given(lengths=LENGTHS)
def test_recurrent(kind: str, options: dict[str, Any], lengths: list[int]) -> None:
    rl.manual_seed(2)
    layer = getattr(rl.nn, kind)(WIDTH, 3, **options).double()
    directions = layer.num_layers * (2 if layer.bidirectional else 1)
    h = rl.randn(directions, len(lengths), 3, dtype=rl.float64)
    state = (h, h * 2) if kind == "LSTM" else h

    def one(number: int) -> Any:
        return tuple(s[:, number] for s in state) if kind == "LSTM" else state[:, number]

    def finals(state: Any) -> Any:
        return rl.cat(state) if kind == "LSTM" else state

    count = iter(range(len(lengths)))

    def each(x: rl.Tensor) -> rl.Tensor:
        own = one(next(count))
        return layer(x, own)[0] if len(x) else x.new_zeros(0, 3 * (1 + layer.bidirectional))

    agree(lambda r: layer(r, state)[0], each, lengths, list(layer.parameters()))
    count = iter(range(len(lengths)))

    def last(x: rl.Tensor) -> rl.Tensor:
        own = one(next(count))
        return finals(layer(x, own)[1]) if len(x) else finals(own) + 0 * x.sum()

    agree(lambda r: finals(layer(r, state)[1]).unbind(1), last, lengths)


@pytest.mark.parametrize("causal", [False, True])
@settings(max_examples=10, deadline=None)
@given(lengths=LENGTHS)
def test_scaled_dot_product_attention(causal: bool, lengths: list[int]) -> None:
    def f(x: Any) -> Any:
        return F.scaled_dot_product_attention(x, x * 2, x + 1, is_causal=causal)

    agree(f, lambda x: f(x) if len(x) else x, lengths)


@pytest.mark.parametrize("options", [
    {"need_weights": False}, {"need_weights": True}, {"need_weights": False, "is_causal": True},
    {"need_weights": False, "attn_mask": True}], ids=str)
@settings(max_examples=8, deadline=None)
@given(lengths=LENGTHS)
def test_multi_head_attention(options: dict[str, Any], lengths: list[int]) -> None:
    rl.manual_seed(3)
    layer = rl.nn.MultiheadAttention(WIDTH, 2, batch_first=True).double()
    options = dict(options)
    causal = options.get("is_causal") or options.pop("attn_mask", False)
    whole = rl.ones(9, 9).triu(1).bool() if causal and "is_causal" not in options else None

    def each(x: rl.Tensor) -> rl.Tensor:
        own = rl.ones(len(x), len(x)).triu(1).bool() if causal else None
        return layer(x, x, x, **{**options, "attn_mask": own})[0] if len(x) else x

    agree(lambda r: layer(r, r, r, **options, attn_mask=whole)[0], each, lengths,
          list(layer.parameters()))


@settings(max_examples=8, deadline=None)
@given(lengths=st.lists(st.integers(1, 6), min_size=1, max_size=4))
def test_transformer(lengths: list[int]) -> None:
    rl.manual_seed(4)
    encoder = rl.nn.TransformerEncoder(rl.nn.TransformerEncoderLayer(
        WIDTH, 2, 8, 0.0, batch_first=True, norm_first=True), 2).double()
    decoder = rl.nn.TransformerDecoder(
        rl.nn.TransformerDecoderLayer(WIDTH, 2, 8, 0.0, batch_first=True), 1).double()

    def both(x: Any) -> Any:
        return decoder(x, encoder(x))

    agree(both, lambda x: both(x.unsqueeze(0))[0], lengths,
          [*encoder.parameters(), *decoder.parameters()])


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"])
@settings(max_examples=8, deadline=None)
@given(lengths=st.lists(st.integers(0, 5), min_size=1, max_size=5).filter(sum))
def test_losses(name: str, lengths: list[int]) -> None:
    loss = getattr(F, name)
    predicted, wanted = sequences(lengths), sequences(lengths, 1)
    mean = loss(rl.ragged(predicted), rl.ragged(wanted))
    assert rl.allclose(mean, loss(rl.cat(predicted), rl.cat(wanted)), 1e-6)
    each = loss(rl.ragged(predicted), rl.ragged(wanted), reduction="none")
    assert each.lengths.tolist() == lengths
    total = loss(rl.ragged(predicted), rl.ragged(wanted), reduction="sum")
    loop = sum(float(loss(a, b, reduction="sum")) for a, b in zip(predicted, wanted, strict=True))
    assert math.isclose(float(total), loop, rel_tol=1e-9)


def test_cross_entropy_is_a_mean_over_steps() -> None:
    scores = sequences([3, 0, 2])
    targets = [rl.tensor([0, 1, 2]), rl.tensor([], dtype=rl.int64), rl.tensor([3, 3])]
    found = F.cross_entropy(rl.ragged(scores), rl.ragged(targets), label_smoothing=0.1)
    found.backward()
    gradients = [x.grad.clone() for x in scores]
    for x in scores:
        x.grad = None
    expected = F.cross_entropy(rl.cat(scores), rl.cat(targets), label_smoothing=0.1)
    expected.backward()
    assert rl.allclose(found, expected)
    assert all(rl.allclose(a, x.grad) for a, x in zip(gradients, scores, strict=True))
    module = rl.nn.CrossEntropyLoss(weight=rl.ones(4, dtype=rl.float64), reduction="none")
    assert module(rl.ragged(scores), rl.ragged(targets)).lengths.tolist() == [3, 0, 2]


@settings(max_examples=10, deadline=None)
@given(lengths=LENGTHS)
def test_dense_operands_broadcast(lengths: list[int]) -> None:
    rl.manual_seed(5)
    row = rl.randn(len(lengths), 1, WIDTH, dtype=rl.float64, requires_grad=True)
    count = iter(range(len(lengths)))
    agree(lambda r: r * row - row, lambda x: x * row[(n := next(count))] - row[n], lengths, [row])
    count = iter(range(len(lengths)))
    agree(lambda r: rl.cat([r, row], -1),
          lambda x: rl.cat([x, row[next(count)].expand(len(x), -1)], -1), lengths, [row])


def test_batch_norm_in_training_sees_the_real_steps() -> None:
    given = sequences([3, 1, 0, 4])
    one, other = rl.nn.BatchNorm1d(WIDTH).double(), rl.nn.BatchNorm1d(WIDTH).double()
    found = one(rl.ragged(given))
    assert rl.allclose(found.values, other(rl.cat(given)))
    assert rl.allclose(one.running_mean, other.running_mean)


def test_embedding() -> None:
    table = rl.nn.Embedding(10, 3)
    ids = [rl.tensor([1, 2, 3]), rl.tensor([4])]
    found = table(rl.ragged(ids))
    assert all(rl.equal(a, table(b)) for a, b in zip(found, ids, strict=True))
    found.values.sum().backward()
    assert table.weight.grad.sum(1).tolist() == [0, 3, 3, 3, 3, 0, 0, 0, 0, 0]


def test_second_derivatives() -> None:
    def energy(*given: rl.Tensor) -> rl.Tensor:
        r = rl.ragged(list(given))
        attended = F.scaled_dot_product_attention(r, r, r)
        return (attended.softmax(1) * r).logsumexp(1).sum() + r.amax(1).square().sum()

    given = tuple(sequences([3, 1, 2], width=2))
    assert rl.autograd.gradcheck(energy, given)
    assert rl.autograd.gradgradcheck(energy, given)
