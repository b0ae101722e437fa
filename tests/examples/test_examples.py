"""Every example reaches the figure that it states, under Rushlight, and under torch where it is."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path.name for path in (ROOT / "examples").glob("*.py")
                  if path.name != "mnist_seed.py")  # needs all of MNIST
LONGEST = 600  # seconds on a machine that others use, too; by itself none takes two minutes


def run(command: list[str], example: str) -> None:
    done = subprocess.run([*command, str(ROOT / "examples" / example)], capture_output=True,
                          text=True, timeout=LONGEST,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stdout + done.stderr


def test_examples_are_written_for_torch() -> None:
    assert len(EXAMPLES) >= 8
    for name in EXAMPLES:
        text = (ROOT / "examples" / name).read_text()
        assert "import torch\n" in text and "import rushlight" not in text
        assert "Teaches: " in text and f"rushlight run examples/{name}" in text


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES)
def test_under_rushlight(example: str) -> None:
    run([sys.executable, "-m", "rushlight", "run"], example)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
@pytest.mark.parametrize("example", EXAMPLES)
def test_under_torch(example: str) -> None:
    run([sys.executable], example)
