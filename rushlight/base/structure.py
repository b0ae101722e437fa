"""Named results, such as the (values, indices) of max: tuples that print as torch's do."""

from __future__ import annotations

from collections import namedtuple
from typing import Any


def structure(name: str, fields: str) -> Any:
    """A named tuple class for the results of the op `name`."""
    base: Any = namedtuple(name, fields.split())  # type: ignore[misc]  # fields are data here

    def __repr__(self: Any) -> str:
        items = ",\n".join(f"{f}={v!r}" for f, v in zip(self._fields, self, strict=True))
        return f"torch.return_types.{name}(\n{items})"

    return type(name, (base,), {"__slots__": (), "__repr__": __repr__, "__module__": __name__})
