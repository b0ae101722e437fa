"""Composite functions of nn.functional against torch's: values, gradients, kinds of error."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pytest

import rushlight as rl

torch = pytest.importorskip("torch")

G = np.random.default_rng(1)


def normal(*shape: int) -> np.ndarray:
    return G.standard_normal(shape).astype(np.float32)


def log_softmax(x: np.ndarray) -> np.ndarray:
    return (x - np.log(np.exp(x).sum(-1, keepdims=True))).astype(np.float32)


def cases_of_pad() -> list[tuple]:
    shapes = [
        ((2, 3, 5), (2, 1)),
        ((2, 3, 5), (-1, 2)),
        ((3, 5), (1, 1)),
        ((2, 3, 4, 5), (1, 2, 0, 3)),
        ((2, 3, 4, 5), (-1, -1, 2, -2)),
        ((1, 2, 3, 4, 5), (1, 2, 2, 1, 1, 0)),
        ((5,), (1, 1)),
        ((2, 3, 5), (6, 0)),
        ((2, 3, 5), (1,)),
        ((2, 3, 5), (-6, 0)),
    ]
    modes = ("constant", "reflect", "replicate", "circular")
    cases = [("pad", [normal(*s), p, m], {}) for m in modes for s, p in shapes]
    return [*cases, ("pad", [normal(2, 3), (1, 1)], {"value": 3.5}), ("pad", [normal(3), (1,)], {})]


def cases_of_interpolate() -> list[tuple]:
    sizes: list[dict] = [
        {"size": 3},
        {"size": 11},
        {"scale_factor": 1.7},
        {"scale_factor": 0.6},
        {"scale_factor": 1.7, "recompute_scale_factor": True},
        {"size": 3, "scale_factor": 2},
        {},
        {"size": 0},
    ]
    cases = []
    for mode, shape in (
        ("nearest", (2, 3, 7)),
        ("nearest-exact", (2, 3, 5, 4)),
        ("linear", (2, 3, 7)),
        ("bilinear", (2, 3, 5, 4)),
        ("bicubic", (2, 3, 5, 4)),
        ("trilinear", (1, 2, 3, 4, 5)),
        ("area", (2, 3, 5, 4)),
        ("bilinear", (2, 3, 7)),
        ("x", (2, 3, 7)),
    ):
        for options, corners in itertools.product(sizes, (None, True)):
            given = {**options, "mode": mode, "align_corners": corners}
            cases.append(("interpolate", [normal(*shape)], given))
            if mode in ("bilinear", "bicubic"):
                cases.append(("interpolate", [normal(*shape)], {**given, "antialias": True}))
    return cases


def cases_of_grids() -> list[tuple]:
    cases = []
    for mode, outside, corners in itertools.product(
        ("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection"), (True, False)
    ):
        options = {"mode": mode, "padding_mode": outside, "align_corners": corners}
        cases.append(("grid_sample", [normal(2, 3, 4, 5), normal(2, 3, 2, 2) * 1.5], options))
        if mode != "bicubic":
            volume = [normal(2, 3, 4, 5, 3), normal(2, 3, 2, 4, 3)]
            cases.append(("grid_sample", volume, options))
    cases += [("grid_sample", [normal(1, 2, 2, 2), normal(1, 2, 2, 3)], {})]
    cases += [("affine_grid", [normal(2, 2, 3), (2, 3, 4, 5), c], {}) for c in (True, False)]
    cases += [("affine_grid", [normal(2, 3, 4), (2, 3, 4, 5, 1), c], {}) for c in (True, False)]
    return [*cases, ("affine_grid", [normal(2, 2, 3), (2, 3, 4)], {})]


def cases_of_windows() -> list[tuple]:
    cases = []
    for options in ({}, {"dilation": 2}, {"padding": 1}, {"padding": (1, 0), "stride": (1, 2)}):
        blocks = torch.nn.functional.unfold(torch.zeros(1, 1, 5, 6), (2, 3), **options).shape[2]
        cases.append(("unfold", [normal(2, 3, 5, 6), (2, 3)], options))
        cases.append(("unfold", [normal(3, 5, 6), 2], options))
        cases.append(("fold", [normal(2, 18, blocks), (5, 6), (2, 3)], options))
        cases.append(("fold", [normal(2, 18, blocks + 1), (5, 6), (2, 3)], options))
    cases.append(("unfold", [normal(2, 3, 2, 2), 4], {}))
    for factor in (1, 2, 3, 0):
        cases.append(("pixel_shuffle", [normal(2, 4, 3, 3), factor], {}))
        cases.append(("pixel_unshuffle", [normal(2, 4, 4, 6), factor], {}))
        cases.append(("channel_shuffle", [normal(2, 4, 3), factor], {}))
    return cases


def cases_of_losses() -> list[tuple]:
    cases = []
    labels, listed = np.array([1, 4, 0, 2]), np.array([[1, 3, -1, 2], [-1, 0, 1, 2], [3, 2, 1, 0]])
    for reduction in ("mean", "sum", "none"):
        how = {"reduction": reduction}
        cases += [
            ("multi_margin_loss", [normal(4, 5), labels], {**how, "p": p, "margin": 0.5})
            for p in (1, 2, 3)
        ]
        cases.append(("multi_margin_loss", [normal(5), np.array(2)], how))
        cases.append(("multilabel_margin_loss", [normal(3, 4), listed], how))
        cases.append(("multilabel_margin_loss", [normal(4), listed[0]], how))
        for inputs, lengths in (([6, 5], [3, 2]), ([6, 2], [3, 3]), ([6, 6], [2, 0])):
            for infinity in (True, False):
                scores, targets = log_softmax(normal(6, 2, 4)), np.array([[1, 1, 2], [3, 2, 3]])
                given = {**how, "zero_infinity": infinity}
                cases.append(("ctc_loss", [scores, targets, inputs, lengths], given))
    cases.append(("multi_margin_loss", [normal(4, 5), labels + 1], {}))
    cases.append(("ctc_loss", [log_softmax(normal(3, 2, 4)), labels, [3, 3], [3, 3]], {}))
    return cases


def cases_of_bags() -> list[tuple]:
    cases = []
    for mode in ("sum", "mean", "max"):
        for options in ({}, {"padding_idx": 1}, {"padding_idx": -3}, {"max_norm": 1.0}):
            given = {**options, "mode": mode}
            cases.append(("embedding_bag", [G.integers(0, 6, (3, 4)), normal(6, 2)], given))
            bag = [G.integers(0, 6, 9), normal(6, 2), np.array([0, 3, 3, 7])]
            cases.append(("embedding_bag", bag, given))
            ends = [*bag[:2], np.array([0, 3, 3, 9])]
            cases.append(("embedding_bag", ends, {**given, "include_last_offset": True}))
            cases.append(("embedding_bag", bag, {**given, "per_sample_weights": normal(9)}))
    cases.append(("embedding_bag", [np.arange(3), normal(2, 2), np.array([0])], {}))
    return [*cases, ("embedding_bag", [np.arange(3), normal(5, 2), np.array([1])], {})]


def cases_of_the_rest() -> list[tuple]:
    return [
        ("bilinear", [normal(2, 5, 3), normal(2, 5, 4), normal(6, 3, 4), normal(6)], {}),
        ("bilinear", [normal(3), normal(4), normal(6, 3, 4)], {}),
        ("bilinear", [normal(2, 3), normal(2, 4), normal(6, 2, 4)], {}),
        ("rrelu", [normal(5, 6)], {"training": True}),
        ("rrelu", [normal(5, 6)], {}),
        ("gumbel_softmax", [normal(4, 5)], {"tau": 0.7}),
        ("gumbel_softmax", [normal(4, 5)], {"hard": True}),
    ]


CASES = [
    *cases_of_pad(),
    *cases_of_interpolate(),
    *cases_of_grids(),
    *cases_of_windows(),
    *cases_of_losses(),
    *cases_of_bags(),
    *cases_of_the_rest(),
]


def given(value: Any, library: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    return library.from_numpy(value.copy()).requires_grad_(value.dtype.kind == "f")


def outcome(library: Any, name: str, args: list, options: dict) -> Any:
    """Output and gradients, or the kind of error."""
    args = [given(value, library) for value in args]
    options = {key: given(value, library) for key, value in options.items()}
    library.manual_seed(3)
    leaves = [x for x in [*args, *options.values()] if getattr(x, "requires_grad", False)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            output = getattr(library.nn.functional, name)(*args, **options)
            weights = np.random.default_rng(0).standard_normal(tuple(output.shape))
            (output * library.from_numpy(np.asarray(weights, np.float32))).sum().backward()
        except Exception as error:
            return type(error)
    grads = [np.zeros(tuple(x.shape)) if x.grad is None else x.grad.numpy() for x in leaves]
    return [output.detach().numpy(), *grads]


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda n: f"{CASES[n][0]}-{n}")
def test_function(number: int) -> None:
    found, expected = (outcome(library, *CASES[number]) for library in (rl, torch))
    if isinstance(expected, type):
        assert found is expected, CASES[number]
        return
    for ours, theirs in zip(found, expected, strict=True):
        finite = np.abs(theirs[np.isfinite(theirs)])
        scale = finite.max(initial=1.0)
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-5 * scale)
