"""`torch.utils.flop_counter`: operations are not counted here; the profiler times them."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["FlopCounterMode", "register_flop_formula"]


class FlopCounterMode:
    """Raises NotImplementedError when it is to count."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.options = options

    def __enter__(self) -> NoReturn:
        raise NotImplementedError("FlopCounterMode: operations are not counted; "
                                  "torch.profiler.profile() times them")

    def get_flop_counts(self) -> dict[str, dict[Any, int]]:
        """What was counted: nothing."""
        return {}

    def __exit__(self, *error: Any) -> None:
        """Nothing was counted."""


def register_flop_formula(targets: Any, get_raw: bool = False) -> Any:
    """Decorator: the function as it is."""
    return lambda function: function
