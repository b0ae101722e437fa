"""Tensors, and containers of them, in files: torch's checkpoints and the safetensors format."""

from rushlight.serialization.atomic import atomic_file
from rushlight.serialization.safetensors_file import load_file, load_metadata, save_file

__all__ = ["atomic_file", "load_file", "load_metadata", "save_file"]
