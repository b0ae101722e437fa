"""Nested containers: apart, mapped, together again."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque, namedtuple
from typing import Any

import pytest

import rushlight as rl
from rushlight.utils import pytree

Point = namedtuple("Point", "x y")


@pytest.mark.parametrize("tree", [
    3, None, (), [], {}, (1, [2, {"a": 3}]), Point(1, (2, 3)), OrderedDict(b=1, a=[2]),
    {"z": 1, "a": {"k": (2, None)}}, deque([1, 2], maxlen=5), defaultdict(list, a=[1]),
])
def test_there_and_back(tree: Any) -> None:
    leaves, spec = pytree.tree_flatten(tree)
    again = pytree.tree_unflatten(leaves, spec)
    assert again == tree and type(again) is type(tree)
    assert spec == pytree.tree_structure(again) and spec.num_leaves == len(leaves)
    assert pytree.tree_map(lambda x: x, tree) == tree


def test_leaves_keep_their_order() -> None:
    assert pytree.tree_leaves({"z": 1, "a": (2, [3, None])}) == [1, 2, 3, None]
    assert list(pytree.tree_iter(deque([1, (2,)]))) == [1, 2]


def test_maps() -> None:
    tree = {"a": rl.ones(2), "b": [2, "text"]}
    doubled = pytree.tree_map_only(rl.Tensor, lambda t: 2 * t, tree)
    assert doubled["a"].tolist() == [2.0, 2.0] and doubled["b"] == [2, "text"]
    assert pytree.tree_map(lambda a, b: a + b, (1, [2]), (10, [20])) == (11, [22])
    lists = pytree.tree_map(len, [[1, 2], [3]], is_leaf=lambda x: x == [1, 2] or x == [3])
    assert lists == [2, 1]
    top = rl.tensor([[3.0, 1.0]]).max(1)
    assert pytree.tree_map(lambda t: t.tolist(), top) == ([3.0], [0])
    assert pytree.tree_all(lambda x: x > 0, [1, (2,)])
    assert pytree.tree_any(lambda x: x > 1, [1, (2,)])


def test_classes_of_ones_own() -> None:
    class Pair:
        def __init__(self, first: Any, second: Any) -> None:
            self.first, self.second = first, second

    pytree.register(Pair, lambda p: ((p.first, p.second), None), lambda c, _: Pair(*c))
    mapped = pytree.tree_map(lambda x: -x, {"p": Pair(1, (2,))})["p"]
    assert (mapped.first, mapped.second) == (-1, (-2,))
    with pytest.raises(ValueError, match="already registered as pytree node"):
        pytree.register(Pair, lambda p: ((), None), lambda c, _: None)


def test_errors() -> None:
    _, spec = pytree.tree_flatten([1, 2])
    with pytest.raises(ValueError, match="`leaves` has length 1 but the spec refers to a pytree"):
        pytree.tree_unflatten([1], spec)
    with pytest.raises(TypeError, match="Expected `treespec` to be instance of TreeSpec"):
        pytree.tree_unflatten([1], [1])
    with pytest.raises(ValueError, match="Node type mismatch"):
        pytree.tree_map(max, [1], (1,))
