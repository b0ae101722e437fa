"""Where arrays are computed: host (NumPy, the reference), cpu (native code) and meta (shapes).

`cudnn` and `mps` hold the settings and answers that programs written for torch look for.
"""

from rushlight.backends import cudnn, mps

__all__ = ["cudnn", "mps"]
