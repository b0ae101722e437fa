"""The checkpoints in a folder: what their names say, which are kept.

The name of a file is all that is known about it without reading it: `step-120.ckpt`, or with the
metric and whether less or more of it is better `step-120_min-0.25.ckpt`. There is no list beside
the files that could differ from them.
"""

from __future__ import annotations

import math
import os
import re
import time
import warnings
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

NAME = re.compile(r"step-(?P<step>\d+)(?:_(?P<mode>min|max)-(?P<metric>[-+.\deinfa]+))?\.ckpt")
PARTIAL = re.compile(r"\.step-\d.*\.ckpt\.\d+\.[0-9a-f]{8}\.partial")
ABANDONED = 3600.0  # seconds after which nobody goes on writing a file


class Entry(NamedTuple):
    """One checkpoint in a folder."""

    step: int
    path: Path
    metric: float | None
    mode: str  # which metric is better: "min", "max"; "" without one


def file_name(step: int, metric: float | None, mode: str) -> str:
    """The name of the file of a checkpoint."""
    return f"step-{step}.ckpt" if metric is None else f"step-{step}_{mode}-{metric!r}.ckpt"


def entries(folder: str | os.PathLike[str]) -> list[Entry]:
    """The checkpoints in a folder, the one of the highest step last; none if there is no folder.

    >>> import rushlight as rl
    >>> rl.checkpoint.entries("no such folder")
    []
    """
    found = []
    try:
        paths = list(Path(folder).iterdir())
    except FileNotFoundError:
        return []
    for path in paths:
        match = NAME.fullmatch(path.name)
        if match is None:
            continue
        with suppress(ValueError, FileNotFoundError):  # another's name, or gone meanwhile
            metric = None if match["metric"] is None else float(match["metric"])
            entry = Entry(int(match["step"]), path, metric, match["mode"] or "")
            found.append((entry.step, path.stat().st_mtime_ns, path.name, entry))
    return [entry for *_, entry in sorted(found)]


def best(candidates: Iterable[Entry]) -> Entry | None:
    """The one with the best metric, the earliest of equals; NaN is never the best."""
    chosen = None
    for entry in candidates:
        if entry.metric is None or math.isnan(entry.metric):
            continue
        if chosen is None or _is_better(entry, chosen):
            chosen = entry
    return chosen


def _is_better(entry: Entry, other: Entry) -> bool:
    assert entry.metric is not None and other.metric is not None
    return entry.metric > other.metric if entry.mode == "max" else entry.metric < other.metric


def prune(folder: Path, written: Path, keep: int | None, keep_best: bool) -> None:
    """Delete all but the one just written, the last `keep` and the best; and what dead processes
    left."""
    found = entries(folder)
    newest = {entry.step: entry.path for entry in found}  # a step that was saved again counts once
    if newest and found[-1].path != written:
        warnings.warn(
            f"{folder} holds a checkpoint of a later step than {written.name}: "
            f"{found[-1].path.name} of another run, which load() will take for the last. Use a "
            "folder for each run",
            stacklevel=3)
    kept = set(newest.values()) if keep is None else set(list(newest.values())[-keep:])
    kept.add(written)
    chosen = best(found) if keep_best else None
    if chosen is not None:
        kept.add(chosen.path)
    for entry in found:
        if entry.path not in kept:
            entry.path.unlink(missing_ok=True)
    for path in folder.iterdir():
        if PARTIAL.fullmatch(path.name):
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > ABANDONED:
                    path.unlink()
