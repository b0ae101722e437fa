"""Element types of torch that no tensor has here: programs compare them and list them in tables."""

from __future__ import annotations

from typing import Any, NoReturn

from rushlight.base.dtypes import dtype

BYTES = {"complex32": 4, "qint8": 1, "quint8": 1, "qint32": 4, "quint4x2": 1, "quint2x4": 1,
         **{f"{kind}{bits}": 1 for kind in ("int", "uint") for bits in range(1, 8)}}


class NamedType(dtype):
    """An element type of which there are no tensors: making one raises NotImplementedError."""

    __slots__ = ()

    def __init__(self, name: str) -> None:
        self.name, self.itemsize = name, BYTES[name]
        self.category = 3 if name == "complex32" else 1
        self.is_floating_point, self.is_complex = False, name == "complex32"
        self.is_signed = name[0] in "ci" or name.startswith("qint")

    @property
    def array(self) -> NoReturn:
        raise NotImplementedError(f"torch.{self.name}: there are no tensors of this type; see "
                                  "docs/run.md for what is left out")


_made = {name: NamedType(name) for name in BYTES}


def __getattr__(name: str) -> Any:
    try:
        return _made["complex32" if name == "chalf" else name]
    except KeyError:
        raise AttributeError(name) from None
