"""Programs about training: optimizers, schedulers, averages, mixed precision, checkpoints."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

import rushlight as rl  # noqa: E402

from .training_cases import averaging, checkpoints, optimizers, precision, refusals, schedulers  # noqa: E402
from .transcripts import differences, run  # noqa: E402

FILES = (averaging, checkpoints, optimizers, precision, refusals, schedulers)
PROGRAMS = [pytest.param(program, id=f"{file.__name__.rpartition('.')[2]}: {name}")
            for file in FILES for name, program in file.PROGRAMS.items()]


@pytest.mark.parametrize("program", PROGRAMS)
def test_same_as_torch(program: str) -> None:
    found = differences(program)
    assert not found, "\n".join(found)


def test_what_autocast_makes_of_operations() -> None:
    """Where torch has the operation for the dtype at all."""
    wrong = []
    for (text, ours), (_, theirs) in zip(
            run(rl, precision.OPS), run(torch, precision.OPS), strict=True):
        if not text.startswith("[[("):
            continue
        assert theirs[0] == "list", theirs
        for own, row in zip(ours[1], theirs[1], strict=True):
            wrong += [(a, b) for a, b in zip(own[1], row[1], strict=True)
                      if a != b and b[1][1] not in ("error", "torch.complex32")]
    assert not wrong, wrong
