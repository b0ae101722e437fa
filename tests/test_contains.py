"""`in` on tensors: whether any element equals a number."""

from __future__ import annotations

from typing import Any

import pytest

import rushlight as rl


def test_in_looks_at_all_elements() -> None:
    x = rl.arange(6).view(3, 2)
    assert 3 in x and 9 not in x
    assert rl.tensor(4) in x and rl.tensor([0, 5]) in x
    assert 1.5 in rl.tensor(1.5) and True in rl.tensor([False, True])
    assert 0 not in rl.empty(0)


@pytest.mark.parametrize("what", [None, "a", [1]])
def test_in_takes_numbers_and_tensors_only(what: Any) -> None:
    with pytest.raises(RuntimeError, match="__contains__ only supports Tensor or scalar, but you"):
        what in rl.ones(2)  # noqa: B015
