"""mask= and lengths= of losses: as if the other places did not exist."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import pytest

import rushlight as rl
from rushlight.autograd import gradcheck

F = rl.nn.functional
MASK = rl.tensor([[1, 0, 1, 1], [0, 1, 0, 1], [1, 1, 0, 0]]).bool()
BAD = float("nan")


def real(*shape: int, low: float = -2.0, high: float = 2.0) -> Any:
    return (rl.rand(*shape, dtype=rl.float64) * (high - low) + low).requires_grad_()


def signs(*shape: int) -> Any:
    return (rl.rand(*shape, dtype=rl.float64) > 0.5).double() * 2 - 1


# name -> (loss, its operands, which are differentiated); the losses have shape (3, 4) or (3,)
Case = tuple[Callable[..., Any], tuple[Any, ...]]


def elementwise() -> dict[str, Case]:
    rl.manual_seed(0)
    soft = rl.rand(3, 4, dtype=rl.float64)
    weight = rl.rand(4, dtype=rl.float64)
    pair = (real(3, 4), real(3, 4).detach())
    return {
        "mse": (F.mse_loss, pair),
        "mse weighted": (lambda *a, **k: F.mse_loss(*a, weight=weight.expand(3, 4), **k), pair),
        "l1": (F.l1_loss, pair),
        "smooth l1": (F.smooth_l1_loss, pair),
        "huber": (F.huber_loss, pair),
        "bce": (F.binary_cross_entropy, (real(3, 4, low=0.1, high=0.9), soft)),
        "bce logits": (
            lambda *a, **k: F.binary_cross_entropy_with_logits(*a, pos_weight=weight, **k),
            (real(3, 4), soft),
        ),
        "kl": (F.kl_div, (real(3, 4), soft)),
        "poisson": (F.poisson_nll_loss, (real(3, 4), soft)),
        "gaussian": (F.gaussian_nll_loss, (*pair, real(3, 4, low=0.5))),
        "hinge": (F.hinge_embedding_loss, (real(3, 4), signs(3, 4))),
        "ranking": (F.margin_ranking_loss, (real(3, 4), real(3, 4), signs(3, 4))),
        "soft margin": (F.soft_margin_loss, (real(3, 4), signs(3, 4))),
        "triplet": (
            lambda a, b, y, **k: F.triplet_margin_loss(a, b, y, **k),
            (real(3, 4, 5), real(3, 4, 5), real(3, 4, 5)),
        ),
        "triplet, distance": (
            F.triplet_margin_with_distance_loss,
            (real(3, 4, 5), real(3, 4, 5), real(3, 4, 5)),
        ),
        "multilabel soft": (
            F.multilabel_soft_margin_loss,
            (real(3, 4, 5), rl.rand(3, 4, 5, dtype=rl.float64)),
        ),
    }


CASES = elementwise()


def counted(operands: tuple[Any, ...], mask: Any) -> list[Any]:
    return [x.detach()[mask].requires_grad_(x.requires_grad) for x in operands]


def poisoned(operands: tuple[Any, ...], mask: Any, value: float) -> list[Any]:
    made = []
    for x in operands:
        away = ~mask.reshape(mask.shape + (1,) * (x.ndim - mask.ndim))
        made.append(x.detach().masked_fill(away, value).requires_grad_(x.requires_grad))
    return made


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
# The weights of the others would have to be selected too: they have a test of their own.
@pytest.mark.parametrize("name", [n for n in CASES if n not in ("mse weighted", "bce logits")])
def test_equals_the_counted_elements_alone(name: str, reduction: str) -> None:
    loss, operands = CASES[name]
    few = counted(operands, MASK)
    expected = loss(*few, reduction=reduction)
    for value in (BAD, math.inf):
        whole = poisoned(operands, MASK, value)
        result = loss(*whole, reduction=reduction, mask=MASK)
        if reduction == "none":
            assert result.shape == (3, 4)
            assert (result[~MASK] == 0).all()
            assert rl.allclose(result[MASK], expected)
        else:
            assert rl.allclose(result, expected)
        leaves = [x for x in whole if x.requires_grad]
        got = rl.autograd.grad(result.sum(), leaves)
        want = rl.autograd.grad(expected.sum(), [x for x in few if x.requires_grad],
                                retain_graph=True)
        for g, w in zip(got, want, strict=True):
            assert rl.allclose(g[MASK], w)
            assert (g[~MASK] == 0).all()


@pytest.mark.parametrize("name", CASES)
def test_gradcheck(name: str) -> None:
    loss, operands = CASES[name]
    whole = poisoned(operands, rl.ones(3, 4, dtype=rl.bool), BAD)
    assert gradcheck(lambda *xs: loss(*xs, mask=MASK), whole)


def test_weights_are_those_of_the_counted_elements() -> None:
    x, y, w = real(3, 4), real(3, 4).detach(), rl.rand(3, 4, dtype=rl.float64)
    expected = F.mse_loss(x[MASK], y[MASK], weight=w[MASK])
    assert rl.allclose(F.mse_loss(x, y, weight=w, mask=MASK), expected)
    positive = rl.rand(4, dtype=rl.float64)
    got = F.binary_cross_entropy_with_logits(x, y, pos_weight=positive, reduction="none", mask=MASK)
    full = F.binary_cross_entropy_with_logits(x, y, pos_weight=positive, reduction="none")
    assert rl.allclose(got, full.masked_fill(~MASK, 0))


@pytest.mark.parametrize("options", [
    {}, {"weight": True}, {"label_smoothing": 0.1}, {"weight": True, "label_smoothing": 0.1},
    {"ignore_index": 2}])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_cross_entropy(options: dict[str, Any], reduction: str) -> None:
    options = {**options, "reduction": reduction}
    if options.get("weight"):
        options["weight"] = rl.tensor([1.0, 2.0, 0.5, 3.0, 1.5], dtype=rl.float64)
    scores, target = real(3, 5, 4), rl.randint(0, 5, (3, 4))
    few = scores.detach().movedim(1, -1)[MASK].requires_grad_()
    expected = F.cross_entropy(few, target[MASK], **options)
    bad = scores.detach().masked_fill(~MASK.unsqueeze(1), BAD).requires_grad_()
    wrong = target.masked_fill(~MASK, 99)  # no such class
    result = F.cross_entropy(bad, wrong, mask=MASK, **options)
    assert rl.allclose(result[MASK] if reduction == "none" else result, expected)
    result.sum().backward()
    expected.sum().backward()
    assert rl.allclose(bad.grad.movedim(1, -1)[MASK], few.grad)
    assert (bad.grad.movedim(1, -1)[~MASK] == 0).all()


def test_cross_entropy_of_probabilities_and_of_one_sample() -> None:
    scores, soft = real(3, 5, 4), rl.rand(3, 5, 4, dtype=rl.float64)
    expected = F.cross_entropy(scores.movedim(1, -1)[MASK], soft.movedim(1, -1)[MASK])
    assert rl.allclose(F.cross_entropy(scores, soft, mask=MASK), expected)
    x, y = real(5), rl.tensor(3)
    assert F.cross_entropy(x, y, mask=rl.tensor(True)) == F.cross_entropy(x, y)
    assert F.nll_loss(x, y, mask=rl.tensor(False)) == 0


@pytest.mark.parametrize("loss", [F.multi_margin_loss, F.multilabel_margin_loss,
                                  F.cosine_embedding_loss, F.linear_cross_entropy])
def test_losses_of_rows(loss: Any) -> None:
    x, mask = real(4, 5), rl.tensor([True, False, False, True])
    others: tuple[Any, ...] = (rl.tensor([1, 0, 3, 2]),)
    if loss is F.multilabel_margin_loss:
        others = (rl.tensor([[1, -1, 0, 0, 0], [0, 2, -1, 0, 0]] * 2),)
    elif loss is F.cosine_embedding_loss:
        others = (real(4, 5), signs(4))
    elif loss is F.linear_cross_entropy:
        others = (real(6, 5), others[0])
    bad = x.detach().masked_fill(~mask.unsqueeze(1), BAD).requires_grad_()
    few = [y if y.shape[0] != 4 else y[mask] for y in others]
    for reduction in ("mean", "sum", "none"):
        result = loss(bad, *others, reduction=reduction, mask=mask)
        expected = loss(x[mask], *few, reduction=reduction)
        assert rl.allclose(result[mask] if reduction == "none" else result, expected)
        (grad,) = rl.autograd.grad(result.sum(), bad)
        assert (grad[~mask] == 0).all() and grad[mask].isfinite().all()


@pytest.mark.parametrize("joined", [False, True])
def test_ctc(joined: bool) -> None:
    scores = real(6, 3, 4).detach()
    logs = scores.log_softmax(2)
    logs[:, 1] = BAD
    logs[5, 2] = BAD  # beyond the input's length
    logs.requires_grad_()
    targets = rl.tensor([[1, 2], [3, 3], [2, 1]])
    lengths, mask = rl.tensor([2, 2, 1]), rl.tensor([True, False, True])
    given = rl.tensor([1, 2, 3, 3, 2]) if joined else targets
    result = F.ctc_loss(logs, given, [6, 6, 5], lengths, mask=mask)
    few = scores[:, mask].log_softmax(2)
    assert rl.allclose(result, F.ctc_loss(few, targets[mask], [6, 5], lengths[mask]))
    result.backward()
    assert (logs.grad[:, 1] == 0).all() and logs.grad.isfinite().all()
    assert F.ctc_loss(logs, given, [6, 6, 5], lengths, reduction="none", mask=mask)[1] == 0


def test_lengths() -> None:
    x, y = real(3, 4), real(3, 4).detach()
    mask = rl.tensor([[True] * n + [False] * (4 - n) for n in (4, 0, 2)])
    expected = F.mse_loss(x, y, mask=mask)
    for lengths in ([4, 0, 2], (4, 0, 2), rl.tensor([4, 0, 2])):
        assert F.mse_loss(x, y, lengths=lengths) == expected
    scores, target = real(3, 5, 4), rl.randint(0, 5, (3, 4))
    assert F.cross_entropy(scores, target, lengths=[4, 0, 2]) == F.cross_entropy(
        scores, target, mask=mask)
    assert F.mse_loss(x, y, mask=MASK, lengths=[4, 0, 2]) == F.mse_loss(x, y, mask=MASK & mask)
    deep = real(3, 4, 2)
    assert abs(F.l1_loss(deep, deep.detach() + 2, lengths=[1, 1, 1]) - 2) < 1e-12


def test_masks_broadcast() -> None:
    x, y = real(3, 4, 2), real(3, 4, 2).detach()
    assert F.mse_loss(x, y, mask=MASK.unsqueeze(-1)) == F.mse_loss(x[MASK], y[MASK])
    assert F.mse_loss(x, y, mask=rl.tensor(True)) == F.mse_loss(x, y)


def test_kl_div_batchmean_counts_samples() -> None:
    x, y = real(3, 4), rl.rand(3, 4, dtype=rl.float64)
    samples = rl.tensor([[True], [False], [True]])
    got = F.kl_div(x, y, reduction="batchmean", mask=samples)
    assert rl.allclose(got, F.kl_div(x[::2], y[::2], reduction="batchmean"))


def test_where_nothing_counts_the_loss_is_zero() -> None:
    x = rl.full((3, 4), BAD, requires_grad=True)
    nothing = rl.zeros(3, 1, dtype=rl.bool)
    for loss in (F.mse_loss, F.binary_cross_entropy, F.kl_div):
        result = loss(x, x.detach(), mask=nothing)
        assert result == 0
        assert (rl.autograd.grad(result, x)[0] == 0).all()
    result = F.cross_entropy(x, rl.tensor([0, 1, 2]), mask=rl.zeros(3, dtype=rl.bool))
    assert result == 0


def test_errors_name_shapes() -> None:
    x, y = rl.zeros(3, 4), rl.zeros(3, 4)
    with pytest.raises(ValueError, match=r"mse_loss: mask bool\[3\] .* \[3, 4\]; .*unsqueeze"):
        F.mse_loss(x, y, mask=rl.ones(3, dtype=rl.bool))
    with pytest.raises(TypeError, match=r"mask must be a bool tensor.*float32\[3, 4\].*bool\(\)"):
        F.mse_loss(x, y, mask=x)
    with pytest.raises(TypeError, match="got list"):
        F.mse_loss(x, y, mask=[True])
    with pytest.raises(ValueError, match=r"\(batch, time, \*\).*\[3\]"):
        F.mse_loss(x[:, 0], y[:, 0], lengths=[1, 2, 3])
    with pytest.raises(ValueError, match=r"each of 3 samples.*\[3, 4\].*\[2\]"):
        F.mse_loss(x, y, lengths=[1, 2])
    with pytest.raises(ValueError, match=r"between 0 and 4.*1 to 5"):
        F.mse_loss(x, y, lengths=[1, 2, 5])
    with pytest.raises(ValueError, match=r"input's shape: input float32\[3, 4\], target"):
        F.mse_loss(x, y[:1], mask=MASK)
    with pytest.raises(RuntimeError, match=r"Expected target size \[3, 4\], got \[3\]"):
        F.cross_entropy(rl.zeros(3, 5, 4), rl.tensor([0, 1, 2]), mask=MASK)
    with pytest.raises(ValueError, match="leading dimensions"):
        F.triplet_margin_loss(x, y, y[:2], mask=rl.ones(3, dtype=rl.bool))


def test_every_loss_takes_them() -> None:
    losses = [n for n in F.__all__ if n.endswith("_loss") or n in ("kl_div", "cross_entropy",
              "binary_cross_entropy", "binary_cross_entropy_with_logits", "linear_cross_entropy")]
    modules = [n for n in dir(rl.nn) if n.endswith("Loss")]
    assert len(losses) > 18 and len(modules) > 18
    calls = [getattr(F, n) for n in losses] + [getattr(rl.nn, n).forward for n in modules]
    assert all({"mask", "lengths"} <= set(inspect.signature(f).parameters) for f in calls)


def test_modules_pass_them_on() -> None:
    x, y = real(3, 4), real(3, 4).detach()
    assert rl.nn.MSELoss()(x, y, mask=MASK) == F.mse_loss(x, y, mask=MASK)
    scores, target = real(3, 5, 4), rl.randint(0, 5, (3, 4))
    got = rl.nn.CrossEntropyLoss()(scores, target, lengths=[1, 2, 3])
    assert got == F.cross_entropy(scores, target, lengths=[1, 2, 3])
    assert rl.nn.GaussianNLLLoss()(x, y, rl.ones(3, 4).double(), mask=MASK).isfinite()
    head = rl.nn.LinearCrossEntropyLoss(4, 5).double()
    assert head(x, target[:, 0], mask=rl.tensor([True, False, True])).isfinite()


def test_adaptive_softmax() -> None:
    model = rl.nn.AdaptiveLogSoftmaxWithLoss(32, 20, [5, 10])
    x, target = rl.randn(4, 32), rl.tensor([0, 4, 7, 19])
    mask = rl.tensor([True, False, True, True])
    bad = x.masked_fill(~mask.unsqueeze(1), BAD).requires_grad_()
    output, loss = model(bad, target.masked_fill(~mask, 99), mask=mask)
    few = model(x[mask], target[mask])
    assert rl.allclose(output[mask], few.output) and output[1] == 0
    assert rl.allclose(loss, few.loss)
    loss.backward()
    assert (bad.grad[1] == 0).all() and model.head.weight.grad.isfinite().all()
