"""What layers and functions say of inputs, options and dtypes that do not fit."""

from __future__ import annotations

from collections import namedtuple

import pytest

import rushlight as rl
from rushlight import nn
from rushlight.nn import functional as F

ONES = rl.ones(2, 3)
WHOLE = rl.ones(2, 3, dtype=rl.int64)
IMAGE = rl.ones(1, 1, 4, 4)


@pytest.mark.parametrize(("call", "kind", "words"), [
    (lambda: F.linear(None, ONES), TypeError, "linear(): argument 'input' (position 1) must be"),
    (lambda: F.linear(ONES, None), TypeError, "linear(): argument 'weight' (position 2) must be"),
    (lambda: F.linear(rl.tensor(1.0), ONES), RuntimeError, "both arguments to linear need to be"),
    (lambda: F.linear(ONES, ONES.double()), RuntimeError, "expected m1 and m2 to have the same"),
    (lambda: F.embedding([1], ONES), TypeError, "embedding(): argument 'indices' (position 2)"),
    (lambda: F.one_hot(3), TypeError, "one_hot(): argument 'input' (position 1) must be Tensor"),
    (lambda: F.one_hot(WHOLE, "a"), TypeError, "one_hot(): argument 'num_classes' (position 2)"),
    (lambda: F.softmax(ONES, "a"), TypeError, "softmax(): argument 'dim' (position 1) must be"),
    (lambda: F.mse_loss(WHOLE, WHOLE), NotImplementedError, "\"mse_cpu\" not implemented for 'Lo"),
    (lambda: F.huber_loss(WHOLE, WHOLE), NotImplementedError, '"huber_cpu" not implemented for'),
    (lambda: F.relu(rl.tensor([True])), RuntimeError, "Boolean inputs not supported for relu"),
    (lambda: F.relu(rl.tensor([1j])), NotImplementedError, "clamp is not supported for complex"),
    (lambda: F.soft_margin_loss(WHOLE, WHOLE), RuntimeError, "result type Float can't be cast"),
    (lambda: F.hinge_embedding_loss(WHOLE, WHOLE), RuntimeError, "mean(): could not infer output"),
    (lambda: F.binary_cross_entropy(ONES, ONES * 2), RuntimeError, "all elements of target shou"),
    (lambda: F.binary_cross_entropy(ONES, ONES, rl.ones(2)), RuntimeError,
     "Attempting to broadcast a dimension of length 2 at -1!"),
    (lambda: F.mse_loss(ONES, ONES, weight=rl.ones(2)), ValueError, "Weights and input must have"),
    (lambda: F.multilabel_margin_loss(ONES, ONES), RuntimeError, "expected scalar type Long but"),
    (lambda: F.multilabel_margin_loss(ONES, WHOLE + 2), RuntimeError, "argument #2 'target' is ou"),
    (lambda: F.ctc_loss(ONES[:, None], WHOLE[:1], (-1,), (1,)), RuntimeError,
     "Expected input_lengths to have value at least 0, but got value -1"),
    (lambda: F.ctc_loss(ONES[:, None], WHOLE[:1] + 2, (2,), (1,)), IndexError, "ctc_loss: targets"),
    (lambda: F.ctc_loss(ONES[:, None], WHOLE[:1], rl.ones(1), (1,)), RuntimeError,
     "input_lengths must be integral"),
    (lambda: F.prelu(ONES, rl.ones(1).double()), RuntimeError, "prelu: Type promoting not suppor"),
    (lambda: F.batch_norm(ONES, None, None), RuntimeError, "running_mean must be defined in eval"),
    (lambda: F.group_norm(rl.ones(1, 4), 4), ValueError, "Expected more than 1 value per channel"),
    (lambda: F.group_norm(ONES, 3, rl.ones(2)), RuntimeError, "Expected weight to be a vector of"),
    (lambda: F.layer_norm(WHOLE, (3,)), NotImplementedError, '"LayerNormKernelImpl" not implement'),
    (lambda: F.scaled_dot_product_attention(ONES, ONES, ONES, rl.ones(2, 2), is_causal=True),
     RuntimeError, "_scaled_dot_product_attention: Explicit attn_mask should not be set when"),
    (lambda: F.scaled_dot_product_attention(ONES, ONES, ONES, rl.ones(3, 2)), RuntimeError,
     "The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0"),
    (lambda: F.scaled_dot_product_attention(ONES, ONES, None), TypeError,
     "scaled_dot_product_attention(): argument 'value' (position 3) must be Tensor"),
    (lambda: F.grid_sample(IMAGE, rl.zeros(1, 2, 2, 2).double(), align_corners=True), RuntimeError,
     "expected scalar type Float but found Double"),
    (lambda: F.affine_grid(rl.ones(1, 2, 3), (2, 1, 2, 2), True), RuntimeError,
     "Expected size for first two dimensions of batch2 tensor to be: [2, 3] but got: [1, 3]"),
    (lambda: F.pad(ONES, "a"), TypeError, "pad(): argument 'pad' (position 2) must be tuple of"),
    (lambda: F.pad(IMAGE, (-3, -3, 0, 0), "reflect"), RuntimeError,
     "input (H: 4, W: 4) is too small. Calculated output H: 4 W: -2"),
    (lambda: F.pad(IMAGE, (-3, -3, 0, 0), "circular"), RuntimeError, "Negative padding value is r"),
    (lambda: F.interpolate(IMAGE, 3, mode="lanczos"), ValueError, "Lanczos mode requires antialia"),
    (lambda: F.unfold(IMAGE, 0), RuntimeError, "kernel size should be greater than zero, but got"),
    (lambda: nn.LSTM(3, 3)(ONES, (ONES,)), IndexError, "tuple index out of range"),
    (lambda: nn.LSTM(3, 3)(ONES, (ONES, ONES, ONES)), RuntimeError, "lstm expects two hidden stat"),
    (lambda: nn.LSTMCell(3, 3)(ONES, ONES), TypeError, "lstm_cell(): argument 'hx' (position 2)"),
    (lambda: nn.GRUCell(3, 3)(ONES, rl.ones(3)), RuntimeError, "Input batch size 2 doesn't match"),
])
def test_wrong_calls(call: object, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value).startswith(words)


