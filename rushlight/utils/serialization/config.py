"""What `save` and `load` do unless told otherwise: attributes of `load` and `save` are set.

>>> import rushlight as rl
>>> from rushlight.utils.serialization import config
>>> config.load.mmap = True  # load() maps files that are given by path
>>> config.load.mmap = False
"""

from rushlight.serialization.options import loading as load
from rushlight.serialization.options import saving as save

__all__ = ["load", "save"]
