"""Settings of `save` and `load`: `config`."""

from rushlight.utils.serialization import config

__all__ = ["config"]
