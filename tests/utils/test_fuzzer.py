"""Tensors of drawn shapes: limits, layouts, seeds, what cannot be drawn."""

from __future__ import annotations

from typing import Any

import pytest

from rushlight.utils.benchmark import FuzzedParameter, FuzzedTensor, Fuzzer, ParameterAlias


def fuzzer(**options: Any) -> Fuzzer:
    return Fuzzer(
        [[FuzzedParameter(name, 1, 100, kind) for name, kind in (("a", "loguniform"),
                                                                  ("b", "uniform"))],
         FuzzedParameter("step", distribution={1: 0.5, ParameterAlias("two"): 0.5}),
         FuzzedParameter("two", distribution={2: 1.0})],
        [FuzzedTensor("x", ("a", "b"), steps=("step", 1), min_elements=16, max_elements=2000)],
        **options)


def test_samples_keep_to_their_limits_and_lie_as_they_say() -> None:
    seen = set()
    for tensors, lies, drawn in fuzzer(seed=1).take(30):
        x, lie = tensors["x"], lies["x"]
        assert tuple(x.shape) == (drawn["a"], drawn["b"]) and 16 <= x.numel() <= 2000
        assert lie["is_contiguous"] == x.is_contiguous() and lie["steps"] == (drawn["step"], 1)
        seen.add((drawn["step"], tuple(lie["order"].tolist())))
    assert seen == {(step, order) for step in (1, 2) for order in ((0, 1), (1, 0))}


def test_a_seed_gives_the_same_parameters() -> None:
    first, again = ([drawn for _, _, drawn in fuzzer(seed=3).take(5)] for _ in range(2))
    assert first == again


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(ValueError, match="Failed to generate a set of valid parameters"):
        next(fuzzer(seed=0, constraints=[lambda a, b, **_: a > 1000]).take(1))
    with pytest.raises(ValueError, match="not normalized"):
        FuzzedParameter("p", distribution={1: 0.5})
    with pytest.raises(ValueError, match="names of parameters and tensors must differ"):
        Fuzzer([FuzzedParameter("a", 1, 2, "uniform")], [FuzzedTensor("a", (2,))])


def test_a_seed_gives_torchs_shapes_and_numbers() -> None:
    sizes = [FuzzedParameter("k0", 1, 10000, "loguniform"),
             FuzzedParameter("k1", 1, 10000, "uniform")]
    tensor = FuzzedTensor("x", ("k0", "k1"), min_elements=128, max_elements=100000,
                          probability_contiguous=0.6)
    found = [(tuple(one["x"].stride()), one["x"].double().sum().item(), drawn)
             for one, _, drawn in Fuzzer(sizes, [tensor], seed=0).take(2)]
    assert found[0][0] == (1, 12) and found[0][2] == {"k0": 12, "k1": 706}
    assert found[1][0] == (2164, 1) and found[1][2] == {"k0": 2, "k1": 2164}
    # Recorded with torch 2.13: the numbers of the tensors are the seed's as well.
    assert [total for _, total, _ in found] == pytest.approx([4274.475573480129,
                                                             2183.057459652424], rel=1e-12)
