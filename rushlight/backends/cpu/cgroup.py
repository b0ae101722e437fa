"""The limits that a Linux control group sets on this process: CPU time and memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rushlight.base.first_use import Deferred

if TYPE_CHECKING:
    import pathlib

    Place = str | pathlib.Path
else:
    pathlib = Deferred("pathlib", globals())

PROCESS = "/proc/self/cgroup"
ROOT = "/sys/fs/cgroup"


def cpu_quota(process: Place = PROCESS, root: Place = ROOT) -> float | None:
    """Cores' worth of CPU time, the tightest over the group and its parents; None if unlimited."""
    found = []
    for version, folder in _folders("cpu", process, root):
        if version == 2:
            numbers = _numbers(folder / "cpu.max")
        else:
            numbers = (_numbers(folder / "cpu.cfs_quota_us")
                       + _numbers(folder / "cpu.cfs_period_us"))
        if len(numbers) == 2 and min(numbers) > 0:
            found.append(numbers[0] / numbers[1])
    return min(found, default=None)


def memory_limit(process: Place = PROCESS, root: Place = ROOT) -> int | None:
    """Bytes of memory, the tightest over the group and its parents; None if unlimited."""
    found: list[int] = []
    for version, folder in _folders("memory", process, root):
        name = "memory.max" if version == 2 else "memory.limit_in_bytes"
        found += (number for number in _numbers(folder / name) if number > 0)
    return min(found, default=None)


def _folders(controller: str, process: Place, root: Place
             ) -> Iterator[tuple[int, pathlib.Path]]:
    """(cgroup version, folder) of the group of this process and of each parent."""
    if sys.platform != "linux":
        return
    try:
        lines = pathlib.Path(process).read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers == "":
            version, top = 2, pathlib.Path(root)
        elif controller in controllers.split(","):
            version, top = 1, pathlib.Path(root) / controller
        else:
            continue
        folder = top / path.lstrip("/")
        while folder != top and top in folder.parents:
            yield version, folder
            folder = folder.parent
        yield version, top


def _numbers(file: pathlib.Path) -> list[int]:
    """The integers in a file: none for a missing file, and none for the word `max`."""
    try:
        return [int(word) for word in file.read_text().split()]
    except (OSError, ValueError):
        return []
