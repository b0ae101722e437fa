"""Parameters of half types: torch's fused steps to the bit, and never farther off than its others.

torch's loops over tensors round after every operation, each implementation in its own order; its
fused kernels round what they store, once, and so do ours.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rushlight as rl

torch = pytest.importorskip("torch")

from .libraries import name_of, to_ours  # noqa: E402

CASES: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.1}), ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}), ("Adam", {"lr": 0.1}),
    ("Adam", {"lr": 0.1, "weight_decay": 0.1, "amsgrad": True}), ("AdamW", {"lr": 0.1}),
    ("NAdam", {"lr": 0.1}), ("RAdam", {"lr": 0.1}), ("Adamax", {"lr": 0.1}),
    ("Adagrad", {"lr": 0.1}), ("Adadelta", {"lr": 1.0}), ("RMSprop", {"lr": 0.1}),
    ("RMSprop", {"lr": 0.1, "momentum": 0.9, "centered": True}), ("ASGD", {"lr": 0.1}),
    ("Rprop", {"lr": 0.1}), ("Adafactor", {"lr": 0.1}), ("Muon", {"lr": 0.1}),
]


def after_five_steps(library: Any, kind: Any, name: str, options: dict[str, Any], rounded: Any
                     ) -> np.ndarray:
    """The parameters, in double. rounded: the half type that values have at first."""
    random = np.random.default_rng(0)

    def values(*shape: int) -> Any:
        made = torch.tensor(random.standard_normal(shape)).to(rounded)
        return to_ours(made) if library is rl else made.to(kind)

    params = [library.nn.Parameter(values(*shape)) for shape in ((16, 32), (8, 8))]
    optimizer = getattr(library.optim, name)(params, **options)
    for _ in range(5):
        for p in params:
            p.grad = values(*p.shape)
        optimizer.step()
    return np.concatenate([p.detach().double().numpy().ravel() for p in params])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=name_of)
@pytest.mark.parametrize("name, options", CASES)
def test_no_farther_from_the_exact_steps_than_torch(name: str, options: dict[str, Any],
                                                    dtype: Any) -> None:
    ours = after_five_steps(rl, None, name, options, dtype)
    theirs = after_five_steps(torch, dtype, name, options, dtype)
    exact = after_five_steps(torch, torch.float64, name, options, dtype)
    errors = [np.sqrt(((x - exact) ** 2).mean()) for x in (ours, theirs)]
    assert np.isfinite(errors[0]) and not errors[0] > 1.1 * errors[1]  # torch's may be NaN


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=name_of)
@pytest.mark.parametrize("name, options", [case for case in CASES if case[0].startswith("Adam")
                                           and case[0] != "Adamax"])
def test_the_fused_steps_of_torch(name: str, options: dict[str, Any], dtype: Any) -> None:
    ours = after_five_steps(rl, None, name, options, dtype)
    theirs = after_five_steps(torch, dtype, name, {**options, "fused": True}, dtype)
    assert np.array_equal(ours, theirs)
