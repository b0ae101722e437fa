"""Python's collector of cycles, kept from searching what cannot be garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collections() -> Iterator[None]:
    """A block without collections, whose objects are afterwards as old as any.

    Importing makes a hundred thousand objects that stay; the collector would go through them
    again and again, for a sixth of the time that importing takes.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():  # else this would thaw what the program has frozen
            gc.freeze()
            gc.unfreeze()  # into the oldest generation, without a look at any object
        gc.enable()
