"""Causal masks known by their lengths, and what else nn gained with them."""

from __future__ import annotations

import pickle

import pytest

import rushlight as rl
from rushlight import nn
from rushlight.nn import functional as F
from rushlight.nn.attention.bias import (
    CausalBias,
    CausalVariant,
    causal_lower_right,
    causal_upper_left,
)


def test_causal_masks_from_either_corner() -> None:
    assert causal_upper_left(2, 3)._materialize().tolist() == [
        [True, False, False], [True, True, False]]
    assert causal_lower_right(2, 3)._materialize().tolist() == [
        [True, True, False], [True, True, True]]
    mask = causal_lower_right(2, 3)
    assert isinstance(mask, rl.Tensor) and mask.variant is CausalVariant.LOWER_RIGHT
    assert (mask.logical_not().sum().item(), tuple(mask.shape)) == (1, (2, 3))
    assert rl.cat([mask, mask]).shape == (4, 3)


@pytest.mark.parametrize("make", [causal_upper_left, causal_lower_right])
@pytest.mark.parametrize("keys", [3, 5])
def test_attention_with_a_causal_bias(make: object, keys: int) -> None:
    rl.manual_seed(0)
    query, key = rl.randn(1, 2, 3, 4, requires_grad=True), rl.randn(1, 2, keys, 4)
    mask = make(3, keys)
    out = F.scaled_dot_product_attention(query, key, key, attn_mask=mask, scale=0.3)
    plain = F.scaled_dot_product_attention(query, key, key, mask._materialize(), scale=0.3)
    assert rl.allclose(out, plain, atol=1e-6)
    out.sum().backward()
    assert query.grad is not None


def test_wrong_causal_biases() -> None:
    query = rl.ones(1, 1, 2, 2)
    with pytest.raises(AssertionError, match="causal_upper_left only supports 2D"):
        causal_upper_left(2)
    with pytest.raises(AssertionError, match="causal_lower_right only supports 2D"):
        causal_lower_right(2, 3, 4)
    with pytest.raises(AssertionError, match="variant must be a CausalVariant, got int"):
        CausalBias(1, 2, 3)
    with pytest.raises(ValueError, match="should not be used with causal=True"):
        F.scaled_dot_product_attention(query, query, query, causal_upper_left(2, 2),
                                       is_causal=True)
    with pytest.warns(UserWarning, match="seq_len_q > seq_len_kv"):
        causal_lower_right(3, 2)


def test_a_wrong_call_names_the_layer() -> None:
    for layer in (nn.Conv2d, nn.ZeroPad2d, nn.LazyConv2d, nn.MaxUnpool2d):
        with pytest.raises(TypeError, match=rf"^{layer.__name__}\.__init__\(\) missing"):
            layer()
    with pytest.raises(TypeError, match=r"^Module\.register_forward_hook\(\) missing"):
        nn.ReLU().register_forward_hook()
    assert nn.Conv2d(1, 2, 3, padding_mode="reflect").padding_mode == "reflect"


def test_lazy_modules_and_computed_tensors_pickle() -> None:
    layer = pickle.loads(pickle.dumps(nn.LazyLinear(3)))
    assert layer(rl.ones(1, 2)).shape == (1, 3) and type(layer) is nn.Linear
    assert not layer._forward_pre_hooks
    computed = pickle.loads(pickle.dumps(rl.ones(2, requires_grad=True) * 2))
    assert computed.is_leaf and computed.requires_grad and computed.tolist() == [2, 2]
    normed = nn.utils.weight_norm(nn.Linear(2, 2))
    assert rl.equal(pickle.loads(pickle.dumps(normed))(rl.ones(2)), normed(rl.ones(2)))


def test_forms_of_module_to() -> None:
    conv = nn.Conv2d(2, 3, 2)
    assert conv.to(memory_format=rl.channels_last).weight.stride() == (8, 1, 4, 2)
    assert conv.to(rl.float64, memory_format=rl.contiguous_format).weight.stride() == (8, 4, 2, 1)
    assert conv.to(tensor=rl.ones(1)).weight.dtype is rl.float32
    assert conv.to("cpu", rl.float16, True).weight.dtype is rl.float16
    for wrong in ({"foo": 1}, {"other": rl.ones(1)}, {"dtype": "cpu"}):
        with pytest.raises(TypeError, match=r"to\(\) received an invalid combination"):
            conv.to(**wrong)
    with pytest.raises(TypeError, match=r"to\(\) received an invalid combination"):
        conv.to(rl.float32, rl.float32)


def test_parallel_namespace() -> None:
    assert nn.parallel.DataParallel is nn.DataParallel
