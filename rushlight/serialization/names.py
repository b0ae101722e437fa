"""The global names that a checkpoint may use, and what each stands for.

A name stands for a value (a dtype, a class of storages) or for a builder: a function of ours that
checks its arguments and makes one kind of object. Nothing is looked up in modules.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from importlib import import_module
from typing import Any

from rushlight.base.dtypes import ALIASES, ALL, EIGHT_BITS, WIDE_UNSIGNED
from rushlight.serialization import numpy_names, tensors
from rushlight.serialization.errors import refused, shown
from rushlight.serialization.keys import check_key
from rushlight.serialization.storages import TYPES
from rushlight.tensor import Parameter, Tensor


class Builder:
    """One kind of object that a file may hold, made by `make` from arguments that it checks."""

    __slots__ = ("make", "name")

    def __init__(self, name: str, make: Callable[..., Any]) -> None:
        self.name = name
        self.make = make

    def __call__(self, *arguments: Any) -> Any:
        return self.make(*arguments)


def _text_as_bytes(text: Any, encoding: Any = "latin1") -> bytes:
    """bytes, as the older pickle protocols write them."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise refused(f"It encodes {shown(text)} as {shown(encoding)}")
    return text.encode("latin-1")


def _bytes(data: Any = b"") -> bytes:
    if not isinstance(data, bytes | bytearray):
        raise refused(f"It makes bytes of {shown(data)}")
    return bytes(data)


def _bytearray(data: Any = b"", encoding: Any = "latin1") -> bytearray:
    return bytearray(data if isinstance(data, bytes) else _text_as_bytes(data, encoding))


def _complex(real: Any, imaginary: Any) -> complex:
    if type(real) is not float or type(imaginary) is not float:
        raise refused("It has a complex number whose parts are not floats")
    return complex(real, imaginary)


def _keys(members: Any) -> list[Any]:
    found = tensors.flattened(members)
    for member in found:
        check_key(member)
    return found


def _pairs(pairs: Any) -> list[tuple[Any, Any]]:
    if isinstance(pairs, dict):
        return list(pairs.items())
    found = []
    for pair in tensors.flattened(pairs):
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise refused("A dictionary is filled with what are no pairs")
        check_key(pair[0])
        found.append((pair[0], pair[1]))
    return found


def _slice(*parts: Any) -> slice:
    if not 1 <= len(parts) <= 3 or any(type(p) not in (int, type(None)) for p in parts):
        raise refused("It has a slice that is not of numbers")
    return slice(*parts)


def _range(*parts: Any) -> range:
    if not 1 <= len(parts) <= 3 or any(type(p) is not int for p in parts):
        raise refused("It has a range that is not of numbers")
    return range(*parts)


# What a defaultdict may make of missing keys.
_FACTORIES: dict[str, type] = {kind.__name__: kind for kind in (
    list, dict, set, tuple, int, float, str, bool, OrderedDict, Counter)}
_FACTORIES |= {"long": int, "unicode": str}  # as protocol 2 spells them


def _defaultdict(factory: Any = None, pairs: Any = ()) -> defaultdict[Any, Any]:
    made = _FACTORIES.get(factory.name) if isinstance(factory, Builder) else None
    if made is None and factory is not None:
        raise refused("It has a defaultdict whose values are made by something else than a plain "
                      "type")
    return defaultdict(made, _pairs(pairs))


def _deque(members: Any = (), longest: Any = None) -> deque[Any]:
    if longest is not None and (type(longest) is not int or not 0 <= longest < 1 << 62):
        raise refused(f"It has a deque of at most {shown(longest)} members")
    return deque(tensors.flattened(members), longest)


def _only_named(*arguments: Any) -> Any:
    raise refused("It makes a number or text by a call")


def _not_made(*arguments: Any) -> Any:
    raise refused("It makes an array of NumPy other than as arrays are pickled")


