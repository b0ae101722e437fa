"""vmap of every declared op against a loop."""

from __future__ import annotations

from typing import Any

import pytest

import rushlight as rl
from rushlight import Tensor
from rushlight.transforms.batching import OTHER_MEMORY

from .samples import DRAWING, TESTED, UNSPECIFIED, Sample, cases, flat
from .test_gradients import CONVENTIONS, differentiable

LANES = 3
LEFT = {
    *DRAWING, *UNSPECIFIED,
    "embedding_bag",  # leaves memory undefined
    *OTHER_MEMORY, "detach_",  # refused
    "as_strided", "as_strided_copy",  # an offset counts from where a lane begins, not its memory
}


def lanes_of(sample: Sample) -> tuple[Any, list[Tensor]]:
    """The sample as a function of its floating point tensors, and lanes of these."""
    given = [t for t in sample.tensors() if t.is_floating_point() or t.is_complex()]
    lanes = [rl.stack([t * (1 + 0.05 * i) for i in range(LANES)]) for t in given]

    def function(*tensors: Tensor) -> list[Any]:
        rest = iter(tensors)
        own = sample.map(lambda t: next(rest) if t.is_floating_point() or t.is_complex() else t)
        return flat(own.run())

    return function, lanes


def check(function: Any, lanes: list[Tensor], in_dims: tuple[Any, ...]) -> None:
    try:
        expected = [function(*(x if d is None else x[i] for x, d in zip(lanes, in_dims)))
                    for i in range(LANES)]
    except Exception as error:
        pytest.skip(f"not defined there: {error}")
    if not all(isinstance(y, Tensor) for row in expected for y in row):
        pytest.skip("no tensors come out")
    if any(len({tuple(y.shape) for y in column}) > 1 for column in zip(*expected)):
        pytest.skip("shapes depend on values")
    try:
        found = rl.vmap(function, in_dims)(*lanes)
    except RuntimeError as error:
        if "every lane would write to the same" not in str(error):
            raise
        return  # as it must: the target has no lanes
    for y, column in zip(found, zip(*expected, strict=True), strict=True):
        whole = rl.stack(column)
        assert (y.shape, y.dtype) == (whole.shape, whole.dtype)
        assert rl.allclose(y, whole, rtol=1e-6, atol=1e-8, equal_nan=True)


@pytest.mark.parametrize("sample", cases([d for d in TESTED if d.name not in LEFT]))
def test_vmap_is_a_loop(sample: Sample) -> None:
    function, lanes = lanes_of(sample)
    if not lanes:
        pytest.skip("no floating point tensors go in")
    check(function, lanes, (0,) * len(lanes))


@pytest.mark.parametrize("sample", cases([d for d in TESTED if d.name not in LEFT]))
def test_one_of_several_operands_batched(sample: Sample) -> None:
    function, lanes = lanes_of(sample)
    if len(lanes) < 2:
        pytest.skip("one operand")
    for i in range(len(lanes)):
        own = [x if i == j else x[0] for j, x in enumerate(lanes)]
        check(function, own, tuple(0 if i == j else None for j in range(len(lanes))))



@pytest.mark.parametrize("sample", cases([d for d in TESTED if d.name not in LEFT]))
def test_vmap_of_vmap_is_vmap_of_a_loop(sample: Sample) -> None:
    function, lanes = lanes_of(sample)
    if not lanes:
        pytest.skip("no floating point tensors go in")
    twice = [rl.stack([x, x * 1.02]) for x in lanes]
    try:
        expected = [rl.vmap(function)(*(x[i] for x in twice)) for i in range(2)]
    except Exception as error:
        pytest.skip(f"not defined there: {error}")
    found = rl.vmap(rl.vmap(function))(*twice)
    turned = rl.vmap(rl.vmap(function), in_dims=1, out_dims=1)(*twice)
    for y, z, column in zip(found, turned, zip(*expected, strict=True), strict=True):
        whole = rl.stack(column)
        assert rl.allclose(y, whole, rtol=1e-6, atol=1e-8, equal_nan=True)
        assert rl.allclose(z, whole, rtol=1e-6, atol=1e-8, equal_nan=True)


def total(outputs: list[Any]) -> Tensor | None:
    """One number that every smooth output has a share in."""
    parts = [rl.view_as_real(y) if y.is_complex() else y for y in outputs
             if isinstance(y, Tensor) and (y.is_floating_point() or y.is_complex())]
    parts = [(y * rl.arange(1.0, y.numel() + 1).reshape(y.shape)).sum() for y in parts]
    return sum(parts, rl.zeros((), dtype=rl.float64)) if parts else None


SMOOTH = [d for d in TESTED if d.name not in LEFT and d.name not in CONVENTIONS]


@pytest.mark.parametrize("sample", cases(SMOOTH))
def test_gradients_of_lanes_are_those_of_a_loop(sample: Sample) -> None:
    if not differentiable(sample):
        pytest.skip("nothing here requires grad")
    function, lanes = lanes_of(sample)
    places = tuple(range(len(lanes)))

    def loss(*tensors: Tensor) -> Any:
        return total(function(*tensors))

    gradient = rl.func.grad(loss, argnums=places)
    try:
        expected = [rl.stack(column) for column in
                    zip(*(gradient(*(x[i] for x in lanes)) for i in range(LANES)), strict=True)]
        plain = [function(*(x[i] for x in lanes)) for i in range(LANES)]
    except Exception as error:
        pytest.skip(f"not defined there: {error}")
    if any(len({tuple(y.shape) for y in column}) > 1 for column in zip(*plain)):
        pytest.skip("shapes depend on values")
    inside = rl.vmap(gradient)(*lanes)
    outside = rl.func.grad(lambda *xs: rl.vmap(loss)(*xs).sum(), argnums=places)(*lanes)
    for own, other, whole in zip(inside, outside, expected, strict=True):
        assert rl.allclose(own, whole, rtol=1e-6, atol=1e-8, equal_nan=True)
        assert rl.allclose(other, whole, rtol=1e-6, atol=1e-8, equal_nan=True)


@pytest.mark.parametrize("sample", cases(SMOOTH))
def test_tangents_of_lanes_are_those_of_a_loop(sample: Sample) -> None:
    if not differentiable(sample):
        pytest.skip("nothing here requires grad")
    function, lanes = lanes_of(sample)
    tangents = [rl.cos(7 * x) for x in lanes]

    def loss(*tensors: Tensor) -> Any:
        return total(function(*tensors))

    def along(*both: Tensor) -> Tensor:
        return rl.func.jvp(loss, both[:len(lanes)], both[len(lanes):])[1]

    try:
        expected = rl.stack([along(*(x[i] for x in [*lanes, *tangents])) for i in range(LANES)])
        plain = [function(*(x[i] for x in lanes)) for i in range(LANES)]
    except Exception as error:
        pytest.skip(f"not defined there: {error}")
    if any(len({tuple(y.shape) for y in column}) > 1 for column in zip(*plain)):
        pytest.skip("shapes depend on values")
    inside = rl.vmap(along)(*lanes, *tangents)
    outside = rl.func.jvp(rl.vmap(loss), tuple(lanes), tuple(tangents))[1]
    assert rl.allclose(inside, expected, rtol=1e-6, atol=1e-8, equal_nan=True)
    assert rl.allclose(outside, expected, rtol=1e-6, atol=1e-8, equal_nan=True)
