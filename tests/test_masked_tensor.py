"""Tensors that carry their mask: printing, functions, reductions, gradients, refusals."""

from __future__ import annotations

from typing import Any

import pytest

import rushlight as rl
from rushlight.masked import as_masked_tensor, is_masked_tensor, masked_tensor

DATA = rl.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
MASK = rl.tensor([[True, False, True], [False, False, True]])


@pytest.fixture
def x() -> Any:
    return masked_tensor(DATA, MASK)


def test_it_prints_as_torchs(x: Any) -> None:
    assert repr(x) == ("MaskedTensor(\n  [\n    [  1.0000,       --,   3.0000],\n"
                       "    [      --,       --,   6.0000]\n  ]\n)")
    assert repr(x[0, 1]) == "MaskedTensor(--, False)"
    assert repr(masked_tensor(rl.arange(2), rl.tensor([False, True]))) \
        == "MaskedTensor(\n  [      --, 1]\n)"


@pytest.mark.parametrize(("reduce", "data", "mask"), [
    (lambda x: x.sum(), 10.0, True), (lambda x: x.sum(0), [1.0, 0.0, 9.0], [True, False, True]),
    (lambda x: x.mean(1), [2.0, 6.0], [True, True]), (lambda x: x.amax(), 6.0, True),
    (lambda x: rl.prod(x), 18.0, True), (lambda x: x.argmax(1), [2.0, 2.0], [True, True]),
    (lambda x: x.var(1)[0], 2.0, True),
])
def test_reductions_leave_out_what_is_absent(x: Any, reduce: Any, data: Any, mask: Any) -> None:
    result = reduce(x)
    assert result.to_tensor(0).tolist() == data and result.get_mask().tolist() == mask


def test_functions_keep_the_mask(x: Any) -> None:
    for result in (x + 1, 1 + x, rl.cos(x), x * x, x / DATA, x.exp(), x > 2, -x, x ** 2):
        assert is_masked_tensor(result) and result.get_mask().equal(MASK)
    assert (x * x).to_tensor(0).tolist() == [[1.0, 0.0, 9.0], [0.0, 0.0, 36.0]]
    assert x.T.shape == (3, 2) and x.view(6).get_mask().equal(MASK.view(6))
    assert rl.stack([x, x]).shape == (2, 2, 3)
    other = rl.where(MASK, x, masked_tensor(-DATA, ~MASK))
    assert other.get_mask().all() and other.get_data()[0].tolist() == [1.0, -2.0, 3.0]


def test_gradients_reach_what_counts_only() -> None:
    leaf = masked_tensor(DATA, MASK, requires_grad=True)
    (leaf * 2).sum().backward()
    assert leaf.grad.to_tensor(0).tolist() == (2.0 * MASK).tolist()
    inside = DATA.clone().requires_grad_()
    as_masked_tensor(inside * 3, MASK).sum().backward()
    assert inside.grad.tolist() == (3.0 * MASK).tolist()


def test_refusals_say_what_to_do(x: Any) -> None:
    with pytest.raises(ValueError, match="Input masks must match"):
        x + masked_tensor(DATA, ~MASK)
    with pytest.raises(TypeError, match="cumsum is not defined for a MaskedTensor"):
        x.cumsum(0)
    with pytest.raises(TypeError, match="mask must have dtype bool"):
        masked_tensor(DATA, MASK.int())
    with pytest.raises(ValueError, match=r"data\.dim\(\) must equal mask\.dim\(\)"):
        masked_tensor(DATA, MASK[0])
