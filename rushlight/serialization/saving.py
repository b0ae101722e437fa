"""`save`: an object with its tensors, in the format of torch's checkpoints."""

from __future__ import annotations

import io
import os
import pickle
import sys
from typing import IO, Any

from rushlight.serialization.atomic import Path, atomic_file
from rushlight.serialization.legacy_file import write_legacy
from rushlight.serialization.options import without_data
from rushlight.serialization.pickler import Pickler
from rushlight.serialization.zip_file import ALIGNMENT, ZipWriter

PROTOCOL = 2


def save(
    obj: Any,
    f: Path | IO[bytes],
    pickle_module: Any = pickle,
    pickle_protocol: int = PROTOCOL,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Write an object to a file that `load`, and `torch.load`, read.

    Tensors may stand anywhere in lists, tuples, dictionaries and objects; those that share memory
    share it after loading, and their whole memory is written, also where only a part of it is
    looked at. A file on disk is replaced at once, when the new one is complete and synced.

    Args:
        obj: anything that pickle takes. Prefer `state_dict()` to whole modules: `load` reads it
            without running code.
        f: a path, or a file object with `write`.
        pickle_module: only Python's own pickle.
        pickle_protocol: of the pickle inside; torch reads 2.

    Raises:
        RuntimeError: the folder does not exist.
        OSError: the file cannot be written.
        pickle.PicklingError, TypeError, AttributeError: an object that cannot be pickled.

    >>> import io
    >>> import rushlight as rl
    >>> file = io.BytesIO()
    >>> rl.save({"weight": rl.ones(2), "epoch": 3}, file)
    >>> _ = file.seek(0)
    >>> rl.load(file)
    {'weight': tensor([1., 1.]), 'epoch': 3}
    """
    if pickle_module is not pickle:
        raise ValueError(f"pickle_module must be Python's pickle, not {pickle_module!r}: what "
                         "others write, load() could not read without running it")
    write = _write_zip if _use_new_zipfile_serialization else write_legacy
    if isinstance(f, str | os.PathLike):
        folder = os.path.dirname(os.path.abspath(os.fspath(f)))
        if not os.path.isdir(folder):
            raise RuntimeError(f"Parent directory {folder} does not exist.")
        with atomic_file(f) as file:
            write(obj, file, pickle_protocol)
    elif hasattr(f, "write"):
        write(obj, f, pickle_protocol)
    else:
        raise AttributeError("expected 'f' to be string, path, or a file-like object with a "
                             f"'write' attribute, but got {type(f).__name__}")


def _describe(kind: Any, key: str, count: int) -> tuple[Any, ...]:
    return ("storage", kind, key, "cpu", count)


def _write_zip(obj: Any, file: IO[bytes], protocol: int) -> None:
    content = io.BytesIO()
    pickler = Pickler(content, protocol, _describe)
    pickler.dump(obj)
    archive = ZipWriter(file)
    archive.write("archive/data.pkl", content.getbuffer())
    archive.write("archive/.format_version", b"1")
    archive.write("archive/.storage_alignment", str(ALIGNMENT).encode())
    archive.write("archive/byteorder", sys.byteorder.encode())
    for key, memory in pickler.storages.items():
        data = bytes(memory.size) if without_data() else memory.bytes()
        archive.write(f"archive/data/{key}", data)
    archive.write("archive/version", b"3\n")
    archive.close()
