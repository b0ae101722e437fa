"""Printed tensors against torch, character for character, over random values and options."""

from __future__ import annotations

import random

import ml_dtypes
import numpy as np
import pytest

from rushlight.tensor import printing

torch = pytest.importorskip("torch")

DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64"]
DTYPES += ["float16", "bfloat16", "float32", "float64", "complex64", "complex128"]
SHAPES = [(2000,), (40, 40), (3, 400), (400, 3), (2, 3, 400), (1001,), (1000,), (10, 10, 11)]


@pytest.fixture(autouse=True)
def default_options():
    yield
    torch.set_printoptions(profile="default")
    printing.set_printoptions(profile="default")


def random_shape(choose: random.Random) -> tuple[int, ...]:
    if choose.random() < 0.1:
        return choose.choice(SHAPES)
    while True:
        shape = tuple(choose.choice([0, 1, 1, 2, 3, 4, 7, 20]) for _ in range(choose.randrange(5)))
        if np.prod(shape, initial=1) <= 3000:
            return shape


def random_values(shape: tuple[int, ...], choose: random.Random) -> np.ndarray:
    numbers = np.random.default_rng(choose.randrange(2**32))
    normal = numbers.standard_normal(shape)
    kind = choose.randrange(8)
    values = np.array(
        [
            normal,
            normal * 10.0 ** numbers.integers(-6, 9, shape),
            np.floor(normal * 10),
            np.floor(normal * 10.0 ** numbers.integers(0, 6, shape)),
            normal * 0,
            normal * 1e-5,
            normal * 1e6,
            np.round(normal, 2),
        ][kind],
        np.float64,
    )
    for special, chance in ((np.nan, 0.3), (np.inf, 0.3), (-np.inf, 0.2), (-0.0, 0.3)):
        if choose.random() < chance:
            values[numbers.random(shape) < 0.2] = special
    return values


def random_options(choose: random.Random) -> dict[str, object]:
    choices = {
        "precision": [0, 1, 2, 6],
        "threshold": [0, 5, 100],
        "edgeitems": [0, 1, 2, 5],
        "linewidth": [10, 30, 60, 120],
        "sci_mode": [True, False],
        "profile": ["short", "full", "default"],
    }
    return {name: choose.choice(c) for name, c in choices.items() if choose.random() < 0.25}


@pytest.mark.parametrize("seed", range(12))
def test_text_is_torchs(seed):
    choose = random.Random(seed)
    for _ in range(50):
        shape, name = random_shape(choose), choose.choice(DTYPES)
        tensor = torch.from_numpy(random_values(shape, choose))
        dtype = getattr(torch, name)
        if dtype.is_complex:
            tensor = torch.complex(tensor, torch.from_numpy(random_values(shape, choose)))
        elif not dtype.is_floating_point:
            tensor = torch.nan_to_num(tensor, 0, 0, 0)
        tensor = tensor.to(dtype)
        if name == "bfloat16":
            array = tensor.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
        else:
            array = tensor.numpy()
        suffixes = []
        if (dtype.is_floating_point or dtype.is_complex) and choose.random() < 0.3:
            tensor = tensor.requires_grad_()
            suffixes = ["requires_grad=True"]
        options = random_options(choose)
        torch.set_printoptions(**{"profile": "default", **options})
        printing.set_printoptions(**{"profile": "default", **options})
        text = printing.format_array(array, f"torch.{name}", suffixes)
        assert text == repr(tensor), (shape, name, options)


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
def test_meta(name, shape):
    tensor = torch.empty(shape, dtype=getattr(torch, name), device="meta")
    text = printing.format_array(np.empty(shape), f"torch.{name}", device="meta", meta=True)
    assert text == repr(tensor)


@pytest.mark.parametrize("default", ["float64", "float16", "bfloat16"])
def test_other_default_dtypes(default):
    torch.set_default_dtype(getattr(torch, default))
    try:
        for name in ("float32", "float64", "float16", "complex64", "complex128", "int64", "int32"):
            for size in (0, 2):
                tensor = torch.ones(size, dtype=getattr(torch, name))
                text = printing.format_array(
                    tensor.numpy(), f"torch.{name}", default_dtype=f"torch.{default}"
                )
                assert text == repr(tensor)
    finally:
        torch.set_default_dtype(torch.float32)
