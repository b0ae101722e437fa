"""Whole programs run unchanged and give torch's losses, random draws and dropout included."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

import rushlight

# Recorded with torch 2.13 on a CPU.
LOSSES = {
    "autoencoder": [2259.49, 2240.12, 2234.59, 2223.55, 2223.37, 2213.09, 2220.37, 2219.39,
                    2216.73, 2214.93, 2217.68, 2215.04, 2211.6, 2210.67, 2212.56],
    "adversaries": [1.38377, 0.703594, 1.38385, 0.703188, 1.38378, 0.702928, 1.38375, 0.702641,
                    1.38343, 0.702654, 1.38339, 0.702386, 1.38342, 0.702063, 1.38335, 0.701842],
    "characters": [3.01798, 3.00118, 2.98988, 2.97552, 2.95219, 2.92239, 2.88917, 2.8879],
    "language": [3.56395, 3.54113, 3.22532, 2.89108, 2.66388, 2.46725, 2.35482, 2.33205],
    "policy": [0.137175, -0.0679114, 0.231554, 0.153582, -0.032485, -0.232112, -0.0412894,
               -0.00961554, -0.0814832, -0.0154215, 0.0226106, -0.132153],
}


def programs() -> ModuleType:
    """The file of programs beside this one."""
    path = Path(__file__).with_name("programs.py")
    spec = importlib.util.spec_from_file_location("ported_programs", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_those_of_torch(name: str) -> None:
    losses = getattr(programs(), name)(rushlight)
    assert losses == pytest.approx(LOSSES[name], rel=1e-4, abs=1e-5)
