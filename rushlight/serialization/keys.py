"""What may be a key of a dictionary, or a member of a set, that comes from a file."""

from __future__ import annotations

from typing import Any

from rushlight.base.device import device
from rushlight.base.dtypes import dtype
from rushlight.serialization.errors import refused, shown

PLAIN = frozenset((str, int, float, bool, type(None), bytes, complex, dtype, device))
MOST_MEMBERS = 1000


def check_key(key: Any) -> None:
    """Refuse what cannot be hashed, or not soon: nested tuples are hashed again at every level,
    so that a few hundred bytes can ask for more steps than there is time, or stack, for."""
    if type(key) in PLAIN:
        return
    waiting, seen = [key], 0
    while waiting:
        value = waiting.pop()
        seen += 1
        if isinstance(value, tuple | frozenset) and seen + len(value) <= MOST_MEMBERS:
            waiting.extend(value)
        elif isinstance(value, tuple | frozenset):
            raise refused("A key of a dictionary is a tuple of more parts than a key can have")
        elif type(value) not in PLAIN:
            raise refused(f"A key of a dictionary is {shown(value)}")
