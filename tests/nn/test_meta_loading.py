"""Loading into a module whose parameters have no memory yet."""

from __future__ import annotations

import warnings

import pytest

import rushlight as rl
from rushlight import nn


def test_copying_into_meta_parameters_warns_and_assigning_does_not() -> None:
    state = nn.Linear(2, 3).state_dict()
    with rl.device("meta"):
        empty = nn.Linear(2, 3)
    with pytest.warns(UserWarning, match="for weight: copying from a non-meta parameter"):
        empty.load_state_dict(state)
    assert empty.weight.is_meta
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        empty.load_state_dict(state, assign=True)
    assert empty.weight.equal(state["weight"])
