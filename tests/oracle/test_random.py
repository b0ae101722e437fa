"""Random numbers against torch itself: values and generator state, over sizes, dtypes and seeds."""

# ruff: noqa: B023 - what closes over a loop's variables is called in its round

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from rushlight.backends.cpu import draws as cpu
from rushlight.backends.host import draws as host
from rushlight.backends.host.mersenne import Mersenne

torch = pytest.importorskip("torch")

BACKENDS = {"cpu": cpu, "host": host}
SEEDS = (0, 42, 2**63 + 11)
SHAPES = ((), (0,), (3,), (15,), (16,), (17,), (100,), (4, 7, 5), (1000,), (33333,))
REAL = {torch.float32: np.float32, torch.float64: np.float64, torch.float16: np.float16,
        torch.bfloat16: ml_dtypes.bfloat16}
WHOLE = {torch.int64: np.int64, torch.int32: np.int32, torch.int16: np.int16, torch.int8: np.int8,
         torch.uint8: np.uint8, torch.bool: np.bool_}
NUMPY = {**REAL, **WHOLE}
WITHOUT_BOOL = {k: v for k, v in NUMPY.items() if k is not torch.bool}
WIDE = {torch.float32: np.float32, torch.float64: np.float64, torch.int64: np.int64}

# method of torch, function here, dtypes, arguments
DRAWS: dict[str, tuple[str, str, dict, tuple]] = {
    "uniform": ("uniform_", "uniform", REAL, ((0, 1), (-1, 2), (0.1, 0.7), (0, 3), (1, 1))),
    "normal": ("normal_", "normal", REAL, ((0, 1), (2, 3), (0.1, 0.7))),
    "log_normal": ("log_normal_", "log_normal", REAL, ((0, 1), (0.1, 0.7))),
    "cauchy": ("cauchy_", "cauchy", REAL, ((0, 1), (0.1, 0.7))),
    "exponential": ("exponential_", "exponential", REAL, ((1,), (0.3,))),
    "geometric": ("geometric_", "geometric", WITHOUT_BOOL, ((0.2,), (0.7,))),
    "bernoulli": ("bernoulli_", "bernoulli", NUMPY, ((0.0,), (0.3,), (1.0,))),
    "digits": ("random_", "digits", NUMPY, ((),)),
    "integers": ("random_", "integers", WITHOUT_BOOL, ((0, 10), (3, 120))),
    "wide integers": ("random_", "integers", WIDE, (
        (-5, 2**40), (0, 2**28), (0, 2**28 - 1), (7, 2**62), (-(2**63), 2**63 - 1))),
}


def to_numpy(tensor: Any) -> np.ndarray:
    if tensor.dtype is torch.bfloat16:
        return tensor.float().numpy().astype(ml_dtypes.bfloat16)
    return tensor.numpy()


def compare(theirs: Callable[[], Any], mine: Callable[[Mersenne], np.ndarray], seed: int,
            *context: Any) -> None:
    torch.manual_seed(seed)
    torch.rand(1)
    engine = Mersenne(seed)
    engine.words(1)
    expected, found = to_numpy(theirs()), mine(engine)
    same = (expected == found) | ((expected != expected) & (found != found))
    assert expected.shape == found.shape and same.all(), (seed, *context)
    assert engine.get_state().tobytes() == torch.get_rng_state().numpy().tobytes(), (
        "state", seed, *context)


def filled(function: Callable, array: np.ndarray, *arguments: Any) -> Callable:
    def draw(engine: Mersenne) -> np.ndarray:
        function(engine, array, *arguments)
        return array

    return draw


@pytest.mark.filterwarnings("ignore:(from|to - 1) is out of bounds")
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", DRAWS)
def test_fills(name: str, backend: str) -> None:
    method, function, types, settings = DRAWS[name]
    draw = getattr(BACKENDS[backend], function)
    for dtype, kind in types.items():
        for shape in SHAPES if backend == "cpu" else SHAPES[:-1]:
            for arguments in settings:
                for seed in SEEDS[:1 if len(shape) == 1 and shape[0] > 999 else None]:
                    compare(lambda: getattr(torch.empty(shape, dtype=dtype), method)(*arguments),
                            filled(draw, np.empty(shape, kind), *arguments), seed,
                            dtype, shape, arguments)


