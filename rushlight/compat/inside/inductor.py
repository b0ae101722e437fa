"""`torch._inductor`: settings of a compiler that is not used."""

from rushlight.compat.inside import config

__all__ = ["config"]
