"""Nested containers of values: take them apart, map over them, put them together again.

Containers are tuples, named tuples, lists, dictionaries (also ordered and default ones), deques,
and the classes given to `register`; everything else, None included, is a leaf.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from rushlight.base.structure import Structure

__all__ = [
    "TreeSpec",
    "register",
    "register_pytree_node",
    "tree_all",
    "tree_any",
    "tree_flatten",
    "tree_iter",
    "tree_leaves",
    "tree_map",
    "tree_map_",
    "tree_map_only",
    "tree_structure",
    "tree_unflatten",
]

IsLeaf = Callable[[Any], bool] | None


class _Kind(NamedTuple):
    flatten_fn: Callable[[Any], tuple[Iterable[Any], Any]]  # the children, what else to remember
    unflatten_fn: Callable[[Iterable[Any], Any], Any]


_kinds: dict[type, _Kind] = {}


def register(
    cls: type,
    flatten_fn: Callable[[Any], tuple[Iterable[Any], Any]],
    unflatten_fn: Callable[[Iterable[Any], Any], Any],
    **_: Any,
) -> None:
    """Make a class a container.

    Args:
        flatten_fn: from an instance to its children and a context, which must compare equal for
            equal structures.
        unflatten_fn: from children and context to an instance.

    Raises ValueError for a class that is registered already.
    """
    if cls in _kinds:
        raise ValueError(f"{cls} is already registered as pytree node")
    _kinds[cls] = _Kind(flatten_fn, unflatten_fn)


register_pytree_node = register

register(tuple, lambda x: (x, None), lambda children, _: tuple(children))
register(list, lambda x: (x, None), lambda children, _: list(children))
register(dict, lambda x: (x.values(), list(x)),
         lambda children, keys: dict(zip(keys, children, strict=True)))
register(OrderedDict, lambda x: (x.values(), list(x)),
         lambda children, keys: OrderedDict(zip(keys, children, strict=True)))
register(defaultdict, lambda x: (x.values(), (x.default_factory, list(x))),
         lambda children, kept: defaultdict(kept[0], zip(kept[1], children, strict=True)))
register(deque, lambda x: (x, x.maxlen), lambda children, length: deque(children, length))
_named = _Kind(lambda x: (x, type(x)), lambda children, cls: cls(*children))


def _kind_of(tree: Any) -> _Kind | None:
    kind = _kinds.get(type(tree))
    if kind is None and isinstance(tree, tuple) and (
            hasattr(type(tree), "_fields") or isinstance(tree, Structure)):
        return _named
    return kind


class TreeSpec:
    """The structure of a tree without its leaves; equal structures compare equal."""

    __slots__ = ("children_specs", "context", "num_leaves", "type")

    num_leaves: int

    def __init__(self, type: Any, context: Any, children_specs: list[TreeSpec]) -> None:
        self.type, self.context, self.children_specs = type, context, children_specs
        self.num_leaves = 1 if type is None else sum(c.num_leaves for c in children_specs)

    def is_leaf(self) -> bool:
        """Whether the tree is a single leaf."""
        return self.type is None

    def __eq__(self, other: object) -> bool:
        return (isinstance(other, TreeSpec) and self.type is other.type
                and self.context == other.context
                and self.children_specs == other.children_specs)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        if self.type is None:
            return "*"
        return f"TreeSpec({self.type.__name__}, {self.context}, {self.children_specs})"


def tree_flatten(tree: Any, is_leaf: IsLeaf = None) -> tuple[list[Any], TreeSpec]:
    """The leaves in order, and the structure.

    is_leaf: a function that says True where a container is to be taken as a leaf.

    >>> from rushlight.utils.pytree import tree_flatten, tree_unflatten
    >>> leaves, spec = tree_flatten({"a": 1, "b": [2, (3,)]})
    >>> leaves, tree_unflatten([10, 20, 30], spec)
    ([1, 2, 3], {'a': 10, 'b': [20, (30,)]})
    """
    leaves: list[Any] = []
    return leaves, _collect(tree, leaves, is_leaf)


def _collect(tree: Any, leaves: list[Any], is_leaf: IsLeaf) -> TreeSpec:
    kind = None if is_leaf is not None and is_leaf(tree) else _kind_of(tree)
    if kind is None:
        leaves.append(tree)
        return TreeSpec(None, None, [])
    children, context = kind.flatten_fn(tree)
    return TreeSpec(type(tree), context, [_collect(c, leaves, is_leaf) for c in children])


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> Any:
    """The tree of a structure with these leaves.

    Raises ValueError for another number of leaves, TypeError for other than a TreeSpec.
    """
    if not isinstance(treespec, TreeSpec):
        raise TypeError("tree_unflatten(leaves, treespec): Expected `treespec` to be instance of "
                        f"TreeSpec but got item of type {type(treespec)}.")
    leaves = list(leaves)
    if len(leaves) != treespec.num_leaves:
        raise ValueError(
            f"treespec.unflatten_fn(leaves): `leaves` has length {len(leaves)} but the spec refers "
            f"to a pytree that holds {treespec.num_leaves} items ({treespec})."
        )
    return _build(iter(leaves), treespec)


def _build(leaves: Iterator[Any], spec: TreeSpec) -> Any:
    if spec.type is None:
        return next(leaves)
    kind = _kinds.get(spec.type, _named)
    return kind.unflatten_fn([_build(leaves, child) for child in spec.children_specs], spec.context)


def tree_map(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: IsLeaf = None) -> Any:
    """The tree of `func(leaf, *leaves of the rests)`; all have the structure of the first.

    Raises ValueError where a structure differs.

    >>> from rushlight.utils.pytree import tree_map
    >>> tree_map(lambda a, b: a + b, {"x": 1, "y": (2, 3)}, {"x": 10, "y": (20, 30)})
    {'x': 11, 'y': (22, 33)}
    """
    leaves, spec = tree_flatten(tree, is_leaf)
    columns = [leaves]
    for rest in rests:
        other, other_spec = tree_flatten(rest, is_leaf)
        if other_spec != spec:
            raise ValueError(f"Node type mismatch; the trees have other structures: {spec} and "
                             f"{other_spec}")
        columns.append(other)
    return tree_unflatten([func(*values) for values in zip(*columns, strict=True)], spec)


def tree_map_(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: IsLeaf = None) -> Any:
    """Call `func` as `tree_map` does, for its effect; returns the tree."""
    tree_map(func, tree, *rests, is_leaf=is_leaf)
    return tree


def tree_map_only(
    type_or_predicate: Any, func: Callable[[Any], Any], tree: Any, is_leaf: IsLeaf = None
) -> Any:
    """The tree with `func` of the leaves of a type (or types, or for which a predicate holds)."""
    def chosen(leaf: Any) -> bool:
        if callable(type_or_predicate) and not isinstance(type_or_predicate, type):
            return bool(type_or_predicate(leaf))
        return isinstance(leaf, type_or_predicate)

    return tree_map(lambda leaf: func(leaf) if chosen(leaf) else leaf, tree, is_leaf=is_leaf)


def tree_leaves(tree: Any, is_leaf: IsLeaf = None) -> list[Any]:
    """The leaves in order."""
    return tree_flatten(tree, is_leaf)[0]


def tree_iter(tree: Any, is_leaf: IsLeaf = None) -> Iterator[Any]:
    """Iterate over the leaves in order."""
    return iter(tree_flatten(tree, is_leaf)[0])


def tree_structure(tree: Any, is_leaf: IsLeaf = None) -> TreeSpec:
    """The structure without the leaves."""
    return tree_flatten(tree, is_leaf)[1]


def tree_all(predicate: Callable[[Any], bool], tree: Any, is_leaf: IsLeaf = None) -> bool:
    """Whether `predicate` holds for every leaf."""
    return all(map(predicate, tree_leaves(tree, is_leaf)))


def tree_any(predicate: Callable[[Any], bool], tree: Any, is_leaf: IsLeaf = None) -> bool:
    """Whether `predicate` holds for some leaf."""
    return any(map(predicate, tree_leaves(tree, is_leaf)))
