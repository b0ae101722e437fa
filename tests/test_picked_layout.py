"""How what an index gives lies in memory: as programs that go on with `view` expect it."""

from __future__ import annotations

import numpy as np
import pytest

import rushlight as rl

PICKS = [(slice(None), [0, 1]), (..., [0, 1]), (0, slice(1, None), [0, 1]),
         (slice(None), slice(None), [[0, 1], [1, 2]]), (slice(None), [0, 1], [2, 0]),
         ([1, 0], slice(None), [2, 0]), (slice(None), [True, False, True, False]),
         (slice(None), slice(None), None, [True] * 6)]


@pytest.mark.parametrize("index", PICKS, ids=str)
def test_what_is_picked_lies_row_by_row(index: tuple) -> None:
    """So that `x[:, places].view(-1)` works."""
    x = np.arange(96).reshape(4, 4, 6)
    found = rl.tensor(x)[index]
    assert found.is_contiguous()
    if not isinstance(index[0], int):
        np.testing.assert_array_equal(found.view(-1).numpy(), x[index].ravel())


def test_what_is_picked_of_a_turned_tensor_keeps_its_order() -> None:
    x = rl.arange(96).reshape(4, 4, 6).permute(2, 1, 0)  # (6, 4, 4)
    places = rl.tensor([0, 1])
    assert x[:, :, places].stride() == (2, 12, 1)
    assert x[:, 0][:, places].stride() == (2, 1)
    assert rl.equal(x[:, :, places], x.contiguous()[:, :, places])


def test_new_dimensions_have_the_strides_of_unsqueeze() -> None:
    x = rl.zeros(3, 4)
    assert x.unsqueeze(0).stride() == x[None].stride() == (12, 4, 1)
    assert x[:, None].stride() == (4, 4, 1) and x[..., None].stride() == (4, 1, 1)
    assert x.t()[None].stride() == (4, 1, 4) and rl.zeros(())[None, None].stride() == (1, 1)
