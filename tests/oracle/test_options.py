"""Every option of every layer, loss, optimizer and scheduler, alone and in pairs."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from .nn_cases import calls  # noqa: E402
from .nn_cases import options as layers  # noqa: E402
from .training_cases import options as training  # noqa: E402
from .transcripts import differences  # noqa: E402

pytestmark = pytest.mark.slow  # some 9,000 statements
CASES = [*((f"{name}, called", text) for name, text in calls.CASES.items()),
         *layers.CASES.items(), *training.CASES.items()]


@pytest.mark.parametrize("program", [pytest.param(text, id=name) for name, text in CASES])
def test_same_as_torch(program: str) -> None:
    """State at first, outputs, gradients, state after, in evaluation; or the same error."""
    found = differences(program)
    assert not found, "\n".join(found[:5])
