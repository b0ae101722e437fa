"""Switching the alias on and off, for this process and for those that it starts."""

from __future__ import annotations

import os
import sys

from rushlight.compat.class_names import rename_all, restore
from rushlight.compat.finder import FOLDER, Finder
from rushlight.compat.missing import forget
from rushlight.compat.names import ROOTS
from rushlight.compat.root import Root
from rushlight.utils.data import follow_torch

_finder = Finder()


def install() -> None:
    """Make `import torch` and `import torchvision` give Rushlight, here and in child processes.

    To be called before anything imports torch. Every `torch.NAME` is then the `rushlight.NAME`
    itself. An installed torch is passed over. Processes started from now on inherit the alias
    through PYTHONPATH, whichever way they are started. A second call does nothing.

    Raises RuntimeError if the real torch is imported already.

    >>> import rushlight as rl
    >>> from rushlight import compat
    >>> compat.install()
    >>> import torch.nn
    >>> torch.nn is rl.nn
    True
    >>> compat.uninstall()
    """
    for root in ROOTS:
        if root in sys.modules and not isinstance(sys.modules[root], Root) \
                and not _is_stand_in(sys.modules[root]):
            raise RuntimeError(f"{root} is imported already, from "
                               f"{getattr(sys.modules[root], '__file__', 'somewhere')}: call "
                               "rushlight.compat.install() before anything imports it")
    if not installed():
        sys.meta_path.insert(0, _finder)
        rename_all()
    follow_torch(True)
    folder = str(FOLDER)
    if folder not in sys.path:  # spawned processes are given this list
        sys.path.insert(min(1, len(sys.path)), folder)
    paths = os.environ.get("PYTHONPATH", "")
    if folder not in paths.split(os.pathsep):
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (folder, paths)))


def _is_stand_in(module: object) -> bool:
    return str(getattr(module, "__file__", "")).startswith(str(FOLDER))


def installed() -> bool:
    """Whether `import torch` gives Rushlight."""
    return _finder in sys.meta_path


def uninstall() -> None:
    """Undo `install`: the next `import torch` gives the real one, or fails."""
    if not installed():
        return
    sys.meta_path.remove(_finder)
    follow_torch(False)
    forget()
    restore()
    for name in [name for name in sys.modules if name.split(".")[0] in ROOTS]:
        del sys.modules[name]
    folder = str(FOLDER)
    sys.path[:] = [path for path in sys.path if path != folder]
    rest = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path != folder]
    if any(rest):
        os.environ["PYTHONPATH"] = os.pathsep.join(rest)
    else:
        os.environ.pop("PYTHONPATH", None)
