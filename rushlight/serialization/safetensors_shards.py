"""Models in several safetensors files, with an index that says which file has which tensor."""

from __future__ import annotations

import json
import os
from typing import Any

from rushlight.serialization.atomic import Path
from rushlight.serialization.safetensors_file import LONGEST_HEADER, load_file
from rushlight.tensor import Tensor


def load_sharded(filename: Path, *, mmap: bool = True) -> dict[str, Tensor]:
    """The tensors of a model in several safetensors files, by name; nothing is copied.

    Args:
        filename: of the index, such as "model.safetensors.index.json", whose "weight_map" says
            which file has which tensor. The files lie beside it.
        mmap: as of `load_file`.

    Raises:
        FileNotFoundError: the index, or one of the files, is not there.
        RuntimeError: the index cannot be read, leads out of its folder, or names tensors that are
            not in the file that it gives.

    >>> import json, os, tempfile
    >>> import rushlight as rl
    >>> from rushlight.serialization import load_sharded, save_file
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_file({"a": rl.ones(1)}, os.path.join(folder, "1.safetensors"))
    ...     save_file({"b": rl.ones(2)}, os.path.join(folder, "2.safetensors"))
    ...     index = os.path.join(folder, "model.safetensors.index.json")
    ...     with open(index, "w") as file:
    ...         json.dump({"weight_map": {"a": "1.safetensors", "b": "2.safetensors"}}, file)
    ...     load_sharded(index)
    {'a': tensor([1.]), 'b': tensor([1., 1.])}
    """
    places = _places(filename)
    folder = os.path.dirname(os.fspath(filename))
    shards = {name: load_file(os.path.join(folder, name), mmap=mmap)
              for name in dict.fromkeys(places.values())}
    missing = [name for name, place in places.items() if name not in shards[place]]
    if missing:
        raise _broken(filename, f"{missing[0]!r} is not in {places[missing[0]]!r}")
    return {name: shards[place][name] for name, place in places.items()}


def _places(filename: Path) -> dict[str, str]:
    """The file of each tensor: names of files in the index's own folder."""
    with open(filename, "rb") as file:
        text = file.read(LONGEST_HEADER + 1)
    if len(text) > LONGEST_HEADER:
        raise _broken(filename, f"it is longer than {LONGEST_HEADER} bytes")
    try:
        index: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _broken(filename, f"it cannot be read ({error})") from None
    places = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(places, dict) or not all(isinstance(v, str) for v in places.values()):
        raise _broken(filename, "it has no \"weight_map\" from names to files")
    for place in places.values():
        if not place or place in (".", "..") or any(mark in place for mark in "/\\\0:"):
            raise _broken(filename, f"it names the file {place[:200]!r}, not one in its folder")
    return places


def _broken(filename: Path, why: str) -> RuntimeError:
    return RuntimeError(f"{os.fspath(filename)!r} is not an index of safetensors files: {why}")
