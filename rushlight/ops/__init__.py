"""Declarations: every op once, one file a topic.

Every declared function is a name of this package, under its own name.
"""

from rushlight.families.declaration import DECLARATIONS, FUNCTIONS, PATHS
from rushlight.ops import (
    activation,
    arithmetic,
    attention,
    bitwise,
    comparison,
    convolution,
    copying,
    creation,
    dropout,
    embedding,
    geometry,
    index_select,
    indexing,
    joining,
    loss,
    masking,
    matmul,
    norm,
    normalization,
    pooling,
    positions,
    random,
    random_inplace,
    reduction,
    rounding,
    scatter,
    searching,
    selection,
    softmax,
    take,
    transcendental,
    viewing,
)

TOPICS = (
    activation,
    arithmetic,
    attention,
    bitwise,
    comparison,
    convolution,
    copying,
    creation,
    dropout,
    embedding,
    geometry,
    index_select,
    indexing,
    joining,
    loss,
    masking,
    matmul,
    norm,
    normalization,
    pooling,
    positions,
    random,
    random_inplace,
    reduction,
    rounding,
    scatter,
    searching,
    selection,
    softmax,
    take,
    transcendental,
    viewing,
)


def _last(path: str) -> str:
    return path.rpartition(".")[2]


globals().update({path: function for path, function in FUNCTIONS.items() if "." not in path})
globals().update({_last(path): function for path, function in FUNCTIONS.items()
                  if path.startswith("nn.functional.") and _last(path) not in FUNCTIONS})

__all__ = ["DECLARATIONS", "FUNCTIONS", "PATHS", "TOPICS"]
