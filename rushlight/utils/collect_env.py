"""What a report of an error should say about the machine: `python -m torch.utils.collect_env`."""

from __future__ import annotations

import os
import platform
from importlib import metadata

from rushlight.backends.cpu import features
from rushlight.backends.cpu.onednn import library

__all__ = ["get_pretty_env_info"]


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "missing"


def get_pretty_env_info() -> str:
    """The facts, one a line."""
    packages = ("rushlight", "numpy", "llvmlite", "onednn-cpu-gomp", "safetensors", "pillow")
    lines = [f"{package}: {_version(package)}" for package in packages]
    lines += [f"Python: {platform.python_version()}", f"OS: {platform.platform()}",
              f"Is CUDA available: {False}", f"oneDNN: {library.available()}",
              f"Threads: {features.get_num_threads()} of {os.cpu_count()} cores"]
    return "\n".join(lines)


def main() -> None:
    """Print the facts."""
    print(get_pretty_env_info())


if __name__ == "__main__":
    main()
