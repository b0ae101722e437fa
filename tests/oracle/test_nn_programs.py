"""Programs about every corner of torch.nn, run by both libraries, statement by statement."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from .nn_cases import containers, module, utils  # noqa: E402
from .transcripts import differences  # noqa: E402

FILES = {"module": module, "containers": containers, "utils": utils}
PROGRAMS = [pytest.param(program, id=f"{file}: {name}") for file, kept in FILES.items()
            for name, program in kept.CASES.items()]


@pytest.mark.parametrize("program", PROGRAMS)
def test_same_as_torch(program: str) -> None:
    """The same values, and where torch raises, its type of error and its leading words."""
    found = differences(program)
    assert not found, "\n".join(found)
