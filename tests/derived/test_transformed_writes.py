"""In-place forms under vmap and forward mode against loops and the forms that copy."""

from __future__ import annotations

from typing import Any

import pytest

import rushlight as rl
from rushlight import Tensor
from rushlight.families.declaration import FUNCTIONS
from rushlight.transforms.geometry import GEOMETRY

from .samples import EVERY, TESTED, Sample, samples_of

LANES = 3


def writing_samples() -> list[Any]:
    """Samples of ops whose method of the same name and an underscore can be called on them."""
    found = []
    for declaration in TESTED:
        names = [p.rpartition(".")[2] for p in declaration.paths
                 if p.startswith("Tensor.") and p.endswith("_") and not p.endswith("__")]
        copying = [n for n in names if f"Tensor.{n[:-1]}" in FUNCTIONS]
        for i, sample in enumerate(samples_of(declaration) if copying else []):
            marks = () if len(found) % EVERY == 0 else (pytest.mark.slow,)
            found.append(pytest.param(sample, copying[0], id=f"{copying[0]}{i}", marks=marks))
    return found


def called(name: str, sample: Sample, *tensors: Tensor) -> Tensor:
    """`x.name(...)` on the sample with other tensors."""
    rest = iter(tensors)
    own = sample.map(lambda t: next(rest) if t.is_floating_point() else t)
    first, *others = own.args
    return getattr(first, name)(*others, **own.options)


@pytest.mark.parametrize(("sample", "name"), writing_samples())
def test_writes(sample: Sample, name: str) -> None:
    given = [t for t in sample.tensors() if t.is_floating_point()]
    try:
        called(name, sample, *(t.clone() for t in given))
    except Exception as error:
        pytest.skip(f"not defined there: {error}")
    if not given or given[0] is not sample.args[0]:
        pytest.skip("no floating point tensor is written to")
    lanes = [rl.stack([t * (1 + 0.05 * i) for i in range(LANES)]) for t in given]

    def write(first: Tensor, *others: Tensor) -> Tensor:
        target = first.clone()
        result = called(name, sample, target, *others)
        assert result is target
        return target

    expected = rl.stack([write(*(x[i] for x in lanes)) for i in range(LANES)])
    assert rl.allclose(rl.vmap(write)(*lanes), expected, equal_nan=True)
    if name in GEOMETRY:  # of a lane; the tensor outside keeps its own
        return
    kept = [x.clone() for x in lanes]
    rl.vmap(lambda *xs: called(name, sample, *xs))(*kept)
    assert rl.allclose(kept[0], expected, equal_nan=True)
    if not expected.is_floating_point():
        return
    tangents = [rl.cos(5 * t) for t in given]
    copying = lambda *xs: called(name[:-1], sample, *xs)  # noqa: E731
    try:
        value, along = rl.func.jvp(copying, tuple(given), tuple(tangents))
    except RuntimeError as error:
        if "is not implemented" not in str(error):
            raise
        pytest.skip(str(error))
    own_value, own = rl.func.jvp(write, tuple(given), tuple(tangents))
    if not value.is_floating_point():  # written as numbers, which do not change smoothly
        assert not own.any()
        return
    assert rl.allclose(own_value, value, equal_nan=True)
    assert rl.allclose(own, along, equal_nan=True)