@pytest.mark.parametrize("name", ["uniform", "normal", "bernoulli", "digits"])
@pytest.mark.parametrize("shape", [(3, 4), (20, 30), (4, 7, 5)])
def test_layouts(name: str, shape: tuple[int, ...]) -> None:
    method, function, _, settings = DRAWS[name]
    axes = (*range(1, len(shape)), 0)
    for dtype in (torch.float32, torch.float64):
        mine = np.empty(shape, REAL[dtype]).transpose(axes)
        compare(lambda: getattr(torch.empty(shape, dtype=dtype).permute(axes), method)(
                    *settings[0]), filled(getattr(cpu, function), mine, *settings[0]), 1, dtype)
        gaps = np.empty((shape[0], 50), REAL[dtype])[:, ::3]
        compare(lambda: getattr(torch.empty(shape[0], 50, dtype=dtype)[:, ::3], method)(
                    *settings[0]), filled(getattr(cpu, function), gaps, *settings[0]), 1, dtype)


@pytest.mark.parametrize("kind", REAL)
def test_bernoulli_of_tensors(kind: Any) -> None:
    p = torch.rand(9, 40).to(kind)
    for dtype in (torch.float32, torch.float64, torch.int64, torch.bool):
        target = torch.empty(9, 40, dtype=dtype)
        compare(lambda: target.bernoulli_(p),
                filled(cpu.bernoulli, np.empty((9, 40), NUMPY[dtype]), to_numpy(p)), 3, dtype)
    turned = p.t()
    compare(lambda: torch.bernoulli(turned), filled(
        cpu.bernoulli, np.empty(turned.shape, REAL[kind]), to_numpy(turned)), 3)
    compare(lambda: torch.empty(9, 40).t().bernoulli_(turned), filled(
        cpu.bernoulli, np.empty((9, 40), np.float32).T, to_numpy(turned)), 3)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("count", [0, 1, 2, 3, 10, 1000, 60000])
def test_permutation(count: int, backend: str) -> None:
    compare(lambda: torch.randperm(count), lambda e: BACKENDS[backend].permutation(e, count), 8)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
@pytest.mark.parametrize("shape", [(1, 20, 8), (3, 50, 50), (4, 5, 1), (2, 1000, 30)])
def test_multinomial(shape: tuple[int, int, int], dtype: Any) -> None:
    rows, categories, count = shape
    weights = torch.rand(rows, categories, generator=torch.Generator()).to(dtype)
    for replacement in (False, True):
        compare(lambda: torch.multinomial(weights, count, replacement),
                lambda e: cpu.multinomial(e, to_numpy(weights), count, replacement), 2, replacement)


@pytest.mark.parametrize("rate", [0.0, 0.5, 4.0, 9.99, 10.0, 33.3, 1e4])
def test_poisson(rate: float) -> None:
    rates = rate * torch.rand(555, generator=torch.Generator(), dtype=torch.float64)
    rates[-1] = rate
    compare(lambda: torch.poisson(rates), filled(cpu.poisson, np.empty(555), rates.numpy()), 6)


def test_states_go_both_ways() -> None:
    torch.manual_seed(77)
    torch.randn(5), torch.rand(700)
    engine = Mersenne()
    engine.set_state(torch.get_rng_state().numpy())
    assert engine.initial_seed() == 77
    array = np.empty(7)
    cpu.normal(engine, array)
    assert (torch.randn(7, dtype=torch.float64).numpy() == array).all()
    torch.set_rng_state(torch.from_numpy(engine.get_state()))
    cpu.normal(engine, array)
    assert (torch.randn(7, dtype=torch.float64).numpy() == array).all()
