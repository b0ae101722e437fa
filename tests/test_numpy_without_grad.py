"""Parameters as NumPy arrays inside no_grad."""

from __future__ import annotations

import numpy as np
import pytest

import rushlight as rl
from rushlight import nn


def test_no_grad_gives_the_memory_of_a_parameter() -> None:
    p = nn.Parameter(rl.ones(2))
    with rl.no_grad():
        array = p.numpy()
        assert np.asarray(p).tolist() == [1.0, 1.0]
    array[0] = 3.0
    assert p.tolist() == [3.0, 1.0]
    with pytest.raises(RuntimeError, match=r"Can't call numpy\(\) on Tensor that requires grad"):
        p.numpy()
