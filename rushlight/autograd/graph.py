"""The recorded graph: its nodes."""

from rushlight.engine.node import Node

__all__ = ["Node"]
