"""Cross entropy: fused forms against the plain formula, ignored targets, errors, derivatives."""

from __future__ import annotations

import numpy as np
import pytest

import rushlight as rl
import rushlight.nn.functional as F
from rushlight.autograd import gradcheck, gradgradcheck


def reference(x: np.ndarray, target: np.ndarray, ignore: int = -100) -> np.ndarray:
    """-log_softmax(x)[target] of the samples that count, in float64."""
    x = x.astype(np.float64)
    top = x.max(1, keepdims=True)
    logs = x - top - np.log(np.exp(x - top).sum(1, keepdims=True))
    return np.array([0.0 if t == ignore else -row[t] for row, t in zip(logs, target, strict=True)])


@pytest.mark.parametrize("dtype,tolerance", [
    (rl.float32, 1e-6), (rl.float64, 1e-14), (rl.float16, 2e-3), (rl.bfloat16, 2e-2)], ids=str)
@pytest.mark.parametrize("shape", [(64, 10), (1, 10), (300, 1000), (5, 1)], ids=str)
def test_values(shape: tuple[int, int], dtype: rl.dtype, tolerance: float) -> None:
    generator = np.random.default_rng(0)
    x = rl.tensor(generator.normal(size=shape) * 4).to(dtype)
    target = generator.integers(0, shape[1], shape[0])
    wanted = reference(x.double().numpy(), target)
    for word, value in (("mean", wanted.mean()), ("sum", wanted.sum()), ("none", wanted)):
        got = F.cross_entropy(x, rl.tensor(target), reduction=word)
        assert got.dtype is dtype
        np.testing.assert_allclose(got.double().numpy(), value, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("ignore", [-100, 0, 2])
@pytest.mark.parametrize("word", ["mean", "sum", "none"])
def test_ignored_targets(word: str, ignore: int) -> None:
    x = rl.randn(4, 3, dtype=rl.float64, requires_grad=True)
    target = rl.tensor([1, ignore, 2, ignore])
    counted = reference(x.detach().numpy(), target.numpy(), ignore)
    wanted = {"mean": counted.sum() / (target != ignore).sum().item(), "sum": counted.sum(),
              "none": counted}[word]
    function = lambda x: F.cross_entropy(x, target, ignore_index=ignore, reduction=word)  # noqa: E731
    np.testing.assert_allclose(function(x).detach().numpy(), wanted)
    assert gradcheck(function, x)
    assert gradgradcheck(function, x)


def test_all_ignored_and_none() -> None:
    x = rl.randn(2, 3, requires_grad=True)
    ignored = rl.full((2,), -100)
    assert F.cross_entropy(x, ignored).isnan()
    F.cross_entropy(x, ignored, reduction="sum").backward()
    assert x.grad.tolist() == [[0.0] * 3] * 2
    assert F.cross_entropy(rl.zeros(0, 3), rl.zeros(0, dtype=rl.int64)).isnan()
    assert F.cross_entropy(rl.zeros(0, 3), rl.zeros(0, dtype=rl.int64), reduction="sum").item() == 0


def test_gradient_is_softmax_less_one_hot() -> None:
    x = rl.randn(64, 10, requires_grad=True)
    target = rl.randint(0, 10, (64,))
    (3 * F.cross_entropy(x, target)).backward()
    wanted = (rl.softmax(x.detach(), 1) - F.one_hot(target, 10)) * (3 / 64)
    assert rl.allclose(x.grad, wanted, atol=1e-7)


def test_images_and_single_samples() -> None:
    x = rl.randn(2, 5, 3, 2, dtype=rl.float64, requires_grad=True)
    target = rl.randint(0, 5, (2, 3, 2))
    each = F.cross_entropy(x, target, reduction="none")
    assert each.shape == (2, 3, 2)
    assert rl.allclose(each, F.nll_loss(F.log_softmax(x, 1), target, reduction="none"))
    assert gradcheck(lambda x: F.cross_entropy(x, target), x)
    assert gradgradcheck(lambda x: F.cross_entropy(x, target), x)
    one = F.cross_entropy(x[0, :, 0, 0], target[0, 0, 0])
    assert one.ndim == 0
    assert rl.allclose(one, each[0, 0, 0])


def test_weights_and_smoothing_agree_with_the_plain_formula() -> None:
    x = rl.randn(6, 4, dtype=rl.float64, requires_grad=True)
    target, weight = rl.tensor([0, 1, 2, 3, 3, -100]), rl.tensor([1.0, 2, 0.5, 3], dtype=rl.float64)
    logs, safe = rl.log_softmax(x, 1), target[:5]
    w = weight[safe]
    wanted = -(w * logs[rl.arange(5), safe]).sum() / w.sum()
    assert rl.allclose(F.cross_entropy(x, target, weight), wanted)
    smooth = 0.8 * F.cross_entropy(x, target) - 0.2 * logs[:5].mean()
    assert rl.allclose(F.cross_entropy(x, target, label_smoothing=0.2), smooth)


def test_extremes() -> None:
    x = rl.tensor([[1e38, -1e38, 0.0], [-float("inf"), 0.0, 0.0]], requires_grad=True)
    loss = F.cross_entropy(x, rl.tensor([0, 1]), reduction="none")
    assert loss.tolist() == pytest.approx([0, np.log(2)])
    loss.sum().backward()
    assert x.grad.tolist() == [[0, 0, 0], pytest.approx([0, -0.5, 0.5])]
    far = F.cross_entropy(rl.tensor([[0.0, 200.0]]), rl.tensor([0]))
    assert far.item() == 200


def test_errors() -> None:
    x = rl.zeros(2, 3)
    with pytest.raises(IndexError, match="Target 3 is out of bounds"):
        F.cross_entropy(x, rl.tensor([0, 3]))
    with pytest.raises(IndexError, match="Target -1 is out of bounds"):
        F.cross_entropy(x, rl.tensor([0, -1]), reduction="none")
    with pytest.raises(ValueError, match=r"Expected input batch_size \(2\) to match target"):
        F.cross_entropy(x, rl.tensor([0, 1, 2]))
    with pytest.raises(RuntimeError, match="expected target dtype to be Long or Byte"):
        F.cross_entropy(x, rl.tensor([0, 1], dtype=rl.int32))
    with pytest.raises(ValueError, match="is not a valid value for reduction"):
        F.cross_entropy(x, rl.tensor([0, 1]), reduction="median")


def test_overwritten_scores_are_noticed() -> None:
    x = rl.randn(2, 3, requires_grad=True)
    y = x * 2
    loss = F.cross_entropy(y, rl.tensor([0, 1]))
    y.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
