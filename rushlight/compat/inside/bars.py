"""`torch.hub.tqdm`: the progress bar that torch's examples import from there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any


class Quiet:
    """Stands for a bar where tqdm is not installed: walks along, counts, and shows nothing."""

    def __init__(self, iterable: Iterable[Any] | None = None, total: float | None = None,
                 **options: Any) -> None:
        self.iterable, self.total, self.n = iterable, total, 0.0

    def __iter__(self) -> Iterator[Any]:
        for item in self.iterable or ():
            yield item
            self.n += 1

    def update(self, n: float = 1) -> None:
        """Count `n` more."""
        self.n += n

    def set_description(self, *arguments: Any, **options: Any) -> None:
        """Shown nowhere."""

    set_description_str = set_postfix = set_postfix_str = refresh = close = set_description

    def __enter__(self) -> Quiet:
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()


def __getattr__(name: str) -> Any:
    if name != "tqdm":
        raise AttributeError(name)
    try:
        from tqdm import tqdm
    except ImportError:
        return Quiet
    return tqdm
