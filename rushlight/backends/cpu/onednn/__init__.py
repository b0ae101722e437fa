"""oneDNN, Intel's library of neural-network kernels, through its C interface and ctypes."""

from rushlight.backends.cpu.onednn.library import Unavailable, available, reason, version

__all__ = ["Unavailable", "available", "reason", "version"]
