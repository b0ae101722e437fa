"""What TransformerEncoder makes of padding: zeros in inference, as torch's encoder does."""

from __future__ import annotations

from typing import Any

import pytest

import rushlight as rl

PADDING = rl.tensor([[False, False, False], [False, True, True], [True, True, True]])


def encoder(norm: Any = None, **options: Any) -> Any:
    rl.manual_seed(0)
    layer = rl.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, **options)
    return rl.nn.TransformerEncoder(layer, 2, norm).eval()


def test_padding_comes_out_as_zeros_without_gradients() -> None:
    model, x = encoder(), rl.randn(3, 3, 8)
    with rl.no_grad():
        found = model(x, src_key_padding_mask=PADDING)
        added = model(x, src_key_padding_mask=rl.zeros(3, 3).masked_fill(PADDING, -rl.inf))
        short = model(x[1:2, :1])
    assert bool((found[PADDING] == 0).all()) and rl.equal(found, added)
    assert rl.allclose(found[1, :1], short[0], 1e-5, 1e-6)
    with rl.no_grad():
        shifted = encoder(rl.nn.LayerNorm(8))(x, src_key_padding_mask=PADDING)
    assert bool((shifted[PADDING] == 0).all())  # zeros are what the norm is given


@pytest.mark.parametrize("why", ["gradients", "training", "not at the end", "norm_first", "mask",
                                 "told not to"])
def test_otherwise_padding_is_what_the_layers_make_of_it(why: str) -> None:
    model, x = encoder(norm_first=why == "norm_first", dropout=0.0), rl.randn(3, 3, 8)
    padding = PADDING.clone()
    padding[2] = rl.tensor([True, False, False]) if why == "not at the end" else False
    model.train(why == "training")
    model.use_nested_tensor = model.use_nested_tensor and why != "told not to"
    mask = rl.zeros(3, 3) if why == "mask" else None
    with rl.set_grad_enabled(why == "gradients"):
        found = model(x, mask, padding)
    assert bool((found[padding] != 0).any())
