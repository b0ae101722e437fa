"""A result folder that appears whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rushlight.commands.errors import CommandError


@contextmanager
def result_folder(out: Path) -> Iterator[Path]:
    """Yield an empty folder to write into; on success its files become the files of `out`.

    The folder stands on the same file system as `out`, so publishing is a rename: one for a new
    `out`, one a file where `out` exists (its other files stay). When the block fails or is
    interrupted, nothing is left behind.

    Raises:
        CommandError: `out` cannot be written into; mostly found out before the block runs.
    """
    out = Path(os.path.abspath(out))
    standing = next(path for path in (out, *out.parents) if path.exists() or path.is_symlink())
    if not standing.is_dir():
        raise CommandError(f"cannot write into {out}: {standing} is not a folder")
    try:
        work = Path(tempfile.mkdtemp(prefix=".rushlight-", dir=standing))
    except OSError as error:
        raise CommandError(f"cannot write into {out}: {error.strerror}") from error
    try:
        yield work
        _publish(work, out)
    except OSError as error:
        raise CommandError(f"cannot write into {out}: {error}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _publish(work: Path, out: Path) -> None:
    if out.is_dir():
        for file in sorted(work.iterdir()):
            os.replace(file, out / file.name)
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    mask = os.umask(0)  # there is no way to read it without setting it
    os.umask(mask)
    work.chmod(0o777 & ~mask)  # mkdtemp made it private
    os.rename(work, out)
