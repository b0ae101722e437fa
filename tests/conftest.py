"""Options of the test suite."""

from __future__ import annotations

import os

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--mnist DIR` and `--numpy-only`."""
    parser.addoption("--mnist", metavar="DIR", help="folder with the four full idx files of MNIST")
    parser.addoption(
        "--numpy-only", action="store_true", help="hide llvmlite and oneDNN: all runs on NumPy"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Hide the optional libraries before anything imports Rushlight."""
    if config.getoption("--numpy-only"):
        os.environ["RUSHLIGHT_DISABLE"] = "llvmlite,onednn"  # child processes see it, too
