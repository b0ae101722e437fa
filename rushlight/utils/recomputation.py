"""Graphs whose nodes keep nothing: what backward needs of them is computed again when it asks.

The graph of a checkpointed function stays; instead of the values that its nodes save they keep
a place in the order in which values are saved. Backward's first question runs the function
again, which saves in the same order, and answers all of them.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any
from weakref import WeakKeyDictionary, ref

import numpy as np

from rushlight.autograd.function import FunctionNode
from rushlight.autograd.saved_tensors import SLOT, innermost, keeping
from rushlight.engine.node import Node
from rushlight.engine.run import Run, current
from rushlight.families.saved_values import places
from rushlight.tensor import Tensor
from rushlight.utils.checkpoint_settings import CheckpointError, Surroundings

_classes: dict[type[Node], type[Node]] = {}


class _Enough(Exception):
    """Everything that backward needs has been saved again."""


class Place:
    """What is kept instead of values: their place among all that the function saves."""

    __slots__ = ("__weakref__", "index", "outline", "owner")

    def __init__(self, owner: Recomputation, index: int, outline: tuple[Any, ...]) -> None:
        self.owner, self.index, self.outline = owner, index, outline

    def value(self) -> Any:
        """What was saved there, when the function ran again for the present run backwards."""
        found = self.owner.found(current.run)
        if self not in found:
            raise CheckpointError("torch.utils.checkpoint: what is asked for was not saved when "
                                  "the function ran again; it has to do the same again")
        return found[self]


class Recomputation:
    """A call of a checkpointed function, and what it saves when it runs again."""

    def __init__(self, function: Callable[..., Any], kwargs: dict[str, Any],
                 surroundings: Surroundings, early_stop: bool, metadata: bool,
                 debug: bool) -> None:
        self.function, self.kwargs, self.surroundings = function, kwargs, surroundings
        self.early_stop, self.metadata, self.debug = early_stop, metadata, debug
        self.running = True  # the first time
        self.saved: list[tuple[ref[Place], list[dict[str, Any]]]] = []
        self.values: WeakKeyDictionary[Run, MutableMapping[Place, Any]] = WeakKeyDictionary()
        self.args: Any = ()  # or their place among what a checkpoint around this one saves

    def run(self, args: tuple[Any, ...], context: Any) -> Any:
        """The function's result, of whose graph nothing is kept."""
        outside = innermost()
        own = isinstance(outside, Recomputation | _Again)
        self.args = outside.keep(args) if own else args  # type: ignore[union-attr]
        raised = False
        with keeping(self), context:
            try:
                result = self.function(*args, **self.kwargs)
            except BaseException:
                raised = True
                raise
            finally:
                self.running = False
        if raised:
            raise RuntimeError("torch.utils.checkpoint: the forward context provided by context_fn "
                               "suppressed an exception raised by the function")
        return result

    def keep(self, value: tuple[Any, ...]) -> Place:
        """The next place, for `value`."""
        return self._place(value, _of_arguments(value))

    def save(self, node: Node, value: Any) -> Any:
        """What a node of the function keeps instead of `value`."""
        tensors = _of_node(node, value)
        if tensors is None:
            return value
        place = self._place(value, tensors)
        node.__class__ = _recomputed(type(node))
        return place

    def _place(self, value: tuple[Any, ...], tensors: list[dict[str, Any]]) -> Place:
        place = Place(self, len(self.saved), tuple([_outline(x) for x in value]))
        self.saved.append((ref(place), tensors))
        return place

    def found(self, run: Run | None) -> MutableMapping[Place, Any]:
        """What every place stands for; it lives as long as the run backwards that asks."""
        known = None if run is None else self.values.get(run)
        if known is not None:
            return known
        again = _Again(self)
        args = self.args.value() if isinstance(self.args, Place) else self.args
        try:
            with keeping(again), self.surroundings.again():
                self.function(*args, **self.kwargs)
        except _Enough:
            pass
        if run is not None:
            self.values[run] = again.found
        if not again.ignore:
            before = [x for _, tensors in self.saved for x in tensors]
            compare(before, again.tensors, self.metadata, self.debug)
        return again.found


