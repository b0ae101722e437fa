"""What is raised for a file that asks for more than tensors and plain containers."""

from __future__ import annotations

import pickle

LONGEST = 200  # characters of a file's text that a message repeats
PHRASE = "Weights only load failed. "


class Stop(Exception):
    """The pickle is at its end."""


class Outside(Exception):
    """An error of what the caller passed in, such as a function for `map_location`."""


def refused(why: str) -> pickle.UnpicklingError:
    """The error of `load(weights_only=True)` for a pickle that it does not read."""
    return pickle.UnpicklingError(
        f"{PHRASE}{why}. Nothing in the file was run. If you trust who made "
        "it, load(..., weights_only=False) runs whatever code it names")


def shown(value: object) -> str:
    """A number or text of a file in a message: never long, never of a type that could be deep."""
    if isinstance(value, str):
        return ascii(value[:LONGEST])[:2 * LONGEST]
    if isinstance(value, int):
        return str(value) if -(2**128) < value < 2**128 else "a number beyond 128 bits"
    return f"a value of type {type(value).__name__}"
