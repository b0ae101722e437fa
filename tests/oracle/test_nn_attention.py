"""Attention and Transformer layers against torch's: values, gradients, masks, initial values."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import rushlight as rl

torch = pytest.importorskip("torch")

CAUSAL = np.triu(np.full((3, 3), -np.inf, np.float32), 1)
PADDING = np.array([[False, False, True], [False, True, True], [False] * 3, [False] * 3])
NORMAL = np.random.default_rng(0).standard_normal((8, 3, 3)).astype(np.float32)

OPTIONS = [
    {},
    {"bias": False},
    {"add_bias_kv": True},
    {"add_zero_attn": True},
    {"add_bias_kv": True, "add_zero_attn": True},
    {"kdim": 5, "vdim": 6},
    {"batch_first": True},
]
CALLS = [
    {},
    {"need_weights": False},
    {"average_attn_weights": False},
    {"key_padding_mask": PADDING},
    {"attn_mask": CAUSAL},
    {"attn_mask": CAUSAL, "need_weights": False},
    {"attn_mask": CAUSAL, "is_causal": True, "need_weights": False},
    {"attn_mask": CAUSAL, "is_causal": True},
    {"attn_mask": CAUSAL < 0, "key_padding_mask": PADDING},
    {"attn_mask": CAUSAL < 0, "key_padding_mask": PADDING, "need_weights": False},
    {"attn_mask": NORMAL, "need_weights": False},
]


def tensor(library: Any, values: np.ndarray, grad: bool = False) -> Any:
    return library.from_numpy(values.copy()).requires_grad_(grad)


def close(found: Any, expected: Any, what: str) -> None:
    if found is None or expected is None:
        assert found is expected, what
        return
    found, expected = found.detach().numpy(), expected.detach().numpy()
    size = np.abs(expected).max(initial=1.0)
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=1e-5 * size, err_msg=what)


def pair(name: str, *args: Any, **options: Any) -> list[Any]:
    """The layer of both libraries, equal initial values checked."""
    layers = []
    for library in (rl, torch):
        library.manual_seed(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            layers.append(getattr(library.nn, name)(*args, **options))
    ours, theirs = layers
    assert repr(ours) == repr(theirs) and list(ours.state_dict()) == list(theirs.state_dict())
    for ours_value, value in zip(ours.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_array_equal(ours_value.detach().numpy(), value.detach().numpy())
    return layers


def compare(layers: list[Any], shapes: list[tuple], call: dict[str, Any], same: bool) -> None:
    """Outputs and all gradients, in training and in evaluation."""
    for training in (True, False):
        results = []
        for library, layer in zip((rl, torch), layers, strict=True):
            generator = np.random.default_rng(3)
            inputs = [
                tensor(library, generator.standard_normal(s).astype(np.float32), True)
                for s in shapes
            ]
            given = {
                k: tensor(library, v) if isinstance(v, np.ndarray) else v for k, v in call.items()
            }
            layer.train(training)
            layer.zero_grad()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                output = layer(*(inputs * 3 if same else inputs), **given)
            output, *weights = output if isinstance(output, tuple) else (output,)
            factors = np.arange(output.numel(), dtype=np.float32).reshape(tuple(output.shape))
            (output * output * tensor(library, factors)).sum().backward()
            grads = [x.grad for x in inputs] + [p.grad for p in layer.parameters()]
            results.append([output, *weights, *grads])
        for place, (found, expected) in enumerate(zip(*results, strict=True)):
            close(found, expected, f"result {place}, training={training}")


@pytest.mark.parametrize("call", CALLS, ids=lambda c: ",".join(c) or "plain")
@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: ",".join(o) or "plain")
def test_multihead_attention(options: dict, call: dict) -> None:
    layers = pair("MultiheadAttention", 8, 2, **options)
    if "kdim" in options:
        compare(layers, [(3, 4, 8), (3, 4, 5), (3, 4, 6)], call, same=False)
    else:
        shape = (4, 3, 8) if options.get("batch_first") else (3, 4, 8)
        compare(layers, [shape], call, same=True)


def test_multihead_attention_without_a_batch() -> None:
    layers = pair("MultiheadAttention", 8, 2)
    compare(layers, [(3, 8)], {"key_padding_mask": PADDING[0]}, same=True)
    compare(layers, [(3, 8), (5, 8), (5, 8)], {}, same=False)


LAYER_OPTIONS = [
    {},
    {"norm_first": True},
    {"batch_first": True},
    {"activation": "gelu"},
    {"bias": False},
]


@pytest.mark.parametrize("options", LAYER_OPTIONS, ids=lambda o: ",".join(o) or "plain")
def test_transformer_layers(options: dict) -> None:
    options = {**options, "dropout": 0.0}
    encoder = pair("TransformerEncoderLayer", 8, 2, 16, **options)
    compare(encoder, [(3, 3, 8)], {"src_mask": CAUSAL, "is_causal": True}, same=False)
    decoder = pair("TransformerDecoderLayer", 8, 2, 16, **options)
    compare(decoder, [(3, 4, 8), (3, 4, 8)], {}, same=False)
    whole = pair("Transformer", 8, 2, 2, 2, 16, **options)
    compare(whole, [(3, 3, 8), (3, 3, 8)], {"tgt_mask": CAUSAL}, same=False)


@pytest.mark.parametrize(
    "make",
    [
        lambda L: L.nn.MultiheadAttention(8, 3),
        lambda L: L.nn.MultiheadAttention(0, 1),
        lambda L: L.nn.MultiheadAttention(8, 2)(*[L.ones(3, 4, 7)] * 3),
        lambda L: L.nn.MultiheadAttention(8, 2)(*[L.ones(8)] * 3),
        lambda L: L.nn.MultiheadAttention(8, 2)(L.ones(3, 4, 8), *[L.ones(4, 8)] * 2),
        lambda L: L.nn.MultiheadAttention(8, 2)(*[L.ones(3, 4, 8)] * 3, attn_mask=L.ones(2, 3)),
        lambda L: L.nn.MultiheadAttention(8, 2)(*[L.ones(3, 4, 8)] * 3, is_causal=True),
        lambda L: L.nn.TransformerEncoderLayer(8, 2, activation="x"),
        lambda L: L.nn.Transformer(8, 2, 1, 1, 8)(L.ones(3, 4, 8), L.ones(3, 5, 8)),
        lambda L: L.nn.Transformer(8, 2, 1, 1, 8)(L.ones(3, 4, 8), L.ones(3, 4, 7)),
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


def test_square_subsequent_mask() -> None:
    masks = [L.nn.Transformer.generate_square_subsequent_mask(4).numpy() for L in (rl, torch)]
    np.testing.assert_array_equal(*masks)
