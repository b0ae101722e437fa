"""Hooks that decide how what backward needs is kept meanwhile: elsewhere, smaller, recomputed.

While a hook is active anywhere, `Node.saved` is a property: what a node is given to keep goes
through `pack_hook`, and the node becomes one that asks `unpack_hook` for it. Outside nothing is
different, so recording costs nothing more. A `Keeper` is given all that a node keeps at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Protocol

from rushlight.autograd.function import FunctionNode
from rushlight.base.flags import flags
from rushlight.engine.node import COUNT, Node
from rushlight.families.saved_values import places, tensor_at
from rushlight.tensor import Tensor

Hooks = tuple[Callable[[Tensor], Any], Callable[[Any], Tensor]]
SLOT: Any = Node.__dict__["saved"]  # where a node keeps what it saved, hooks or not
_lock = threading.Lock()
_active = 0  # blocks that are open in all threads
_classes: dict[type[Node], type[Node]] = {}


class Keeper(Protocol):
    """Decides what nodes keep while `keeping` has it active."""

    def save(self, node: Node, value: Any) -> Any:
        """What is kept where the node is given `value` to keep."""


class State(threading.local):
    """What is active in the running thread."""

    hooks: tuple[Hooks | Keeper, ...] = ()  # the innermost last
    refusal: str | None = None


_state = State()


class Packed:
    """A saved tensor as `pack_hook` left it."""

    __slots__ = ("content", "unpack")

    def __init__(self, content: Any, unpack: Callable[[Any], Tensor]) -> None:
        self.content, self.unpack = content, unpack

    def tensor(self) -> Tensor:
        """What `unpack_hook` makes of it."""
        made = self.unpack(self.content)
        if not isinstance(made, Tensor):
            raise TypeError("Output of saved tensor unpack_hook expected to be a Tensor but got "
                            f"result of type {type(made).__name__}")
        return made


def _save(node: Node, value: Any) -> None:
    """What `node.saved = value` does while hooks are active somewhere."""
    hooks = _state.hooks[-1] if _state.hooks else None
    if isinstance(hooks, tuple):
        if type(value) is tuple and (isinstance(node, FunctionNode) or places(node, value)):
            value = _packed(node, value, hooks)
            node.__class__ = _packing(type(node))
    elif hooks is not None:
        value = hooks.save(node, value)
    SLOT.__set__(node, value)


def _packed(node: Node, saved: tuple[Any, ...], hooks: Hooks) -> tuple[Any, ...]:
    """The entries with their tensors packed: recording is off while the hook runs."""
    pack, unpack = hooks
    recording, flags.grad_enabled = flags.grad_enabled, False
    entries = list(saved)
    try:
        if isinstance(node, FunctionNode):
            for i, entry in enumerate(saved):
                tensor = node._unpack(entry)
                if tensor is not None:
                    entries[i] = Packed(pack(tensor), unpack)
        else:
            for place in places(node, saved):
                entries[place.value] = Packed(pack(tensor_at(node, saved, place)), unpack)
                entries[place.version:place.version + 2] = [0, None, None], 0
    finally:
        flags.grad_enabled = recording
    return tuple(entries)


def _load(node: Node) -> Any:
    """What `node.saved` is for a node that was recorded while hooks were active."""
    saved = SLOT.__get__(node)
    if not saved:
        return saved
    entries = list(saved)
    if isinstance(node, FunctionNode):
        for i, entry in enumerate(saved):
            if isinstance(entry, Packed):
                entries[i] = (entry.tensor(), 0, [0, None, None], None)
        return tuple(entries)
    index = hasattr(getattr(node, "op", None), "saves") and not hasattr(node, "variant")
    for i, entry in enumerate(saved):
        if isinstance(entry, Packed):
            entries[i] = entry.tensor() if index else entry.tensor()._array
    return tuple(entries)


def _packing(kind: type[Node]) -> type[Node]:
    """The class of nodes like `kind` whose saved tensors are packed; it has the same name."""
    if kind not in _classes:
        members = {"__slots__": (), "__module__": kind.__module__,
                   "saved": property(_load, SLOT.__set__)}
        _classes[kind] = type(kind.__name__, (kind,), members)
    return _classes[kind]


class saved_tensors_hooks:  # noqa: N801
    """Within the block, what backward needs is kept as `pack_hook(tensor)`.

    pack_hook: gets every tensor that an operation saves; returns anything. unpack_hook: makes of
    that a tensor of the same values, whenever the gradient or `grad_fn._saved_...` asks.
    The innermost block decides. Raises RuntimeError where hooks are disabled.

    >>> import rushlight as rl
    >>> x = rl.tensor([1., 2.], requires_grad=True)
    >>> with rl.autograd.graph.saved_tensors_hooks(lambda t: t.numpy(), rl.from_numpy):
    ...     y = x.detach().exp() * x
    >>> y.sum().backward(); x.grad
    tensor([2.7183, 7.3891])
    """

    def __init__(self, pack_hook: Callable[[Tensor], Any],
                 unpack_hook: Callable[[Any], Tensor]) -> None:
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook

    def __enter__(self) -> None:
        _push((self.pack_hook, self.unpack_hook))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        _pop()


@contextmanager
def keeping(keeper: Keeper) -> Iterator[None]:
    """Within the block, `keeper` decides what nodes keep, unless hooks further in do.

    Raises RuntimeError where hooks are disabled.
    """
    _push(keeper)
    try:
        yield
    finally:
        _pop()


def innermost() -> Hooks | Keeper | None:
    """What decides now how values are kept."""
    return _state.hooks[-1] if _state.hooks else None


def _push(hooks: Hooks | Keeper) -> None:
    if _state.refusal is not None:
        raise RuntimeError(_state.refusal)
    _state.hooks = (*_state.hooks, hooks)
    _count(1)


def _pop() -> None:
    _state.hooks = _state.hooks[:-1]
    _count(-1)


def _count(change: int) -> None:
    """Switch the property of nodes on with the first block and off with the last."""
    global _active
    with _lock:
        _active += change
        if _active == change == 1:
            Node.saved = property(SLOT.__get__, _save)
        elif _active == 0:
            Node.saved = SLOT


class save_on_cpu(saved_tensors_hooks):  # noqa: N801
    """Within the block, what backward needs is kept in the machine's memory.

    It is there already, so it is kept as it is. pin_memory and device_type have no effect.

    >>> import rushlight as rl
    >>> x = rl.ones(2, requires_grad=True)
    >>> with rl.autograd.graph.save_on_cpu(pin_memory=True):
    ...     y = (x * x).sum()
    >>> y.backward(); x.grad
    tensor([2., 2.])
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(lambda x: x, lambda x: x)


@contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Within the block, opening a block of hooks raises RuntimeError with this message.

    Raises RuntimeError where hooks are active already.
    """
    if _state.hooks:
        raise RuntimeError(error_message)
    before, _state.refusal = _state.refusal, error_message
    try:
        yield
    finally:
        _state.refusal = before


def increment_version(tensor: Tensor | list[Tensor] | tuple[Tensor, ...]) -> None:
    """Count a write that was made behind autograd's back, so that backward notices it.

    >>> import rushlight as rl
    >>> x = rl.ones(2); rl.autograd.graph.increment_version(x); x._version
    1
    """
    for one in [tensor] if isinstance(tensor, Tensor) else tensor:
        if one._writes is None:
            one._writes = [0, None, None]
        one._writes[COUNT] += 1
