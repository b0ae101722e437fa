"""What layers make of their sizes: `torch.nn.modules.utils`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Any


def _ntuple(count: int, name: str = "parse") -> Callable[[Any], tuple[Any, ...]]:
    def parse(value: Any) -> tuple[Any, ...]:
        return tuple(value) if isinstance(value, Iterable) else tuple(repeat(value, count))

    parse.__name__ = name
    return parse


_single = _ntuple(1, "_single")
_pair = _ntuple(2, "_pair")
_triple = _ntuple(3, "_triple")
_quadruple = _ntuple(4, "_quadruple")


def _reverse_repeat_tuple(values: Sequence[Any], times: int) -> tuple[Any, ...]:
    return tuple(value for value in reversed(values) for _ in range(times))


def _list_with_default(size: Sequence[int | None], default: Sequence[int]) -> list[int]:
    if len(default) <= len(size):
        raise ValueError(f"Input dimension should be at least {len(size) + 1}")
    ends = default[-len(size):]
    return [end if value is None else value for value, end in zip(size, ends, strict=True)]


def consume_prefix_in_state_dict_if_present(state_dict: dict[str, Any], prefix: str) -> None:
    """Take `prefix`, such as "module." of DataParallel, off the keys of `state_dict`, in place."""
    for key in [key for key in state_dict if key.startswith(prefix)]:
        state_dict[key.removeprefix(prefix)] = state_dict.pop(key)
    metadata = getattr(state_dict, "_metadata", None) or {}
    for key in list(metadata):
        if key.startswith(prefix) or key == prefix.rstrip("."):
            metadata[key[len(prefix):]] = metadata.pop(key)
