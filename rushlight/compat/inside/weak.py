"""`torch.utils.weak`: dictionaries whose keys are objects themselves, not what they equal."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, MutableMapping
from typing import Any

__all__ = ["TensorWeakRef", "WeakIdKeyDictionary", "WeakIdRef", "WeakTensorKeyDictionary"]


class WeakIdRef(weakref.ref):  # type: ignore[type-arg]
    """A weak reference that equals another of the same object, and hashes by identity."""

    __slots__ = ("_id",)

    def __init__(self, key: Any, callback: Any = None) -> None:
        super().__init__(key, callback)  # type: ignore[call-arg]
        self._id = id(key)

    def __hash__(self) -> int:
        return self._id

    def __eq__(self, other: object) -> bool:
        mine = self()
        theirs = other() if isinstance(other, WeakIdRef) else None
        return self is other if mine is None or theirs is None else mine is theirs


class WeakIdKeyDictionary(MutableMapping[Any, Any]):
    """A dictionary by identity; an entry goes when its key does."""

    def __init__(self, dict: Any = None, ref_type: type[WeakIdRef] = WeakIdRef) -> None:
        self.data: dict[WeakIdRef, Any] = {}
        self.update(dict or {})

    def __getitem__(self, key: Any) -> Any:
        return self.data[WeakIdRef(key)]

    def __setitem__(self, key: Any, value: Any) -> None:
        own = weakref.ref(self)

        def remove(reference: WeakIdRef) -> None:
            mapping = own()
            if mapping is not None:
                mapping.data.pop(reference, None)

        self.data[WeakIdRef(key, remove)] = value

    def __delitem__(self, key: Any) -> None:
        del self.data[WeakIdRef(key)]

    def __iter__(self) -> Iterator[Any]:
        return iter([key for key in (ref() for ref in list(self.data)) if key is not None])

    def __len__(self) -> int:
        return len(self.data)


TensorWeakRef = weakref.ref
WeakTensorKeyDictionary = WeakIdKeyDictionary
