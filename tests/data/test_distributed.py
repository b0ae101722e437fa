"""DistributedSampler: shares of equal length, together all of the data, in torch's order."""

from __future__ import annotations

import pytest

from rushlight.utils.data import DataLoader, DistributedSampler


def test_shares() -> None:
    for drop_last, length in ((False, 4), (True, 3)):
        shares = [list(DistributedSampler(range(10), 3, rank, drop_last=drop_last, seed=1))
                  for rank in range(3)]
        assert [len(share) for share in shares] == [length] * 3
        seen = [i for share in shares for i in share]
        assert len(set(seen)) == (9 if drop_last else 10)


def test_the_order_is_torchs() -> None:
    sampler = DistributedSampler(range(10), num_replicas=3, rank=1, seed=2)
    assert list(sampler) == ORDERS[0]
    sampler.set_epoch(1)
    assert list(sampler) == ORDERS[1] and len(sampler) == 4
    assert list(DistributedSampler(range(2), 5, 3)) == ORDERS[2]


def test_in_a_loader() -> None:
    loader = DataLoader(range(6), 2, sampler=DistributedSampler(range(6), 2, 1, shuffle=False))
    assert [batch.tolist() for batch in loader] == [[1, 3], [5]]
    assert list(DistributedSampler(range(3), shuffle=False)) == [0, 1, 2]


def test_ranks() -> None:
    with pytest.raises(ValueError, match=r"Invalid rank 3, rank should be in .* \[0, 2\]"):
        DistributedSampler(range(3), 3, 3)


# What torch 2.13 gives.
ORDERS = [[7, 6, 4, 8], [0, 8, 9, 6], [1]]
