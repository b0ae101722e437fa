"""Handles of registered hooks."""

from __future__ import annotations

import itertools
import warnings
import weakref
from collections.abc import MutableMapping
from typing import Any

_ids = itertools.count()


class RemovableHandle:
    """What registering a hook returns: `remove()` takes the hook away again.

    Args:
        hooks_dict: the table that the hook stands in, under the handle's `id`.
        extra_dict: further tables (or a list of them) to take the same `id` from.

    As a context manager it removes the hook at the end of the block.
    """

    __slots__ = ("__weakref__", "extra_dict_ref", "hooks_dict_ref", "id")

    def __init__(self, hooks_dict: MutableMapping[int, Any], *, extra_dict: Any = None) -> None:
        self.hooks_dict_ref = _reference(hooks_dict)
        self.id: int = next(_ids)
        extra = [] if extra_dict is None else extra_dict
        tables = extra if isinstance(extra, list) else [extra]
        self.extra_dict_ref = tuple(map(_reference, tables))

    def remove(self) -> None:
        """Take the hook away; a second call does nothing."""
        for reference in (self.hooks_dict_ref, *self.extra_dict_ref):
            table = reference()
            if table is not None:
                table.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()

    def __getstate__(self) -> tuple[Any, ...]:
        # A copy made by pickling holds on to the copied tables, which travel beside it.
        return (self.hooks_dict_ref(), self.id, tuple(r() for r in self.extra_dict_ref))

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        hooks, self.id, extra = state
        self.hooks_dict_ref = _reference({} if hooks is None else hooks)
        self.extra_dict_ref = tuple(_reference({} if t is None else t) for t in extra)


def _reference(table: MutableMapping[int, Any]) -> Any:
    """A weak reference, so that a handle does not keep a module alive; plain dicts allow none."""
    try:
        return weakref.ref(table)
    except TypeError:
        return lambda: table


def warn_if_has_hooks(tensor: Any) -> None:
    """Warn that hooks of a non-leaf tensor are lost when it is serialised."""
    hooks = getattr(tensor, "_backward_hooks", None)
    if hooks:
        for key, hook in hooks.items():
            if not hasattr(hook, "__torch_unserializable__"):
                warnings.warn(
                    f"backward hook {hook!r} on tensor will not be serialized. If this is "
                    "expected, decorate the function with @torch.utils.hooks.unserializable_hook "
                    f"to suppress this warning (hook {key})",
                    stacklevel=2,
                )


def unserializable_hook(function: Any) -> Any:
    """Mark `function`, a hook, as one that is silently dropped when its tensor is serialised."""
    function.__torch_unserializable__ = True
    return function
