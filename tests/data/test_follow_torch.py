"""torch's rule for random numbers of samples; the figures are torch 2.13's for these programs."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest

import rushlight as rl
from rushlight.utils.data import DataLoader, Dataset, IterableDataset, follow_torch


def drawn() -> float:
    """A number to which all three streams contribute."""
    return rl.rand(()).item() + np.random.rand() * 10 + random.random() * 100


class Indexed(Dataset[float]):
    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> float:
        return index + drawn()


class Following(IterableDataset[float]):
    def __iter__(self) -> Iterator[float]:
        return (index + drawn() for index in range(3))


@pytest.mark.parametrize(("workers", "persistent", "indexed", "following", "after"), [
    (0, False, [17.6359, 93.7465, 80.7757, 32.2846, 53.5806, 51.3113, 70.4854, 87.7829, 13.9261,
                10.7209, 89.7055, 54.7845], [78.6887, 10.2761, 47.1524], 0.5239),
    (2, False, [53.2797, 40.8198, 67.8306, 43.6276, 82.9633, 91.4006, 93.5536, 72.2466, 43.1011,
                47.652, 11.7922, 36.1193],
     [16.139, 82.2517, 50.737, 30.1054, 20.0394, 101.3081], 0.6387),
    (2, True, [53.2797, 40.8198, 67.8306, 43.6276, 82.9633, 91.4006, 73.9626, 103.2583, 31.6501,
               7.3242, 11.9208, 105.5768],
     [12.9606, 46.2943, 30.9146, 12.2522, 50.1096, 52.9861], 0.5695),
])
def test_samples_draw_what_they_draw_in_torch(
    workers: int, persistent: bool, indexed: list[float], following: list[float], after: float,
) -> None:
    follow_torch(True)
    try:
        rl.manual_seed(1)
        np.random.seed(1)
        random.seed(1)
        loader = DataLoader(Indexed(), 2, shuffle=True, num_workers=workers,
                            persistent_workers=persistent)
        assert [round(x, 4) for _ in range(2) for batch in loader
                for x in batch.tolist()] == indexed
        loader = DataLoader(Following(), 2, num_workers=workers)
        assert [round(x, 4) for batch in loader for x in batch.tolist()] == following
        assert round(rl.rand(()).item(), 4) == after
    finally:
        follow_torch(False)
