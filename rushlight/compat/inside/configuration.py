"""`torch.__config__`: how the library was built."""

from __future__ import annotations

from rushlight.backends.cpu import features
from rushlight.utils.collect_env import get_pretty_env_info


def show() -> str:
    """What the library is made of, one fact a line."""
    return "Rushlight, under the name of torch:\n" + get_pretty_env_info()


def parallel_info() -> str:
    """How many threads compute."""
    return f"threads: {features.get_num_threads()} of {features.usable_cores()} usable cores\n"
