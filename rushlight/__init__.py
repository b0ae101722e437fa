"""Rushlight: torch's programming model in Python, and faster."""

from rushlight import ops

globals().update({k: v for k, v in vars(ops).items() if not k.startswith("_")})
from rushlight.base.dtypes import *
from rushlight.base.dtypes import bool_ as bool, ALIASES, finfo, iinfo, dtype
globals().update({d.name: d for d in dtype.by_name.values()}, **ALIASES)
from rushlight.base.device import device
from rushlight.base.shapes import Size
from rushlight.tensor import Tensor
from rushlight.tensor.printing import set_printoptions, get_printoptions, printoptions
from rushlight.tensor.storage import *
