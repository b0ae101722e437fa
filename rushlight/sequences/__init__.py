"""Ragged sequences: batches of sequences of different lengths, without padding."""

from rushlight import overrides  # noqa: F401 - operations ask from now on
from rushlight.sequences import (  # noqa: F401 - each declares its rules
    attention,
    by_place,
    joining,
    loss,
    over_time,
    recurrent,
    rules,
)
from rushlight.sequences.making import from_padded
from rushlight.sequences.ragged import Ragged

rules.install()
__all__ = ["Ragged", "from_padded"]
