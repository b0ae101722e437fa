"""Tensors, and containers of them, in files: torch's checkpoints and the safetensors format."""

from rushlight.serialization.atomic import atomic_file
from rushlight.serialization.loading import get_unsafe_globals_in_checkpoint, load
from rushlight.serialization.options import (
    LoadEndianness,
    get_crc32_options,
    get_default_load_endianness,
    get_default_mmap_options,
    set_crc32_options,
    set_default_load_endianness,
    set_default_mmap_options,
    skip_data,
)
from rushlight.serialization.safetensors_file import load_file, load_metadata, save_file
from rushlight.serialization.safetensors_shards import load_sharded
from rushlight.serialization.saving import save
from rushlight.serialization.trusted_globals import (
    add_safe_globals,
    clear_safe_globals,
    get_safe_globals,
    safe_globals,
)

__all__ = [
    "LoadEndianness",
    "add_safe_globals",
    "atomic_file",
    "clear_safe_globals",
    "get_crc32_options",
    "get_default_load_endianness",
    "get_default_mmap_options",
    "get_safe_globals",
    "get_unsafe_globals_in_checkpoint",
    "load",
    "load_file",
    "load_metadata",
    "load_sharded",
    "safe_globals",
    "save",
    "save_file",
    "set_crc32_options",
    "set_default_load_endianness",
    "set_default_mmap_options",
    "skip_data",
]