_BUILTINS: dict[str, Callable[..., Any]] = {
    "set": lambda members=(): set(_keys(members)),
    "frozenset": lambda members=(): frozenset(_keys(members)),
    "list": lambda members=(): tensors.flattened(members),
    "tuple": lambda members=(): tuple(tensors.flattened(members)),
    "dict": lambda pairs=(): dict(_pairs(pairs)),
    "bytes": _bytes, "bytearray": _bytearray, "complex": _complex, "slice": _slice,
    "range": _range, "xrange": _range,
    **dict.fromkeys(("int", "float", "str", "bool", "long", "unicode"), _only_named),
}
_COLLECTIONS: dict[str, Callable[..., Any]] = {
    "OrderedDict": lambda pairs=(): OrderedDict(_pairs(pairs)),
    "Counter": lambda counts=(): Counter(dict(_pairs(counts))),
    "defaultdict": _defaultdict, "deque": _deque,
}
_REBUILD: dict[str, Callable[..., Any]] = {
    "_rebuild_tensor": tensors.tensor, "_rebuild_tensor_v2": tensors.tensor_v2,
    "_rebuild_tensor_v3": tensors.tensor_v3, "_rebuild_parameter": tensors.parameter,
    "_rebuild_parameter_with_state": tensors.parameter_with_state,
    "_rebuild_meta_tensor_no_storage": tensors.meta_tensor,
    "_rebuild_sparse_tensor": tensors.sparse,
}


def _ragged(*parts: Any) -> Any:
    """A batch of ragged sequences, whose package is imported when a file holds one."""
    rebuild = import_module("rushlight.sequences.ragged").rebuild
    if len(parts) != 2:
        raise refused("It has ragged sequences that are not values and offsets")
    try:
        return rebuild(*parts)
    except ValueError as error:
        raise refused(f"It has broken ragged sequences: {error}") from None


def _nested(*parts: Any) -> Any:
    """A nested tensor, whose package is imported when a file holds one."""
    rebuild = import_module("rushlight.nested.tensor").rebuild
    if len(parts) != 4:
        raise refused("It has a nested tensor that is not a ragged batch and its dimension")
    try:
        return rebuild(*parts)
    except (TypeError, ValueError) as error:
        raise refused(f"It has a broken nested tensor: {error}") from None


def _table() -> dict[tuple[str, str], Any]:
    table: dict[tuple[str, str], Any] = {}

    def builders(module: str, functions: dict[str, Callable[..., Any]]) -> None:
        for name, make in functions.items():
            table[module, name] = Builder(name, make)

    for module in ("builtins", "__builtin__"):  # of Python 3 and 2
        builders(module, _BUILTINS)
    builders("collections", _COLLECTIONS)
    builders("_codecs", {"encode": _text_as_bytes})
    builders("torch._utils", _REBUILD)
    builders("torch._tensor", {"_rebuild_from_type_v2": tensors.from_type})
    builders("rushlight.sequences.ragged", {"rebuild": _ragged})
    builders("rushlight.nested.tensor", {"rebuild": _nested})
    builders("torch", {"Size": tensors.size, "device": tensors.as_device})
    builders("torch.serialization", {"_get_layout": tensors.layout})
    for kind in (*ALL, *WIDE_UNSIGNED, *EIGHT_BITS):
        table["torch", kind.name] = kind
    for name, kind in ALIASES.items():
        table["torch", name] = kind
    for name, kind in TYPES.items():
        for module in ("torch", "torch.cuda"):
            table[module, name] = tensors.storage_type(kind)
            table[module, name.replace("Storage", "Tensor")] = Tensor
    for module in ("torch", "torch.storage"):
        table[module, "UntypedStorage"] = tensors.storage_type(None)
    table["torch", "Tensor"] = table["torch._tensor", "Tensor"] = Tensor
    table["torch.nn.parameter", "Parameter"] = Parameter
    for module in ("numpy.core.multiarray", "numpy._core.multiarray"):
        builders(module, {"scalar": numpy_names.scalar, "_reconstruct": numpy_names.reconstruct})
    for module in ("numpy.core.numeric", "numpy._core.numeric"):
        builders(module, {"_frombuffer": numpy_names.from_buffer})
    builders("numpy", {"dtype": numpy_names.dtype, "ndarray": _not_made})
    return table


TABLE = _table()
