"""Rushlight: torch's programming model in Python, and faster."""

from rushlight import ops
from rushlight.base.dtypes import *
from rushlight.base.dtypes import bool_ as bool, ALIASES, finfo, iinfo, dtype, default_dtype as get_default_dtype, set_default_dtype
from rushlight.base.promotion import can_cast, promote_types

globals().update({path: f for path, f in ops.FUNCTIONS.items() if "." not in path and not path.startswith("_")})
globals().update({d.name: d for d in dtype.by_name.values()}, **ALIASES)
from rushlight.base.device import device
from rushlight.base.shapes import Size
from rushlight.tensor import Tensor
from rushlight.tensor.printing import set_printoptions, get_printoptions, printoptions
from rushlight.tensor.storage import *
from rushlight import autograd
from rushlight.autograd import no_grad, enable_grad, inference_mode, set_grad_enabled, is_grad_enabled
try:
    from rushlight import random
    from rushlight.random import *
except ImportError as e: print("random", e)
try:
    from rushlight import nn
except ImportError as e: print("nn", e)
try:
    from rushlight import optim
except ImportError as e: print("optim", e)
try:
    from rushlight import utils
except ImportError as e: print("utils", e)
