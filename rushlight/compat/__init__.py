"""Programs written for torch, unmodified: `import torch` gives Rushlight.

`rushlight run script.py` starts a program so; `install()` does it in a running one. `names` is the
table of what stands for what, `finder` the import hook.
"""

from rushlight.compat.install import install, installed, uninstall

__all__ = ["install", "installed", "uninstall"]
