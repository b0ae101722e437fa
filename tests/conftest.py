"""Options of the test suite, and what keeps a test from depending on those that ran before it."""

from __future__ import annotations

import gc
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

# Examples are the same in every run, and however slow the machine is.
settings.register_profile("steady", derandomize=True, deadline=None, database=None,
                          suppress_health_check=[HealthCheck.too_slow])


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--mnist DIR`, `--numpy-only` and `--seed N`."""
    parser.addoption("--mnist", metavar="DIR", help="folder with the four full idx files of MNIST")
    parser.addoption(
        "--numpy-only", action="store_true", help="hide llvmlite and oneDNN: all runs on NumPy"
    )
    parser.addoption("--seed", type=int, default=0, metavar="N",
                     help="what random numbers start from in every test")


def pytest_configure(config: pytest.Config) -> None:
    """Hide the optional libraries before anything imports Rushlight."""
    if config.getoption("--numpy-only"):
        os.environ["RUSHLIGHT_DISABLE"] = "llvmlite,onednn"  # child processes see it, too
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = "127.0.0.1"  # where tests serve files
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as of jobs in the background: children
        signal.signal(signal.SIGINT, signal.default_int_handler)  # would inherit that, too
    settings.load_profile("steady")


def _seed(config: pytest.Config) -> None:
    """The same numbers for every test, whichever ran before it in its process."""
    import rushlight  # here: not before it is known what is hidden

    seed = config.getoption("--seed")
    random.seed(seed)
    np.random.seed(seed)
    rushlight.manual_seed(seed)
    if hasattr(sys.modules.get("torch"), "manual_seed"):
        sys.modules["torch"].manual_seed(seed)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Seed before the fixtures of a test."""
    _seed(item.config)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
                         ) -> Generator[None, object, object]:
    """Seed before and after what is made once for several tests: which is first, varies."""
    if fixturedef.scope == "function":
        return (yield)
    _seed(request.config)
    try:
        return (yield)
    finally:
        _seed(request.config)


def _used_elsewhere(name: str) -> bool:
    """Whether another process has this part of shared memory mapped."""
    for maps in Path("/proc").glob("[0-9]*/maps"):
        with suppress(OSError):  # it has ended, or is not ours to read
            if maps.parent.name != str(os.getpid()) and f"/dev/shm/{name}" in maps.read_text():
                return True
    return False


@pytest.fixture
def left_in_memory() -> Callable[[], set[str]]:
    """What lies in shared memory since the test began and nobody else uses; tests that run at the
    same time make and remove things there."""
    before = os.listdir("/dev/shm")

    def left() -> set[str]:
        end = time.monotonic() + 60
        while True:
            new = {name for name in os.listdir("/dev/shm")
                   if name not in before and not _used_elsewhere(name)}
            if not new or time.monotonic() > end:
                return new
            time.sleep(0.05)

    return left


@pytest.fixture
def open_descriptors() -> Callable[[int], int]:
    """Counts this process's descriptors, and waits until they are `wanted` at most: the thread that
    sends some to other processes closes them a little later."""
    gc.collect()

    def count(wanted: int) -> int:
        end = time.monotonic() + (60 if wanted else 0)
        while (now := len(os.listdir("/proc/self/fd"))) > wanted and time.monotonic() < end:
            time.sleep(0.01)
        return now

    return count
