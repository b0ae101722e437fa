"""Places of affine_grid, to the bit: sampling's gradient jumps where they round the other way."""

from __future__ import annotations

import pytest

import rushlight as rl

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("length", [1, 2, 7, 28, 31, 64, 225])
@pytest.mark.parametrize("aligned", [False, True])
def test_the_identity_is_torchs_to_the_bit(length: int, aligned: bool) -> None:
    size = (1, 1, length, length)
    ours = rl.nn.functional.affine_grid(rl.eye(2, 3)[None], size, align_corners=aligned)
    theirs = torch.nn.functional.affine_grid(torch.eye(2, 3)[None], list(size),
                                             align_corners=aligned)
    assert ours.tolist() == theirs.tolist()
