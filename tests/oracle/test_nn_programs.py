"""Programs about every corner of torch.nn, run by both libraries, statement by statement."""

from __future__ import annotations

import importlib

import pytest

torch = pytest.importorskip("torch")

from .transcripts import differences  # noqa: E402

FILES = ("autograd", "containers", "convolutions", "functional", "hooks", "losses", "module",
         "parametrizations", "refusals", "resizing", "sequences", "states", "utils",
         "wrong_calls")
PROGRAMS = [
    pytest.param(program, id=f"{file}: {name}") for file in FILES
    for name, program in importlib.import_module(f"{__package__}.nn_cases.{file}").CASES.items()]


@pytest.mark.parametrize("program", PROGRAMS)
def test_same_as_torch(program: str) -> None:
    """The same values, and where torch raises, its type of error and its leading words."""
    found = differences(program)
    assert not found, "\n".join(found)
