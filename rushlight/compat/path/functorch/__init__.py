"""What child processes import as torchvision: it installs the alias, which takes its place."""

import importlib
import sys
from pathlib import Path

_SOURCE = str(Path(__file__).parents[4])  # where rushlight lies, if it is not installed

try:
    from rushlight.compat import install as _install
except ModuleNotFoundError:
    sys.path.append(_SOURCE)
    from rushlight.compat import install as _install

_install()
del sys.modules[__name__]
importlib.import_module(__name__)
