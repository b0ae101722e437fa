"""Forward mode of every declared op against reverse mode: u . (J t) and (u J) . t agree."""

from __future__ import annotations

from typing import Any

import pytest

import rushlight as rl
from rushlight import Tensor

from .samples import DRAWING, TESTED, Sample, cases
from .test_gradients import ANALYTIC, REFUSALS, complex_sample, differentiable, prepared

# Draw inside, or have gradients that are no derivatives: nothing to compare.
LEFT = DRAWING | {"set_"}


def inner(one: list[Tensor], other: list[Tensor]) -> float:
    return sum(float((a * b).sum()) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("sample", cases([d for d in TESTED if d.name not in LEFT]))
def test_forward_is_the_transpose_of_reverse(sample: Sample) -> None:
    if not differentiable(sample):
        pytest.skip("nothing here requires grad")
    function, leaves = prepared(sample)
    random = rl.Generator().manual_seed(0)

    def like(x: Tensor) -> Tensor:
        return rl.randn(x.shape, dtype=rl.float64, generator=random)

    points = tuple(x.detach() for x in leaves)
    if any(x.is_complex() for x in points):
        pytest.skip("complex tensors have a test of their own")
    tangents = tuple(map(like, points))
    try:
        outputs, along = rl.func.jvp(lambda *xs: real(function(*xs)), points, tangents)
    except RuntimeError as error:
        if not any(reason in str(error) for reason in REFUSALS):
            raise
        pytest.skip(str(error))
    seeds = list(map(like, outputs))
    _, pull = rl.func.vjp(lambda *xs: real(function(*xs)), *points)
    back = pull(seeds)
    expected = inner(list(back), list(tangents))
    assert inner(along, seeds) == pytest.approx(expected, rel=1e-7, abs=1e-8)


def real(outputs: list[Any]) -> list[Tensor]:
    return [rl.view_as_real(y) if y.is_complex() else y for y in outputs]


@pytest.mark.parametrize("sample", cases(ANALYTIC))
def test_forward_of_complex_numbers(sample: Sample) -> None:
    """Re(conj(u) . J t) is Re(conj(u J) . t), as gradients are conjugate in torch's convention."""
    if not differentiable(sample):
        pytest.skip("nothing here requires grad")
    function, leaves = prepared(complex_sample(sample))
    points = tuple(x.detach() for x in leaves)
    tangents = tuple(rl.cos(3 * x.real) + x * 0.5j for x in points)
    outputs, along = rl.func.jvp(lambda *xs: function(*xs), points, tangents)
    seeds = [rl.sin(2 * y.real) + (y * 0.25j if y.is_complex() else 0) for y in outputs]
    seeds = [u.to(y.dtype) for u, y in zip(seeds, outputs, strict=True)]
    back = rl.func.vjp(lambda *xs: function(*xs), *points)[1](seeds)

    def product(one: Any, other: Any) -> float:
        return sum(float((a.conj() * b).sum().real) for a, b in zip(one, other, strict=True))

    assert product(seeds, along) == pytest.approx(product(back, tangents), rel=1e-7, abs=1e-8)
