"""Whether 3x3 convolutions may be computed with fewer products than their definition has.

Winograd's F(2x2, 3x3) takes 16 products where a direct convolution takes 36, and rounds a little
differently: the largest error stays within 4 times that of the direct form. To have the latter:

>>> import rushlight as rl
>>> with rl.backends.winograd.flags(enabled=False):
...     rl.conv2d(rl.ones(1, 1, 4, 4), rl.ones(1, 1, 3, 3)).sum()
tensor(36.)

or set `rl.backends.winograd.enabled = False` for good.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

enabled = True


@contextmanager
def flags(enabled: bool = False) -> Iterator[None]:
    """A block in which `enabled` is as given."""
    before = globals()["enabled"]
    globals()["enabled"] = enabled
    try:
        yield
    finally:
        globals()["enabled"] = before
