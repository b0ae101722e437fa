"""`torch.utils._pytree`: nested containers, and the parts of torch's that libraries build upon."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from rushlight.utils import pytree
from rushlight.utils.pytree import *  # noqa: F403
from rushlight.utils.pytree import TreeSpec

PyTree = Context = Any
KeyPath = tuple[Any, ...]
SUPPORTED_NODES: dict[Any, Any] = {**pytree._kinds, namedtuple: pytree._named}


class MappingKey(NamedTuple):
    """Where a leaf lies in a dictionary."""

    key: Any


class SequenceKey(NamedTuple):
    """Where a leaf lies in a list."""

    idx: int


def LeafSpec() -> TreeSpec:
    """The structure of a leaf."""
    return TreeSpec(None, None, [])


def _get_node_type(tree: Any) -> Any:
    named = isinstance(tree, tuple) and hasattr(type(tree), "_fields")
    return namedtuple if named else type(tree)


def _is_leaf(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> bool:
    return (is_leaf is not None and is_leaf(tree)) or _get_node_type(tree) not in SUPPORTED_NODES


def _dict_flatten(d: dict[Any, Any]) -> tuple[list[Any], Any]:
    return list(d.values()), list(d)


def _dict_flatten_with_keys(d: dict[Any, Any]) -> tuple[list[tuple[MappingKey, Any]], Any]:
    return [(MappingKey(key), value) for key, value in d.items()], list(d)


def _dict_unflatten(values: Iterable[Any], context: Any) -> dict[Any, Any]:
    return dict(zip(context, values, strict=True))


def _list_flatten(d: list[Any]) -> tuple[list[Any], Any]:
    return d, None


def _list_flatten_with_keys(d: Sequence[Any]) -> tuple[list[tuple[SequenceKey, Any]], Any]:
    return [(SequenceKey(idx), value) for idx, value in enumerate(d)], None


_tuple_flatten_with_keys = _list_flatten_with_keys


def _list_unflatten(values: Iterable[Any], context: Any) -> list[Any]:
    return list(values)


def is_structseq_class(cls: type) -> bool:
    """Whether `cls` is a record of C's, as `time.struct_time`; our results are namedtuples."""
    return isinstance(cls, type) and issubclass(cls, tuple) and all(
        isinstance(getattr(cls, name, None), int)
        for name in ("n_fields", "n_sequence_fields", "n_unnamed_fields"))


def is_structseq_instance(obj: Any) -> bool:
    """Whether `obj` is such a record."""
    return is_structseq_class(type(obj))


def tree_is_leaf(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> bool:
    """Whether `tree` holds no others: it is of no kind that was registered."""
    return _is_leaf(tree, is_leaf)
