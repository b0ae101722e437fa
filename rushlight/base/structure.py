"""Named results, such as the (values, indices) of max: tuples that print as torch's do."""

from __future__ import annotations

from operator import itemgetter
from typing import Any


class Structure(tuple[Any, ...]):
    """A tuple whose elements have names, too; made from its elements.

    (Making a class with `namedtuple` takes thirty times as long, and every import makes all.)
    """

    __slots__ = ()
    _fields: tuple[str, ...] = ()

    def __new__(cls, *values: Any) -> Structure:
        if len(values) != len(cls._fields):
            raise TypeError(f"{cls.__name__} takes {len(cls._fields)} values "
                            f"({', '.join(cls._fields)}), but got {len(values)}")
        return tuple.__new__(cls, values)

    def __getnewargs__(self) -> tuple[Any, ...]:
        return tuple(self)

    def __repr__(self) -> str:
        items = ",\n".join(f"{f}={v!r}" for f, v in zip(self._fields, self, strict=True))
        return f"torch.return_types.{type(self).__name__}(\n{items})"


def structure(name: str, fields: str) -> Any:
    """The class of the results, named `fields`, of the op `name`."""
    names = tuple(fields.split())
    members = {field: property(itemgetter(i)) for i, field in enumerate(names)}
    return type(name, (Structure,), {**members, "__slots__": (), "_fields": names,
                                     "__module__": __name__})
