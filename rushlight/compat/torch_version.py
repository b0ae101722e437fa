"""`torch.__version__`: a text that is compared number by number, as in `>= "2.4"`, `>= (1, 8)`."""

from __future__ import annotations

import re
from typing import Any

_FORM = re.compile(r"v?(\d+(?:\.\d+)*)([^+]*)(\+.*)?$")


def _key(version: Any) -> tuple[Any, ...] | None:
    """What orders versions (PEP 440): numbers, then before/at/after the release, then builds."""
    text = ".".join(map(str, version)) if isinstance(version, tuple | list) else str(version)
    found = _FORM.match(text.strip())
    if found is None:
        return None
    numbers = [int(n) for n in found[1].split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    rest = found[2].strip(".-_").lower()
    stage = 0 if not rest else 1 if rest.startswith("post") else -1
    return (tuple(numbers), stage, rest, found[3] or "")


class TorchVersion(str):
    """A version as text; compared with a text, a tuple of numbers or a Version of packaging.

    >>> TorchVersion("2.13.0") >= "2.4", TorchVersion("2.13.0") < (2, 14)
    (True, True)
    """

    __slots__ = ()

    def _compared(self, other: Any) -> tuple[Any, Any]:
        mine, theirs = _key(str(self)), _key(other)
        if mine is None or theirs is None:
            return str(self), str(other)
        return mine, theirs

    def __eq__(self, other: object) -> bool:
        mine, theirs = self._compared(other)
        return bool(mine == theirs)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __lt__(self, other: Any) -> bool:
        mine, theirs = self._compared(other)
        return bool(mine < theirs)

    def __le__(self, other: Any) -> bool:
        mine, theirs = self._compared(other)
        return bool(mine <= theirs)

    def __gt__(self, other: Any) -> bool:
        return not self <= other

    def __ge__(self, other: Any) -> bool:
        return not self < other

    __hash__ = str.__hash__
