"""Scaled dot-product attention against torch's: masks, shared heads, gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rushlight as rl

torch = pytest.importorskip("torch")

SHAPES = [
    ((2, 4, 33, 16), (2, 4, 33, 16), (2, 4, 33, 16)),
    ((2, 6, 20, 24), (2, 2, 70, 24), (2, 2, 70, 10)),
    ((3, 17, 8), (3, 40, 8), (3, 40, 8)),
    ((1, 1, 1, 5), (1, 1, 9, 5), (1, 1, 9, 5)),
]


def compare(make: Any, dtype: str, tolerance: float) -> None:
    """`make(library, values)` gives the output and what to differentiate by."""
    results = []
    for library in (rl, torch):
        random = np.random.default_rng(0)

        def values(*shape: int, library: Any = library, random: Any = random) -> Any:
            return library.from_numpy(random.standard_normal(shape).astype(dtype))

        output, inputs = make(library, values)
        gradients = library.autograd.grad(output.sin().sum(), inputs)
        results.append([output, *gradients])
    for found, expected in zip(*results, strict=True):
        np.testing.assert_allclose(
            found.detach().numpy(), expected.detach().numpy(), rtol=tolerance, atol=tolerance
        )


@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-5), ("float64", 1e-11)])
@pytest.mark.parametrize("options", [{}, {"is_causal": True}, {"scale": 0.7}], ids=str)
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_attention(shapes: tuple, options: dict, dtype: str, tolerance: float) -> None:
    def make(library: Any, values: Any) -> Any:
        inputs = [values(*shape).requires_grad_() for shape in shapes]
        shared = shapes[0][-3] != shapes[1][-3]
        attend = library.nn.functional.scaled_dot_product_attention
        return attend(*inputs, enable_gqa=shared, **options), inputs

    compare(make, dtype, tolerance)


@pytest.mark.parametrize("kind", ["bool", "added", "hidden row", "learnt", "with causal"])
def test_masks(kind: str) -> None:
    def make(library: Any, values: Any) -> Any:
        inputs = [values(2, 3, n, 8).requires_grad_() for n in (10, 12, 12)]
        mask = values(2, 1, 10, 12)
        if kind in ("bool", "hidden row"):
            mask = mask > 0
        if kind == "hidden row":
            mask[0, 0, 4] = False
        if kind == "learnt":
            inputs.append(mask.requires_grad_())
        attend = library.nn.functional.scaled_dot_product_attention
        return attend(*inputs[:3], mask, is_causal=kind == "with causal"), inputs

    compare(make, "float64", 1e-10)


def test_second_derivatives() -> None:
    results = []
    for library in (rl, torch):
        q, k, v = (library.from_numpy(np.random.default_rng(i).standard_normal((1, 2, 5, 4)))
                   for i in range(3))
        q.requires_grad_()
        attend = library.nn.functional.scaled_dot_product_attention
        if library is torch:  # torch's blocked form has no second derivative
            with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
                out = attend(q, k, v, is_causal=True)
        else:
            out = attend(q, k, v, is_causal=True)
        (first,) = library.autograd.grad(out.square().sum(), q, create_graph=True)
        (second,) = library.autograd.grad(first.square().sum(), q)
        results.append([first.detach().numpy(), second.detach().numpy()])
    for found, expected in zip(*results, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)