class _Again:
    """Gathers what the function saves when it runs again."""

    def __init__(self, owner: Recomputation) -> None:
        self.owner = owner
        self.count, self.ignore = 0, False
        self.found: WeakKeyDictionary[Place, Any] = WeakKeyDictionary()
        self.tensors: list[dict[str, Any]] = []

    def keep(self, value: tuple[Any, ...]) -> tuple[Any, ...]:
        """`value` itself, gathered."""
        self._gather(value, _of_arguments(value))
        return value

    def save(self, node: Node, value: Any) -> Any:
        """What the node is given, gathered."""
        tensors = _of_node(node, value)
        if tensors is not None:
            self._gather(value, tensors)
        return value

    def _gather(self, value: tuple[Any, ...], tensors: list[dict[str, Any]]) -> None:
        owner, index = self.owner, self.count
        self.count += 1
        self.tensors += tensors
        if index >= len(owner.saved):
            if owner.running:  # a run backwards inside the function: it has not saved all yet
                self.ignore = True
                return
            before = [x for _, known in owner.saved for x in known]
            compare(before, self.tensors, owner.metadata, owner.debug)
            return
        place = owner.saved[index][0]()
        if place is not None:  # something may still ask
            if len(place.outline) != len(value):
                raise CheckpointError(
                    f"{DIFFERENT}\nat position {index} another operation saved its values{TIP}")
            self.found[place] = value
        if owner.early_stop and self.count == len(owner.saved):
            raise _Enough


def _recomputed(kind: type[Node]) -> type[Node]:
    """The class of nodes like `kind` that keep places; it has the same name."""
    if kind not in _classes:
        members = {"__slots__": (), "__module__": kind.__module__,
                   "saved": property(_load, SLOT.__set__), "kept": _kept}
        _classes[kind] = type(kind.__name__, (kind,), members)
    return _classes[kind]


def _load(node: Node) -> Any:
    """What `node.saved` is."""
    saved = SLOT.__get__(node)
    return saved.value() if type(saved) is Place else saved


def _kept(node: Node) -> Any:
    """What `node.saved` is, its arrays replaced by ones of their shapes without memory."""
    saved = SLOT.__get__(node)
    return saved.outline if type(saved) is Place else saved


def _holds_arrays(value: Any) -> bool:
    """Whether there is one in nested tuples, numbers aside."""
    if isinstance(value, tuple | list):
        return any(map(_holds_arrays, value))
    return isinstance(value, Tensor) or (isinstance(value, np.ndarray) and value.ndim > 0)


def _outline(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return np.broadcast_to(np.empty((), value.dtype), value.shape)
    return None if isinstance(value, Tensor | tuple) and _holds_arrays(value) else value


def _described(shape: Any, dtype: Any, name: str) -> dict[str, Any]:
    return {"shape": tuple(shape), "dtype": dtype, "device": "cpu", "saved by": name}


def _of_node(node: Node, value: Any) -> list[dict[str, Any]] | None:
    """What can be compared of the tensors that a node saves; None where it saves no arrays."""
    if type(value) is not tuple:
        return None
    name = type(node).__name__
    if isinstance(node, FunctionNode):
        return [_described(x[0].shape, x[0].dtype, name) for x in value if x is not None] or None
    found = [_described(x.shape, x.dtype, name)
             for x in (value[place.value] for place in places(node, value))]
    return found if found or _holds_arrays(value) else None


def _of_arguments(value: tuple[Any, ...]) -> list[dict[str, Any]]:
    return [_described(x.shape, x.dtype, "checkpoint") for x in value if isinstance(x, Tensor)]


DIFFERENT = ("torch.utils.checkpoint: Recomputed values for the following tensors have different "
             "metadata than during the forward pass.")
TIP = "\nPass debug=True to checkpoint() to see all of them."


def compare(before: list[dict[str, Any]], now: list[dict[str, Any]], metadata: bool,
            debug: bool) -> None:
    """Raise CheckpointError unless the same was saved; metadata: shapes and dtypes, too."""
    listed = "" if not debug else "".join(
        f"\n{when}:" + "".join(f"\n  {k}: {x}" for k, x in enumerate(kept))
        for when, kept in (("saved during forward", before), ("saved during recomputation", now)))
    tip = listed or TIP
    if len(now) > len(before):
        raise CheckpointError(
            "torch.utils.checkpoint: trying to save more tensors during recomputation than during "
            f"the original forward pass: {len(now)} instead of {len(before)}; the function has to "
            f"do the same again.{tip}")
    if len(now) < len(before):
        raise CheckpointError(
            "torch.utils.checkpoint: A different number of tensors was saved during the original "
            f"forward and recomputation.\nNumber of tensors saved during forward: {len(before)}\n"
            f"Number of tensors saved during recomputation: {len(now)}{tip}")
    changed = [(k, a, b) for k, (a, b) in enumerate(zip(before, now, strict=True))
               if (a["shape"], a["dtype"]) != (b["shape"], b["dtype"])]
    if metadata and changed:
        raise CheckpointError(DIFFERENT + "".join(
            f"\ntensor at position {k}:\nsaved metadata: {a}\nrecomputed metadata: {b}"
            for k, a, b in changed) + tip)
