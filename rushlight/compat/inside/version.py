"""The versions that programs read: of torch, and none of any graphics library."""

from rushlight.compat.names import VERSIONS

__version__ = VERSIONS["torch"]
cuda: str | None = None
hip: str | None = None
xpu: str | None = None
rocm: str | None = None
debug = False
git_version = "unknown"
