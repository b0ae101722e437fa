"""Declarations: every op once, one file a topic.

Every declared function is a name of this package, under its own name.
"""

from rushlight.families.declaration import DECLARATIONS, FUNCTIONS, PATHS
from rushlight.ops import (
    activation,
    arithmetic,
    bitwise,
    comparison,
    copying,
    creation,
    joining,
    loss,
    matmul,
    normalization,
    reduction,
    rounding,
    selection,
    softmax,
    transcendental,
    viewing,
)

TOPICS = (activation, arithmetic, bitwise, comparison, copying, creation, joining, loss, matmul,
          normalization, reduction, rounding, selection, softmax, transcendental, viewing)

globals().update({path: function for path, function in FUNCTIONS.items() if "." not in path})
globals().update({path.rpartition(".")[2]: function for path, function in FUNCTIONS.items()
                  if path.startswith("nn.functional.")
                  and path.rpartition(".")[2] not in FUNCTIONS})

__all__ = ["DECLARATIONS", "FUNCTIONS", "PATHS", "TOPICS"]