def test_the_nearest_samples_do_not_depend_on_their_places() -> None:
    grid = rl.zeros(1, 2, 2, 2, requires_grad=True)
    F.grid_sample(IMAGE, grid, mode="nearest", align_corners=False).sum().backward()
    assert grid.grad.shape == grid.shape and not grid.grad.any()


def test_lanczos_and_bytes() -> None:
    flat = F.interpolate(IMAGE * 5, (3, 2), mode="lanczos", antialias=True)
    assert rl.allclose(flat, rl.full((1, 1, 3, 2), 5.0))
    grey = rl.tensor([[[[0, 255], [255, 0]]]], dtype=rl.uint8)
    wide = F.interpolate(grey, (2, 4), mode="bilinear")
    assert wide.dtype is rl.uint8 and wide[0, 0, 0].tolist() == [0, 64, 191, 255]


def test_losses_keep_the_dtype_of_the_input() -> None:
    for loss in (F.huber_loss, F.soft_margin_loss):
        assert loss(ONES, ONES.double()).dtype is rl.float32


def test_backward_hooks_keep_named_tuples() -> None:
    Pair = namedtuple("Pair", "first second")

    class Both(nn.Module):
        def forward(self, x: rl.Tensor) -> Pair:
            return Pair(x * 2, 3)

    both = Both()
    both.register_full_backward_hook(lambda *given: None)
    found = both(rl.ones(1, requires_grad=True))
    assert type(found) is Pair and found.second == 3


@pytest.mark.parametrize(("call", "words"), [
    (lambda: F.upsample(IMAGE, 3), "`nn.functional.upsample` is deprecated"),
    (lambda: F.upsample_nearest(IMAGE, 3), "`nn.functional.upsample_nearest` is deprecated"),
    (lambda: F.kl_div(ONES, ONES), "reduction: 'mean' divides the total loss by both"),
    (lambda: F.grid_sample(IMAGE, rl.zeros(1, 2, 2, 2)), "Default grid_sample and affine_grid be"),
])
def test_warnings(call: object, words: str) -> None:
    with pytest.warns(UserWarning, match=words):
        call()
