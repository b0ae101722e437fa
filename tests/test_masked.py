"""Masked reductions: what a loop over the selected elements gives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight import masked
from rushlight.autograd import gradcheck

RNG = np.random.default_rng(0)
X = RNG.standard_normal((4, 5))
MASK = RNG.random((4, 5)) > 0.4
MASK[2] = False  # a row without any element


def by_rows(function: Any) -> list[float]:
    return [function(row[keep]) for row, keep in zip(X, MASK, strict=True)]


CASES = {
    "sum": (np.sum, 0.0), "prod": (np.prod, 1.0), "amax": (np.max, -math.inf),
    "amin": (np.min, math.inf), "mean": (np.mean, math.nan),
    "median": (lambda x: np.sort(x)[(len(x) - 1) // 2], math.nan),
    "norm": (np.linalg.norm, 0.0), "var": (lambda x: np.var(x, ddof=1), math.nan),
    "std": (lambda x: np.std(x, ddof=1), math.nan),
    "logsumexp": (lambda x: np.log(np.exp(x).sum()), -math.inf),
}


@pytest.mark.parametrize("name", CASES)
def test_reductions_are_those_of_the_selected_elements(name: str) -> None:
    function, empty = CASES[name]
    options = {"ord": 2.0, "dim": 1} if name == "norm" else {"dim": 1}
    x, mask = rl.tensor(X), rl.tensor(MASK)
    found = getattr(masked, name)(x, mask=mask, **options)
    expected = [function(row[keep]) if keep.any() else empty
                for row, keep in zip(X, MASK, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    kept = getattr(masked, name)(x, mask=mask, keepdim=True, **options)
    assert kept.shape == (4, 1)


def test_masks_broadcast_and_may_be_left_out() -> None:
    x = rl.tensor(X)
    assert rl.allclose(masked.sum(x), x.sum()) and rl.allclose(masked.mean(x, (0, 1)), x.mean())
    columns = rl.tensor([True, False, True, False, False])
    assert rl.allclose(masked.sum(x, 1, mask=columns), x[:, 0] + x[:, 2])
    assert masked.sum(rl.ones(3, dtype=rl.int8)).dtype is rl.int64
    with pytest.raises(ValueError, match="Could not infer output dtype"):
        masked.mean(rl.ones(3, dtype=rl.int64))
    with pytest.raises(NotImplementedError, match=r"identity of amax on torch.bool input"):
        masked.amax(rl.ones(2, dtype=rl.bool), mask=rl.ones(2, dtype=rl.bool))


def test_weights_places_and_running_results() -> None:
    x, mask = rl.tensor(X[0]), rl.tensor(MASK[0])
    weights = masked.softmax(x, 0, mask=mask)
    assert rl.allclose(weights[mask], x[mask].softmax(0)) and not weights[~mask].any()
    assert rl.allclose(masked.log_softmax(x, 0, mask=mask)[mask], x[mask].log_softmax(0))
    assert rl.allclose(masked.softmin(x, 0, mask=mask)[mask], (-x[mask]).softmax(0))
    place = int(masked.argmax(x, 0, mask=mask))
    assert x[place] == x[mask].max()
    assert rl.allclose(masked.cumsum(x, 0, mask=mask), (x * mask).cumsum(0))
    assert rl.allclose(masked.cumprod(x, 0, mask=mask), rl.where(mask, x, 1).cumprod(0))
    unit = masked.normalize(x, 2.0, 0, mask=mask)
    assert rl.allclose(unit.norm(), rl.tensor(1.0, dtype=rl.float64)) and not unit[~mask].any()
    both = masked.logaddexp(x, x, input_mask=mask, other_mask=~mask)
    assert rl.allclose(both, x)


@pytest.mark.parametrize("name", ["sum", "prod", "mean", "var", "std", "amax", "logsumexp"])
def test_gradients_go_to_the_selected_elements(name: str) -> None:
    x, mask = rl.tensor(X[:2], requires_grad=True), rl.tensor(MASK[:2])
    assert gradcheck(lambda x: getattr(masked, name)(x, 1, mask=mask), x)
    getattr(masked, name)(x, mask=mask).backward()
    assert not x.grad[~mask].any()
