"""`rushlight info`: versions, backends and why others are not used, the CPU, threads."""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import rushlight
from rushlight.backends.cpu import cache, features
from rushlight.backends.cpu.onednn import library as onednn

# Instruction sets that decide which kernels are made, in LLVM's spelling.
NOTED = ("sse4.2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vnni",
         "avx512bf16", "amx-bf16", "neon", "sve")  # fmt: skip
PACKAGES = {
    "numpy": "arrays, and the host backend",
    "llvmlite": "the cpu backend's kernels",
    "onednn-cpu-gomp": "convolution and matrix products on the cpu",
    "ml_dtypes": "bfloat16",
    "safetensors": "saved models",
    "tqdm": "progress bars",
    "matplotlib": "pictures of the demo",
    "pillow": "images of data sets",
}


def add_to(commands: Any) -> None:
    """Add the command `info` to the parser's `commands`."""
    parser = commands.add_parser("info", help="versions, backends, CPU and threads")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Print what Rushlight finds on this machine."""
    print("\n".join(report()))


def report() -> Iterator[str]:
    """Yield the lines of `rushlight info`."""
    yield f"rushlight {rushlight.__version__}  ({Path(rushlight.__file__).parent})"
    yield f"Python {platform.python_version()}, {platform.platform()}"
    yield ""
    yield "Packages"
    for name, purpose in PACKAGES.items():
        yield f"  {name:16} {_version(name):12} {purpose}"
    yield ""
    yield "Backends"
    yield "  host             used         NumPy: every operation, the reference"
    yield f"  cpu: LLVM        {_llvm()}"
    yield f"  cpu: oneDNN      {_onednn()}"
    yield "  meta             used         shapes and dtypes without data"
    yield ""
    yield from _processor()
    threads, cores = features.get_num_threads(), features.usable_cores()
    yield f"  threads          {threads} of {cores} usable cores"
    limit = os.environ.get("OMP_NUM_THREADS")
    yield f"  OMP_NUM_THREADS  {'not set' if limit is None else limit}"
    folder = cache.default_directory()
    yield f"  compiled kernels {folder or 'kept in memory only'}"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "missing"


def _llvm() -> str:
    try:
        version = ".".join(map(str, features.llvm().llvm_version_info))
    except features.Unavailable as error:
        return f"not used     {error}"
    return f"used         LLVM {version}: fused loops compiled at run time"


def _onednn() -> str:
    if not onednn.available():
        return f"not used     {onednn.reason()}"
    return f"used         oneDNN {onednn.version()}: convolution, matrix products"


def _processor() -> Iterator[str]:
    yield "Processor"
    try:
        target = features.target()
    except features.Unavailable:
        yield f"  model            {platform.processor() or platform.machine()}"
        return
    yield f"  model            {target.cpu} ({target.triple})"
    yield f"  instructions     {' '.join(name for name in NOTED if target.has(name))}"
